// SPDX-License-Identifier: Apache-2.0
// Whether an answer is the expected one: numbers within a relative error, histograms part by part.

import { compactHistogram, type Histogram, sameBounds } from '../../model/index.ts';

const EPSILON = 0.000001;
const MIN_NORMAL = 2.2250738585072014e-308;

/** Whether two numbers are the same but for rounding; NaN is the same as NaN. */
export function almostEqual(a: number, b: number, epsilon = EPSILON): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < epsilon * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < epsilon;
}

function sameCounts(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((count, i) => almostEqual(count, b[i]!));
}

/** (index, index, …) of the buckets that spans name. */
function indexesOf(spans: Int32Array): number[] {
  const indexes: number[] = [];
  let next = 0;
  for (let s = 0; s < spans.length; s += 2) {
    next += spans[s]!;
    for (let i = 0; i < spans[s + 1]!; i++) indexes.push(next++);
  }
  return indexes;
}

function sameSpans(a: Int32Array, b: Int32Array): boolean {
  const left = indexesOf(a);
  const right = indexesOf(b);
  return left.length === right.length && left.every((index, i) => index === right[i]);
}

/** Whether two histograms are the same but for rounding and empty buckets; hints only if `withHint`. */
export function histogramsAlike(
  expected: Histogram,
  actual: Histogram,
  withHint: boolean,
): boolean {
  const a = compactHistogram(expected);
  const b = compactHistogram(actual);
  return (
    a.schema === b.schema &&
    almostEqual(a.count, b.count) &&
    almostEqual(a.sum, b.sum) &&
    (!a.usesCustomBuckets || sameBounds(a.customValues, b.customValues)) &&
    a.zeroThreshold === b.zeroThreshold &&
    almostEqual(a.zeroCount, b.zeroCount) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    sameCounts(a.negativeBuckets, b.negativeBuckets) &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameCounts(a.positiveBuckets, b.positiveBuckets) &&
    (!withHint || a.counterResetHint === b.counterResetHint)
  );
}
