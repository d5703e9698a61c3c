// SPDX-License-Identifier: Apache-2.0
// hot
// rate, increase, delta, irate, idelta, resets, changes.

import type { QueryMemory } from '../../kernels/index.ts';
import type { WindowFunction, Windows } from './windows.ts';

/** Additions after which the kernel comes back to let the query be stopped. */
const KERNEL_WORK = 1 << 20;

/**
 * before[i] is the number of places j <= i where the value falls below its predecessor: how many counter
 * resets lie in a window is a subtraction.
 */
function countResets(values: Float64Array, count: number, before: Int32Array): void {
  let resets = 0;
  let previous = count > 0 ? values[0]! : 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value < previous) resets++;
    previous = value;
    before[i] = resets;
  }
}

/** Indexes of the samples below their predecessors, into `at`; their number. */
function findResets(values: Float64Array, count: number, at: Int32Array): number {
  let resets = 0;
  let previous = count > 0 ? values[0]! : 0;
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    if (value < previous) at[resets++] = i;
    previous = value;
  }
  return resets;
}

/**
 * rate, increase and delta: the difference of the window's last and first sample, extrapolated to the
 * window's ends unless the series seems to begin or end inside.
 *
 * Regular samples meet the steps in the same way over and over: the gaps and the span are then those of the
 * window before, and so is the factor, which saves nearly all divisions.
 */
export class Extrapolated implements WindowFunction {
  private readonly isCounter: boolean;
  private readonly isRate: boolean;
  private resetAt: Int32Array = new Int32Array(0);

  constructor(isCounter: boolean, isRate: boolean) {
    this.isCounter = isCounter;
    this.isRate = isRate;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { memory } = windows;
    if (memory?.holds(out) === true && this.byKernel(windows, memory, out, present, offset)) return;
    this.byTwin(windows, out, present, offset);
  }

  private byTwin(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { isCounter, isRate } = this;
    const { times, values, count, lo, hi, rangeMs } = windows;
    const { refMs, stepMs, count: steps } = windows.refs;
    if (isCounter && this.resetAt.length < count) this.resetAt = new Int32Array(count * 2);
    const { resetAt } = this;
    const resets = isCounter ? findResets(values, count, resetAt) : 0;
    const perRange = isRate ? rangeMs / 1000 : 1;
    let reset = 0;
    let nextReset = resets > 0 ? resetAt[0]! : count;
    let gapStartMs = -1;
    let gapEndMs = -1;
    let spanMs = -1;
    let intervals = -1;
    let sampled = 0;
    let toStart = 0;
    let toEnd = 0;
    let factor = 0;
    for (let k = 0; k < steps; k++) {
      const first = lo[k]!;
      const last = hi[k]! - 1;
      const cell = offset + k;
      if (last <= first) {
        present[cell] = 0;
        continue;
      }
      const firstValue = values[first]!;
      let result = values[last]! - firstValue;
      while (nextReset <= first) nextReset = ++reset < resets ? resetAt[reset]! : count;
      if (nextReset <= last) {
        // What was lost is summed in the order of the resets, as upstream does.
        let next = reset;
        for (; next < resets && resetAt[next]! <= last; next++)
          result += values[resetAt[next]! - 1]!;
        windows.work.add(next - reset);
      }
      const ref = refMs + k * stepMs;
      const firstTime = times[first]!;
      const lastTime = times[last]!;
      const gapStart = firstTime - (ref - rangeMs);
      const gapEnd = ref - lastTime;
      const span = lastTime - firstTime;
      if (
        gapStart !== gapStartMs ||
        gapEnd !== gapEndMs ||
        span !== spanMs ||
        last - first !== intervals
      ) {
        gapStartMs = gapStart;
        gapEndMs = gapEnd;
        spanMs = span;
        intervals = last - first;
        sampled = span / 1000;
        const between = sampled / intervals;
        const threshold = between * 1.1;
        toStart = gapStart / 1000;
        toEnd = gapEnd / 1000;
        if (toStart >= threshold) toStart = between / 2;
        if (toEnd >= threshold) toEnd = between / 2;
        factor = (sampled + toStart + toEnd) / sampled;
        if (isRate) factor /= perRange;
      }
      let used = factor;
      // A counter was never below zero: it began at the latest where its line meets zero. Seldom near, so
      // the exact comparison, with its division, is made only where it can matter.
      if (
        isCounter &&
        result > 0 &&
        firstValue >= 0 &&
        firstValue * sampled <= toStart * result * 1.000001
      ) {
        const toZero = sampled * (firstValue / result);
        if (toZero < toStart) {
          used = (sampled + toZero + toEnd) / sampled;
          if (isRate) used /= perRange;
        }
      }
      out[cell] = result * used;
      present[cell] = 1;
    }
  }

