// SPDX-License-Identifier: Apache-2.0
// One side's buckets as (index, count) columns: the form in which histograms are computed with.

import { coarserIndex, exponentialBound } from './bounds.ts';
import { isExponentialSchema } from './histogram.ts';

/**
 * Buckets in ascending order of index. `lows` holds the part of each count that did not fit into it, for sums
 * by Neumaier's method; undefined where counts are plain.
 */
export interface Buckets {
  readonly indexes: Int32Array;
  readonly counts: Float64Array;
  readonly lows: Float64Array | undefined;
}

/** Buckets of spans. The counts are the given array itself. */
export function bucketsOf(spans: Int32Array, counts: Float64Array): Buckets {
  const indexes = new Int32Array(counts.length);
  let index = 0;
  let n = 0;
  for (let s = 0; s < spans.length; s += 2) {
    index += spans[s]!;
    const end = Math.min(counts.length, n + spans[s + 1]!);
    while (n < end) indexes[n++] = index++;
  }
  return n === counts.length
    ? { indexes, counts, lows: undefined }
    : { indexes: indexes.subarray(0, n), counts: counts.subarray(0, n), lows: undefined };
}

/** The fewest spans for ascending `indexes`. */
export function spansOf(indexes: Int32Array): Int32Array {
  let spans = 0;
  for (let i = 0; i < indexes.length; i++) {
    if (i === 0 || indexes[i] !== indexes[i - 1]! + 1) spans++;
  }
  const out = new Int32Array(2 * spans);
  let at = -2;
  let next = 0;
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i]!;
    if (i === 0 || index !== next) {
      at += 2;
      out[at] = index - next;
    }
    out[at + 1] = out[at + 1]! + 1;
    next = index + 1;
  }
  return out;
}

function sameIndexes(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What of `sum + value` doesn't fit into the sum (Neumaier). */
export function lostIn(sum: number, value: number, total: number): number {
  if (!Number.isFinite(total)) return Number.NaN;
  return Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum;
}

/** First bucket of `b` that isn't wholly inside of the zero bucket. */
export function firstOutside(b: Buckets, schema: number, threshold: number): number {
  if (threshold === 0 || !isExponentialSchema(schema)) return 0;
  let i = 0;
  while (i < b.indexes.length && exponentialBound(b.indexes[i]!, schema) <= threshold) i++;
  return i;
}

/**
 * a + sign × b, bucket by bucket; buckets of only one side are kept. With `a.lows` (or `kahan`) the sum is
 * compensated, else plain.
 *
 * @param from first bucket of `b` that counts
 */
export function mergeBuckets(
  a: Buckets,
  b: Buckets,
  from: number,
  sign: number,
  kahan: boolean,
): Buckets {
  if (from >= b.indexes.length) return a;
  if (from === 0 && sameIndexes(a.indexes, b.indexes)) return addAligned(a, b, sign, kahan);
  const room = a.indexes.length + b.indexes.length - from;
  const indexes = new Int32Array(room);
  const counts = new Float64Array(room);
  const lows = kahan ? new Float64Array(room) : undefined;
  let i = 0;
  let k = from;
  let n = 0;
  while (i < a.indexes.length || k < b.indexes.length) {
    const left = i < a.indexes.length ? a.indexes[i]! : Number.POSITIVE_INFINITY;
    const right = k < b.indexes.length ? b.indexes[k]! : Number.POSITIVE_INFINITY;
    let count = 0;
    let low = 0;
    if (left <= right) {
      count = a.counts[i]!;
      low = a.lows?.[i] ?? 0;
      i++;
    }
    if (right <= left) {
      const value = sign * b.counts[k]!;
      const total = count + value;
      if (left === right && kahan) low = nextLow(low, count, value, total);
      count = left === right ? total : value;
      k++;
    }
    indexes[n] = Math.min(left, right);
    counts[n] = count;
    if (lows !== undefined) lows[n] = low;
    n++;
  }
  return {
    indexes: indexes.subarray(0, n),
    counts: counts.subarray(0, n),
    lows: lows?.subarray(0, n),
  };
}

/** The compensation after adding `value` to `sum`; an infinite total has none. */
export function nextLow(low: number, sum: number, value: number, total: number): number {
  const lost = lostIn(sum, value, total);
  if (Number.isNaN(lost)) return total === Infinity || total === -Infinity ? 0 : lost;
  return low + lost;
}

function addAligned(a: Buckets, b: Buckets, sign: number, kahan: boolean): Buckets {
  const n = a.counts.length;
  const counts = new Float64Array(n);
  const lows = kahan ? new Float64Array(n) : undefined;
  for (let i = 0; i < n; i++) {
    const sum = a.counts[i]!;
    const value = sign * b.counts[i]!;
    const total = sum + value;
    counts[i] = total;
    if (lows !== undefined) lows[i] = nextLow(a.lows?.[i] ?? 0, sum, value, total);
  }
  return { indexes: a.indexes, counts, lows };
}

/** The buckets at a lower resolution. */
export function coarsened(b: Buckets, schema: number, target: number): Buckets {
  if (schema === target) return b;
  const size = b.indexes.length;
  const indexes = new Int32Array(size);
  const counts = new Float64Array(size);
  const lows = b.lows === undefined ? undefined : new Float64Array(size);
  let n = 0;
  for (let i = 0; i < size; i++) {
    const index = coarserIndex(b.indexes[i]!, schema, target);
    if (n === 0 || indexes[n - 1] !== index) indexes[n++] = index;
    const at = n - 1;
    if (lows === undefined) {
      counts[at] = counts[at]! + b.counts[i]!;
      continue;
    }
    const total = counts[at]! + b.counts[i]!;
    lows[at] = nextLow(lows[at]! + b.lows![i]!, counts[at]!, b.counts[i]!, total);
    counts[at] = total;
  }
  return {
    indexes: indexes.subarray(0, n),
    counts: counts.subarray(0, n),
    lows: lows?.subarray(0, n),
  };
}

/** Without empty buckets, except in gaps of at most `emptyMax` between buckets that aren't. */
export function compacted(b: Buckets, emptyMax: number): Buckets {
  const indexes: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < b.indexes.length; i++) {
    if (b.counts[i] === 0 && (b.lows === undefined || b.lows[i] === 0)) continue;
    const index = b.indexes[i]!;
    const previous = indexes.at(-1);
    if (previous !== undefined && index - previous - 1 <= emptyMax) {
      for (let k = previous + 1; k < index; k++) {
        indexes.push(k);
        counts.push(0);
      }
    }
    indexes.push(index);
    counts.push(b.counts[i]!);
  }
  return { indexes: Int32Array.from(indexes), counts: Float64Array.from(counts), lows: undefined };
}
