// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { combineHistograms, compactHistogram, divideHistogram } from './arithmetic.ts';
import { spansOf } from './buckets.ts';
import { Histogram } from './histogram.ts';
import {
  NaNEffect,
  histogramFraction,
  histogramQuantile,
  histogramVariance,
} from './statistics.ts';
import { HistogramMean, SumNote } from './sum.ts';
import { trimHistogram } from './trim.ts';

function exponential(schema: number, counts: readonly (readonly [number, number])[]): Histogram {
  const map = new Map(counts);
  const indexes = Int32Array.from([...map.keys()].sort((a, b) => a - b));
  const buckets = Float64Array.from(indexes, (index) => map.get(index)!);
  const count = buckets.reduce((a, b) => a + b, 0);
  return new Histogram({
    schema,
    count,
    sum: count,
    positiveSpans: spansOf(indexes),
    positiveBuckets: buckets,
  });
}

function custom(bounds: readonly number[], counts: readonly number[]): Histogram {
  const buckets = Float64Array.from(counts);
  return new Histogram({
    schema: -53,
    count: buckets.reduce((a, b) => a + b, 0),
    sum: 1,
    customValues: Float64Array.from(bounds),
    positiveSpans: Int32Array.of(0, counts.length),
    positiveBuckets: buckets,
  });
}

const exponentials = fc
  .tuple(
    fc.integer({ min: -1, max: 3 }),
    fc.array(fc.tuple(fc.integer({ min: -8, max: 30 }), fc.integer({ min: 1, max: 50 })), {
      minLength: 1,
      maxLength: 10,
    }),
  )
  .map(([schema, counts]) => exponential(schema, counts));

const customs = fc
  .array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 8 })
  .map((counts) =>
    custom(
      [...counts.slice(1).keys()].map((i) => (i + 1) * 2.5),
      counts,
    ),
  );

describe('quantiles and fractions', () => {
  test('are each other turned round', () => {
    fc.assert(
      fc.property(exponentials, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (h, q) => {
        const { value } = histogramQuantile(q, h);
        expect(histogramFraction(-Infinity, value, h).value).toBeCloseTo(q, 6);
      }),
    );
  });

  test('rise with φ', () => {
    fc.assert(
      fc.property(fc.oneof(exponentials, customs), (h) => {
        let last = -Infinity;
        for (let q = 0; q <= 1; q += 0.05) {
          const { value } = histogramQuantile(q, h);
          expect(value).toBeGreaterThanOrEqual(last - 1e-9);
          last = value;
        }
      }),
    );
  });

  test('of the parts of a line add up', () => {
    fc.assert(
      fc.property(fc.oneof(exponentials, customs), fc.double({ min: 0.1, max: 30 }), (h, at) => {
        if (Number.isNaN(at)) return;
        const below = histogramFraction(-Infinity, at, h).value;
        const above = histogramFraction(at, Infinity, h).value;
        expect(below + above).toBeCloseTo(1, 9);
      }),
    );
  });

  test('at the ends, and where there is nothing', () => {
    const h = exponential(0, [[1, 4]]);
    const value = (q: number): number => histogramQuantile(q, h).value;
    expect([-0.1, 1.1, Number.NaN].map(value)).toEqual([-Infinity, Infinity, Number.NaN]);
    expect(histogramQuantile(0.5, new Histogram({ schema: 0, count: 0, sum: 0 })).value).toBeNaN();
    expect(value(0.5)).toBeCloseTo(Math.SQRT2, 12);
    // The last custom bucket has no end: its lower bound is all that can be said.
    expect(histogramQuantile(0.99, custom([5], [1, 9])).value).toBe(5);
    expect(histogramFraction(3, 3, h).value).toBe(0);
  });

  test('tell of observations that are NaN', () => {
    const h = new Histogram({ ...exponential(0, [[1, 4]]).fields(), count: 8, sum: Number.NaN });
    expect(histogramQuantile(0.9, h)).toEqual({ value: Number.NaN, effect: NaNEffect.result });
    expect(histogramQuantile(0.25, h).effect).toBe(NaNEffect.skew);
    expect(histogramFraction(-Infinity, Infinity, h)).toEqual({
      value: 0.5,
      effect: NaNEffect.skew,
    });
  });
});

describe('trimming', () => {
  test('at a value leaves together what was there', () => {
    fc.assert(
      fc.property(exponentials, fc.double({ min: 0.01, max: 100, noNaN: true }), (h, at) => {
        const below = trimHistogram(h, at, true);
        const above = trimHistogram(h, at, false);
        expect(below.count + above.count).toBeCloseTo(h.count, 6);
        const joined = combineHistograms(below, above, 1)!.histogram;
        expect(compactHistogram(joined).positiveBuckets.length).toBe(h.positiveBuckets.length);
      }),
    );
  });

  test('beyond all buckets changes nothing', () => {
    const h = exponential(1, [
      [0, 3],
      [4, 5],
    ]);
    expect(trimHistogram(h, 1e9, true)).toBe(h);
    expect(trimHistogram(h, -1, false)).toBe(h);
    expect(trimHistogram(h, -1, true).count).toBe(0);
  });
});

test('the variance of one bucket is the distance of its middle from the mean', () => {
  const h = new Histogram({ ...exponential(0, [[2, 3]]).fields(), sum: 3 * Math.sqrt(8) });
  expect(histogramVariance(h)).toBeCloseTo(0, 12);
  expect(histogramVariance(custom([2, 4], [0, 2]))).toBeCloseTo((3 - 0.5) ** 2, 12);
});

test('the mean is the sum divided, also where the sum would overflow', () => {
  fc.assert(
    fc.property(fc.array(exponentials, { minLength: 1, maxLength: 5 }), (list) => {
      const mean = new HistogramMean(list[0]!);
      let sum = list[0]!;
      for (const h of list.slice(1)) {
        expect(mean.add(h)).toBe(SumNote.none);
        sum = combineHistograms(sum, h, 1)!.histogram;
      }
      const expected = divideHistogram(sum, list.length);
      expect(mean.result().count).toBeCloseTo(expected.count, 9);
      [...expected.positiveBuckets].forEach((count, i) => {
        expect(mean.result().positiveBuckets[i]).toBeCloseTo(count, 9);
      });
    }),
  );
  const huge = exponential(0, [[0, 1.5e308]]);
  const mean = new HistogramMean(huge);
  mean.add(huge);
  mean.add(huge);
  expect(mean.result().count / 1.5e308).toBeCloseTo(1, 9);
  expect(mean.result().positiveBuckets[0]! / 1.5e308).toBeCloseTo(1, 9);
});
