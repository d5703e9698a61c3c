// SPDX-License-Identifier: Apache-2.0
// Where the instruments of one program are registered and gathered.

import type { Clock } from '../base/index.ts';
import { assert, seededPrng } from '../base/index.ts';
import { compareText } from '../model/index.ts';
import type { LabelPairs, Metric, MetricFamily, MetricType } from './family.ts';
import { compareMetrics } from './family.ts';
import type { HistogramOptions, SummaryOptions } from './instruments.ts';
import { Counter, Gauge, Histogram, Summary, Vec } from './instruments.ts';

interface Registered {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** Fixed labels, as a key: several functions may share a name when these differ. */
  readonly key: string;
  read(): Metric[];
}

export interface RegistryOptions {
  /** For the sliding windows of summaries. */
  readonly clock: Clock;
  /** Told when a collector brings a family whose type contradicts another of that name; it is left out. */
  readonly onConflict?: (message: string) => void;
}

const noLabels: LabelPairs = [];

function pairsOf(labels: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(labels).sort(compareText);
  return names.flatMap((name) => [name, labels[name] ?? '']);
}

/** All instruments of one program. Names are registered once; registering one again is a bug. */
export class Registry {
  private readonly registered = new Map<string, Registered>();
  private readonly collectors = new Set<() => readonly MetricFamily[]>();
  private readonly clock: Clock;
  private readonly onConflict: (message: string) => void;
  private readonly prng = seededPrng(1);

  constructor(options: RegistryOptions) {
    this.clock = options.clock;
    this.onConflict = options.onConflict ?? (() => undefined);
  }

  counter(name: string, help: string): Counter {
    return this.single('counter', name, help, new Counter());
  }

  counterVec(name: string, help: string, labelNames: readonly string[]): Vec<Counter> {
    return this.vec('counter', name, help, new Vec(labelNames, () => new Counter()));
  }

  gauge(name: string, help: string): Gauge {
    return this.single('gauge', name, help, new Gauge());
  }

  gaugeVec(name: string, help: string, labelNames: readonly string[]): Vec<Gauge> {
    return this.vec('gauge', name, help, new Vec(labelNames, () => new Gauge()));
  }

  /** A gauge whose value is read at each gathering. */
  gaugeFunction(
    name: string,
    help: string,
    read: () => number,
    labels: Readonly<Record<string, string>> = {},
  ): void {
    this.valueFunction('gauge', name, help, read, labels);
  }

  /** A counter whose value is read at each gathering. */
  counterFunction(
    name: string,
    help: string,
    read: () => number,
    labels: Readonly<Record<string, string>> = {},
  ): void {
    this.valueFunction('counter', name, help, read, labels);
  }

  summary(name: string, help: string, options: SummaryOptions): Summary {
    return this.single('summary', name, help, new Summary(options, this.clock, this.prng));
  }

  summaryVec(
    name: string,
    help: string,
    labelNames: readonly string[],
    options: SummaryOptions,
  ): Vec<Summary> {
    const create = () => new Summary(options, this.clock, this.prng);
    return this.vec('summary', name, help, new Vec(labelNames, create));
  }

  histogram(name: string, help: string, options: HistogramOptions): Histogram {
    return this.single('histogram', name, help, new Histogram(options));
  }

  histogramVec(
    name: string,
    help: string,
    labelNames: readonly string[],
    options: HistogramOptions,
  ): Vec<Histogram> {
    return this.vec('histogram', name, help, new Vec(labelNames, () => new Histogram(options)));
  }

  /** Families made afresh at each gathering. @returns a function that takes the collector out again. */
  collector(collect: () => readonly MetricFamily[]): () => void {
    this.collectors.add(collect);
    return () => void this.collectors.delete(collect);
  }

  /** Everything registered, sorted by family name, metrics in output order; families without any left out. */
  gather(): MetricFamily[] {
    const families = new Map<string, MetricFamily>();
    for (const { name, help, type, read } of this.registered.values()) {
      this.merge(families, { name, help, type, metrics: read() });
    }
    for (const collect of this.collectors) {
      for (const family of collect()) this.merge(families, family);
    }
    const gathered: MetricFamily[] = [];
    for (const family of families.values()) {
      if (family.metrics.length === 0) continue;
      gathered.push({ ...family, metrics: [...family.metrics].sort(compareMetrics) });
    }
    return gathered.sort((a, b) => compareText(a.name, b.name));
  }

  private merge(families: Map<string, MetricFamily>, family: MetricFamily): void {
    const known = families.get(family.name);
    if (known === undefined) {
      families.set(family.name, family);
    } else if (known.type === family.type) {
      families.set(family.name, { ...known, metrics: known.metrics.concat(family.metrics) });
    } else {
      this.onConflict(
        `metric family ${family.name} is a ${known.type} and was also collected as a ${family.type}`,
      );
    }
  }

  private register(registered: Registered): void {
    const id = `${registered.name}{${registered.key}}`;
    assert(!this.registered.has(id), `metric ${id} registered twice`);
    for (const other of this.registered.values()) {
      if (other.name !== registered.name) continue;
      const fits = other.type === registered.type && other.help === registered.help;
      assert(fits && other.key !== '', `metric ${registered.name} registered twice`);
    }
    this.registered.set(id, registered);
  }

  private single<Kind extends { read(labels: LabelPairs): Metric }>(
    type: MetricType,
    name: string,
    help: string,
    instrument: Kind,
  ): Kind {
    this.register({ name, help, type, key: '', read: () => [instrument.read(noLabels)] });
    return instrument;
  }

  private vec<Kind extends { readAll(): Metric[] }>(
    type: MetricType,
    name: string,
    help: string,
    instruments: Kind,
  ): Kind {
    this.register({ name, help, type, key: '', read: () => instruments.readAll() });
    return instruments;
  }

  private valueFunction(
    type: MetricType,
    name: string,
    help: string,
    read: () => number,
    fixed: Readonly<Record<string, string>>,
  ): void {
    const labels = pairsOf(fixed);
    const key = labels.join('\xff');
    this.register({ name, help, type, key, read: () => [{ labels, value: read() }] });
  }
}
