// SPDX-License-Identifier: Apache-2.0
// mountstats: what the NFS client counts for each mount.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';
import {
  age,
  byteColumns,
  eventColumns,
  mountpointInfo,
  operationColumns,
  transportMetrics,
} from './mountstats-metrics.ts';

interface Mount {
  readonly device: string;
  readonly mountPoint: string;
  readonly options: Map<string, string>;
  ageSeconds: number;
  bytes: number[];
  events: number[];
  readonly transports: { readonly protocol: string; readonly numbers: number[] }[];
  readonly operations: { readonly name: string; readonly numbers: number[] }[];
}

const LIMB = 2 ** 27;
const HIGH_LIMB = 2 ** 26;

/**
 * A 64-bit decimal modulo 2^53: upstream keeps what a float holds exactly, so that a sum that went below
 * zero does not become a huge one. @throws SourceError
 */
export function decimalModulo53(text: string, what: string): number {
  let high = 0;
  let low = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return decimal(text, what);
    low = low * 10 + digit;
    high = (high * 10 + Math.floor(low / LIMB)) % HIGH_LIMB;
    low %= LIMB;
  }
  return high * LIMB + low;
}

const numbersOf = (words: readonly string[], what: string): number[] =>
  words.map((word) => decimalModulo53(word, what));

function startMount(parts: readonly string[]): Mount | undefined {
  // device SERVER:PATH mounted on POINT with fstype nfs4 statvers=1.1
  const fsType = parts[7] ?? '';
  if (fsType !== 'nfs' && fsType !== 'nfs4') return undefined;
  return {
    device: parts[1]!,
    mountPoint: parts[4]!,
    options: new Map(),
    ageSeconds: 0,
    bytes: [],
    events: [],
    transports: [],
    operations: [],
  };
}

function readStatistic(mount: Mount, parts: readonly string[]): void {
  const [key = '', ...rest] = parts;
  if (key === 'opts:') {
    for (const option of (rest[0] ?? '').split(',')) {
      const equals = option.indexOf('=');
      if (equals > 0) mount.options.set(option.slice(0, equals), option.slice(equals + 1));
    }
  } else if (key === 'age:') mount.ageSeconds = decimal(rest[0], 'mountstats age');
  else if (key === 'bytes:') mount.bytes = numbersOf(rest, 'mountstats bytes');
  else if (key === 'events:') mount.events = numbersOf(rest, 'mountstats events');
  else if (key === 'xprt:') {
    const numbers = numbersOf(rest.slice(1), 'mountstats xprt');
    mount.transports.push({ protocol: rest[0] ?? '', numbers });
  } else if (
    key.endsWith(':') &&
    rest.length >= operationColumns.length &&
    key === key.toUpperCase()
  )
    mount.operations.push({
      name: key.slice(0, -1),
      numbers: numbersOf(rest, `mountstats ${key}`),
    });
}

function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  let current: Mount | undefined;
  eachLine(text, (line) => {
    const parts = fields(line);
    if (parts[0] === 'device') {
      if (parts.length < 8)
        throw new SourceError(`unexpected line in mountstats: ${JSON.stringify(line)}`);
      current = startMount(parts);
      if (current !== undefined) mounts.push(current);
    } else if (current !== undefined) readStatistic(current, parts);
  });
  return mounts;
}

/** UDP has no connections: the columns that are about them are missing in its line. */
function collectTransport(
  sink: MetricSink,
  labels: readonly [exportName: string, address: string, protocol: string],
  numbers: readonly number[],
  index: string,
): void {
  const isUdp = labels[2] === 'udp';
  const at = (tcp: number, udp: number): number => numbers[isUdp ? udp : tcp] ?? 0;
  const m = transportMetrics;
  sink.add(m.bind, at(1, 1), ...labels, index);
  sink.add(m.connect, isUdp ? 0 : at(2, 2), ...labels, index);
  sink.add(m.idleTime, isUdp ? 0 : at(4, 4), ...labels, index);
  sink.add(m.sends, at(5, 2), ...labels, index);
  sink.add(m.receives, at(6, 3), ...labels, index);
  sink.add(m.badTransactionIds, at(7, 4), ...labels, index);
  sink.add(m.backlogQueue, at(9, 6), ...labels, index);
  sink.add(m.maximumRpcSlots, at(10, 7), ...labels, index);
  sink.add(m.sendingQueue, at(11, 8), ...labels, index);
  sink.add(m.pendingQueue, at(12, 9), ...labels, index);
}

function collectMount(sink: MetricSink, mount: Mount, address: string, protocol: string): void {
  const labels = [mount.device, address, protocol] as const;
  sink.add(age, mount.ageSeconds, ...labels);
  byteColumns.forEach((to, i) => {
    sink.add(to, mount.bytes[i] ?? 0, ...labels);
  });
  eventColumns.forEach((to, i) => {
    if (to !== undefined) sink.add(to, mount.events[i] ?? 0, ...labels);
  });
  mount.transports.forEach(({ numbers }, i) => {
    collectTransport(sink, labels, numbers, String(i));
  });
  for (const { name, numbers } of mount.operations) {
    operationColumns.forEach(([to, divisor], i) => {
      sink.add(to, numbers[i]! / divisor, mount.device, address, name, protocol);
    });
  }
}

/** The same export mounted twice over the same transport shares its counters: they are given once. */
export function mountstats(context: CollectorContext): Collector {
  return (sink) => {
    const seen = new Set<string>();
    const seenPoints = new Set<string>();
    for (const mount of parseMounts(readProc(context, 'self/mountstats'))) {
      const address = mount.options.get('mountaddr') ?? mount.options.get('addr') ?? '';
      const host = address === '' ? mount.device.slice(0, mount.device.lastIndexOf(':')) : address;
      const protocol = mount.transports[0]?.protocol ?? mount.options.get('proto') ?? '';
      const key = `${mount.device} ${host} ${protocol}`;
      const pointKey = `${key} ${mount.mountPoint}`;
      if (!seenPoints.has(pointKey))
        sink.add(mountpointInfo, 1, mount.device, host, mount.mountPoint, protocol);
      seenPoints.add(pointKey);
      if (seen.has(key)) continue;
      seen.add(key);
      collectMount(sink, mount, host, protocol);
    }
  };
}
