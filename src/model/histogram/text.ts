// SPDX-License-Identifier: Apache-2.0
// Histograms as people and clients read them.

import { formatFloatG } from '../float-text.ts';
import { allBuckets, bucketEnds } from './all-buckets.ts';
import { compactHistogram } from './arithmetic.ts';
import { CounterResetHint, type Histogram } from './histogram.ts';

/** `{count:3, sum:4.5, [-1,-0.5):1, [-0.001,0.001]:1, (0.5,1]:1}`; empty buckets are left out. */
export function formatHistogram(h: Histogram): string {
  const parts = [`count:${formatFloatG(h.count)}`, `sum:${formatFloatG(h.sum)}`];
  const buckets = allBuckets(h, false);
  for (let i = 0; i < buckets.count; i++) {
    const count = buckets.counts[i]!;
    if (count === 0) continue;
    const ends = bucketEnds(h, buckets, i);
    const lower = (ends.lower ? '[' : '(') + formatFloatG(buckets.lowers[i]!);
    const upper = formatFloatG(buckets.uppers[i]!) + (ends.upper ? ']' : ')');
    parts.push(`${lower},${upper}:${formatFloatG(count)}`);
  }
  return `{${parts.join(', ')}}`;
}

/** Codes of the API for which ends of a bucket belong to it. */
export const BucketBoundary = {
  openLeft: 0,
  openRight: 1,
  open: 2,
  closed: 3,
} as const;

/** Calls `each` for every populated bucket, ascending, as the API's JSON lists them. */
export function forEachBucket(
  h: Histogram,
  each: (boundary: number, lower: number, upper: number, count: number) => void,
): void {
  const buckets = allBuckets(h);
  for (let i = 0; i < buckets.count; i++) {
    const count = buckets.counts[i]!;
    if (count === 0) continue;
    const ends = bucketEnds(h, buckets, i);
    const { openLeft, openRight, open, closed } = BucketBoundary;
    const boundary = ends.lower ? (ends.upper ? closed : openRight) : ends.upper ? openLeft : open;
    each(boundary, buckets.lowers[i]!, buckets.uppers[i]!, count);
  }
}

const hintTexts: Readonly<Record<CounterResetHint, string>> = {
  [CounterResetHint.unknown]: '',
  [CounterResetHint.reset]: 'counter_reset_hint:reset',
  [CounterResetHint.notReset]: 'counter_reset_hint:not_reset',
  [CounterResetHint.gauge]: 'counter_reset_hint:gauge',
};

/** As the series of rule tests are written: `{{schema:1 count:3 sum:5 buckets:[1 2]}}`. */
export function formatTestHistogram(histogram: Histogram): string {
  const h = compactHistogram(histogram, Number.MAX_SAFE_INTEGER);
  const parts: string[] = [];
  const number = (name: string, value: number): void => {
    if (value !== 0) parts.push(`${name}:${formatFloatG(value)}`);
  };
  number('schema', h.schema);
  number('count', h.count);
  number('sum', h.sum);
  number('z_bucket', h.zeroCount);
  number('z_bucket_w', h.zeroThreshold);
  const list = (values: Float64Array): string =>
    `[${[...values].map((v) => formatFloatG(v)).join(' ')}]`;
  if (h.usesCustomBuckets) parts.push(`custom_values:${list(h.customValues)}`);
  const hint = hintTexts[h.counterResetHint];
  if (hint !== '') parts.push(hint);
  const side = (prefix: string, spans: Int32Array, counts: Float64Array): void => {
    number(`${prefix}offset`, spans[0] ?? 0);
    if (counts.length > 0) parts.push(`${prefix}buckets:${list(counts)}`);
  };
  side('', h.positiveSpans, h.positiveBuckets);
  side('n_', h.negativeSpans, h.negativeBuckets);
  return `{{${parts.join(' ')}}}`;
}
