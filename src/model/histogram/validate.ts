// SPDX-License-Identifier: Apache-2.0
// What a histogram from outside must keep to; texts are upstream's.

import { formatFloatFixed, formatFloatG } from '../float-text.ts';
import { type Histogram, isCustomBucketsSchema, isExponentialSchema } from './histogram.ts';

export type HistogramErrorCode =
  | 'count_not_big_enough'
  | 'count_mismatch'
  | 'negative_count'
  | 'negative_bucket_count'
  | 'span_negative_offset'
  | 'spans_buckets_mismatch'
  | 'custom_buckets_mismatch'
  | 'custom_buckets_invalid'
  | 'custom_buckets_infinite'
  | 'custom_buckets_nan'
  | 'custom_buckets_zero_count'
  | 'custom_buckets_zero_threshold'
  | 'custom_buckets_negative_spans'
  | 'custom_buckets_negative_buckets'
  | 'exponential_custom_bounds'
  | 'invalid_schema';

const texts: Readonly<Record<HistogramErrorCode, string>> = {
  count_not_big_enough:
    "histogram's observation count should be at least the number of observations found in the buckets",
  count_mismatch:
    "histogram's observation count should equal the number of observations found in the buckets " +
    '(in absence of NaN)',
  negative_count: "histogram's observation count is negative",
  negative_bucket_count: 'histogram has a bucket whose observation count is negative',
  span_negative_offset: 'histogram has a span whose offset is negative',
  spans_buckets_mismatch: 'histogram spans specify different number of buckets than provided',
  custom_buckets_mismatch: 'histogram custom bounds are too few',
  custom_buckets_invalid: 'histogram custom bounds must be in strictly increasing order',
  custom_buckets_infinite: 'histogram custom bounds must be finite',
  custom_buckets_nan: 'histogram custom bounds must not be NaN',
  custom_buckets_zero_count: 'custom buckets: must have zero count of 0',
  custom_buckets_zero_threshold: 'custom buckets: must have zero threshold of 0',
  custom_buckets_negative_spans: 'custom buckets: must not have negative spans',
  custom_buckets_negative_buckets: 'custom buckets: must not have negative buckets',
  exponential_custom_bounds: 'histogram with exponential schema must not have custom bounds',
  invalid_schema:
    'histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, ' +
    'or -53 for custom buckets',
};

/** A histogram that contradicts itself. */
export class HistogramError extends Error {
  override name = 'HistogramError';
  readonly code: HistogramErrorCode;
  constructor(code: HistogramErrorCode, message?: string) {
    super(message ?? texts[code]);
    this.code = code;
  }
}

const failed = (code: HistogramErrorCode, where: string): HistogramError =>
  new HistogramError(code, `${where}: ${texts[code]}`);

function checkSpans(
  spans: Int32Array,
  buckets: number,
  where: string,
  firstMayBeNegative: boolean,
) {
  let length = 0;
  for (let s = 0; s < spans.length; s += 2) {
    if (spans[s]! < 0 && (s > 0 || !firstMayBeNegative)) {
      const span = `${where}: span number ${s / 2 + 1} with offset ${spans[s]}`;
      throw failed('span_negative_offset', span);
    }
    length += spans[s + 1]!;
  }
  if (length !== buckets) {
    const need = `${where}: spans need ${length} buckets, have ${buckets} buckets`;
    throw failed('spans_buckets_mismatch', need);
  }
}

function checkCounts(counts: Float64Array, where: string): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count < 0) {
      const bucket = `bucket number ${i + 1} has observation count of ${formatFloatG(count)}`;
      throw failed('negative_bucket_count', `${where}: ${bucket}`);
    }
    total += count;
  }
  return total;
}

function checkBounds({ customValues, positiveSpans, positiveBuckets }: Histogram): void {
  const where = 'custom buckets';
  for (let i = 0; i < customValues.length; i++) {
    const bound = customValues[i]!;
    if (Number.isNaN(bound)) throw failed('custom_buckets_nan', where);
    if (i > 0 && bound <= customValues[i - 1]!) {
      const previous = formatFloatFixed(customValues[i - 1]!);
      const order = `${where}: previous bound is ${previous} and current is ${formatFloatFixed(bound)}`;
      throw failed('custom_buckets_invalid', order);
    }
  }
  if (customValues.at(-1) === Number.POSITIVE_INFINITY) {
    const last = `${where}: last +Inf bound must not be explicitly defined`;
    throw failed('custom_buckets_infinite', last);
  }
  checkSpans(positiveSpans, positiveBuckets.length, where, false);
  const span = positiveSpans.reduce((sum, part) => sum + part, 0);
  if (customValues.length + 1 < span) {
    const few =
      `${where}: only ${customValues.length} custom bounds defined which is insufficient to cover ` +
      `total span length of ${span}`;
    throw failed('custom_buckets_mismatch', few);
  }
}

function checkCustom(h: Histogram): void {
  checkBounds(h);
  if (h.zeroCount !== 0) throw new HistogramError('custom_buckets_zero_count');
  if (h.zeroThreshold !== 0) throw new HistogramError('custom_buckets_zero_threshold');
  if (h.negativeSpans.length > 0) throw new HistogramError('custom_buckets_negative_spans');
  if (h.negativeBuckets.length > 0) throw new HistogramError('custom_buckets_negative_buckets');
}

function checkExponential(h: Histogram): number {
  checkSpans(h.positiveSpans, h.positiveBuckets.length, 'positive side', true);
  checkSpans(h.negativeSpans, h.negativeBuckets.length, 'negative side', true);
  const negative = checkCounts(h.negativeBuckets, 'negative side');
  if (h.zeroCount < 0) {
    const zero = `zero bucket has observation count of ${formatFloatG(h.zeroCount)}`;
    throw failed('negative_bucket_count', zero);
  }
  if (h.customValues.length > 0) throw new HistogramError('exponential_custom_bounds');
  return negative;
}

/** @throws HistogramError when spans, buckets, bounds and counts do not fit together */
export function validateHistogram(h: Histogram): void {
  let observations = h.zeroCount;
  if (isCustomBucketsSchema(h.schema)) checkCustom(h);
  else if (isExponentialSchema(h.schema)) observations += checkExponential(h);
  else {
    const schema = `${texts.invalid_schema}, got schema ${h.schema}`;
    throw new HistogramError('invalid_schema', schema);
  }
  if (h.count < 0) {
    throw failed('negative_count', `observation count is  ${formatFloatG(h.count)}`);
  }
  observations += checkCounts(h.positiveBuckets, 'positive side');
  // Fractions don't add up exactly: only whole numbers are held to their count.
  if (h.isFloat) return;
  const found = `${observations} observations found in buckets, but the Count field is ${h.count}`;
  if (Number.isNaN(h.sum)) {
    if (observations > h.count) throw failed('count_not_big_enough', found);
  } else if (observations !== h.count) {
    throw failed('count_mismatch', found);
  }
}
