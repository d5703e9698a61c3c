// SPDX-License-Identifier: Apache-2.0
// Query threads beside a writer that appends, turns series over, writes chunk files and truncates: no view
// is ever half a scrape, holds a freed record, or goes back in time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { seededPrng, silentLogger } from '../../src/base/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { labelsFrom } from '../../src/model/index.ts';
import { createNodeClock, createNodeFileSystem } from '../../src/platform/index.ts';
import type { Database } from '../../src/tsdb/index.ts';
import { openDatabase } from '../../src/tsdb/index.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0))
    rmSync(directory, { recursive: true, force: true });
});

const STEADY = 40;
const CHURN = 30;
const READERS = 2;
const START = 1_700_000_000_000;

interface Report {
  readonly queries: number;
  readonly samples?: number;
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
    },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', (report: Report) => void worker.terminate().then(() => resolve(report)));
    worker.once('error', reject);
  });
}

test.each([1, 2])(
  'views are whole and stay so (seed %i)',
  async (seed) => {
    const prng = seededPrng(seed);
    const directory = mkdtempSync(join(tmpdir(), 'hearth-isolation-'));
    directories.push(directory);
    const db = await openDatabase({
      directory,
      files: createNodeFileSystem(),
      clock: createNodeClock(),
      logger: silentLogger,
      heap: new SharedHeap(createMemory(96 << 20)),
      processId: process.pid,
      chunkRangeMs: 200_000,
      walSegmentBytes: 1 << 20,
    });
    const stop = new SharedArrayBuffer(4);
    const reports = Array.from({ length: READERS }, (_, slot) => startReader(db, slot, stop));
    const batch = db.head.newBatch(STEADY + CHURN);
    let generation = 0;
    let truncation = Promise.resolve<unknown>(undefined);
    for (let k = 0; k < 2000; k++) {
      if (prng.below(40) === 0) generation++;
      const time = START + 1000 * k;
      for (let i = 0; i < STEADY + CHURN; i++) {
        const steady = i < STEADY;
        const labels = steady
          ? { __name__: 'm', group: 'steady', i: String(i) }
          : { __name__: 'm', group: 'churn', i: String(i), pod: `${generation}-${i}` };
        batch.refs[i] = db.head.seriesRef(labelsFrom(labels));
        batch.times[i] = time;
        batch.values[i] = time * 1000 + i;
      }
      batch.count = STEADY + CHURN;
      expect(db.head.append(batch)).toBe(STEADY + CHURN);
      if (k % 150 === 149) {
        await truncation;
        truncation = db.truncateHead(time - 250_000);
      }
      // Truncation and the readers' messages get their turns.
      if (k % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await truncation;
    Atomics.store(new Int32Array(stop), 0, 1);
    for (const report of await Promise.all(reports)) {
      expect(report.error).toBeUndefined();
      expect(report.queries).toBeGreaterThan(10);
    }
    expect(db.head.counters.seriesRemoved).toBeGreaterThan(300);
    expect(db.head.mapperCounters?.chunksWritten).toBeGreaterThan(100);
    db.close();
  },
  60_000,
);
