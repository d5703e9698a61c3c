// SPDX-License-Identifier: Apache-2.0
// The pool of query workers.

import type { Logger } from '../base/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import { QUERY_CONTROL_ADDRESS } from '../kernels/index.ts';
import { WORKER_SLOT_BYTES, WorkerPool } from '../platform/index.ts';
import type { QueryFeatures } from './feature-flags.ts';
import type { QueryWorkerData } from './query-worker.ts';

/** Requests that may wait for a worker. */
const QUEUE_MAX = 1000;
/** How long a query may take to notice that it has to stop. */
const STOP_GRACE_MS = 1000;
const HEAP_MEGABYTES_MAX = 2048;
/** Readers that the head has room for, but those of rules and of the block worker. */
const WORKERS_MAX = 62;

export interface QueryPoolOptions {
  readonly shared: SharedMemory;
  readonly dataDirectory: string;
  readonly blockScratch: readonly number[];
  readonly blockScratchBytes: number;
  /** Workers for everybody. */
  readonly workers: number;
  /** Workers for rules alone. */
  readonly reserved: number;
  readonly lookbackDeltaMs: number;
  readonly samplesMax: number;
  readonly bytesMax: number;
  readonly estimatedSamplesMax: number | undefined;
  readonly features: QueryFeatures;
  readonly logger: Logger;
  /** A worker has ended in the middle of a query: what it held in the memory is free. */
  readonly onWorkerLost: (slot: number) => void;
}

/** Workers for a machine of `cores`: one core is left to the main thread. */
export function workerCount(cores: number, concurrencyMax: number): number {
  return Math.max(1, Math.min(cores - 1, concurrencyMax, WORKERS_MAX));
}

/** Starts the query workers on the shared memory. */
export function startQueryPool(options: QueryPoolOptions): WorkerPool {
  const { workers: size, reserved } = options;
  const workerData: Omit<QueryWorkerData, 'slot'> = {
    memory: options.shared.memory,
    dataDirectory: options.dataDirectory,
    blockScratch: options.blockScratch,
    blockScratchBytes: options.blockScratchBytes,
    lookbackDeltaMs: options.lookbackDeltaMs,
    samplesMax: options.samplesMax,
    bytesMax: options.bytesMax,
    estimatedSamplesMax: options.estimatedSamplesMax,
    features: options.features,
  };
  return new WorkerPool({
    size,
    reserved,
    // Next to this file, with the same ending: .js when built.
    script: new URL('./query-worker.js', import.meta.url),
    workerData: { ...workerData },
    control: new Int32Array(
      options.shared.u8.buffer,
      QUERY_CONTROL_ADDRESS,
      ((size + reserved) * WORKER_SLOT_BYTES) >>> 2,
    ),
    queueMax: QUEUE_MAX,
    stopGraceMs: STOP_GRACE_MS,
    heapMegabytesMax: HEAP_MEGABYTES_MAX,
    logger: options.logger,
    onLost: options.onWorkerLost,
  });
}
