// SPDX-License-Identifier: Apache-2.0
// qdisc: queueing disciplines of network devices.

import type { SystemCalls } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName, NoDataError } from '../collector.ts';
import {
  attributes,
  listLinks,
  NETLINK_ROUTE,
  netlinkDump,
  textOf,
  unsigned64,
} from '../netlink.ts';
import { counter, gauge } from '../sink.ts';
import { SourceError } from '../text.ts';

const bytes = counter('node_qdisc_bytes_total', 'Number of bytes sent.', 'device', 'kind');
const packets = counter('node_qdisc_packets_total', 'Number of packets sent.', 'device', 'kind');
const drops = counter('node_qdisc_drops_total', 'Number of packets dropped.', 'device', 'kind');
const requeues = counter(
  'node_qdisc_requeues_total',
  'Number of packets dequeued, not transmitted, and requeued.',
  'device',
  'kind',
);
const overlimits = counter(
  'node_qdisc_overlimits_total',
  'Number of overlimit packets.',
  'device',
  'kind',
);
const queueLength = gauge(
  'node_qdisc_current_queue_length',
  'Number of packets currently in queue to be sent.',
  'device',
  'kind',
);
const backlog = gauge(
  'node_qdisc_backlog',
  'Number of bytes currently in queue to be sent.',
  'device',
  'kind',
);

/** One queueing discipline at the root of a device. */
export interface QueueStatistics {
  readonly device: string;
  readonly kind: string;
  readonly bytes: number;
  readonly packets: number;
  readonly drops: number;
  readonly requeues: number;
  readonly overlimits: number;
  readonly queueLength: number;
  readonly backlog: number;
}

/** Upstream's fixture: a list of objects with Go's field names. @throws SourceError */
function readFixture(context: CollectorContext, directory: string): QueueStatistics[] {
  const path = `${directory.replace(/\/$/, '')}/results.json`;
  const parsed: unknown = JSON.parse(context.files.readTextSync(path));
  if (!Array.isArray(parsed)) throw new SourceError(`${path} holds no list`);
  return parsed.map((entry: Readonly<Record<string, unknown>>) => {
    const number = (key: string): number => Number(entry[key] ?? 0);
    return {
      device: String(entry.IfaceName),
      kind: String(entry.Kind),
      bytes: number('Bytes'),
      packets: number('Packets'),
      drops: number('Drops'),
      requeues: number('Requeues'),
      overlimits: number('Overlimits'),
      queueLength: number('Qlen'),
      backlog: number('Backlog'),
    };
  });
}

const RTM_GETQDISC = 38;
/** `struct tcmsg`: family, index at 4, handle, parent at 12. */
const TCMSG_BYTES = 20;
const PARENT_ROOT = 0xffffffff;
const TCA_KIND = 1;
const TCA_STATS = 3;
const TCA_STATS2 = 7;
const STATS_BASIC = 1;
const STATS_QUEUE = 3;

/** Queueing disciplines at the root of each device. @throws SystemCallError */
function readNetlink(calls: SystemCalls): QueueStatistics[] {
  const names = new Map(listLinks(calls).map(({ index, name }) => [index, name]));
  const queues: QueueStatistics[] = [];
  const request = new Uint8Array(TCMSG_BYTES);
  for (const message of netlinkDump(calls, NETLINK_ROUTE, RTM_GETQDISC, request)) {
    const device = names.get(message.getInt32(4, true));
    if (device === undefined || message.getUint32(12, true) !== PARENT_ROOT) continue;
    const found = attributes(message, TCMSG_BYTES);
    const nested = found.get(TCA_STATS2);
    const newer = nested === undefined ? undefined : attributes(nested, 0);
    const basic = newer?.get(STATS_BASIC) ?? found.get(TCA_STATS);
    const queue = newer?.get(STATS_QUEUE);
    const of = (at: number): number => queue?.getUint32(at, true) ?? 0;
    queues.push({
      device,
      kind: textOf(found.get(TCA_KIND)),
      bytes: basic === undefined ? 0 : unsigned64(basic, 0),
      packets: basic?.getUint32(8, true) ?? 0,
      queueLength: of(0),
      backlog: of(4),
      drops: of(8),
      requeues: of(12),
      overlimits: of(16),
    });
  }
  return queues;
}

function readQueues(context: CollectorContext): QueueStatistics[] {
  const { fixtures } = context.options.qdisc;
  if (fixtures !== '') return readFixture(context, fixtures);
  const { calls } = context.system;
  if (calls === undefined)
    throw new NoDataError('netlink needs the optional package koffi, which is not installed');
  return readNetlink(calls);
}

export function qdisc(context: CollectorContext): Collector {
  const { devices } = context.options.qdisc;
  return (sink) => {
    for (const queue of readQueues(context)) {
      if (!keepsName(devices, queue.device)) continue;
      const labels = [queue.device, queue.kind] as const;
      sink.add(bytes, queue.bytes, ...labels);
      sink.add(packets, queue.packets, ...labels);
      sink.add(drops, queue.drops, ...labels);
      sink.add(requeues, queue.requeues, ...labels);
      sink.add(overlimits, queue.overlimits, ...labels);
      sink.add(queueLength, queue.queueLength, ...labels);
      sink.add(backlog, queue.backlog, ...labels);
    }
  };
}
