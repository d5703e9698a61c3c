// SPDX-License-Identifier: Apache-2.0
// systemd: its units and their states, over D-Bus.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { DbusConnection, DbusError } from '../dbus.ts';
import type { DbusValue } from '../dbus-codec.ts';
import type { MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';

const metrics = {
  state: gauge('node_systemd_unit_state', 'Systemd unit', 'name', 'state', 'type'),
  startTime: gauge(
    'node_systemd_unit_start_time_seconds',
    'Start time of the unit since unix epoch in seconds.',
    'name',
  ),
  tasksCurrent: gauge(
    'node_systemd_unit_tasks_current',
    'Current number of tasks per Systemd unit',
    'name',
  ),
  tasksMax: gauge(
    'node_systemd_unit_tasks_max',
    'Maximum number of tasks per Systemd unit',
    'name',
  ),
  running: gauge(
    'node_systemd_system_running',
    "Whether the system is operational (see 'systemctl is-system-running')",
  ),
  units: gauge('node_systemd_units', 'Summary of systemd unit states', 'state'),
  restarts: counter(
    'node_systemd_service_restart_total',
    'Service unit count of Restart triggers',
    'name',
  ),
  lastTrigger: gauge(
    'node_systemd_timer_last_trigger_seconds',
    'Seconds since epoch of last trigger.',
    'name',
  ),
  accepted: counter(
    'node_systemd_socket_accepted_connections_total',
    'Total number of accepted socket connections',
    'name',
  ),
  connections: gauge(
    'node_systemd_socket_current_connections',
    'Current number of socket connections',
    'name',
  ),
  // A gauge by upstream's choice, whatever the name says.
  refused: gauge(
    'node_systemd_socket_refused_connections_total',
    'Total number of refused socket connections',
    'name',
  ),
  version: gauge('node_systemd_version', 'Detected systemd version', 'version'),
  virtualization: gauge(
    'node_systemd_virtualization_info',
    'Detected virtualization technology',
    'virtualization_type',
  ),
} as const;

const states = ['active', 'activating', 'deactivating', 'inactive', 'failed'];

const SERVICE = 'org.freedesktop.systemd1';
const PATH = '/org/freedesktop/systemd1';
const PRIVATE_SOCKET = '/run/systemd/private';
/** SystemState and LastTriggerUSec are there since this version. */
const VERSION_WITH_STATE = 212;
const MICROSECONDS = 1e6;
/** What a 64-bit "not set" or "infinity" becomes. */
const UNSET = 2 ** 64;

interface Unit {
  readonly name: string;
  readonly loadState: string;
  readonly activeState: string;
  readonly path: string;
}

class SystemdManager {
  private readonly bus: DbusConnection;
  private readonly destination: string;

  constructor(bus: DbusConnection, hasBus: boolean) {
    this.bus = bus;
    this.destination = hasBus ? SERVICE : '';
  }

  managerProperty(name: string): Promise<DbusValue> {
    return this.bus.property(this.destination, PATH, `${SERVICE}.Manager`, name);
  }

  /** Undefined when the unit went away, or this systemd does not know the property. */
  async unitProperty(unit: Unit, kind: string, name: string): Promise<DbusValue | undefined> {
    try {
      return await this.bus.property(this.destination, unit.path, `${SERVICE}.${kind}`, name);
    } catch (error) {
      if (error instanceof DbusError) return undefined;
      throw error;
    }
  }

  async units(): Promise<Unit[]> {
    const body = await this.bus.call(this.destination, PATH, `${SERVICE}.Manager`, 'ListUnits');
    return ((body[0] ?? []) as readonly (readonly DbusValue[])[]).map((row) => ({
      name: String(row[0]),
      loadState: String(row[2]),
      activeState: String(row[3]),
      path: String(row[6]),
    }));
  }
}

async function collectState(
  manager: SystemdManager,
  sink: MetricSink,
  unit: Unit,
  restarts: boolean,
): Promise<void> {
  const isService = unit.name.endsWith('.service');
  const kind = isService ? 'Service' : unit.name.endsWith('.mount') ? 'Mount' : '';
  const [type, count] = await Promise.all([
    kind === '' ? undefined : manager.unitProperty(unit, kind, 'Type'),
    isService && restarts ? manager.unitProperty(unit, 'Service', 'NRestarts') : undefined,
  ]);
  for (const state of states)
    sink.add(
      metrics.state,
      state === unit.activeState ? 1 : 0,
      unit.name,
      state,
      String(type ?? ''),
    );
  if (count !== undefined) sink.add(metrics.restarts, Number(count), unit.name);
}

async function collectSocket(manager: SystemdManager, sink: MetricSink, unit: Unit): Promise<void> {
  const of = (name: string): Promise<DbusValue | undefined> =>
    manager.unitProperty(unit, 'Socket', name);
  const values = await Promise.all([of('NAccepted'), of('NConnections'), of('NRefused')]);
  const [accepted, current, refused] = values;
  if (accepted === undefined || current === undefined) return;
  sink.add(metrics.accepted, Number(accepted), unit.name);
  sink.add(metrics.connections, Number(current), unit.name);
  // Since systemd 239.
  if (refused !== undefined) sink.add(metrics.refused, Number(refused), unit.name);
}

async function collectTasks(manager: SystemdManager, sink: MetricSink, unit: Unit): Promise<void> {
  const [current, max] = await Promise.all([
    manager.unitProperty(unit, 'Service', 'TasksCurrent'),
    manager.unitProperty(unit, 'Service', 'TasksMax'),
  ]);
  if (current !== undefined && Number(current) < UNSET)
    sink.add(metrics.tasksCurrent, Number(current), unit.name);
  if (max !== undefined && Number(max) < UNSET) sink.add(metrics.tasksMax, Number(max), unit.name);
}

async function collectTimer(manager: SystemdManager, sink: MetricSink, unit: Unit): Promise<void> {
  const time = await manager.unitProperty(unit, 'Timer', 'LastTriggerUSec');
  if (time !== undefined) sink.add(metrics.lastTrigger, Number(time) / MICROSECONDS, unit.name);
}

async function collectStartTime(
  manager: SystemdManager,
  sink: MetricSink,
  unit: Unit,
): Promise<void> {
  const time =
    unit.activeState === 'active'
      ? await manager.unitProperty(unit, 'Unit', 'ActiveEnterTimestamp')
      : 0;
  if (time !== undefined) sink.add(metrics.startTime, Number(time) / MICROSECONDS, unit.name);
}

async function collectAll(
  context: CollectorContext,
  manager: SystemdManager,
  sink: MetricSink,
): Promise<void> {
  const { units: filter, tasks, restarts, startTime } = context.options.systemd;
  const versionText = String(await manager.managerProperty('Version')).replace(/^"|"$/g, '');
  const version = Number(/[0-9]{3,}(\.[0-9]+)?/.exec(versionText)?.[0] ?? 0);
  sink.add(metrics.version, version, versionText);
  const virtualization = String(await manager.managerProperty('Virtualization'));
  sink.add(metrics.virtualization, 1, virtualization === '' ? 'none' : virtualization);
  const all = await manager.units();
  for (const state of states) {
    const count = all.filter((unit) => unit.activeState === state).length;
    sink.add(metrics.units, count, state);
  }
  const chosen = all.filter((unit) => unit.loadState === 'loaded' && keepsName(filter, unit.name));
  const hasState = version >= VERSION_WITH_STATE;
  const work: Promise<void>[] = [];
  for (const unit of chosen) {
    work.push(collectState(manager, sink, unit, restarts));
    if (startTime) work.push(collectStartTime(manager, sink, unit));
    if (tasks && unit.name.endsWith('.service')) work.push(collectTasks(manager, sink, unit));
    if (hasState && unit.name.endsWith('.timer')) work.push(collectTimer(manager, sink, unit));
    if (unit.name.endsWith('.socket')) work.push(collectSocket(manager, sink, unit));
  }
  await Promise.all(work);
  if (!hasState) return;
  const state = await manager.managerProperty('SystemState');
  sink.add(metrics.running, state === 'running' ? 1 : 0);
}

export function systemd(context: CollectorContext): Collector {
  return async (sink) => {
    const { system, network, options } = context;
    const hasBus = !options.systemd.isPrivate;
    const path = hasBus ? options.systemBusPath : PRIVATE_SOCKET;
    const bus = await DbusConnection.open(network, path, system.userId, hasBus);
    try {
      await collectAll(context, new SystemdManager(bus, hasBus), sink);
    } finally {
      bus.close();
    }
  };
}
