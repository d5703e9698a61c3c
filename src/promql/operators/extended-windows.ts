// SPDX-License-Identifier: Apache-2.0
// rate, increase and delta over `anchored` and `smoothed` ranges. The window holds what lies up to a
// lookback before the range (and after it, when smoothed): at the range's ends stands the sample before
// it, or the value interpolated there.

import {
  CounterResetHint,
  type Histogram,
  compactHistogram,
  detectReset,
  divideHistogram,
} from '../../model/index.ts';
import {
  type Notes,
  add,
  interpolated,
  interpolatedHistogram,
  subtract,
} from './histogram-values.ts';
import {
  type MixedResult,
  type MixedSamples,
  type WindowBounds,
  kindsIn,
  transitionsMixed,
} from './mixed-windows.ts';

/** Smallest i in [from, end) for which times[i] > time (or >= when `inclusive`), else end. */
function firstAfter(
  times: Float64Array,
  from: number,
  end: number,
  time: number,
  inclusive: boolean,
): number {
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = times[middle]!;
    if (inclusive ? at >= time : at > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** First and last sample that count; undefined when none lies in the range. */
function ends(
  { times }: MixedSamples,
  from: number,
  end: number,
  { startMs, endMs }: WindowBounds,
  smoothed: boolean,
): { readonly first: number; readonly last: number } | undefined {
  const newest = end - 1;
  const first = Math.max(from, firstAfter(times, from, newest, startMs, false) - 1);
  const last = smoothed ? firstAfter(times, from, newest, endMs, true) : newest;
  if (times[last]! <= startMs || (smoothed && times[first]! > endMs)) return undefined;
  return { first, last };
}

/** The two values that stand at the range's ends. */
function endValues(
  { times, values }: MixedSamples,
  { first, last }: { readonly first: number; readonly last: number },
  { startMs, endMs }: WindowBounds,
  smoothed: boolean,
  isCounter: boolean,
  from: number,
): { readonly left: number; readonly right: number } {
  const between = (i: number, time: number): number =>
    interpolated(values[i]!, times[i]!, values[i + 1]!, times[i + 1]!, time, isCounter);
  return {
    left: smoothed && times[first]! < startMs ? between(first, startMs) : values[first]!,
    right:
      smoothed && last > from && times[last]! > endMs ? between(last - 1, endMs) : values[last]!,
  };
}

function extendedFloats(
  samples: MixedSamples,
  from: number,
  end: number,
  bounds: WindowBounds,
  kind: ExtendedKind,
): number | undefined {
  const { isCounter, smoothed } = kind;
  const found = ends(samples, from, end, bounds, smoothed);
  if (found === undefined) return undefined;
  const { left, right } = endValues(samples, found, bounds, smoothed, isCounter, from);
  let result = right - left;
  if (isCounter) {
    const { times, values } = samples;
    let { first, last } = found;
    // What was interpolated has its resets counted in already.
    if (times[first]! <= bounds.startMs) first++;
    if (times[last]! >= bounds.endMs) last--;
    let previous = left;
    for (let i = first; i <= last; i++) {
      if (values[i]! < previous) result += previous;
      previous = values[i]!;
    }
    if (right < previous) result += previous;
  }
  return kind.isRate ? result / ((bounds.endMs - bounds.startMs) / 1000) : result;
}

interface ExtendedKind {
  readonly isCounter: boolean;
  readonly isRate: boolean;
  readonly smoothed: boolean;
}

/** Whether the histograms go together; what else is wrong with them is told. */
function checkKinds(
  samples: MixedSamples,
  first: number,
  last: number,
  isCounter: boolean,
  { annotations, position, metricName }: Notes,
): boolean {
  const at = (i: number): Histogram => samples.histograms![i]!;
  for (let i = first; i <= last; i++) {
    if (at(i).usesCustomBuckets !== at(first).usesCustomBuckets) {
      annotations.mixedExponentialCustom(metricName(), position);
      return false;
    }
    if (isCounter && at(i).counterResetHint === CounterResetHint.gauge) {
      annotations.histogramNotCounter(metricName(), position);
    }
  }
  return true;
}

function extendedHistograms(
  samples: MixedSamples,
  from: number,
  end: number,
  bounds: WindowBounds,
  kind: ExtendedKind,
  notes: Notes,
): Histogram | undefined {
  const { isCounter, smoothed } = kind;
  const found = ends(samples, from, end, bounds, smoothed);
  if (found === undefined) return undefined;
  const { first, last } = found;
  if (!checkKinds(samples, first, last, isCounter, notes)) return undefined;
  const { times } = samples;
  const at = (i: number): Histogram => samples.histograms![i]!;
  const between = (i: number, time: number): Histogram | undefined =>
    interpolatedHistogram(at(i), times[i]!, at(i + 1), times[i + 1]!, time, isCounter, notes);
  const left =
    smoothed && times[first]! < bounds.startMs ? between(first, bounds.startMs) : at(first);
  const right =
    smoothed && last > from && times[last]! > bounds.endMs
      ? between(last - 1, bounds.endMs)
      : at(last);
  if (left === undefined || right === undefined) return undefined;
  const gauge = CounterResetHint.gauge;
  if (!isCounter && (left.counterResetHint !== gauge || right.counterResetHint !== gauge)) {
    notes.annotations.histogramNotGauge(notes.metricName(), notes.position);
  }
  let result = subtract(right, left, notes);
  if (isCounter && result !== undefined) {
    for (const lost of lostInResets(samples, found, left, right, bounds.startMs, smoothed)) {
      result = result && add(result, lost, notes);
    }
  }
  if (result === undefined) return undefined;
  if (kind.isRate) result = divideHistogram(result, (bounds.endMs - bounds.startMs) / 1000);
  return compactHistogram(result.withHint(gauge));
}

/** The histograms that a reset follows, those aside that interpolation has already gone across. */
function lostInResets(
  samples: MixedSamples,
  { first, last }: { readonly first: number; readonly last: number },
  left: Histogram,
  right: Histogram,
  startMs: number,
  smoothed: boolean,
): Histogram[] {
  const at = (i: number): Histogram => samples.histograms![i]!;
  let next = first + 1;
  let previous = left;
  if (smoothed && samples.times[first]! < startMs && detectReset(at(first + 1), at(first))) {
    previous = at(first + 1);
    next++;
  }
  const lost: Histogram[] = [];
  // Both ends come from one pair of samples: nothing lies between.
  if (next > last) return lost;
  for (let i = next; i < last; i++) {
    if (detectReset(at(i), previous)) lost.push(previous);
    previous = at(i);
  }
  if (detectReset(right, previous)) lost.push(previous);
  return lost;
}

/** rate, increase or delta of one window. */
export function extendedRate(
  samples: MixedSamples,
  from: number,
  end: number,
  bounds: WindowBounds,
  kind: ExtendedKind,
  notes: Notes,
): MixedResult {
  if (end <= from) return undefined;
  const kinds = kindsIn(samples, from, end);
  if (kinds.histograms === 0) return extendedFloats(samples, from, end, bounds, kind);
  if (kinds.floats > 0) {
    notes.annotations.mixedFloatsHistograms(notes.metricName(), notes.position);
    return undefined;
  }
  return extendedHistograms(samples, from, end, bounds, kind, notes);
}

/** resets or changes of one window: from the newest sample at or before the range's start on. */
export function anchoredTransitions(
  samples: MixedSamples,
  from: number,
  end: number,
  startMs: number,
  kind: 'resets' | 'changes',
): MixedResult {
  const inside = firstAfter(samples.times, from, end, startMs, false);
  if (inside >= end) return undefined;
  return transitionsMixed(samples, Math.max(from, inside - 1), end, kind);
}

/** The samples of a bare extended range: a point at each end of the range and what lies between. */
export function extendedSamples(
  samples: MixedSamples,
  count: number,
  bounds: WindowBounds,
  smoothed: boolean,
): { readonly times: Float64Array; readonly values: Float64Array } {
  const nothing = { times: new Float64Array(0), values: new Float64Array(0) };
  const found = count === 0 ? undefined : ends(samples, 0, count, bounds, smoothed);
  if (found === undefined) return nothing;
  const { left, right } = endValues(samples, found, bounds, smoothed, false, 0);
  const { times, values } = samples;
  const first = times[found.first]! <= bounds.startMs ? found.first + 1 : found.first;
  const end = times[found.last]! >= bounds.endMs ? found.last : found.last + 1;
  return {
    times: Float64Array.of(
      bounds.startMs,
      ...times.subarray(first, Math.max(first, end)),
      bounds.endMs,
    ),
    values: Float64Array.of(left, ...values.subarray(first, Math.max(first, end)), right),
  };
}
