// SPDX-License-Identifier: Apache-2.0
// The pool of query workers.

import type { Logger } from '../base/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import { QUERY_CONTROL_ADDRESS } from '../kernels/index.ts';
import { WORKER_SLOT_BYTES, WorkerPool } from '../platform/index.ts';
import { closeFanRing } from '../promql/index.ts';
import type { QueryFeatures } from './feature-flags.ts';
import type { QueryWorkerData } from './query-worker.ts';

/** Requests that may wait for a worker. */
const QUEUE_MAX = 1000;
/** How long a query may take to notice that it has to stop. */
const STOP_GRACE_MS = 1000;
const HEAP_MEGABYTES_MAX = 2048;
/** Readers that the head has room for, but that of the block worker. */
const WORKERS_MAX = 63;
/** Workers for rules alone, however many rules may run side by side. */
const RULE_WORKERS_MAX = 8;

export interface QueryPoolOptions {
  readonly shared: SharedMemory;
  readonly dataDirectory: string;
  readonly blockScratch: readonly number[];
  readonly blockScratchBytes: number;
  readonly fanRings: readonly number[];
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

/** Workers for everybody, and for rules alone: no question of people can keep those from the rules. */
export interface WorkerCounts {
  readonly workers: number;
  readonly reserved: number;
}

/**
 * Workers for a machine of `cores`, of which a single query may use all.
 * @param rulesMax rules that may run at the same time
 */
export function workerCounts(
  cores: number,
  concurrencyMax: number,
  rulesMax: number,
): WorkerCounts {
  const reserved = Math.max(1, Math.min(cores, rulesMax, RULE_WORKERS_MAX));
  const workers = Math.max(1, Math.min(cores, concurrencyMax, WORKERS_MAX - reserved));
  return { workers, reserved };
}

/** Starts the query workers on the shared memory. */
export function startQueryPool(options: QueryPoolOptions): WorkerPool {
  const { workers: size, reserved } = options;
  const workerData: Omit<QueryWorkerData, 'slot'> = {
    memory: options.shared.memory,
    dataDirectory: options.dataDirectory,
    blockScratch: options.blockScratch,
    blockScratchBytes: options.blockScratchBytes,
    fanRings: options.fanRings,
    workers: size,
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
    onLost: (slot) => {
      const ring = options.fanRings[slot];
      if (ring !== undefined) closeFanRing(options.shared.u8.buffer, ring);
      options.onWorkerLost(slot);
    },
  });
}
