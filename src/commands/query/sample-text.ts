// SPDX-License-Identifier: Apache-2.0
// Answers of the query API as Go's client library prints them, as text and as JSON.

import { formatFloatF, formatFloatG, isValidMetricName, quote } from '../../model/index.ts';
import { isValidLabelName } from '../../model/index.ts';

export type MetricLabels = Readonly<Record<string, string>>;
/** Seconds, and a number as text. */
export type Point = readonly [number, string];

/** `[boundaries, lower, upper, count]`; boundaries: which ends belong to it. */
export type Bucket = readonly [number, string, string, string];

export interface HistogramValue {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly Bucket[];
}
export type HistogramPoint = readonly [number, HistogramValue];

export interface SeriesResult {
  readonly metric: MetricLabels;
  readonly value?: Point;
  readonly values?: readonly Point[];
  readonly histogram?: HistogramPoint;
  readonly histograms?: readonly HistogramPoint[];
}

export type QueryData =
  | { readonly resultType: 'scalar'; readonly result: Point }
  | { readonly resultType: 'string'; readonly result: Point }
  | { readonly resultType: 'vector' | 'matrix'; readonly result: readonly SeriesResult[] };

const METRIC_NAME = '__name__';
/** Decimals of Go's %f. */
const FIXED_DECIMALS = 6;

const numberOf = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
};

const plain = (text: string): string => formatFloatF(numberOf(text));
const atText = (seconds: number): string => `@[${formatFloatF(Math.round(seconds * 1000) / 1000)}]`;

function fixed(text: string): string {
  const value = numberOf(text);
  if (!Number.isFinite(value)) return formatFloatF(value);
  // toFixed goes over to exponents there; so large a number has no decimals anyway.
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.${'0'.repeat(FIXED_DECIMALS)}`;
  return value.toFixed(FIXED_DECIMALS);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `{a="b", c="d"}`, sorted, the name among them. */
export function labelSetText(labels: MetricLabels): string {
  const pairs = Object.entries(labels)
    .map(([name, value]) => `${shownName(name)}=${quote(value)}`)
    .sort(compare);
  return `{${pairs.join(', ')}}`;
}

const shownName = (name: string): string => (isValidLabelName(name, 'legacy') ? name : quote(name));

/** `name{a="b"}`; a name that needs quotes goes into the braces. */
export function metricText(labels: MetricLabels): string {
  const name = labels[METRIC_NAME];
  const pairs = Object.entries(labels)
    .filter(([label]) => label !== METRIC_NAME)
    .map(([label, value]) => `${shownName(label)}=${quote(value)}`)
    .sort(compare);
  if (name === undefined) return `{${pairs.join(', ')}}`;
  if (!isValidMetricName(name, 'legacy')) return `{${[quote(name), ...pairs].join(', ')}}`;
  return pairs.length === 0 ? name : `${name}{${pairs.join(', ')}}`;
}

function bucketText([boundaries, lower, upper, count]: Bucket): string {
  const open = boundaries === 1 || boundaries === 3 ? '[' : '(';
  const close = boundaries === 0 || boundaries === 3 ? ']' : ')';
  const [from, to] = [formatFloatG(numberOf(lower)), formatFloatG(numberOf(upper))];
  return `${open}${from},${to}${close}:${plain(count)}`;
}

const pointText = ([time, value]: Point): string => `${plain(value)} ${atText(time)}`;

function histogramText([time, { count, sum, buckets = [] }]: HistogramPoint): string {
  const shown = buckets.map(bucketText).join(' ');
  return `Count: ${fixed(count)}, Sum: ${fixed(sum)}, Buckets: [${shown}] ${atText(time)}`;
}

/** The client library's order: fewer labels first, then by names and values. */
function compareMetrics({ metric: a }: SeriesResult, { metric: b }: SeriesResult): number {
  const [ours, theirs] = [Object.keys(a), Object.keys(b)];
  if (ours.length !== theirs.length) return ours.length - theirs.length;
  for (const name of [...new Set([...ours, ...theirs])].sort(compare)) {
    if (!Object.hasOwn(a, name)) return -1;
    if (!Object.hasOwn(b, name)) return 1;
    const order = compare(a[name] ?? '', b[name] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function sampleText({ metric, value, histogram }: SeriesResult): string {
  const shown = histogram === undefined ? pointText(value ?? [0, '0']) : histogramText(histogram);
  return `${metricText(metric)} => ${shown}`;
}

function streamText({ metric, values = [], histograms = [] }: SeriesResult): string {
  const lines = [...values.map(pointText), ...histograms.map(histogramText)];
  return `${metricText(metric)} =>\n${lines.join('\n')}`;
}

/** What `-o promql` prints, with its last line break. */
export function resultText(data: QueryData): string {
  switch (data.resultType) {
    case 'scalar':
      return `scalar: ${pointText(data.result)}\n`;
    case 'string':
      return `${data.result[1]}\n`;
    case 'vector':
      return `${data.result.map(sampleText).join('\n')}\n`;
    case 'matrix':
      return `${[...data.result].sort(compareMetrics).map(streamText).join('\n')}\n`;
  }
}

/** JSON as Go writes it: what a browser might take for markup is escaped. */
export function goJson(value: unknown): string {
  const escaped = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}

export const sortedLabels = (labels: MetricLabels): MetricLabels =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => compare(a, b)));

const jsonPoint = ([time, value]: Point): Point => [time, plain(value)];

const jsonHistogram = ([time, { count, sum, buckets = [] }]: HistogramPoint) => [
  time,
  {
    count: plain(count),
    sum: plain(sum),
    buckets: buckets.map(([boundaries, lower, upper, inside]) => [
      boundaries,
      ...[lower, upper, inside].map(plain),
    ]),
  },
];

/** What `-o json` prints. */
export function resultJson(data: QueryData): string {
  if (data.resultType === 'scalar') return goJson(jsonPoint(data.result));
  if (data.resultType === 'string') return goJson(data.result);
  const series = data.result.map(({ metric, value, values, histogram, histograms }) => ({
    metric: sortedLabels(metric),
    ...(value === undefined ? {} : { value: jsonPoint(value) }),
    ...(values === undefined ? {} : { values: values.map(jsonPoint) }),
    ...(histogram === undefined ? {} : { histogram: jsonHistogram(histogram) }),
    ...(histograms === undefined ? {} : { histograms: histograms.map(jsonHistogram) }),
  }));
  return goJson(series);
}
