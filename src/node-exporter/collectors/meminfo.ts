// SPDX-License-Identifier: Apache-2.0
// meminfo: how memory is used.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

/** The fields of /proc/meminfo that upstream exports; others in the file are dropped. */
const meminfoFields = new Set(
  (
    'Active Active_anon Active_file AnonHugePages AnonPages Bounce Buffers Cached CmaFree CmaTotal CommitLimit ' +
    'Committed_AS DirectMap1G DirectMap2M DirectMap4k Dirty HardwareCorrupted HugePages_Free HugePages_Rsvd ' +
    'HugePages_Surp HugePages_Total Hugepagesize Inactive Inactive_anon Inactive_file KernelStack Mapped ' +
    'MemAvailable MemFree MemTotal Mlocked NFS_Unstable PageTables Percpu SReclaimable SUnreclaim Shmem ' +
    'ShmemHugePages ShmemPmdMapped Slab SwapCached SwapFree SwapTotal Unevictable VmallocChunk VmallocTotal ' +
    'VmallocUsed Writeback WritebackTmp Zswap Zswapped'
  ).split(' '),
);

/** `Active(anon):` → Active_anon. */
export const meminfoKey = (text: string): string =>
  text.replace(':', '').replace('(', '_').replace(')', '');

/** `Active(anon):   12 kB` → node_memory_Active_anon_bytes. */
export function meminfo(context: CollectorContext): Collector {
  /** By the first word of the line: the same few at each scrape. */
  const known = new Map<string, Descriptor | undefined>();
  const descriptorOf = (word: string, isKilobytes: boolean): Descriptor | undefined => {
    const key = meminfoKey(word);
    if (!meminfoFields.has(key)) return undefined;
    const name = isKilobytes ? `${key}_bytes` : key;
    return gauge(`node_memory_${name}`, `Memory information field ${name}.`);
  };
  return (sink) => {
    eachLine(readProc(context, 'meminfo'), (line) => {
      const [word = '', text, unit] = fields(line);
      let to = known.get(word);
      if (to === undefined && !known.has(word)) {
        to = descriptorOf(word, unit === 'kB');
        known.set(word, to);
      }
      if (to === undefined) return;
      const value = decimal(text, `meminfo line ${JSON.stringify(line)}`);
      sink.add(to, unit === 'kB' ? value * 1024 : value);
    });
  };
}
