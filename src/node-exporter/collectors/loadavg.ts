// SPDX-License-Identifier: Apache-2.0
// loadavg: how many processes want to run.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, fields, SourceError } from '../text.ts';

const loads = [
  gauge('node_load1', '1m load average.'),
  gauge('node_load5', '5m load average.'),
  gauge('node_load15', '15m load average.'),
];

export function loadavg(context: CollectorContext): Collector {
  return (sink) => {
    const parts = fields(readProc(context, 'loadavg'));
    if (parts.length < loads.length)
      throw new SourceError(`unexpected content in loadavg: ${JSON.stringify(parts.join(' '))}`);
    loads.forEach((to, i) => {
      sink.add(to, decimal(parts[i], 'loadavg'));
    });
  };
}
