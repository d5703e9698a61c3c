// SPDX-License-Identifier: Apache-2.0
// The sliding window functions against plain definitions that look at one window after the other.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemory, QueryMemory } from '../../kernels/index.ts';
import { Annotations } from '../engine/annotations.ts';
import { extrapolatedMixed, lastTwoMixed, transitionsMixed } from './mixed-windows.ts';
import { newWindowFunction } from './window-functions.ts';
import { type Windows, WorkMeter, slideWindows } from './windows.ts';

interface Series {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

interface Window {
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly startMs: number;
  readonly endMs: number;
}

const notes = {
  annotations: new Annotations(),
  position: { start: 0, end: 0 },
  metricName: () => 'x',
};

const mixed = ({ times, values }: Window) => ({
  times: Float64Array.from(times),
  values: Float64Array.from(values),
  histograms: undefined,
  startTimes: undefined,
});

const rateOf = (isCounter: boolean, isRate: boolean) => (window: Window) =>
  extrapolatedMixed(mixed(window), 0, window.times.length, window, { isCounter, isRate }, notes);
const lastTwoOf = (isRate: boolean) => (window: Window) =>
  lastTwoMixed(mixed(window), 0, window.times.length, isRate, notes);
const transitions = (kind: 'resets' | 'changes') => (window: Window) =>
  transitionsMixed(mixed(window), 0, window.times.length, kind);

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const variance = (values: readonly number[]): number =>
  mean(values.map((value) => (value - mean(values)) ** 2));

/** NaN only where there is nothing else; of equal ones the first, or for times the last. */
function best({ values, times }: Window, sign: number, asTime: boolean): number {
  let at = 0;
  values.forEach((value, i) => {
    const better = asTime ? value * sign >= values[at]! * sign : value * sign > values[at]! * sign;
    if (better || Number.isNaN(values[at]!)) at = i;
  });
  return asTime ? times[at]! / 1000 : values[at]!;
}

function quantile(q: number, values: readonly number[]): number {
  const order = (a: number, b: number): number =>
    Number.isNaN(a) ? (Number.isNaN(b) ? 0 : -1) : Number.isNaN(b) ? 1 : a - b;
  const sorted = [...values].sort(order);
  const rank = q * (sorted.length - 1);
  const lower = Math.floor(rank);
  const weight = rank - lower;
  const upper = Math.min(sorted.length - 1, lower + 1);
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}

function medianDeviation({ values }: Window): number {
  if (values.some((value) => Number.isNaN(value))) return Number.NaN;
  const median = quantile(0.5, values);
  return quantile(
    0.5,
    values.map((value) => Math.abs(value - median)),
  );
}

function slope({ times, values }: Window): number | undefined {
  if (times.length < 2) return undefined;
  if (values.every((value) => value === values[0])) {
    return Number.isFinite(values[0]) ? 0 : Number.NaN;
  }
  const x = times.map((time) => (time - times[0]!) / 1000);
  const [mx, my] = [mean(x), mean(values)];
  const covariance = sum(x.map((value, i) => (value - mx) * (values[i]! - my)));
  return covariance / sum(x.map((value) => (value - mx) ** 2));
}

type Definition = (window: Window) => unknown;

/** Functions by name, and whether they are defined for numbers that aren't finite, too. */
const definitions: Readonly<Record<string, { readonly of: Definition; readonly any: boolean }>> = {
  rate: { of: rateOf(true, true), any: true },
  increase: { of: rateOf(true, false), any: true },
  delta: { of: rateOf(false, false), any: true },
  irate: { of: lastTwoOf(true), any: true },
  idelta: { of: lastTwoOf(false), any: true },
  resets: { of: transitions('resets'), any: true },
  changes: { of: transitions('changes'), any: true },
  sum_over_time: { of: ({ values }) => sum(values), any: true },
  avg_over_time: { of: ({ values }) => mean(values), any: true },
  count_over_time: { of: ({ values }) => values.length, any: true },
  present_over_time: { of: () => 1, any: true },
  first_over_time: { of: ({ values }) => values[0], any: true },
  last_over_time: { of: ({ values }) => values.at(-1), any: true },
  ts_of_first_over_time: { of: ({ times }) => times[0]! / 1000, any: true },
  ts_of_last_over_time: { of: ({ times }) => times.at(-1)! / 1000, any: true },
  min_over_time: { of: (window) => best(window, -1, false), any: true },
  max_over_time: { of: (window) => best(window, 1, false), any: true },
  ts_of_min_over_time: { of: (window) => best(window, -1, true), any: true },
  ts_of_max_over_time: { of: (window) => best(window, 1, true), any: true },
  quantile_over_time: { of: ({ values }) => quantile(0.3, values), any: false },
  mad_over_time: { of: medianDeviation, any: false },
  stdvar_over_time: { of: ({ values }) => variance(values), any: false },
  stddev_over_time: { of: ({ values }) => Math.sqrt(variance(values)), any: false },
  deriv: { of: slope, any: false },
};

function series(values: fc.Arbitrary<number>): fc.Arbitrary<Series> {
  return fc
    .array(fc.tuple(fc.integer({ min: 1, max: 4 }), values), { maxLength: 40 })
    .map((steps) => {
      let time = 0;
      const times = steps.map(([gap]) => (time += gap * 5000));
      return {
        times: Float64Array.from(times),
        values: Float64Array.from(steps, ([, value]) => value),
      };
    });
}

const finite = fc.oneof(
  fc.integer({ min: -5, max: 30 }),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
);
const anything = fc.oneof(
  { weight: 8, arbitrary: finite },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity) },
);

interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
  readonly rangeMs: number;
}

const grids: fc.Arbitrary<Grid> = fc.record({
  startMs: fc.integer({ min: -20_000, max: 60_000 }),
  stepMs: fc.constantFrom(0, 1000, 5000, 7001, 60_000),
  count: fc.integer({ min: 1, max: 30 }),
  rangeMs: fc.constantFrom(1, 5000, 10_000, 21_000, 35_005, 300_000),
});

const memory = new QueryMemory(createMemory(16 << 20), 1 << 20, 15 << 20);

/** Where columns are: in ordinary arrays, where the twins work, or where the kernel does. */
const places = [
  ['twin', undefined],
  ['kernel', memory],
] as const;

/** A copy of `column` in `place`. */
function placed(column: Float64Array, place: QueryMemory | undefined): Float64Array {
  const copy = place?.floats(column.length) ?? new Float64Array(column.length);
  copy.set(column);
  return copy;
}

function windowsOf({ times, values }: Series, grid: Grid, place?: QueryMemory): Windows {
  const q = new Float64Array(grid.count).fill(0.3);
  place?.reset();
  return {
    times: placed(times, place),
    values: placed(values, place),
    count: times.length,
    lo: place?.integers(grid.count) ?? new Int32Array(grid.count),
    hi: place?.integers(grid.count) ?? new Int32Array(grid.count),
    memory: place,
    refs: { refMs: grid.startMs, stepMs: grid.stepMs, count: grid.count },
    rangeMs: grid.rangeMs,
    evalMs: grid.startMs,
    evalStepMs: grid.stepMs,
    args: [q, q],
    work: new WorkMeter(() => undefined),
  };
}

function windowAt({ times, values, refs, rangeMs }: Windows, k: number): Window {
  const endMs = refs.refMs + k * refs.stepMs;
  const startMs = endMs - rangeMs;
  const inside = [...times.keys()].filter((i) => times[i]! > startMs && times[i]! <= endMs);
  return {
    times: inside.map((i) => times[i]!),
    values: inside.map((i) => values[i]!),
    startMs,
    endMs,
  };
}

function expectClose(actual: number, expected: number, scale: number): void {
  if (Object.is(actual, expected) || actual === expected) return;
  if (Number.isFinite(actual) && Number.isFinite(expected)) {
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, scale));
  } else expect(actual).toBe(expected);
}

describe('windows', () => {
  test.each(places)('hold the samples in (end - range, end] (%s)', (_kind, place) => {
    fc.assert(
      fc.property(series(finite), grids, (one, grid) => {
        const windows = windowsOf(one, grid, place);
        let total = 0;
        const counted = slideWindows(windows);
        for (let k = 0; k < grid.count; k++) {
          const { times } = windowAt(windows, k);
          const found = [...one.times.subarray(windows.lo[k], windows.hi[k])];
          expect(found).toEqual(times);
          total += times.length;
        }
        expect(counted).toBe(total);
      }),
    );
  });

  const cases = Object.keys(definitions).flatMap((name) =>
    places.map(([kind, place]) => ({ name, kind, place })),
  );
  test.each(cases)('$name is what it is defined to be ($kind)', ({ name, place }) => {
    const { of, any } = definitions[name]!;
    fc.assert(
      fc.property(series(any ? anything : finite), grids, (one, grid) => {
        const windows = windowsOf(one, grid, place);
        slideWindows(windows);
        const out = place?.floats(grid.count + 1) ?? new Float64Array(grid.count + 1);
        const present = place?.bytes(grid.count + 1) ?? new Uint8Array(grid.count + 1);
        newWindowFunction(name)!.evaluate(windows, out, present, 1);
        for (let k = 0; k < grid.count; k++) {
          const window = windowAt(windows, k);
          const expected = window.times.length === 0 ? undefined : of(window);
          expect(present[k + 1], `presence of ${JSON.stringify(window)}`).toBe(
            expected === undefined ? 0 : 1,
          );
          if (expected === undefined) continue;
          const scale = Math.max(...window.values.map((value) => Math.abs(value) ** 2));
          expectClose(out[k + 1]!, expected as number, scale);
        }
      }),
    );
  });
});
