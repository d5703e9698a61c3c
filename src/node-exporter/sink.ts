// SPDX-License-Identifier: Apache-2.0
// Where collectors put what they read: families of metrics, each label set once.

import { assert } from '../base/index.ts';
import type { Metric, MetricFamily, MetricType } from '../metrics/index.ts';
import { compareMetrics } from '../metrics/index.ts';
import { compareText } from '../model/index.ts';

/** A family of metrics as a collector declares it, once, at module level. */
export interface Descriptor {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** In name order. */
  readonly labelNames: readonly string[];
}

function descriptor(
  type: MetricType,
  name: string,
  help: string,
  labelNames: readonly string[],
): Descriptor {
  for (let i = 1; i < labelNames.length; i++)
    assert(labelNames[i - 1]! < labelNames[i]!, `BUG: labels of ${name} are not in name order`);
  return { name, help, type, labelNames };
}

export const gauge = (name: string, help: string, ...labelNames: readonly string[]): Descriptor =>
  descriptor('gauge', name, help, labelNames);
export const counter = (name: string, help: string, ...labelNames: readonly string[]): Descriptor =>
  descriptor('counter', name, help, labelNames);
export const untyped = (name: string, help: string, ...labelNames: readonly string[]): Descriptor =>
  descriptor('untyped', name, help, labelNames);

interface Family {
  readonly help: string;
  readonly type: MetricType;
  readonly metrics: Metric[];
}

/** One gathering of one or more collectors. */
export class MetricSink {
  private readonly families = new Map<string, Family>();
  /** Texts of metrics that were refused: another type or help under the same name, or given twice. */
  readonly conflicts: string[] = [];

  /** Adds one metric; the label values in the order of the descriptor's names. */
  add(to: Descriptor, value: number, ...labelValues: readonly string[]): void {
    const { labelNames } = to;
    const labels: string[] = new Array(labelNames.length * 2);
    for (let i = 0; i < labelNames.length; i++) {
      labels[2 * i] = labelNames[i]!;
      labels[2 * i + 1] = labelValues[i]!;
    }
    this.push(to, { labels, value });
  }

  /** A whole family that came from elsewhere. */
  family(family: MetricFamily): void {
    for (const metric of family.metrics) this.push(family, metric);
  }

  private push(to: Pick<MetricFamily, 'name' | 'help' | 'type'>, metric: Metric): void {
    const family = this.families.get(to.name);
    if (family === undefined)
      this.families.set(to.name, { help: to.help, type: to.type, metrics: [metric] });
    else if (family.type !== to.type || family.help !== to.help)
      this.conflicts.push(`${to.name}: type or help differs from what was collected before`);
    else family.metrics.push(metric);
  }

  /** Moves everything of `other` into this one. */
  absorb(other: MetricSink): void {
    for (const [name, family] of other.families) {
      if (this.families.has(name)) this.family({ name, ...family });
      else this.families.set(name, family);
    }
    for (const conflict of other.conflicts) this.conflicts.push(conflict);
  }

  /** Sorted by name, metrics in output order, of equal ones only the first. */
  gather(): MetricFamily[] {
    const gathered: MetricFamily[] = [];
    for (const [name, { help, type, metrics }] of this.families) {
      if (metrics.length > 1) metrics.sort(compareMetrics);
      gathered.push({ name, help, type, metrics: this.withoutDuplicates(name, metrics) });
    }
    return gathered.sort((a, b) => compareText(a.name, b.name));
  }

  private withoutDuplicates(name: string, sorted: Metric[]): Metric[] {
    let duplicates = false;
    for (let i = 1; i < sorted.length && !duplicates; i++)
      duplicates = isSame(sorted[i - 1]!, sorted[i]!);
    if (!duplicates) return sorted;
    return sorted.filter((metric, i) => {
      if (i === 0 || !isSame(sorted[i - 1]!, metric)) return true;
      this.conflicts.push(
        `${name}{${metric.labels.join(' ')}} was collected before with the same labels`,
      );
      return false;
    });
  }
}

/** Same names and values of labels. */
function isSame(a: Metric, b: Metric): boolean {
  if (a.labels.length !== b.labels.length) return false;
  for (let i = a.labels.length - 1; i >= 0; i--) if (a.labels[i] !== b.labels[i]) return false;
  return true;
}
