// SPDX-License-Identifier: Apache-2.0
// The kernel's loops against their twins, bit for bit, on seeded columns with everything that is awkward: NaN
// with payloads, staleness markers, infinities, denormals, resets, gaps, times beyond 2^50.

import { expect, test } from 'vitest';
import { type Prng, seededPrng } from '../../base/index.ts';
import { createMemory, QueryMemory } from '../../kernels/index.ts';
import {
  type Accumulator,
  AvgAccumulator,
  ExtremeAccumulator,
  SumAccumulator,
} from './accumulators.ts';
import type { References } from './references.ts';
import { fillInstantRow } from './select.ts';
import { newWindowFunction } from './window-functions.ts';
import { quantileOfSorted, sortNaNFirst } from './window-order.ts';
import { type Windows, WorkMeter, slideWindows } from './windows.ts';

const memory = new QueryMemory(createMemory(32 << 20), 1 << 20, 30 << 20);

/** Where columns of one run are. */
type Place = QueryMemory | undefined;

const floats = (place: Place, n: number): Float64Array => place?.floats(n) ?? new Float64Array(n);
const bytes = (place: Place, n: number): Uint8Array => place?.bytes(n) ?? new Uint8Array(n);
const integers = (place: Place, n: number): Int32Array => place?.integers(n) ?? new Int32Array(n);

const oddNumbers = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  5e-324,
  -2.2e-308,
  1e308,
  -1.7e308,
];

