// SPDX-License-Identifier: Apache-2.0
// cpu: what each CPU spends its time on, and what kind it is.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { listSysIfAny, readProc, readSysLine } from '../source.ts';
import { decimal, decimalIfAny, eachLine, fields } from '../text.ts';
import { parseCpuList } from './cpu-list.ts';

const seconds = counter(
  'node_cpu_seconds_total',
  'Seconds the CPUs spent in each mode.',
  'cpu',
  'mode',
);
const guestSeconds = counter(
  'node_cpu_guest_seconds_total',
  'Seconds the CPUs spent in guests (VMs) for each mode.',
  'cpu',
  'mode',
);
const packageThrottles = counter(
  'node_cpu_package_throttles_total',
  'Number of times this CPU package has been throttled.',
  'package',
);
const coreThrottles = counter(
  'node_cpu_core_throttles_total',
  'Number of times this CPU core has been throttled.',
  'core',
  'package',
);
const isolatedMetric = gauge(
  'node_cpu_isolated',
  'Whether each core is isolated, information from /sys/devices/system/cpu/isolated.',
  'cpu',
);
const onlineMetric = gauge('node_cpu_online', 'CPUs that are online and being scheduled.', 'cpu');
const infoMetric = gauge(
  'node_cpu_info',
  'CPU information from /proc/cpuinfo.',
  'cachesize',
  'core',
  'cpu',
  'family',
  'microcode',
  'model',
  'model_name',
  'package',
  'stepping',
  'vendor',
);
const frequency = gauge(
  'node_cpu_frequency_hertz',
  'CPU frequency in hertz from /proc/cpuinfo.',
  'core',
  'cpu',
  'package',
);
const flagInfo = gauge(
  'node_cpu_flag_info',
  'The `flags` field of CPU information from /proc/cpuinfo taken from the first core.',
  'flag',
);
const bugInfo = gauge(
  'node_cpu_bug_info',
  'The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.',
  'bug',
);

/** Clock ticks a second in /proc/stat: the kernel's USER_HZ, 100 on every platform of ours. */
const USER_HZ = 100;
/** A fall of the idle counter by this much is a CPU that was replugged, not the kernel's known jitter. */
const IDLE_RESET_SECONDS = 3;

const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
const IDLE = 3;
const MODE_COUNT = 10;

/** `cpu0 1 2 3 …` lines: cpu number → seconds by mode (guest and guest_nice last). */
function cpuTimes(stat: string): Map<string, number[]> {
  const times = new Map<string, number[]>();
  eachLine(stat, (line) => {
    if (!line.startsWith('cpu') || line.startsWith('cpu ')) return;
    const [cpu = '', ...ticks] = fields(line);
    const seconds: number[] = [];
    for (let i = 0; i < MODE_COUNT; i++)
      seconds.push(decimal(ticks[i] ?? '0', `stat line ${cpu}`) / USER_HZ);
    times.set(cpu.slice(3), seconds);
  });
  return times;
}

/**
 * Counters of one CPU that never go back: the kernel's iowait and idle may fall a little, which would look
 * like a counter reset.
 */
function steadied(last: number[] | undefined, now: number[]): number[] {
  if (last === undefined) return now;
  if (last[IDLE]! - now[IDLE]! >= IDLE_RESET_SECONDS) return now;
  return now.map((value, i) => Math.max(value, last[i]!));
}

function cpuDirectories(context: CollectorContext): string[] {
  return listSysIfAny(context, 'devices/system/cpu')
    .filter((name) => /^cpu[0-9]+$/.test(name))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
}

