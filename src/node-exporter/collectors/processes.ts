// SPDX-License-Identifier: Apache-2.0
// processes: how many processes and threads there are, by state.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { ifReadable, readProc } from '../source.ts';
import { decimal } from '../text.ts';

const threadsMetric = gauge('node_processes_threads', 'Allocated threads in system');
const maxThreads = gauge('node_processes_max_threads', 'Limit of threads in the system');
const pidsMetric = gauge('node_processes_pids', 'Number of PIDs');
const maxProcesses = gauge('node_processes_max_processes', 'Number of max PIDs limit');
const stateMetric = gauge('node_processes_state', 'Number of processes in each state.', 'state');
const threadState = gauge(
  'node_processes_threads_state',
  'Number of threads in each state.',
  'thread_state',
);

/** Fields of a stat file after the command's name, which is in parentheses. */
const STATE = 0;
const THREADS = 17;

const isPid = (name: string): boolean => {
  for (let i = 0; i < name.length; i++)
    if (name.charCodeAt(i) < 48 || name.charCodeAt(i) > 57) return false;
  return name !== '';
};

/** The fields after the command's name, which may itself hold anything. */
const statFields = (text: string): string[] => text.slice(text.lastIndexOf(')') + 2).split(' ');

interface Counts {
  pids: number;
  threads: number;
  readonly states: Map<string, number>;
  readonly threadStates: Map<string, number>;
}

const increment = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Counts one process; it may end at any moment, which is no error. */
function countProcess(context: CollectorContext, pid: string, counts: Counts): void {
  const stat = ifReadable(() => readProc(context, `${pid}/stat`));
  if (stat === undefined) return;
  const parts = statFields(stat);
  increment(counts.states, parts[STATE] ?? '');
  counts.pids++;
  const count = decimal(parts[THREADS], `${pid}/stat`);
  counts.threads += count;
  // The state of a process is that of its only thread: the directory need not be read.
  if (count === 1 && context.files.existsSync(`${context.paths.procfs}/${pid}/task`)) {
    increment(counts.threadStates, parts[STATE] ?? '');
    return;
  }
  const tasks =
    ifReadable(() => context.files.listSync(`${context.paths.procfs}/${pid}/task`)) ?? [];
  for (const task of tasks) {
    const text = ifReadable(() => readProc(context, `${pid}/task/${task}/stat`));
    if (text !== undefined) increment(counts.threadStates, statFields(text)[STATE] ?? '');
  }
}

export function processes(context: CollectorContext): Collector {
  const limit = (name: string): number =>
    decimal(readProc(context, `sys/kernel/${name}`).trim(), name);
  return (sink) => {
    const counts: Counts = { pids: 0, threads: 0, states: new Map(), threadStates: new Map() };
    for (const name of context.files.listSync(context.paths.procfs))
      if (isPid(name)) countProcess(context, name, counts);
    if (counts.pids === 0)
      throw new FileError('ENOENT', context.paths.procfs, 'no process can be read');
    sink.add(threadsMetric, counts.threads);
    sink.add(maxThreads, limit('threads-max'));
    for (const [state, count] of counts.states) sink.add(stateMetric, count, state);
    for (const [state, count] of counts.threadStates) sink.add(threadState, count, state);
    sink.add(pidsMetric, counts.pids);
    sink.add(maxProcesses, limit('pid_max'));
  };
}
