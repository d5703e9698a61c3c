// SPDX-License-Identifier: Apache-2.0
// meminfo_numa: how the memory of each NUMA node is used.

import type { Collector, CollectorContext } from '../collector.ts';
import { counter, gauge } from '../sink.ts';
import { listSysIfThere, readSys } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';
import { meminfoKey } from './meminfo.ts';

const directory = 'devices/system/node';

export function meminfoNuma(context: CollectorContext): Collector {
  return (sink) => {
    for (const name of listSysIfThere(context, directory)) {
      const node = name.startsWith('node') ? name.slice(4) : '';
      if (!/^\d+$/.test(node)) continue;
      // `Node 0 Active(anon):     691324 kB`
      eachLine(readSys(context, `${directory}/${name}/meminfo`), (line) => {
        const parts = fields(line);
        const unit = parts[4];
        if (parts.length < 4 || (unit !== undefined && unit !== 'kB'))
          throw new SourceError(`unexpected line in meminfo of ${name}: ${JSON.stringify(line)}`);
        const key = meminfoKey(parts[2]!);
        const to = gauge(`node_memory_numa_${key}`, `Memory information field ${key}.`, 'node');
        const value = decimal(parts[3], `meminfo of ${name}`);
        sink.add(to, unit === undefined ? value : value * 1024, node);
      });
      // `numa_hit 193460335812`
      eachLine(readSys(context, `${directory}/${name}/numastat`), (line) => {
        const [key, value] = fields(line);
        const to = counter(
          `node_memory_numa_${key}_total`,
          `Memory information field ${key}_total.`,
          'node',
        );
        sink.add(to, decimal(value, `numastat of ${name}`), node);
      });
    }
  };
}
