// SPDX-License-Identifier: Apache-2.0
// netdev: what network devices count.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { FileError } from '../../base/index.ts';
import type { MetricSink } from '../sink.ts';
import { counter } from '../sink.ts';
import { decimal, eachLine, fields } from '../text.ts';

/** The columns of /proc/net/dev, as the kernel has printed them for decades. */
const receiveColumns = [
  'bytes',
  'packets',
  'errs',
  'drop',
  'fifo',
  'frame',
  'compressed',
  'multicast',
];
const transmitColumns = [
  'bytes',
  'packets',
  'errs',
  'drop',
  'fifo',
  'colls',
  'carrier',
  'compressed',
];

/** Names of the same columns when detailed metrics are asked for. */
const detailedNames: Readonly<Record<string, string>> = {
  receive_errs: 'receive_errors',
  receive_drop: 'receive_dropped',
  receive_fifo: 'receive_fifo_errors',
  receive_frame: 'receive_frame_errors',
  receive_multicast: 'multicast',
  transmit_errs: 'transmit_errors',
  transmit_drop: 'transmit_dropped',
  transmit_fifo: 'transmit_fifo_errors',
  transmit_colls: 'collisions',
  transmit_carrier: 'transmit_carrier_errors',
};

/** Where device counters are read; upstream asks the kernel over netlink by default. */
interface DeviceSource {
  readonly procfs: string;
  /** Set where counters are wanted that /proc/net/dev has no column for. */
  readonly sysfs: string | undefined;
}

/**
 * Netlink answers for the exporter's own network namespace whatever the path flags say; so do the
 * kernel's own /proc and /sys. Without netlink, upstream reads what `--path.procfs` points to.
 */
const sourceOf = (context: CollectorContext): DeviceSource =>
  context.options.netdev.netlink
    ? { procfs: '/proc', sysfs: '/sys' }
    : { procfs: context.paths.procfs, sysfs: undefined };

/** Packets for which nobody listened; undefined for devices that do not count them. */
function noHandlerCount(
  context: CollectorContext,
  sysfs: string,
  device: string,
): number | undefined {
  try {
    const path = `${sysfs}/class/net/${device}/statistics/rx_nohandler`;
    return decimal(context.files.readTextSync(path).trim(), path);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

function collectDevice(
  context: CollectorContext,
  sink: MetricSink,
  device: string,
  counters: readonly string[],
): void {
  const emit = (direction: string, column: string, value: number): void => {
    const plain = `${direction}_${column}`;
    const name = context.options.netdev.detailed ? (detailedNames[plain] ?? plain) : plain;
    const to = counter(`node_network_${name}_total`, `Network device statistic ${name}.`, 'device');
    sink.add(to, value, device);
  };
  const of = (i: number): number => decimal(counters[i], `net/dev of ${device}`);
  receiveColumns.forEach((column, i) => {
    emit('receive', column, of(i));
  });
  transmitColumns.forEach((column, i) => {
    emit('transmit', column, of(receiveColumns.length + i));
  });
  const { sysfs } = sourceOf(context);
  const noHandler = sysfs === undefined ? undefined : noHandlerCount(context, sysfs, device);
  if (noHandler !== undefined) emit('receive', 'nohandler', noHandler);
}

export function netdev(context: CollectorContext): Collector {
  return (sink) => {
    const text = context.files.readTextSync(`${sourceOf(context).procfs}/net/dev`);
    eachLine(text, (line) => {
      const colon = line.lastIndexOf(':');
      if (colon < 0) return;
      const device = line.slice(0, colon).trim();
      if (!keepsName(context.options.netdev.devices, device)) return;
      collectDevice(context, sink, device, fields(line.slice(colon + 1)));
    });
  };
}
