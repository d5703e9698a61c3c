// SPDX-License-Identifier: Apache-2.0
// The instruments of scraping, under upstream's names.

import type { Registry } from '../metrics/index.ts';

const quantiles = [0.01, 0.05, 0.5, 0.9, 0.99];
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function poolMetrics(registry: Registry) {
  return {
    intervalLength: registry.summaryVec(
      'prometheus_target_interval_length_seconds',
      'Actual intervals between scrapes.',
      ['interval'],
      { quantiles },
    ),
    syncLength: registry.summaryVec(
      'prometheus_target_sync_length_seconds',
      'Actual interval to sync the scrape pool.',
      ['scrape_job'],
      { quantiles },
    ),
    reloadLength: registry.summaryVec(
      'prometheus_target_reload_length_seconds',
      'Actual interval to reload the scrape pool with a given configuration.',
      ['interval'],
      { quantiles },
    ),
    syncFailed: registry.counterVec(
      'prometheus_target_sync_failed_total',
      'Total number of target sync failures.',
      ['scrape_job'],
    ),
    pools: registry.counter(
      'prometheus_target_scrape_pools_total',
      'Total number of scrape pool creation attempts.',
    ),
    poolsFailed: registry.counter(
      'prometheus_target_scrape_pools_failed_total',
      'Total number of scrape pool creations that failed.',
    ),
    poolReloads: registry.counter(
      'prometheus_target_scrape_pool_reloads_total',
      'Total number of scrape pool reloads.',
    ),
    poolReloadsFailed: registry.counter(
      'prometheus_target_scrape_pool_reloads_failed_total',
      'Total number of failed scrape pool reloads.',
    ),
    poolSyncs: registry.counterVec(
      'prometheus_target_scrape_pool_sync_total',
      'Total number of syncs that were executed on a scrape pool.',
      ['scrape_job'],
    ),
    poolTargets: registry.gaugeVec(
      'prometheus_target_scrape_pool_targets',
      'Current number of targets in this scrape pool.',
      ['scrape_job'],
    ),
    poolTargetLimit: registry.gaugeVec(
      'prometheus_target_scrape_pool_target_limit',
      'Maximum number of targets allowed in this scrape pool.',
      ['scrape_job'],
    ),
  };
}

function limitMetrics(registry: Registry) {
  return {
    exceededTargetLimit: registry.counter(
      'prometheus_target_scrape_pool_exceeded_target_limit_total',
      'Total number of times scrape pools hit the target limit, during sync or config reload.',
    ),
    exceededLabelLimits: registry.counter(
      'prometheus_target_scrape_pool_exceeded_label_limits_total',
      'Total number of times scrape pools hit the label limits, during sync or config reload.',
    ),
    exceededSampleLimit: registry.counter(
      'prometheus_target_scrapes_exceeded_sample_limit_total',
      'Total number of scrapes that hit the sample limit and were rejected.',
    ),
    exceededBodySizeLimit: registry.counter(
      'prometheus_target_scrapes_exceeded_body_size_limit_total',
      'Total number of scrapes that hit the body size limit',
    ),
    exceededBucketLimit: registry.counter(
      'prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total',
      'Total number of scrapes that hit the native histogram bucket limit and were rejected.',
    ),
  };
}

function sampleMetrics(registry: Registry) {
  return {
    duplicateTimestamp: registry.counter(
      'prometheus_target_scrapes_sample_duplicate_timestamp_total',
      'Total number of samples rejected due to duplicate timestamps but different values.',
    ),
    outOfOrder: registry.counter(
      'prometheus_target_scrapes_sample_out_of_order_total',
      'Total number of samples rejected due to not being out of the expected order.',
    ),
    outOfBounds: registry.counter(
      'prometheus_target_scrapes_sample_out_of_bounds_total',
      'Total number of samples rejected due to timestamp falling outside of the time bounds.',
    ),
    exemplarOutOfOrder: registry.counter(
      'prometheus_target_scrapes_exemplar_out_of_order_total',
      'Total number of exemplar rejected due to not being out of the expected order.',
    ),
    cacheFlushForced: registry.counter(
      'prometheus_target_scrapes_cache_flush_forced_total',
      'How many times a scrape cache was flushed due to getting big while scrapes are failing.',
    ),
    scrapeDuration: registry.histogram(
      'prometheus_target_scrape_duration_seconds',
      'Total duration of the scrape from start to commit completion in seconds.',
      { buckets: durationBuckets },
    ),
  };
}

/** Registers and holds them. */
export function createScrapeMetrics(registry: Registry) {
  return { ...poolMetrics(registry), ...limitMetrics(registry), ...sampleMetrics(registry) };
}

export type ScrapeMetrics = ReturnType<typeof createScrapeMetrics>;
