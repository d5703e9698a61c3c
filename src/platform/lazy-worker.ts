// SPDX-License-Identifier: Apache-2.0
// A worker thread that is started when there is something to do, and ended when there was nothing for a
// while. One job at a time; the others wait.

import { Worker } from 'node:worker_threads';

export interface LazyWorkerOptions {
  readonly script: URL;
  /** Ended after so long without a job. */
  readonly idleMs: number;
  readonly heapMegabytesMax: number;
  /** Of young objects: what a job makes and drops should fit. */
  readonly youngMegabytes: number;
}

/** The thread ended before it answered. */
export class WorkerLostError extends Error {
  override name = 'WorkerLostError';
}

export class LazyWorker {
  private readonly options: LazyWorkerOptions;
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(options: LazyWorkerOptions) {
    this.options = options;
  }

  /**
   * Hands over `job`; `transfer` no longer belongs to the caller.
   * @returns what the script posts back
   * @throws WorkerLostError
   */
  run(job: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    this.waiting++;
    clearTimeout(this.idle);
    const answer = this.last.then(() => this.ask(job, transfer));
    this.last = answer.then(
      () => this.rest(),
      () => this.rest(),
    );
    return answer;
  }

  private ask(job: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    this.worker ??= new Worker(this.options.script, {
      resourceLimits: {
        maxOldGenerationSizeMb: this.options.heapMegabytesMax,
        maxYoungGenerationSizeMb: this.options.youngMegabytes,
      },
    });
    const { worker } = this;
    return new Promise((resolve, reject) => {
      const lost = (why: string): void => {
        if (this.worker === worker) this.worker = undefined;
        reject(new WorkerLostError(`the worker ended before it answered: ${why}`));
      };
      worker.removeAllListeners();
      worker.once('message', resolve);
      worker.once('error', (error) => lost(error instanceof Error ? error.message : String(error)));
      worker.once('exit', (code) => lost(`exit code ${code}`));
      worker.postMessage(job, transfer);
    });
  }

  private rest(): void {
    if (--this.waiting > 0) return;
    this.idle = setTimeout(() => void this.close(), this.options.idleMs);
    this.idle.unref();
  }

  /** Ends the thread, if there is one; the next job starts another. */
  async close(): Promise<void> {
    clearTimeout(this.idle);
    const { worker } = this;
    this.worker = undefined;
    worker?.removeAllListeners();
    await worker?.terminate();
  }
}
