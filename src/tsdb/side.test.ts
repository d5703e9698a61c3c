// SPDX-License-Identifier: Apache-2.0
// Samples that are not in chains of float chunks: histograms, out of order, deletions; with restarts.
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { newDirectory } from '../../test/new-directory.ts';
import type { Prng } from '../base/index.ts';
import { seededPrng, silentLogger } from '../base/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import type { Matcher } from '../model/index.ts';
import { CounterResetHint, Histogram, isStale, labelsFrom, setStale } from '../model/index.ts';
import { createNodeClock } from '../platform/clock.ts';
import { createNodeFileSystem } from '../platform/files.ts';
import { AppendStatus } from '../storage/index.ts';
import type { Database, DatabaseOptions } from './db.ts';
import { openDatabase } from './db.ts';
import { ExemplarStatus } from '../storage/index.ts';

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

type Value = number | Histogram | 'stale histogram';

function append(db: Database, rows: readonly (readonly [number, number, Value])[]): number[] {
  const batch = db.head.newBatch(Math.max(1, rows.length));
  batch.count = rows.length;
  rows.forEach(([ref, time, value], i) => {
    batch.refs[i] = ref;
    batch.times[i] = time;
    if (typeof value === 'number') {
      batch.values[i] = value;
      return;
    }
    batch.histograms ??= new Array<Histogram | undefined>(rows.length).fill(undefined);
    if (value === 'stale histogram') {
      batch.histograms[i] = new Histogram({ schema: 0, count: 0, sum: 0, isFloat: false });
      setStale(batch.valueBits, i);
    } else {
      batch.histograms[i] = value;
      batch.values[i] = value.sum;
    }
  });
  db.head.append(batch);
  const statuses = [...batch.status.subarray(0, rows.length)];
  db.head.releaseBatch(batch);
  return statuses;
}

function histogram(seed: number, isFloat = false, custom = false): Histogram {
  return new Histogram({
    schema: custom ? -53 : 2,
    zeroThreshold: custom ? 0 : 0.001,
    zeroCount: custom ? 0 : seed,
    count: 3 * seed + (isFloat ? 0.5 : 0),
    sum: seed * 1.5,
    positiveSpans: Int32Array.of(custom ? 0 : -1, 2),
    positiveBuckets: Float64Array.of(seed, seed + (isFloat ? 0.5 : 0)),
    customValues: custom ? Float64Array.of(0.5, 2) : new Float64Array(0),
    isFloat,
  });
}

/** Time and value of each sample; a histogram as its kind and count. */
type Seen = [number, number | string];

const shown = (h: Histogram): string =>
  `${h.isFloat ? 'float' : 'int'} ${h.schema} ${h.count} ${h.sum} ${[...h.positiveBuckets].join(',')}`;

function read(db: Database, name: string, from = 0, to = 1e15): Seen[] {
  const reader = db.newReader(0, 4 << 20);
  const querier = reader.querier();
  const matcher: Matcher = { name: '__name__', type: '=', value: name };
  const set = querier.select([matcher], from, to);
  const seen: Seen[] = [];
  for (let row = 0; row < set.count; row++) {
    const n = set.read(row, from, to);
    expect(set.estimateSamples(row, from, to)).toBeGreaterThanOrEqual(n);
    for (let i = 0; i < n; i++) {
      const h = set.histograms?.[i];
      const stale = isStale(set.columns.valueBits, i);
      const text = stale ? 'stale' : h === undefined ? set.columns.values[i]! : shown(h);
      seen.push([set.columns.times[i]!, text]);
    }
  }
  querier.close();
  reader.close();
  return seen;
}