  /** The same by the kernel; false where there is no room for what it needs. */
  private byKernel(
    { times, values, count, lo, hi, rangeMs, refs, work }: Windows,
    memory: QueryMemory,
    out: Float64Array,
    present: Uint8Array,
    offset: number,
  ): boolean {
    if (this.resetAt.length < count || !memory.holds(this.resetAt)) {
      this.resetAt = memory.integers(count * 2);
      if (!memory.holds(this.resetAt)) return false;
    }
    const kind = (this.isCounter ? 1 : 0) + (this.isRate ? 2 : 0);
    for (let k = 0; k < refs.count; ) {
      k = memory.kernel.extrapolate(
        times.byteOffset,
        values.byteOffset,
        count,
        lo.byteOffset,
        hi.byteOffset,
        refs.refMs,
        refs.stepMs,
        refs.count,
        rangeMs,
        kind,
        this.resetAt.byteOffset,
        k,
        KERNEL_WORK,
        out.byteOffset + 8 * offset,
        present.byteOffset + offset,
      );
      // Where it stopped before the end, it has done about as much work as between two checkpoints.
      if (k < refs.count) work.add(KERNEL_WORK);
    }
    return true;
  }
}

/** irate and idelta: the last two samples. */
export class LastTwo implements WindowFunction {
  private readonly isRate: boolean;

  constructor(isRate: boolean) {
    this.isRate = isRate;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { isRate } = this;
    const { times, values, lo, hi, refs } = windows;
    for (let k = 0; k < refs.count; k++) {
      const last = hi[k]! - 1;
      const cell = offset + k;
      present[cell] = 0;
      if (last <= lo[k]!) continue;
      const interval = times[last]! - times[last - 1]!;
      if (interval === 0) continue;
      const value = values[last]!;
      const previous = values[last - 1]!;
      // After a counter reset the value itself is the increase.
      const difference = isRate && value < previous ? value : value - previous;
      out[cell] = isRate ? difference / (interval / 1000) : difference;
      present[cell] = 1;
    }
  }
}

/** resets (a value below its predecessor) and changes (another value; NaN equals NaN). */
export class Transitions implements WindowFunction {
  private readonly kind: 'resets' | 'changes';
  private before = new Int32Array(0);

  constructor(kind: 'resets' | 'changes') {
    this.kind = kind;
  }

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { values, count, lo, hi, refs } = windows;
    if (this.before.length < count) this.before = new Int32Array(count * 2);
    const { before } = this;
    if (this.kind === 'resets') countResets(values, count, before);
    else countChanges(values, count, before);
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const last = hi[k]! - 1;
      const cell = offset + k;
      if (last < first) {
        present[cell] = 0;
        continue;
      }
      out[cell] = before[last]! - before[first]!;
      present[cell] = 1;
    }
  }
}

function countChanges(values: Float64Array, count: number, before: Int32Array): void {
  let changes = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      const value = values[i]!;
      const previous = values[i - 1]!;
      if (value !== previous && (!Number.isNaN(value) || !Number.isNaN(previous))) changes++;
    }
    before[i] = changes;
  }
}
