// SPDX-License-Identifier: Apache-2.0
// Sums, differences, multiples and other resolutions of histograms. All return new histograms.

import { assert } from '../../base/index.ts';
import { exponentialBound } from './bounds.ts';
import {
  type Buckets,
  bucketsOf,
  coarsened,
  compacted,
  firstOutside,
  mergeBuckets,
  spansOf,
} from './buckets.ts';
import {
  CUSTOM_BUCKETS_SCHEMA,
  CounterResetHint,
  Histogram,
  type HistogramFields,
} from './histogram.ts';

/** What came of combining two histograms. */
export interface Combined {
  readonly histogram: Histogram;
  /** One side said "reset" and the other "not reset". */
  readonly resetCollision: boolean;
  /** Custom bounds differed: only those that both have are left. */
  readonly boundsReconciled: boolean;
}

/** Zero bucket and both sides of an exponential histogram. */
export interface Exponential {
  zeroThreshold: number;
  zeroCount: number;
  positive: Buckets;
  negative: Buckets;
}

export const exponentialOf = (h: Histogram): Exponential => ({
  zeroThreshold: h.zeroThreshold,
  zeroCount: h.zeroCount,
  positive: bucketsOf(h.positiveSpans, h.positiveBuckets),
  negative: bucketsOf(h.negativeSpans, h.negativeBuckets),
});

/** The fields that hold `positive` and `negative`. */
export function bucketFields(
  positive: Buckets,
  negative?: Buckets,
): Pick<
  HistogramFields,
  'positiveSpans' | 'positiveBuckets' | 'negativeSpans' | 'negativeBuckets'
> {
  return {
    positiveSpans: spansOf(positive.indexes),
    positiveBuckets: positive.counts,
    ...(negative !== undefined && negative.indexes.length > 0
      ? { negativeSpans: spansOf(negative.indexes), negativeBuckets: negative.counts }
      : {}),
  };
}

/** The hint of a sum, and whether the two contradict each other. */
export function combinedHint(
  a: CounterResetHint,
  b: CounterResetHint,
): { readonly hint: CounterResetHint; readonly collision: boolean } {
  const { unknown, gauge } = CounterResetHint;
  if (a === b) return { hint: a, collision: false };
  if (a === gauge || b === gauge) return { hint: gauge, collision: false };
  if (a === unknown || b === unknown) return { hint: unknown, collision: false };
  return { hint: unknown, collision: true };
}

/**
 * The threshold from `wanted` upwards that is in no populated bucket: the first bucket that straddles it is
 * taken in whole.
 */
function settledThreshold({ positive, negative }: Exponential, schema: number, wanted: number) {
  let threshold = wanted;
  for (;;) {
    const up = straddled(positive, schema, threshold);
    if (up !== undefined) threshold = up;
    const down = straddled(negative, schema, threshold);
    if (down === undefined) return threshold;
    threshold = down;
  }
}

/** Upper bound of the populated bucket that `threshold` lies inside of. */
function straddled(b: Buckets, schema: number, threshold: number): number | undefined {
  for (let i = 0; i < b.indexes.length; i++) {
    const index = b.indexes[i]!;
    if (exponentialBound(index - 1, schema) >= threshold) return undefined;
    const upper = exponentialBound(index, schema);
    if (upper > threshold) return b.counts[i] === 0 ? undefined : upper;
  }
  return undefined;
}

const allInside = (b: Buckets, schema: number, threshold: number): number => {
  let i = 0;
  while (i < b.indexes.length && exponentialBound(b.indexes[i]! - 1, schema) < threshold) i++;
  return i;
};

const tail = ({ indexes, counts, lows }: Buckets, from: number): Buckets => ({
  indexes: indexes.subarray(from),
  counts: counts.subarray(from),
  lows: lows?.subarray(from),
});

/**
 * Widens the zero bucket to at least `wanted`; buckets inside of it move into it, with `add(count, low)`.
 */
