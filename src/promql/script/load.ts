// SPDX-License-Identifier: Apache-2.0
// Series at a fixed interval, on their way into a storage: the `load` command, and the input series of
// rule tests.

import { detectReset, CounterResetHint, type Histogram, type Labels } from '../../model/index.ts';
import type { SequenceValue } from './sequence.ts';
import type { StartOffset } from './start-times.ts';

/** Where samples go; MemoryStorage is one. Samples of one series come in the order of their times. */
export interface SampleSink {
  add(labels: Labels, timeMs: number, value: number, startMs?: number): void;
  addHistogram(labels: Labels, timeMs: number, histogram: Histogram, startMs?: number): void;
  addStale(labels: Labels, timeMs: number): void;
}

/** A series to load: value i is at startMs + i × intervalMs. */
export interface LoadedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
  /** By value; missing = no start timestamps. */
  readonly startOffsets?: readonly StartOffset[];
}

/** Adds the samples of a series to `sink`. `from` and `to` (exclusive) choose some of its values. */
export function addSeries(
  sink: SampleSink,
  series: LoadedSeries,
  grid: { readonly startMs: number; readonly intervalMs: number },
  from = 0,
  to = series.values.length,
): void {
  const { labels, values, startOffsets } = series;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (value.kind === 'omitted') continue;
    const timeMs = grid.startMs + i * grid.intervalMs;
    const offset = startOffsets?.[i];
    const startMs = offset === undefined ? 0 : timeMs + offset;
    if (value.kind === 'stale') sink.addStale(labels, timeMs);
    else if (value.kind === 'float') sink.add(labels, timeMs, value.value, startMs);
    else sink.addHistogram(labels, timeMs, value.histogram, startMs);
  }
}

/**
 * Gives histograms the counter reset hints with which a database would return them: it keeps hints of
 * whole chunks only and starts a new chunk at a reset.
 */
export function withStoredHints(sink: SampleSink): SampleSink {
  const previous = new Map<string, Histogram>();
  const keyOf = (labels: Labels): string => JSON.stringify(labels);
  return {
    add: (labels, timeMs, value, startMs) => {
      previous.delete(keyOf(labels));
      sink.add(labels, timeMs, value, startMs);
    },
    addStale: (labels, timeMs) => sink.addStale(labels, timeMs),
    addHistogram: (labels, timeMs, histogram, startMs) => {
      const key = keyOf(labels);
      const before = previous.get(key);
      previous.set(key, histogram);
      sink.addHistogram(labels, timeMs, histogram.withHint(storedHint(histogram, before)), startMs);
    },
  };
}

function storedHint(now: Histogram, before: Histogram | undefined): CounterResetHint {
  const { gauge, reset, notReset, unknown } = CounterResetHint;
  if (now.counterResetHint === gauge) return gauge;
  // A reset begins a new chunk, of whose first sample nothing is known.
  if (now.counterResetHint === reset || before === undefined) return unknown;
  if (before.counterResetHint === gauge) return unknown;
  return detectReset(now.withHint(unknown), before) ? unknown : notReset;
}
