// SPDX-License-Identifier: Apache-2.0
// A pool of worker threads that take one request at a time. A request that runs too long is asked to
// stop through a word in the shared memory, which the worker reads while it computes; a worker that
// doesn't listen, or dies, is replaced, and only the request it had fails.
//
//   slot i of the control block, 64 bytes (a cache line):
//     word 0   id of the request to stop, 0 = none
//     word 1   why: 1 canceled, 2 timed out
//     word 2   requests that were sent to the worker
//     word 3   how many threads the slot has lost: a thread that another waits for may be gone
//     the rest is the worker's own, e.g. to tell how far it is
//
// The first worker is there from the start. The others are started when there is more to do than the
// first can, and end when they have been idle for long; they get requests once they say that they are
// ready.

import { Worker } from 'node:worker_threads';
import type { Logger } from '../base/index.ts';

/** Bytes of one worker's slot in the control block. */
export const WORKER_SLOT_BYTES = 64;

/** Words of a slot that other threads read. */
export const WorkerWord = { sent: 2, deaths: 3 } as const;

export const StopReason = { none: 0, canceled: 1, timeout: 2 } as const;
export type StopReason = (typeof StopReason)[keyof typeof StopReason];

export type WorkerErrorCode =
  /** Stopped because the caller went away. */
  | 'canceled'
  /** Not answered in time, while running. */
  | 'timeout'
  /** Not answered in time, while waiting for a worker. */
  | 'queue_timeout'
  /** Too many requests are waiting. */
  | 'queue_full'
  /** The worker died; the others go on. */
  | 'crashed'
  /** The pool is closed. */
  | 'closed';

