// SPDX-License-Identifier: Apache-2.0
// What seeds of the simulation found, each as the few steps that lead there.
import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/index.ts';
import { FileError, seededPrng } from '../../src/base/index.ts';
import { createMemory } from '../../src/kernels/index.ts';
import { Histogram, labelsFrom, newSampleColumns } from '../../src/model/index.ts';
import type { Querier, SeriesSet } from '../../src/storage/index.ts';
import { AppendStatus, mergeQueriers } from '../../src/storage/index.ts';
import { HOUR, Life, renewedHeap } from './life.ts';
import { SimFileSystem } from './sim-file-system.ts';

const MINUTE = 60_000;
const START = 1_700_006_400_000;
const shared = createMemory(64 << 20);

let now = START;
const clock: Clock = {
  now: () => now,
  monotonicMs: () => now,
  setTimer: (delayMs, fire) => {
    if (delayMs < 1000) queueMicrotask(fire);
    return { cancel: () => undefined };
  },
};

function begin(files: SimFileSystem, windowMs = 0): Promise<Life> {
  const heap = renewedHeap(shared);
  // Names of blocks go with the time.
  now += 1000;
  return Life.begin({ files, heap, clock, windowMs, retentionMs: 0, walCompression: 'snappy' });
}

const newDisk = (): SimFileSystem => new SimFileSystem(seededPrng(1));

const histogram = (count: number): Histogram =>
  new Histogram({
    schema: 0,
    count,
    sum: count,
    positiveSpans: Int32Array.of(0, 1),
    positiveBuckets: Float64Array.of(count),
    isFloat: false,
  });

/** Rows of name, time and value; returns the statuses. */
function append(life: Life, ...rows: [string, number, number | Histogram][]): number[] {
  const { head } = life.db;
  const batch = head.newBatch(rows.length);
  rows.forEach(([name, time, value], i) => {
    batch.refs[i] = head.seriesRef(labelsFrom({ __name__: name }));
    batch.times[i] = time;
    batch.values[i] = typeof value === 'number' ? value : value.sum;
    if (typeof value === 'number') return;
    batch.histograms ??= [];
    batch.histograms[i] = value;
  });
  batch.count = rows.length;
  head.append(batch);
  const statuses = [...batch.status.subarray(0, rows.length)];
  head.releaseBatch(batch);
  return statuses;
}

/** Times of a series, or what its samples are worth where they are histograms. */
function read(life: Life, name: string): [number, number][] {
  const querier = life.reader.querier();
  try {
    const set = querier.select([{ name: '__name__', type: '=', value: name }], 0, 1e15);
    if (set.count === 0) return [];
    const n = set.read(0, 0, 1e15);
    return Array.from({ length: n }, (_, i) => [
      set.columns.times[i]!,
      set.histograms?.[i]?.count ?? set.columns.values[i]!,
    ]);
  } finally {
    querier.close();
  }
}

/** Two series that bring the head to its next block. */
function fill(life: Life, from: number, hours: number): void {
  for (let time = from; time <= from + hours * HOUR; time += 5 * MINUTE) {
    append(life, ['float', time, 1], ['histogram', time, histogram(time - START)]);
  }
}

test('the oldest sample of the head is a histogram behind a newer one of its batch', async () => {
  const life = await begin(newDisk());
  append(life, ['a', START + 2000, histogram(1)], ['b', START + 1000, histogram(2)]);
  fill(life, START + 5000, 3.5);
  await life.maintenance.compact();
  expect(read(life, 'b')).toEqual([[START + 1000, 2]]);
  life.close();
});

test('truncation finds the oldest histogram, not only the oldest float', async () => {
  const life = await begin(newDisk());
  for (let time = START; time <= START + 3.5 * HOUR; time += 5 * MINUTE) {
    append(life, ['histogram', time, histogram(time - START)]);
  }
  await life.maintenance.compact();
  expect(life.db.head.minTime).toBe(START + 2 * HOUR);
  life.close();
});

test('a series that appears while the head is truncated counts for its oldest time', async () => {
  const life = await begin(newDisk());
  append(life, ['m', START, 1], ['m', START + 4 * HOUR, 1]);
  const truncation = life.db.truncateHead(START + 2 * HOUR);
  let done = false;
  void truncation.then(() => {
    done = true;
  });
  for (let i = 0; !done; i++) {
    await Promise.resolve();
    if (i === 2) append(life, ['new', START + 3.5 * HOUR, 1]);
  }
  expect(life.db.head.minTime).toBeLessThanOrEqual(START + 3.5 * HOUR);
  life.close();
});

test('a late sample stays that comes between its block and the truncation', async () => {
  const life = await begin(newDisk(), 4 * HOUR);
  fill(life, START, 3.5);
  const { head } = life.db;
  const seenBatch = head.committedBatch;
  append(life, ['float', START + HOUR + 1, 7]);
  await life.db.truncateHead(START + 2 * HOUR, { seenBatch });
  expect(read(life, 'float')[0]).toEqual([START + HOUR + 1, 7]);
  life.close();
});

test('a deleted late sample stays deleted: its log outlives the checkpoint', async () => {
  let disk = newDisk();
  let life = await begin(disk, 4 * HOUR);
  fill(life, START, 1);
  append(life, ['float', START + 61_000, 7]);
  await life.maintenance.deleteSeries(
    [[{ name: '__name__', type: '=', value: 'float' }]],
    START,
    START + 2 * MINUTE,
  );
  for (let hour = 1; hour < 9; hour += 2) {
    fill(life, START + hour * HOUR + MINUTE, 1.9);
    await life.maintenance.compact();
    const oldest = read(life, 'float')[0]![0];
    expect(oldest).toBe(START + 5 * MINUTE);
    disk = disk.afterCrash(false);
    life = await begin(disk, 4 * HOUR);
    expect(read(life, 'float')[0]![0]).toBe(oldest);
  }
  life.close();
});

