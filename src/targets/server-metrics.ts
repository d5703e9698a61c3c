// SPDX-License-Identifier: Apache-2.0
// Metrics of the server as a whole: who it is, whether it is ready, how its configuration fares, and
// how much its event loop and its workers have to do.

import type { BuildInfo } from '../apitypes/index.ts';
import type { Registry } from '../metrics/index.ts';
import { FamilyBuilder } from '../metrics/index.ts';
import type { HostInfo, LoopDelayMonitor, WorkerPoolStats } from '../platform/index.ts';

export interface ServerMetricsSources {
  readonly build: BuildInfo;
  readonly host: HostInfo;
  readonly isReady: () => boolean;
  readonly loopDelay: LoopDelayMonitor;
  readonly workers: () => WorkerPoolStats;
  /** Batches of rows that query workers have computed for one another. */
  readonly helpedBatches: () => number;
  readonly connections: () => number;
  /** Bytes of the shared memory in use, and cut off so far. */
  readonly memory: () => { readonly used: number; readonly reserved: number };
}

export class ConfigMetrics {
  private readonly successful;
  private readonly successTime;

  constructor(registry: Registry) {
    this.successful = registry.gauge(
      'prometheus_config_last_reload_successful',
      'Whether the last configuration reload attempt was successful.',
    );
    this.successTime = registry.gauge(
      'prometheus_config_last_reload_success_timestamp_seconds',
      'Timestamp of the last successful configuration reload.',
    );
  }

  loaded(nowMs: number): void {
    this.successful.set(1);
    this.successTime.set(nowMs / 1000);
  }

  failed(): void {
    this.successful.set(0);
  }

  /** Milliseconds since the epoch; 0 = never. */
  get lastSuccessMs(): number {
    return this.successTime.value * 1000;
  }

  get wasSuccessful(): boolean {
    return this.successful.value === 1;
  }
}

/** Registers everything that is read at each gathering. */
export function registerServerMetrics(registry: Registry, sources: ServerMetricsSources): void {
  const { build, host, loopDelay, workers } = sources;
  const [goos = '', goarch = ''] = host.platform.split('/');
  registry.gaugeFunction(
    'prometheus_build_info',
    "A metric with a constant '1' value labeled by version, revision, branch, goversion from which prometheus was built, and the goos and goarch for the build.",
    () => 1,
    {
      branch: build.branch,
      goarch,
      goos,
      goversion: build.goVersion,
      revision: build.revision,
      tags: '',
      version: build.version,
    },
  );
  registry.gaugeFunction(
    'prometheus_ready',
    'Whether Prometheus startup was fully completed and the server is ready for normal operation.',
    () => Number(sources.isReady()),
  );
  registry.collector(() => {
    const { p50, p99, p999, max } = loopDelay.read();
    const help = 'How late the main event loop ran its timers, since the last scrape.';
    return [
      new FamilyBuilder('hearth_event_loop_delay_seconds', help, 'gauge', ['stat'])
        .add(p50, 'p50')
        .add(p99, 'p99')
        .add(p999, 'p999')
        .add(max, 'max'),
    ];
  });
  registry.collector(() => {
    const { running, waiting, answered, replaced, threads } = workers();
    const gauge = (name: string, help: string, value: number, type: 'gauge' | 'counter') =>
      new FamilyBuilder(name, help, type).add(value);
    return [
      gauge('hearth_query_workers', 'Query workers that are there.', threads, 'gauge'),
      gauge('hearth_query_workers_running', 'Query workers at work.', running, 'gauge'),
      gauge('hearth_query_queue_length', 'Requests waiting for a worker.', waiting, 'gauge'),
      gauge('hearth_query_worker_answers_total', 'Requests answered.', answered, 'counter'),
      gauge('hearth_query_workers_replaced_total', 'Workers replaced.', replaced, 'counter'),
      gauge(
        'hearth_query_helped_batches_total',
        'Batches of rows that workers computed for the queries of others.',
        sources.helpedBatches(),
        'counter',
      ),
    ];
  });
  registry.gaugeFunction(
    'hearth_http_connections',
    'Open HTTP connections of clients.',
    sources.connections,
  );
  registry.gaugeFunction(
    'hearth_memory_used_bytes',
    'Bytes of the shared memory in use.',
    () => sources.memory().used,
  );
  registry.gaugeFunction(
    'hearth_memory_reserved_bytes',
    'Bytes of the shared memory that have ever been in use.',
    () => sources.memory().reserved,
  );
}
