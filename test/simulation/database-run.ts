// SPDX-License-Identifier: Apache-2.0
// One run of the database on a simulated disk and clock: several lives, each of random work and an end by
// close, kill or power cut. What is read is compared with what was acknowledged, again and again and after
// each start.

import type { Clock, Prng } from '../../src/base/index.ts';
import { FileError, seededPrng } from '../../src/base/index.ts';
import type { SharedMemory } from '../../src/kernels/index.ts';
import type { Histogram } from '../../src/model/index.ts';
import { labelsFrom, setStale } from '../../src/model/index.ts';
import type { Querier, SampleBatch } from '../../src/storage/index.ts';
import { AppendStatus, ExemplarStatus, StorageError } from '../../src/storage/index.ts';
import { BlockError, CompactionError, HeadChunkError, TsdbError } from '../../src/tsdb/index.ts';
import type { LifeOptions } from './life.ts';
import { HOUR, Life, renewedHeap } from './life.ts';
import type { Value } from './model.ts';
import {
  Fate,
  histogramText,
  Model,
  randomHistogram,
  SeriesKind,
  SimulationError,
  STALE,
  seriesKind,
} from './model.ts';
import { CrashError, SimFileSystem } from './sim-file-system.ts';

export { SimulationError } from './model.ts';

const MINUTE = 60_000;
const START = 1_700_006_400_000;
const LIVES = 5;
/** Series that are there from the start to the end, and those beside them, which come and go. */
const STEADY = 16;
const CHURNING = 8;
const METRIC = [{ name: '__name__', type: '=', value: 'm' }] as const;

export interface SimulationCounts {
  appended: number;
  histograms: number;
  late: number;
  deletions: number;
  exemplars: number;
  kills: number;
  cuts: number;
  compactions: number;
  writeFaults: number;
  readFaults: number;
  checks: number;
}

export const newCounts = (): SimulationCounts => ({
  appended: 0,
  histograms: 0,
  late: 0,
  deletions: 0,
  exemplars: 0,
  kills: 0,
  cuts: 0,
  compactions: 0,
  writeFaults: 0,
  readFaults: 0,
  checks: 0,
});

export interface SimulationOptions {
  /** Breaks the database on purpose, in each life after its start: what must be noticed. */
  readonly sabotage?: (life: Life, disk: SimFileSystem, prng: Prng) => void;
  /** Told what happens, to find out why a seed fails. */
  readonly trace?: (text: string) => void;
  /** Called with the disk after the last clean close and what is on it. */
  readonly atEnd?: (disk: SimFileSystem, model: Model) => void;
  /** False: no histograms with custom buckets, which Prometheus 2 does not know. */
  readonly withCustom?: boolean;
}

/** What a disk that fails may make of a call; anything else is wrong. */
const isDiskError = (error: unknown): boolean =>
  error instanceof FileError ||
  error instanceof BlockError ||
  error instanceof TsdbError ||
  error instanceof StorageError ||
  error instanceof HeadChunkError ||
  error instanceof CompactionError ||
  (error instanceof Error && error.name === 'CheckpointError');

/** A row on its way in, beside the columns of its batch. */
interface Row {
  readonly series: number;
  readonly isLate: boolean;
  /** It must be taken, whatever else happens. */
  readonly isCertain: boolean;
}

class Run {
  private now = START;
  private readonly prng: Prng;
  private readonly options: SimulationOptions;
  private readonly shared: SharedMemory;
  private readonly model = new Model();
  private readonly settings: Pick<LifeOptions, 'windowMs' | 'retentionMs' | 'walCompression'>;
  private readonly isSlow: boolean;
  private disk: SimFileSystem;
  private batches = 0;
  /** First of the churning series. */
  private churn = STEADY;
  /** Something could not be read lately: blocks may be left out until the next look at the directory. */
  private isPartial = false;
  readonly counts = newCounts();

