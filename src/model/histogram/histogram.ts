// SPDX-License-Identifier: Apache-2.0
// Native histograms: one sample that holds a whole distribution.
//
//   positive buckets   spans      (offset, length) pairs: [o0, l0, o1, l1, …]; o0 is a bucket index, each
//                                 later offset the gap after the span before
//                      buckets    the counts of all spans' buckets in a row, absolute
//   negative buckets   the same, mirrored (exponential schemas only)
//   zero bucket        [-zeroThreshold, zeroThreshold]
//
// Bucket i of an exponential schema s is (2^((i-1)/2^s), 2^(i/2^s)]; of custom buckets (schema -53) it is
// (customValues[i-1], customValues[i]], the first from -Inf, the last to +Inf.

/** What is known of the sample's relation to the one before it. */
export const CounterResetHint = { unknown: 0, reset: 1, notReset: 2, gauge: 3 } as const;
export type CounterResetHint = (typeof CounterResetHint)[keyof typeof CounterResetHint];

export const CUSTOM_BUCKETS_SCHEMA = -53;
export const EXPONENTIAL_SCHEMA_MIN = -4;
export const EXPONENTIAL_SCHEMA_MAX = 8;
/** What other programs may send: brought down to {@link EXPONENTIAL_SCHEMA_MAX} where it's taken in. */
export const EXPONENTIAL_SCHEMA_MAX_RESERVED = 52;
export const EXPONENTIAL_SCHEMA_MIN_RESERVED = -9;

export const isCustomBucketsSchema = (schema: number): boolean => schema === CUSTOM_BUCKETS_SCHEMA;
export const isExponentialSchema = (schema: number): boolean =>
  schema >= EXPONENTIAL_SCHEMA_MIN && schema <= EXPONENTIAL_SCHEMA_MAX;

const noSpans = new Int32Array(0);
const noCounts = new Float64Array(0);

export interface HistogramFields {
  readonly counterResetHint?: CounterResetHint;
  readonly schema: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans?: Int32Array;
  readonly positiveBuckets?: Float64Array;
  readonly negativeSpans?: Int32Array;
  readonly negativeBuckets?: Float64Array;
  readonly customValues?: Float64Array;
  readonly isFloat?: boolean;
}

/**
 * One native histogram sample. A value: nothing changes it or its arrays once it is made, so samples
 * may share arrays. Whether a sample is a staleness marker is told by the bits of the value column
 * beside it, not by `sum`.
 */
export class Histogram {
  readonly counterResetHint: CounterResetHint;
  /** -4..8: exponential, 2^schema buckets for each power of two; -53: custom buckets. */
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** All observations, NaN included. */
  readonly count: number;
  readonly sum: number;
  /** (offset, length) pairs. */
  readonly positiveSpans: Int32Array;
  /** Absolute counts, ascending by bucket index. */
  readonly positiveBuckets: Float64Array;
  readonly negativeSpans: Int32Array;
  readonly negativeBuckets: Float64Array;
  /** Upper bounds of custom buckets, ascending, without +Inf. */
  readonly customValues: Float64Array;
  /** Stored as a float histogram chunk; false = whole numbers, stored as an integer histogram chunk. */
  readonly isFloat: boolean;

  constructor(fields: HistogramFields) {
    this.counterResetHint = fields.counterResetHint ?? CounterResetHint.unknown;
    this.schema = fields.schema;
    this.zeroThreshold = fields.zeroThreshold ?? 0;
    this.zeroCount = fields.zeroCount ?? 0;
    this.count = fields.count;
    this.sum = fields.sum;
    this.positiveSpans = fields.positiveSpans ?? noSpans;
    this.positiveBuckets = fields.positiveBuckets ?? noCounts;
    this.negativeSpans = fields.negativeSpans ?? noSpans;
    this.negativeBuckets = fields.negativeBuckets ?? noCounts;
    this.customValues = fields.customValues ?? noCounts;
    this.isFloat = fields.isFloat ?? true;
  }

  get usesCustomBuckets(): boolean {
    return this.schema === CUSTOM_BUCKETS_SCHEMA;
  }

  /** The same histogram with another hint. */
  withHint(counterResetHint: CounterResetHint): Histogram {
    return counterResetHint === this.counterResetHint
      ? this
      : new Histogram({ ...this.fields(), counterResetHint });
  }

  fields(): HistogramFields {
    return {
      counterResetHint: this.counterResetHint,
      schema: this.schema,
      zeroThreshold: this.zeroThreshold,
      zeroCount: this.zeroCount,
      count: this.count,
      sum: this.sum,
      positiveSpans: this.positiveSpans,
      positiveBuckets: this.positiveBuckets,
      negativeSpans: this.negativeSpans,
      negativeBuckets: this.negativeBuckets,
      customValues: this.customValues,
      isFloat: this.isFloat,
    };
  }
}

/** Upstream's size of a float histogram in memory, bytes: what limits on samples count by. */
export function histogramSizeBytes(h: Histogram): number {
  const spans = (h.positiveSpans.length + h.negativeSpans.length) / 2;
  const numbers = h.positiveBuckets.length + h.negativeBuckets.length + h.customValues.length;
  return 168 + 8 * (spans + numbers);
}

/** For how many float samples a histogram counts in limits and statistics (16 bytes each). */
export const histogramSampleWeight = (h: Histogram): number =>
  Math.floor((histogramSizeBytes(h) + 8) / 16);
