// SPDX-License-Identifier: Apache-2.0
// slabinfo: caches of kernel objects.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';

/** In the order of the columns after the name. */
const columns = [
  gauge(
    'node_slabinfo_active_objects',
    'The number of objects that are currently active (i.e., in use).',
    'slab',
  ),
  gauge(
    'node_slabinfo_objects',
    'The total number of allocated objects (i.e., objects that are both in use and not in use).',
    'slab',
  ),
  gauge('node_slabinfo_object_size_bytes', 'The size of objects in this slab, in bytes.', 'slab'),
  gauge('node_slabinfo_objects_per_slab', 'The number of objects stored in each slab.', 'slab'),
  gauge('node_slabinfo_pages_per_slab', 'The number of pages allocated for each slab.', 'slab'),
];

export function slabinfo(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'slabinfo'), (line) => {
      if (line.startsWith('slabinfo - version') || line.startsWith('#')) return;
      const [name, ...numbers] = fields(line);
      if (name === undefined || numbers.length < columns.length)
        throw new SourceError(`unexpected line in slabinfo: ${JSON.stringify(line)}`);
      if (!keepsName(context.options.slabs, name)) return;
      columns.forEach((to, i) => {
        sink.add(to, decimal(numbers[i], `slabinfo ${name}`), name);
      });
    });
  };
}
