// SPDX-License-Identifier: Apache-2.0
// swap: each device that memory is swapped to.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';

const size = gauge('node_swap_size_bytes', 'Swap device size in bytes.', 'device', 'swap_type');
const used = gauge('node_swap_used_bytes', 'Swap device used in bytes.', 'device', 'swap_type');
const priority = gauge('node_swap_priority', 'Swap device priority.', 'device', 'swap_type');

/** Filename, Type, Size, Used (both KiB), Priority. */
export function swap(context: CollectorContext): Collector {
  return (sink) => {
    let header = true;
    eachLine(readProc(context, 'swaps'), (line) => {
      if (header) {
        header = false;
        return;
      }
      const [device, type, sizeText, usedText, priorityText] = fields(line);
      if (device === undefined || type === undefined || priorityText === undefined)
        throw new SourceError(`unexpected line in swaps: ${JSON.stringify(line)}`);
      sink.add(priority, decimal(priorityText, `swaps of ${device}`), device, type);
      sink.add(size, decimal(sizeText, `swaps of ${device}`) * 1024, device, type);
      sink.add(used, decimal(usedText, `swaps of ${device}`) * 1024, device, type);
    });
  };
}
