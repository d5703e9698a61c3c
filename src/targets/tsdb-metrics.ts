// SPDX-License-Identifier: Apache-2.0
// prometheus_tsdb_*: what the head, the log and the blocks count, under upstream's names.

import type { Registry } from '../metrics/index.ts';
import type { CompactionObserver, Database, Maintenance } from '../tsdb/index.ts';

type Reading = readonly [name: string, help: string, read: (db: Database) => number];

const finite = (value: number): number => (Number.isFinite(value) ? value : 0);

const counters: readonly Reading[] = [
  [
    'prometheus_tsdb_head_series_created_total',
    'Total number of series created in the head',
    ({ head }) => head.counters.seriesCreated,
  ],
  [
    'prometheus_tsdb_head_series_removed_total',
    'Total number of series removed in the head',
    ({ head }) => head.counters.seriesRemoved,
  ],
  [
    'prometheus_tsdb_head_chunks_created_total',
    'Total number of chunks created in the head',
    ({ head }) => head.counters.chunksCreated,
  ],
  [
    'prometheus_tsdb_head_chunks_removed_total',
    'Total number of chunks removed in the head',
    ({ head }) => head.counters.chunksRemoved,
  ],
  [
    'prometheus_tsdb_head_truncations_total',
    'Total number of head truncations attempted.',
    ({ head }) => head.counters.truncations,
  ],
  [
    'prometheus_tsdb_head_truncations_failed_total',
    'Total number of head truncations that failed.',
    ({ head }) => head.counters.truncationsFailed,
  ],
  [
    'prometheus_tsdb_out_of_order_samples_total',
    'Total number of out of order samples ingestion failed attempts due to out of order being disabled.',
    ({ head }) => head.counters.outOfOrder,
  ],
  [
    'prometheus_tsdb_out_of_bound_samples_total',
    'Total number of out of bound samples ingestion failed attempts with out of order support disabled.',
    ({ head }) => head.counters.outOfBounds,
  ],
  [
    'prometheus_tsdb_wal_corruptions_total',
    'Total number of WAL corruptions.',
    (db) => db.walCorruptions,
  ],
  [
    'prometheus_tsdb_wal_page_flushes_total',
    'Total number of page flushes.',
    ({ wal }) => wal.counters.pageFlushes,
  ],
  [
    'prometheus_tsdb_wal_completed_pages_total',
    'Total number of completed pages.',
    ({ wal }) => wal.counters.completedPages,
  ],
  [
    'prometheus_tsdb_wal_writes_failed_total',
    'Total number of write log writes that failed.',
    ({ wal }) => wal.counters.writesFailed,
  ],
  [
    'prometheus_tsdb_checkpoint_creations_total',
    'Total number of checkpoint creations attempted.',
    (db) => db.checkpoints.creations,
  ],
  [
    'prometheus_tsdb_checkpoint_creations_failed_total',
    'Total number of checkpoint creations that failed.',
    (db) => db.checkpoints.creationsFailed,
  ],
  [
    'prometheus_tsdb_checkpoint_deletions_total',
    'Total number of checkpoint deletions attempted.',
    (db) => db.checkpoints.deletions,
  ],
  [
    'prometheus_tsdb_checkpoint_deletions_failed_total',
    'Total number of checkpoint deletions that failed.',
    (db) => db.checkpoints.deletionsFailed,
  ],
  [
    'prometheus_tsdb_wal_truncations_total',
    'Total number of write log truncations attempted.',
    (db) => db.checkpoints.truncations,
  ],
  [
    'prometheus_tsdb_wal_truncations_failed_total',
    'Total number of write log truncations that failed.',
    (db) => db.checkpoints.truncationsFailed,
  ],
  [
    'prometheus_tsdb_mmap_chunk_corruptions_total',
    'Total number of memory-mapped chunk corruptions.',
    (db) => db.chunkCorruptions,
  ],
  [
    'prometheus_tsdb_snapshot_replay_error_total',
    'Total number snapshot replays that failed.',
    (db) => db.snapshotErrors,
  ],
  [
    'prometheus_tsdb_mmap_chunks_total',
    'Total number of chunks that were memory-mapped.',
    ({ head }) => head.mapperCounters?.chunksWritten ?? 0,
  ],
  [
    'prometheus_tsdb_head_out_of_order_samples_appended_total',
    'Total number of appended out of order samples.',
    ({ head }) => head.sideCounters.outOfOrderAppended,
  ],
  [
    'prometheus_tsdb_too_old_samples_total',
    'Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside of time window.',
    ({ head }) => head.sideCounters.tooOld,
  ],
  [
    'prometheus_tsdb_exemplar_exemplars_appended_total',
    'Total number of appended exemplars.',
    ({ head }) => head.exemplars.counters.appended,
  ],
  [
    'prometheus_tsdb_exemplar_out_of_order_exemplars_total',
    'Total number of out of order exemplar ingestion failed attempts.',
    ({ head }) => head.exemplars.counters.outOfOrder,
  ],
  [
    'hearth_tsdb_wal_refused_total',
    'Batches that were not taken because the WAL cannot be written and too much of it waits in memory.',
    (db) => db.logRefused,
  ],
  [
    'hearth_tsdb_head_chunk_writes_failed_total',
    'Failed writes of head chunk files: the chunks stay in memory and are tried again.',
    ({ head }) => head.mapperCounters?.writesFailed ?? 0,
  ],
  [
    'hearth_tsdb_series_refused_total',
    'New series that were not taken because the shared memory is full.',
    ({ head }) => head.counters.seriesRefused,
  ],
];