export function widenZero(
  e: Exponential,
  schema: number,
  wanted: number,
  add: (count: number, low: number) => void,
): void {
  if (wanted <= e.zeroThreshold) return;
  const threshold = settledThreshold(e, schema, wanted);
  const move = (b: Buckets): Buckets => {
    const end = allInside(b, schema, threshold);
    for (let i = 0; i < end; i++) add(b.counts[i]!, b.lows?.[i] ?? 0);
    return tail(b, end);
  };
  e.positive = move(e.positive);
  e.negative = move(e.negative);
  e.zeroThreshold = threshold;
}

const addToZero = (e: Exponential) => (count: number) => {
  e.zeroCount += count;
};

/** Widens the zero buckets of both until they are the same. */
function reconcileZero(a: Exponential, aSchema: number, b: Exponential, bSchema: number): void {
  while (a.zeroThreshold !== b.zeroThreshold) {
    if (a.zeroThreshold > b.zeroThreshold) widenZero(b, bSchema, a.zeroThreshold, addToZero(b));
    else widenZero(a, aSchema, b.zeroThreshold, addToZero(a));
  }
}

/**
 * a + b, or a - b for `sign` -1. Resolutions and zero buckets are brought to the coarser one of both, custom
 * bounds to those that both have.
 *
 * @returns undefined for an exponential histogram with one of custom buckets: there is no sum
 */
export function combineHistograms(a: Histogram, b: Histogram, sign: 1 | -1): Combined | undefined {
  if (a.usesCustomBuckets !== b.usesCustomBuckets) return undefined;
  const { hint, collision } = combinedHint(a.counterResetHint, b.counterResetHint);
  const shared = {
    counterResetHint: hint,
    count: a.count + sign * b.count,
    sum: a.sum + sign * b.sum,
  };
  if (a.usesCustomBuckets) {
    const custom = combineCustom(a, b, sign);
    const histogram = new Histogram({ ...shared, schema: CUSTOM_BUCKETS_SCHEMA, ...custom.fields });
    return { histogram, resetCollision: collision, boundsReconciled: custom.reconciled };
  }
  const left = exponentialOf(a);
  const right = exponentialOf(b);
  reconcileZero(left, a.schema, right, b.schema);
  const schema = Math.min(a.schema, b.schema);
  const side = (x: Buckets, y: Buckets): Buckets => {
    const other = coarsened(y, b.schema, schema);
    const from = firstOutside(other, schema, left.zeroThreshold);
    return mergeBuckets(coarsened(x, a.schema, schema), other, from, sign, false);
  };
  const histogram = new Histogram({
    ...shared,
    schema,
    zeroThreshold: left.zeroThreshold,
    zeroCount: left.zeroCount + sign * right.zeroCount,
    ...bucketFields(side(left.positive, right.positive), side(left.negative, right.negative)),
  });
  return { histogram, resetCollision: collision, boundsReconciled: false };
}

