// SPDX-License-Identifier: Apache-2.0
// hot
// The windows of one series: for each step k the samples lo[k] <= i < hi[k] lie in (ref - range, ref].

import type { References } from './select.ts';

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
}

/** Writes cells offset … offset + refs.count - 1, presence included. */
export type WindowFunction = (
  windows: Windows,
  values: Float64Array,
  present: Uint8Array,
  offset: number,
) => void;

/**
 * Slides both ends over the samples; O(samples + steps).
 *
 * @returns the number of samples in all windows, counted once for each window
 */
export function slideWindows(windows: Windows): number {
  const { times, count, lo, hi, refs, rangeMs } = windows;
  let first = 0;
  let next = 0;
  let total = 0;
  for (let k = 0; k < refs.count; k++) {
    const ref = refs.refMs + k * refs.stepMs;
    const open = ref - rangeMs;
    while (next < count && times[next]! <= ref) next++;
    while (first < next && times[first]! <= open) first++;
    lo[k] = first;
    hi[k] = next;
    total += next - first;
  }
  return total;
}
