// SPDX-License-Identifier: Apache-2.0
// Equality of histograms and the search for counter resets.

import { commonBounds, exponentialOf, rebucketed, sameBounds, widenZero } from './arithmetic.ts';
import { type Buckets, bucketsOf, coarsened, firstOutside } from './buckets.ts';
import { CounterResetHint, type Histogram } from './histogram.ts';

/** Whether two lists of spans name the same buckets: empty spans don't matter. */
function sameSpans(a: Int32Array, b: Int32Array): boolean {
  let i = 0;
  let k = 0;
  let left = 0;
  let right = 0;
  const join = (spans: Int32Array, from: number): number => {
    let at = from;
    while (at + 2 < spans.length && spans[at + 2] === 0) at += 2;
    return at;
  };
  if (a.length === b.length && a.every((part, at) => part === b[at])) return true;
  for (;;) {
    while (i < a.length && a[i + 1] === 0) {
      left += a[i]!;
      i += 2;
    }
    while (k < b.length && b[k + 1] === 0) {
      right += b[k]!;
      k += 2;
    }
    if (i >= a.length || k >= b.length) return i >= a.length && k >= b.length;
    if (left + a[i]! !== right + b[k]!) return false;
    left = 0;
    right = 0;
    const leftEnd = join(a, i);
    const rightEnd = join(b, k);
    let length = 0;
    for (let s = i; s <= leftEnd; s += 2) length += a[s + 1]!;
    for (let s = k; s <= rightEnd; s += 2) length -= b[s + 1]!;
    if (length !== 0) return false;
    i = leftEnd + 2;
    k = rightEnd + 2;
  }
}

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Whether buckets, counts and sum are the same bit for bit (any NaN equals any other); hints aside. */
export function histogramsEqual(a: Histogram, b: Histogram): boolean {
  return (
    a.schema === b.schema &&
    Object.is(a.count, b.count) &&
    Object.is(a.sum, b.sum) &&
    (!a.usesCustomBuckets || sameBounds(a.customValues, b.customValues)) &&
    a.zeroThreshold === b.zeroThreshold &&
    Object.is(a.zeroCount, b.zeroCount) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    sameNumbers(a.negativeBuckets, b.negativeBuckets) &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameNumbers(a.positiveBuckets, b.positiveBuckets)
  );
}

/** Whether some populated bucket of `before` is smaller, or missing, in `now`. */
function anyDecreased(now: Buckets, nowFrom: number, before: Buckets, beforeFrom: number): boolean {
  let i = nowFrom;
  for (let k = beforeFrom; k < before.indexes.length; k++) {
    const index = before.indexes[k]!;
    while (i < now.indexes.length && now.indexes[i]! < index) i++;
    const found = i < now.indexes.length && now.indexes[i] === index;
    if (found ? now.counts[i]! < before.counts[k]! : before.counts[k] !== 0) return true;
  }
  return false;
}

function decreasedCustom(now: Histogram, before: Histogram): boolean {
  let current = bucketsOf(now.positiveSpans, now.positiveBuckets);
  let previous = bucketsOf(before.positiveSpans, before.positiveBuckets);
  if (!sameBounds(now.customValues, before.customValues)) {
    const bounds = commonBounds(now.customValues, before.customValues);
    current = rebucketed(current, now.customValues, bounds);
    previous = rebucketed(previous, before.customValues, bounds);
  }
  return anyDecreased(current, 0, previous, 0);
}

/**
 * Whether the counter was reset between the two samples: the hint says so or, where it says nothing,
 * some count fell, the resolution rose, or the zero bucket shrank or grew into a populated bucket.
 */
export function detectReset(now: Histogram, before: Histogram): boolean {
  if (now.counterResetHint === CounterResetHint.reset) return true;
  if (now.counterResetHint === CounterResetHint.notReset) return false;
  if (now.count < before.count) return true;
  if (now.usesCustomBuckets) return !before.usesCustomBuckets || decreasedCustom(now, before);
  if (now.schema > before.schema || before.usesCustomBuckets) return true;
  if (now.zeroThreshold < before.zeroThreshold) return true;
  const previous = exponentialOf(before);
  widenZero(previous, before.schema, now.zeroThreshold, (count) => {
    previous.zeroCount += count;
  });
  if (previous.zeroThreshold !== now.zeroThreshold) return true;
  if (now.zeroCount < previous.zeroCount) return true;
  const current = exponentialOf(now);
  const { schema, zeroThreshold } = now;
  const fell = (a: Buckets, b: Buckets): boolean => {
    const coarse = coarsened(b, before.schema, schema);
    const from = firstOutside(a, schema, zeroThreshold);
    return anyDecreased(a, from, coarse, firstOutside(coarse, schema, zeroThreshold));
  };
  return fell(current.positive, previous.positive) || fell(current.negative, previous.negative);
}