/** Each core and package once, though several CPUs (threads) of it report the same counter. */
function collectThrottles(context: CollectorContext, sink: MetricSink): void {
  const packages = new Map<string, number>();
  const cores = new Map<string, number>();
  for (const cpu of cpuDirectories(context)) {
    const base = `devices/system/cpu/${cpu}`;
    const packageId = readSysLine(context, `${base}/topology/physical_package_id`);
    const coreId = readSysLine(context, `${base}/topology/core_id`);
    if (packageId === undefined || coreId === undefined) continue;
    const core = readSysLine(context, `${base}/thermal_throttle/core_throttle_count`);
    const whole = readSysLine(context, `${base}/thermal_throttle/package_throttle_count`);
    const coreKey = `${packageId} ${coreId}`;
    if (core !== undefined && !cores.has(coreKey))
      cores.set(coreKey, decimal(core, 'core_throttle_count'));
    if (whole !== undefined && !packages.has(packageId))
      packages.set(packageId, decimal(whole, 'package_throttle_count'));
  }
  for (const [packageId, count] of packages) sink.add(packageThrottles, count, packageId);
  for (const [key, count] of cores) {
    const [packageId = '', core = ''] = key.split(' ');
    sink.add(coreThrottles, count, core, packageId);
  }
}

function collectIsolationAndOnline(context: CollectorContext, sink: MetricSink): void {
  const isolated = readSysLine(context, 'devices/system/cpu/isolated');
  for (const cpu of parseCpuList(isolated ?? '')) sink.add(isolatedMetric, 1, String(cpu));
  for (const cpu of cpuDirectories(context)) {
    const online = readSysLine(context, `devices/system/cpu/${cpu}/online`);
    if (online !== undefined)
      sink.add(onlineMetric, decimal(online, `${cpu}/online`), cpu.slice(3));
  }
}

/** One block of /proc/cpuinfo as key → value. */
function cpuInfoBlocks(text: string): Map<string, string>[] {
  return text
    .split('\n\n')
    .map((block) => {
      const pairs = new Map<string, string>();
      eachLine(block, (line) => {
        const colon = line.indexOf(':');
        if (colon > 0) pairs.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
      });
      return pairs;
    })
    .filter((pairs) => pairs.has('processor'));
}

function collectInfo(context: CollectorContext, sink: MetricSink): void {
  const blocks = cpuInfoBlocks(readProc(context, 'cpuinfo'));
  for (const block of blocks) {
    const of = (key: string): string => block.get(key) ?? '';
    sink.add(
      infoMetric,
      1,
      of('cache size'),
      of('core id'),
      of('processor'),
      of('cpu family'),
      of('microcode'),
      of('model'),
      of('model name'),
      of('physical id'),
      of('stepping'),
      of('vendor_id'),
    );
    // The cpufreq collector has the better source under the same name; both together are the rule.
    const megahertz = decimalIfAny(block.get('cpu MHz'));
    if (megahertz !== undefined && context.enabled.has('cpufreq'))
      sink.add(frequency, megahertz * 1e6, of('core id'), of('processor'), of('physical id'));
  }
  const first = blocks[0];
  if (first === undefined) return;
  const { flagsInclude, bugsInclude } = context.options.cpu;
  for (const flag of fields(first.get('flags') ?? ''))
    if (flagsInclude?.test(flag) === true) sink.add(flagInfo, 1, flag);
  for (const bug of fields(first.get('bugs') ?? ''))
    if (bugsInclude?.test(bug) === true) sink.add(bugInfo, 1, bug);
}

export function cpu(context: CollectorContext): Collector {
  const last = new Map<string, number[]>();
  return (sink) => {
    const { guest, info, flagsInclude, bugsInclude } = context.options.cpu;
    if (info || flagsInclude !== undefined || bugsInclude !== undefined) collectInfo(context, sink);
    const now = cpuTimes(readProc(context, 'stat'));
    for (const gone of [...last.keys()].filter((key) => !now.has(key))) last.delete(gone);
    for (const [id, times] of now) {
      const steady = steadied(last.get(id), times);
      last.set(id, steady);
      modes.forEach((mode, i) => {
        sink.add(seconds, steady[i]!, id, mode);
      });
      if (!guest) continue;
      ['user', 'nice'].forEach((mode, i) => {
        sink.add(guestSeconds, steady[8 + i]!, id, mode);
      });
    }
    collectThrottles(context, sink);
    collectIsolationAndOnline(context, sink);
  };
}
