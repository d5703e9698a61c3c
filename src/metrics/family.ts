// SPDX-License-Identifier: Apache-2.0
// What one gathering of instruments yields: families of metrics, flat enough for thousands of series.

import type { FamilyType, Metric, MetricFamily } from '../model/index.ts';
import { compareText } from '../model/index.ts';

export type {
  Distribution,
  DistributionPoint,
  LabelPairs,
  Metric,
  MetricFamily,
} from '../model/index.ts';
export type MetricType = FamilyType;

/** Order of the metrics of a family: fewer labels first, then by values, as client libraries do. */
export function compareMetrics(a: Metric, b: Metric): number {
  const x = a.labels;
  const y = b.labels;
  if (x.length !== y.length) return x.length - y.length;
  for (let i = 1; i < x.length; i += 2) {
    if (x[i] !== y[i]) return compareText(x[i]!, y[i]!);
  }
  return 0;
}

/** For each label in name order, its index in `names`: sorting is done once for all metrics. */
export function labelOrder(names: readonly string[]): readonly number[] {
  return names.map((_, i) => i).sort((a, b) => compareText(names[a]!, names[b]!));
}

/** Pairs of `names` and `values` (same order) put into the order of {@link labelOrder}. */
export function orderedPairs(
  names: readonly string[],
  values: readonly string[],
  order: readonly number[],
): string[] {
  const pairs: string[] = new Array(order.length * 2);
  for (let k = 0; k < order.length; k++) {
    pairs[2 * k] = names[order[k]!]!;
    pairs[2 * k + 1] = values[order[k]!]!;
  }
  return pairs;
}

/**
 * Collects one family of counters, gauges or untyped metrics whose label names are all the same. The way
 * for collectors that read everything afresh at each gathering.
 */
export class FamilyBuilder implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly metrics: Metric[] = [];
  private readonly labelNames: readonly string[];
  private readonly order: readonly number[];

  constructor(name: string, help: string, type: MetricType, labelNames: readonly string[] = []) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.labelNames = labelNames;
    this.order = labelOrder(labelNames);
  }

  /** Adds a metric; `labelValues` in the order of the builder's label names. */
  add(value: number, ...labelValues: readonly string[]): this {
    this.metrics.push({ labels: orderedPairs(this.labelNames, labelValues, this.order), value });
    return this;
  }
}