/** A request that got no answer of its worker's own. */
export class WorkerError extends Error {
  override name = 'WorkerError';
  readonly code: WorkerErrorCode;
  constructor(code: WorkerErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Sent to a worker. */
export interface WorkerRequest {
  /** Positive, below 2^31, different for all requests that may be under way together. */
  readonly id: number;
  readonly request: unknown;
  /** How long it waited for a worker. */
  readonly queuedMs: number;
}

/** Sent by a worker once it listens. */
export interface WorkerReady {
  readonly ready: true;
}

/** Sent by a worker that could do with the others' help. */
export interface WorkerCall {
  readonly helpWanted: true;
}

/** Sent back by a worker. `answer` may hold transferred buffers. */
export interface WorkerReply {
  readonly id: number;
  readonly answer: unknown;
}

export interface WorkerPoolOptions {
  readonly size: number;
  readonly script: URL;
  /** Given to each worker as `workerData`, together with its `slot`. */
  readonly workerData: Readonly<Record<string, unknown>>;
  /** Workers beyond `size` that answer rules only, started when the first rule comes; 0 unless given. */
  readonly reserved?: number;
  /** The control block: `size` + `reserved` slots of {@link WORKER_SLOT_BYTES} from its start. */
  readonly control: Int32Array;
  /** Requests that may wait. */
  readonly queueMax: number;
  /** How long a worker may take to notice that it has to stop, before it is replaced. */
  readonly stopGraceMs: number;
  /** Limit of a worker's JavaScript heap (its shared memory does not count). */
  readonly heapMegabytesMax: number;
  readonly logger: Logger;
  /** Called when the thread of a slot has ended, before another takes its place. */
  readonly onLost?: (slot: number) => void;
  /** How long a worker but the first may be idle before it ends; a minute unless given. */
  readonly idleMs?: number;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** `rules` go before all others. */
  readonly priority?: 'rules' | 'people';
  /** Called when the worker of `slot` gets the request, under this id. */
  readonly onStart?: (slot: number, id: number) => void;
}

export interface WorkerPoolStats {
  readonly running: number;
  readonly waiting: number;
  readonly answered: number;
  readonly replaced: number;
  /** Workers that are there. */
  readonly threads: number;
}

interface Job {
  readonly id: number;
  readonly request: unknown;
  readonly enteredMs: number;
  readonly settle: (error: WorkerError | undefined, answer: unknown) => void;
  timer: NodeJS.Timeout;
  unlisten: () => void;
  readonly onStart: ((slot: number, id: number) => void) | undefined;
  slot: Slot | undefined;
  stopped: StopReason;
}

interface Slot {
  readonly index: number;
  /** Takes rules only. */
  readonly reserved: boolean;
  worker: Worker | undefined;
  job: Job | undefined;
  /** It has said that it is ready, or is the first and need not. */
  ready: boolean;
  /** When it last had something to do, as far as is known here. */
  busyMs: number;
  /** Its thread was told to end and has not yet. */
  ending: boolean;
  /** Set while a replacement waits to be started. */
  restart: NodeJS.Timeout | undefined;
  /** Deaths in a row with no answer between them: the longer, the later the replacement. */
  deaths: number;
}

const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MAX_MS = 5000;
/** Three halves of 4 MB, as the launcher gives the main thread: what is once touched stays resident. */
const YOUNG_MEGABYTES_MAX = 12;
const IDLE_MS = 60_000;
const REQUEST_ID_MAX = 0x7fffffff;

/** N worker threads and a bounded queue before them. */
export class WorkerPool {
  private readonly options: WorkerPoolOptions;
  private readonly slots: Slot[] = [];
  private readonly rules: Job[] = [];
  private readonly people: Job[] = [];
  private lastId = 0;
  private answered = 0;
  private replaced = 0;
  private closed = false;
  private reserveStarted = false;
  private readonly idleMs: number;
  private readonly idleTimer: NodeJS.Timeout;

  constructor(options: WorkerPoolOptions) {
    this.options = options;
    for (let index = 0; index < options.size + (options.reserved ?? 0); index++) {
      const slot: Slot = {
        index,
        reserved: index >= options.size,
        worker: undefined,
        job: undefined,
        ready: false,
        busyMs: 0,
        ending: false,
        restart: undefined,
        deaths: 0,
      };
      this.slots.push(slot);
      if (index === 0) this.start(slot);
    }
    this.idleMs = options.idleMs ?? IDLE_MS;
    this.idleTimer = setInterval(() => this.endIdle(), this.idleMs / 4);
    this.idleTimer.unref();
  }

  /** Has one worker answer `request`. @throws WorkerError */
  run(request: unknown, options: RunOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new WorkerError('closed', 'the server is shutting down'));
        return;
      }
      if (options.signal?.aborted === true) {
        reject(new WorkerError('canceled', 'query was canceled'));
        return;
      }
      if (this.rules.length + this.people.length >= this.options.queueMax) {
        const message = `too many queries: ${this.options.queueMax} are already waiting`;
        reject(new WorkerError('queue_full', message));
        return;
      }
      this.lastId = (this.lastId % REQUEST_ID_MAX) + 1;
      const job: Job = {
        id: this.lastId,
        request,
        enteredMs: performance.now(),
        settle: (error, answer) => (error === undefined ? resolve(answer) : reject(error)),
        timer: setTimeout(() => this.stop(job, StopReason.timeout), options.timeoutMs),
        unlisten: () => undefined,
        onStart: options.onStart,
        slot: undefined,
        stopped: StopReason.none,
      };
      const { signal } = options;
      if (signal !== undefined) {
        const cancel = (): void => this.stop(job, StopReason.canceled);
        signal.addEventListener('abort', cancel);
        job.unlisten = () => signal.removeEventListener('abort', cancel);
      }
      if (options.priority === 'rules') {
        this.rules.push(job);
        this.startReserve();
      } else this.people.push(job);
      this.dispatch();
    });
  }

  stats(): WorkerPoolStats {
    return {
      running: this.slots.filter(({ job }) => job !== undefined).length,
      waiting: this.rules.length + this.people.length,
      answered: this.answered,
      replaced: this.replaced,
      threads: this.slots.filter(({ worker }) => worker !== undefined).length,
    };
  }

  /** Fails what waits or runs and ends the threads. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.idleTimer);
    const error = new WorkerError('closed', 'the server is shutting down');
    for (const job of [...this.rules.splice(0), ...this.people.splice(0)]) this.finish(job, error);
    await Promise.all(
      this.slots.map(async (slot) => {
        clearTimeout(slot.restart);
        const { worker, job } = slot;
        slot.worker = undefined;
        slot.job = undefined;
        if (job !== undefined) this.finish(job, error);
        await worker?.terminate();
      }),
    );
  }

  /** The threads of the reserve cost nothing until there are rules. */
  private startReserve(): void {
    if (this.reserveStarted) return;
    this.reserveStarted = true;
    for (const slot of this.slots) if (slot.reserved) this.start(slot);
  }

  /** Starts those that are not there yet. */
  private startAll(): void {
    for (const slot of this.slots) {
      const { reserved, worker, restart, ending } = slot;
      if (!reserved && worker === undefined && restart === undefined && !ending) this.start(slot);
    }
  }

  /** Ends the workers that have had nothing to do for long. */
  private endIdle(): void {
    const now = performance.now();
    for (const slot of this.slots) {
      const { worker, job, reserved, index, busyMs } = slot;
      if (worker === undefined || job !== undefined || reserved || index === 0) continue;
      if (now - busyMs < this.idleMs) continue;
      slot.worker = undefined;
      void this.end(slot, worker).then(() => this.dispatch());
    }
  }

  /** Ends the thread of a slot; nothing may be started in its place before. */
  private async end(slot: Slot, worker: Worker): Promise<void> {
    slot.ending = true;
    await worker.terminate();
    slot.ending = false;
    if (!this.closed) this.gone(slot);
  }

  /** The thread of a slot has ended. */
  private gone(slot: Slot): void {
    Atomics.add(this.options.control, this.wordOf(slot) + WorkerWord.deaths, 1);
    this.options.onLost?.(slot.index);
  }

  private wordOf(slot: Slot): number {
    return (slot.index * WORKER_SLOT_BYTES) >>> 2;
  }

  private start(slot: Slot): void {
    slot.restart = undefined;
    slot.ready = slot.index === 0 || slot.reserved;
    slot.busyMs = performance.now();
    this.signalStop(slot, 0, StopReason.none);
    Atomics.store(this.options.control, this.wordOf(slot) + WorkerWord.sent, 0);
    const worker = new Worker(this.options.script, {
      workerData: { ...this.options.workerData, slot: slot.index },
      resourceLimits: {
        maxOldGenerationSizeMb: this.options.heapMegabytesMax,
        maxYoungGenerationSizeMb: YOUNG_MEGABYTES_MAX,
      },
    });
    slot.worker = worker;
    worker.on('message', (message: WorkerReply | WorkerReady | WorkerCall) => {
      if (slot.worker !== worker) return;
      if ('helpWanted' in message) this.callAll();
      else if ('ready' in message) {
        slot.ready = true;
        this.dispatch();
      } else this.receive(slot, message);
    });
    worker.on('error', (error: Error) => this.lose(slot, worker, error));
    worker.on('exit', (code) => this.lose(slot, worker, new Error(`exit code ${code}`)));
    this.dispatch();
  }

  /** One could do with the others' help: they are started, and have something to do. */
  private callAll(): void {
    this.startAll();
    for (const slot of this.slots) slot.busyMs = performance.now();
  }

  private receive(slot: Slot, reply: WorkerReply): void {
    const { job } = slot;
    if (job === undefined || job.id !== reply.id) return;
    slot.job = undefined;
    slot.deaths = 0;
    slot.busyMs = performance.now();
    this.answered++;
    this.finish(job, undefined, reply.answer);
    this.dispatch();
  }

  /** A worker ended by itself: its request fails, a new one takes its place. */
  private lose(slot: Slot, worker: Worker, cause: Error): void {
    if (slot.worker !== worker) return;
    const { job } = slot;
    slot.worker = undefined;
    slot.job = undefined;
    this.replaced++;
    this.options.logger.error('Query worker died; replacing it', { slot: slot.index, err: cause });
    if (job !== undefined) {
      const message = `the query's worker died: ${cause.message}`;
      this.finish(job, new WorkerError('crashed', message, { cause }));
    }
    if (this.closed) return;
    this.gone(slot);
    const delay = Math.min(RESTART_DELAY_MAX_MS, RESTART_DELAY_MS * 2 ** slot.deaths++);
    slot.restart = setTimeout(() => this.start(slot), delay);
  }

  private dispatch(): void {
    for (const slot of this.slots) {
      if (slot.worker === undefined || slot.job !== undefined || !slot.ready) continue;
      const job = this.rules.shift() ?? (slot.reserved ? undefined : this.people.shift());
      if (job === undefined) continue;
      slot.job = job;
      job.slot = slot;
      this.signalStop(slot, 0, StopReason.none);
      const message: WorkerRequest = {
        id: job.id,
        request: job.request,
        queuedMs: performance.now() - job.enteredMs,
      };
      job.onStart?.(slot.index, job.id);
      const sent = this.wordOf(slot) + WorkerWord.sent;
      Atomics.add(this.options.control, sent, 1);
      // It may be blocked in a wait for other threads, which this word ends.
      Atomics.notify(this.options.control, sent);
      slot.worker.postMessage(message);
    }
    if (this.people.length > 0) this.startAll();
  }

  private signalStop(slot: Slot, id: number, reason: StopReason): void {
    const word = this.wordOf(slot);
    Atomics.store(this.options.control, word + 1, reason);
    Atomics.store(this.options.control, word, id);
  }

  /** Takes a waiting request out; asks the worker of a running one to stop, and replaces it if it won't. */
  private stop(job: Job, reason: StopReason): void {
    const { slot } = job;
    if (job.stopped !== StopReason.none) return;
    job.stopped = reason;
    if (slot === undefined) {
      for (const queue of [this.rules, this.people]) {
        const at = queue.indexOf(job);
        if (at >= 0) queue.splice(at, 1);
      }
      this.finish(
        job,
        reason === StopReason.timeout
          ? new WorkerError('queue_timeout', 'query timed out in query queue')
          : new WorkerError('canceled', 'query was canceled in query queue'),
      );
      return;
    }
    this.signalStop(slot, job.id, reason);
    clearTimeout(job.timer);
    job.timer = setTimeout(() => this.replace(slot, job, reason), this.options.stopGraceMs);
  }

  private replace(slot: Slot, job: Job, reason: StopReason): void {
    const { worker } = slot;
    if (slot.job !== job || worker === undefined) return;
    slot.job = undefined;
    slot.worker = undefined;
    this.replaced++;
    this.options.logger.warn('Query worker did not stop in time; replacing it', {
      slot: slot.index,
    });
    this.finish(
      job,
      reason === StopReason.timeout
        ? new WorkerError('timeout', 'query timed out in expression evaluation')
        : new WorkerError('canceled', 'query was canceled in expression evaluation'),
    );
    // Its slot in the shared memory is free only once the thread has really ended.
    void this.end(slot, worker).then(() => {
      if (!this.closed) this.start(slot);
    });
  }

  private finish(job: Job, error: WorkerError | undefined, answer?: unknown): void {
    clearTimeout(job.timer);
    job.unlisten();
    job.settle(error, answer);
  }
}
