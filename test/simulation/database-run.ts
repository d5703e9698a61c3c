// SPDX-License-Identifier: Apache-2.0
// One run of the database on a simulated disk: several lives, each of random work and an end by close,
// kill or power cut. After each start what is read is compared with what was acknowledged.

import type { Clock, Logger, Prng } from '../../src/base/index.ts';
import { seededPrng, silentLogger } from '../../src/base/index.ts';
import { createPlainSnappy } from '../../src/encoding/index.ts';
import type { SharedMemory } from '../../src/kernels/index.ts';
import { SharedHeap } from '../../src/kernels/index.ts';
import { labelsFrom } from '../../src/model/index.ts';
import { AppendStatus, StorageError } from '../../src/storage/index.ts';
import type { Database } from '../../src/tsdb/index.ts';
import {
  BlockListWriter,
  BlockStore,
  blockRanges,
  DatabaseReader,
  HeadReader,
  localBlockWorker,
  Maintenance,
  openDatabase,
} from '../../src/tsdb/index.ts';
import { CrashError, SimFileSystem } from './sim-file-system.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = 1_700_006_400_000;
const DIRECTORY = '/data';
const SERIES_MAX = 24;
const BLOCK_READER_SLOT = 63;

/** What a sample may be after a crash. */
const Fate = { must: 1, may: 2 } as const;
type Fate = (typeof Fate)[keyof typeof Fate];

interface Sample {
  readonly value: number;
  fate: Fate;
}

/** A run found the database wrong. */
export class SimulationError extends Error {
  override name = 'SimulationError';
}

/** Zero control blocks: the memory is as new. */
function renew(shared: SharedMemory): SharedHeap {
  shared.u8.fill(0, 0x4000, 0x10000);
  return new SharedHeap(shared);
}

class Run {
  now = START;
  readonly prng: Prng;
  private disk: SimFileSystem;
  private readonly shared: SharedMemory;
  private readonly model = Array.from({ length: SERIES_MAX }, () => new Map<number, Sample>());
  private batches = 0;
  readonly counts = { appended: 0, kills: 0, cuts: 0, compactions: 0, faults: 0 };

  constructor(seed: number, shared: SharedMemory) {
    this.prng = seededPrng(seed);
    this.shared = shared;
    this.disk = new SimFileSystem(this.prng);
  }

  private readonly clock: Clock = {
    now: () => this.now,
    monotonicMs: () => this.now,
    // Short waits end at once, the minute of maintenance never.
    setTimer: (delayMs, fire) => {
      let canceled = false;
      if (delayMs < 1000) queueMicrotask(() => !canceled && fire());
      return {
        cancel: () => {
          canceled = true;
        },
      };
    },
  };

  async lives(count: number): Promise<void> {
    for (let life = 0; life < count; life++) {
      const end = this.prng.below(5);
      if (end > 0) this.disk.crashAt = this.disk.operations + 5 + this.prng.below(600);
      let open: Life | undefined;
      try {
        open = await Life.begin(this.disk, renew(this.shared), this.clock);
        this.check(open);
        await this.work(open);
        open.close();
        if (!open.wasWhole) this.settle(Fate.may);
        else this.markAll();
      } catch (error) {
        if (!(error instanceof CrashError) && !this.disk.crashed) throw error;
      }
      const power = this.disk.crashed && end >= 3;
      if (power) {
        this.counts.cuts++;
        this.settle(Fate.may);
      } else if (this.disk.crashed) {
        this.counts.kills++;
      }
      this.disk = this.disk.afterCrash(power);
    }
    const last = await Life.begin(this.disk, renew(this.shared), this.clock);
    this.check(last);
    last.close();
  }

  /** Samples that may be lost now; those that a start has found again must be there from then on. */
  private settle(fate: Fate): void {
    for (const samples of this.model) for (const sample of samples.values()) sample.fate = fate;
  }

  /** After a clean close everything that is in memory is on the disk. */
  private markAll(): void {
    this.settle(Fate.must);
  }

  private async work(life: Life): Promise<void> {
    for (let step = 30 + this.prng.below(60); step > 0; step--) {
      const { faults } = this.disk;
      if (faults.writeError === undefined && this.prng.below(40) === 0) {
        faults.writeError = this.prng.below(2) === 0 ? 'ENOSPC' : 'EIO';
        this.counts.faults++;
      } else if (faults.writeError !== undefined && this.prng.below(4) === 0) {
        faults.writeError = undefined;
      }
      this.append(life);
      if (this.prng.below(12) === 0) await this.maintain(life);
      if (this.prng.below(10) === 0) this.check(life);
    }
    this.disk.faults.writeError = undefined;
    // Writing is tried again every second.
    this.now += 2000;
    this.append(life);
  }

