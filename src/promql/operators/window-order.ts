// SPDX-License-Identifier: Apache-2.0
// hot
// min, max, quantile, median absolute deviation, first, last, count and presence over windows.

import type { WindowFunction, Windows } from './windows.ts';

/**
 * min_over_time and max_over_time, or the times of those samples. A monotonic queue holds the candidates
 * of the current window, best first: O(samples + steps). NaN is only the answer when there's nothing else.
 *
 * @param latest among equal candidates the latest wins (the time functions) rather than the first
 */
export class Extreme implements WindowFunction {
  private readonly sign: number;
  private readonly asTime: boolean;
  private queue: Int32Array = new Int32Array(0);

  constructor(kind: 'min' | 'max', asTime: boolean) {
    this.sign = kind === 'max' ? 1 : -1;
    this.asTime = asTime;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { times, values, count, lo, hi, refs, memory } = windows;
    if (this.queue.length < count) {
      this.queue = memory?.integers(count * 2) ?? new Int32Array(count * 2);
    }
    if (memory?.holds(out) === true && memory.holds(this.queue)) {
      memory.kernel.extreme(
        times.byteOffset,
        values.byteOffset,
        lo.byteOffset,
        hi.byteOffset,
        refs.count,
        this.sign,
        this.asTime ? 1 : 0,
        this.queue.byteOffset,
        out.byteOffset + 8 * offset,
        present.byteOffset + offset,
      );
      return;
    }
    const { queue, sign, asTime } = this;
    let head = 0;
    let tail = 0;
    let added = 0;
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      for (; added < end; added++) {
        const value = values[added]! * sign;
        if (Number.isNaN(value)) continue;
        while (tail > head && values[queue[tail - 1]!]! * sign <= value) tail--;
        queue[tail++] = added;
      }
      while (head < tail && queue[head]! < first) head++;
      if (end <= first) {
        present[cell] = 0;
        continue;
      }
      present[cell] = 1;
      // With nothing but NaN the time is that of the last sample, as upstream's comparison leaves it.
      const best = head < tail ? queue[head]! : end - 1;
      out[cell] = asTime ? times[best]! / 1000 : values[best]!;
    }
  }
}

/** first_over_time, last_over_time and the times of those samples. */
export class EndOf implements WindowFunction {
  private readonly which: 'first' | 'last';
  private readonly asTime: boolean;

  constructor(which: 'first' | 'last', asTime: boolean) {
    this.which = which;
    this.asTime = asTime;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { which, asTime } = this;
    const { times, values, lo, hi, refs } = windows;
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      present[cell] = end > first ? 1 : 0;
      if (end <= first) continue;
      const i = which === 'first' ? first : end - 1;
      out[cell] = asTime ? times[i]! / 1000 : values[i]!;
    }
  }
}

/** count_over_time, and present_over_time (1 wherever there is a sample). */
export class Counted implements WindowFunction {
  private readonly presenceOnly: boolean;

  constructor(presenceOnly: boolean) {
    this.presenceOnly = presenceOnly;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { presenceOnly } = this;
    const { lo, hi, refs } = windows;
    for (let k = 0; k < refs.count; k++) {
      const n = hi[k]! - lo[k]!;
      const cell = offset + k;
      present[cell] = n > 0 ? 1 : 0;
      out[cell] = presenceOnly ? 1 : n;
    }
  }
}

/**
 * The φ-quantile of sorted[0, n): NaN first, then ascending, as upstream sorts. Linear between the two
 * nearest; -Inf below 0, +Inf above 1, NaN for NaN or no values.
 */
