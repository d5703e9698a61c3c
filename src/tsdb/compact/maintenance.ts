// SPDX-License-Identifier: Apache-2.0
// Keeps a database in shape: turns the head's older samples into blocks, compacts blocks, drops what is too
// old. It decides; the work itself is done by a block worker. One thing at a time, in this order:
//
//   1. a block is written and synced            4. the head gives its samples back
//   2. the directory is looked at again         5. the log is shortened
//   3. readers are told of the block            6. parents of a compaction are removed, last of all

import type { Clock, Logger, Timer } from '../../base/index.ts';
import type { ChunkFormats } from '../../chunks/index.ts';
import type { Matcher } from '../../model/index.ts';
import type { BlockListWriter } from '../block/block-list.ts';
import { isFromOutOfOrder, isPartOfItsTime, OUT_OF_ORDER_HINT } from '../block/meta.ts';
import type { Database } from '../db.ts';
import type { RetentionLimits } from '../retention/retention.ts';
import { expiredBlocks } from '../retention/retention.ts';
import type { Checkpointer } from '../wal/checkpoint.ts';
import type { BlockWorker } from './block-jobs.ts';
import type { CompactionResult, StoredBlock, StoreState } from './block-store.ts';
import { rangeEnd } from './plan.ts';

/** Counts since the start, for metrics. */
export interface MaintenanceCounters {
  compactions: number;
  compactionsFailed: number;
  compactionsTriggered: number;
  verticalCompactions: number;
  reloads: number;
  reloadsFailed: number;
  timeRetentions: number;
  sizeRetentions: number;
}

/** Receives how long each compaction took. */
export interface CompactionObserver {
  compacted(seconds: number): void;
  cleaned(seconds: number): void;
}

export interface MaintenanceOptions {
  readonly worker: BlockWorker;
  readonly list: BlockListWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly chunkRangeMs: number;
  /** As the running configuration says. */
  readonly retention: () => RetentionLimits;
  /** Bytes of log and head chunks, which count to the size. */
  readonly otherBytes: () => number;
  /** Encodings of the chunks of the next block; without it start times stay wherever there are any. */
  readonly formats?: () => ChunkFormats;
  readonly observer?: CompactionObserver;
  readonly intervalMs?: number;
  /** False: nothing happens unless it is asked for. */
  readonly automatic?: boolean;
}

const INTERVAL_MS = 60_000;
const BACKOFF_MS = 1000;
const BACKOFF_MAX_MS = 60_000;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** One database's blocks, from the thread that owns the head. */
export class Maintenance {
  readonly counters: MaintenanceCounters = {
    compactions: 0,
    compactionsFailed: 0,
    compactionsTriggered: 0,
    verticalCompactions: 0,
    reloads: 0,
    reloadsFailed: 0,
    timeRetentions: 0,
    sizeRetentions: 0,
  };
  private readonly options: MaintenanceOptions;
  private stored: readonly StoredBlock[] = [];
  private reported = new Set<string>();
  private reportedOverlaps = '';
  private database: Database | undefined;
  private timer: Timer | undefined;
  private stopped = false;
  private backoffMs = 0;
  /** Settles when what is under way is done: jobs wait for one another. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(options: MaintenanceOptions) {
    this.options = options;
  }

  /** By time. */
  get blocks(): readonly StoredBlock[] {
    return this.stored;
  }

  get retention(): RetentionLimits {
    return this.options.retention();
  }

  /** Bytes of all blocks. */
  get blockBytes(): number {
    return this.stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /**
   * Before the head is there: removes what a crash left and lists the blocks.
   * @returns the time up to which samples are in blocks (exclusive), undefined when there are none
   */
  async open(): Promise<number | undefined> {
    const { worker, logger } = this.options;
    const { removed, ...state } = await worker.run({ kind: 'open' });
    for (const name of removed) {
      logger.warn('Removed what an interrupted compaction or deletion left', { directory: name });
    }
    this.take(state);
    if (state.superseded.length > 0) await this.remove(state.superseded);
    const ends = this.stored
      .filter(({ meta }) => !isPartOfItsTime(meta))
      .map(({ meta }) => meta.maxTime);
    return ends.length === 0 ? undefined : ends.reduce((a, b) => Math.max(a, b));
  }

  /** Works every minute from now on, unless it is not to work by itself. */
  start(database: Database): void {
    this.database = database;
    if (this.options.automatic !== false) this.schedule(this.options.intervalMs ?? INTERVAL_MS);
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = this.options.clock.setTimer(delayMs, () => {
      void this.exclusively(() => this.tick()).then(() => {
        this.schedule(Math.max(this.options.intervalMs ?? INTERVAL_MS, this.backoffMs));
      });
    });
  }

  /** Lets the job under way end; nothing more is begun. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.queue;
  }

  /** Runs `act` when nothing else is under way. */
  private exclusively<T>(act: () => Promise<T>): Promise<T> {
    const result = this.queue.then(act);
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Everything that is due now. Errors are logged and counted; what failed is tried again later. */
  private async tick(): Promise<void> {
    try {
      await this.compactHead();
      await this.reload();
      await this.compactBlocks();
      this.backoffMs = 0;
    } catch (error) {
      this.counters.compactionsFailed++;
      this.backoffMs = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MS, 2 * this.backoffMs));
      this.options.logger.error('compaction failed', { err: messageOf(error) });
    }
  }