const gauges: readonly Reading[] = [
  [
    'hearth_tsdb_wal_waiting_bytes',
    'Bytes of the WAL that are in memory only because the disk does not take them; they would be lost with the process. Alert on more than 0.',
    (db) => db.logWaitingBytes,
  ],
  [
    'prometheus_tsdb_wal_segment_current',
    'Write log segment index that TSDB is currently writing to.',
    ({ wal }) => wal.currentSegment,
  ],
  [
    'prometheus_tsdb_exemplar_exemplars_in_storage',
    'Number of exemplars currently in circular storage.',
    ({ head }) => head.exemplars.count,
  ],
  [
    'prometheus_tsdb_exemplar_series_with_exemplars_in_storage',
    'Number of series with exemplars currently in circular storage.',
    ({ head }) => head.exemplars.seriesCount,
  ],
  [
    'prometheus_tsdb_exemplar_max_exemplars',
    'Total number of exemplars the exemplar storage can store, resizeable.',
    ({ head }) => head.exemplars.capacity,
  ],
  [
    'prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds',
    'The timestamp of the oldest exemplar stored in circular storage. Useful to check for what timerange the current exemplar buffer limit allows. This usually means the last timestampfor all exemplars for a typical setup. This is not true though if one of the series timestamp is in future compared to rest series.',
    ({ head }) => (head.exemplars.oldestTime ?? 0) / 1000,
  ],
  [
    'prometheus_tsdb_head_series',
    'Total number of series in the head block.',
    ({ head }) => head.seriesCount,
  ],
  [
    'prometheus_tsdb_head_chunks',
    'Total number of chunks in the head block.',
    ({ head }) => head.chunkCount,
  ],
  [
    'prometheus_tsdb_head_min_time',
    'Minimum time bound of the head block. The unit is decided by the library consumer.',
    ({ head }) => finite(head.minTime),
  ],
  [
    'prometheus_tsdb_head_min_time_seconds',
    'Minimum time bound of the head block.',
    ({ head }) => finite(head.minTime) / 1000,
  ],
  [
    'prometheus_tsdb_head_max_time',
    'Maximum timestamp of the head block. The unit is decided by the library consumer.',
    ({ head }) => finite(head.maxTime),
  ],
  [
    'prometheus_tsdb_head_max_time_seconds',
    'Maximum timestamp of the head block.',
    ({ head }) => finite(head.maxTime) / 1000,
  ],
  [
    'prometheus_tsdb_symbol_table_size_bytes',
    'Size of symbol table in memory for loaded blocks',
    ({ head }) => head.symbolBytes,
  ],
  [
    'prometheus_tsdb_data_replay_duration_seconds',
    'Time taken to replay the data on disk.',
    (db) => db.replaySeconds,
  ],
  [
    'prometheus_tsdb_clean_start',
    '-1: lockfile is disabled. 0: a lockfile from a previous execution was replaced. 1: lockfile creation was clean',
    (db) => db.cleanStart,
  ],
];

type BlockReading = readonly [
  name: string,
  help: string,
  read: (maintenance: Maintenance) => number,
];

