// SPDX-License-Identifier: Apache-2.0
// softirqs: soft interrupts by kind and CPU.

import type { Collector, CollectorContext } from '../collector.ts';
import { counter } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

const total = counter('node_softirqs_functions_total', 'Softirq counts per CPU.', 'cpu', 'type');

export function softirqs(context: CollectorContext): Collector {
  return (sink) => {
    let header = true;
    eachLine(readProc(context, 'softirqs'), (line) => {
      if (header) {
        header = false;
        return;
      }
      const parts = fields(line);
      const type = parts[0]?.replace(':', '') ?? '';
      for (let cpu = 0; cpu + 1 < parts.length; cpu++)
        sink.add(total, decimal(parts[cpu + 1], `softirqs ${type}`), String(cpu), type);
    });
  };
}
