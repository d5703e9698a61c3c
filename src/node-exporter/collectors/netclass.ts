// SPDX-License-Identifier: Apache-2.0
// netclass: properties of network devices.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { BYTES_PER_MEGABIT, property, speedBytes, up } from './netclass-metrics.ts';
import { collectLinks } from './netclass-netlink.ts';
import { listSysIfThere, readSysLine } from '../source.ts';
import { decimalIfAny, hexadecimal } from '../text.ts';

const info = gauge(
  'node_network_info',
  'Non-numeric data from /sys/class/net/<iface>, value is always 1.',
  'address',
  'adminstate',
  'broadcast',
  'device',
  'duplex',
  'ifalias',
  'operstate',
);

/** File below the device and what it becomes. */
const properties: readonly (readonly [file: string, Descriptor])[] = [
  ['addr_assign_type', property('address_assign_type')],
  ['carrier', property('carrier')],
  ['carrier_changes', property('carrier_changes_total', counter)],
  ['carrier_up_count', property('carrier_up_changes_total', counter)],
  ['carrier_down_count', property('carrier_down_changes_total', counter)],
  ['dev_id', property('device_id')],
  ['dormant', property('dormant')],
  ['flags', property('flags')],
  ['ifindex', property('iface_id')],
  ['iflink', property('iface_link')],
  ['link_mode', property('iface_link_mode')],
  ['mtu', property('mtu_bytes')],
  ['name_assign_type', property('name_assign_type')],
  ['netdev_group', property('net_dev_group')],
  ['tx_queue_len', property('transmit_queue_length')],
  ['type', property('protocol_type')],
];

/** IFF_UP of <linux/if.h>. */
const FLAG_UP = 1;

/** Decimal, or hexadecimal with its prefix. */
function numberOf(text: string): number | undefined {
  return text.startsWith('0x') ? hexadecimal(text, 'a network property') : decimalIfAny(text);
}

function adminState(flags: string | undefined): string {
  const value = flags === undefined ? undefined : numberOf(flags);
  if (value === undefined) return 'unknown';
  return (value & FLAG_UP) === FLAG_UP ? 'up' : 'down';
}

function collectDevice(context: CollectorContext, sink: MetricSink, device: string): void {
  const of = (file: string): string | undefined =>
    readSysLine(context, `class/net/${device}/${file}`);
  const state = of('operstate') ?? '';
  sink.add(up, state === 'up' ? 1 : 0, device);
  const texts = new Map(properties.map(([file]) => [file, of(file)]));
  sink.add(
    info,
    1,
    of('address') ?? '',
    adminState(texts.get('flags')),
    of('broadcast') ?? '',
    device,
    of('duplex') ?? '',
    of('ifalias') ?? '',
    state,
  );
  for (const [file, to] of properties) {
    const text = texts.get(file);
    const value = text === undefined ? undefined : numberOf(text);
    if (value !== undefined) sink.add(to, value, device);
  }
  // Some devices are never asked for their speed, others answer -1.
  const speed = decimalIfAny(of('speed'));
  if (speed !== undefined && (speed >= 0 || !context.options.netclass.ignoreInvalidSpeed))
    sink.add(speedBytes, speed * BYTES_PER_MEGABIT, device);
}

export function netclass(context: CollectorContext): Collector {
  const { ignored, netlink } = context.options.netclass;
  return (sink) => {
    const { calls } = context.system;
    // Without the system call sysfs says the same.
    if (netlink && calls !== undefined) {
      collectLinks(context, calls, sink);
      return;
    }
    for (const device of listSysIfThere(context, 'class/net')) {
      if (ignored?.test(device) === true) continue;
      // bonding_masters lies among the devices.
      if (!context.files.statSync(`${context.paths.sysfs}/class/net/${device}`).isDirectory)
        continue;
      collectDevice(context, sink, device);
    }
  };
}