test('histograms of all kinds are stored, read, logged and come back, stale ones too', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  const ref = db.head.seriesRef(labelsFrom({ __name__: 'h' }));
  const expected: Seen[] = [];
  for (let k = 0; k < 300; k++) {
    const value = histogram(k, k % 50 >= 40, k % 50 >= 45);
    expect(append(db, [[ref, 1000 * k, value]])).toEqual([AppendStatus.accepted]);
    expected.push([1000 * k, shown(value)]);
  }
  expect(append(db, [[ref, 300_000, 'stale histogram']])).toEqual([AppendStatus.accepted]);
  expect(append(db, [[ref, 301_000, 7]])).toEqual([AppendStatus.accepted]);
  expect(append(db, [[ref, 302_000, histogram(400)]])).toEqual([AppendStatus.accepted]);
  expected.push([300_000, 'stale'], [301_000, 7], [302_000, shown(histogram(400))]);
  expect(read(db, 'h')).toEqual(expected);
  expect(read(db, 'h', 100_500, 103_000)).toEqual(expected.slice(101, 104));
  expect(append(db, [[ref, 302_000, histogram(400)]])).toEqual([AppendStatus.repeated]);
  expect(append(db, [[ref, 302_000, histogram(401)]])).toEqual([AppendStatus.duplicate]);
  expect(append(db, [[ref, 5000, histogram(1)]])).toEqual([AppendStatus.outOfOrder]);
  expect(append(db, [[999, 400_000, histogram(1)]])).toEqual([AppendStatus.unknownSeries]);
  expect(db.head.maxTime).toBe(302_000);
  expect(db.head.sideCounters.histogramsAppended).toBe(302);
  const again = await open(directory);
  expect(read(again, 'h')).toEqual(expected);
  again.close();
});

test('late samples within the window are kept, older ones are too old; both survive a restart', async () => {
  const directory = newDirectory();
  const options = { outOfOrderWindowMs: 600_000 };
  const db = await open(directory, options);
  const ref = db.head.seriesRef(labelsFrom({ __name__: 'm' }));
  append(db, [[ref, 1_000_000, 1]]);
  expect(
    append(db, [
      [ref, 900_000, 2],
      [ref, 399_999, 3],
      [ref, 400_000, 4],
      [ref, 1_001_000, 5],
      [ref, 1_000_500, 6],
    ]),
  ).toEqual([
    AppendStatus.accepted,
    AppendStatus.tooOld,
    AppendStatus.accepted,
    AppendStatus.accepted,
    AppendStatus.accepted,
  ]);
  const expected: Seen[] = [
    [400_000, 4],
    [900_000, 2],
    [1_000_000, 1],
    [1_000_500, 6],
    [1_001_000, 5],
  ];
  expect(read(db, 'm')).toEqual(expected);
  expect(read(db, 'm', 0, 500_000)).toEqual(expected.slice(0, 1));
  expect(db.head.sideCounters).toMatchObject({ outOfOrderAppended: 3, tooOld: 1 });
  expect(db.head.outOfOrderMinTime).toBe(400_000);
  const again = await open(directory, options);
  expect(read(again, 'm')).toEqual(expected);
  // Without a window the old rules hold.
  again.head.outOfOrderWindowMs = 0;
  expect(append(again, [[ref, 999_999, 1]])).toEqual([AppendStatus.outOfOrder]);
  again.close();
});

test('deleted samples are gone, later ones stay, also after a restart', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  const a = db.head.seriesRef(labelsFrom({ __name__: 'm', i: 'a' }));
  const b = db.head.seriesRef(labelsFrom({ __name__: 'n', i: 'b' }));
  for (let k = 0; k < 10; k++)
    append(db, [
      [a, 1000 * k, k],
      [b, 1000 * k, histogram(k)],
    ]);
  const named = (value: string): Matcher[] => [{ name: '__name__', type: '=', value }];
  expect(db.head.deleteSeries([named('m'), named('n'), named('m')], 2000, 5000)).toBe(2);
  expect(db.head.deleteSeries([named('m')], 8000, 1e15)).toBe(1);
  expect(db.head.deleteSeries([named('none')], 0, 1e15)).toBe(0);
  append(db, [[a, 20_000, 20]]);
  const times = (name: string): number[] => read(current, name).map(([time]) => time);
  let current = db;
  for (let round = 0; round < 2; round++) {
    expect(times('m')).toEqual([0, 1000, 6000, 7000, 20_000]);
    expect(times('n')).toEqual([0, 1000, 6000, 7000, 8000, 9000]);
    current = await open(directory);
  }
  current.close();
});

