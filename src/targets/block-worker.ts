// SPDX-License-Identifier: Apache-2.0
// The thread of the blocks: writes them from the head, compacts and deletes them. One job at a time.

import { parentPort, workerData } from 'node:worker_threads';
import type { Prng } from '../base/index.ts';
import { createMemory, SharedHeap, viewMemory } from '../kernels/index.ts';
import type { WorkerReply, WorkerRequest } from '../platform/index.ts';
import { createNodeFileSystem, createZstd } from '../platform/index.ts';
import type { BlockJob, BlockRanges } from '../tsdb/index.ts';
import { BlockStore, HeadReader, runBlockJob, SharedSnappy } from '../tsdb/index.ts';

export interface BlockWorkerData {
  readonly memory: WebAssembly.Memory;
  /** Its number among the readers of the head. */
  readonly reader: number;
  readonly directory: string;
  readonly ranges: BlockRanges;
  readonly overlappingCompaction: boolean;
}

/** What a job came to. An error that is not expected is our bug and ends the thread. */
export type BlockWorkerAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly name: string; readonly message: string };

/** Larger records are undone by the slow way. */
const CODEC_MEMORY_BYTES = 64 << 20;

const data = workerData as BlockWorkerData;
const shared = viewMemory(data.memory);
const files = createNodeFileSystem();
const { directory } = data;
const random: Prng = {
  next: () => Math.random(),
  below: (bound) => Math.floor(Math.random() * bound),
};
const store = new BlockStore({
  files,
  directory,
  nowMs: () => Date.now(),
  prng: random,
  ranges: data.ranges,
  overlappingCompaction: data.overlappingCompaction,
});
const lazy: { head: HeadReader | undefined } = { head: undefined };
const context = {
  store,
  files,
  directory,
  // Only once there is a head: jobs on blocks come before it.
  head: () => {
    lazy.head ??= new HeadReader(shared, data.reader, {
      files,
      directory: `${directory}/chunks_head`,
      // A block has its series in another order than the files have chunks.
      readBytes: 4096,
    });
    return lazy.head;
  },
  // The head's memory is another thread's to allocate from.
  codecs: () => ({
    snappy: new SharedSnappy(new SharedHeap(createMemory(CODEC_MEMORY_BYTES))),
    zstd: createZstd(),
  }),
};

parentPort?.on('message', async ({ id, request }: WorkerRequest) => {
  let answer: BlockWorkerAnswer;
  try {
    answer = { ok: true, value: await runBlockJob(context, request as BlockJob) };
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'AssertionError') throw error;
    answer = { ok: false, name: error.name, message: error.message };
  }
  const reply: WorkerReply = { id, answer };
  parentPort?.postMessage(reply);
});
