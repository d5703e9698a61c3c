// SPDX-License-Identifier: Apache-2.0
// schedstat: what the scheduler counts for each CPU.

import type { Collector, CollectorContext } from '../collector.ts';
import { counter } from '../sink.ts';
import { readProcIfThere } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

const running = counter(
  'node_schedstat_running_seconds_total',
  'Number of seconds CPU spent running a process.',
  'cpu',
);
const waiting = counter(
  'node_schedstat_waiting_seconds_total',
  'Number of seconds spent by processing waiting for this CPU.',
  'cpu',
);
const timeslices = counter(
  'node_schedstat_timeslices_total',
  'Number of timeslices executed by CPU.',
  'cpu',
);
/** Columns of a `cpu` line. */
const RUNNING = 7;
const WAITING = 8;
const TIMESLICES = 9;
const NANOSECONDS = 1e9;

export function schedstat(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProcIfThere(context, 'schedstat'), (line) => {
      if (!line.startsWith('cpu')) return;
      const parts = fields(line);
      if (parts.length <= TIMESLICES) return;
      const cpu = parts[0]!.slice(3);
      const of = (column: number): number => decimal(parts[column], `schedstat of cpu${cpu}`);
      sink.add(running, of(RUNNING) / NANOSECONDS, cpu);
      sink.add(waiting, of(WAITING) / NANOSECONDS, cpu);
      sink.add(timeslices, of(TIMESLICES), cpu);
    });
  };
}
