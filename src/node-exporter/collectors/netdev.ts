// SPDX-License-Identifier: Apache-2.0
// netdev: what network devices count, from netlink or from /proc/net/dev.

import type { SystemCalls } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { listLinks, unsigned64 } from '../netlink.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { ifReadable } from '../source.ts';
import { decimal, decimalIfAny, eachLine, fields } from '../text.ts';

/** Counters of one device by their detailed name, without `_total`. */
type Counters = Map<string, number>;

/** `struct rtnl_link_stats64`, in the kernel's order. */
export const linkStatistics = [
  ...['receive_packets', 'transmit_packets', 'receive_bytes', 'transmit_bytes'],
  ...['receive_errors', 'transmit_errors', 'receive_dropped', 'transmit_dropped', 'multicast'],
  ...['collisions', 'receive_length_errors', 'receive_over_errors', 'receive_crc_errors'],
  ...['receive_frame_errors', 'receive_fifo_errors', 'receive_missed_errors'],
  ...['transmit_aborted_errors', 'transmit_carrier_errors', 'transmit_fifo_errors'],
  ...['transmit_heartbeat_errors', 'transmit_window_errors', 'receive_compressed'],
  ...['transmit_compressed', 'receive_nohandler'],
];

/** Names from before there were detailed ones: those of /proc/net/dev, sums of what is now told apart. */
const legacySums: Readonly<Record<string, readonly string[]>> = {
  receive_errs: ['receive_errors'],
  receive_drop: ['receive_dropped', 'receive_missed_errors'],
  receive_fifo: ['receive_fifo_errors'],
  receive_frame: [
    'receive_length_errors',
    'receive_over_errors',
    'receive_crc_errors',
    'receive_frame_errors',
  ],
  receive_multicast: ['multicast'],
  transmit_errs: ['transmit_errors'],
  transmit_drop: ['transmit_dropped'],
  transmit_fifo: ['transmit_fifo_errors'],
  transmit_colls: ['collisions'],
  transmit_carrier: [
    'transmit_aborted_errors',
    'transmit_carrier_errors',
    'transmit_heartbeat_errors',
    'transmit_window_errors',
  ],
};
const partsOfSums: ReadonlySet<string> = new Set(Object.values(legacySums).flat());

/** Columns of /proc/net/dev, in the names they have above. */
const procColumns = [
  ...['receive_bytes', 'receive_packets', 'receive_errors', 'receive_dropped'],
  ...['receive_fifo_errors', 'receive_frame_errors', 'receive_compressed', 'multicast'],
  ...['transmit_bytes', 'transmit_packets', 'transmit_errors', 'transmit_dropped'],
  ...['transmit_fifo_errors', 'collisions', 'transmit_carrier_errors', 'transmit_compressed'],
];

function legacy(counters: Counters): Counters {
  const named: Counters = new Map();
  for (const [name, value] of counters) if (!partsOfSums.has(name)) named.set(name, value);
  for (const [name, parts] of Object.entries(legacySums))
    named.set(
      name,
      parts.reduce((sum, part) => sum + (counters.get(part) ?? 0), 0),
    );
  return named;
}

interface Device {
  readonly name: string;
  readonly alias: string;
  readonly counters: Counters;
}

function netlinkDevices(calls: SystemCalls, wanted: (name: string) => boolean): Device[] {
  const devices: Device[] = [];
  for (const { name, alias, statistics } of listLinks(calls)) {
    if (statistics === undefined || !wanted(name)) continue;
    const counters: Counters = new Map();
    linkStatistics.forEach((counterName, i) => {
      // Older kernels know fewer counters.
      if (8 * i + 8 <= statistics.byteLength)
        counters.set(counterName, unsigned64(statistics, 8 * i));
    });
    devices.push({ name, alias, counters });
  }
  return devices;
}

function procDevices(
  context: CollectorContext,
  procfs: string,
  wanted: (name: string) => boolean,
): Device[] {
  const devices: Device[] = [];
  eachLine(context.files.readTextSync(`${procfs}/net/dev`), (line) => {
    const colon = line.lastIndexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    if (colon < 0 || !wanted(name)) return;
    const numbers = fields(line.slice(colon + 1));
    const counters: Counters = new Map(
      procColumns.map((column, i) => [column, decimal(numbers[i], `net/dev of ${name}`)]),
    );
    devices.push({ name, alias: aliasOf(context, name), counters });
  });
  return devices;
}

const aliasOf = (context: CollectorContext, device: string): string =>
  context.options.netdev.labelIfalias
    ? (ifReadable(() =>
        context.files.readTextSync(`${context.paths.sysfs}/class/net/${device}/ifalias`).trim(),
      ) ?? '')
    : '';

/**
 * Without the system call, the kernel's own files say the same: those of this network namespace, whatever
 * the path flags are, because that is what netlink answers for.
 */
function devicesOf(context: CollectorContext, wanted: (name: string) => boolean): Device[] {
  if (!context.options.netdev.netlink) return procDevices(context, context.paths.procfs, wanted);
  const { calls } = context.system;
  if (calls !== undefined) return netlinkDevices(calls, wanted);
  const devices = procDevices(context, '/proc', wanted);
  for (const { name, counters } of devices) {
    const path = `/sys/class/net/${name}/statistics/rx_nohandler`;
    const text = ifReadable(() => context.files.readTextSync(path).trim());
    const count = decimalIfAny(text);
    if (count !== undefined) counters.set('receive_nohandler', count);
  }
  return devices;
}

const addressInfo = gauge(
  'node_network_address_info',
  'node network address by device',
  'address',
  'device',
  'netmask',
  'scope',
);

/** Scope as Go's net package tells it from the address. */
function scopeOf(address: string): string {
  const lower = address.toLowerCase();
  if (/^fe[89ab]/.test(lower) || lower.startsWith('169.254.')) return 'link-local';
  if (lower.startsWith('ff01')) return 'interface-local';
  return lower === '::1' || lower.startsWith('127.') ? '' : 'global';
}

function collectAddresses(
  context: CollectorContext,
  sink: MetricSink,
  wanted: (name: string) => boolean,
): void {
  for (const { device, address, prefixLength } of context.system.interfaceAddresses())
    if (wanted(device))
      sink.add(addressInfo, 1, address, device, String(prefixLength), scopeOf(address));
}

export function netdev(context: CollectorContext): Collector {
  const {
    devices: filter,
    detailed,
    labelIfalias,
    addressInfo: addresses,
  } = context.options.netdev;
  const labelNames = labelIfalias ? ['device', 'ifalias'] : ['device'];
  const known = new Map<string, Descriptor>();
  const descriptorOf = (name: string): Descriptor => {
    let to = known.get(name);
    if (to === undefined) {
      const help = `Network device statistic ${name}.`;
      to = counter(`node_network_${name}_total`, help, ...labelNames);
      known.set(name, to);
    }
    return to;
  };
  const wanted = (name: string): boolean => keepsName(filter, name);
  return (sink) => {
    for (const { name, alias, counters } of devicesOf(context, wanted)) {
      for (const [metric, value] of detailed ? counters : legacy(counters)) {
        if (labelIfalias) sink.add(descriptorOf(metric), value, name, alias);
        else sink.add(descriptorOf(metric), value, name);
      }
    }
    if (addresses) collectAddresses(context, sink, wanted);
  };
}
