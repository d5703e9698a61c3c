// SPDX-License-Identifier: Apache-2.0

import type { Counter, Gauge, Registry, Summary, Vec } from '../metrics/index.ts';

/** The `prometheus_sd_*` instruments. One set serves all managers of a program. */
export interface DiscoveryMetrics {
  readonly discoveredTargets: Vec<Gauge>;
  readonly failedConfigs: Vec<Gauge>;
  readonly receivedUpdates: Vec<Counter>;
  readonly sentUpdates: Vec<Counter>;
  readonly delayedUpdates: Vec<Counter>;
  readonly lastUpdate: Vec<Gauge>;
  readonly refreshFailures: Vec<Counter>;
  readonly refreshDuration: Vec<Summary>;
  readonly fileMtime: Vec<Gauge>;
  readonly fileReadErrors: Counter;
  readonly fileScanDuration: Summary;
  readonly fileWatcherErrors: Counter;
  readonly httpFailures: Counter;
}

const quantiles = [0.5, 0.9, 0.99];

export function createDiscoveryMetrics(registry: Registry): DiscoveryMetrics {
  const sd = (name: string): string => `prometheus_sd_${name}`;
  return {
    discoveredTargets: registry.gaugeVec(
      sd('discovered_targets'),
      'Current number of discovered targets.',
      ['name', 'config'],
    ),
    failedConfigs: registry.gaugeVec(
      sd('failed_configs'),
      'Current number of service discovery configurations that failed to load.',
      ['name'],
    ),
    receivedUpdates: registry.counterVec(
      sd('received_updates_total'),
      'Total number of update events received from the SD providers.',
      ['name'],
    ),
    sentUpdates: registry.counterVec(
      sd('updates_total'),
      'Total number of update events sent to the SD consumers.',
      ['name'],
    ),
    delayedUpdates: registry.counterVec(
      sd('updates_delayed_total'),
      "Total number of update events that couldn't be sent immediately.",
      ['name'],
    ),
    lastUpdate: registry.gaugeVec(
      sd('last_update_timestamp_seconds'),
      'Timestamp of the last update sent to the SD consumers.',
      ['name'],
    ),
    refreshFailures: registry.counterVec(
      sd('refresh_failures_total'),
      'Number of refresh failures for the given SD mechanism.',
      ['mechanism', 'config'],
    ),
    refreshDuration: registry.summaryVec(
      sd('refresh_duration_seconds'),
      'The duration of a refresh in seconds for the given SD mechanism.',
      ['mechanism', 'config'],
      { quantiles },
    ),
    fileMtime: registry.gaugeVec(
      sd('file_mtime_seconds'),
      'Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.',
      ['filename'],
    ),
    fileReadErrors: registry.counter(
      sd('file_read_errors_total'),
      'The number of File-SD read errors.',
    ),
    fileScanDuration: registry.summary(
      sd('file_scan_duration_seconds'),
      'The duration of the File-SD scan in seconds.',
      { quantiles },
    ),
    fileWatcherErrors: registry.counter(
      sd('file_watcher_errors_total'),
      'The number of File-SD errors caused by filesystem watch failures.',
    ),
    httpFailures: registry.counter(
      sd('http_failures_total'),
      'Number of HTTP service discovery refresh failures.',
    ),
  };
}
