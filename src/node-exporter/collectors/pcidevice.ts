// SPDX-License-Identifier: Apache-2.0
// pcidevice: devices on the PCI bus.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { ifReadable, listSysIfThere, readSysLine, sysNumberIfAny } from '../source.ts';
import { decimalIfAny, hexadecimal } from '../text.ts';
import type { PciIds } from './pci-ids.ts';
import { parsePciIds, pciNames } from './pci-ids.ts';

const place = ['bus', 'device', 'function', 'segment'] as const;
const deviceGauge = (name: string, help: string) => gauge(`node_pcidevice_${name}`, help, ...place);

const maxSpeed = deviceGauge(
  'max_link_transfers_per_second',
  "Value of maximum link's transfers per second (T/s)",
);
const currentSpeed = deviceGauge(
  'current_link_transfers_per_second',
  "Value of current link's transfers per second (T/s)",
);
/** File, metric, and the value where there is no such file (undefined: no metric then). */
const numbers = [
  [
    'max_link_width',
    deviceGauge('max_link_width', "Value of maximum link's width (number of lanes)"),
    -1,
  ],
  [
    'current_link_width',
    deviceGauge('current_link_width', "Value of current link's width (number of lanes)"),
    -1,
  ],
  [
    'd3cold_allowed',
    deviceGauge('d3cold_allowed', 'Whether the PCIe device supports D3cold power state (0/1).'),
    0,
  ],
  [
    'sriov_drivers_autoprobe',
    deviceGauge(
      'sriov_drivers_autoprobe',
      'Whether SR-IOV drivers autoprobe is enabled for the device (0/1).',
    ),
    0,
  ],
  [
    'sriov_numvfs',
    deviceGauge('sriov_numvfs', 'Number of Virtual Functions (VFs) currently enabled for SR-IOV.'),
    0,
  ],
  [
    'sriov_totalvfs',
    deviceGauge(
      'sriov_totalvfs',
      'Total number of Virtual Functions (VFs) supported by the device.',
    ),
    0,
  ],
  [
    'sriov_vf_total_msix',
    deviceGauge('sriov_vf_total_msix', 'Total number of MSI-X vectors for Virtual Functions.'),
    0,
  ],
] as const;
const numaNode = deviceGauge(
  'numa_node',
  'NUMA node number for the PCI device. -1 indicates unknown or not available.',
);
const powerState = gauge(
  'node_pcidevice_power_state',
  'PCIe device power state, one of: D0, D1, D2, D3hot, D3cold, unknown or error.',
  ...place,
  'state',
);
const powerStates = ['D0', 'D1', 'D2', 'D3hot', 'D3cold', 'unknown', 'error'];

/** Segment, bus, device and function of `0000:45:00.0`. */
const LOCATION = /^([0-9a-f]{4,}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/;
type Location = readonly [segment: string, bus: string, device: string, func: string];

function locationOf(name: string): Location | undefined {
  const match = LOCATION.exec(name);
  return match === null ? undefined : [match[1]!, match[2]!, match[3]!, match[4]!];
}

/** The bridge above a device, from where its directory lies. */
function parentOf(context: CollectorContext, name: string): Location {
  const path = ifReadable(() =>
    context.files.realPathSync(`${context.paths.sysfs}/bus/pci/devices/${name}`),
  );
  return locationOf(path?.split('/').at(-2) ?? '') ?? ['*', '*', '*', '*'];
}

function collectInfo(
  context: CollectorContext,
  sink: MetricSink,
  name: string,
  location: Location,
  ids: PciIds | undefined,
): void {
  const base = `bus/pci/devices/${name}`;
  const id = (file: string, digits: number): string => {
    const value = hexadecimal(readSysLine(context, `${base}/${file}`) ?? '0', `${base}/${file}`);
    return `0x${value.toString(16).padStart(digits, '0')}`;
  };
  const parent = parentOf(context, name);
  const labels: Record<string, string> = {
    segment: location[0],
    bus: location[1],
    device: location[2],
    function: location[3],
    parent_segment: parent[0],
    parent_bus: parent[1],
    parent_device: parent[2],
    parent_function: parent[3],
    class_id: id('class', 6),
    vendor_id: id('vendor', 4),
    device_id: id('device', 4),
    subsystem_vendor_id: id('subsystem_vendor', 4),
    subsystem_device_id: id('subsystem_device', 4),
    revision: id('revision', 2),
  };
  if (ids !== undefined) Object.assign(labels, pciNames(ids, labels));
  const names = Object.keys(labels).sort((a, b) => (a < b ? -1 : 1));
  const to = gauge(
    'node_pcidevice_info',
    'Non-numeric data from /sys/bus/pci/devices/<location>, value is always 1.',
    ...names,
  );
  sink.add(to, 1, ...names.map((label) => labels[label] ?? ''));
}

function collectDevice(context: CollectorContext, sink: MetricSink, name: string): void {
  const location = locationOf(name);
  if (location === undefined) return;
  const base = `bus/pci/devices/${name}`;
  const labels = [location[1], location[2], location[3], location[0]] as const;
  // `8.0 GT/s PCIe`, or `Unknown`
  const speed = (file: string): number => {
    const value = decimalIfAny(readSysLine(context, `${base}/${file}`)?.split(' ')[0]);
    return value === undefined ? -1 : value * 1e9;
  };
  sink.add(maxSpeed, speed('max_link_speed'), ...labels);
  sink.add(currentSpeed, speed('current_link_speed'), ...labels);
  for (const [file, to, missing] of numbers)
    sink.add(to, sysNumberIfAny(context, `${base}/${file}`) ?? missing, ...labels);
  const node = sysNumberIfAny(context, `${base}/numa_node`) ?? -1;
  if (node !== -1) sink.add(numaNode, node, ...labels);
  const current = readSysLine(context, `${base}/power_state`);
  if (current === undefined) return;
  for (const state of powerStates)
    sink.add(powerState, state === current ? 1 : 0, ...labels, state);
}

const idsPaths = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'];

/** The database of names, read once; empty where there is none. */
function loadIds(context: CollectorContext): PciIds {
  const { idsFile } = context.options.pcidevice;
  for (const path of idsFile === '' ? idsPaths : [idsFile]) {
    const text = ifReadable(() => context.files.readTextSync(path));
    if (text !== undefined) return parsePciIds(text);
  }
  context.logger.debug('Failed to open PCI IDs file', { file: idsFile });
  return parsePciIds('');
}

export function pcidevice(context: CollectorContext): Collector {
  let ids: PciIds | undefined;
  return (sink) => {
    if (context.options.pcidevice.names) ids ??= loadIds(context);
    for (const name of listSysIfThere(context, 'bus/pci/devices')) {
      const location = locationOf(name);
      if (location === undefined) continue;
      collectInfo(context, sink, name, location, ids);
      collectDevice(context, sink, name);
    }
  };
}
