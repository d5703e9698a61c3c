// SPDX-License-Identifier: Apache-2.0
// hot
// Quantiles and fractions of one classic histogram: upper bounds and cumulative counts, sorted by bound.

/** Relative differences of neighbouring counts below this are rounding and are evened out silently. */
const SMALL_DIFFERENCE = 1e-12;
const MIN_NORMAL = 2.2250738585072014e-308;

/** A bucket's bounds and counts in the caller's arrays; only 0..count-1 are valid. */
export interface Buckets {
  bounds: Float64Array;
  counts: Float64Array;
  count: number;
  /** The bounds ascend, and none is there twice. */
  ascending: boolean;
}

/** What was done to make the counts monotonic. `forced` is false when nothing had to be. */
export interface MonotonicFix {
  forced: boolean;
  minBucket: number;
  maxBucket: number;
  maxDifference: number;
}

function almostEqual(a: number, b: number): boolean {
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < SMALL_DIFFERENCE * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < SMALL_DIFFERENCE;
}

/** Sorts by bound (insertion: they nearly always come sorted) and adds up counts of equal bounds. */
export function sortAndCoalesce(buckets: Buckets): void {
  if (buckets.ascending) return;
  const { bounds, counts } = buckets;
  for (let i = 1; i < buckets.count; i++) {
    const bound = bounds[i]!;
    const count = counts[i]!;
    let j = i - 1;
    while (j >= 0 && bounds[j]! > bound) {
      bounds[j + 1] = bounds[j]!;
      counts[j + 1] = counts[j]!;
      j--;
    }
    bounds[j + 1] = bound;
    counts[j + 1] = count;
  }
  let last = 0;
  for (let i = 1; i < buckets.count; i++) {
    if (bounds[i] === bounds[last]) counts[last] = counts[last]! + counts[i]!;
    else {
      last++;
      bounds[last] = bounds[i]!;
      counts[last] = counts[i]!;
    }
  }
  buckets.count = buckets.count === 0 ? 0 : last + 1;
}

/** Raises counts that fall below their predecessor's. */
function makeMonotonic({ bounds, counts, count }: Buckets, fix: MonotonicFix): void {
  let previous = counts[0]!;
  for (let i = 1; i < count; i++) {
    const current = counts[i]!;
    if (current === previous) continue;
    if (almostEqual(previous, current)) {
      counts[i] = previous;
    } else if (current < previous) {
      counts[i] = previous;
      if (!fix.forced) fix.minBucket = bounds[i]!;
      fix.forced = true;
      fix.maxBucket = bounds[i]!;
      fix.maxDifference = Math.max(fix.maxDifference, previous - current);
    } else {
      previous = current;
    }
  }
}

/** Smallest i in 0..n-1 with counts[i] >= rank, or n. */
function firstAtLeast(counts: Float64Array, n: number, rank: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (counts[middle]! >= rank) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The φ-quantile, linear inside a bucket. `buckets` is sorted and changed in place. NaN without a +Inf
 * bucket, with fewer than two buckets or without observations.
 */
export function bucketQuantile(q: number, buckets: Buckets, fix: MonotonicFix): number {
  fix.forced = false;
  fix.maxDifference = 0;
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  sortAndCoalesce(buckets);
  const { bounds, counts } = buckets;
  if (bounds[buckets.count - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  makeMonotonic(buckets, fix);
  const last = buckets.count - 1;
  if (last < 1) return Number.NaN;
  const observations = counts[last]!;
  if (observations === 0) return Number.NaN;
  let rank = q * observations;
  const b = firstAtLeast(counts, last, rank);
  if (b === last) return bounds[last - 1]!;
  const end = bounds[b]!;
  if (b === 0 && end <= 0) return end;
  let start = 0;
  let count = counts[b]!;
  if (b > 0) {
    start = bounds[b - 1]!;
    count -= counts[b - 1]!;
    rank -= counts[b - 1]!;
  }
  return start + (end - start) * (rank / count);
}

/** The fraction of observations between two bounds. Sorts and changes `buckets`. */
export function bucketFraction(lower: number, upper: number, buckets: Buckets): number {
  sortAndCoalesce(buckets);
  const { bounds, counts } = buckets;
  const last = buckets.count - 1;
  if (last < 0 || bounds[last] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const total = counts[last]!;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const upperRank = Math.min(rankBelow(upper, buckets) ?? total, total);
  return (upperRank - Math.min(rankBelow(lower, buckets) ?? total, total)) / total;
}

/** How many observations lie below `bound`, linear inside a bucket; undefined above all buckets. */
function rankBelow(bound: number, { bounds, counts, count }: Buckets): number | undefined {
  let rank = 0;
  for (let i = 0; i < count; i++) {
    const end = bounds[i]!;
    // The lowest bucket begins at 0 when it ends above, else nothing is known of where it begins.
    const start = i > 0 ? bounds[i - 1]! : end > 0 ? 0 : Number.NEGATIVE_INFINITY;
    if (start >= bound) return rank;
    if (end > bound) {
      if (start === Number.NEGATIVE_INFINITY) return counts[i]!;
      // Of the last bucket nothing counts: its part below any number is finite / infinite.
      return rank + ((counts[i]! - rank) * (bound - start)) / (end - start);
    }
    rank = counts[i]!;
  }
  return undefined;
}
