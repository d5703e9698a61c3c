// SPDX-License-Identifier: Apache-2.0
// The block worker as the database's maintenance sees it.

import type { Logger } from '../base/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import { WORKER_SLOT_BYTES, WorkerPool } from '../platform/index.ts';
import type { BlockRanges, BlockWorker } from '../tsdb/index.ts';
import type { BlockWorkerAnswer, BlockWorkerData } from './block-worker.ts';

/** The last of the readers' numbers; query workers count from 0. */
export const BLOCK_READER = 63;
/** A compaction takes minutes at most; one that takes a day hangs. */
const JOB_TIMEOUT_MS = 24 * 3600 * 1000;
const QUEUE_MAX = 100;
const HEAP_MEGABYTES_MAX = 4096;

/** A job that failed in the block worker; the message is the error's. */
export class BlockJobError extends Error {
  override name = 'BlockJobError';
}

export interface BlockPoolOptions {
  readonly shared: SharedMemory;
  readonly directory: string;
  readonly ranges: BlockRanges;
  readonly overlappingCompaction: boolean;
  readonly logger: Logger;
  /** The thread died: what it held of the head is free. */
  readonly onLost: () => void;
}

/** Starts the thread. */
export function startBlockWorker(
  options: BlockPoolOptions,
): BlockWorker & { close(): Promise<void> } {
  const { shared, directory, ranges, overlappingCompaction } = options;
  const workerData: BlockWorkerData = {
    memory: shared.memory,
    reader: BLOCK_READER,
    directory,
    ranges,
    overlappingCompaction,
  };
  const pool = new WorkerPool({
    size: 1,
    // Next to this file, with the same ending: .js when built.
    script: new URL('./block-worker.js', import.meta.url),
    workerData: { ...workerData },
    control: new Int32Array(new SharedArrayBuffer(WORKER_SLOT_BYTES)),
    queueMax: QUEUE_MAX,
    stopGraceMs: 1000,
    heapMegabytesMax: HEAP_MEGABYTES_MAX,
    logger: options.logger,
    onLost: options.onLost,
  });
  return {
    run: async (job) => {
      const answer = (await pool.run(job, { timeoutMs: JOB_TIMEOUT_MS })) as BlockWorkerAnswer;
      if (!answer.ok) throw new BlockJobError(answer.message);
      return answer.value as never;
    },
    close: () => pool.close(),
  };
}
