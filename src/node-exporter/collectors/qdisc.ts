// SPDX-License-Identifier: Apache-2.0
// qdisc: queueing disciplines of network devices.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName, NoDataError } from '../collector.ts';
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

export function qdisc(context: CollectorContext): Collector {
  const { devices, fixtures } = context.options.qdisc;
  return (sink) => {
    if (fixtures === '') throw new NoDataError('queueing disciplines need netlink');
    for (const queue of readFixture(context, fixtures)) {
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
