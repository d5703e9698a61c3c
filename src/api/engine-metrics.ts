// SPDX-License-Identifier: Apache-2.0
// prometheus_engine_*: what the query workers report of each query.

import type { Registry } from '../metrics/index.ts';
import type { QueryJob, QueryMeasures } from './query-job.ts';

const slices = ['queue_time', 'prepare_time', 'inner_eval', 'result_sort'] as const;
const quantiles = [0.5, 0.9, 0.99];
/** Seconds: from what nobody notices to what nobody waits for. */
const durationBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 25, 50, 100];

/** Registers the engine's metrics and feeds them. */
export class EngineMetrics {
  private readonly running;
  private readonly durations;
  private readonly durationHistogram;
  private readonly samples;
  private readonly samplesRead;
  private readonly logEnabled;
  private readonly logFailures;

  constructor(registry: Registry, concurrencyMax: number) {
    this.running = registry.gauge(
      'prometheus_engine_queries',
      'The current number of queries being executed or waiting.',
    );
    registry
      .gauge('prometheus_engine_queries_concurrent_max', 'The max number of concurrent queries.')
      .set(concurrencyMax);
    this.durations = registry.summaryVec(
      'prometheus_engine_query_duration_seconds',
      'Query timings',
      ['slice'],
      { quantiles },
    );
    this.durationHistogram = registry.histogramVec(
      'prometheus_engine_query_duration_histogram_seconds',
      'The duration of various parts of PromQL query execution.',
      ['slice'],
      { buckets: durationBuckets },
    );
    for (const slice of slices) {
      this.durations.with(slice);
      this.durationHistogram.with(slice);
    }
    this.samples = registry.counter(
      'prometheus_engine_query_samples_total',
      'The total number of samples loaded by all queries.',
    );
    this.samplesRead = registry.counter(
      'prometheus_engine_query_samples_read_total',
      'The total number of samples read from storage by all queries.',
    );
    this.logEnabled = registry.gauge(
      'prometheus_engine_query_log_enabled',
      'State of the query log.',
    );
    this.logEnabled.set(0);
    this.logFailures = registry.counter(
      'prometheus_engine_query_log_failures_total',
      'The number of query log failures.',
    );
  }

  queryStarted(): void {
    this.running.inc();
  }

  queryLogOpened(isOn: boolean): void {
    this.logEnabled.set(isOn ? 1 : 0);
  }

  queryLogFailed(): void {
    this.logFailures.inc();
  }

  queryFinished(): void {
    this.running.dec();
  }

  observe(measures: QueryMeasures, kind: QueryJob['kind']): void {
    if (kind !== 'instant' && kind !== 'range') return;
    const seconds = [
      measures.queueSeconds,
      measures.prepareSeconds,
      measures.innerEvalSeconds,
      measures.resultSortSeconds,
    ];
    slices.forEach((slice, i) => {
      this.durations.with(slice).observe(seconds[i] ?? 0);
      this.durationHistogram.with(slice).observe(seconds[i] ?? 0);
    });
    this.samples.inc(measures.samples);
    this.samplesRead.inc(measures.samplesRead);
  }
}
