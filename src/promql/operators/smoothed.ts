// SPDX-License-Identifier: Apache-2.0
// Instant selectors with `smoothed`: the value at each step on the line between its neighbours.

import { CounterResetHint, type Histogram, isStale } from '../../model/index.ts';
import type { SampleColumns } from '../../model/index.ts';
import { type Cells, putHistogram } from './batch.ts';
import { type Notes, interpolated, interpolatedHistogram } from './histogram-values.ts';
import type { References } from './references.ts';

/**
 * Fills one row. A neighbour must lie within the lookback: before the step in `(ref - lookback, ref]`,
 * after it up to `ref + lookback`. Where nothing follows the last value stays; before the first sample
 * there is no value.
 *
 * @returns number of samples looked at
 */
export function fillSmoothedRow(
  { times, values, valueBits }: SampleColumns,
  count: number,
  histograms: readonly (Histogram | undefined)[] | undefined,
  refs: References,
  lookbackMs: number,
  out: Cells,
  offset: number,
  notes: Notes,
): number {
  const kept: number[] = [];
  for (let i = 0; i < count; i++) if (!isStale(valueBits, i)) kept.push(i);
  let next = 0;
  let first = 0;
  let used = 0;
  for (let k = 0; k < refs.count; k++) {
    const ref = refs.refMs + k * refs.stepMs;
    const cell = offset + k;
    out.present[cell] = 0;
    while (next < kept.length && times[kept[next]!]! < ref) next++;
    while (first < kept.length && times[kept[first]!]! <= ref - lookbackMs) first++;
    const after = next < kept.length && times[kept[next]!]! <= ref + lookbackMs ? next : -1;
    const before = next - 1 >= first ? next - 1 : -1;
    if (before < 0 && (after < 0 || times[kept[after]!] !== ref)) continue;
    used++;
    if (histograms !== undefined && isMixed(kept, histograms, times, first, ref + lookbackMs)) {
      notes.annotations.mixedFloatsHistograms(notes.metricName(), notes.position);
      continue;
    }
    const exact = after >= 0 && times[kept[after]!] === ref;
    const i = kept[exact ? after : before]!;
    const j = exact || after < 0 ? i : kept[after]!;
    const histogram = histograms?.[i];
    if (histogram === undefined) {
      out.present[cell] = 1;
      out.values[cell] =
        i === j
          ? values[i]!
          : interpolated(values[i]!, times[i]!, values[j]!, times[j]!, ref, false);
      continue;
    }
    const following = histograms![j]!;
    if (histogram.usesCustomBuckets !== following.usesCustomBuckets) {
      notes.annotations.mixedExponentialCustom(notes.metricName(), notes.position);
      continue;
    }
    const isCounter = histogram.counterResetHint !== CounterResetHint.gauge;
    const result =
      i === j
        ? histogram
        : interpolatedHistogram(histogram, times[i]!, following, times[j]!, ref, isCounter, notes);
    if (result !== undefined) putHistogram(out, cell, result);
  }
  return used;
}

/** Whether both kinds of samples lie in the lookback around a step. */
function isMixed(
  kept: readonly number[],
  histograms: readonly (Histogram | undefined)[],
  times: Float64Array,
  first: number,
  endMs: number,
): boolean {
  let floats = false;
  let others = false;
  for (let i = first; i < kept.length && times[kept[i]!]! <= endMs; i++) {
    if (histograms[kept[i]!] === undefined) floats = true;
    else others = true;
  }
  return floats && others;
}
