// SPDX-License-Identifier: Apache-2.0
// logind: sessions of people, asked from systemd-logind over D-Bus.

import type { Collector, CollectorContext } from '../collector.ts';
import { DbusConnection, DbusError } from '../dbus.ts';
import type { DbusValue } from '../dbus-codec.ts';
import { gauge } from '../sink.ts';

const sessionsMetric = gauge(
  'node_logind_sessions',
  'Number of sessions registered in logind.',
  'class',
  'remote',
  'seat',
  'type',
);

/** Every combination of these has a series; what is not among them counts as "other". */
const remotes = ['true', 'false'];
const types = ['other', 'unspecified', 'tty', 'x11', 'wayland', 'mir', 'web'];
const classes = ['other', 'user', 'greeter', 'lock-screen', 'background'];

const SERVICE = 'org.freedesktop.login1';
const PATH = '/org/freedesktop/login1';

const knownOr = (value: DbusValue, known: readonly string[]): string =>
  known.includes(String(value)) ? String(value) : 'other';

/** Rows of an answer whose only value is an array of structures. */
const rowsOf = (body: readonly DbusValue[]): readonly (readonly DbusValue[])[] =>
  (body[0] ?? []) as readonly (readonly DbusValue[])[];

/** Session keys `class remote seat type`, one for each session that did not end meanwhile. */
async function sessionKeys(bus: DbusConnection): Promise<string[]> {
  const rows = rowsOf(await bus.call(SERVICE, PATH, `${SERVICE}.Manager`, 'ListSessions'));
  const keys = await Promise.all(
    rows.map(async (row) => {
      const [seat, path] = [String(row[3] ?? ''), String(row[4] ?? '')];
      const of = (name: string): Promise<DbusValue> =>
        bus.property(SERVICE, path, `${SERVICE}.Session`, name);
      try {
        const [remote, type, kind] = await Promise.all([of('Remote'), of('Type'), of('Class')]);
        return [knownOr(kind, classes), String(remote), seat, knownOr(type, types)].join('\n');
      } catch (error) {
        if (error instanceof DbusError) return undefined;
        throw error;
      }
    }),
  );
  return keys.filter((key) => key !== undefined);
}

export function logind(context: CollectorContext): Collector {
  return async (sink) => {
    const { system, network, options } = context;
    const bus = await DbusConnection.open(network, options.systemBusPath, system.userId, true);
    try {
      const seatRows = rowsOf(await bus.call(SERVICE, PATH, `${SERVICE}.Manager`, 'ListSeats'));
      // Sessions over the network have no seat.
      const seats = [...seatRows.map((row) => String(row[0] ?? '')), ''];
      const counts = new Map<string, number>();
      for (const key of await sessionKeys(bus)) counts.set(key, (counts.get(key) ?? 0) + 1);
      for (const remote of remotes)
        for (const type of types)
          for (const kind of classes)
            for (const seat of seats) {
              const count = counts.get([kind, remote, seat, type].join('\n')) ?? 0;
              sink.add(sessionsMetric, count, kind, remote, seat, type);
            }
    } finally {
      bus.close();
    }
  };
}
