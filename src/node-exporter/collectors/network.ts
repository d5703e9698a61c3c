// SPDX-License-Identifier: Apache-2.0
// netdev, netstat, sockstat: devices, protocol counters and sockets.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { FileError } from '../../base/index.ts';
import type { MetricSink } from '../sink.ts';
import { decimal, eachLine, fields, metricName, readProc, SourceError } from '../text.ts';

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
    sink.counter(`node_network_${name}_total`, `Network device statistic ${name}.`, value, [
      ['device', device],
    ]);
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

/** Pairs of lines `Proto: name …` and `Proto: value …`. */
function eachNetstat(
  text: string,
  file: string,
  visit: (protocol: string, name: string, value: string) => void,
): void {
  let names: string[] | undefined;
  eachLine(text, (line) => {
    const parts = fields(line);
    if (names === undefined) {
      names = parts;
      return;
    }
    if (names.length !== parts.length || names[0] !== parts[0]) {
      throw new SourceError(
        `mismatch field count or protocol in ${file}: ${JSON.stringify(parts[0])}`,
      );
    }
    const protocol = (parts[0] ?? '').replace(':', '');
    for (let i = 1; i < parts.length; i++) visit(protocol, names[i]!, parts[i]!);
    names = undefined;
  });
}

/** Lines `Ip6InReceives   0`: the protocol is what comes before the 6, with it. */
function eachSnmp6(
  text: string,
  visit: (protocol: string, name: string, value: string) => void,
): void {
  eachLine(text, (line) => {
    const [name = '', value] = fields(line);
    const six = name.indexOf('6');
    if (six < 0 || value === undefined) return;
    visit(name.slice(0, six + 1), name.slice(six + 1), value);
  });
}

export function netstat(context: CollectorContext): Collector {
  return (sink) => {
    const visit = (protocol: string, name: string, value: string): void => {
      const key = `${protocol}_${name}`;
      if (!context.options.netstatFields.test(key)) return;
      sink.untyped(
        `node_netstat_${key}`,
        `Statistic ${protocol}${name}.`,
        decimal(value, `netstat ${key}`),
      );
    };
    eachNetstat(readProc(context, 'net/netstat'), 'net/netstat', visit);
    eachNetstat(readProc(context, 'net/snmp'), 'net/snmp', visit);
    const snmp6 = readOptional(context, 'net/snmp6');
    if (snmp6 !== undefined) eachSnmp6(snmp6, visit);
  };
}

/** A file that kernels without IPv6 do not have. */
function readOptional(context: CollectorContext, path: string): string | undefined {
  try {
    return readProc(context, path);
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `TCP: inuse 4 orphan 0 …` → node_sockstat_TCP_inuse and so on; memory is counted in pages. */
function collectSockets(context: CollectorContext, sink: MetricSink, text: string): void {
  eachLine(text, (line) => {
    const [head = '', ...pairs] = fields(line);
    const protocol = head.replace(':', '');
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const name = pairs[i]!;
      const value = decimal(pairs[i + 1], `sockstat ${protocol} ${name}`);
      const emit = (suffix: string, amount: number): void =>
        sink.gauge(
          `node_sockstat_${metricName(protocol)}_${suffix}`,
          `Number of ${protocol} sockets in state ${suffix}.`,
          amount,
        );
      if (protocol === 'sockets' && name === 'used') {
        sink.gauge('node_sockstat_sockets_used', 'Number of IPv4 sockets in use.', value);
        continue;
      }
      emit(name, value);
      if (name === 'mem') emit('mem_bytes', value * context.system.pageBytes);
    }
  });
}

export function sockstat(context: CollectorContext): Collector {
  return (sink) => {
    for (const file of ['net/sockstat', 'net/sockstat6']) {
      const text = readOptional(context, file);
      if (text !== undefined) collectSockets(context, sink, text);
    }
  };
}
