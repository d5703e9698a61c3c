// SPDX-License-Identifier: Apache-2.0
// perf: counters of the CPU and of the kernel's events, for each CPU, through perf_event_open.

import type { SystemCalls } from '../../base/index.ts';
import { SystemCallError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import { unsigned64 } from '../netlink.ts';
import type { Descriptor } from '../sink.ts';
import { counter } from '../sink.ts';
import { ifReadable } from '../source.ts';
import { decimal, SourceError } from '../text.ts';
import { parseCpuList } from './cpu-list.ts';

const TYPE_HARDWARE = 0;
const TYPE_SOFTWARE = 1;
const TYPE_TRACEPOINT = 2;
const TYPE_CACHE = 3;

/** Profiler as the flags name it, event, metric. */
type PerfEvent = readonly [profiler: string, config: number, to: Descriptor];
const event = (profiler: string, config: number, name: string, help: string): PerfEvent => [
  profiler,
  config,
  counter(`node_perf_${name}_total`, help, 'cpu'),
];

const hardwareEvents: readonly PerfEvent[] = [
  event('CpuCycles', 0, 'cpucycles', 'Number of CPU cycles (frequency scaled)'),
  event('CpuInstr', 1, 'instructions', 'Number of CPU instructions'),
  event('CacheRef', 2, 'cache_refs', 'Number of cache references (non frequency scaled)'),
  event('CacheMisses', 3, 'cache_misses', 'Number of cache misses'),
  event('BranchInstr', 4, 'branch_instructions', 'Number of CPU branch instructions'),
  event('BranchMisses', 5, 'branch_misses', 'Number of CPU branch misses'),
  event(
    'StalledCyclesFrontend',
    7,
    'stalled_cycles_frontend',
    'Number of stalled frontend CPU cycles',
  ),
  event(
    'StalledCyclesBackend',
    8,
    'stalled_cycles_backend',
    'Number of stalled backend CPU cycles',
  ),
  event('RefCpuCycles', 9, 'ref_cpucycles', 'Number of CPU cycles'),
];
const softwareEvents: readonly PerfEvent[] = [
  event('PageFault', 2, 'page_faults', 'Number of page faults'),
  event('ContextSwitch', 3, 'context_switches', 'Number of context switches'),
  event('CpuMigration', 4, 'cpu_migrations', 'Number of CPU process migrations'),
  event('MinorFault', 5, 'minor_faults', 'Number of minor page faults'),
  event('MajorFault', 6, 'major_faults', 'Number of major page faults'),
];

/** Cache, operation (0 read, 1 write) and result (0 access, 1 miss) as the kernel packs them. */
const cache = (id: number, operation: number, result: number): number =>
  id | (operation << 8) | (result << 16);
const L1_DATA = 0;
const L1_INSTRUCTION = 1;
const LAST_LEVEL = 2;
const INSTRUCTION_TLB = 4;
const BRANCH_UNIT = 5;
const cacheEvents: readonly PerfEvent[] = [
  event(
    'L1DataReadHit',
    cache(L1_DATA, 0, 0),
    'cache_l1d_read_hits',
    'Number L1 data cache read hits',
  ),
  event(
    'L1DataReadMiss',
    cache(L1_DATA, 0, 1),
    'cache_l1d_read_misses',
    'Number L1 data cache read misses',
  ),
  event(
    'L1DataWriteHit',
    cache(L1_DATA, 1, 0),
    'cache_l1d_write_hits',
    'Number L1 data cache write hits',
  ),
  event(
    'L1InstrReadMiss',
    cache(L1_INSTRUCTION, 0, 1),
    'cache_l1_instr_read_misses',
    'Number instruction L1 instruction read misses',
  ),
  event(
    'InstrTLBReadHit',
    cache(INSTRUCTION_TLB, 0, 0),
    'cache_tlb_instr_read_hits',
    'Number instruction TLB read hits',
  ),
  event(
    'InstrTLBReadMiss',
    cache(INSTRUCTION_TLB, 0, 1),
    'cache_tlb_instr_read_misses',
    'Number instruction TLB read misses',
  ),
  event('LLReadHit', cache(LAST_LEVEL, 0, 0), 'cache_ll_read_hits', 'Number last level read hits'),
  event(
    'LLReadMiss',
    cache(LAST_LEVEL, 0, 1),
    'cache_ll_read_misses',
    'Number last level read misses',
  ),
  event(
    'LLWriteHit',
    cache(LAST_LEVEL, 1, 0),
    'cache_ll_write_hits',
    'Number last level write hits',
  ),
  event(
    'LLWriteMiss',
    cache(LAST_LEVEL, 1, 1),
    'cache_ll_write_misses',
    'Number last level write misses',
  ),
  event('BPUReadHit', cache(BRANCH_UNIT, 0, 0), 'cache_bpu_read_hits', 'Number BPU read hits'),
  event('BPUReadMiss', cache(BRANCH_UNIT, 0, 1), 'cache_bpu_read_misses', 'Number BPU read misses'),
];

/** `struct perf_event_attr` in its first form. */
const ATTRIBUTES_BYTES = 64;

interface OpenCounter {
  readonly to: Descriptor;
  readonly cpu: string;
  readonly descriptor: number;
}

function attributesOf(type: number, config: number): Uint8Array {
  const bytes = new Uint8Array(ATTRIBUTES_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, ATTRIBUTES_BYTES, true);
  view.setUint32(8, config, true);
  return bytes;
}

/** Number of a tracepoint `subsystem:event`. @throws SourceError */
function tracepoint(context: CollectorContext, name: string): { to: Descriptor; config: number } {
  const [subsystem = '', eventName = '', ...rest] = name.split(':');
  if (subsystem === '' || eventName === '' || rest.length > 0)
    throw new SourceError(`Invalid tracepoint config ${name}`);
  for (const place of ['kernel/tracing', 'kernel/debug/tracing']) {
    const path = `${context.paths.sysfs}/${place}/events/${subsystem}/${eventName}/id`;
    const text = ifReadable(() => context.files.readTextSync(path).trim());
    if (text === undefined) continue;
    const to = counter(`node_perf_${subsystem}_${eventName}`, `Perf tracepoint ${name}`, 'cpu');
    return { to, config: decimal(text, path) };
  }
  throw new SourceError(`there is no tracepoint ${name}`);
}

const isWanted = (names: readonly string[] | undefined, profiler: string): boolean =>
  names === undefined || names.includes(profiler);

/** Opens what this machine has of the wanted events; counters then run until the exporter ends. */
function openCounters(context: CollectorContext, calls: SystemCalls): OpenCounter[] {
  const { cpus, tracepoints, hardwareProfilers, softwareProfilers, cacheProfilers } =
    context.options.perf;
  const online = ifReadable(() =>
    context.files.readTextSync(`${context.paths.sysfs}/devices/system/cpu/online`).trim(),
  );
  const wanted: { type: number; config: number; to: Descriptor }[] = [];
  const add = (type: number, events: readonly PerfEvent[], names?: readonly string[]): void => {
    for (const [profiler, config, to] of events)
      if (isWanted(names, profiler)) wanted.push({ type, config, to });
  };
  add(TYPE_HARDWARE, hardwareEvents, hardwareProfilers);
  add(TYPE_SOFTWARE, softwareEvents, softwareProfilers);
  add(TYPE_CACHE, cacheEvents, cacheProfilers);
  for (const name of tracepoints)
    wanted.push({ type: TYPE_TRACEPOINT, ...tracepoint(context, name) });
  const open: OpenCounter[] = [];
  for (const cpu of parseCpuList(cpus === '' ? (online ?? '0') : cpus)) {
    for (const { type, config, to } of wanted) {
      try {
        const descriptor = calls.perfOpen(attributesOf(type, config), cpu);
        open.push({ to, cpu: String(cpu), descriptor });
      } catch (error) {
        // Virtual machines have few counters of the CPU, or none.
        if (!(error instanceof SystemCallError)) throw error;
        if (error.code === 'EACCES' || error.code === 'EPERM') throw error;
      }
    }
  }
  return open;
}

export function perf(context: CollectorContext): Collector {
  let counters: OpenCounter[] | undefined;
  const buffer = new Uint8Array(8);
  const view = new DataView(buffer.buffer);
  const open = (): OpenCounter[] => {
    const { calls } = context.system;
    if (calls === undefined)
      throw new NoDataError('perf_event_open needs the optional package koffi');
    counters ??= openCounters(context, calls);
    return counters;
  };
  try {
    // Now, so that they count from the exporter's start.
    open();
  } catch (error) {
    context.logger.debug('cannot open perf events yet', { err: error as Error });
  }
  return (sink) => {
    const read = context.system.calls?.read;
    for (const { to, cpu, descriptor } of open())
      if (read?.(descriptor, buffer) === buffer.length) sink.add(to, unsigned64(view, 0), cpu);
  };
}
