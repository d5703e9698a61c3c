// SPDX-License-Identifier: Apache-2.0
// softnet: packets on their way from the device to the protocols, by CPU.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { eachLine, fields, hexadecimal, SourceError } from '../text.ts';

/** Column of /proc/net/softnet_stat and what it becomes. */
const columns: readonly (readonly [column: number, Descriptor])[] = [
  [0, counter('node_softnet_processed_total', 'Number of processed packets', 'cpu')],
  [1, counter('node_softnet_dropped_total', 'Number of dropped packets', 'cpu')],
  [
    2,
    counter(
      'node_softnet_times_squeezed_total',
      'Number of times processing packets ran out of quota',
      'cpu',
    ),
  ],
  [
    8,
    counter(
      'node_softnet_cpu_collision_total',
      'Number of collision occur while obtaining device lock while transmitting',
      'cpu',
    ),
  ],
  [
    9,
    counter('node_softnet_received_rps_total', 'Number of times cpu woken up received_rps', 'cpu'),
  ],
  [
    10,
    counter(
      'node_softnet_flow_limit_count_total',
      'Number of times flow limit has been reached',
      'cpu',
    ),
  ],
  [11, gauge('node_softnet_backlog_len', 'Softnet backlog status', 'cpu')],
];
const MIN_COLUMNS = 9;
/** Since kernel 5.10: the CPU's own number, which is not the line's where CPUs are offline. */
const CPU_COLUMN = 12;

export function softnet(context: CollectorContext): Collector {
  return (sink) => {
    let index = 0;
    eachLine(readProc(context, 'net/softnet_stat'), (line) => {
      const parts = fields(line);
      if (parts.length < MIN_COLUMNS)
        throw new SourceError(`${parts.length} columns in net/softnet_stat, at least 9 expected`);
      const cpu =
        parts.length > CPU_COLUMN ? hexadecimal(parts[CPU_COLUMN], 'softnet_stat') : index;
      for (const [column, to] of columns) {
        const text = parts[column];
        const value = text === undefined ? 0 : hexadecimal(text, 'net/softnet_stat');
        sink.add(to, value, String(cpu));
      }
      index++;
    });
  };
}
