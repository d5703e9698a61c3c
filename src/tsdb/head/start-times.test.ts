// SPDX-License-Identifier: Apache-2.0
// Start times of samples, of all kinds: with restarts, truncation, readers on their way, and a block.
import { expect, test } from 'vitest';
import { newDirectory } from '../../../test/new-directory.ts';
import type { Prng } from '../../base/index.ts';
import { seededPrng, silentLogger } from '../../base/index.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import type { Matcher } from '../../model/index.ts';
import { Histogram, labelsFrom } from '../../model/index.ts';
import { createNodeClock } from '../../platform/clock.ts';
import { createNodeFileSystem } from '../../platform/files.ts';
import { AppendStatus } from '../../storage/index.ts';
import type { Database, DatabaseOptions } from '../db.ts';
import { openDatabase } from '../db.ts';
import type { HeadSeriesSet } from './reader.ts';
import { HeadReader } from './reader.ts';
import { Head } from './head.ts';

function open(directory: string, options: Partial<DatabaseOptions> = {}): Promise<Database> {
  return openDatabase({
    directory,
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger: silentLogger,
    heap: new SharedHeap(createMemory(32 << 20)),
    processId: process.pid,
    chunkRangeMs: 7_200_000,
    ...options,
  });
}

function newHead(): { head: Head; reader: HeadReader } {
  const heap = new SharedHeap(createMemory(64 << 20));
  const head = new Head(heap, { chunkRangeMs: 1_000_000, wal: undefined });
  head.reserveScratch(0, 4 << 20);
  return { head, reader: new HeadReader(heap.shared, 0) };
}

/** Ref, time, value, start time. */
type Row = readonly [ref: number, time: number, value: number | Histogram, start: number];

/** Appends rows as one batch, with a column of start times if one has any; returns the statuses. */
function append(head: Head, rows: readonly Row[]): number[] {
  const batch = head.newBatch(rows.length);
  batch.count = rows.length;
  rows.forEach(([ref, time, value, start], i) => {
    batch.refs[i] = ref;
    batch.times[i] = time;
    if (value instanceof Histogram) {
      batch.histograms ??= new Array<Histogram | undefined>(rows.length).fill(undefined);
      batch.histograms[i] = value;
    }
    batch.values[i] = value instanceof Histogram ? value.sum : value;
    if (start !== 0) batch.startTimes ??= new Float64Array(rows.length);
    if (batch.startTimes !== undefined) batch.startTimes[i] = start;
  });
  head.append(batch);
  const statuses = [...batch.status.subarray(0, rows.length)];
  head.releaseBatch(batch);
  return statuses;
}

const named = (value: string): Matcher[] => [{ name: '__name__', type: '=', value }];

/** Time, value (sum), start time. */
type Seen = [time: number, value: number, start: number];

function readRow(set: HeadSeriesSet, row: number, from = 0, to = 1e15): Seen[] {
  const n = set.read(row, from, to);
  const { times, values } = set.columns;
  if (set.startTimes !== undefined) {
    expect(set.startTimes.subarray(0, n).some((start) => start !== 0)).toBe(true);
  }
  return Array.from({ length: n }, (_, i) => [times[i]!, values[i]!, set.startTimes?.[i] ?? 0]);
}

function read(reader: HeadReader, name: string, from = 0, to = 1e15): Seen[] {
  const querier = reader.querier();
  const set = querier.select(named(name), from, to);
  const seen = set.count === 0 ? [] : readRow(set, 0, from, to);
  querier.close();
  return seen;
}

function readDatabase(db: Database, name: string, from = 0, to = 1e15): Seen[] {
  const reader = db.newReader(0, 4 << 20);
  const seen = read(reader, name, from, to);
  reader.close();
  return seen;
}

const histogram = (seed: number, isFloat = false, custom = false): Histogram =>
  new Histogram({
    schema: custom ? -53 : 2,
    zeroThreshold: custom ? 0 : 0.001,
    count: 2 * seed,
    sum: seed * 1.5,
    positiveSpans: Int32Array.of(0, 2),
    positiveBuckets: Float64Array.of(seed, seed),
    customValues: custom ? Float64Array.of(0.5, 2) : new Float64Array(0),
    isFloat,
  });