interface Model {
  readonly name: string;
  readonly ref: number;
  readonly samples: Map<number, number | string>;
  /** Deleted intervals; what comes late into one is not seen either, as upstream. */
  readonly deleted: [number, number][];
}

function step(db: Database, prng: Prng, series: readonly Model[], now: number): void {
  const rows: [number, number, Value][] = [];
  const owners: Model[] = [];
  for (const model of series) {
    if (prng.next() < 0.3) continue;
    const late = prng.next() < 0.4;
    const time = late ? now - 1 - prng.below(1_000_000) : now;
    const kind = prng.below(4);
    const seed = 1 + prng.below(1000);
    rows.push([model.ref, time, kind < 2 ? seed : histogram(seed, kind === 3)]);
    owners.push(model);
  }
  append(db, rows).forEach((status, i) => {
    const [, time, value] = rows[i]!;
    if (status !== AppendStatus.accepted || owners[i]!.samples.has(time)) return;
    owners[i]!.samples.set(time, typeof value === 'number' ? value : shown(value as Histogram));
  });
}

function check(db: Database, series: readonly Model[], from: number, to: number): void {
  for (const { name, samples, deleted } of series) {
    const isDeleted = (time: number): boolean =>
      deleted.some(([min, max]) => min <= time && time <= max);
    const expected = [...samples].filter(
      ([time]) => time >= from && time <= to && !isDeleted(time),
    );
    expect(read(db, name, from, to)).toEqual(expected.sort(([x], [y]) => x - y));
  }
}

test('random appends of everything, with deletions, truncation and restarts, agree with a model', async () => {
  for (const seed of [1, 2, 3]) {
    const prng = seededPrng(seed);
    const directory = newDirectory();
    const options = { outOfOrderWindowMs: 900_000, chunkRangeMs: 600_000 };
    let db = await open(directory, options);
    const series: Model[] = Array.from({ length: 6 }, (_, i) => ({
      name: `m${i}`,
      ref: db.head.seriesRef(labelsFrom({ __name__: `m${i}` })),
      samples: new Map(),
      deleted: [],
    }));
    let now = 10_000_000;
    for (let round = 0; round < 400; round++) {
      now += 1 + prng.below(20_000);
      step(db, prng, series, now);
      if (round % 50 === 49) check(db, series, 0, 1e15);
      if (prng.next() < 0.02) {
        const victim = series[prng.below(series.length)]!;
        const from = now - prng.below(1_000_000);
        const to = from + prng.below(300_000);
        db.head.deleteSeries([[{ name: '__name__', type: '=', value: victim.name }]], from, to);
        victim.deleted.push([from, Math.min(to, db.head.maxTime)]);
      }
      if (round === 200 || round === 300) db = await open(directory, options);
    }
    check(db, series, 0, 1e15);
    const floor = now - 1_000_000;
    await db.truncateHead(floor);
    check(db, series, floor, 1e15);
    db.close();
    const again = await open(directory, { ...options, floorTime: () => Promise.resolve(floor) });
    check(again, series, floor, 1e15);
    again.close();
    expect(readdirSync(directory)).toContain('wbl');
  }
}, 60_000);

test('a reader keeps its view while raw samples become chunks', async () => {
  const db = await open(newDirectory());
  const ref = db.head.seriesRef(labelsFrom({ __name__: 'h' }));
  for (let k = 0; k < 20; k++) append(db, [[ref, 1000 * k, histogram(k)]]);
  const reader = db.newReader(1, 4 << 20);
  const querier = reader.querier();
  const set = querier.select([{ name: '__name__', type: '=', value: 'h' }], 0, 1e15);
  for (let k = 20; k < 200; k++) append(db, [[ref, 1000 * k, histogram(k)]]);
  expect(set.read(0, 0, 1e15)).toBe(20);
  querier.close();
  expect(read(db, 'h').length).toBe(200);
  for (let k = 200; k < 300; k++) append(db, [[ref, 1000 * k, histogram(k)]]);
  expect(read(db, 'h').length).toBe(300);
  reader.close();
  db.close();
});

