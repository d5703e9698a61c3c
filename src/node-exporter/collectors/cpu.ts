// SPDX-License-Identifier: Apache-2.0
// cpu, loadavg, stat: what /proc/stat and /proc/loadavg say.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { decimal, eachLine, fields, readProc, readSysLine, SourceError } from '../text.ts';

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

/** `0-2,5` → 0, 1, 2, 5. */
function cpuList(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.split(',').filter((range) => range !== '')) {
    const [first, last] = part.split('-');
    const end = decimal(last ?? first, 'a CPU list');
    for (let cpu = decimal(first, 'a CPU list'); cpu <= end; cpu++) cpus.push(cpu);
  }
  return cpus;
}

function cpuDirectories(context: CollectorContext): string[] {
  const directory = `${context.paths.sysfs}/devices/system/cpu`;
  if (!context.files.existsSync(directory)) return [];
  return context.files
    .listSync(directory)
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
  for (const [packageId, count] of packages) {
    sink.counter(
      'node_cpu_package_throttles_total',
      'Number of times this CPU package has been throttled.',
      count,
      [['package', packageId]],
    );
  }
  for (const [key, count] of cores) {
    const [packageId = '', core = ''] = key.split(' ');
    sink.counter(
      'node_cpu_core_throttles_total',
      'Number of times this CPU core has been throttled.',
      count,
      [
        ['core', core],
        ['package', packageId],
      ],
    );
  }
}

function collectIsolationAndOnline(context: CollectorContext, sink: MetricSink): void {
  const isolated = readSysLine(context, 'devices/system/cpu/isolated');
  for (const cpu of cpuList(isolated ?? '')) {
    sink.gauge(
      'node_cpu_isolated',
      'Whether each core is isolated, information from /sys/devices/system/cpu/isolated.',
      1,
      [['cpu', String(cpu)]],
    );
  }
  for (const cpu of cpuDirectories(context)) {
    const online = readSysLine(context, `devices/system/cpu/${cpu}/online`);
    if (online === undefined) continue;
    sink.gauge(
      'node_cpu_online',
      'CPUs that are online and being scheduled.',
      decimal(online, `${cpu}/online`),
      [['cpu', cpu.slice(3)]],
    );
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
    sink.gauge('node_cpu_info', 'CPU information from /proc/cpuinfo.', 1, [
      ['cachesize', of('cache size')],
      ['core', of('core id')],
      ['cpu', of('processor')],
      ['family', of('cpu family')],
      ['microcode', of('microcode')],
      ['model', of('model')],
      ['model_name', of('model name')],
      ['package', of('physical id')],
      ['stepping', of('stepping')],
      ['vendor', of('vendor_id')],
    ]);
  }
  const first = blocks[0];
  if (first === undefined) return;
  const { flagsInclude, bugsInclude } = context.options.cpu;
  for (const flag of fields(first.get('flags') ?? '')) {
    if (flagsInclude?.test(flag) !== true) continue;
    sink.gauge(
      'node_cpu_flag_info',
      'The `flags` field of CPU information from /proc/cpuinfo taken from the first core.',
      1,
      [['flag', flag]],
    );
  }
  for (const bug of fields(first.get('bugs') ?? '')) {
    if (bugsInclude?.test(bug) !== true) continue;
    sink.gauge(
      'node_cpu_bug_info',
      'The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.',
      1,
      [['bug', bug]],
    );
  }
}

export function cpu(context: CollectorContext): Collector {
  const last = new Map<string, number[]>();
  return (sink) => {
    const { guest, info, flagsInclude, bugsInclude } = context.options.cpu;
    if (info || flagsInclude !== undefined || bugsInclude !== undefined) collectInfo(context, sink);
    const now = cpuTimes(readProc(context, 'stat'));
    for (const gone of [...last.keys()].filter((key) => !now.has(key))) last.delete(gone);
    for (const [id, seconds] of now) {
      const steady = steadied(last.get(id), seconds);
      last.set(id, steady);
      modes.forEach((mode, i) => {
        sink.counter('node_cpu_seconds_total', 'Seconds the CPUs spent in each mode.', steady[i]!, [
          ['cpu', id],
          ['mode', mode],
        ]);
      });
      if (!guest) continue;
      ['user', 'nice'].forEach((mode, i) => {
        sink.counter(
          'node_cpu_guest_seconds_total',
          'Seconds the CPUs spent in guests (VMs) for each mode.',
          steady[8 + i]!,
          [
            ['cpu', id],
            ['mode', mode],
          ],
        );
      });
    }
    collectThrottles(context, sink);
    collectIsolationAndOnline(context, sink);
  };
}

export function loadavg(context: CollectorContext): Collector {
  return (sink) => {
    const parts = fields(readProc(context, 'loadavg'));
    if (parts.length < 3)
      throw new SourceError(`unexpected content in loadavg: ${JSON.stringify(parts.join(' '))}`);
    sink.gauge('node_load1', '1m load average.', decimal(parts[0], 'loadavg'));
    sink.gauge('node_load5', '5m load average.', decimal(parts[1], 'loadavg'));
    sink.gauge('node_load15', '15m load average.', decimal(parts[2], 'loadavg'));
  };
}

const softirqVectors = [
  'hi',
  'timer',
  'net_tx',
  'net_rx',
  'block',
  'block_iopoll',
  'tasklet',
  'sched',
  'hrtimer',
  'rcu',
];

export function stat(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'stat'), (line) => {
      const parts = fields(line);
      const value = (): number => decimal(parts[1], `stat line ${parts[0]}`);
      switch (parts[0]) {
        case 'intr':
          return sink.counter('node_intr_total', 'Total number of interrupts serviced.', value());
        case 'ctxt':
          return sink.counter(
            'node_context_switches_total',
            'Total number of context switches.',
            value(),
          );
        case 'processes':
          return sink.counter('node_forks_total', 'Total number of forks.', value());
        case 'btime':
          return sink.gauge('node_boot_time_seconds', 'Node boot time, in unixtime.', value());
        case 'procs_running':
          return sink.gauge(
            'node_procs_running',
            'Number of processes in runnable state.',
            value(),
          );
        case 'procs_blocked':
          return sink.gauge(
            'node_procs_blocked',
            'Number of processes blocked waiting for I/O to complete.',
            value(),
          );
        case 'softirq':
          if (!context.options.softirq) return;
          softirqVectors.forEach((vector, i) => {
            sink.counter(
              'node_softirqs_total',
              'Number of softirq calls.',
              decimal(parts[2 + i], 'stat line softirq'),
              [['vector', vector]],
            );
          });
          return;
        default:
      }
    });
  };
}
