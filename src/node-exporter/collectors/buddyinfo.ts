// SPDX-License-Identifier: Apache-2.0
// buddyinfo: free blocks of memory by size.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';

const blocks = gauge(
  'node_buddyinfo_blocks',
  'Count of free blocks according to size.',
  'node',
  'size',
  'zone',
);

/** `Node 0, zone   DMA   1   0 …`: one column per power of two. */
export function buddyinfo(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'buddyinfo'), (line) => {
      const parts = fields(line);
      if (parts.length < 5)
        throw new SourceError(`unexpected line in buddyinfo: ${JSON.stringify(line)}`);
      const node = parts[1]!.replace(',', '');
      const zone = parts[3]!.replace(',', '');
      for (let i = 4; i < parts.length; i++)
        sink.add(blocks, decimal(parts[i], 'buddyinfo'), node, String(i - 4), zone);
    });
  };
}
