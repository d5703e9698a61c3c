// SPDX-License-Identifier: Apache-2.0
// The database between a start and an end, as the server puts it together.

import type { Clock } from '../../src/base/index.ts';
import { seededPrng, silentLogger } from '../../src/base/index.ts';
import { createPlainSnappy } from '../../src/encoding/index.ts';
import type { SharedHeap, SharedMemory } from '../../src/kernels/index.ts';
import { SharedHeap as Heap } from '../../src/kernels/index.ts';
import type { Database } from '../../src/tsdb/index.ts';
import {
  BlockListWriter,
  BlockStore,
  blockRanges,
  DatabaseReader,
  HeadReader,
  isFromOutOfOrder,
  localBlockWorker,
  Maintenance,
  openDatabase,
} from '../../src/tsdb/index.ts';
import type { SimFileSystem } from './sim-file-system.ts';

export const HOUR = 3_600_000;
export const DIRECTORY = '/data';
export const CHUNK_RANGE_MS = 2 * HOUR;
const BLOCK_READER_SLOT = 63;

export interface LifeOptions {
  readonly files: SimFileSystem;
  readonly heap: SharedHeap;
  readonly clock: Clock;
  readonly windowMs: number;
  readonly retentionMs: number;
  readonly walCompression: 'none' | 'snappy';
}

/** Zero control blocks: the memory is as new. */
export function renewedHeap(shared: SharedMemory): SharedHeap {
  shared.u8.fill(0, 0x4000, 0x10000);
  return new Heap(shared);
}

export class Life {
  readonly db: Database;
  readonly maintenance: Maintenance;
  readonly reader: DatabaseReader;
  private readonly store: BlockStore;

  constructor(db: Database, maintenance: Maintenance, reader: DatabaseReader, store: BlockStore) {
    this.db = db;
    this.maintenance = maintenance;
    this.reader = reader;
    this.store = store;
  }

  static async begin(options: LifeOptions): Promise<Life> {
    const { files, heap, clock } = options;
    const logger = silentLogger;
    const store = new BlockStore({
      files,
      directory: DIRECTORY,
      nowMs: () => clock.now(),
      prng: seededPrng(clock.now() % 1e9),
      ranges: blockRanges(CHUNK_RANGE_MS, 31 * 24 * HOUR),
    });
    const chunks = { files, directory: `${DIRECTORY}/chunks_head` };
    const worker = localBlockWorker({
      store,
      files,
      directory: DIRECTORY,
      head: () => new HeadReader(heap.shared, BLOCK_READER_SLOT, chunks),
      codecs: () => ({ snappy: createPlainSnappy() }),
    });
    const maintenance = new Maintenance({
      worker,
      list: new BlockListWriter(heap),
      clock,
      logger,
      chunkRangeMs: CHUNK_RANGE_MS,
      retention: () => ({ durationMs: options.retentionMs, sizeBytes: 0 }),
      otherBytes: () => 0,
    });
    const db = await openDatabase({
      directory: DIRECTORY,
      files,
      clock,
      logger,
      heap,
      processId: 1,
      lock: false,
      walSegmentBytes: 32768,
      walCompression: options.walCompression,
      outOfOrderWindowMs: options.windowMs,
      exemplarsMax: 10_000,
      // Both ways: it is written at a clean end and read at the next start, or never.
      memorySnapshot: options.walCompression !== 'none',
      floorTime: () => maintenance.open(),
    });
    db.head.reserveScratch(0, 1 << 20);
    db.head.reserveScratch(BLOCK_READER_SLOT, 1 << 20);
    maintenance.start(db);
    const scratchBytes = 8 << 20;
    const scratchAddress = heap.allocate(scratchBytes);
    const parts = { shared: heap.shared, worker: 0, files, directory: DIRECTORY };
    const reader = new DatabaseReader({ ...parts, scratchAddress, scratchBytes });
    return new Life(db, maintenance, reader, store);
  }

  /** Time up to which everything that was in the head is in blocks. */
  get blockEnd(): number {
    let end = Number.NEGATIVE_INFINITY;
    for (const { meta } of this.maintenance.blocks) {
      if (!isFromOutOfOrder(meta)) end = Math.max(end, meta.maxTime);
    }
    return end;
  }

  /** Whether something waits in memory because the disk takes nothing. */
  get isFailing(): boolean {
    return this.db.isLogFailing;
  }

  close(): void {
    void this.maintenance.stop();
    this.reader.close();
    this.store.close();
    this.db.close();
  }
}
