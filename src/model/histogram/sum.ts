// SPDX-License-Identifier: Apache-2.0
// Sums of many histograms, compensated as upstream's (Neumaier) so that the order hardly matters.

import {
  bucketFields,
  combinedHint,
  commonBounds,
  divideHistogram,
  exponentialOf,
  rebucketed,
  sameBounds,
  widenZero,
} from './arithmetic.ts';
import {
  type Buckets,
  bucketsOf,
  coarsened,
  firstOutside,
  mergeBuckets,
  nextLow,
} from './buckets.ts';
import { type CounterResetHint, Histogram } from './histogram.ts';

/** What adding a histogram to a sum met; bits of {@link HistogramSum.add}'s result. */
export const SumNote = {
  none: 0,
  resetCollision: 1,
  boundsReconciled: 2,
  incompatible: 4,
} as const;

const empty: Buckets = {
  indexes: new Int32Array(0),
  counts: new Float64Array(0),
  lows: undefined,
};

/** Counts with their compensations taken in. */
function settled({ indexes, counts, lows }: Buckets): Buckets {
  if (lows === undefined) return { indexes, counts, lows };
  return { indexes, counts: counts.map((count, i) => count + lows[i]!), lows: undefined };
}

/** A growing sum. Adding costs as much as the histogram has buckets. */
export class HistogramSum {
  private hint: CounterResetHint;
  private schema: number;
  private zeroThreshold: number;
  private zeroCount: number;
  private zeroLow = 0;
  private count: number;
  private countLow = 0;
  private sum: number;
  private sumLow = 0;
  private positive: Buckets;
  private negative: Buckets = empty;
  private customValues: Float64Array;

  constructor(first: Histogram) {
    this.hint = first.counterResetHint;
    this.schema = first.schema;
    this.zeroThreshold = first.zeroThreshold;
    this.zeroCount = first.zeroCount;
    this.count = first.count;
    this.sum = first.sum;
    this.positive = bucketsOf(first.positiveSpans, first.positiveBuckets);
    if (first.negativeBuckets.length > 0) {
      this.negative = bucketsOf(first.negativeSpans, first.negativeBuckets);
    }
    this.customValues = first.customValues;
  }

  private addZero(count: number, low: number): void {
    const total = this.zeroCount + count;
    this.zeroLow = nextLow(this.zeroLow + low, this.zeroCount, count, total);
    this.zeroCount = total;
  }

  /** Adds `h`, or takes it away for `sign` -1. Bits of {@link SumNote}; incompatible ones are not added. */
  add(h: Histogram, sign: 1 | -1 = 1): number {
    const custom = h.usesCustomBuckets;
    if (custom !== (this.schema === -53)) return SumNote.incompatible;
    const { hint, collision } = combinedHint(this.hint, h.counterResetHint);
    this.hint = hint;
    const count = this.count + sign * h.count;
    this.countLow = nextLow(this.countLow, this.count, sign * h.count, count);
    this.count = count;
    const sum = this.sum + sign * h.sum;
    this.sumLow = nextLow(this.sumLow, this.sum, sign * h.sum, sum);
    this.sum = sum;
    const reconciled = custom ? this.addCustom(h, sign) : false;
    if (!custom) this.addExponential(h, sign);
    return (collision ? SumNote.resetCollision : 0) | (reconciled ? SumNote.boundsReconciled : 0);
  }

  private addCustom(h: Histogram, sign: number): boolean {
    let other = bucketsOf(h.positiveSpans, h.positiveBuckets);
    const reconciled = !sameBounds(this.customValues, h.customValues);
    if (reconciled) {
      const bounds = commonBounds(this.customValues, h.customValues);
      this.positive = rebucketed(this.positive, this.customValues, bounds);
      other = rebucketed(other, h.customValues, bounds);
      this.customValues = bounds;
    }
    this.positive = mergeBuckets(this.positive, other, 0, sign, true);
    return reconciled;
  }

