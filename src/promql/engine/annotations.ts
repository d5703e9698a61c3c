// SPDX-License-Identifier: Apache-2.0
// Warnings and infos that accompany an answer. Upstream keeps one of each text, wherever it arose.

import { formatFloatG, quote } from '../../model/index.ts';
import type { PositionRange } from '../ast/nodes.ts';
import { formatTimestamp } from '../result/float-text.ts';

/** Each kind is cut off after so many, with a line that says how many more there were. */
export const ANNOTATIONS_MAX = 10;

interface Monotonicity {
  readonly position: PositionRange;
  minMs: number;
  maxMs: number;
  minBucket: number;
  maxBucket: number;
  maxDifference: number;
  count: number;
}

/** What histograms were combined for, as messages name it. */
export type HistogramOperation = 'addition' | 'subtraction' | 'aggregation';

const MIXED = 'encountered a mix of histograms and floats for';

const forMetric = (metricName: string): string =>
  metricName === '' ? '' : ` for metric name ${quote(metricName)}`;

/** `line:column` (from 1, columns in bytes as upstream counts them) of a UTF-16 offset. */
export function placeText(query: string, offset: number): string {
  const before = query.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  const column = new TextEncoder().encode(before.slice(lineStart)).length + 1;
  return `${line}:${column}`;
}

/** One annotation on its way between threads: kind, text as it is kept, place. */
export type Annotation = readonly [
  kind: 'warning' | 'info',
  text: string,
  position: PositionRange | null,
];

/** Collects the annotations of one query. */
export class Annotations {
  private readonly warnings = new Map<string, PositionRange | undefined>();
  private readonly infos = new Map<string, PositionRange | undefined>();
  private readonly monotonicity = new Map<string, Monotonicity>();

  /** A warning without the `PromQL warning: ` in front; with no position it's printed as it is. */
  warn(text: string, position: PositionRange | undefined): void {
    const full = position === undefined ? text : `PromQL warning: ${text}`;
    if (!this.warnings.has(full)) this.warnings.set(full, position);
  }

  info(text: string, position: PositionRange): void {
    const full = `PromQL info: ${text}`;
    if (!this.infos.has(full)) this.infos.set(full, position);
  }

  possibleNonCounter(metricName: string, position: PositionRange): void {
    this.info(
      'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ' +
        quote(metricName),
      position,
    );
  }

  possibleNonCounterType(metricName: string, type: string, position: PositionRange): void {
    this.info(
      'metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ' +
        `${quote(type)}: ${quote(metricName)}`,
      position,
    );
  }

  mixedFloatsHistograms(metricName: string, position: PositionRange): void {
    this.warn(`${MIXED} metric name ${quote(metricName)}`, position);
  }

  mixedFloatsHistogramsInAggregation(position: PositionRange): void {
    this.warn(`${MIXED} aggregation`, position);
  }

  mixedClassicNative(metricName: string, position: PositionRange): void {
    this.warn(
      `vector contains a mix of classic and native histograms${forMetric(metricName)}`,
      position,
    );
  }

  mixedExponentialCustom(metricName: string, position: PositionRange): void {
    this.warn(
      'vector contains a mix of histograms with exponential and custom buckets schemas for metric ' +
        `name ${quote(metricName)}`,
      position,
    );
  }

  histogramNotCounter(metricName: string, position: PositionRange): void {
    this.warn(`this native histogram metric is not a counter: ${quote(metricName)}`, position);
  }

  histogramNotGauge(metricName: string, position: PositionRange): void {
    this.warn(`this native histogram metric is not a gauge: ${quote(metricName)}`, position);
  }

  counterResetCollision(operation: HistogramOperation, position: PositionRange): void {
    this.warn(`conflicting counter resets during histogram ${operation}`, position);
  }

  reconciledBounds(operation: HistogramOperation, position: PositionRange): void {
    this.info(`mismatched custom buckets were reconciled during ${operation}`, position);
  }

  startTimeOverlap(metricName: string, position: PositionRange): void {
    this.warn(
      'sample has start time that overlaps with previous sample timestamp for metric ' +
        quote(metricName),
      position,
    );
  }

  histogramIgnoredInAggregation(aggregation: string, position: PositionRange): void {
    this.info(`ignored histogram in ${aggregation} aggregation`, position);
  }

  histogramIgnoredInMixedRange(metricName: string, position: PositionRange): void {
    this.info(
      'ignored histograms in a range containing both floats and histograms for metric name ' +
        quote(metricName),
      position,
    );
  }

