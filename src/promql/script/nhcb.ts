// SPDX-License-Identifier: Apache-2.0
// Classic histograms as native ones with custom buckets, as `load_with_nhcb` adds them.

import {
  BUCKET_LABEL,
  CUSTOM_BUCKETS_SCHEMA,
  Histogram,
  type Labels,
  labelsFrom,
  labelsKey,
  labelValue,
  METRIC_NAME,
} from '../../model/index.ts';
import { parseFloatText } from './histogram-text.ts';
import type { LoadedSeries } from './load.ts';
import type { SequenceValue } from './sequence.ts';

/** One histogram at one time, part by part. */
interface Parts {
  /** Cumulative counts by upper bound. */
  readonly buckets: Map<number, number>;
  count: number | undefined;
  sum: number;
}

interface Collected {
  readonly labels: Labels;
  /** By index of the value. */
  readonly parts: Map<number, Parts>;
}

const suffixes = ['_bucket', '_count', '_sum'] as const;

/** The labels of the whole histogram: its own name, no bucket. */
function baseLabels(labels: Labels, name: string): Labels {
  const rest = labels.filter((label) => label.name !== METRIC_NAME && label.name !== BUCKET_LABEL);
  return labelsFrom([
    [METRIC_NAME, name],
    ...rest.map((label): [string, string] => [label.name, label.value]),
  ]);
}

function histogramOf({ buckets, count, sum }: Parts): Histogram {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = count ?? sorted.at(-1)?.[1] ?? 0;
  if (sorted.at(-1)?.[0] !== Infinity) sorted.push([Infinity, total]);
  let before = 0;
  const counts = Float64Array.from(sorted, ([, cumulative]) => {
    const own = cumulative - before;
    before = cumulative;
    return own;
  });
  return new Histogram({
    schema: CUSTOM_BUCKETS_SCHEMA,
    count: total,
    sum,
    positiveSpans: Int32Array.of(0, counts.length),
    positiveBuckets: counts,
    customValues: Float64Array.from(sorted.slice(0, -1), ([bound]) => bound),
    isFloat: !Number.isInteger(total) || counts.some((own) => !Number.isInteger(own)),
  });
}

/** Collects the floats of one series of a classic histogram. */
function collect(
  series: LoadedSeries,
  parts: Map<number, Parts>,
  add: (part: Parts, value: number) => void,
): void {
  series.values.forEach((value, i) => {
    if (value.kind !== 'float') return;
    let part = parts.get(i);
    if (part === undefined) {
      part = { buckets: new Map(), count: undefined, sum: 0 };
      parts.set(i, part);
    }
    add(part, value.value);
  });
}

/** The native histograms of all classic ones in `loaded`. */
export function nativeSeries(loaded: readonly LoadedSeries[]): LoadedSeries[] {
  const found = new Map<string, Collected>();
  for (const series of loaded) {
    const name = labelValue(series.labels, METRIC_NAME);
    const suffix = suffixes.find((end) => name.endsWith(end));
    if (suffix === undefined) continue;
    const bound = parseFloatText(labelValue(series.labels, BUCKET_LABEL));
    if (suffix === '_bucket' && (bound === undefined || Number.isNaN(bound))) continue;
    const labels = baseLabels(series.labels, name.slice(0, -suffix.length));
    const key = labelsKey(labels);
    let collected = found.get(key);
    if (collected === undefined) {
      collected = { labels, parts: new Map() };
      found.set(key, collected);
    }
    collect(series, collected.parts, (part, value) => {
      if (suffix === '_bucket') part.buckets.set(bound ?? 0, value);
      else if (suffix === '_count') part.count = value;
      else part.sum = value;
    });
  }
  return [...found.values()].map(({ labels, parts }) => {
    const last = Math.max(-1, ...parts.keys());
    const values = Array.from({ length: last + 1 }, (_, i): SequenceValue => {
      const part = parts.get(i);
      if (part === undefined) return { kind: 'omitted' };
      return { kind: 'histogram', histogram: histogramOf(part), hintSet: false };
    });
    return { labels, values };
  });
}