export function sameBounds(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bounds that both have; both ascend. */
export function commonBounds(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(Math.min(a.length, b.length));
  let n = 0;
  let i = 0;
  let k = 0;
  while (i < a.length && k < b.length) {
    if (a[i] === b[k]) {
      out[n++] = a[i]!;
      i++;
      k++;
    } else if (a[i]! < b[k]!) i++;
    else k++;
  }
  return out.subarray(0, n);
}

/** Custom buckets of `from` bounds brought to `to` bounds, which are among them. */
export function rebucketed(b: Buckets, from: Float64Array, to: Float64Array): Buckets {
  const indexes = new Int32Array(b.indexes.length);
  const counts = new Float64Array(b.indexes.length);
  const lows = b.lows === undefined ? undefined : new Float64Array(b.indexes.length);
  let n = 0;
  let target = 0;
  for (let i = 0; i < b.indexes.length; i++) {
    const index = b.indexes[i]!;
    if (index >= from.length) target = to.length;
    else while (target < to.length && to[target]! < from[index]!) target++;
    if (n === 0 || indexes[n - 1] !== target) indexes[n++] = target;
    counts[n - 1] = counts[n - 1]! + b.counts[i]!;
    if (lows !== undefined) lows[n - 1] = lows[n - 1]! + b.lows![i]!;
  }
  return {
    indexes: indexes.subarray(0, n),
    counts: counts.subarray(0, n),
    lows: lows?.subarray(0, n),
  };
}

function combineCustom(a: Histogram, b: Histogram, sign: 1 | -1) {
  let left = bucketsOf(a.positiveSpans, a.positiveBuckets);
  let right = bucketsOf(b.positiveSpans, b.positiveBuckets);
  let customValues = a.customValues;
  const reconciled = !sameBounds(a.customValues, b.customValues);
  if (reconciled) {
    customValues = commonBounds(a.customValues, b.customValues);
    left = rebucketed(left, a.customValues, customValues);
    right = rebucketed(right, b.customValues, customValues);
  }
  const merged = mergeBuckets(left, right, 0, sign, false);
  return { fields: { customValues, ...bucketFields(merged) }, reconciled };
}

/** Every count and the sum times `factor`. A negative factor makes a gauge. */
export function scaleHistogram(h: Histogram, factor: number): Histogram {
  return new Histogram({
    ...h.fields(),
    isFloat: true,
    counterResetHint: factor < 0 ? CounterResetHint.gauge : h.counterResetHint,
    zeroCount: h.zeroCount * factor,
    count: h.count * factor,
    sum: h.sum * factor,
    positiveBuckets: h.positiveBuckets.map((count) => count * factor),
    negativeBuckets: h.negativeBuckets.map((count) => count * factor),
  });
}

/** Every count and the sum divided by `divisor`. Division by zero leaves no buckets. */
export function divideHistogram(h: Histogram, divisor: number): Histogram {
  const shared = {
    ...h.fields(),
    isFloat: true,
    zeroCount: h.zeroCount / divisor,
    count: h.count / divisor,
    sum: h.sum / divisor,
  };
  if (divisor === 0) {
    return new Histogram({
      ...shared,
      positiveSpans: new Int32Array(0),
      positiveBuckets: new Float64Array(0),
      negativeSpans: new Int32Array(0),
      negativeBuckets: new Float64Array(0),
    });
  }
  return new Histogram({
    ...shared,
    counterResetHint: divisor < 0 ? CounterResetHint.gauge : h.counterResetHint,
    positiveBuckets: h.positiveBuckets.map((count) => count / divisor),
    negativeBuckets: h.negativeBuckets.map((count) => count / divisor),
  });
}

/** The same distribution at resolution `schema`, which must not be finer. The hint is kept. */
export function reduceResolution(h: Histogram, schema: number): Histogram {
  if (schema === h.schema) return h;
  assert(!h.usesCustomBuckets && schema !== CUSTOM_BUCKETS_SCHEMA, 'custom buckets have no schema');
  assert(schema < h.schema, `cannot reduce resolution from schema ${h.schema} to ${schema}`);
  const { positive, negative } = exponentialOf(h);
  return new Histogram({
    ...h.fields(),
    schema,
    negativeSpans: new Int32Array(0),
    negativeBuckets: new Float64Array(0),
    ...bucketFields(coarsened(positive, h.schema, schema), coarsened(negative, h.schema, schema)),
  });
}

function isCompact(spans: Int32Array, counts: Float64Array, emptyMax: number): boolean {
  for (let i = 0; i < counts.length; i++) if (counts[i] === 0) return false;
  for (let s = 0; s < spans.length; s += 2) {
    if (spans[s + 1] === 0 || (s > 0 && spans[s]! <= emptyMax)) return false;
  }
  return true;
}

/** Without empty buckets, except in gaps of at most `emptyMax` of them; the fewest spans. */
export function compactHistogram(h: Histogram, emptyMax = 0): Histogram {
  if (
    isCompact(h.positiveSpans, h.positiveBuckets, emptyMax) &&
    isCompact(h.negativeSpans, h.negativeBuckets, emptyMax)
  ) {
    return h;
  }
  const { positive, negative } = exponentialOf(h);
  return new Histogram({
    ...h.fields(),
    negativeSpans: new Int32Array(0),
    negativeBuckets: new Float64Array(0),
    ...bucketFields(compacted(positive, emptyMax), compacted(negative, emptyMax)),
  });
}
