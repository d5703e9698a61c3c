// SPDX-License-Identifier: Apache-2.0
// Histograms of which only count and sum are wanted: their buckets are let go. Whether the counter was reset
// is found out before, as afterwards nobody can.

import {
  CounterResetHint,
  Histogram,
  type SampleColumns,
  detectReset,
  isStale,
} from '../../model/index.ts';

/** The histograms of a read without buckets, their hints filled in where the samples themselves tell. */
export function statsOf(
  histograms: readonly (Histogram | undefined)[] | undefined,
  { valueBits }: SampleColumns,
  count: number,
): (Histogram | undefined)[] | undefined {
  if (histograms === undefined) return undefined;
  const stats: (Histogram | undefined)[] = [];
  let previous: Histogram | undefined;
  for (let i = 0; i < count; i++) {
    const histogram = histograms[i];
    if (histogram === undefined || isStale(valueBits, i)) {
      stats.push(histogram);
      continue;
    }
    const { schema, sum, customValues } = histogram;
    stats.push(
      new Histogram({
        counterResetHint: hintOf(histogram, previous),
        schema,
        count: histogram.count,
        sum,
        customValues,
      }),
    );
    previous = histogram;
  }
  return stats;
}

function hintOf(histogram: Histogram, previous: Histogram | undefined): CounterResetHint {
  const { counterResetHint } = histogram;
  if (counterResetHint !== CounterResetHint.unknown || previous === undefined) {
    return counterResetHint;
  }
  return detectReset(histogram, previous) ? CounterResetHint.reset : CounterResetHint.notReset;
}