  private append(life: Life): void {
    const { db } = life;
    this.now += 1000 + this.prng.below(10 * MINUTE);
    const count = 1 + this.prng.below(SERIES_MAX);
    const batch = db.head.newBatch(count);
    const value = ++this.batches;
    for (let i = 0; i < count; i++) {
      batch.refs[i] = db.head.seriesRef(labelsFrom({ __name__: 'm', i: String(i) }));
      batch.times[i] = this.now;
      batch.values[i] = value + i / 64;
    }
    batch.count = count;
    // Whatever happens: from now on the samples may be there.
    for (let i = 0; i < count; i++) {
      this.model[i]!.set(this.now, { value: value + i / 64, fate: Fate.may });
    }
    try {
      db.appender.append(batch);
    } catch (error) {
      // Refused whole: nothing of it may be seen, unless the log got hold of a part of it.
      if (!(error instanceof StorageError)) throw error;
      db.head.releaseBatch(batch);
      return;
    }
    if (this.disk.crashed) throw new CrashError('died in append');
    this.counts.appended += count;
    for (let i = 0; i < count; i++) {
      if (batch.status[i] !== AppendStatus.accepted) {
        throw new SimulationError(`status ${batch.status[i]} for a newer sample`);
      }
    }
    // What waits in memory because the disk takes nothing would not survive.
    if (!db.walQueue.isFailing) this.promise();
    db.head.releaseBatch(batch);
  }

  private promise(): void {
    for (const samples of this.model) {
      for (const sample of [...samples.values()].reverse()) {
        if (sample.fate === Fate.must) break;
        sample.fate = Fate.must;
      }
    }
  }

  private async maintain(life: Life): Promise<void> {
    try {
      await life.maintenance.compact();
      this.counts.compactions++;
    } catch (error) {
      if (error instanceof CrashError || this.disk.crashed) throw error;
      // A disk that fails: tried again later.
      if (this.disk.faults.writeError === undefined) throw error;
    }
    if (this.disk.crashed) throw new CrashError('died in maintenance');
  }

  /** Everything that must be there is, and nothing else than what may be. */
  private check(life: Life): void {
    const querier = life.reader.querier();
    try {
      const set = querier.select([{ name: '__name__', type: '=', value: 'm' }], 0, 1e15);
      const key = set.symbols.id('i');
      const seen = new Set<number>();
      for (let row = 0; row < set.count; row++) {
        const series = Number(set.symbols.text(set.labelValueId(row, key)));
        seen.add(series);
        this.checkSeries(series, set.read(row, 0, 1e15), set.columns.times, set.columns.values);
      }
      this.model.forEach((_, series) => {
        if (!seen.has(series))
          this.checkSeries(series, 0, new Float64Array(0), new Float64Array(0));
      });
    } finally {
      querier.close();
    }
  }

  private checkSeries(series: number, n: number, times: Float64Array, values: Float64Array): void {
    const samples = this.model[series]!;
    const found = new Set<number>();
    for (let i = 0; i < n; i++) {
      const sample = samples.get(times[i]!);
      if (i > 0 && times[i]! <= times[i - 1]!) {
        throw new SimulationError(`series ${series}: time goes back at ${times[i]}`);
      }
      if (sample === undefined || sample.value !== values[i]) {
        throw new SimulationError(`series ${series}: invented sample at ${times[i]}`);
      }
      found.add(times[i]!);
    }
    for (const [time, sample] of samples) {
      if (found.has(time)) continue;
      if (sample.fate === Fate.must) {
        const age = ((this.now - time) / HOUR).toFixed(1);
        throw new SimulationError(`series ${series}: lost a sample ${age} h old at ${time}`);
      }
      samples.delete(time);
    }
  }
}

/** The database between a start and an end. */
class Life {
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

  static async begin(files: SimFileSystem, heap: SharedHeap, clock: Clock): Promise<Life> {
    const logger: Logger = silentLogger;
    const store = new BlockStore({
      files,
      directory: DIRECTORY,
      nowMs: () => clock.now(),
      prng: seededPrng(clock.now() % 1e9),
      ranges: blockRanges(2 * HOUR, 31 * 24 * HOUR),
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
      chunkRangeMs: 2 * HOUR,
      retention: () => ({ durationMs: 0, sizeBytes: 0 }),
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
      floorTime: () => maintenance.open(),
    });
    db.head.reserveScratch(0, 1 << 20);
    db.head.reserveScratch(BLOCK_READER_SLOT, 1 << 20);
    maintenance.start(db);
    const scratchBytes = 2 << 20;
    const scratchAddress = heap.allocate(scratchBytes);
    const parts = { shared: heap.shared, worker: 0, files, directory: DIRECTORY };
    const reader = new DatabaseReader({ ...parts, scratchAddress, scratchBytes });
    return new Life(db, maintenance, reader, store);
  }

  /** Whether the last close left nothing in memory only. */
  wasWhole = false;

  close(): void {
    void this.maintenance.stop();
    this.reader.close();
    this.store.close();
    this.db.close();
    this.wasWhole = !this.db.walQueue.isFailing;
  }
}

/** Runs one seed. @throws SimulationError */
export async function simulateDatabase(seed: number, shared: SharedMemory): Promise<Run['counts']> {
  const run = new Run(seed, shared);
  try {
    await run.lives(5);
  } catch (error) {
    throw new SimulationError(`seed ${seed}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return run.counts;
}
