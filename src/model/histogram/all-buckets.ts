// SPDX-License-Identifier: Apache-2.0
// All buckets of a histogram in ascending order of their bounds.

import { bucketBound } from './bounds.ts';
import { bucketsOf } from './buckets.ts';
import type { Histogram } from './histogram.ts';

/** Buckets from the lowest to the highest, the zero bucket (when it holds something) among them. */
export interface BucketColumns {
  readonly count: number;
  readonly lowers: Float64Array;
  readonly uppers: Float64Array;
  readonly counts: Float64Array;
  /** Number of negative buckets, which come first. */
  readonly negatives: number;
  /** Index of the zero bucket; -1 when it's empty. */
  readonly zero: number;
}

/**
 * Empty buckets that are spelled out are kept.
 *
 * @param clamp cut off what of a bucket lies inside of the zero bucket
 */
export function allBuckets(h: Histogram, clamp = true): BucketColumns {
  const positive = bucketsOf(h.positiveSpans, h.positiveBuckets);
  const negative = bucketsOf(h.negativeSpans, h.negativeBuckets);
  const zeros = h.zeroCount > 0 || (!clamp && h.zeroCount !== 0) ? 1 : 0;
  const negatives = negative.indexes.length;
  const count = negatives + zeros + positive.indexes.length;
  const lowers = new Float64Array(count);
  const uppers = new Float64Array(count);
  const counts = new Float64Array(count);
  const threshold = clamp ? h.zeroThreshold : 0;
  for (let i = 0; i < negatives; i++) {
    const from = negatives - 1 - i;
    const index = negative.indexes[from]!;
    const upper = -bucketBound(index - 1, h.schema, h.customValues);
    lowers[i] = -bucketBound(index, h.schema, h.customValues);
    uppers[i] = upper < 0 && upper > -threshold ? -threshold : upper;
    counts[i] = negative.counts[from]!;
  }
  if (zeros > 0) {
    lowers[negatives] = -h.zeroThreshold;
    uppers[negatives] = h.zeroThreshold;
    counts[negatives] = h.zeroCount;
  }
  for (let i = 0; i < positive.indexes.length; i++) {
    const to = negatives + zeros + i;
    const index = positive.indexes[i]!;
    const lower = bucketBound(index - 1, h.schema, h.customValues);
    lowers[to] = lower > 0 && lower < threshold ? threshold : lower;
    uppers[to] = bucketBound(index, h.schema, h.customValues);
    counts[to] = positive.counts[i]!;
  }
  return { count, lowers, uppers, counts, negatives, zero: zeros > 0 ? negatives : -1 };
}

/** Which ends of bucket `i` belong to it. */
export function bucketEnds(
  h: Histogram,
  { lowers, uppers, zero }: BucketColumns,
  i: number,
): { readonly lower: boolean; readonly upper: boolean } {
  if (i === zero) return { lower: true, upper: true };
  if (h.usesCustomBuckets) {
    return { lower: lowers[i] === Number.NEGATIVE_INFINITY, upper: true };
  }
  return { lower: lowers[i]! < 0, upper: uppers[i]! > 0 };
}
