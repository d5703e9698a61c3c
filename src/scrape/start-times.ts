// SPDX-License-Identifier: Apache-2.0
// Start times of scraped counters, summaries and histograms: since when they count. Protobuf has them as
// fields (structured-body.ts), OpenMetrics as samples named `…_created`, which are taken out of the text
// here.
// They are stored beside the samples (`st-storage`), or as zeros at that time
// (`created-timestamp-zero-ingestion`), or both.

import { ExpositionError, ExpositionParser } from '../exposition/index.ts';
import { BUCKET_LABEL, CounterResetHint, Histogram, METRIC_NAME } from '../model/index.ts';
import type { Appender, SampleBatch } from '../storage/index.ts';

/** What is done with start times; nothing is read of them unless one of both is wanted. */
export interface StartTimeUse {
  readonly store: boolean;
  readonly zeros: boolean;
}

/** The start time of one line of the text. */
export interface StartLine {
  /** Byte offset of the series in the text, and its length: name and labels. */
  readonly start: number;
  readonly length: number;
  readonly timeMs: number;
}

export interface BodyWithStarts {
  readonly text: Uint8Array;
  readonly starts: readonly StartLine[];
}

/** Start times that are remembered beyond twice those of the batch. */
const KNOWN_SLACK = 1000;
const CREATED = '_created';
const counting: ReadonlySet<string> = new Set(['counter', 'summary', 'histogram']);

/** Lines of one family, until its end is reached: `_created` may come after what it speaks of. */
class Family {
  /** Start times by the labels without those of buckets and quantiles. */
  private readonly created = new Map<string, number>();
  private readonly lines: { start: number; length: number; key: string }[] = [];

  add(start: number, length: number, key: string): void {
    this.lines.push({ start, length, key });
  }

  addCreated(key: string, timeMs: number): void {
    this.created.set(key, timeMs);
  }

  /** Appends what is known to `starts` and forgets it. */
  end(starts: StartLine[]): void {
    if (this.created.size > 0) {
      for (const { start, length, key } of this.lines) {
        const timeMs = this.created.get(key);
        if (timeMs !== undefined) starts.push({ start, length, timeMs });
      }
      this.created.clear();
    }
    this.lines.length = 0;
  }
}

/**
 * An OpenMetrics text without its `_created` samples, and the start times they told; undefined where it has
 * none, or the format is broken, so that the usual way tells what is wrong with it.
 */
export function takeCreated(bytes: Uint8Array): BodyWithStarts | undefined {
  const parser = new ExpositionParser('openmetrics');
  parser.reset(bytes);
  const family = new Family();
  const starts: StartLine[] = [];
  const kept: Uint8Array[] = [];
  let keptFrom = 0;
  let removed = 0;
  let name = '';
  try {
    for (;;) {
      const start = parser.position;
      const kind = parser.next();
      if (kind === 'end') break;
      if (kind === 'type') {
        family.end(starts);
        name = counting.has(parser.metricType) ? parser.metricName : '';
      }
      if (kind !== 'sample' || name === '') continue;
      let sampleName = '';
      let key = '';
      for (const label of parser.labels()) {
        if (label.name === METRIC_NAME) sampleName = label.value;
        else if (label.name !== BUCKET_LABEL && label.name !== 'quantile') {
          key += `${label.name}\xff${label.value}\xff`;
        }
      }
      if (!sampleName.startsWith(name)) continue;
      if (sampleName !== name + CREATED) {
        const length = parser.seriesEnd - parser.seriesStart;
        family.add(parser.seriesStart - removed, length, key);
        continue;
      }
      family.addCreated(key, Math.trunc(parser.value * 1000));
      kept.push(bytes.subarray(keptFrom, start));
      keptFrom = Math.min(parser.position, bytes.length);
      removed += keptFrom - start;
    }
  } catch (error) {
    if (error instanceof ExpositionError) return undefined;
    throw error;
  }
  family.end(starts);
  if (removed === 0) return undefined;
  kept.push(bytes.subarray(keptFrom));
  const text = new Uint8Array(bytes.length - removed);
  let at = 0;
  for (const part of kept) {
    text.set(part, at);
    at += part.length;
  }
  return { text, starts };
}

/** An empty histogram with the layout of `h`: that is where its counter was reset. */
function zeroOf(h: Histogram): Histogram {
  const { schema, zeroThreshold, customValues, isFloat } = h;
  const counterResetHint = CounterResetHint.reset;
  const fields = { schema, zeroThreshold, customValues, isFloat, counterResetHint };
  return new Histogram({ ...fields, count: 0, sum: 0 });
}

/**
 * Appends zeros at the start times of a batch's samples, where they are new: newer than their series has
 * samples, and older than the sample. What is not is no error.
 * @param known  start time by ref whose zero was tried; filled
 */
export function appendZeros(
  appender: Appender,
  batch: SampleBatch,
  known: Map<number, number>,
): void {
  const { startTimes, refs, times, histograms, count } = batch;
  if (startTimes === undefined || appender.appendStartZeros === undefined) return;
  // Series come and go: what is forgotten is tried again, and refused.
  if (known.size > 2 * count + KNOWN_SLACK) known.clear();
  const fresh: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = startTimes[i]!;
    if (start === 0 || start >= times[i]! || known.get(refs[i]!) === start) continue;
    known.set(refs[i]!, start);
    fresh.push(i);
  }
  if (fresh.length === 0) return;
  const zeros = appender.newBatch(fresh.length);
  try {
    zeros.count = fresh.length;
    fresh.forEach((i, n) => {
      zeros.refs[n] = refs[i]!;
      zeros.times[n] = startTimes[i]!;
      zeros.values[n] = 0;
      const histogram = histograms?.[i];
      if (histogram === undefined) return;
      zeros.histograms ??= new Array<Histogram | undefined>(fresh.length).fill(undefined);
      zeros.histograms[n] = zeroOf(histogram);
    });
    appender.appendStartZeros(zeros);
  } finally {
    appender.releaseBatch(zeros);
  }
}