test('a float that is not newer than the newest histogram of its series is no sample in order', async () => {
  const directory = newDirectory();
  const options = { memorySnapshot: false };
  let db = await open(directory, options);
  const add = (times: readonly number[], isHistogram: boolean): number[] => {
    const ref = db.head.seriesRef(labelsFrom({ __name__: 'mixed' }));
    const batch = db.head.newBatch(times.length);
    batch.count = times.length;
    times.forEach((time, i) => {
      batch.refs[i] = ref;
      batch.times[i] = time;
      batch.values[i] = 1;
    });
    const plain = new Histogram({ schema: 0, count: 1, zeroCount: 1, sum: 1, isFloat: false });
    if (isHistogram) batch.histograms = times.map(() => plain);
    db.head.append(batch);
    const statuses = [...batch.status.subarray(0, times.length)];
    db.head.releaseBatch(batch);
    return statuses;
  };
  const { accepted, outOfOrder, duplicate } = AppendStatus;
  expect(add([1000], false)).toEqual([accepted]);
  expect(add([5000], true)).toEqual([accepted]);
  expect(add([4999], false)).toEqual([outOfOrder]);
  expect(add([5000], false)).toEqual([duplicate]);
  expect(add([5001], false)).toEqual([accepted]);
  // Histograms in files are newer than floats of the log that come later: these are kept all the same.
  for (let k = 0; k < 40; k++) add([6000 + 2 * k], k % 2 === 1);
  for (let k = 0; k < 80; k++) add([7000 + k], true);
  db.head.flushChunks();
  const read = (): number[] => {
    const reader = db.newReader(0, 4 << 20);
    const querier = reader.querier();
    const set = querier.select([{ name: '__name__', type: '=', value: 'mixed' }], 0, 1e15);
    const n = set.read(0, 0, 1e15);
    const times = [...set.columns.times.subarray(0, n)];
    querier.close();
    reader.close();
    return times;
  };
  const before = read();
  expect(before.length).toBe(3 + 40 + 80);
  db = await open(directory, options);
  expect(read()).toEqual(before);
  // Within the window it is a late sample, as any other.
  db.head.outOfOrderWindowMs = 3000;
  expect(add([6500], false)).toEqual([accepted]);
  expect(read()).toEqual([...before, 6500].sort((a, b) => a - b));
  db.close();
});