test('late samples of a series that the WAL lost do not become those of another', async () => {
  const disk = newDisk();
  const life = await begin(disk, 4 * HOUR);
  append(life, ['old', START + HOUR, 1]);
  append(life, ['lost', START + HOUR, 1]);
  append(life, ['lost', START + 1, 2]);
  life.close();
  // A power cut took the end of the WAL; the log of late samples is there.
  const wal = '/data/wal/00000000';
  const bytes = disk.contents().get(wal)!;
  disk.writeFileSync(wal, bytes.slice(0, Math.floor(bytes.length / 3)));
  for (const path of disk.contents().keys())
    if (path.includes('chunks_head/')) disk.removeSync(path);
  const second = await begin(disk, 4 * HOUR);
  append(second, ['new', START + 2 * HOUR, 3]);
  second.close();
  const third = await begin(disk, 4 * HOUR);
  expect(read(third, 'new')).toEqual([[START + 2 * HOUR, 3]]);
  third.close();
});

test('a write and the cut after it fail: what is written later survives', async () => {
  const disk = newDisk();
  const life = await begin(disk);
  append(life, ['m', START, 1]);
  const truncating = disk.truncating.bind(disk);
  let refused = 0;
  disk.truncating = (path) => {
    if (refused++ === 0) throw new FileError('EIO', path, `cannot cut ${path}`);
    truncating(path);
  };
  disk.faults.writeError = 'ENOSPC';
  append(life, ['m', START + 1000, 2]);
  disk.faults.writeError = undefined;
  now += 5000;
  append(life, ['m', START + 2000, 3]);
  expect(life.isFailing).toBe(false);
  const again = await begin(disk.afterCrash(false));
  expect(read(again, 'm').map(([, value]) => value)).toEqual([1, 2, 3]);
  expect(refused).toBeGreaterThan(1);
  again.close();
});

test('a segment of a killed process is synced by the next, which closes and then loses power', async () => {
  const disk = newDisk();
  const first = await begin(disk);
  append(first, ['m', START, 1]);
  const afterKill = disk.afterCrash(false);
  const second = await begin(afterKill);
  append(second, ['m', START + 1000, 2]);
  second.close();
  const third = await begin(afterKill.afterCrash(true));
  expect(read(third, 'm').map(([, value]) => value)).toEqual([1, 2]);
  third.close();
});

test('a segment that could not be synced is synced at the end', async () => {
  const disk = newDisk();
  const life = await begin(disk);
  append(life, ['m', START, 1]);
  disk.faults.writeError = 'EIO';
  life.db.wal.cut();
  await Promise.resolve();
  disk.faults.writeError = undefined;
  append(life, ['m', START + 1000, 2]);
  life.close();
  const again = await begin(disk.afterCrash(true));
  expect(read(again, 'm').map(([, value]) => value)).toEqual([1, 2]);
  again.close();
});

test('a late histogram of a series without samples is taken, as a float is', async () => {
  const life = await begin(newDisk(), 4 * HOUR);
  append(life, ['m', START + 3 * HOUR, 1]);
  expect(append(life, ['float', START + 1000, 1], ['h', START + 1000, histogram(3)])).toEqual([
    AppendStatus.accepted,
    AppendStatus.accepted,
  ]);
  expect(read(life, 'h')).toEqual([[START + 1000, 3]]);
  life.close();
});

test('blocks in use stay listed while their files cannot be read', async () => {
  const disk = newDisk();
  const life = await begin(disk);
  fill(life, START, 3.5);
  await life.maintenance.compact();
  expect(life.maintenance.blocks.length).toBe(1);
  disk.faults.readError = 'EIO';
  await expect(life.maintenance.compact()).rejects.toThrow(/cannot read/);
  expect(life.maintenance.blocks.length).toBe(1);
  disk.faults.readError = undefined;
  await life.maintenance.compact();
  expect(read(life, 'float').length).toBe(43);
  life.close();
});

/** A set of one series whose samples are histograms at these times. */
function setOf(times: readonly number[]): SeriesSet {
  const columns = newSampleColumns(times.length);
  columns.times.set(times);
  return {
    count: 1,
    symbols: { text: (id) => (id === 1 ? 'a' : 'b'), id: (text) => (text === 'a' ? 1 : 2) },
    labelIds: (_, out) => {
      out.set([1, 2]);
      return 1;
    },
    maxLabelCount: 1,
    labelValueId: (_, name) => (name === 1 ? 2 : 0),
    read: () => times.length,
    columns,
    histograms: times.map((time) => histogram(time)),
    startTimes: undefined,
    estimateSamples: () => times.length,
  };
}

test('histograms of sources that overlap stay histograms, however many they are', () => {
  const times = (from: number, n: number): number[] =>
    Array.from({ length: n }, (_, i) => from + 2 * i);
  // The first merge makes small columns; the growing ones change places with them.
  const sources = [times(1, 3), times(2, 3), times(3, 40), times(4, 40), times(5, 2)];
  const queriers = sources.map(
    (source): Querier => ({
      select: () => setOf(source),
      labelNames: () => [],
      labelValues: () => [],
      close: () => undefined,
    }),
  );
  const set = mergeQueriers(queriers).select([], 0, 1e15);
  const n = set.read(0, 0, 1e15);
  expect(n).toBe(new Set(sources.flat()).size);
  for (let i = 0; i < n; i++) expect(set.histograms?.[i]?.count).toBe(set.columns.times[i]);
});
