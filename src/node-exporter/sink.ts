// SPDX-License-Identifier: Apache-2.0
// Where collectors put what they read: families of metrics, each label set once.

import type { Metric, MetricFamily, MetricType } from '../metrics/index.ts';
import { compareMetrics } from '../metrics/index.ts';
import { compareText } from '../model/index.ts';

/** Name and value; a collector gives its pairs in name order. */
export type LabelPair = readonly [name: string, value: string];

const noLabels: readonly LabelPair[] = [];

interface Family {
  readonly help: string;
  readonly type: MetricType;
  readonly metrics: Metric[];
  readonly seen: Set<string>;
}

/** One gathering of one or more collectors. */
export class MetricSink {
  private readonly families = new Map<string, Family>();
  /** Texts of metrics that were refused: another type or help under the same name, or given twice. */
  readonly conflicts: string[] = [];

  gauge(name: string, help: string, value: number, labels = noLabels): void {
    this.add('gauge', name, help, { labels: flat(labels), value });
  }

  counter(name: string, help: string, value: number, labels = noLabels): void {
    this.add('counter', name, help, { labels: flat(labels), value });
  }

  untyped(name: string, help: string, value: number, labels = noLabels): void {
    this.add('untyped', name, help, { labels: flat(labels), value });
  }

  /** A whole family that came from elsewhere. */
  family(family: MetricFamily): void {
    for (const metric of family.metrics) this.add(family.type, family.name, family.help, metric);
  }

  private add(type: MetricType, name: string, help: string, metric: Metric): void {
    let family = this.families.get(name);
    if (family === undefined) {
      family = { help, type, metrics: [], seen: new Set() };
      this.families.set(name, family);
    }
    if (family.type !== type || family.help !== help) {
      this.conflicts.push(`${name}: type or help differs from what was collected before`);
      return;
    }
    const key = metric.labels.join('\xff');
    if (family.seen.has(key)) {
      this.conflicts.push(
        `${name}{${key.replaceAll('\xff', ' ')}} was collected before with the same labels`,
      );
      return;
    }
    family.seen.add(key);
    family.metrics.push(metric);
  }

  /** Sorted by name, metrics in output order. */
  gather(): MetricFamily[] {
    const gathered: MetricFamily[] = [];
    for (const [name, { help, type, metrics }] of this.families) {
      gathered.push({ name, help, type, metrics: metrics.sort(compareMetrics) });
    }
    return gathered.sort((a, b) => compareText(a.name, b.name));
  }
}

function flat(labels: readonly LabelPair[]): string[] {
  const pairs: string[] = [];
  for (const [name, value] of labels) pairs.push(name, value);
  return pairs;
}