test('start times are read with their samples, in windows too; series without any have no column', () => {
  const { head, reader } = newHead();
  const a = head.seriesRef(labelsFrom({ __name__: 'a' }));
  const b = head.seriesRef(labelsFrom({ __name__: 'b' }));
  const expected: Seen[] = [];
  for (let k = 0; k < 1000; k++) {
    const time = 10_000 + 1000 * k;
    // Seldom, then at every sample, then none.
    const start = k < 400 ? 5000 + Math.floor(k / 100) : k < 700 ? time - 1000 : 0;
    expect(
      append(head, [
        [a, time, k, start],
        [b, time, -k, 0],
      ]),
    ).toEqual([0, 0]);
    expected.push([time, k, start]);
  }
  expect(read(reader, 'a')).toEqual(expected);
  for (const [from, to] of [
    [0, 1],
    [399, 402],
    [150, 155],
    [650, 750],
    [800, 999],
  ] as const) {
    const [min, max] = [10_000 + 1000 * from, 10_000 + 1000 * to];
    expect(read(reader, 'a', min, max)).toEqual(expected.slice(from, to + 1));
  }
  const querier = reader.querier();
  const set = querier.select(named('b'), 0, 1e15);
  expect(set.read(0, 0, 1e15)).toBe(1000);
  expect(set.startTimes).toBeUndefined();
  expect(set.isPlain(0)).toBe(true);
  querier.close();
});

test('one batch may have a series more than once; what is refused leaves no start time', () => {
  const { head, reader } = newHead();
  const a = head.seriesRef(labelsFrom({ __name__: 'a' }));
  const { accepted, outOfOrder, duplicate, repeated } = AppendStatus;
  const statuses = append(head, [
    [a, 1000, 1, 500],
    [a, 2000, 2, 500],
    [a, 1500, 3, 600],
    [a, 3000, 4, 600],
    [a, 4000, 5, 500],
    [a, 4000, 6, 700],
    [a, 5000, 7, 500],
  ]);
  expect(statuses).toEqual([
    accepted,
    accepted,
    outOfOrder,
    accepted,
    accepted,
    duplicate,
    accepted,
  ]);
  // A repeated sample keeps the start time that it had.
  expect(append(head, [[a, 5000, 7, 800]])).toEqual([repeated]);
  append(head, [[a, 6000, 8, 500]]);
  const starts = read(reader, 'a').map(([time, , start]) => [time, start]);
  expect(starts).toEqual([
    [1000, 500],
    [2000, 500],
    [3000, 600],
    [4000, 500],
    [5000, 500],
    [6000, 500],
  ]);
});

test('a reader sees a sample and its start time together or neither, also while lists are packed', () => {
  const { head, reader } = newHead();
  const a = head.seriesRef(labelsFrom({ __name__: 'a' }));
  const expected: Seen[] = [];
  const one = (k: number): void => {
    append(head, [[a, 1000 * k, k, 1000 * k - 1]]);
    expected.push([1000 * k, k, 1000 * k - 1]);
  };
  for (let k = 1; k <= 50; k++) one(k);
  const querier = reader.querier();
  const set = querier.select(named('a'), 0, 1e15);
  for (let k = 51; k <= 500; k++) one(k);
  expect(readRow(set, 0)).toEqual(expected.slice(0, 50));
  querier.close();
  for (let k = 501; k <= 900; k++) one(k);
  expect(read(reader, 'a')).toEqual(expected);
  // A view without start times stays so when the first comes.
  const b = head.seriesRef(labelsFrom({ __name__: 'b' }));
  append(head, [[b, 901_000, 1, 0]]);
  const before = reader.querier();
  const seen = before.select(named('b'), 0, 1e15);
  append(head, [[b, 902_000, 2, 900_500]]);
  expect(readRow(seen, 0)).toEqual([[901_000, 1, 0]]);
  before.close();
  expect(read(reader, 'b')).toEqual([
    [901_000, 1, 0],
    [902_000, 2, 900_500],
  ]);
});

test('truncation frees start times with their samples and keeps what later samples need', async () => {
  const { head, reader } = newHead();
  const pause = (): Promise<void> => Promise.resolve();
  const refs = ['steady', 'stopped', 'delta', 'goes'].map((name) =>
    head.seriesRef(labelsFrom({ __name__: name })),
  );
  const round = (k: number): Row[] => [
    [refs[0]!, 1000 * k, k, 77],
    [refs[1]!, 1000 * k, k, k < 100 ? 77 : 0],
    [refs[2]!, 1000 * k, k, 1000 * k - 1000],
  ];
  append(head, [[refs[3]!, 1000, 1, 77]]);
  const steady = (from: number, to: number): Seen[] =>
    Array.from({ length: to - from + 1 }, (_, i) => [1000 * (from + i), from + i, 77]);
  let used = 0;
  for (let go = 1; go <= 12; go++) {
    for (let k = 1000 * (go - 1) + 1; k <= 1000 * go; k++) append(head, round(k));
    const floor = 1_000_000 * go - 500_000;
    await head.truncate(floor, pause);
    expect(read(reader, 'steady')).toEqual(steady(1000 * go - 500, 1000 * go));
    expect(read(reader, 'stopped').every(([, , start]) => start === 0)).toBe(true);
    const delta = read(reader, 'delta');
    expect(delta.length).toBe(501);
    expect(delta.every(([time, , start]) => start === time - 1000)).toBe(true);
    expect(read(reader, 'goes')).toEqual([]);
    // Memory is used again: after the first rounds it grows no more.
    if (go === 3) used = head.heap.reservedBytes;
  }
  expect(head.heap.reservedBytes).toBeLessThan(used + 16_384);
  const querier = reader.querier();
  const set = querier.select(named('stopped'), 0, 1e15);
  // Its list is gone: its chunks can be copied as they are.
  expect(set.isPlain(0)).toBe(true);
  querier.close();
});

