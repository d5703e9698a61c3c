// SPDX-License-Identifier: Apache-2.0
// `hearth/tsdb`: the database without the server, in one thread. docs/user/tsdb-library.md shows it.

import type { Logger, Prng } from '../base/index.ts';
import { silentLogger } from '../base/index.ts';
import { createPlainSnappy } from '../encoding/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import type { Histogram, Labels, Matcher } from '../model/index.ts';
import { labelsFrom } from '../model/index.ts';
import { createNodeClock, createNodeFileSystem, createZstd } from '../platform/index.ts';
import { parseSelector } from '../promql/index.ts';
import type { Appender, Queryable } from '../storage/index.ts';
import type { BlockMeta, Database } from '../tsdb/index.ts';
import {
  BlockListWriter,
  BlockStore,
  blockRanges,
  DatabaseReader,
  DEFAULT_CHUNK_RANGE_MS,
  HeadReader,
  localBlockWorker,
  Maintenance,
  openDatabase,
} from '../tsdb/index.ts';

export type { BlockMeta } from '../tsdb/index.ts';
export { BlockError, TsdbError } from '../tsdb/index.ts';

export interface TsdbOptions {
  readonly logger?: Logger;
  /** Address space for the head; memory is used as it is needed. At most 4 GiB. */
  readonly memoryBytes?: number;
  /** Blocks that end so long before the newest are removed; 0 (the default): they are kept. */
  readonly retentionMs?: number;
  /** Range of the blocks written from the head. */
  readonly blockRangeMs?: number;
  /** Largest range of a compacted block. */
  readonly blockRangeMaxMs?: number;
  /** Compacts in the background, once a minute; otherwise only when `compact` is called. */
  readonly autoCompact?: boolean;
}

/** One sample as `append` takes it. */
export interface NewSample {
  readonly labels: Readonly<Record<string, string>> | Labels;
  readonly timeMs: number;
  readonly value: number;
}

/** One series that `select` found; the columns are the caller's own. */
export interface SelectedSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Entry i belongs to sample i; undefined when all samples are floats. */
  readonly histograms: readonly (Histogram | undefined)[] | undefined;
}

const MEMORY_BYTES = 1 << 30;
const SCRATCH_BYTES_MAX = 64 << 20;
/** Of the memory, for each of the three that read: head, blocks, block writing. */
const SCRATCH_SHARE = 1 / 16;
const READER = 0;
const BLOCK_READER = 63;
const BLOCK_RANGE_MAX_MS = 31 * 24 * 3_600_000;

const random: Prng = {
  next: () => Math.random(),
  below: (bound) => Math.floor(Math.random() * bound),
};

const isLabels = (labels: NewSample['labels']): labels is Labels => Array.isArray(labels);

/** An open database. One query at a time; compaction works on the calling thread, too. */
export class Tsdb implements Queryable {
  private readonly database: Database;
  private readonly reader: DatabaseReader;
  private readonly maintenance: Maintenance;
  private readonly store: BlockStore;

  constructor(parts: {
    database: Database;
    reader: DatabaseReader;
    maintenance: Maintenance;
    store: BlockStore;
  }) {
    this.database = parts.database;
    this.reader = parts.reader;
    this.maintenance = parts.maintenance;
    this.store = parts.store;
  }

  /** Batches of columns, without an object for each sample: the quick way in. */
  get appender(): Appender {
    return this.database.appender;
  }

  /** meta.json of each block, from old to new. */
  get blocks(): readonly BlockMeta[] {
    return this.maintenance.blocks.map(({ meta }) => meta);
  }

  /**
   * Logs and stores the samples as one batch: a query sees all of them or none.
   * @returns how many were taken: late ones, and other values at a time that has one, are not
   */
  append(samples: readonly NewSample[]): number {
    const { appender } = this;
    const batch = appender.newBatch(Math.max(1, samples.length));
    try {
      samples.forEach(({ labels, timeMs, value }, i) => {
        batch.refs[i] = appender.seriesRef(isLabels(labels) ? labels : labelsFrom(labels));
        batch.times[i] = timeMs;
        batch.values[i] = value;
      });
      batch.count = samples.length;
      return appender.append(batch);
    } finally {
      appender.releaseBatch(batch);
    }
  }

