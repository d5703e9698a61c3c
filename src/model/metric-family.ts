// SPDX-License-Identifier: Apache-2.0
// Metrics as clients expose them: families of metrics with values, summaries and histograms, as in
// io.prometheus.client. What parsers of whole bodies yield and writers of expositions take.

export type FamilyType =
  | 'counter'
  | 'gauge'
  | 'summary'
  | 'histogram'
  | 'gaugehistogram'
  | 'untyped';

/** Label names and values in turns, sorted by name: [name, value, name, value, …]. */
export type LabelPairs = readonly string[];

/** An example of what was counted. */
export interface MetricExemplar {
  readonly labels: LabelPairs;
  readonly value: number;
  readonly timeMs?: number;
}

/** One quantile of a summary or one cumulative bucket of a histogram. */
export interface DistributionPoint {
  /** The quantile (0..1) or the bucket's upper bound. */
  readonly bound: number;
  readonly value: number;
  readonly exemplar?: MetricExemplar;
}

/**
 * The sparse buckets of a native histogram, as they are on the wire. A histogram of integers has deltas
 * from bucket to bucket, one of floats absolute counts.
 */
export interface NativeBuckets {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** [offset, length, offset, length, …]: gaps before, and numbers of, consecutive buckets. */
  readonly negativeSpans: readonly number[];
  readonly negativeBuckets: readonly number[];
  readonly positiveSpans: readonly number[];
  readonly positiveBuckets: readonly number[];
  readonly exemplars: readonly MetricExemplar[];
}

/** What summaries and histograms have instead of a value. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Ascending by bound; a histogram's +Inf bucket may be left out. */
  readonly points: readonly DistributionPoint[];
  /** Counts are floats, not integers. */
  readonly isFloat?: boolean;
  readonly native?: NativeBuckets;
}

/** One metric: a label set with its value, or with its distribution. */
export interface Metric {
  readonly labels: LabelPairs;
  readonly value: number;
  readonly distribution?: Distribution;
  /** Only where the metric brought a time of its own, e.g. in federation. */
  readonly timestampMs?: number;
  /** When counting began, where that is known. */
  readonly createdMs?: number;
  /** Of a counter. */
  readonly exemplar?: MetricExemplar;
  /** The kind of value that came, where it is not the family's: a mistake of whoever wrote it. */
  readonly strayKind?: FamilyType | 'none';
}

/** All metrics of one name, in output order. */
export interface MetricFamily {
  readonly name: string;
  /** '' where there is none. */
  readonly help: string;
  readonly type: FamilyType;
  readonly unit?: string;
  readonly metrics: readonly Metric[];
}
