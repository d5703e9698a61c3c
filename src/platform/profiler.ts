// SPDX-License-Identifier: Apache-2.0
// Profiles of this process by V8's own profilers, which cost nothing while none is taken. Workers are
// reached through the main thread's inspector session.

import type { Session } from 'node:inspector';

/** A function on a stack, and what was counted while it was the innermost one. */
export interface ProfileNode {
  readonly functionName: string;
  readonly url: string;
  /** From 1; 0 = unknown. */
  readonly line: number;
  /** Index of the caller in `nodes`; -1 for a root. */
  readonly parent: number;
  /** CPU: samples. Allocations: bytes. */
  readonly value: number;
  /** CPU only. */
  readonly nanoseconds: number;
}

export interface ThreadProfile {
  readonly thread: string;
  readonly nodes: readonly ProfileNode[];
}

export interface ProfileOptions {
  readonly durationMs: number;
  /** Ends the profile early. */
  readonly signal: AbortSignal;
}

/** A profile is being taken already. */
export class ProfilerBusyError extends Error {
  override name = 'ProfilerBusyError';
}

/** As Go: a hundred samples a second. */
export const CPU_SAMPLE_MICROSECONDS = 10_000;
/** One of about so many bytes allocated is looked at. */
export const ALLOCATION_SAMPLE_BYTES = 32_768;
/** A worker that sleeps does not hear us: it is left out after this. */
const ANSWER_MS = 2000;

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}
interface CpuNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}
interface CpuResult {
  readonly profile: {
    readonly nodes: readonly CpuNode[];
    readonly samples?: readonly number[];
    readonly timeDeltas?: readonly number[];
  };
}
interface AllocationNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}
interface AllocationResult {
  readonly profile: { readonly head: AllocationNode };
}

/** One thread's inspector. Undefined: it did not answer in time, or has ended. */
type Ask = (method: string, params?: object) => Promise<unknown>;
interface Thread {
  readonly name: string;
  readonly ask: Ask;
}

interface WorkerMessage {
  readonly params: {
    readonly sessionId: string;
    readonly message: string;
    readonly workerInfo: { readonly title: string };
  };
}

/** The events and commands of the session that Node's types do not know. */
interface WorkerSession {
  on(event: string, heard: (message: WorkerMessage) => void): void;
  post(method: string, params: object, done: (error: Error | null, result?: unknown) => void): void;
}

function within(ms: number, answer: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    answer.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

/** All threads of this process that can be asked. */
async function attach(session: WorkerSession): Promise<readonly Thread[]> {
  const post: Ask = (method, params = {}) =>
    new Promise((resolve, reject) => {
      session.post(method, params, (error, result) => {
        if (error === null) resolve(result);
        else reject(new Error(error.message));
      });
    });
  const threads: Thread[] = [{ name: 'main', ask: post }];
  const waiting = new Map<string, (answer: unknown) => void>();
  let lastId = 0;
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    const ask: Ask = (method, params = {}) => {
      const id = ++lastId;
      const answer = new Promise<unknown>((resolve) => waiting.set(`${sessionId}/${id}`, resolve));
      const message = JSON.stringify({ id, method, params });
      void post('NodeWorker.sendMessageToWorker', { sessionId, message }).catch(() =>
        waiting.get(`${sessionId}/${id}`)?.(undefined),
      );
      return within(ANSWER_MS, answer);
    };
    threads.push({ name: workerInfo.title, ask });
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
    const { id, result } = JSON.parse(message) as { id?: number; result?: unknown };
    waiting.get(`${sessionId}/${id}`)?.(result);
  });
  await post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return threads;
}

const frameOf = ({ functionName, url, lineNumber }: CallFrame) => ({
  functionName,
  url,
  line: lineNumber + 1,
});

function cpuNodes({ profile }: CpuResult): ProfileNode[] {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const indexOf = new Map(nodes.map(({ id }, i) => [id, i]));
  const parents = new Int32Array(nodes.length).fill(-1);
  nodes.forEach(({ children = [] }, i) => {
    for (const child of children) parents[indexOf.get(child) ?? 0] = i;
  });
  const counts = new Float64Array(nodes.length);
  const nanoseconds = new Float64Array(nodes.length);
  samples.forEach((id, i) => {
    const at = indexOf.get(id) ?? 0;
    counts[at]!++;
    nanoseconds[at]! += Math.max(0, timeDeltas[i] ?? 0) * 1000;
  });
  return nodes.map(({ callFrame }, i) => ({
    ...frameOf(callFrame),
    parent: parents[i]!,
    value: counts[i]!,
    nanoseconds: nanoseconds[i]!,
  }));
}

function allocationNodes({ profile }: AllocationResult): ProfileNode[] {
  const found: ProfileNode[] = [];
  const open: { readonly node: AllocationNode; readonly parent: number }[] = [
    { node: profile.head, parent: -1 },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, parent } = next;
    const at = found.length;
    found.push({ ...frameOf(node.callFrame), parent, value: node.selfSize, nanoseconds: 0 });
    for (const child of node.children) open.push({ node: child, parent: at });
  }
  return found;
}

function sleep({ durationMs, signal }: ProfileOptions): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs);
    const wake = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) wake();
    else signal.addEventListener('abort', wake, { once: true });
  });
}

/** Takes profiles, one at a time. */
export class Profiler {
  private busy = false;

  /** Runs `start` on each thread, waits, and gives what `stop` answers. @throws ProfilerBusyError */
  private async take<Result>(
    options: ProfileOptions,
    start: (ask: Ask) => Promise<unknown>,
    stop: (ask: Ask) => Promise<unknown>,
    nodesOf: (result: Result) => ProfileNode[],
  ): Promise<ThreadProfile[]> {
    if (this.busy) throw new ProfilerBusyError('a profile is being taken already');
    this.busy = true;
    // Loaded when it is first asked for: the inspector takes memory.
    const inspector = process.getBuiltinModule('node:inspector');
    const session: Session = new inspector.Session();
    session.connect();
    try {
      const threads = await attach(session as unknown as WorkerSession);
      await Promise.all(threads.map(({ ask }) => start(ask)));
      await sleep(options);
      const profiles: ThreadProfile[] = [];
      await Promise.all(
        threads.map(async ({ name, ask }) => {
          const result = (await stop(ask)) as Result | undefined;
          if (result !== undefined) profiles.push({ thread: name, nodes: nodesOf(result) });
        }),
      );
      return profiles;
    } finally {
      session.disconnect();
      this.busy = false;
    }
  }

  /** Where time goes. @throws ProfilerBusyError */
  cpu(options: ProfileOptions): Promise<ThreadProfile[]> {
    return this.take(
      options,
      async (ask) => {
        await ask('Profiler.enable');
        await ask('Profiler.setSamplingInterval', { interval: CPU_SAMPLE_MICROSECONDS });
        await ask('Profiler.start');
      },
      (ask) => ask('Profiler.stop'),
      cpuNodes,
    );
  }

  /**
   * Where memory was allocated meanwhile: what is still there at the end, or everything.
   * @throws ProfilerBusyError
   */
  allocations(options: ProfileOptions & { readonly all: boolean }): Promise<ThreadProfile[]> {
    return this.take(
      options,
      async (ask) => {
        await ask('HeapProfiler.enable');
        await ask('HeapProfiler.startSampling', {
          samplingInterval: ALLOCATION_SAMPLE_BYTES,
          includeObjectsCollectedByMajorGC: options.all,
          includeObjectsCollectedByMinorGC: options.all,
        });
      },
      (ask) => ask('HeapProfiler.stopSampling'),
      allocationNodes,
    );
  }
}
