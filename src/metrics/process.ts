// SPDX-License-Identifier: Apache-2.0
// The process_* metrics that every program of the field has, from /proc/self.

import type { FileSystem } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import type { MetricFamily } from './family.ts';
import { FamilyBuilder } from './family.ts';
import type { Registry } from './registry.ts';

/** Linux has reported both to programs as these since long ago, on every architecture we run on. */
const CLOCK_TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
/** What Go prints for a limit of "unlimited": 2^64 - 1 as a float. */
const UNLIMITED = 2 ** 64;

/** Fields of /proc/self/stat after the command name, counted from 0 = state. */
const STAT_UTIME = 11;
const STAT_STIME = 12;
const STAT_THREADS = 17;
const STAT_START_TIME = 19;
const STAT_VSIZE = 20;
const STAT_RSS = 21;

const single = (name: string, help: string, type: 'counter' | 'gauge', value: number) =>
  new FamilyBuilder(name, help, type).add(value);

function softLimit(limits: string, name: string): number {
  for (const line of limits.split('\n')) {
    if (!line.startsWith(name)) continue;
    const soft = line.slice(name.length).trim().split(/\s+/)[0] ?? '';
    return soft === 'unlimited' ? UNLIMITED : Number(soft);
  }
  return Number.NaN;
}

function startTimeSeconds(fields: readonly string[], procStat: string): number {
  const boot = Number(/^btime (\d+)$/m.exec(procStat)?.[1]);
  return boot + Number(fields[STAT_START_TIME]) / CLOCK_TICKS_PER_SECOND;
}

/** Bytes of the process's network namespace: field `name` of the IpExt lines. */
function networkOctets(netstat: string, name: string): number {
  const [names = '', values = ''] = netstat.split('\n').filter((line) => line.startsWith('IpExt:'));
  const at = names.split(' ').indexOf(name);
  return at < 0 ? 0 : Number(values.split(' ')[at]);
}

function collectNetwork(files: FileSystem): MetricFamily[] {
  const netstat = files.readTextSync('/proc/self/net/netstat');
  return [
    single(
      'process_network_receive_bytes_total',
      'Number of bytes received by the process over the network.',
      'counter',
      networkOctets(netstat, 'InOctets'),
    ),
    single(
      'process_network_transmit_bytes_total',
      'Number of bytes sent by the process over the network.',
      'counter',
      networkOctets(netstat, 'OutOctets'),
    ),
  ];
}

function collectProcess(files: FileSystem): MetricFamily[] {
  const stat = files.readTextSync('/proc/self/stat');
  // The command name is in parentheses and may hold anything, parentheses included.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuTicks = Number(fields[STAT_UTIME]) + Number(fields[STAT_STIME]);
  const limits = files.readTextSync('/proc/self/limits');
  return [
    single('go_threads', 'Threads of the process.', 'gauge', Number(fields[STAT_THREADS])),
    single(
      'process_cpu_seconds_total',
      'Total user and system CPU time spent in seconds.',
      'counter',
      cpuTicks / CLOCK_TICKS_PER_SECOND,
    ),
    single(
      'process_max_fds',
      'Maximum number of open file descriptors.',
      'gauge',
      softLimit(limits, 'Max open files'),
    ),
    single(
      'process_open_fds',
      'Number of open file descriptors.',
      'gauge',
      files.listSync('/proc/self/fd').length,
    ),
    single(
      'process_resident_memory_bytes',
      'Resident memory size in bytes.',
      'gauge',
      Number(fields[STAT_RSS]) * PAGE_BYTES,
    ),
    single(
      'process_start_time_seconds',
      'Start time of the process since unix epoch in seconds.',
      'gauge',
      startTimeSeconds(fields, files.readTextSync('/proc/stat')),
    ),
    single(
      'process_virtual_memory_bytes',
      'Virtual memory size in bytes.',
      'gauge',
      Number(fields[STAT_VSIZE]),
    ),
    single(
      'process_virtual_memory_max_bytes',
      'Maximum amount of virtual memory available in bytes.',
      'gauge',
      softLimit(limits, 'Max address space'),
    ),
  ];
}

/** What `collect` gives; nothing where its files are missing. */
function whereReadable(collect: () => MetricFamily[]): MetricFamily[] {
  try {
    return collect();
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}

/**
 * Registers `process_*` and `go_threads`. Where there is no /proc (not Linux), they are left out, and
 * those of the network where the kernel has none.
 */
export function registerProcessMetrics(registry: Registry, files: FileSystem): void {
  registry.collector(() => whereReadable(() => collectProcess(files)));
  registry.collector(() => whereReadable(() => collectNetwork(files)));
}