test('exemplars and metadata: order, limits, ring, log', async () => {
  const directory = newDirectory();
  const options = { exemplarsMax: 3 };
  const db = await open(directory, options);
  const refs = ['a', 'b'].map((name) => db.head.seriesRef(labelsFrom({ __name__: name })));
  append(db, [
    [refs[0]!, 1000, 1],
    [refs[1]!, 1000, 1],
  ]);
  const exemplar = (i: number, time: number, value: number, trace = 'x') => ({
    ref: refs[i]!,
    time,
    value,
    labels: labelsFrom({ trace }),
  });
  expect(
    db.head.appendExemplars([
      exemplar(0, 1000, 1),
      exemplar(0, 1000, 1),
      exemplar(0, 999, 1),
      exemplar(1, 1000, 1, 'y'.repeat(130)),
      exemplar(1, 1500, 2),
    ]),
  ).toEqual([
    ExemplarStatus.accepted,
    ExemplarStatus.repeated,
    ExemplarStatus.outOfOrder,
    ExemplarStatus.tooLong,
    ExemplarStatus.accepted,
  ]);
  db.head.appendExemplars([exemplar(0, 2000, 5, 'z'), exemplar(0, 3000, 6)]);
  db.head.setMetadata(refs[0]!, { type: 1, unit: 's', help: 'Help.' });
  const any: Matcher[] = [{ name: '__name__', type: '=~', value: 'a|b' }];
  const times = (of: Database, from = 0, to = 1e15): number[][] =>
    of.head.exemplars.select([any], from, to).map(({ exemplars }) => exemplars.map((e) => e.time));
  expect(times(db)).toEqual([[2000, 3000], [1500]]);
  expect(times(db, 1500, 2000)).toEqual([[2000], [1500]]);
  const again = await open(directory, options);
  expect(times(again)).toEqual([[2000, 3000], [1500]]);
  expect(again.head.metadata.get(again.head.seriesRef(labelsFrom({ __name__: 'a' })))).toEqual({
    type: 1,
    unit: 's',
    help: 'Help.',
  });
  // One without a time of its own is the same still; one that has its own time is another.
  const same = again.head.seriesRef(labelsFrom({ __name__: 'a' }));
  const repeated = { ...exemplar(0, 3500, 6), ref: same };
  expect(again.head.appendExemplars([{ ...repeated, isTimeOfSample: true }])).toEqual([
    ExemplarStatus.repeated,
  ]);
  expect(again.head.exemplars.check(labelsFrom({ __name__: 'a' }), repeated)).toBe(
    ExemplarStatus.accepted,
  );
  again.head.exemplars.resize(1);
  expect(times(again)).toEqual([[3000]]);
  again.head.exemplars.resize(5);
  again.head.appendExemplars([{ ...exemplar(0, 4000, 1), ref: 1 }]);
  expect(times(again)).toEqual([[3000, 4000]]);
  expect(() =>
    again.head.exemplars.select([[{ name: 'a', type: '=~', value: '(' }]], 0, 1),
  ).toThrow();
  again.close();
});

test('a reset that was told reads as unknown, before its sample is in a chunk and after', async () => {
  const db = await open(newDirectory());
  const ref = db.head.seriesRef(labelsFrom({ __name__: 'h' }));
  const hints = (): (CounterResetHint | undefined)[] => {
    const reader = db.newReader(1, 4 << 20);
    const querier = reader.querier();
    const set = querier.select([{ name: '__name__', type: '=', value: 'h' }], 0, 1e15);
    const n = set.read(0, 0, 1e15);
    const found = Array.from({ length: n }, (_, i) => set.histograms?.[i]?.counterResetHint);
    querier.close();
    reader.close();
    return found;
  };
  const { unknown, notReset, reset } = CounterResetHint;
  const expected: CounterResetHint[] = [];
  for (let k = 0; k < 100; k++) {
    const isReset = k === 5 || k === 90;
    append(db, [[ref, 1000 * k, isReset ? histogram(k).withHint(reset) : histogram(k)]]);
    expected.push(k === 0 || isReset ? unknown : notReset);
    if (k === 10) expect(hints()).toEqual(expected);
  }
  // Where chunks begin is the database's own business: unknown is right for any first sample.
  const late = hints();
  expect([late[5], late[90], late[6], late[91]]).toEqual([unknown, unknown, notReset, notReset]);
  db.close();
});

test('histograms of one series in one batch are judged in their order', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  const ref = db.head.seriesRef(labelsFrom({ __name__: 'h' }));
  const { accepted, outOfOrder, duplicate, repeated } = AppendStatus;
  expect(
    append(db, [
      [ref, 2000, histogram(1)],
      [ref, 1000, histogram(2)],
      [ref, 2000, histogram(1)],
      [ref, 2000, histogram(3)],
      [ref, 3000, histogram(4)],
    ]),
  ).toEqual([accepted, outOfOrder, repeated, duplicate, accepted]);
  const expected: Seen[] = [
    [2000, shown(histogram(1))],
    [3000, shown(histogram(4))],
  ];
  expect(read(db, 'h')).toEqual(expected);
  db.close();
  const again = await open(directory);
  expect(read(again, 'h')).toEqual(expected);
  again.close();
});
