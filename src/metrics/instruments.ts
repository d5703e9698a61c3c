// SPDX-License-Identifier: Apache-2.0
// The instruments that components count with. Updating one is a few number operations; keep the object
// returned by `with` where a loop needs it.

import type { Clock, Prng } from '../base/index.ts';
import type { Distribution, DistributionPoint, LabelPairs, Metric } from './family.ts';
import { labelOrder, orderedPairs } from './family.ts';

/** A value that only grows. */
export class Counter {
  private total = 0;

  /** Adds `amount` >= 0. */
  inc(amount = 1): void {
    this.total += amount;
  }

  get value(): number {
    return this.total;
  }

  read(labels: LabelPairs): Metric {
    return { labels, value: this.total };
  }
}

/** A value that goes up and down. */
export class Gauge {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  inc(amount = 1): void {
    this.value += amount;
  }

  dec(amount = 1): void {
    this.value -= amount;
  }

  read(labels: LabelPairs): Metric {
    return { labels, value: this.value };
  }
}

export interface HistogramOptions {
  /** Upper bounds, ascending, without +Inf. */
  readonly buckets: readonly number[];
}

/** Counts observations in fixed buckets. */
export class Histogram {
  private readonly bounds: readonly number[];
  private readonly counts: Float64Array;
  private sum = 0;
  private count = 0;

  constructor(options: HistogramOptions) {
    this.bounds = options.buckets;
    this.counts = new Float64Array(options.buckets.length);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (let i = 0; i < this.bounds.length; i++) {
      if (value <= this.bounds[i]!) {
        this.counts[i]!++;
        return;
      }
    }
  }

  read(labels: LabelPairs): Metric {
    const points: DistributionPoint[] = [];
    let cumulative = 0;
    for (let i = 0; i < this.bounds.length; i++) {
      cumulative += this.counts[i]!;
      points.push({ bound: this.bounds[i]!, value: cumulative });
    }
    const distribution: Distribution = { count: this.count, sum: this.sum, points };
    return { labels, value: 0, distribution };
  }
}

export interface SummaryOptions {
  /** Quantiles to report, ascending, each 0..1. */
  readonly quantiles: readonly number[];
  /** Length of the sliding window; 10 minutes unless told. */
  readonly maxAgeMs?: number;
}

const SUMMARY_MAX_AGE_MS = 600_000;
/** The window moves on in this many steps. */
const AGE_BUCKETS = 5;
/** Observations kept for each step of the window; beyond them a uniform sample of them all. */
const AGE_BUCKET_OBSERVATIONS_MAX = 500;

interface AgeBucket {
  readonly values: number[];
  count: number;
}

/**
 * Streaming quantiles over a sliding window, with count and sum since the start. Exact while a step of
 * the window has at most {@link AGE_BUCKET_OBSERVATIONS_MAX} observations, sampled beyond.
 */
export class Summary {
  private readonly quantiles: readonly number[];
  private readonly stepMs: number;
  private readonly clock: Clock;
  private readonly prng: Prng;
  private buckets: AgeBucket[] = [{ values: [], count: 0 }];
  private stepEndMs: number;
  private sum = 0;
  private count = 0;

  constructor(options: SummaryOptions, clock: Clock, prng: Prng) {
    this.quantiles = options.quantiles;
    this.stepMs = (options.maxAgeMs ?? SUMMARY_MAX_AGE_MS) / AGE_BUCKETS;
    this.clock = clock;
    this.prng = prng;
    this.stepEndMs = clock.monotonicMs() + this.stepMs;
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    this.moveOn();
    const bucket = this.buckets[this.buckets.length - 1]!;
    bucket.count++;
    if (bucket.values.length < AGE_BUCKET_OBSERVATIONS_MAX) {
      bucket.values.push(value);
      return;
    }
    // Reservoir sampling: every observation of the step ends up kept with the same probability.
    const slot = this.prng.below(bucket.count);
    if (slot < AGE_BUCKET_OBSERVATIONS_MAX) bucket.values[slot] = value;
  }

  read(labels: LabelPairs): Metric {
    this.moveOn();
    const weighted: { value: number; weight: number }[] = [];
    let total = 0;
    for (const { values, count } of this.buckets) {
      const weight = count / values.length;
      for (const value of values) weighted.push({ value, weight });
      total += count;
    }
    weighted.sort((a, b) => a.value - b.value);
    const points: DistributionPoint[] = [];
    let i = 0;
    let rank = 0;
    for (const bound of this.quantiles) {
      while (i < weighted.length && rank + weighted[i]!.weight < bound * total) {
        rank += weighted[i]!.weight;
        i++;
      }
      const at = weighted[Math.min(i, weighted.length - 1)];
      points.push({ bound, value: at === undefined ? Number.NaN : at.value });
    }
    return { labels, value: 0, distribution: { count: this.count, sum: this.sum, points } };
  }

  /** Opens the age bucket that now belongs to, and forgets those that left the window. */
  private moveOn(): void {
    const now = this.clock.monotonicMs();
    if (now < this.stepEndMs) return;
    const steps = Math.floor((now - this.stepEndMs) / this.stepMs) + 1;
    for (let k = Math.max(0, steps - AGE_BUCKETS); k < steps; k++) {
      this.buckets.push({ values: [], count: 0 });
    }
    this.buckets = this.buckets.slice(-AGE_BUCKETS);
    this.stepEndMs += steps * this.stepMs;
  }
}

/** What a {@link Vec} holds: an instrument that can be read. */
export interface Instrument {
  read(labels: LabelPairs): Metric;
}

/** Instruments of one family, one for each combination of label values. */
export class Vec<Kind extends Instrument> {
  private readonly labelNames: readonly string[];
  private readonly order: readonly number[];
  private readonly create: () => Kind;
  private readonly children = new Map<string, { instrument: Kind; labels: LabelPairs }>();

  constructor(labelNames: readonly string[], create: () => Kind) {
    this.labelNames = labelNames;
    this.order = labelOrder(labelNames);
    this.create = create;
  }

  /** The instrument of these label values (in the order of the label names), made when new. */
  with(...values: readonly string[]): Kind {
    const key = values.join('\xff');
    const known = this.children.get(key);
    if (known !== undefined) return known.instrument;
    const instrument = this.create();
    const labels = orderedPairs(this.labelNames, values, this.order);
    this.children.set(key, { instrument, labels });
    return instrument;
  }

  /** Forgets one combination: it is no longer reported. */
  remove(...values: readonly string[]): void {
    this.children.delete(values.join('\xff'));
  }

  /** Forgets all. */
  clear(): void {
    this.children.clear();
  }

  readAll(): Metric[] {
    const metrics: Metric[] = [];
    for (const { instrument, labels } of this.children.values()) {
      metrics.push(instrument.read(labels));
    }
    return metrics;
  }
}
