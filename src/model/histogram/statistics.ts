// SPDX-License-Identifier: Apache-2.0
// What a histogram says of its observations. Inside a bucket they are taken as evenly spread: linearly in
// custom and zero buckets, by logarithm in exponential ones.

import { type BucketColumns, allBuckets } from './all-buckets.ts';
import { nextLow } from './buckets.ts';
import type { Histogram } from './histogram.ts';

/** The variance of the observations, each taken as its bucket's middle. NaN without observations. */
export function histogramVariance(h: Histogram): number {
  const mean = h.sum / h.count;
  const { count, lowers, uppers, counts } = allBuckets(h);
  let sum = 0;
  let low = 0;
  for (let i = 0; i < count; i++) {
    if (counts[i] === 0) continue;
    const delta = middleOf(h, lowers[i]!, uppers[i]!) - mean;
    const part = counts[i]! * delta * delta;
    const total = sum + part;
    low = nextLow(low, sum, part, total);
    sum = total;
  }
  return (sum + low) / h.count;
}

/** Arithmetic in custom buckets, geometric in exponential ones, 0 where the bucket holds 0. */
function middleOf(h: Histogram, lower: number, upper: number): number {
  if (h.usesCustomBuckets) return (upper + lower) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  const middle = Math.sqrt(upper * lower);
  return upper < 0 ? -middle : middle;
}

/** What observations that are NaN did to a result. */
export const NaNEffect = { none: 0, result: 1, skew: 2 } as const;
export type NaNEffect = (typeof NaNEffect)[keyof typeof NaNEffect];

export interface Statistic {
  readonly value: number;
  readonly effect: NaNEffect;
}

const plain = (value: number): Statistic => ({ value, effect: NaNEffect.none });

/** Bounds of a bucket with what is known of the histogram: nothing lies below, or above, zero. */
function knownBounds(h: Histogram, lower: number, upper: number): [number, number] {
  if (h.usesCustomBuckets || lower >= 0 || upper <= 0) return [lower, upper];
  const positive = h.positiveBuckets.length > 0;
  const negative = h.negativeBuckets.length > 0;
  if (!negative && positive) return [0, upper];
  if (!positive && negative) return [lower, 0];
  return [lower, upper];
}

/** The bucket at which the observations counted from one end reach `rank`. */
function reach(buckets: BucketColumns, rank: number, forward: boolean) {
  const { count: size, counts } = buckets;
  let at = forward ? 0 : size - 1;
  let last = -1;
  let count = 0;
  for (; at >= 0 && at < size; at += forward ? 1 : -1) {
    last = at;
    if (counts[at] === 0) continue;
    count += counts[at]!;
    if (count >= rank) break;
  }
  return { at: last, count };
}

/**
 * The φ-quantile. -Inf below 0, +Inf above 1, NaN for NaN or without observations. NaN observations count
 * as larger than all others.
 */
export function histogramQuantile(q: number, h: Histogram): Statistic {
  if (q < 0) return plain(Number.NEGATIVE_INFINITY);
  if (q > 1) return plain(Number.POSITIVE_INFINITY);
  if (h.count === 0 || Number.isNaN(q)) return plain(Number.NaN);
  const hasNaN = Number.isNaN(h.sum);
  const forward = hasNaN || q < 0.5;
  const buckets = allBuckets(h);
  let rank = (forward ? q : 1 - q) * h.count;
  const found = reach(buckets, rank, forward);
  const bucketCount = buckets.counts[found.at] ?? 0;
  let [lower, upper] = knownBounds(h, buckets.lowers[found.at] ?? 0, buckets.uppers[found.at] ?? 0);
  if (h.usesCustomBuckets) {
    if (lower === Number.NEGATIVE_INFINITY) {
      if (upper <= 0) return plain(upper);
      lower = 0;
    } else if (upper === Number.POSITIVE_INFINITY) return plain(lower);
  }
  // Rounding may have counted more than there are.
  const count = Math.min(found.count, h.count);
  if (count < rank) {
    return hasNaN ? { value: Number.NaN, effect: NaNEffect.result } : plain(upper);
  }
  rank = forward ? rank - (count - bucketCount) : count - rank;
  let effect: NaNEffect = NaNEffect.none;
  if (hasNaN) {
    // Infinities of both signs make the sum NaN, too, but they are in buckets.
    const inBuckets = buckets.counts.reduce((sum, part) => sum + part, 0);
    if (inBuckets < h.count) effect = NaNEffect.skew;
  }
  return { value: inside(h, lower, upper, rank / bucketCount), effect };
}

/** The value at a fraction of a bucket. */
function inside(h: Histogram, lower: number, upper: number, fraction: number): number {
  if (h.usesCustomBuckets || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  if (lower > 0) return 2 ** (logLower + (logUpper - logLower) * fraction);
  return -(2 ** (logUpper + (logLower - logUpper) * (1 - fraction)));
}

/** How much of a bucket lies below `value`, as a fraction, where it's spread by logarithm. */
export function logarithmicFraction(lower: number, upper: number, value: number): number {
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const logValue = Math.log2(Math.abs(value));
  if (value > 0) return (logValue - logLower) / (logUpper - logLower);
  return 1 - (logValue - logUpper) / (logLower - logUpper);
}

/** Observations below `bound`; undefined when it lies above all buckets. */
function rankBelow(h: Histogram, buckets: BucketColumns, bound: number): number | undefined {
  let rank = 0;
  for (let i = 0; i < buckets.count; i++) {
    const count = buckets.counts[i]!;
    const holdsZero = buckets.lowers[i]! <= 0 && buckets.uppers[i]! >= 0;
    let lower = buckets.lowers[i]!;
    let upper = buckets.uppers[i]!;
    if (holdsZero) {
      if (h.negativeBuckets.length === 0 && h.positiveBuckets.length > 0) lower = 0;
      else if (h.positiveBuckets.length === 0 && h.negativeBuckets.length > 0) upper = 0;
    }
    if (lower >= bound) return rank;
    if (upper > bound) {
      if (!h.usesCustomBuckets && !holdsZero) {
        return rank + count * logarithmicFraction(lower, upper, bound);
      }
      // Nothing is known of where an infinite bucket begins.
      if (lower === Number.NEGATIVE_INFINITY) return count;
      return rank + (count * (bound - lower)) / (upper - lower);
    }
    rank += count;
  }
  return undefined;
}

/** The part of the observations between two bounds. NaN observations are in no part. */
export function histogramFraction(lower: number, upper: number, h: Histogram): Statistic {
  if (h.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return plain(Number.NaN);
  if (lower >= upper) return plain(0);
  const buckets = allBuckets(h);
  let count = h.count;
  let effect: NaNEffect = NaNEffect.none;
  if (Number.isNaN(h.sum)) {
    count = buckets.counts.reduce((sum, part) => sum + part, 0);
    if (count < h.count) effect = NaNEffect.skew;
  }
  const lowerRank = Math.min(rankBelow(h, buckets, lower) ?? count, count);
  const upperRank = Math.min(rankBelow(h, buckets, upper) ?? count, count);
  return { value: (upperRank - lowerRank) / h.count, effect };
}
