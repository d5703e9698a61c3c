// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allBuckets } from './all-buckets.ts';
import {
  combineHistograms,
  compactHistogram,
  divideHistogram,
  reduceResolution,
  scaleHistogram,
} from './arithmetic.ts';
import { bucketBound, exponentialBound } from './bounds.ts';
import { bucketsOf, spansOf } from './buckets.ts';
import { detectReset, histogramsEqual } from './compare.ts';
import { CounterResetHint, Histogram } from './histogram.ts';
import { HistogramSum, SumNote } from './sum.ts';
import { forEachBucket, formatHistogram, formatTestHistogram } from './text.ts';
import { HistogramError, validateHistogram } from './validate.ts';

/** Buckets by index: the plainest form, from which histograms are made and to which they are compared. */
type Counts = ReadonlyMap<number, number>;

function sideOf(counts: Counts) {
  const indexes = Int32Array.from([...counts.keys()].sort((a, b) => a - b));
  return {
    spans: spansOf(indexes),
    buckets: Float64Array.from(indexes, (index) => counts.get(index)!),
  };
}

const total = (counts: Counts): number => [...counts.values()].reduce((a, b) => a + b, 0);

function exponential(schema: number, positive: Counts, negative: Counts, zeroCount = 0): Histogram {
  const up = sideOf(positive);
  const down = sideOf(negative);
  return new Histogram({
    schema,
    zeroThreshold: zeroCount > 0 ? 1e-9 : 0,
    zeroCount,
    count: total(positive) + total(negative) + zeroCount,
    sum: total(positive) - total(negative),
    positiveSpans: up.spans,
    positiveBuckets: up.buckets,
    negativeSpans: down.spans,
    negativeBuckets: down.buckets,
    isFloat: false,
  });
}

function custom(bounds: readonly number[], counts: readonly number[]): Histogram {
  const map = new Map(counts.map((count, i) => [i, count] as const).filter(([, c]) => c > 0));
  const { spans, buckets } = sideOf(map);
  return new Histogram({
    schema: -53,
    count: total(map),
    sum: 1,
    customValues: Float64Array.from(bounds),
    positiveSpans: spans,
    positiveBuckets: buckets,
    isFloat: false,
  });
}

const counts = fc
  .array(fc.tuple(fc.integer({ min: -5, max: 40 }), fc.integer({ min: 1, max: 1000 })), {
    maxLength: 12,
  })
  .map((pairs) => new Map(pairs));
const histograms = fc
  .tuple(fc.integer({ min: -2, max: 4 }), counts, counts, fc.integer({ min: 0, max: 9 }))
  .map(([schema, up, down, zero]) => exponential(schema, up, down, zero));

/** The populated buckets as a map from upper bound (mirrored below zero) to count. */
function populated(h: Histogram): Map<string, number> {
  const found = new Map<string, number>();
  forEachBucket(h, (_, lower, upper, count) => found.set(`${lower}..${upper}`, count));
  return found;
}

describe('bounds', () => {
  test('have the rounding of the table that upstream ships', () => {
    expect(exponentialBound(1, 1)).toBe(2 * 0.7071067811865475);
    expect(exponentialBound(0, 1)).toBe(1);
    expect(exponentialBound(-1, 1)).toBe(0.7071067811865475);
    expect(exponentialBound(29, 5) / 2).toBe(0.9370838170551498);
    expect(exponentialBound(23, 8) / 2).toBe(0.5321274564422321);
    expect(exponentialBound(1024, 0)).toBe(Number.MAX_VALUE);
    expect(exponentialBound(1025, 0)).toBe(Infinity);
    expect(exponentialBound(64, -4)).toBe(Number.MAX_VALUE);
    expect(exponentialBound(-2, -1)).toBe(1 / 16);
    expect(exponentialBound(-1074, 0)).toBe(Number.MIN_VALUE);
  });

  test('custom ones end at the infinities', () => {
    const bounds = Float64Array.of(1, 2);
    expect([-1, 0, 1, 2].map((i) => bucketBound(i, -53, bounds))).toEqual([
      -Infinity,
      1,
      2,
      Infinity,
    ]);
  });
});

describe('spans', () => {
  test('give back the indexes they were made of', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -50, max: 50 })), (list) => {
        const indexes = Int32Array.from(list.sort((a, b) => a - b));
        const spans = spansOf(indexes);
        const back = bucketsOf(spans, new Float64Array(indexes.length)).indexes;
        expect([...back]).toEqual([...indexes]);
        for (let s = 2; s < spans.length; s += 2) expect(spans[s]).toBeGreaterThan(0);
      }),
    );
  });
});

