// SPDX-License-Identifier: Apache-2.0
// Query threads beside a writer that appends floats and histograms, turns series over, writes chunk files and
// truncates: no view is ever half a scrape, holds a freed record, or goes back in time. Two writers that are
// broken on purpose show that the readers would notice.
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { Prng } from '../../src/base/index.ts';
import { seededPrng, silentLogger } from '../../src/base/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { Histogram, labelsFrom } from '../../src/model/index.ts';
import { createNodeClock, createNodeFileSystem } from '../../src/platform/index.ts';
import type { SampleBatch } from '../../src/storage/index.ts';
import type { Database } from '../../src/tsdb/index.ts';
import { openDatabase } from '../../src/tsdb/index.ts';
import { newDirectory } from '../new-directory.ts';

const STEADY = 40;
const CHURN = 30;
const READERS = 2;
const SCRAPES = 1200;
const START = 1_700_000_000_000;

interface Report {
  readonly queries: number;
  readonly samples?: number;
  readonly histograms?: number;
  readonly error?: string;
}

function startReader(db: Database, slot: number, stop: SharedArrayBuffer): Promise<Report> {
  db.head.reserveScratch(slot, 8 << 20);
  const worker = new Worker(new URL('./isolation-worker.mjs', import.meta.url), {
    workerData: {
      memory: db.head.heap.shared.memory,
      slot,
      stop,
      directory: db.chunksDirectory,
      steady: STEADY,
      start: START,
    },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', (report: Report) => void worker.terminate().then(() => resolve(report)));
    worker.once('error', reject);
  });
}

/** Of each eight series one has integer histograms and one float ones. */
function histogramOf(series: number, time: number): Histogram | undefined {
  if (series % 4 !== 3) return undefined;
  const count = (time - START) * 100 + series + 1;
  return new Histogram({
    schema: 0,
    count,
    sum: time * 1000 + series,
    positiveSpans: Int32Array.of(series, 1),
    positiveBuckets: Float64Array.of(count),
    isFloat: series % 8 === 7,
  });
}

/** One scrape of all series. */
function fill(db: Database, batch: SampleBatch, generation: number, time: number): void {
  batch.count = STEADY + CHURN;
  batch.histograms = undefined;
  const histograms: (Histogram | undefined)[] = [];
  for (let i = 0; i < batch.count; i++) {
    const labels =
      i < STEADY
        ? { __name__: 'm', group: 'steady', i: String(i) }
        : { __name__: 'm', group: 'churn', i: String(i), generation: String(generation) };
    batch.refs[i] = db.head.seriesRef(labelsFrom(labels));
    batch.times[i] = time;
    batch.values[i] = time * 1000 + i;
    histograms.push(histogramOf(i, time));
  }
  batch.histograms = histograms;
}

interface Writer {
  readonly seed: number;
  /** Breaks the database. */
  readonly sabotage?: (db: Database) => void;
  /** Appends a scrape. */
  readonly append?: (db: Database, batch: SampleBatch) => void;
}

async function write(db: Database, prng: Prng, writer: Writer, stop: Int32Array): Promise<void> {
  const batch = db.head.newBatch(STEADY + CHURN);
  const append = writer.append ?? ((to, whole) => expect(to.head.append(whole)).toBe(whole.count));
  let generation = 0;
  let truncation = Promise.resolve<unknown>(undefined);
  for (let k = 0; k < SCRAPES && Atomics.load(stop, 0) === 0; k++) {
    if (prng.below(40) === 0) generation++;
    const time = START + 1000 * k;
    fill(db, batch, generation, time);
    append(db, batch);
    if (k % 150 === 149) {
      await truncation;
      truncation = db.truncateHead(time - 250_000);
    }
    // Truncation and the readers' messages get their turns.
    if (k % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await truncation;
}

/** Runs a writer beside readers; what these say in the end. */
async function run(writer: Writer, use: (db: Database) => void): Promise<Report[]> {
  const db = await openDatabase({
    directory: newDirectory(),
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger: silentLogger,
    heap: new SharedHeap(createMemory(128 << 20)),
    processId: process.pid,
    chunkRangeMs: 200_000,
    walSegmentBytes: 1 << 20,
  });
  const stop = new SharedArrayBuffer(4);
  const reports = Array.from({ length: READERS }, (_, slot) => startReader(db, slot, stop));
  writer.sabotage?.(db);
  try {
    await write(db, seededPrng(writer.seed), writer, new Int32Array(stop));
  } finally {
    Atomics.compareExchange(new Int32Array(stop), 0, 0, 1);
  }
  const all = await Promise.all(reports);
  use(db);
  db.close();
  return all;
}

test.each([1, 2])(
  'views are whole and stay so (seed %i)',
  async (seed) => {
    const reports = await run({ seed }, (db) => {
      expect(db.head.counters.seriesRemoved).toBeGreaterThan(150);
      expect(db.head.mapperCounters?.chunksWritten).toBeGreaterThan(50);
    });
    for (const report of reports) {
      expect(report.error).toBeUndefined();
      expect(report.queries).toBeGreaterThan(5);
      expect(report.histograms).toBeGreaterThan(100);
    }
  },
  120_000,
);

const broken: Record<string, Writer> = {
  'a scrape that is published in two halves': {
    seed: 1,
    append: ({ head }, batch) => {
      const whole = batch.count;
      batch.count = STEADY / 2;
      head.append(batch);
      const until = performance.now() + 2;
      while (performance.now() < until);
      batch.count = whole;
      head.append(batch);
    },
  },
  'memory that is used again while readers hold it': {
    seed: 1,
    sabotage: ({ head }) => {
      const store = Reflect.get(head, 'store') as { oldestReader: (newest: number) => number };
      store.oldestReader = (newest) => newest;
    },
  },
};

test.each(Object.entries(broken))(
  'readers notice %s',
  async (_, writer) => {
    const reports = await run(writer, () => undefined);
    expect(reports.some(({ error }) => error !== undefined)).toBe(true);
  },
  120_000,
);
