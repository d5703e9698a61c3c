// SPDX-License-Identifier: Apache-2.0
// The part of a histogram below or above a value (PromQL's `</` and `>/`). The bucket that holds the value
// is split; the sum is estimated anew from the middles of what is left.

import { bucketBound } from './bounds.ts';
import { bucketFields, compactHistogram } from './arithmetic.ts';
import { type Buckets, bucketsOf } from './buckets.ts';
import { Histogram } from './histogram.ts';
import { logarithmicFraction } from './statistics.ts';

interface Kept {
  readonly count: number;
  /** Where the kept observations are taken to lie. */
  readonly middle: number;
}

const zeroIfInfinite = (value: number): number => (Number.isFinite(value) ? value : 0);

/** The middle of an interval; of an infinite one what is known of it. */
function middle(lower: number, upper: number, positive: boolean, linear: boolean): number {
  if (lower === -Infinity || lower === Infinity) {
    if (upper === Infinity || upper === -Infinity) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (upper === Infinity || upper === -Infinity) return lower;
  if (linear) return (lower + upper) / 2;
  const geometric = Math.sqrt(Math.abs(lower * upper));
  return positive ? geometric : -geometric;
}

/** A bucket with an infinite bound: how its observations lie is unknown, so rather less is kept. */
function keptOfInfinite(
  lower: number,
  upper: number,
  count: number,
  at: number,
  below: boolean,
): Kept {
  if (lower === -Infinity) {
    if (below) {
      if (at >= upper) return { count, middle: 0 };
      if (at > 0 && upper > 0 && upper !== Infinity) {
        return { count: (count * at) / upper, middle: at / 2 };
      }
      if (upper <= 0) return { count, middle: at };
      return { count: 0, middle: zeroIfInfinite(upper) };
    }
    if (at <= lower) return { count, middle: 0 };
    if (at >= 0 && upper > at && upper !== Infinity) {
      return { count: count * (1 - at / upper), middle: (at + upper) / 2 };
    }
    return { count: 0, middle: zeroIfInfinite(upper) };
  }
  if (!below && at >= lower) return { count, middle: at };
  return { count: 0, middle: zeroIfInfinite(lower) };
}

/** What is kept of the bucket that holds the value. */
function keptOfSplit(
  lower: number,
  upper: number,
  count: number,
  at: number,
  below: boolean,
  positive: boolean,
  linear: boolean,
): Kept {
  if (lower === -Infinity || upper === Infinity) {
    return keptOfInfinite(lower, upper, count, at, below);
  }
  let under = 0;
  if (at >= upper) under = count;
  else if (at > lower) {
    const fraction = linear
      ? (at - lower) / (upper - lower)
      : positive
        ? logarithmicFraction(lower, upper, Math.abs(at))
        : logarithmicFraction(lower, upper, -Math.abs(at));
    under = count * fraction;
  }
  return below
    ? { count: under, middle: middle(lower, at, positive, linear) }
    : { count: count - under, middle: middle(at, upper, positive, linear) };
}

/** What is kept of the zero bucket, whose empty half doesn't count. */
function keptOfZero(
  h: Histogram,
  at: number,
  below: boolean,
  hasNegative: boolean,
  hasPositive: boolean,
): Kept {
  const upper = hasNegative && !hasPositive ? 0 : h.zeroThreshold;
  const lower = hasPositive && !hasNegative ? 0 : -h.zeroThreshold;
  const all = { count: h.zeroCount, middle: (lower + upper) / 2 };
  const nothing = { count: 0, middle: 0 };
  if (at <= lower) return below ? nothing : all;
  if (at >= upper) return below ? all : nothing;
  const part = (below ? at - lower : upper - at) / (upper - lower);
  return { count: h.zeroCount * part, middle: (below ? lower + at : at + upper) / 2 };
}

/** Totals of what is kept, and whether anything was lost. */
class Totals {
  count = 0;
  sum = 0;
  trimmed = false;
  hasPositive = false;
  hasNegative = false;

  add({ count, middle: at }: Kept, before: number): number {
    this.count += count;
    this.sum += at * count;
    if (count !== before) this.trimmed = true;
    return count;
  }
}

function trimmedSide(
  h: Histogram,
  buckets: Buckets,
  positive: boolean,
  at: number,
  below: boolean,
  totals: Totals,
): Buckets {
  const linear = h.usesCustomBuckets;
  const counts = buckets.counts.slice();
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count === 0) continue;
    if (positive) totals.hasPositive = true;
    else totals.hasNegative = true;
    const near = bucketBound(buckets.indexes[i]! - 1, h.schema, h.customValues);
    const far = bucketBound(buckets.indexes[i]!, h.schema, h.customValues);
    const lower = positive ? near : -far;
    const upper = positive ? far : -near;
    const whole = below ? upper <= at : lower >= at;
    const part = below ? lower < at : upper > at;
    if (whole) totals.add({ count, middle: middle(lower, upper, positive, linear) }, count);
    else if (part) {
      const kept = keptOfSplit(lower, upper, count, at, below, positive, linear);
      counts[i] = totals.add(kept, count);
    } else {
      counts[i] = 0;
      totals.trimmed = true;
    }
  }
  return { ...buckets, counts };
}

/** The observations below `at`, or for `below` false those above it. */
export function trimHistogram(h: Histogram, at: number, below: boolean): Histogram {
  const totals = new Totals();
  const sides = [true, false].map((positive) => {
    const side = positive
      ? bucketsOf(h.positiveSpans, h.positiveBuckets)
      : bucketsOf(h.negativeSpans, h.negativeBuckets);
    return trimmedSide(h, side, positive, at, below, totals);
  });
  let { zeroCount } = h;
  if (zeroCount > 0) {
    const kept = keptOfZero(h, at, below, totals.hasNegative, totals.hasPositive);
    zeroCount = totals.add(kept, zeroCount);
  }
  if (!totals.trimmed) return h;
  return compactHistogram(
    new Histogram({
      ...h.fields(),
      isFloat: true,
      zeroCount,
      count: totals.count,
      sum: totals.sum,
      negativeSpans: new Int32Array(0),
      negativeBuckets: new Float64Array(0),
      ...bucketFields(sides[0]!, sides[1]!),
    }),
  );
}
