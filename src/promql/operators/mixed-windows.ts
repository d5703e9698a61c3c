// SPDX-License-Identifier: Apache-2.0
// Functions of range vectors over samples that are not simply floats: native histograms, start
// timestamps. Windows are evaluated one by one, as upstream defines them.

import {
  CounterResetHint,
  type Histogram,
  HistogramMean,
  HistogramSum,
  SumNote,
  compactHistogram,
  detectReset,
  divideHistogram,
  histogramsEqual,
  reduceResolution,
  scaleHistogram,
} from '../../model/index.ts';
import type { PositionRange } from '../ast/nodes.ts';
import { type Notes, add, subtract } from './histogram-values.ts';

/** The samples of one series; a window is the part from `first` up to, not including, `end`. */
export interface MixedSamples {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histograms: readonly (Histogram | undefined)[] | undefined;
  readonly startTimes: Float64Array | undefined;
}

/** What a window gives; undefined for no result. */
export type MixedResult = number | Histogram | undefined;

export interface WindowBounds {
  /** (startMs, endMs] in the samples' times. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Whether the counter was reset between two samples, by their start timestamps. */
export function isStartTimeReset(
  previousStart: number,
  previousTime: number,
  start: number,
  time: number,
): boolean {
  // Not set, or invalid, or "unknown" as OpenTelemetry writes it.
  if (start === 0 || start >= time || start < previousTime) return false;
  if (start > previousTime) return true;
  // It begins where the one before ended: a delta, unless the one before had no start of its own.
  if (previousStart > previousTime) return false;
  return previousStart !== 0 && previousStart !== previousTime;
}

const startAt = ({ startTimes }: MixedSamples, i: number): number => startTimes?.[i] ?? 0;

const isReset = (samples: MixedSamples, i: number): boolean =>
  samples.startTimes !== undefined &&
  isStartTimeReset(
    startAt(samples, i - 1),
    samples.times[i - 1]!,
    startAt(samples, i),
    samples.times[i]!,
  );

/** Tells once for each window of samples that say they began before their predecessor ended. */
function noteOverlap(samples: MixedSamples, first: number, end: number, notes: Notes): void {
  if (samples.startTimes === undefined) return;
  for (let i = first + 1; i < end; i++) {
    const start = startAt(samples, i);
    const overlaps = start < samples.times[i - 1]! && start !== startAt(samples, i - 1);
    if (start === 0 || !overlaps) continue;
    notes.annotations.startTimeOverlap(notes.metricName(), notes.position);
    return;
  }
}

/** The kinds of samples in a window. */
export function kindsIn(
  { histograms }: MixedSamples,
  first: number,
  end: number,
): { readonly floats: number; readonly histograms: number } {
  let found = 0;
  for (let i = first; i < end; i++) if (histograms?.[i] !== undefined) found++;
  return { floats: end - first - found, histograms: found };
}

/** Whether a window has both kinds, which is told. */
function isMixed(samples: MixedSamples, first: number, end: number, notes: Notes): boolean {
  const { floats, histograms } = kindsIn(samples, first, end);
  if (floats === 0 || histograms === 0) return false;
  notes.annotations.mixedFloatsHistograms(notes.metricName(), notes.position);
  return true;
}

/** The increase of a window of floats, resets by value or start timestamp counted in. */
function floatIncrease(
  samples: MixedSamples,
  first: number,
  end: number,
  isCounter: boolean,
  notes: Notes,
): number {
  const { values } = samples;
  let result = values[end - 1]! - values[first]!;
  if (!isCounter) return result;
  noteOverlap(samples, first, end, notes);
  for (let i = first + 1; i < end; i++) {
    const previous = values[i - 1]!;
    if (values[i]! < previous || isReset(samples, i)) result += previous;
  }
  return result;
}

/** As {@link floatIncrease} for histograms; undefined when they don't go together. */
function histogramIncrease(
  samples: MixedSamples,
  first: number,
  end: number,
  isCounter: boolean,
  notes: Notes,
): Histogram | undefined {
  const at = (i: number): Histogram => samples.histograms![i]!;
  const { annotations, position } = notes;
  const last = at(end - 1);
  const resetAtOnce =
    isCounter && (isReset(samples, first + 1) || detectReset(at(first + 1), at(first)));
  // What was before a reset right after the first sample counts for nothing, its layout neither.
  let previous: Histogram | undefined = resetAtOnce ? undefined : at(first);
  const { usesCustomBuckets } = previous ?? at(first + 1);
  const isGauge = (h: Histogram): boolean => h.counterResetHint === CounterResetHint.gauge;
  const mixed = (): undefined => {
    annotations.mixedExponentialCustom(notes.metricName(), position);
    return undefined;
  };
  if (last.usesCustomBuckets !== usesCustomBuckets) {
    if (isCounter && (isGauge(at(first)) || isGauge(last))) {
      annotations.histogramNotCounter(notes.metricName(), position);
    }
    return mixed();
  }
  let schema = Math.min(last.schema, (previous ?? at(first + 1)).schema);
  for (let i = first + 1; isCounter && i < end - 1; i++) {
    if (at(i).usesCustomBuckets !== usesCustomBuckets) return mixed();
    schema = Math.min(schema, at(i).schema);
  }
  if (isCounter) {
    for (let i = first; i < end; i++) {
      if (isGauge(at(i))) annotations.histogramNotCounter(notes.metricName(), position);
    }
    noteOverlap(samples, first, end, notes);
  } else if (!isGauge(at(first)) || !isGauge(last)) {
    annotations.histogramNotGauge(notes.metricName(), position);
  }
  let result: Histogram | undefined = reduceResolution(last, schema);
  if (previous !== undefined) result = subtract(result, previous, notes);
  for (let i = first + 1; isCounter && result !== undefined && i < end; i++) {
    const reset = isReset(samples, i) || (previous !== undefined && detectReset(at(i), previous));
    if (reset && previous !== undefined) result = add(result, previous, notes);
    previous = at(i);
  }
  return result && compactHistogram(result.withHint(CounterResetHint.gauge));
}

/** rate, increase and delta of one window. */
export function extrapolatedMixed(
  samples: MixedSamples,
  first: number,
  end: number,
  bounds: WindowBounds,
  kind: { readonly isCounter: boolean; readonly isRate: boolean },
  notes: Notes,
): MixedResult {
  if (end <= first || isMixed(samples, first, end, notes)) return undefined;
  const { times, values, histograms } = samples;
  const { isCounter } = kind;
  const intervals = end - first - 1;
  const firstHistogram = histograms?.[first];
  let histogram: Histogram | undefined;
  let value = 0;
  if (firstHistogram === undefined) value = floatIncrease(samples, first, end, isCounter, notes);
  else if (intervals > 0) {
    histogram = histogramIncrease(samples, first, end, isCounter, notes);
    if (histogram === undefined) return undefined;
  }
  const between = intervals > 0 ? (times[end - 1]! - times[first]!) / 1000 / intervals : 0;
  const threshold = between * 1.1;
  let toStart = (times[first]! - bounds.startMs) / 1000;
  let toEnd = (bounds.endMs - times[end - 1]!) / 1000;
  let sampled = (times[end - 1]! - times[first]!) / 1000;
  const start = startAt(samples, first);
  if (isCounter && start !== 0 && start > bounds.startMs && start < times[first]!) {
    // The counter was at zero then: a sample as good as any, and nothing to extrapolate before it.
    toStart = 0;
    sampled = (times[end - 1]! - start) / 1000;
    if (firstHistogram === undefined) value += values[first]!;
    else if (histogram === undefined) histogram = firstHistogram;
    else {
      histogram = add(histogram, firstHistogram, notes);
      if (histogram === undefined) return undefined;
    }
  } else if (intervals === 0) {
    return undefined;
  } else {
    if (toStart >= threshold) toStart = between / 2;
    if (isCounter) {
      let toZero = toStart;
      if (value > 0 && firstHistogram === undefined && values[first]! >= 0) {
        toZero = sampled * (values[first]! / value);
      } else if (histogram !== undefined && histogram.count > 0 && firstHistogram!.count >= 0) {
        toZero = sampled * (firstHistogram!.count / histogram.count);
      }
      if (toZero < toStart) toStart = toZero;
    }
  }
  if (toEnd >= threshold) toEnd = between / 2;
  let factor = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
  if (kind.isRate) factor /= (bounds.endMs - bounds.startMs) / 1000;
  return histogram === undefined ? value * factor : scaleHistogram(histogram, factor);
}

/** irate and idelta of one window: its last two samples. */
export function lastTwoMixed(
  samples: MixedSamples,
  first: number,
  end: number,
  isRate: boolean,
  notes: Notes,
): MixedResult {
  if (end - first < 2) return undefined;
  const { times, values, histograms } = samples;
  const i = end - 1;
  const interval = times[i]! - times[i - 1]!;
  if (interval === 0) return undefined;
  const now = histograms?.[i];
  const before = histograms?.[i - 1];
  const { annotations, position } = notes;
  if (now === undefined && before === undefined) {
    const reset = isRate && (values[i]! < values[i - 1]! || isReset(samples, i));
    const difference = reset ? values[i]! : values[i]! - values[i - 1]!;
    return isRate ? difference / (interval / 1000) : difference;
  }
  if (now === undefined || before === undefined) {
    annotations.mixedFloatsHistograms(notes.metricName(), position);
    return undefined;
  }
  const gauges = [now, before].filter((h) => h.counterResetHint === CounterResetHint.gauge).length;
  if (isRate && gauges > 0) annotations.histogramNotCounter(notes.metricName(), position);
  if (!isRate && gauges < 2) annotations.histogramNotGauge(notes.metricName(), position);
  const reset = isRate && (isReset(samples, i) || detectReset(now, before));
  const difference = reset ? now : subtract(now, before, notes);
  if (difference === undefined) return undefined;
  const result = compactHistogram(difference.withHint(CounterResetHint.gauge));
  return isRate ? divideHistogram(result, interval / 1000) : result;
}

/** resets or changes from sample `first` on. */
export function transitionsMixed(
  samples: MixedSamples,
  first: number,
  end: number,
  kind: 'resets' | 'changes',
): MixedResult {
  if (end <= first) return undefined;
  const { values, histograms } = samples;
  let count = 0;
  for (let i = first + 1; i < end; i++) {
    const now = histograms?.[i];
    const before = histograms?.[i - 1];
    const value = values[i]!;
    const previous = values[i - 1]!;
    if ((now === undefined) !== (before === undefined)) count++;
    else if (kind === 'resets') {
      const fell =
        now === undefined || before === undefined ? value < previous : detectReset(now, before);
      if (fell || isReset(samples, i)) count++;
    } else if (now !== undefined && before !== undefined) {
      if (!histogramsEqual(now, before)) count++;
    } else if (value !== previous && !(Number.isNaN(value) && Number.isNaN(previous))) {
      count++;
    }
  }
  return count;
}

/** Notices contradicting hints among the histograms that are summed. */
class HintCheck {
  private resets = false;
  private notResets = false;