const blockCounters: readonly BlockReading[] = [
  [
    'prometheus_tsdb_compactions_total',
    'Total number of compactions that were executed for the partition.',
    ({ counters }) => counters.compactions,
  ],
  [
    'prometheus_tsdb_compactions_failed_total',
    'Total number of compactions that failed for the partition.',
    ({ counters }) => counters.compactionsFailed,
  ],
  [
    'prometheus_tsdb_compactions_triggered_total',
    'Total number of triggered compactions for the partition.',
    ({ counters }) => counters.compactionsTriggered,
  ],
  [
    'prometheus_tsdb_compactions_skipped_total',
    'Total number of skipped compactions due to disabled auto compaction.',
    () => 0,
  ],
  [
    'prometheus_tsdb_vertical_compactions_total',
    'Total number of compactions done on overlapping blocks.',
    ({ counters }) => counters.verticalCompactions,
  ],
  [
    'prometheus_tsdb_reloads_total',
    'Number of times the database reloaded block data from disk.',
    ({ counters }) => counters.reloads,
  ],
  [
    'prometheus_tsdb_reloads_failures_total',
    'Number of times the database failed to reloadBlocks block data from disk.',
    ({ counters }) => counters.reloadsFailed,
  ],
  [
    'prometheus_tsdb_time_retentions_total',
    'The number of times that blocks were deleted because the maximum time limit was exceeded.',
    ({ counters }) => counters.timeRetentions,
  ],
  [
    'prometheus_tsdb_size_retentions_total',
    'The number of times that blocks were deleted because the maximum number of bytes was exceeded.',
    ({ counters }) => counters.sizeRetentions,
  ],
];

const blockGauges: readonly BlockReading[] = [
  [
    'prometheus_tsdb_blocks_loaded',
    'Number of currently loaded data blocks',
    ({ blocks }) => blocks.length,
  ],
  [
    'prometheus_tsdb_storage_blocks_bytes',
    'The number of bytes that are currently used for local storage by all blocks.',
    ({ blockBytes }) => blockBytes,
  ],
  [
    'prometheus_tsdb_retention_limit_bytes',
    'Max number of bytes to be retained in the tsdb blocks, configured 0 means disabled',
    ({ retention }) => retention.sizeBytes,
  ],
  [
    'prometheus_tsdb_retention_limit_percentage',
    'Max percentage of total storage to be retained in the tsdb blocks, configured 0 means disabled',
    ({ retention }) => retention.percentage ?? 0,
  ],
  [
    'prometheus_tsdb_retention_limit_seconds',
    'How long to retain samples in storage.',
    ({ retention }) => retention.durationMs / 1000,
  ],
];

const factors = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i);

/** Histograms of how long compactions take. */
export function compactionMetrics(registry: Registry): CompactionObserver {
  const duration = registry.histogram(
    'prometheus_tsdb_compaction_duration_seconds',
    'Duration of compaction runs',
    { buckets: factors(1, 2, 14) },
  );
  const cleaning = registry.histogram(
    'prometheus_tsdb_tombstone_cleanup_seconds',
    'The time taken to recompact blocks to remove tombstones.',
    { buckets: factors(1, 2, 14) },
  );
  return {
    compacted: (seconds) => duration.observe(seconds),
    cleaned: (seconds) => cleaning.observe(seconds),
  };
}

/** Registers the database's metrics; it lives as long as the registry. */
export function registerTsdbMetrics(
  registry: Registry,
  database: Database,
  maintenance: Maintenance,
): void {
  for (const [name, help, read] of blockCounters) {
    registry.counterFunction(name, help, () => read(maintenance));
  }
  for (const [name, help, read] of blockGauges) {
    registry.gaugeFunction(name, help, () => read(maintenance));
  }
  const lowest = (): number => finite(maintenance.blocks[0]?.meta.minTime ?? database.head.minTime);
  registry.gaugeFunction(
    'prometheus_tsdb_lowest_timestamp',
    'Lowest timestamp value stored in the database. The unit is decided by the library consumer.',
    lowest,
  );
  registry.gaugeFunction(
    'prometheus_tsdb_lowest_timestamp_seconds',
    'Lowest timestamp value stored in the database.',
    () => lowest() / 1000,
  );
  for (const [name, help, read] of counters) {
    registry.counterFunction(name, help, () => read(database));
  }
  for (const [name, help, read] of gauges) {
    registry.gaugeFunction(name, help, () => read(database));
  }
  const samples = 'prometheus_tsdb_head_samples_appended_total';
  const help = 'Total number of appended samples.';
  const { head } = database;
  registry.counterFunction(
    samples,
    help,
    () => head.counters.samplesAppended - head.sideCounters.histogramsAppended,
    {
      type: 'float',
    },
  );
  registry.counterFunction(samples, help, () => head.sideCounters.histogramsAppended, {
    type: 'histogram',
  });
}
