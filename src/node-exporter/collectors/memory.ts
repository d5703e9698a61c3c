// SPDX-License-Identifier: Apache-2.0
// meminfo, vmstat, pressure: how memory is used and what processes wait for.

import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import { FileError } from '../../base/index.ts';
import { decimal, eachLine, fields, readProc, SourceError } from '../text.ts';

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

/** `Active(anon):   12 kB` → name Active_anon_bytes. */
export function meminfo(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'meminfo'), (line) => {
      const parts = fields(line);
      const key = parts[0]?.replace(':', '').replace('(', '_').replace(')', '') ?? '';
      if (!meminfoFields.has(key)) return;
      const value = decimal(parts[1], `meminfo line ${JSON.stringify(line)}`);
      const isKilobytes = parts[2] === 'kB';
      const name = isKilobytes ? `${key}_bytes` : key;
      sink.gauge(
        `node_memory_${name}`,
        `Memory information field ${name}.`,
        isKilobytes ? value * 1024 : value,
      );
    });
  };
}

export function vmstat(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'vmstat'), (line) => {
      const [name = '', value] = fields(line);
      if (!context.options.vmstatFields.test(name)) return;
      sink.untyped(
        `node_vmstat_${name}`,
        `/proc/vmstat information field ${name}.`,
        decimal(value, `vmstat field ${name}`),
      );
    });
  };
}

interface PressureSource {
  readonly file: string;
  readonly waiting?: string;
  readonly stalled?: string;
}

const pressureSources: readonly PressureSource[] = [
  { file: 'cpu', waiting: 'Total time in seconds that processes have waited for CPU time' },
  {
    file: 'io',
    waiting: 'Total time in seconds that processes have waited due to IO congestion',
    stalled: 'Total time in seconds no process could make progress due to IO congestion',
  },
  {
    file: 'memory',
    waiting: 'Total time in seconds that processes have waited for memory',
    stalled: 'Total time in seconds no process could make progress due to memory congestion',
  },
  {
    file: 'irq',
    stalled: 'Total time in seconds no process could make progress due to IRQ congestion',
  },
];

/** The `total=` microseconds of the `some` and `full` lines of a PSI file. */
function pressureTotals(text: string, file: string): Map<string, number> {
  const totals = new Map<string, number>();
  eachLine(text, (line) => {
    const [kind = '', ...pairs] = fields(line);
    const total = pairs.find((pair) => pair.startsWith('total='));
    if (total === undefined)
      throw new SourceError(`no total in pressure/${file} line ${JSON.stringify(line)}`);
    totals.set(kind, decimal(total.slice(6), `pressure/${file}`));
  });
  return totals;
}

/** Text of a PSI file; undefined when this kernel has no such resource or keeps PSI off. */
function readPressure(context: CollectorContext, file: string): string | undefined {
  try {
    return readProc(context, `pressure/${file}`);
  } catch (error) {
    // A kernel built with PSI and started with psi=0 has the files but refuses to read them.
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Divided twice by 1000, as upstream: the same digits come out. */
export function pressure(context: CollectorContext): Collector {
  return (sink) => {
    let found = false;
    for (const { file, waiting, stalled } of pressureSources) {
      const text = readPressure(context, file);
      if (text === undefined) continue;
      found = true;
      const totals = pressureTotals(text, file);
      const some = totals.get('some');
      const full = totals.get('full');
      if (waiting !== undefined && some !== undefined)
        sink.counter(`node_pressure_${file}_waiting_seconds_total`, waiting, some / 1000 / 1000);
      if (stalled !== undefined && full !== undefined)
        sink.counter(`node_pressure_${file}_stalled_seconds_total`, stalled, full / 1000 / 1000);
    }
    if (!found)
      throw new NoDataError(
        'pressure information is unavailable: the kernel needs CONFIG_PSI and psi=1',
      );
  };
}