  /** What is due now; for tools and tests. @throws what fails */
  compact(): Promise<void> {
    return this.exclusively(async () => {
      await this.compactHead();
      await this.reload();
      await this.compactBlocks();
    });
  }

  // ---- head -------------------------------------------------------------------------------------------

  private formats(): { readonly formats?: ChunkFormats } {
    const { formats } = this.options;
    return formats === undefined ? {} : { formats: formats() };
  }

  private isHeadCompactable(): boolean {
    const head = this.database?.head;
    if (head === undefined || !Number.isFinite(head.maxTime)) return false;
    return head.maxTime - head.minTime > 1.5 * this.options.chunkRangeMs;
  }

  private async compactHead(): Promise<void> {
    const { chunkRangeMs, worker, clock, logger, observer } = this.options;
    while (this.database !== undefined && this.isHeadCompactable() && !this.stopped) {
      const { head } = this.database;
      const minTime = head.minTime;
      const maxTime = rangeEnd(minTime, chunkRangeMs);
      this.counters.compactionsTriggered++;
      const start = clock.monotonicMs();
      // What comes late from here on may come too late for its block.
      const seenBatch = head.committedBatch;
      const meta = await worker.run({ kind: 'writeHead', minTime, maxTime, ...this.formats() });
      const seconds = (clock.monotonicMs() - start) / 1000;
      if (meta !== undefined) {
        this.counters.compactions++;
        logger.info('write block', {
          mint: meta.minTime,
          maxt: meta.maxTime,
          ulid: meta.ulid,
          duration: `${seconds.toFixed(3)}s`,
        });
      }
      observer?.compacted(seconds);
      await this.writeLate(head.outOfOrderMinTime, minTime);
      await this.reload();
      const checkpoint: Checkpointer = (job) => worker.run({ kind: 'checkpoint', ...job });
      await this.database.truncateHead(maxTime, { seenBatch, checkpoint });
    }
  }

  /** Blocks of the samples that came later than the blocks of their time, before the head forgets them. */
  private async writeLate(from: number, until: number): Promise<void> {
    const { chunkRangeMs, worker, logger } = this.options;
    const hints = [OUT_OF_ORDER_HINT];
    for (let minTime = from; minTime < until && !this.stopped; ) {
      const maxTime = Math.min(until, rangeEnd(minTime, chunkRangeMs));
      const range = { minTime: rangeEnd(minTime, chunkRangeMs) - chunkRangeMs, maxTime };
      const meta = await worker.run({ kind: 'writeHead', ...range, hints, ...this.formats() });
      if (meta !== undefined) {
        this.counters.compactions++;
        logger.info('write block of out-of-order samples', {
          mint: meta.minTime,
          maxt: meta.maxTime,
          ulid: meta.ulid,
        });
      }
      minTime = maxTime;
    }
  }

  // ---- blocks -----------------------------------------------------------------------------------------

  private async compactBlocks(): Promise<void> {
    const { worker, clock } = this.options;
    // When a head is due again meanwhile it goes first: the next tick is a minute away at most.
    while (!this.stopped && !this.isHeadCompactable()) {
      const start = clock.monotonicMs();
      const result = await worker.run({ kind: 'compactNext' });
      if (result === undefined) return;
      this.counters.compactionsTriggered++;
      this.count(result, (clock.monotonicMs() - start) / 1000);
      await this.reload();
    }
  }

  private count(result: CompactionResult, seconds: number): void {
    const { logger, observer } = this.options;
    this.counters.compactions++;
    if (result.vertical) this.counters.verticalCompactions++;
    observer?.compacted(seconds);
    logger.info('compact blocks', {
      count: result.parents.length,
      mint: result.meta?.minTime,
      maxt: result.meta?.maxTime,
      ulid: result.meta?.ulid ?? 'none: nothing was left of them',
      sources: result.parents.map(({ ulid }) => ulid),
      duration: `${seconds.toFixed(3)}s`,
    });
  }

