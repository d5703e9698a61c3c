// SPDX-License-Identifier: Apache-2.0
// hot
// The windows of one series: for each step k the samples lo[k] <= i < hi[k] lie in (ref - range, ref].

import type { QueryMemory } from '../../kernels/index.ts';
import type { References } from './references.ts';

/** One series with its windows. Functions read it and write one row. */
export interface Windows {
  times: Float64Array;
  values: Float64Array;
  /** Samples of the series in all windows together. */
  count: number;
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  /** Reference times: the ends of the windows. */
  readonly refs: References;
  readonly rangeMs: number;
  /** The steps' own times, which `@` and offsets don't move. */
  readonly evalMs: number;
  readonly evalStepMs: number;
  /** The scalar arguments, a column for each. */
  readonly args: readonly Float64Array[];
  /** For functions that scan every window: to be told how many samples each scan saw. */
  readonly work: WorkMeter;
  /** Where all columns of the row are, so that the kernel can be used; undefined where they are not. */
  memory: QueryMemory | undefined;
}

/** Turns work into checkpoints. */
export class WorkMeter {
  private readonly checkpoint: () => void;
  private done = 0;

  constructor(checkpoint: () => void) {
    this.checkpoint = checkpoint;
  }

  /** @throws QueryError when the query is to stop */
  add(samples: number): void {
    this.done += samples;
    if (this.done < WORK_BETWEEN_CHECKPOINTS) return;
    this.done = 0;
    this.checkpoint();
  }
}

/** Samples that the slowest function takes about a millisecond for. */
const WORK_BETWEEN_CHECKPOINTS = 1 << 15;

/**
 * A function of range vectors with scratch space of its own. Classes, not closures: what V8 has compiled for
 * a method serves all later queries, while each closure would be compiled anew.
 */
export interface WindowFunction {
  /** Writes cells offset … offset + refs.count - 1, presence included. */
  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void;
}

/**
 * Finds all windows; O(samples + steps).
 *
 * @returns the number of samples in all windows, counted once for each window
 */
export function slideWindows(windows: Windows): number {
  const { times, count, lo, hi, refs, rangeMs, memory } = windows;
  const { refMs, stepMs } = refs;
  // Where the range is a multiple of the step, a window begins just where an earlier one ended.
  const back = stepMs > 0 && rangeMs % stepMs === 0 ? rangeMs / stepMs : refs.count;
  const scanned = Math.min(back, refs.count);
  if (memory !== undefined) {
    const [at, first, end] = [times.byteOffset, lo.byteOffset, hi.byteOffset];
    const { kernel } = memory;
    return kernel.slide(at, count, refMs, stepMs, refs.count, rangeMs, scanned, first, end);
  }
  let next = 0;
  let advance = 1;
  for (let k = 0; k < refs.count; k++) {
    const ref = refMs + k * stepMs;
    // Regular samples advance by the same number at each step.
    const guess = next + advance;
    if (guess < count && times[guess - 1]! <= ref && times[guess]! > ref) {
      next = guess;
    } else {
      const before = next;
      while (next < count && times[next]! <= ref) next++;
      if (next > before) advance = next - before;
    }
    hi[k] = next;
  }
  let first = 0;
  let total = 0;
  for (let k = 0; k < scanned; k++) {
    const open = refMs + k * stepMs - rangeMs;
    while (first < count && times[first]! <= open) first++;
    lo[k] = first;
    total += hi[k]! - first;
  }
  for (let k = scanned; k < refs.count; k++) {
    const begin = hi[k - back]!;
    lo[k] = begin;
    total += hi[k]! - begin;
  }
  return total;
}