  /** Head and blocks as one, for a query engine. One querier is open at a time. */
  querier(): ReturnType<DatabaseReader['querier']> {
    return this.reader.querier();
  }

  /**
   * Series that match, with their samples from `minTime` to `maxTime`, both inclusive.
   * @param selector as in PromQL: `up{job="node"}`
   * @throws BlockError
   */
  select(
    selector: string | readonly Matcher[],
    minTime: number,
    maxTime: number,
  ): SelectedSeries[] {
    const matchers = typeof selector === 'string' ? parseSelector(selector) : selector;
    const querier = this.querier();
    try {
      const set = querier.select(matchers, minTime, maxTime);
      const pairs = new Uint32Array(2 * set.maxLabelCount);
      const found: SelectedSeries[] = [];
      for (let row = 0; row < set.count; row++) {
        const n = set.read(row, minTime, maxTime);
        if (n === 0) continue;
        const times = set.columns.times.slice(0, n);
        const values = set.columns.values.slice(0, n);
        const histograms = set.histograms?.slice(0, n);
        const count = set.labelIds(row, pairs);
        const labels = Array.from({ length: count }, (_, i) => ({
          name: set.symbols.text(pairs[2 * i]!),
          value: set.symbols.text(pairs[2 * i + 1]!),
        }));
        found.push({ labels, times, values, histograms });
      }
      return found;
    } finally {
      querier.close();
    }
  }

  /** Does what is due: blocks from the head, compactions, retention. */
  compact(): Promise<void> {
    return this.maintenance.compact();
  }

  /** Links all blocks, and the head as one more, into a new directory. */
  snapshot(directory: string): Promise<void> {
    return this.maintenance.snapshot(directory, true);
  }

  async close(): Promise<void> {
    await this.maintenance.stop();
    this.reader.close();
    this.store.close();
    this.database.close();
  }
}

/**
 * Opens (or makes) the database in a directory, Prometheus's or ours.
 * @throws TsdbError when another process has it, or it cannot be used
 */
export async function openTsdb(directory: string, options: TsdbOptions = {}): Promise<Tsdb> {
  const memoryBytes = options.memoryBytes ?? MEMORY_BYTES;
  const heap = new SharedHeap(createMemory(memoryBytes));
  const scratchBytes = Math.min(SCRATCH_BYTES_MAX, Math.floor(memoryBytes * SCRATCH_SHARE));
  const files = createNodeFileSystem();
  const clock = createNodeClock();
  const logger = options.logger ?? silentLogger;
  const chunkRangeMs = options.blockRangeMs ?? DEFAULT_CHUNK_RANGE_MS;
  const store = new BlockStore({
    files,
    directory,
    nowMs: () => clock.now(),
    prng: random,
    ranges: blockRanges(chunkRangeMs, options.blockRangeMaxMs ?? BLOCK_RANGE_MAX_MS),
  });
  const chunks = { files, directory: `${directory}/chunks_head` };
  const lazy: { head: HeadReader | undefined } = { head: undefined };
  const worker = localBlockWorker({
    store,
    files,
    directory,
    head: () => {
      lazy.head ??= new HeadReader(heap.shared, BLOCK_READER, chunks);
      return lazy.head;
    },
    codecs: () => ({ snappy: createPlainSnappy(), zstd: createZstd() }),
  });
  const maintenance = new Maintenance({
    worker,
    list: new BlockListWriter(heap),
    clock,
    logger,
    chunkRangeMs,
    retention: () => ({ durationMs: options.retentionMs ?? 0, sizeBytes: 0 }),
    otherBytes: () => 0,
    automatic: options.autoCompact ?? false,
  });
  const database = await openDatabase({
    directory,
    files,
    clock,
    logger,
    heap,
    zstd: createZstd(),
    processId: process.pid,
    chunkRangeMs,
    floorTime: () => maintenance.open(),
  });
  database.head.reserveScratch(READER, scratchBytes);
  database.head.reserveScratch(BLOCK_READER, scratchBytes);
  maintenance.start(database);
  const reader = new DatabaseReader({
    shared: heap.shared,
    worker: READER,
    files,
    directory,
    scratchAddress: heap.allocate(scratchBytes),
    scratchBytes,
  });
  return new Tsdb({ database, reader, maintenance, store });
}