  /** Looks at the directory, tells readers, and removes what is too old or was replaced. */
  private async reload(): Promise<void> {
    this.counters.reloads++;
    try {
      const state = await this.options.worker.run({ kind: 'reload' });
      const expired = this.expired(state);
      const gone = new Set(expired);
      this.take({ ...state, blocks: state.blocks.filter(({ meta }) => !gone.has(meta.ulid)) });
      const all = [...state.superseded, ...expired];
      if (all.length > 0) await this.remove(all);
    } catch (error) {
      this.counters.reloadsFailed++;
      throw error;
    }
  }

  private expired(state: StoreState): string[] {
    const { retention, otherBytes } = this.options;
    const { byTime, bySize } = expiredBlocks(state.blocks, retention(), otherBytes());
    if (byTime.length > 0) this.counters.timeRetentions++;
    if (bySize.length > 0) this.counters.sizeRetentions++;
    return [...new Set([...byTime, ...bySize])];
  }

  private async remove(ulids: readonly string[]): Promise<void> {
    const { worker, logger } = this.options;
    // Readers have the files open, or a newer list: nobody looks for the names any more.
    await worker.run({ kind: 'remove', ulids });
    for (const ulid of ulids) logger.info('Deleting obsolete block', { block: ulid });
  }

  private take(state: StoreState): void {
    this.stored = state.blocks;
    this.options.list.publish(
      state.blocks.map(({ meta, tombstoneGeneration }) => ({
        ulid: meta.ulid,
        tombstoneGeneration,
      })),
    );
    const paths = new Set(state.problems.map(({ path }) => path));
    for (const { path, message } of state.problems) {
      if (this.reported.has(path)) continue;
      const what = 'Block cannot be used: it is left out of queries and left where it is';
      this.options.logger.error(what, { path, err: message });
    }
    this.reported = paths;
    this.reportOverlaps(state);
  }

  /** Late samples make blocks that overlap others; all the rest were put there by somebody. */
  private reportOverlaps({ blocks }: StoreState): void {
    const overlaps: string[] = [];
    let [last] = blocks;
    for (const block of blocks.slice(1)) {
      const isOverlap = last !== undefined && block.meta.minTime < last.meta.maxTime;
      const isLate = isFromOutOfOrder(block.meta) || (last && isFromOutOfOrder(last.meta));
      if (isOverlap && !isLate) overlaps.push(`${last!.meta.ulid} and ${block.meta.ulid}`);
      if (last === undefined || block.meta.maxTime > last.meta.maxTime) last = block;
    }
    const text = overlaps.join(', ');
    if (text !== '' && text !== this.reportedOverlaps) {
      const what =
        'Overlapping blocks found: they are read together until compaction makes one of them';
      this.options.logger.warn(what, { blocks: text });
    }
    this.reportedOverlaps = text;
  }

  // ---- on request -------------------------------------------------------------------------------------

  /** Marks samples as deleted, in the head and in blocks. @throws MatcherError, StorageError, FileError */
  deleteSeries(
    selectors: readonly (readonly Matcher[])[],
    minTime: number,
    maxTime: number,
  ): Promise<void> {
    return this.exclusively(async () => {
      this.database?.head.deleteSeries(selectors, minTime, maxTime);
      await this.options.worker.run({ kind: 'deleteSeries', selectors, minTime, maxTime });
      await this.reload();
    });
  }

  /** Writes all blocks that have deletions anew, without what is deleted. */
  cleanTombstones(): Promise<void> {
    return this.exclusively(async () => {
      const { worker, clock, observer } = this.options;
      const start = clock.monotonicMs();
      for (;;) {
        const result = await worker.run({ kind: 'cleanNext' });
        if (result === undefined) break;
        if (result.meta === undefined) {
          await this.remove(result.parents.map(({ ulid }) => ulid));
        }
        await this.reload();
      }
      observer?.cleaned((clock.monotonicMs() - start) / 1000);
    });
  }

  /** Links all blocks into `target`, and writes what the head has as one more. */
  snapshot(target: string, withHead: boolean): Promise<void> {
    return this.exclusively(async () => {
      const head = this.database?.head;
      const filled = withHead && head !== undefined && Number.isFinite(head.maxTime);
      const range = filled
        ? { minTime: head.minTime, maxTime: head.maxTime + 1, ...this.formats() }
        : undefined;
      await this.options.worker.run({ kind: 'snapshot', target, head: range });
    });
  }
}