  constructor(seed: number, shared: SharedMemory, options: SimulationOptions) {
    this.prng = seededPrng(seed);
    this.shared = shared;
    this.options = options;
    this.disk = new SimFileSystem(this.prng);
    const { prng } = this;
    this.settings = {
      windowMs: prng.below(3) === 0 ? 0 : (1 + prng.below(300)) * MINUTE,
      retentionMs: prng.below(4) === 0 ? (8 + prng.below(12)) * HOUR : 0,
      walCompression: prng.below(3) === 0 ? 'none' : 'snappy',
    };
    this.isSlow = prng.below(4) === 0;
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

  private trace(text: () => string): void {
    this.options.trace?.(`${this.disk.operations} ${this.now} ${text()}`);
  }

  async lives(): Promise<void> {
    let afterCut = false;
    for (let life = 0; life < LIVES; life++) {
      const end = this.prng.below(5);
      if (end > 0) this.disk.crashAt = this.disk.operations + 5 + this.prng.below(1500);
      if (this.isSlow) this.slowDown();
      try {
        await this.live(afterCut);
      } catch (error) {
        if (!(error instanceof CrashError) && !this.disk.crashed) throw error;
      }
      afterCut = this.disk.crashed && end >= 3;
      this.trace(
        () => `life ${life} ends: ${afterCut ? 'cut' : this.disk.crashed ? 'kill' : 'close'}`,
      );
      if (this.disk.crashed) this.counts[afterCut ? 'cuts' : 'kills']++;
      if (afterCut) this.model.cut();
      else this.model.kill();
      this.disk = this.disk.afterCrash(afterCut);
    }
    const last = await this.begin(false);
    this.checkStart(last, afterCut);
    this.close(last);
    this.options.atEnd?.(this.disk, this.model);
  }

  /** Syncs take their time, and each operation some of the clock's. */
  private slowDown(): void {
    this.disk.syncDelay = 1 + this.prng.below(30);
    this.disk.onOperation = () => {
      if (this.prng.below(10) === 0) this.now += this.prng.below(3000);
    };
  }

  private async live(afterCut: boolean): Promise<void> {
    const { batches } = this;
    const life = await this.begin(this.prng.below(6) === 0);
    this.checkStart(life, afterCut, batches);
    this.options.sabotage?.(life, this.disk, this.prng);
    await this.work(life);
    this.close(life);
  }

  /**
   * Starts, perhaps on a disk that cannot be read at first: then it starts wrong in no way, or
   * not at all.
   */
  private async begin(withFault: boolean): Promise<Life> {
    const options = (): LifeOptions => ({
      ...this.settings,
      files: this.disk,
      heap: renewedHeap(this.shared),
      clock: this.clock,
    });
    this.isPartial = false;
    if (!withFault) return Life.begin(options());
    const { faults } = this.disk;
    const from = this.disk.operations + this.prng.below(60);
    const before = this.disk.onOperation;
    this.disk.onOperation = () => {
      before?.();
      if (this.disk.operations >= from) faults.readError = 'EIO';
    };
    this.counts.readFaults++;
    let life: Life | undefined;
    try {
      life = await Life.begin(options());
      this.isPartial = true;
    } catch (error) {
      if (!isDiskError(error)) throw error;
    } finally {
      this.disk.onOperation = before;
      faults.readError = undefined;
    }
    if (life === undefined) return Life.begin(options());
    await this.maintain(life);
    return life;
  }

  private checkStart(life: Life, afterCut: boolean, batchMax = this.batches): void {
    this.trace(() => `started, floor ${life.db.head.minValidTime}, blocks to ${life.blockEnd}`);
    this.check(life);
    if (this.isPartial) return;
    this.model.found(afterCut ? Fate.safe : Fate.must, batchMax);
    this.checkExemplars(life);
  }

  private close(life: Life): void {
    const { isPartial } = this;
    life.close();
    if (life.isFailing || isPartial) return;
    this.model.promise();
    this.model.synced();
  }

  private async work(life: Life): Promise<void> {
    for (let step = 30 + this.prng.below(60); step > 0; step--) {
      this.changeFaults();
      this.append(life);
      if (this.prng.below(12) === 0) await this.maintain(life);
      if (this.prng.below(60) === 0) await this.cleanTombstones(life);
      if (this.prng.below(30) === 0) await this.deleteSome(life);
      if (this.prng.below(16) === 0) this.check(life, this.now - this.prng.below(5 * HOUR));
    }
    this.disk.faults.writeError = undefined;
    this.disk.faults.readError = undefined;
    // Writing is tried again every second.
    this.now += 2000;
    this.append(life);
    if (this.isPartial) await this.maintain(life);
    this.check(life, this.now - this.prng.below(12 * HOUR));
  }

  private changeFaults(): void {
    const { faults } = this.disk;
    if (faults.writeError !== undefined) {
      if (this.prng.below(4) === 0) faults.writeError = undefined;
    } else if (this.prng.below(40) === 0) {
      faults.writeError = this.prng.below(2) === 0 ? 'ENOSPC' : 'EIO';
      this.counts.writeFaults++;
    }
    if (faults.readError !== undefined) {
      if (this.prng.below(3) === 0) faults.readError = undefined;
    } else if (this.prng.below(60) === 0) {
      faults.readError = 'EIO';
      this.counts.readFaults++;
    }
    if (faults.readError !== undefined) this.isPartial = true;
  }

  // ---- appending --------------------------------------------------------------------------------------

  private labels(series: number) {
    return labelsFrom({ __name__: 'm', i: String(series) });
  }

  private value(series: number): Histogram | number | typeof STALE {
    const kind = seriesKind(series, this.options.withCustom !== false);
    if (this.prng.below(40) === 0) return STALE;
    const isHistogram = kind === SeriesKind.mixed ? this.prng.below(3) > 0 : kind > 0;
    if (!isHistogram) return this.batches + series / 64;
    return randomHistogram(this.prng, this.batches, kind);
  }

  private put(batch: SampleBatch, series: number, time: number): void {
    const i = batch.count++;
    const value = this.value(series);
    const kind = seriesKind(series, this.options.withCustom !== false);
    batch.times[i] = time;
    const isFloat = kind === SeriesKind.float || typeof value === 'number';
    if (!isFloat) {
      batch.histograms ??= [];
      batch.histograms[i] =
        value === STALE ? randomHistogram(this.prng, 0, kind) : (value as Histogram);
      this.counts.histograms++;
    }
    let shown: Value = STALE;
    if (value === STALE) {
      setStale(batch.valueBits, i);
    } else {
      batch.values[i] = typeof value === 'number' ? value : value.sum;
      shown = typeof value === 'number' ? value : histogramText(value);
    }
    let startTime = 0;
    if (series % 4 === 3 && this.prng.below(10) > 0) {
      // A process lives for some hours; now and then each sample has a start of its own.
      startTime = time - (time % (3 * HOUR)) - 1;
      if (this.prng.below(20) === 0) startTime = time - this.prng.below(1000) - 1;
      batch.startTimes ??= new Float64Array(batch.capacity);
      batch.startTimes[i] = startTime;
    }
    this.model.add(series, time, shown, startTime, this.batches);
  }

  private rows(life: Life, batch: SampleBatch): Row[] {
    const { head } = life.db;
    const { prng, model } = this;
    const rows: Row[] = [];
    const minValid = head.minValidTime;
    const lateFrom = head.maxTime - head.outOfOrderWindowMs;
    const count = 1 + prng.below(STEADY + CHURNING);
    for (let k = 0; k < count; k++) {
      const series = k < STEADY ? k : this.churn + k - STEADY;
      const known = model.series(series);
      const isLate = head.outOfOrderWindowMs > 0 && prng.below(5) === 0;
      const time = isLate
        ? this.now - prng.below(1.2 * head.outOfOrderWindowMs)
        : this.now - (series % 5) * 200 - prng.below(30_000);
      if (known.samples.has(time) || known.isDeleted(time) || time < START - HOUR) continue;
      const inOrder = time > known.newest;
      batch.refs[batch.count] = head.seriesRef(this.labels(series));
      const isCertain = inOrder
        ? time >= minValid
        : head.outOfOrderWindowMs > 0 && time >= lateFrom;
      rows.push({ series, isLate: !inOrder, isCertain });
      this.put(batch, series, time);
    }
    return rows;
  }

  private append(life: Life): void {
    const { db } = life;
    const { prng, model } = this;
    this.now += 1000 + prng.below(10 * MINUTE);
    this.batches++;
    if (prng.below(25) === 0) this.churn += 1 + prng.below(CHURNING);
    if (prng.below(100) === 0 && this.settings.windowMs > 0) {
      db.head.outOfOrderWindowMs = (1 + prng.below(300)) * MINUTE;
    }
    const batch = db.head.newBatch(STEADY + CHURNING);
    const rows = this.rows(life, batch);
    try {
      db.appender.append(batch);
    } catch (error) {
      // Refused whole. One of the two logs may have got hold of its part.
      if (!(error instanceof StorageError)) throw error;
      rows.forEach(({ series }, i) => {
        model.series(series).samples.get(batch.times[i]!)!.mayReturn = true;
      });
      db.head.releaseBatch(batch);
      return;
    }
    if (this.disk.crashed) throw new CrashError('died in append');
    this.trace(() => {
      const cells = rows.map(
        (row, i) => `${row.series}@${batch.times[i]}${row.isLate ? 'L' : ''}=${batch.status[i]}`,
      );
      return `append ${life.isFailing ? 'failing ' : ''}${cells.join(' ')}`;
    });
    rows.forEach((row, i) => {
      this.judge(row, batch.times[i]!, batch.status[i]!);
    });
    if (prng.below(4) === 0) this.appendExemplars(life, batch, rows);
    // What waits in memory because the disk takes nothing would not survive.
    if (!life.isFailing) model.promise();
    db.head.releaseBatch(batch);
  }

  private judge({ series, isLate, isCertain }: Row, time: number, status: number): void {
    if (status === AppendStatus.accepted) {
      this.counts.appended++;
      if (isLate) this.counts.late++;
      return;
    }
    if (isCertain) throw new SimulationError(`series ${series}: status ${status} at ${time}`);
    this.model.series(series).samples.delete(time);
  }

  private appendExemplars(life: Life, batch: SampleBatch, rows: readonly Row[]): void {
    const taken = rows.flatMap(({ series, isLate }, i) =>
      isLate || batch.status[i] !== AppendStatus.accepted ? [] : [{ series, i }],
    );
    const exemplars = taken.slice(0, 3).map(({ i }) => ({
      ref: batch.refs[i]!,
      time: batch.times[i]!,
      value: this.batches,
      labels: labelsFrom({ trace_id: String(this.batches) }),
    }));
    taken.slice(0, 3).forEach(({ series, i }) => {
      this.model.addExemplar(series, batch.times[i]!, this.batches);
    });
    try {
      const statuses = life.db.head.appendExemplars(exemplars);
      if (this.disk.crashed) throw new CrashError('died in append');
      this.counts.exemplars += statuses.length;
      const refused = statuses.find((status) => status !== ExemplarStatus.accepted);
      if (refused !== undefined) throw new SimulationError(`exemplar status ${refused}`);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  // ---- maintenance ------------------------------------------------------------------------------------

  /** Lets a job run while samples come in. Returns whether it succeeded; only a disk may make it fail. */
  private async meanwhile(life: Life, job: () => Promise<void>): Promise<boolean> {
    let outcome: { readonly error: unknown } | 'done' | undefined;
    const ended = job().then(
      () => {
        outcome = 'done';
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    const { writeError, readError } = this.disk.faults;
    let fault = writeError !== undefined || readError !== undefined;
    try {
      while (outcome === undefined && !this.disk.crashed) {
        if (this.prng.below(20) === 0) this.append(life);
        if (this.prng.below(8) === 0) this.disk.runSyncs(Number.POSITIVE_INFINITY);
        await Promise.resolve();
      }
    } finally {
      this.disk.runSyncs(Number.POSITIVE_INFINITY);
      await ended;
    }
    if (this.disk.crashed) throw new CrashError('died in maintenance');
    if (outcome === 'done') return true;
    fault ||= this.isPartial;
    const { error } = outcome as { readonly error: unknown };
    // A disk that fails: tried again later.
    if (!fault || !isDiskError(error)) throw error;
    return false;
  }

  private async maintain(life: Life): Promise<void> {
    this.trace(() => `maintain, faults ${JSON.stringify(this.disk.faults)}`);
    const end = life.blockEnd;
    const batch = this.batches;
    const whole = this.disk.faults.readError === undefined;
    const wasPartial = this.isPartial;
    if (this.settings.retentionMs > 0) this.model.expire(this.now - this.settings.retentionMs);
    if (!(await this.meanwhile(life, () => life.maintenance.compact()))) return;
    this.counts.compactions++;
    if (whole) this.isPartial = false;
    this.trace(
      () =>
        `maintained ${life.maintenance.blocks.map(({ meta }) => `${meta.minTime}-${meta.maxTime}${meta.compaction.hints}`)}`,
    );
    // What was not listed for a while is no new block.
    if (life.blockEnd > end && !wasPartial && !this.isPartial)
      this.model.synced(life.blockEnd, batch);
  }

  private async cleanTombstones(life: Life): Promise<void> {
    await this.meanwhile(life, () => life.maintenance.cleanTombstones());
  }

  private async deleteSome(life: Life): Promise<void> {
    const { prng } = this;
    const { head } = life.db;
    if (!Number.isFinite(head.maxTime)) return;
    const series = prng.below(STEADY);
    const from = this.now - prng.below(20 * HOUR);
    // Nothing is appended to the interval from now on, though the deletion may wait for its turn.
    const to = Math.min(from + prng.below(3 * HOUR), this.now);
    const model = this.model.series(series);
    model.delete(from, to);
    this.trace(() => `delete ${series} ${from} ${to}`);
    const matchers = [...METRIC, { name: 'i', type: '=', value: String(series) } as const];
    const done = await this.meanwhile(life, () =>
      life.maintenance.deleteSeries([matchers], from, to),
    );
    this.counts.deletions++;
    if (done && !life.isFailing && !this.isPartial) model.confirmDeletion(from, to);
  }

  // ---- checking ---------------------------------------------------------------------------------------

  /** `from`: older samples are not looked at, which saves time. */
  private check(life: Life, from = 0): void {
    this.counts.checks++;
    if (this.settings.retentionMs > 0) this.model.expire(this.now - this.settings.retentionMs);
    let querier: Querier | undefined;
    try {
      querier = life.reader.querier();
      const set = querier.select(METRIC, from, 1e15);
      this.model.check(set, from, this.now, this.isPartial);
    } catch (error) {
      // No answer rather than half of one.
      if (this.disk.faults.readError === undefined || !isDiskError(error)) throw error;
    } finally {
      querier?.close();
    }
  }

  private checkExemplars(life: Life): void {
    const { head } = life.db;
    for (let i = 0; i < this.model.count; i++) {
      const matcher = { name: 'i', type: '=', value: String(i) } as const;
      const found = head.exemplars
        .select([[matcher]], 0, 1e15)
        .flatMap(({ exemplars }) => exemplars.map(({ time, value }) => [time, value] as const));
      const wrong = this.model.series(i).exemplarLost(found, head.minTime);
      if (wrong !== undefined) throw new SimulationError(`series ${i}: ${wrong}`);
    }
  }
}

/** Runs one seed. @throws SimulationError */
export async function simulateDatabase(
  seed: number,
  shared: SharedMemory,
  options: SimulationOptions = {},
): Promise<SimulationCounts> {
  const run = new Run(seed, shared, options);
  try {
    await run.lives();
  } catch (error) {
    throw new SimulationError(`seed ${seed}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return run.counts;
}
