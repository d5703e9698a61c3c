// SPDX-License-Identifier: Apache-2.0
// Checkpoints: what is still needed of old segments, written as a log of its own into a directory named after
// the last segment that it covers. It is complete or not there: it is built under another name, synced,
// then renamed.

import type { FileSystem, Logger } from '../../base/index.ts';
import { silentLogger } from '../../base/index.ts';
import { segmentName, segmentNumbers, newestCheckpoint } from './format.ts';
import type { WalCodecs } from './reader.ts';
import { SegmentReader, visitRecords } from './reader.ts';
import type { ReplayColumns } from './records.ts';
import {
  filterSamplesRecord,
  filterSeriesRecord,
  newReplayColumns,
  RecordType,
} from './records.ts';
import { filterHistogramsRecord, isHistogramType } from './records-histogram.ts';
import type { LoggedMetadata } from './records-other.ts';
import {
  decodeExemplarsRecord,
  decodeMetadataRecord,
  decodeTombstonesRecord,
  encodeExemplarsRecord,
  encodeMetadataRecord,
  encodeTombstonesRecord,
} from './records-other.ts';
import { type PlainRefSet, RefSet } from './ref-set.ts';
import type { WalCompression } from './writer.ts';
import { WalWriter, walCompression } from './writer.ts';

export interface CheckpointRange {
  /** Segments to cover, with the checkpoint that is there. */
  readonly first: number;
  readonly last: number;
  /** Samples before this are in blocks. */
  readonly minTime: number;
  /** Deletions that end before this are forgotten: nothing in the log of late samples is as old either. */
  readonly tombstonesFrom: number;
  readonly segmentBytes: number;
}

export interface CheckpointOptions extends CheckpointRange {
  readonly files: FileSystem;
  /** The `wal` directory. */
  readonly directory: string;
  readonly codecs: WalCodecs;
  readonly compression: WalCompression | undefined;
  /** Whether the series of a ref is still needed. */
  readonly keep: (ref: number) => boolean;
}

/** A checkpoint that another thread can be asked for. */
export interface CheckpointJob extends CheckpointRange {
  /** Refs of the series that are still needed. */
  readonly refs: PlainRefSet;
  readonly compression: 'none' | 'snappy' | 'zstd';
}

export interface CheckpointOutcome extends CheckpointStats {
  /** Why the segments that it covers are still there, if they are. */
  readonly notRemoved: string | undefined;
}

/** Makes checkpoints, and removes what they cover. Rejects when there is none; nothing has changed then. */
export type Checkpointer = (job: CheckpointJob) => Promise<CheckpointOutcome>;

/** What was read and what of it was kept. */
export interface CheckpointStats {
  recordsRead: number;
  recordsWritten: number;
}

/** The log holds something that cannot be read; nothing of it is removed then. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';
}

const METADATA_PER_RECORD = 1000;

/** Applies the rules of what is kept to one record after the other. */
class CheckpointFilter {
  readonly stats: CheckpointStats = { recordsRead: 0, recordsWritten: 0 };
  private readonly options: CheckpointOptions;
  private readonly writer: WalWriter;
  private columns = newReplayColumns(1 << 12);
  private readonly metadata = new Map<number, LoggedMetadata>();

  constructor(options: CheckpointOptions, writer: WalWriter) {
    this.options = options;
    this.writer = writer;
  }

  record(record: Uint8Array): void {
    this.stats.recordsRead++;
    const kept = this.filtered(record);
    if (kept !== undefined) this.write(kept);
  }

  private write(record: Uint8Array): void {
    this.stats.recordsWritten++;
    this.writer.log([record]);
  }

  private filtered(record: Uint8Array): Uint8Array | undefined {
    const { keep, minTime, tombstonesFrom } = this.options;
    const type = record[0]!;
    if (type === RecordType.series) return filterSeriesRecord(record, keep);
    if (type === RecordType.samples || type === RecordType.samplesWithStart) {
      return filterSamplesRecord(record, minTime, (capacity) => this.scratch(capacity));
    }
    if (isHistogramType(type)) return filterHistogramsRecord(record, minTime);
    if (type === RecordType.tombstones) {
      const stones = decodeTombstonesRecord(record).filter(
        ({ maxTime }) => maxTime >= tombstonesFrom,
      );
      return stones.length === 0 ? undefined : encodeTombstonesRecord(stones);
    }
    if (type === RecordType.exemplars) {
      const exemplars = decodeExemplarsRecord(record).filter(({ time }) => time >= minTime);
      return exemplars.length === 0 ? undefined : encodeExemplarsRecord(exemplars);
    }
    if (type === RecordType.metadata) {
      for (const entry of decodeMetadataRecord(record)) {
        if (keep(entry.ref)) this.metadata.set(entry.ref, entry);
      }
    }
    // Others are of no use in a checkpoint, or written by a newer version and reported at start.
    return undefined;
  }