  private addExponential(h: Histogram, sign: number): void {
    const other = exponentialOf(h);
    while (this.zeroThreshold !== other.zeroThreshold) {
      if (this.zeroThreshold > other.zeroThreshold) {
        widenZero(other, h.schema, this.zeroThreshold, (count) => {
          other.zeroCount += count;
        });
      } else {
        this.widen(other.zeroThreshold);
      }
    }
    this.addZero(sign * other.zeroCount, 0);
    const schema = Math.min(this.schema, h.schema);
    const side = (mine: Buckets, its: Buckets): Buckets => {
      const coarse = coarsened(its, h.schema, schema);
      const from = firstOutside(coarse, schema, this.zeroThreshold);
      return mergeBuckets(coarsened(mine, this.schema, schema), coarse, from, sign, true);
    };
    this.positive = side(this.positive, other.positive);
    this.negative = side(this.negative, other.negative);
    this.schema = schema;
  }

  private widen(threshold: number): void {
    const { zeroThreshold, zeroCount, positive, negative } = this;
    const state = { zeroThreshold, zeroCount, positive, negative };
    widenZero(state, this.schema, threshold, (count, low) => {
      this.addZero(count, low);
    });
    this.zeroThreshold = state.zeroThreshold;
    this.positive = state.positive;
    this.negative = state.negative;
  }

  /** Whether the sum left the range of numbers in any part. */
  get hasOverflowed(): boolean {
    const infinite = (value: number): boolean => value === Infinity || value === -Infinity;
    return (
      infinite(this.zeroCount) ||
      infinite(this.count) ||
      infinite(this.sum) ||
      this.positive.counts.some(infinite) ||
      this.negative.counts.some(infinite)
    );
  }

  /** A sum of its own with the same state. */
  clone(): HistogramSum {
    // The arrays are never written to once they stand here, so both may use them.
    return Object.assign(Object.create(HistogramSum.prototype) as HistogramSum, this);
  }

  /** Multiplies the sum, compensations included. */
  scale(factor: number): void {
    const scaled = ({ indexes, counts, lows }: Buckets): Buckets => ({
      indexes,
      counts: counts.map((count) => count * factor),
      lows: lows?.map((low) => low * factor),
    });
    this.zeroCount *= factor;
    this.zeroLow *= factor;
    this.count *= factor;
    this.countLow *= factor;
    this.sum *= factor;
    this.sumLow *= factor;
    this.positive = scaled(this.positive);
    this.negative = scaled(this.negative);
  }

  /** Divides as {@link scale} multiplies. */
  divide(divisor: number): void {
    const divided = ({ indexes, counts, lows }: Buckets): Buckets => ({
      indexes,
      counts: counts.map((count) => count / divisor),
      lows: lows?.map((low) => low / divisor),
    });
    this.zeroCount /= divisor;
    this.zeroLow /= divisor;
    this.count /= divisor;
    this.countLow /= divisor;
    this.sum /= divisor;
    this.sumLow /= divisor;
    this.positive = divided(this.positive);
    this.negative = divided(this.negative);
  }

  /** The sum so far. The accumulator may be used on. */
  result(): Histogram {
    return new Histogram({
      counterResetHint: this.hint,
      schema: this.schema,
      zeroThreshold: this.zeroThreshold,
      zeroCount: this.zeroCount + this.zeroLow,
      count: this.count + this.countLow,
      sum: this.sum + this.sumLow,
      customValues: this.customValues,
      ...bucketFields(settled(this.positive), settled(this.negative)),
    });
  }
}

/** The mean of many histograms: of their sum, or incremental once the sum would overflow. */
export class HistogramMean {
  private sum: HistogramSum;
  private count = 1;
  private incremental = false;

  constructor(first: Histogram) {
    this.sum = new HistogramSum(first);
  }

  /** Bits of {@link SumNote}. */
  add(h: Histogram): number {
    this.count++;
    const { count } = this;
    if (!this.incremental) {
      const next = this.sum.clone();
      const note = next.add(h);
      if ((note & SumNote.incompatible) !== 0) return note;
      if (!next.hasOverflowed) {
        this.sum = next;
        return note;
      }
      this.incremental = true;
      this.sum.divide(count - 1);
    }
    this.sum.scale((count - 1) / count);
    return this.sum.add(divideHistogram(h, count));
  }

  result(): Histogram {
    if (this.incremental) return this.sum.result();
    const mean = this.sum.clone();
    mean.divide(this.count);
    return mean.result();
  }
}