export function quantileOfSorted(q: number, sorted: Float64Array, n: number): number {
  if (n === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const rank = q * (n - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(n - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}

/** Sorts scratch[0, n) with NaN first. */
export function sortNaNFirst(scratch: Float64Array, n: number): void {
  const part = scratch.subarray(0, n);
  part.sort();
  // The built-in order puts NaN last.
  let nans = 0;
  while (nans < n && Number.isNaN(part[n - 1 - nans]!)) nans++;
  if (nans === 0 || nans === n) return;
  part.copyWithin(nans, 0, n - nans);
  part.fill(Number.NaN, 0, nans);
}

function room(scratch: Float64Array, needed: number): Float64Array {
  return scratch.length >= needed ? scratch : new Float64Array(needed * 2);
}

/** Index of the first element of sorted[0, n) that is not below `value`; NaN is below everything. */
function lowerBound(sorted: Float64Array, n: number, value: number): number {
  if (Number.isNaN(value)) return 0;
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = sorted[middle]!;
    if (at < value || Number.isNaN(at)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether `a` is sorted before `b`: NaN is before all others. */
const isBefore = (a: number, b: number): boolean => a < b || (Number.isNaN(a) && !Number.isNaN(b));

/** Takes `out` from sorted[0, n), where it is, and puts `value` in; only what is between them moves. */
function exchange(sorted: Float64Array, n: number, out: number, value: number): void {
  let at = lowerBound(sorted, n, out);
  if (isBefore(out, value)) {
    for (; at + 1 < n && isBefore(sorted[at + 1]!, value); at++) sorted[at] = sorted[at + 1]!;
  } else {
    for (; at > 0 && isBefore(value, sorted[at - 1]!); at--) sorted[at] = sorted[at - 1]!;
  }
  sorted[at] = value;
}

/**
 * Keeps the values of a sliding window sorted. Small moves insert and remove by binary search; when most
 * of the window is new it is sorted afresh.
 */
class SortedWindow {
  sorted = new Float64Array(0);
  private first = 0;
  private end = 0;

  reset(): void {
    this.first = 0;
    this.end = 0;
  }

  /** Moves to values[first, end); both only ever grow. Returns the number of values. */
  move(values: Float64Array, first: number, end: number): number {
    const n = end - first;
    this.sorted = grownCopy(this.sorted, Math.max(n, this.end - this.first) + (end - this.end));
    const moved = first - this.first + (end - this.end);
    if (first >= this.end || moved * 4 > n) {
      for (let i = 0; i < n; i++) this.sorted[i] = values[first + i]!;
      sortNaNFirst(this.sorted, n);
    } else {
      let size = this.end - this.first;
      // Regular samples go out and come in at the same pace: what comes takes the place of what goes.
      const exchanged = Math.min(first - this.first, end - this.end);
      for (let i = 0; i < exchanged; i++) {
        exchange(this.sorted, size, values[this.first + i]!, values[this.end + i]!);
      }
      for (let i = this.first + exchanged; i < first; i++) {
        const at = lowerBound(this.sorted, size, values[i]!);
        this.sorted.copyWithin(at, at + 1, size--);
      }
      for (let i = this.end + exchanged; i < end; i++) {
        const at = lowerBound(this.sorted, size, values[i]!);
        this.sorted.copyWithin(at + 1, at, size++);
        this.sorted[at] = values[i]!;
      }
    }
    this.first = first;
    this.end = end;
    return n;
  }
}

function grownCopy(array: Float64Array<ArrayBuffer>, needed: number): Float64Array<ArrayBuffer> {
  if (array.length >= needed) return array;
  const larger = new Float64Array(needed * 2);
  larger.set(array);
  return larger;
}

/** quantile_over_time: the first scalar argument is φ. */
export class Quantiles implements WindowFunction {
  private readonly window = new SortedWindow();

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { window } = this;
    const { values, lo, hi, refs, args, work } = windows;
    const q = args[0]!;
    window.reset();
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      present[cell] = end > first ? 1 : 0;
      if (end <= first) continue;
      work.add(end - first);
      const n = window.move(values, first, end);
      out[cell] = quantileOfSorted(q[k]!, window.sorted, n);
    }
  }
}

/** mad_over_time: the median of the distances from the median. */
export class MedianDeviation implements WindowFunction {
  private readonly window = new SortedWindow();
  private distances: Float64Array = new Float64Array(0);

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { window } = this;
    const { values, lo, hi, refs, work } = windows;
    window.reset();
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      present[cell] = end > first ? 1 : 0;
      if (end <= first) continue;
      work.add((end - first) * 8);
      const n = window.move(values, first, end);
      // NaN sorts first. With one there is no median.
      if (Number.isNaN(window.sorted[0]!)) {
        out[cell] = Number.NaN;
        continue;
      }
      const median = quantileOfSorted(0.5, window.sorted, n);
      this.distances = room(this.distances, n);
      const { distances } = this;
      for (let i = 0; i < n; i++) distances[i] = Math.abs(values[first + i]! - median);
      sortNaNFirst(distances, n);
      out[cell] = quantileOfSorted(0.5, distances, n);
    }
  }
}
