// SPDX-License-Identifier: Apache-2.0
// stat: counters of the whole kernel from /proc/stat.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

/** By the first word of the line. */
const lines: ReadonlyMap<string, Descriptor> = new Map([
  ['intr', counter('node_intr_total', 'Total number of interrupts serviced.')],
  ['ctxt', counter('node_context_switches_total', 'Total number of context switches.')],
  ['processes', counter('node_forks_total', 'Total number of forks.')],
  ['btime', gauge('node_boot_time_seconds', 'Node boot time, in unixtime.')],
  ['procs_running', gauge('node_procs_running', 'Number of processes in runnable state.')],
  [
    'procs_blocked',
    gauge('node_procs_blocked', 'Number of processes blocked waiting for I/O to complete.'),
  ],
]);
const softirqTotal = counter('node_softirqs_total', 'Number of softirq calls.', 'vector');

const softirqVectors = [
  ...['hi', 'timer', 'net_tx', 'net_rx', 'block', 'block_iopoll', 'tasklet', 'sched', 'hrtimer'],
  'rcu',
];

export function stat(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'stat'), (line) => {
      const blank = line.indexOf(' ');
      const key = line.slice(0, blank);
      const to = lines.get(key);
      if (to !== undefined) {
        // The line of interrupts goes on with a number for each of them.
        const end = line.indexOf(' ', blank + 1);
        const text = end < 0 ? line.slice(blank + 1) : line.slice(blank + 1, end);
        sink.add(to, decimal(text, `stat line ${key}`));
      } else if (key === 'softirq' && context.options.softirq) {
        const parts = fields(line);
        softirqVectors.forEach((vector, i) => {
          sink.add(softirqTotal, decimal(parts[2 + i], 'stat line softirq'), vector);
        });
      }
    });
  };
}
