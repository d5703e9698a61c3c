// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import {
  alignSeries,
  axisRange,
  extentOf,
  nearestIndex,
  stackColumns,
  summarize,
} from './columns.ts';

const NaN_ = Number.NaN;
const series = (times: readonly number[], values: readonly number[]) => ({
  metric: {},
  times: Float64Array.from(times),
  values: Float64Array.from(values),
  histograms: [],
});
const none = (): boolean => false;

test('samples lie on their steps, the rest is a gap', () => {
  const grid = { startMs: 1000, endMs: 5999, stepMs: 1000 };
  const { times, columns } = alignSeries(
    [series([1000, 3000, 5000], [1, 3, 5]), series([2000, 9000, 4000], [Infinity, 9, -4])],
    grid,
  );
  expect([...times]).toEqual([1, 2, 3, 4, 5]);
  expect([...columns[0]!]).toEqual([1, NaN_, 3, NaN_, 5]);
  expect([...columns[1]!]).toEqual([NaN_, NaN_, NaN_, -4, NaN_]);
});

test('an instant is one step', () => {
  const grid = { startMs: 1000, endMs: 1000, stepMs: 1000 };
  expect(alignSeries([series([1000], [7])], grid).columns[0]).toEqual(Float64Array.of(7));
});

test('stacks leave out gaps and hidden columns', () => {
  const columns = [
    Float64Array.of(1, 2, NaN_),
    Float64Array.of(10, 10, 10),
    Float64Array.of(1, -1, 5),
  ];
  const { tops, bottoms } = stackColumns(columns, (i) => i === 1);
  expect([...tops[0]!]).toEqual([1, 2, NaN_]);
  expect([...tops[1]!]).toEqual([NaN_, NaN_, NaN_]);
  expect([...tops[2]!]).toEqual([2, -1, 5]);
  expect([...bottoms[2]!]).toEqual([1, 0, 0]);
});

test('extent', () => {
  const columns = [Float64Array.of(NaN_, 3), Float64Array.of(-8, 1)];
  expect(extentOf(columns, none)).toEqual([-8, 3]);
  expect(extentOf(columns, (i) => i === 1)).toEqual([3, 3]);
  expect(extentOf([Float64Array.of(NaN_)], none)).toBeUndefined();
});

test('axes have air, and zero where it is near', () => {
  expect(axisRange(undefined, undefined)).toEqual([0, 1.06]);
  expect(axisRange([5, 5], undefined)).toEqual([4.5, 5.5]);
  expect(axisRange([0, 0], undefined)).toEqual([-1, 1]);
  expect(axisRange([0, 0], 0)).toEqual([0, 1]);
  expect(axisRange([0, 100], undefined)).toEqual([0, 106]);
  expect(axisRange([50, 100], undefined)).toEqual([47, 103]);
  expect(axisRange([50, 100], 0)).toEqual([0, 106]);
  expect(axisRange([-100, -1], undefined)[1]).toBe(0);
});

test('summaries and the nearest step', () => {
  expect(summarize(Float64Array.of(3, 9, 1, NaN_))).toEqual({ last: 1, min: 1, max: 9 });
  expect(summarize(Float64Array.of(NaN_)).last).toBeNaN();
  const times = Float64Array.of(10, 20, 30);
  expect([0, 14, 16, 99].map((t) => nearestIndex(times, t))).toEqual([0, 0, 1, 2]);
});