test('a full memory refuses the sample whose start time has no room', () => {
  const heap = new SharedHeap(createMemory(32 << 20));
  const head = new Head(heap, { chunkRangeMs: 1e12, wal: undefined });
  head.reserveScratch(0, 1 << 20);
  const reader = new HeadReader(heap.shared, 0);
  const ref = head.seriesRef(labelsFrom({ __name__: 'a' }));
  // Most of the memory is taken.
  const taken: number[] = [];
  for (;;) {
    const address = heap.allocate(65_536);
    if (address === 0) break;
    taken.push(address);
  }
  for (const address of taken.splice(0, 4)) heap.free(address, 65_536);
  const querier = reader.querier();
  let accepted = 0;
  let full = false;
  // The open reader keeps everything from being packed or freed.
  for (let k = 1; k < 1000 && !full; k++) {
    const rows = Array.from({ length: 100 }, (_, i): Row => {
      const time = 1000 * (100 * k + i);
      return [ref, time, 1, time - 1 - (i % 7)];
    });
    const statuses = append(head, rows);
    accepted += statuses.filter((status) => status === AppendStatus.accepted).length;
    full = statuses.includes(AppendStatus.full);
  }
  querier.close();
  expect(full).toBe(true);
  const seen = reader.querier();
  const set = seen.select(named('a'), 0, 1e15);
  const some = readRow(set, 0, 0, 2_000_000);
  expect(some.length).toBeGreaterThan(1000);
  expect(some.every(([time, , start]) => start < time && start >= time - 7)).toBe(true);
  expect(set.estimateSamples(0, 0, 1e15)).toBe(accepted);
  seen.close();
});

interface Model {
  readonly name: string;
  readonly ref: number;
  readonly samples: Map<number, [value: number, start: number]>;
}

function step(db: Database, prng: Prng, series: readonly Model[], now: number): void {
  const rows: Row[] = [];
  const owners: Model[] = [];
  for (const [i, model] of series.entries()) {
    for (let more = prng.below(3); more > 0; more--) {
      const time = prng.next() < 0.2 ? now - 1 - prng.below(500_000) : now - more + 3;
      const seed = 1 + prng.below(1000);
      const isHistogram = i >= 2 && prng.next() < 0.6;
      const value = isHistogram ? histogram(seed, i === 3, i >= 3 && seed % 2 === 0) : seed;
      const start =
        prng.next() < 0.1 ? 0 : i === 1 ? time - prng.below(5000) : Math.floor(now / 1e6);
      rows.push([model.ref, time, value, start]);
      owners.push(model);
    }
  }
  if (rows.length === 0) return;
  append(db.head, rows).forEach((status, i) => {
    const [, time, value, start] = rows[i]!;
    if (status !== AppendStatus.accepted || owners[i]!.samples.has(time)) return;
    owners[i]!.samples.set(time, [value instanceof Histogram ? value.sum : value, start]);
  });
}

function check(db: Database, series: readonly Model[], from: number): void {
  for (const { name, samples } of series) {
    const expected = [...samples]
      .filter(([time]) => time >= from)
      .map(([time, [value, start]]): Seen => [time, value, start])
      .sort(([x], [y]) => x - y);
    expect(readDatabase(db, name, from)).toEqual(expected);
  }
}

for (const outOfOrderWindowMs of [0, 900_000]) {
  test(`random floats and histograms agree with a model over restarts, window ${outOfOrderWindowMs}`, async () => {
    const prng = seededPrng(7 + outOfOrderWindowMs);
    const directory = newDirectory();
    const options = { outOfOrderWindowMs, chunkRangeMs: 600_000 };
    let db = await open(directory, options);
    const series: Model[] = ['slow', 'delta', 'integer', 'mixed'].map((name) => ({
      name,
      ref: db.head.seriesRef(labelsFrom({ __name__: name })),
      samples: new Map(),
    }));
    let now = 10_000_000;
    for (let round = 0; round < 400; round++) {
      now += 10 + prng.below(20_000);
      step(db, prng, series, now);
      if (round % 100 === 99) check(db, series, 0);
      if (round === 150 || round === 300) {
        // Closed chunks are in files then, which know no start times.
        db.close();
        db = await open(directory, options);
        check(db, series, 0);
      }
    }
    const floor = now - 1_000_000;
    await db.truncateHead(floor);
    check(db, series, floor);
    db.close();
    db = await open(directory, { ...options, floorTime: () => Promise.resolve(floor) });
    check(db, series, floor);
    db.close();
  }, 60_000);
}
