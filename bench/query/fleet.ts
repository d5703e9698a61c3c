// SPDX-License-Identifier: Apache-2.0
// The query data set: a small fleet of machines running one service, the same for the same options.
//
// Counters have resets, gauges have gaps, histograms are classic ones. Every series is sampled at its own
// odd offset of milliseconds: no sample lies on the edge of a window, where Prometheus 2 and 3 differ.

import type { Prng } from '../../src/base/index.ts';
import { seededPrng } from '../../src/base/index.ts';
import type { Label, Labels } from '../../src/model/index.ts';

export interface FleetOptions {
  readonly instances: number;
  readonly startMs: number;
  readonly hours: number;
  readonly stepMs: number;
}

export const fullFleet: FleetOptions = {
  instances: 40,
  // A whole two hours, as blocks are cut.
  startMs: 1_699_999_200_000,
  hours: 12,
  stepMs: 30_000,
};

/** Columns of one series; gaps are samples left out. */
export interface FleetSeries {
  readonly type: 'counter' | 'gauge';
  readonly family: string;
  readonly name: string;
  /** With `__name__`, sorted by name. */
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

const modes = ['idle', 'user', 'system', 'iowait', 'irq', 'softirq', 'nice', 'steal'];
const handlers = ['/', '/api/orders', '/api/basket', '/login', '/healthz'];
const codes = ['200', '204', '404', '500'];
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const regions = ['eu', 'us', 'ap'];
/**
 * Where counters start. High, so that at the start of the data no rate is bounded by a counter's zero:
 * Prometheus 2 and 3 do that in different ways.
 */
const FIRST_COUNT = 1_000_000;
const GIGABYTE = 2 ** 30;

class Generator {
  readonly series: FleetSeries[] = [];
  private readonly options: FleetOptions;
  private readonly prng: Prng;
  private readonly count: number;

  constructor(options: FleetOptions) {
    this.options = options;
    this.prng = seededPrng(20);
    this.count = Math.floor((options.hours * 3_600_000) / options.stepMs);
  }

  /** A series whose values come from `next(i)`; undefined leaves a gap. */
  private add(
    type: 'counter' | 'gauge',
    family: string,
    name: string,
    pairs: Readonly<Record<string, string>>,
    next: (i: number) => number | undefined,
  ): void {
    const { startMs, stepMs } = this.options;
    const offset = 1 + 2 * this.prng.below(stepMs / 2 - 1);
    const times: number[] = [];
    const values: number[] = [];
    for (let i = 0; i < this.count; i++) {
      const value = next(i);
      if (value === undefined) continue;
      times.push(startMs + i * stepMs + (offset % 1000 === 0 ? offset + 1 : offset));
      values.push(value);
    }
    const labels: Label[] = Object.entries({ __name__: name, ...pairs }).map(([key, value]) => ({
      name: key,
      value,
    }));
    labels.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.series.push({
      type,
      family,
      name,
      labels,
      times: Float64Array.from(times),
      values: Float64Array.from(values),
    });
  }

  /** Counts up by `increment(i)` and starts again from zero now and then. */
  private counter(
    family: string,
    suffix: string,
    pairs: Readonly<Record<string, string>>,
    increment: () => number,
  ): void {
    let value = FIRST_COUNT + this.prng.below(10_000);
    const resetEvery = 300 + this.prng.below(2000);
    this.add('counter', family, family + suffix, pairs, (i) => {
      value = i % resetEvery === resetEvery - 1 ? 0 : value + increment();
      return value;
    });
  }

  private machine(instance: string, region: string): void {
    const { prng } = this;
    const on = { instance, job: 'node', region };
    for (let cpu = 0; cpu < 4; cpu++)
      for (const [m, mode] of modes.entries()) {
        const share = m === 0 ? 20 : 10 / (m * m + 1);
        const round = (x: number): number => Math.round(x * 100) / 100;
        let total = 0;
        this.counter('node_cpu_seconds', '_total', { ...on, cpu: String(cpu), mode }, () => {
          const before = total;
          total = round(total + share * prng.next());
          return round(total - before);
        });
      }
    const memory = 64 * GIGABYTE;
    this.gauge('node_memory_MemTotal_bytes', on, () => memory);
    this.gauge('node_memory_MemAvailable_bytes', on, () => memory / 4 + prng.below(memory / 2));
    this.gauge('node_load1', on, () => Math.round(prng.next() * 800) / 100);
    this.gauge('node_boot_time_seconds', on, () => 1.69e9);
    for (const sensor of ['cpu', 'board']) {
      let gap = 0;
      this.gauge('node_temperature_celsius', { ...on, sensor }, () => {
        if (gap === 0 && prng.below(200) === 0) gap = 5 + prng.below(40);
        if (gap > 0) gap--;
        return gap > 0 ? undefined : 40 + Math.round(prng.next() * 300) / 10;
      });
    }
    this.gauge('up', on, () => (prng.below(100) === 0 ? 0 : 1));
  }

  private gauge(
    name: string,
    pairs: Readonly<Record<string, string>>,
    next: () => number | undefined,
  ): void {
    this.add('gauge', name, name, pairs, next);
  }

  private service(instance: string, region: string, version: string): void {
    const { prng } = this;
    const on = { instance, job: 'shop', region };
    this.gauge('shop_build_info', { ...on, version }, () => 1);
    for (const handler of handlers)
      for (const code of codes) {
        const most = code === '200' ? 400 : 20;
        this.counter('http_requests', '_total', { ...on, handler, code }, () => prng.below(most));
      }
    for (const handler of handlers.slice(1, 4)) this.histogram({ ...on, handler });
  }

  private histogram(pairs: Readonly<Record<string, string>>): void {
    const { prng } = this;
    const family = 'http_request_duration_seconds';
    const resetEvery = 500 + prng.below(1500);
    // All series of a histogram move together: drawn first, written after.
    const totals = bounds.map((_, b) => FIRST_COUNT * (b + 1)).concat(FIRST_COUNT * bounds.length);
    const columns = totals.map((): number[] => []);
    const sums: number[] = [];
    let sum = FIRST_COUNT;
    for (let i = 0; i < this.count; i++) {
      if (i % resetEvery === resetEvery - 1) {
        totals.fill(0);
        sum = 0;
      }
      for (let k = prng.below(60); k > 0; k--) {
        const seconds = 0.002 * Math.exp(prng.next() * 7);
        sum += seconds;
        totals.forEach((_, b) => {
          if (seconds <= (bounds[b] ?? Number.POSITIVE_INFINITY)) totals[b] = (totals[b] ?? 0) + 1;
        });
      }
      columns.forEach((column, b) => void column.push(totals[b] ?? 0));
      sums.push(sum);
    }
    columns.forEach((column, b) => {
      const le = b < bounds.length ? String(bounds[b]) : '+Inf';
      this.add('counter', family, `${family}_bucket`, { ...pairs, le }, (i) => column[i]);
    });
    this.add('counter', family, `${family}_sum`, pairs, (i) => sums[i]);
    this.add('counter', family, `${family}_count`, pairs, (i) => columns.at(-1)?.[i]);
  }

  fleet(): FleetSeries[] {
    for (let i = 0; i < this.options.instances; i++) {
      const instance = `host-${String(i).padStart(3, '0')}.example:9100`;
      const region = regions[i % regions.length] ?? '';
      this.machine(instance, region);
      this.service(instance, region, `1.${i % 5}.0`);
    }
    return this.series;
  }
}

/** All series, family by family within each machine. About a hundred for each instance. */
export const generateFleet = (options: FleetOptions): FleetSeries[] =>
  new Generator(options).fleet();
