// SPDX-License-Identifier: Apache-2.0
// What rules write: the samples of one evaluation, and staleness markers for the series that are gone.

import type { Histogram, Labels } from '../model/index.ts';
import { labelsKey, NAN_HIGH, NAN_LOW, setStale } from '../model/index.ts';
import { type Appender, AppendStatus } from '../storage/index.ts';

export interface OutputSample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  readonly histogram?: Histogram | undefined;
}

/** Series that a rule wrote, by label set. */
export type WrittenSeries = ReadonlyMap<string, Labels>;

export interface WriteOutcome {
  readonly written: WrittenSeries;
  readonly outOfOrder: number;
  readonly duplicates: number;
  readonly tooOld: number;
  readonly refused: number;
}

/**
 * Appends one rule's samples, and staleness markers at `staleTimeMs` for what it wrote the last time and
 * not now. @throws StorageError
 */
export function writeOutput(
  appender: Appender,
  samples: readonly OutputSample[],
  before: WrittenSeries,
  staleTimeMs: number,
): WriteOutcome {
  const written = new Map(samples.map(({ labels }) => [labelsKey(labels), labels]));
  const gone = [...before].filter(([key]) => !written.has(key));
  const batch = appender.newBatch(Math.max(1, samples.length + gone.length));
  try {
    let n = 0;
    for (const { labels, timeMs, value, histogram } of samples) {
      batch.refs[n] = appender.seriesRef(labels);
      batch.times[n] = timeMs;
      batch.values[n] = value;
      if (Number.isNaN(value)) {
        batch.valueBits[2 * n] = NAN_LOW;
        batch.valueBits[2 * n + 1] = NAN_HIGH;
      }
      if (histogram !== undefined) {
        batch.histograms ??= [];
        batch.histograms[n] = histogram;
        batch.values[n] = histogram.sum;
      }
      n++;
    }
    for (const [, labels] of gone) {
      batch.refs[n] = appender.seriesRef(labels);
      batch.times[n] = staleTimeMs;
      batch.values[n] = 0;
      setStale(batch.valueBits, n++);
    }
    batch.count = n;
    appender.append(batch);
    return { written, ...refusals(batch.status, batch.refs, samples.length) };
  } finally {
    appender.releaseBatch(batch);
  }
}

function refusals(
  status: Uint8Array,
  refs: Uint32Array,
  count: number,
): Omit<WriteOutcome, 'written'> {
  const outcome = { outOfOrder: 0, duplicates: 0, tooOld: 0, refused: 0 };
  for (let i = 0; i < count; i++) {
    const each = status[i]!;
    if (refs[i] === 0 || each === AppendStatus.full || each === AppendStatus.unknownSeries)
      outcome.refused++;
    else if (each === AppendStatus.outOfOrder) outcome.outOfOrder++;
    else if (each === AppendStatus.duplicate) outcome.duplicates++;
    else if (each === AppendStatus.tooOld || each === AppendStatus.outOfBounds) outcome.tooOld++;
  }
  return outcome;
}