  private scratch(capacity: number): ReplayColumns {
    if (this.columns.refs.length < capacity) this.columns = newReplayColumns(2 * capacity);
    return this.columns;
  }

  finish(): void {
    const entries = [...this.metadata.values()];
    for (let from = 0; from < entries.length; from += METADATA_PER_RECORD) {
      this.write(encodeMetadataRecord(entries.slice(from, from + METADATA_PER_RECORD)));
    }
  }
}

function filterFile(options: CheckpointOptions, path: string, filter: CheckpointFilter): void {
  const handle = options.files.openSync(path, 'read');
  try {
    const { codecs } = options;
    const reader = new SegmentReader(handle, codecs, 0, codecs.snappy.window);
    visitRecords(reader, Number.POSITIVE_INFINITY, (record) => filter.record(record));
    if (reader.damage === undefined) return;
    throw new CheckpointError(
      `cannot make a checkpoint: ${path} is damaged at byte ${reader.damage.offsetBytes}: ${reader.damage.reason}`,
    );
  } finally {
    handle.closeSync();
  }
}

/** Files that the checkpoint is made from, oldest first. */
function sources(options: CheckpointOptions): string[] {
  const { files, directory, first, last } = options;
  const names = files.listSync(directory);
  const before = newestCheckpoint(names);
  const paths: string[] = [];
  if (before !== undefined) {
    for (const n of segmentNumbers(files.listSync(`${directory}/${before.name}`))) {
      paths.push(`${directory}/${before.name}/${segmentName(n)}`);
    }
  }
  const from = Math.max(first, (before?.number ?? -1) + 1);
  for (const n of segmentNumbers(names)) {
    if (n >= from && n <= last) paths.push(`${directory}/${segmentName(n)}`);
  }
  return paths;
}

export const checkpointName = (last: number): string => `checkpoint.${segmentName(last)}`;

/** Takes the complaints of a writer, which goes on when a segment cannot be synced. */
const complaintsTo = (complaints: string[]): Logger => ({
  ...silentLogger,
  error: (message, fields) => complaints.push(`${message}: ${String(fields?.err)}`),
});

/**
 * Writes the checkpoint that covers the segments up to `last`. The segments and older checkpoints stay: see
 * {@link removeCovered}. Reads all of them in one go: not for a thread that others wait for.
 * @throws CheckpointError, FileError, StorageError; nothing has changed then
 */
export async function createCheckpoint(options: CheckpointOptions): Promise<CheckpointStats> {
  const { files, directory, last } = options;
  const target = `${directory}/${checkpointName(last)}`;
  const building = `${target}.tmp`;
  const complaints: string[] = [];
  files.removeTreeSync(building);
  files.makeDirectorySync(building);
  try {
    const writer = new WalWriter(
      {
        files,
        logger: complaintsTo(complaints),
        directory: building,
        compression: options.compression,
        segmentBytes: options.segmentBytes,
      },
      0,
    );
    const filter = new CheckpointFilter(options, writer);
    writer.open();
    for (const path of sources(options)) filterFile(options, path, filter);
    filter.finish();
    writer.close();
    await writer.settled();
    if (complaints.length > 0) throw new CheckpointError(complaints.join('; '));
    files.syncDirectorySync(building);
    files.removeTreeSync(target);
    files.renameSync(building, target);
    files.syncDirectorySync(directory);
    return filter.stats;
  } catch (error) {
    files.removeTreeSync(building);
    throw error;
  }
}

/** Removes segments and checkpoints that the checkpoint at `last` covers. */
export function removeCovered(files: FileSystem, directory: string, last: number): void {
  for (const name of files.listSync(directory)) {
    if (/^[0-9]{8}$/.test(name) && Number(name) <= last) files.removeSync(`${directory}/${name}`);
    const old = /^checkpoint\.([0-9]{8})$/.exec(name);
    if (old !== null && Number(old[1]) < last) files.removeTreeSync(`${directory}/${name}`);
  }
}

/** Does a job. @throws as {@link createCheckpoint} */
export async function runCheckpoint(
  job: CheckpointJob,
  place: Pick<CheckpointOptions, 'files' | 'directory' | 'codecs'>,
): Promise<CheckpointOutcome> {
  const refs = new RefSet(job.refs);
  const stats = await createCheckpoint({
    ...job,
    ...place,
    compression: walCompression(job.compression, place.codecs),
    keep: (ref) => refs.has(ref),
  });
  try {
    removeCovered(place.files, place.directory, job.last);
    return { ...stats, notRemoved: undefined };
  } catch (error) {
    return { ...stats, notRemoved: error instanceof Error ? error.message : String(error) };
  }
}

/** Removes what a checkpoint that was interrupted left behind. */
export function removeUnfinished(files: FileSystem, directory: string): void {
  for (const name of files.listSync(directory)) {
    if (/^checkpoint\..*\.tmp$/.test(name)) files.removeTreeSync(`${directory}/${name}`);
  }
}
