// SPDX-License-Identifier: Apache-2.0
// What the thread of the blocks is asked to do, as plain values that can be sent to it.

import type { ChunkFormats } from '../../chunks/index.ts';
import type { Matcher } from '../../model/index.ts';
import type { BlockMeta } from '../block/meta.ts';
import type { HeadReader } from '../head/reader.ts';
import type { BlockStore, CompactionResult, StoreState } from './block-store.ts';
import type { CheckpointJob, CheckpointOutcome } from '../wal/checkpoint.ts';
import { runCheckpoint } from '../wal/checkpoint.ts';
import type { WalCodecs } from '../wal/reader.ts';
import { writeHeadBlock } from './head-block.ts';

/** Inclusive start, exclusive end. */
export interface HeadRange {
  readonly minTime: number;
  readonly maxTime: number;
  /** `from-out-of-order` for a block of late samples. */
  readonly hints?: readonly string[];
  /** Encodings of its chunks. */
  readonly formats?: ChunkFormats;
}

export type BlockJob =
  /** Removes what a crash left and looks at the directory. */
  | { readonly kind: 'open' }
  | { readonly kind: 'reload' }
  | ({ readonly kind: 'writeHead' } & HeadRange)
  | { readonly kind: 'compactNext' }
  | { readonly kind: 'cleanNext' }
  | { readonly kind: 'remove'; readonly ulids: readonly string[] }
  | {
      readonly kind: 'deleteSeries';
      readonly selectors: readonly (readonly Matcher[])[];
      readonly minTime: number;
      readonly maxTime: number;
    }
  /** Shortens the log. */
  | ({ readonly kind: 'checkpoint' } & CheckpointJob)
  /** `head` goes into the snapshot as a block, too. */
  | { readonly kind: 'snapshot'; readonly target: string; readonly head: HeadRange | undefined };

export interface BlockJobAnswers {
  open: StoreState & { readonly removed: readonly string[] };
  reload: StoreState;
  writeHead: BlockMeta | undefined;
  compactNext: CompactionResult | undefined;
  cleanNext: CompactionResult | undefined;
  remove: undefined;
  deleteSeries: number;
  snapshot: undefined;
  checkpoint: CheckpointOutcome;
}

/** Whoever does the jobs: a thread, or this one. Rejects with the job's error. */
export interface BlockWorker {
  run<Kind extends BlockJob['kind']>(
    job: Extract<BlockJob, { readonly kind: Kind }>,
  ): Promise<BlockJobAnswers[Kind]>;
}

/** Where a job that reads the head finds it, and where its block goes. */
export interface BlockJobContext {
  readonly store: BlockStore;
  readonly head: () => HeadReader;
  readonly files: Parameters<typeof writeHeadBlock>[1]['files'];
  readonly directory: string;
  /** For reading the log. */
  readonly codecs: () => WalCodecs;
}

/** Does one job: its answer or a promise of it. @throws what the store throws */
export function runBlockJob(context: BlockJobContext, job: BlockJob): unknown {
  const { store, files, directory } = context;
  switch (job.kind) {
    case 'open': {
      const removed = store.clean();
      return { ...store.reload(), removed };
    }
    case 'reload':
      return store.reload();
    case 'writeHead':
      return writeHeadBlock(context.head(), { ...job, files, directory, ulid: store.newName() });
    case 'compactNext':
      return store.compactNext();
    case 'cleanNext':
      return store.cleanNext();
    case 'remove':
      store.remove(job.ulids);
      return undefined;
    case 'checkpoint':
      return runCheckpoint(job, { files, directory: `${directory}/wal`, codecs: context.codecs() });
    case 'deleteSeries':
      return store.deleteSeries(job.selectors, job.minTime, job.maxTime);
    case 'snapshot':
      store.snapshot(job.target);
      if (job.head !== undefined) {
        const ulid = store.newName();
        writeHeadBlock(context.head(), { ...job.head, files, directory: job.target, ulid });
      }
      return undefined;
  }
}

/** Does the jobs on this thread: for tools and embedding. */
export function localBlockWorker(context: BlockJobContext): BlockWorker {
  return {
    run: (job) =>
      new Promise((resolve) => {
        resolve(runBlockJob(context, job) as never);
      }),
  };
}