  incompatibleTypes(left: string, op: string, right: string, position: PositionRange): void {
    const operation = `${left} ${op} ${right}`;
    this.info(
      `incompatible sample types encountered for binary operator ${quote(op)}: ${operation}`,
      position,
    );
  }

  incompatibleBuckets(op: string, position: PositionRange): void {
    this.warn(`incompatible bucket layout encountered for binary operator ${op}`, position);
  }

  quantileOfNaNs(result: 'NaN' | 'skewed', metricName: string, position: PositionRange): void {
    const consequence = result === 'NaN' ? 'result is NaN' : 'result is skewed higher';
    this.info(
      `input to histogram_quantile has NaN observations, ${consequence}${forMetric(metricName)}`,
      position,
    );
  }

  fractionOfNaNs(metricName: string, position: PositionRange): void {
    this.info(
      'input to histogram_fraction has NaN observations, which are excluded from all fractions' +
        forMetric(metricName),
      position,
    );
  }

  invalidQuantile(value: number, position: PositionRange): void {
    this.warn(`quantile value should be between 0 and 1, got ${formatFloatG(value)}`, position);
  }

  invalidRatio(value: number, cappedTo: number, position: PositionRange): void {
    const got = `got ${formatFloatG(value)}, capping to ${formatFloatG(cappedTo)}`;
    this.warn(`ratio value should be between -1 and 1, ${got}`, position);
  }

  badBucketLabel(label: string, metricName: string, position: PositionRange): void {
    this.warn(
      `bucket label "le" is missing or has a malformed value of ${quote(label)}` +
        forMetric(metricName),
      position,
    );
  }

  sortInRangeQuery(position: PositionRange): void {
    this.warn(
      'sort is ineffective for range queries since results are always ordered by labels',
      position,
    );
  }

  /** One step at which bucket counts had to be raised; the steps of a metric are reported together. */
  forcedMonotonicity(
    metricName: string,
    position: PositionRange,
    timeMs: number,
    found: { minBucket: number; maxBucket: number; maxDifference: number },
  ): void {
    const known = this.monotonicity.get(metricName);
    if (known === undefined) {
      const entry = { position, minMs: timeMs, maxMs: timeMs, count: 1, ...found };
      this.monotonicity.set(metricName, entry);
      return;
    }
    known.minMs = Math.min(known.minMs, timeMs);
    known.maxMs = Math.max(known.maxMs, timeMs);
    known.minBucket = Math.min(known.minBucket, found.minBucket);
    known.maxBucket = Math.max(known.maxBucket, found.maxBucket);
    known.maxDifference = Math.max(known.maxDifference, found.maxDifference);
    known.count++;
  }

  /** Takes out the warnings and infos, in the order in which they came. */
  take(): Annotation[] {
    const taken: Annotation[] = [];
    for (const [text, position] of this.warnings) taken.push(['warning', text, position ?? null]);
    for (const [text, position] of this.infos) taken.push(['info', text, position ?? null]);
    this.warnings.clear();
    this.infos.clear();
    return taken;
  }

  /** Adds what {@link take} took from another collection. */
  add(annotations: readonly Annotation[]): void {
    for (const [kind, text, position] of annotations) {
      const texts = kind === 'warning' ? this.warnings : this.infos;
      if (!texts.has(text)) texts.set(text, position ?? undefined);
    }
  }

  /** The texts as the API prints them, at most {@link ANNOTATIONS_MAX} of each kind. */
  strings(query: string): { warnings: string[]; infos: string[] } {
    const placed = ([text, position]: [string, PositionRange | undefined]): string =>
      position === undefined ? text : `${text} (${placeText(query, position.start)})`;
    const infos = [...this.infos].map(placed);
    for (const [metricName, m] of this.monotonicity) {
      infos.push(
        'PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see ' +
          'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)' +
          `${forMetric(metricName)}, from buckets ${formatFloatG(m.minBucket)} to ` +
          `${formatFloatG(m.maxBucket)}, with a max diff of ${formatFloatG(m.maxDifference, 2)}, ` +
          `over ${m.count} samples from ${formatTimestamp(m.minMs)} to ` +
          `${formatTimestamp(m.maxMs)} (${placeText(query, m.position.start)})`,
      );
    }
    return {
      warnings: capped([...this.warnings].map(placed), 'warning'),
      infos: capped(infos, 'info'),
    };
  }
}

function capped(texts: string[], kind: 'warning' | 'info'): string[] {
  if (texts.length <= ANNOTATIONS_MAX) return texts;
  const rest = texts.length - ANNOTATIONS_MAX;
  return [...texts.slice(0, ANNOTATIONS_MAX), `${rest} more ${kind} annotations omitted`];
}
