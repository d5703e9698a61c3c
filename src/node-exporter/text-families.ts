// SPDX-License-Identifier: Apache-2.0
// A file in text format 0.0.4 as metric families: what the textfile collector passes on.

import { ExpositionParser } from '../exposition/index.ts';
import type { Distribution, DistributionPoint, MetricType } from '../metrics/index.ts';
import type { Label } from '../model/index.ts';
import { compareText } from '../model/index.ts';
import { SourceError } from './text.ts';

/** One metric before label sets of a family are made equal. */
export interface ParsedMetric {
  readonly labels: ReadonlyMap<string, string>;
  value: number;
  distribution: MutableDistribution | undefined;
}

interface MutableDistribution extends Distribution {
  count: number;
  sum: number;
  readonly points: DistributionPoint[];
}

export interface ParsedFamily {
  readonly name: string;
  /** Undefined or empty when the file has no help for it. */
  help: string | undefined;
  type: MetricType;
  readonly metrics: ParsedMetric[];
}

const typeOf = (type: string): MetricType =>
  type === 'counter' || type === 'gauge' || type === 'summary' || type === 'histogram'
    ? type
    : 'untyped';

/** Suffixes of the sample names of a distribution and the label that tells its points apart. */
const distributionParts: Readonly<Record<string, { suffixes: string[]; bound: string }>> = {
  summary: { suffixes: ['_sum', '_count', ''], bound: 'quantile' },
  histogram: { suffixes: ['_bucket', '_sum', '_count'], bound: 'le' },
};

class FamilyReader {
  readonly families = new Map<string, ParsedFamily>();
  private readonly metrics = new Map<string, ParsedMetric>();

  family(name: string): ParsedFamily {
    let family = this.families.get(name);
    if (family === undefined) {
      family = { name, help: undefined, type: 'untyped', metrics: [] };
      this.families.set(name, family);
    }
    return family;
  }

  /** The family that a sample belongs to and its role in it ('' = plain value). */
  private placeOf(name: string): { family: ParsedFamily; suffix: string } {
    for (const suffix of ['_bucket', '_sum', '_count']) {
      if (!name.endsWith(suffix)) continue;
      const family = this.families.get(name.slice(0, -suffix.length));
      if (family !== undefined && distributionParts[family.type]?.suffixes.includes(suffix)) {
        return { family, suffix };
      }
    }
    return { family: this.family(name), suffix: '' };
  }

  sample(labels: readonly Label[], value: number): void {
    const name = labels.find((label) => label.name === '__name__')?.value ?? '';
    const { family, suffix } = this.placeOf(name);
    const bound = distributionParts[family.type]?.bound;
    const own = labels.filter((label) => label.name !== '__name__' && label.name !== bound);
    const key = `${family.name}\xff${own.map((label) => `${label.name}\xff${label.value}`).join('\xff')}`;
    let metric = this.metrics.get(key);
    if (metric === undefined || bound === undefined) {
      metric = {
        labels: new Map(own.map((label) => [label.name, label.value])),
        value,
        distribution: bound === undefined ? undefined : { count: 0, sum: 0, points: [] },
      };
      this.metrics.set(key, metric);
      family.metrics.push(metric);
    }
    const { distribution } = metric;
    if (distribution === undefined) return;
    if (suffix === '_sum') distribution.sum = value;
    else if (suffix === '_count') distribution.count = value;
    else {
      const text = labels.find((label) => label.name === bound)?.value ?? '';
      const at = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text);
      distribution.points.push({ bound: at, value });
    }
  }
}

/**
 * The families of a text, in order of first mention. Samples with a time are refused: a file has no say
 * in when it is read. @throws ExpositionError, SourceError
 */
export function parseTextFamilies(bytes: Uint8Array): ParsedFamily[] {
  const reader = new FamilyReader();
  const parser = new ExpositionParser('text');
  parser.reset(bytes);
  for (;;) {
    const entry = parser.next();
    if (entry === 'end') break;
    if (entry === 'help') reader.family(parser.metricName).help = parser.text;
    else if (entry === 'type') reader.family(parser.metricName).type = typeOf(parser.metricType);
    else if (entry === 'sample') {
      if (parser.timeMs !== undefined)
        throw new SourceError('contains unsupported client-side timestamps');
      reader.sample(parser.labels(), parser.value);
    }
  }
  const families = [...reader.families.values()].filter(({ metrics }) => metrics.length > 0);
  for (const family of families) {
    for (const { distribution } of family.metrics)
      distribution?.points.sort((a, b) => a.bound - b.bound);
  }
  return families.sort((a, b) => compareText(a.name, b.name));
}
