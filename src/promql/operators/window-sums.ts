// SPDX-License-Identifier: Apache-2.0
// hot
// sum_over_time, avg_over_time, stddev_over_time, stdvar_over_time.
//
// Upstream sums every window anew with Neumaier's compensation. Here the windows of a series share prefix
// sums in double-double (an unevaluated pair high + low, some 106 bits), whose differences are as exact,
// at a cost that doesn't grow with the window. Where that is not certain (infinities, NaN, or a result so
// much smaller than what was summed that even 106 bits run out) the window is summed as upstream does.

import type { WindowFunction, Windows } from './windows.ts';

/** Below this many samples a window is cheaper to sum than to subtract. */
const SHORT_WINDOW = 6;
/** The result must be at least this part of the largest prefix for the difference to be exact enough. */
const CANCELLATION_MAX = 2 ** -40;

/** Neumaier's sum of values[from, to), compensation included. */
export function compensatedSum(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  let c = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const t = sum + value;
    c += Math.abs(sum) >= Math.abs(value) ? sum - t + value : value - t + sum;
    sum = t;
  }
  // A sum that became infinite never is finite again, and nothing is lost from it.
  return isInfinite(sum) ? sum : sum + c;
}

const isInfinite = (value: number): boolean =>
  value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;

/** The mean of values[from, to): of the sum while that is finite, from then on incremental. */
export function compensatedMean(values: Float64Array, from: number, to: number): number {
  let sum = values[from]!;
  let mean = 0;
  let c = 0;
  let count = 1;
  let incremental = false;
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    count++;
    if (!incremental) {
      const t = sum + value;
      if (!isInfinite(t)) {
        c += Math.abs(sum) >= Math.abs(value) ? sum - t + value : value - t + sum;
        sum = t;
        continue;
      }
      incremental = true;
      mean = sum / (count - 1);
      c /= count - 1;
    }
    const q = (count - 1) / count;
    const part = value / count;
    const scaled = q * mean;
    c *= q;
    const t = scaled + part;
    if (isInfinite(t)) c = 0;
    else c += Math.abs(scaled) >= Math.abs(part) ? scaled - t + part : part - t + scaled;
    mean = t;
  }
  return incremental ? mean + c : sum / count + c / count;
}

/** Prefix sums of one series: high[i] + low[i] is the sum of the first i values. */
class PrefixSums {
  high = new Float64Array(0);
  low = new Float64Array(0);
  /** irregular[i]: number of the first i values that are infinite or NaN (and count as 0 in the sums). */
  irregular = new Int32Array(0);
  /** Largest magnitude of a prefix; Infinity when the sums themselves overflowed. */
  largest = 0;

  build(values: Float64Array, count: number): void {
    if (this.high.length <= count) {
      this.high = new Float64Array(count * 2 + 1);
      this.low = new Float64Array(count * 2 + 1);
      this.irregular = new Int32Array(count * 2 + 1);
    }
    const { high, low, irregular } = this;
    let h = 0;
    let l = 0;
    let skipped = 0;
    let largest = 0;
    for (let i = 0; i < count; i++) {
      high[i] = h;
      low[i] = l;
      irregular[i] = skipped;
      let value = values[i]!;
      // Infinity - Infinity and NaN - NaN are NaN: only finite numbers pass.
      if (value - value !== 0) {
        skipped++;
        value = 0;
      }
      const sum = h + value;
      const rounded = sum - h;
      l += h - (sum - rounded) + (value - rounded);
      h = sum + l;
      l = sum - h + l;
      const magnitude = Math.abs(h);
      if (magnitude > largest) largest = magnitude;
    }
    high[count] = h;
    low[count] = l;
    irregular[count] = skipped;
    this.largest = h - h === 0 ? largest : Number.POSITIVE_INFINITY;
  }
}

/** sum_over_time and avg_over_time. */
export class Summed implements WindowFunction {
  private readonly kind: 'sum' | 'avg';
  private readonly prefix = new PrefixSums();

  constructor(kind: 'sum' | 'avg') {
    this.kind = kind;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { kind, prefix } = this;
    const exact = kind === 'sum' ? compensatedSum : compensatedMean;
    const { values, count, lo, hi, refs, work } = windows;
    let built = false;
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      if (end <= first) {
        present[cell] = 0;
        continue;
      }
      present[cell] = 1;
      if (end - first > SHORT_WINDOW) {
        if (!built) prefix.build(values, count);
        built = true;
        const { high, low, irregular } = prefix;
        const sum = high[end]! - high[first]! + (low[end]! - low[first]!);
        const enough = Math.abs(sum) >= prefix.largest * CANCELLATION_MAX;
        if (enough && irregular[end] === irregular[first]) {
          out[cell] = kind === 'sum' ? sum : sum / (end - first);
          continue;
        }
      }
      work.add(end - first);
      out[cell] = exact(values, first, end);
    }
  }
}

/** Welford's variance of values[from, to) with compensated mean and sum of squares. */
export function variance(values: Float64Array, from: number, to: number): number {
  let count = 0;
  let mean = 0;
  let cMean = 0;
  let squares = 0;
  let cSquares = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    count++;
    const delta = value - (mean + cMean);
    let add = delta / count;
    let t = mean + add;
    if (isInfinite(t)) cMean = 0;
    else cMean += Math.abs(mean) >= Math.abs(add) ? mean - t + add : add - t + mean;
    mean = t;
    add = delta * (value - (mean + cMean));
    t = squares + add;
    if (isInfinite(t)) cSquares = 0;
    else cSquares += Math.abs(squares) >= Math.abs(add) ? squares - t + add : add - t + squares;
    squares = t;
  }
  return (squares + cSquares) / count;
}

/** stddev_over_time and stdvar_over_time. */
export class Spread implements WindowFunction {
  private readonly kind: 'stddev' | 'stdvar';

  constructor(kind: 'stddev' | 'stdvar') {
    this.kind = kind;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { kind } = this;
    const { values, lo, hi, refs, work } = windows;
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      present[cell] = end > first ? 1 : 0;
      if (end <= first) continue;
      work.add(end - first);
      const result = variance(values, first, end);
      out[cell] = kind === 'stdvar' ? result : Math.sqrt(result);
    }
  }
}