  see({ counterResetHint }: Histogram): void {
    if (counterResetHint === CounterResetHint.reset) this.resets = true;
    if (counterResetHint === CounterResetHint.notReset) this.notResets = true;
  }

  tell({ annotations }: Notes, position: PositionRange): void {
    if (this.resets && this.notResets) annotations.counterResetCollision('aggregation', position);
  }
}

/** sum_over_time and avg_over_time of a window of histograms only; nothing for a mixed one. */
export function summedMixed(
  samples: MixedSamples,
  first: number,
  end: number,
  kind: 'sum' | 'avg',
  notes: Notes,
): Histogram | undefined {
  if (end <= first || isMixed(samples, first, end, notes)) return undefined;
  const at = (i: number): Histogram => samples.histograms![i]!;
  const { annotations, position } = notes;
  const hints = new HintCheck();
  hints.see(at(first));
  const sum = kind === 'sum' ? new HistogramSum(at(first)) : new HistogramMean(at(first));
  let reconciled = false;
  for (let i = first + 1; i < end; i++) {
    const h = at(i);
    hints.see(h);
    const note = sum.add(h);
    if (note & SumNote.incompatible) {
      annotations.mixedExponentialCustom(notes.metricName(), position);
      return undefined;
    }
    if (note & SumNote.boundsReconciled) reconciled = true;
  }
  hints.tell(notes, position);
  if (reconciled) annotations.reconciledBounds('aggregation', position);
  return sum.result();
}