describe('sums', () => {
  test('have the counts of both sides, whatever the resolution', () => {
    fc.assert(
      fc.property(histograms, histograms, (a, b) => {
        const schema = Math.min(a.schema, b.schema);
        const sum = combineHistograms(a, b, 1)!.histogram;
        expect(sum.schema).toBe(schema);
        expect(sum.count).toBe(a.count + b.count);
        const all = allBuckets(sum);
        expect(all.counts.reduce((x, y) => x + y, 0)).toBe(sum.count);
        // Against maps of buckets, where no zero bucket swallows any.
        if (a.zeroThreshold !== b.zeroThreshold) return;
        const expected = populated(reduceResolution(a, schema));
        for (const [key, count] of populated(reduceResolution(b, schema))) {
          expected.set(key, (expected.get(key) ?? 0) + count);
        }
        expect(new Map([...populated(sum)].sort())).toEqual(new Map([...expected].sort()));
      }),
    );
  });

  test('taken back give what was there', () => {
    fc.assert(
      fc.property(histograms, histograms, (a, b) => {
        if (a.schema > b.schema || a.zeroThreshold !== b.zeroThreshold) return;
        const sum = combineHistograms(a, b, 1)!.histogram;
        const back = compactHistogram(combineHistograms(sum, b, -1)!.histogram);
        expect(populated(back)).toEqual(populated(a));
        expect(back.count).toBe(a.count);
      }),
    );
  });

  test('of many are the sums of two, and add up without loss', () => {
    fc.assert(
      fc.property(fc.array(histograms, { minLength: 1, maxLength: 6 }), (list) => {
        const sum = new HistogramSum(list[0]!);
        let plain = list[0]!;
        for (const h of list.slice(1)) {
          expect(sum.add(h)).toBe(SumNote.none);
          plain = combineHistograms(plain, h, 1)!.histogram;
        }
        expect(histogramsEqual(compactHistogram(sum.result()), compactHistogram(plain))).toBe(true);
      }),
    );
    const tiny = exponential(0, new Map([[0, 1]]), new Map());
    const huge = exponential(0, new Map([[0, 1e17]]), new Map());
    const sum = new HistogramSum(tiny);
    sum.add(huge);
    sum.add(tiny);
    sum.add(huge, -1);
    expect(sum.result().positiveBuckets[0]).toBe(2);
    expect(sum.result().count).toBe(2);
  });

  test('of custom buckets keep the bounds that both have', () => {
    const { histogram, boundsReconciled } = combineHistograms(
      custom([1, 2, 3], [1, 2, 3, 4]),
      custom([2, 3, 5], [10, 20, 30, 40]),
      1,
    )!;
    expect(boundsReconciled).toBe(true);
    expect([...histogram.customValues]).toEqual([2, 3]);
    expect([...histogram.positiveBuckets]).toEqual([13, 23, 74]);
  });

  test('of an exponential and a custom one do not exist', () => {
    const a = exponential(0, new Map([[0, 1]]), new Map());
    expect(combineHistograms(a, custom([1], [1]), 1)).toBeUndefined();
    expect(new HistogramSum(a).add(custom([1], [1]))).toBe(SumNote.incompatible);
  });

  test('tell of contradicting hints', () => {
    const a = exponential(0, new Map([[0, 1]]), new Map());
    const { reset, notReset, unknown, gauge } = CounterResetHint;
    const collided = combineHistograms(a.withHint(reset), a.withHint(notReset), 1)!;
    expect(collided.resetCollision).toBe(true);
    expect(collided.histogram.counterResetHint).toBe(unknown);
    expect(combineHistograms(a.withHint(gauge), a, 1)!.histogram.counterResetHint).toBe(gauge);
  });
});

test('a wider zero bucket takes in whole buckets', () => {
  const a = exponential(
    0,
    new Map([
      [-2, 5],
      [0, 7],
    ]),
    new Map(),
  );
  const wide = new Histogram({ schema: 0, zeroThreshold: 0.2, zeroCount: 1, count: 1, sum: 0 });
  const { histogram } = combineHistograms(a, wide, 1)!;
  expect(histogram.zeroThreshold).toBe(0.25);
  expect(histogram.zeroCount).toBe(6);
  expect([...histogram.positiveBuckets]).toEqual([7]);
});

test('multiples', () => {
  const h = exponential(1, new Map([[0, 4]]), new Map([[2, 2]]), 6);
  expect(scaleHistogram(h, -0.5).counterResetHint).toBe(CounterResetHint.gauge);
  expect([...scaleHistogram(h, 0.5).positiveBuckets]).toEqual([2]);
  expect(divideHistogram(h, 2).zeroCount).toBe(3);
  const nothing = divideHistogram(h, 0);
  expect(nothing.count).toBe(Infinity);
  expect(nothing.positiveBuckets.length).toBe(0);
});

