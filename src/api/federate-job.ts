// SPDX-License-Identifier: Apache-2.0
// /federate, in a query worker: the newest sample of each series that a selector matches, as an exposition.

import type { MetricFamily } from '../metrics/index.ts';
import { negotiateExposition, textHead, textLines } from '../metrics/index.ts';
import type { EscapingScheme, Labels, Matcher } from '../model/index.ts';
import {
  compareLabels,
  compareText,
  escapeName,
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
}

/**
 * The newest float of each series in the window, by name, then by labels. Left out: stale ones, those
 * without a name, and native histograms, which the text format has no words for.
 */
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
      if (isStale(valueBits, last) || set.histograms?.[last] !== undefined) continue;
      const labels = labelsOfRow(set, row, ids);
      if (labelValue(labels, METRIC_NAME) === '') continue;
      // Of parts of one series in several places the newest counts.
      const key = labelsKey(labels);
      const other = found.get(key);
      if (other !== undefined && other.timeMs >= times[last]!) continue;
      found.set(key, { labels, timeMs: times[last]!, value: values[last]! });
    }
  }
  const nameOf = ({ labels }: Newest): string => labelValue(labels, METRIC_NAME);
  return [...found.values()].sort(
    (a, b) => compareText(nameOf(a), nameOf(b)) || compareLabels(a.labels, b.labels),
  );
}

/** Samples as families; external labels follow the series' own and never replace one. */
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
  for (const { labels, timeMs, value } of samples) {
    const name = labelValue(labels, METRIC_NAME);
    if (families.at(-1)?.name !== name) {
      const metrics: MetricFamily['metrics'][number][] = [];
      const shown = escapeName(name, escaping);
      families.push({ name, metrics, family: { name: shown, help: '', type: 'untyped', metrics } });
    }
    const own = labels.filter((label) => label.name !== METRIC_NAME);
    const taken = new Set(own.map((label) => label.name));
    const all = own.concat(added.filter((label) => !taken.has(label.name)));
    const pairs = all.flatMap((label) => [escapeName(label.name, escaping), label.value]);
    families.at(-1)?.metrics.push({ labels: pairs, value, timestampMs: timeMs });
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
  const families = familiesOf(samples, externalLabels, escaping);
  if (format === 'protobuf') return write(families);
  return new TextEncoder().encode(families.map(textOf).join(''));
}
