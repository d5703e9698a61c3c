// SPDX-License-Identifier: Apache-2.0
// /federate, in a query worker: the newest sample of each series that a selector matches, as an exposition.

import type { MetricFamily } from '../metrics/index.ts';
import { negotiateExposition, textHead, textLines } from '../metrics/index.ts';
import type {
  Distribution,
  EscapingScheme,
  FamilyType,
  Histogram,
  Labels,
  Matcher,
} from '../model/index.ts';
import {
  CounterResetHint,
  compareLabels,
  compareText,
  escapeName,
  isCustomBucketsSchema,
  isStale,
  labelsKey,
  labelValue,
  METRIC_NAME,
} from '../model/index.ts';
import type { Querier } from '../storage/index.ts';
import { labelsOfRow } from './lookup.ts';
import type { QueryJob } from './query-job.ts';

export type FederateJob = Extract<QueryJob, { readonly kind: 'federate' }>;

const INSTANCE = 'instance';
/** Series between two looks at whether the job should stop. */
const SERIES_PER_CHECKPOINT = 1024;

interface Newest {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  readonly histogram: Histogram | undefined;
}

/** The newest sample of each series in the window, by name, then by labels; not stale or nameless ones. */
function newestSamples(
  querier: Querier,
  selectors: readonly (readonly Matcher[])[],
  startMs: number,
  endMs: number,
  checkpoint: () => void,
): Newest[] {
  const hints = { startMs, endMs, stepMs: 0, rangeMs: 0, func: '' };
  const found = new Map<string, Newest>();
  for (const matchers of selectors) {
    // `{}` selects nothing here, as upstream.
    if (matchers.length === 0) continue;
    const set = querier.select(matchers, startMs, endMs, hints);
    const ids = new Uint32Array(2 * Math.max(1, set.maxLabelCount));
    for (let row = 0; row < set.count; row++) {
      if (row % SERIES_PER_CHECKPOINT === 0) checkpoint();
      const last = set.read(row, startMs, endMs) - 1;
      if (last < 0) continue;
      const { times, values, valueBits } = set.columns;
      if (isStale(valueBits, last)) continue;
      const labels = labelsOfRow(set, row, ids);
      if (labelValue(labels, METRIC_NAME) === '') continue;
      // Of parts of one series in several places the newest counts.
      const key = labelsKey(labels);
      const other = found.get(key);
      if (other !== undefined && other.timeMs >= times[last]!) continue;
      const histogram = set.histograms?.[last];
      found.set(key, { labels, timeMs: times[last]!, value: values[last]!, histogram });
    }
  }
  const nameOf = ({ labels }: Newest): string => labelValue(labels, METRIC_NAME);
  return [...found.values()].sort(
    (a, b) => compareText(nameOf(a), nameOf(b)) || compareLabels(a.labels, b.labels),
  );
}

/** Custom buckets as a classic histogram has them: cumulative, by upper bound. */
function classicPoints({ customValues, positiveSpans, positiveBuckets }: Histogram) {
  const counts = new Float64Array(customValues.length + 1);
  let index = 0;
  let next = 0;
  for (let i = 0; i < positiveSpans.length; i += 2) {
    index += positiveSpans[i]!;
    for (let n = positiveSpans[i + 1]!; n > 0; n--) counts[index++] = positiveBuckets[next++]!;
  }
  let sum = 0;
  return Array.from(counts, (count, i) => {
    sum += count;
    return { bound: customValues[i] ?? Number.POSITIVE_INFINITY, value: sum };
  });
}

/** A histogram as it goes over the wire; always with counts that are floats, as upstream. */
function distributionOf(histogram: Histogram): Distribution {
  const { count, sum, schema, zeroThreshold, zeroCount } = histogram;
  if (isCustomBucketsSchema(schema)) {
    return { count, sum, points: classicPoints(histogram), isFloat: true };
  }
  const native = {
    schema,
    zeroThreshold,
    zeroCount,
    positiveSpans: [...histogram.positiveSpans],
    positiveBuckets: [...histogram.positiveBuckets],
    negativeSpans: [...histogram.negativeSpans],
    negativeBuckets: [...histogram.negativeBuckets],
    exemplars: [],
  };
  return { count, sum, points: [], isFloat: true, native };
}

function typeOf({ histogram }: Newest): FamilyType {
  if (histogram === undefined) return 'untyped';
  return histogram.counterResetHint === CounterResetHint.gauge ? 'gaugehistogram' : 'histogram';
}

/**
 * Samples as families, a new one wherever name or type changes, as upstream: who reads it can take that.
 * External labels follow the series' own and never replace one.
 */
function familiesOf(
  samples: readonly Newest[],
  external: Labels,
  escaping: EscapingScheme,
): MetricFamily[] {
  const families: {
    name: string;
    family: MetricFamily;
    metrics: MetricFamily['metrics'][number][];
  }[] = [];
  // A series without an instance must not get that of the scraped server at the other end.
  const added = external.some(({ name }) => name === INSTANCE)
    ? external
    : [...external, { name: INSTANCE, value: '' }].sort((a, b) => compareText(a.name, b.name));
  for (const sample of samples) {
    const { labels, timeMs, value, histogram } = sample;
    const name = labelValue(labels, METRIC_NAME);
    const type = typeOf(sample);
    const before = families.at(-1);
    if (before?.name !== name || before.family.type !== type) {
      const metrics: MetricFamily['metrics'][number][] = [];
      const shown = escapeName(name, escaping);
      families.push({ name, metrics, family: { name: shown, help: '', type, metrics } });
    }
    const own = labels.filter((label) => label.name !== METRIC_NAME);
    const taken = new Set(own.map((label) => label.name));
    const all = own.concat(added.filter((label) => !taken.has(label.name)));
    const pairs = all.flatMap((label) => [escapeName(label.name, escaping), label.value]);
    const distribution = histogram === undefined ? {} : { distribution: distributionOf(histogram) };
    const metric = { labels: pairs, value, timestampMs: timeMs, ...distribution };
    families.at(-1)?.metrics.push(metric);
  }
  return families.map(({ family }) => family);
}

/** TYPE line and samples; there is no HELP to tell. */
function textOf(family: MetricFamily): string {
  const head = textHead(family);
  return head.slice(head.indexOf('\n') + 1) + textLines(family);
}

/** The exposition's bytes. @throws MatcherError */
export function federate(
  job: FederateJob,
  querier: Querier,
  selectors: readonly (readonly Matcher[])[],
  lookbackDeltaMs: number,
  checkpoint: () => void,
): Uint8Array {
  const { timeMs, accept, externalLabels } = job;
  const start = timeMs - lookbackDeltaMs;
  const samples = newestSamples(querier, selectors, start, timeMs, checkpoint);
  const { format, escaping, write } = negotiateExposition(accept, { protobuf: true });
  // Text has no words for the buckets of an exponential histogram; custom ones it can show.
  const shown = samples.filter(
    ({ histogram }) =>
      format === 'protobuf' || histogram === undefined || isCustomBucketsSchema(histogram.schema),
  );
  const families = familiesOf(shown, externalLabels, escaping);
  if (format === 'protobuf') return write(families);
  return new TextEncoder().encode(families.map(textOf).join(''));
}