test('compaction drops what is empty, but not in short gaps', () => {
  const h = new Histogram({
    schema: 0,
    count: 3,
    sum: 0,
    positiveSpans: Int32Array.of(-1, 3, 0, 2, 1, 1),
    positiveBuckets: Float64Array.of(0, 1, 0, 0, 1, 1),
  });
  const tight = compactHistogram(h);
  expect([...tight.positiveSpans]).toEqual([0, 1, 2, 1, 1, 1]);
  const loose = compactHistogram(h, 1);
  expect([...loose.positiveSpans]).toEqual([0, 1, 2, 3]);
  expect([...loose.positiveBuckets]).toEqual([1, 1, 0, 1]);
});

describe('resets', () => {
  test('none when every count only grows; one when any falls', () => {
    fc.assert(
      fc.property(histograms, histograms, (a, b) => {
        const more = combineHistograms(a, b, 1)!.histogram;
        expect(detectReset(more, a)).toBe(false);
        if (b.count > 0) expect(detectReset(a, more)).toBe(true);
      }),
    );
  });

  test('hints decide first', () => {
    const h = exponential(0, new Map([[0, 3]]), new Map());
    expect(detectReset(h.withHint(CounterResetHint.reset), h)).toBe(true);
    const less = exponential(0, new Map([[0, 1]]), new Map());
    expect(detectReset(less.withHint(CounterResetHint.notReset), h)).toBe(false);
  });

  test('custom buckets are compared at the bounds that both have', () => {
    expect(detectReset(custom([1, 3], [5, 5]), custom([1, 2, 3], [5, 2, 2]))).toBe(false);
    expect(detectReset(custom([1, 3], [3, 9]), custom([1, 2, 3], [5, 2, 2]))).toBe(true);
  });
});

describe('text', () => {
  const h = exponential(
    0,
    new Map([
      [0, 1],
      [1, 2],
    ]),
    new Map([[1, 3]]),
    1,
  );

  test('of an answer', () => {
    expect(formatHistogram(h)).toBe(
      '{count:7, sum:0, [-2,-1):3, [-1e-09,1e-09]:1, (0.5,1]:1, (1,2]:2}',
    );
    expect(formatHistogram(custom([1, 2], [1, 0, 2]))).toBe(
      '{count:3, sum:1, [-Inf,1]:1, (2,+Inf]:2}',
    );
  });

  test('of a test series', () => {
    expect(formatTestHistogram(h)).toBe(
      '{{count:7 z_bucket:1 z_bucket_w:1e-09 buckets:[1 2] n_offset:1 n_buckets:[3]}}',
    );
  });
});

describe('validation', () => {
  const base = { schema: 0, count: 1, sum: 0, isFloat: false };
  test.each([
    [
      { ...base, schema: 9 },
      'must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema 9',
    ],
    [
      { ...base, positiveSpans: Int32Array.of(0, 2) },
      'positive side: spans need 2 buckets, have 0 buckets',
    ],
    [
      {
        ...base,
        positiveSpans: Int32Array.of(0, 1, -1, 1),
        positiveBuckets: Float64Array.of(1, 1),
      },
      'positive side: span number 2 with offset -1: histogram has a span whose offset is negative',
    ],
    [
      { ...base, positiveSpans: Int32Array.of(0, 1), positiveBuckets: Float64Array.of(-1) },
      'positive side: bucket number 1 has observation count of -1',
    ],
    [
      { ...base, positiveSpans: Int32Array.of(0, 1), positiveBuckets: Float64Array.of(2) },
      '2 observations found in buckets, but the Count field is 1',
    ],
    [
      { ...base, schema: -53, customValues: Float64Array.of(2, 1) },
      'custom buckets: previous bound is 2.000000 and current is 1.000000',
    ],
    [
      { ...base, schema: -53, customValues: Float64Array.of(Infinity) },
      'must not be explicitly defined',
    ],
    [{ ...base, schema: -53, zeroCount: 1 }, 'custom buckets: must have zero count of 0'],
    [{ ...base, customValues: Float64Array.of(1) }, 'must not have custom bounds'],
  ] as const)('%#', (fields, text) => {
    expect(() => validateHistogram(new Histogram(fields))).toThrow(HistogramError);
    expect(() => validateHistogram(new Histogram(fields))).toThrow(text);
  });

  test('lets the good ones pass', () => {
    fc.assert(
      fc.property(histograms, (h) => {
        validateHistogram(h);
      }),
    );
  });
});