interface Column {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** `odd`: how many of a hundred values are awkward. */
function randomColumn(prng: Prng, n: number, odd: number, stale: number): Column {
  const times = new Float64Array(n);
  const values = new Float64Array(n);
  const bits = new Uint32Array(values.buffer);
  let time = prng.below(4) === 0 ? 2 ** 51 : 1_700_000_000_001 + prng.below(30_000);
  let value = prng.below(3) === 0 ? prng.below(50) : 1000 * prng.next();
  for (let i = 0; i < n; i++) {
    time += prng.below(20) === 0 ? 1 + prng.below(900_000) : 30_000;
    times[i] = time;
    value = prng.below(15) === 0 ? prng.next() * value : value + prng.next() * 40;
    values[i] = prng.below(100) < odd ? oddNumbers[prng.below(oddNumbers.length)]! : value;
    if (prng.below(100) < stale) {
      bits[2 * i] = 2;
      bits[2 * i + 1] = 0x7ff00000;
    }
  }
  return { times, values };
}

function copied(column: Float64Array, place: Place): Float64Array {
  const copy = floats(place, column.length);
  // By words: a NaN keeps its payload.
  const to = new BigUint64Array(copy.buffer, copy.byteOffset, copy.length);
  to.set(new BigUint64Array(column.buffer, column.byteOffset, column.length));
  return copy;
}

function randomReferences(prng: Prng, { times }: Column): References {
  const stepMs = [0, 15_000, 60_000, 61_003, 300_000][prng.below(5)]!;
  const count = 1 + prng.below(120);
  const refMs = (times[0] ?? 1_700_000_000_000) + prng.below(3_000_000) - 500_000;
  return { refMs, stepMs, count };
}

/** The cells that are present, as text: every NaN is the same. */
function cells(values: Float64Array, present: Uint8Array): string[] {
  return Array.from(present, (there, i) =>
    there === 0 ? '-' : Object.is(values[i], -0) ? '-0' : String(values[i]),
  );
}

const functions = ['rate', 'increase', 'delta', 'min_over_time', 'max_over_time'].concat(
  'ts_of_min_over_time',
  'ts_of_max_over_time',
);

test.each(functions)('%s', (name) => {
  const prng = seededPrng(functions.indexOf(name) + 100);
  for (let round = 0; round < 400; round++) {
    const column = randomColumn(prng, prng.below(300), [0, 3, 60][prng.below(3)]!, 0);
    const refs = randomReferences(prng, column);
    const rangeMs = [30_000, 60_000, 300_000, 299_999, 3_600_000][prng.below(5)]!;
    const run = (place: Place) => {
      place?.reset();
      const windows: Windows = {
        times: copied(column.times, place),
        values: copied(column.values, place),
        count: column.times.length,
        lo: integers(place, refs.count),
        hi: integers(place, refs.count),
        refs,
        rangeMs,
        evalMs: refs.refMs,
        evalStepMs: refs.stepMs,
        args: [],
        work: new WorkMeter(() => undefined),
        memory: place,
      };
      const total = slideWindows(windows);
      const out = floats(place, refs.count + 2);
      const present = bytes(place, refs.count + 2);
      newWindowFunction(name)!.evaluate(windows, out, present, 1);
      return {
        total,
        lo: [...windows.lo],
        hi: [...windows.hi],
        cells: cells(out, present),
      };
    };
    expect(run(memory), `round ${round}`).toEqual(run(undefined));
  }
});

test('where a column is full of resets, the kernel comes back in between', () => {
  const n = 6000;
  const column = { times: new Float64Array(n), values: new Float64Array(n) };
  for (let i = 0; i < n; i++) {
    column.times[i] = 1000 * i;
    column.values[i] = i % 2 === 0 ? 10 : i / 10;
  }
  const refs = { refMs: 3_000_000, stepMs: 1000, count: 2000 };
  const run = (place: Place) => {
    place?.reset();
    let checkpoints = 0;
    const windows: Windows = {
      times: copied(column.times, place),
      values: copied(column.values, place),
      count: n,
      lo: integers(place, refs.count),
      hi: integers(place, refs.count),
      refs,
      rangeMs: 3_000_000,
      evalMs: refs.refMs,
      evalStepMs: refs.stepMs,
      args: [],
      work: new WorkMeter(() => void checkpoints++),
      memory: place,
    };
    slideWindows(windows);
    const out = floats(place, refs.count);
    const present = bytes(place, refs.count);
    newWindowFunction('rate')!.evaluate(windows, out, present, 0);
    expect(checkpoints).toBeGreaterThan(0);
    return cells(out, present);
  };
  expect(run(memory)).toEqual(run(undefined));
});

test('instant selectors', () => {
  const prng = seededPrng(7);
  for (let round = 0; round < 800; round++) {
    const column = randomColumn(prng, prng.below(200), [0, 40][prng.below(2)]!, prng.below(30));
    const refs = randomReferences(prng, column);
    const asTime = prng.below(3) === 0;
    const run = (place: Place) => {
      place?.reset();
      const times = copied(column.times, place);
      const values = copied(column.values, place);
      const valueBits = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
      const out = floats(place, refs.count + 1);
      const present = bytes(place, refs.count + 1);
      const samples = { times, values, valueBits };
      const n = times.length;
      const at = [refs, 300_000, asTime, out, present, 1, place] as const;
      const found = fillInstantRow(samples, n, ...at);
      return { found, cells: cells(out, present) };
    };
    expect(run(memory), `round ${round}`).toEqual(run(undefined));
  }
});

test('the first staleness marker', () => {
  const prng = seededPrng(9);
  for (let round = 0; round < 800; round++) {
    memory.reset();
    const { values } = randomColumn(prng, prng.below(100), 20, prng.below(8));
    const bits = new Uint32Array(values.buffer);
    let first = 0;
    while (first < values.length && !(bits[2 * first] === 2 && bits[2 * first + 1] === 0x7ff00000))
      first++;
    const column = copied(values, memory);
    expect(memory.kernel.firstStale(column.byteOffset, values.length)).toBe(first);
  }
});

type Make = (cells: number, n: number, place: Place) => Accumulator;

const accumulators: readonly (readonly [string, Make])[] = [
  ['sum', (count, n, place) => new SumAccumulator(count, n, place)],
  ['avg', (count, n, place) => new AvgAccumulator(count, n, place)],
  ['min', (count, n, place) => new ExtremeAccumulator('min', count, n, place)],
  ['max', (count, n, place) => new ExtremeAccumulator('max', count, n, place)],
];

test.each(accumulators)('%s of rows', (_name, make) => {
  const prng = seededPrng(11);
  for (let round = 0; round < 200; round++) {
    const n = 1 + prng.below(50);
    const groups = 1 + prng.below(3);
    const odd = [0, 2, 50][prng.below(3)]!;
    const gaps = [0, 3, 50][prng.below(3)]!;
    const rows = Array.from({ length: prng.below(12) }, () => ({
      group: prng.below(groups),
      values: randomColumn(prng, n + 3, odd, 0).values,
      present: Uint8Array.from({ length: n + 3 }, () => (prng.below(100) < gaps ? 0 : 1)),
    }));
    const run = (place: Place) => {
      place?.reset();
      const accumulator = make(groups * n, n, place);
      for (const { group, values, present } of rows) {
        const there = bytes(place, n + 3);
        there.set(present);
        accumulator.fold(copied(values, place), there, 3, group * n);
      }
      const out = new Float64Array(groups * n);
      const present = new Uint8Array(groups * n);
      for (let group = 0; group < groups; group++) {
        accumulator.finish(out, present, group * n, group * n);
      }
      return cells(out, present);
    };
    expect(run(memory), `round ${round}`).toEqual(run(undefined));
  }
});

test('where there is no room, columns are ordinary arrays', () => {
  const small = new QueryMemory(createMemory(2 << 20), 1 << 20, 1024);
  expect(small.holds(small.floats(100))).toBe(true);
  expect(small.holds(small.floats(100))).toBe(false);
  expect(small.holds(small.bytes(64))).toBe(true);
  small.reset();
  const again = small.floats(100);
  expect(small.holds(again)).toBe(true);
  again.fill(1);
  small.reset();
  expect([...small.floats(100)].every((value) => value === 0)).toBe(true);
});

test('cells that are kept are empty again for the next query', () => {
  const own = new QueryMemory(createMemory(2 << 20), 1 << 20, 1024);
  expect(own.cells(100)).toBeUndefined();
  const blocks = Array.from({ length: 10 }, () => own.cells(20_000)).filter((b) => b !== undefined);
  expect(new Set(blocks).size).toBe(4);
  for (const { values, present } of blocks) {
    values.fill(1);
    present.fill(1);
  }
  own.reset();
  const again = own.cells(30_000);
  expect(blocks).toContain(again);
  expect(again!.values.subarray(0, 30_000).every((value) => value === 0)).toBe(true);
  expect(again!.present.subarray(0, 30_000).every((there) => there === 0)).toBe(true);
});

test('quantiles of a sliding window are those of each window sorted by itself', () => {
  const prng = seededPrng(21);
  for (let round = 0; round < 300; round++) {
    const column = randomColumn(prng, prng.below(200), [0, 5, 60][prng.below(3)]!, 0);
    const refs = randomReferences(prng, column);
    const q = [-1, 0, 0.3, 0.5, 0.99, 1, 2][prng.below(7)]!;
    const windows: Windows = {
      ...column,
      count: column.times.length,
      lo: new Int32Array(refs.count),
      hi: new Int32Array(refs.count),
      refs,
      rangeMs: [60_000, 300_000, 3_600_000][prng.below(3)]!,
      evalMs: refs.refMs,
      evalStepMs: refs.stepMs,
      args: [new Float64Array(refs.count).fill(q)],
      work: new WorkMeter(() => undefined),
      memory: undefined,
    };
    slideWindows(windows);
    const out = new Float64Array(refs.count);
    const present = new Uint8Array(refs.count);
    newWindowFunction('quantile_over_time')!.evaluate(windows, out, present, 0);
    for (let k = 0; k < refs.count; k++) {
      const window = column.values.slice(windows.lo[k], windows.hi[k]);
      expect(present[k]).toBe(window.length > 0 ? 1 : 0);
      if (window.length === 0) continue;
      sortNaNFirst(window, window.length);
      // Which zero stands first among equal ones is not said.
      expect(out[k]! + 0, `round ${round}`).toBe(quantileOfSorted(q, window, window.length) + 0);
    }
  }
});
