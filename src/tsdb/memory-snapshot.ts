// SPDX-License-Identifier: Apache-2.0
// The head's memory in a directory, so that a start need not replay the log:
// `chunk_snapshot.SSSSSS.OOOOOOOOOO`, a log of its own, written at a clean shutdown. It stands for all of the
// log up to byte O of segment S, together with the files of chunks. Whatever is wrong with it costs time, not
// samples: the log has them all.

import type { FileSystem, Logger } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import { ChunkEncoding, decodeChunk, newChunkSamples } from '../chunks/index.ts';
import { DecodeError } from '../encoding/index.ts';
import { StorageError } from '../storage/index.ts';
import { type HeadSnapshot, SnapshotImpossibleError } from './head/head-snapshot.ts';
import {
  decodeSnapshotSeries,
  decodeSnapshotTombstones,
  encodeSnapshotTombstones,
  SnapshotRecord,
  snapshotChunkOf,
} from './head/snapshot-records.ts';
import { segmentName, segmentNumbers, type WalPlace } from './wal/format.ts';
import type { WalCodecs } from './wal/reader.ts';
import { SegmentReader, visitRecords } from './wal/reader.ts';
import { decodeExemplarsRecord, encodeExemplarsRecord } from './wal/records-other.ts';
import { WalWriter, type WalWriterOptions } from './wal/writer.ts';

const PREFIX = 'chunk_snapshot.';
const RECORDS_PER_GO = 1000;
const EXEMPLARS_PER_RECORD = 10_000;
const BYTES_PER_GO = 1 << 20;

interface Found extends WalPlace {
  readonly name: string;
}

export interface SnapshotOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  /** The data directory. */
  readonly directory: string;
}

export const snapshotName = ({ segment, offsetBytes }: WalPlace): string =>
  `${PREFIX}${String(segment).padStart(6, '0')}.${String(offsetBytes).padStart(10, '0')}`;

/** All snapshots among `names`, the newest last. */
export function foundSnapshots(names: readonly string[]): Found[] {
  const found: Found[] = [];
  for (const name of names) {
    const parts = /^chunk_snapshot\.([0-9]+)\.([0-9]+)$/.exec(name);
    if (parts === null) continue;
    found.push({ name, segment: Number(parts[1]), offsetBytes: Number(parts[2]) });
  }
  return found.sort((a, b) => a.segment - b.segment || a.offsetBytes - b.offsetBytes);
}

function removeOthers({ files, logger, directory }: SnapshotOptions, kept: string): void {
  for (const name of files.listSync(directory)) {
    if (!name.startsWith(PREFIX) || name === kept) continue;
    try {
      files.removeTreeSync(`${directory}/${name}`);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      logger.error('Cannot remove an old chunk snapshot', { dir: name, err: error.message });
    }
  }
}

/**
 * Writes the snapshot of a head to which nothing is appended any more, and removes older ones.
 * @param place the end of the log, at the end of a page, synced
 * @returns the number of series
 * @throws FileError, StorageError; there is no new snapshot then
 */
export function writeSnapshot(
  options: SnapshotOptions & Pick<WalWriterOptions, 'compression' | 'segmentBytes'>,
  head: HeadSnapshot,
  place: WalPlace,
): number {
  const { files, directory } = options;
  const name = snapshotName(place);
  const target = `${directory}/${name}`;
  const building = `${target}.tmp`;
  files.removeTreeSync(building);
  files.makeDirectorySync(building);
  let series = 0;
  try {
    const writer = new WalWriter({ ...options, directory: building, syncsSegments: true }, 0);
    writer.open();
    let records: Uint8Array[] = [];
    const add = (record: Uint8Array): void => {
      records.push(record);
      if (records.length < RECORDS_PER_GO) return;
      writer.log(records);
      records = [];
    };
    for (const record of head.seriesRecords()) {
      series++;
      add(record);
    }
    add(encodeSnapshotTombstones(head.tombstones()));
    const exemplars = head.exemplars();
    for (let from = 0; from < exemplars.length; from += EXEMPLARS_PER_RECORD) {
      const record = encodeExemplarsRecord(exemplars.slice(from, from + EXEMPLARS_PER_RECORD));
      record[0] = SnapshotRecord.exemplars;
      add(record);
    }
    if (records.length > 0) writer.log(records);
    writer.close();
    files.syncDirectorySync(building);
    files.removeTreeSync(target);
    files.renameSync(building, target);
    files.syncDirectorySync(directory);
  } catch (error) {
    files.removeTreeSync(building);
    throw error;
  }
  removeOthers(options, name);
  return series;
}

/** Calls `visit` for each record. @throws DecodeError where the snapshot is damaged */
async function readAll(
  options: SnapshotOptions,
  codecs: WalCodecs,
  name: string,
  pause: (delayMs: number) => Promise<void>,
  visit: (record: Uint8Array) => void,
): Promise<void> {
  const { files, directory } = options;
  const path = `${directory}/${name}`;
  const numbers = segmentNumbers(files.listSync(path));
  if (numbers.some((number, i) => number !== i)) throw new DecodeError('segments are missing');
  for (const number of numbers) {
    const handle = files.openSync(`${path}/${segmentName(number)}`, 'read');
    try {
      const reader = new SegmentReader(handle, codecs);
      while (visitRecords(reader, BYTES_PER_GO, visit)) await pause(0);
      if (reader.damage !== undefined) {
        const { reason, offsetBytes } = reader.damage;
        throw new DecodeError(`${segmentName(number)} at byte ${offsetBytes}: ${reason}`);
      }
    } finally {
      handle.closeSync();
    }
  }
}

/** Whether a record can be taken; the head is not touched. @throws DecodeError */
function checkRecord(record: Uint8Array, samples: ReturnType<typeof newChunkSamples>): void {
  switch (record[0]) {
    case SnapshotRecord.series: {
      const chunk = snapshotChunkOf(record);
      // The kernel decodes XOR chunks and cannot fail; checksums vouch for what they hold.
      if (chunk === undefined || chunk.encoding === ChunkEncoding.xor) return;
      try {
        decodeChunk(chunk.encoding, chunk.data, samples);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new DecodeError(error.message, { cause: error });
      }
      return;
    }
    case SnapshotRecord.tombstones:
      decodeSnapshotTombstones(record);
      return;
    case SnapshotRecord.exemplars:
      decodeExemplarsRecord(record);
      return;
    default:
      throw new DecodeError(`unsupported snapshot record type ${record[0]}`);
  }
}

export interface LoadSnapshotOptions extends SnapshotOptions {
  readonly codecs: WalCodecs;
  readonly pause: (delayMs: number) => Promise<void>;
  /** Whether the files of chunks have all they should. */
  readonly chunksAreWhole: boolean;
  /** Told of each series: its ref in the log and its id. */
  readonly onSeries: (ref: number, id: number) => void;
}

/** From where the log is to be read, and whether a snapshot was found damaged. */
export interface LoadedSnapshot {
  readonly from: WalPlace | undefined;
  readonly isDamaged: boolean;
}

/**
 * Puts the newest snapshot into the head, after the files of chunks and before the log. One that is damaged,
 * or that the log or the files do not go with, is passed over whole, and one log line says why.
 * @throws FileError, MemoryFullError
 */
export async function loadSnapshot(
  options: LoadSnapshotOptions,
  head: HeadSnapshot,
): Promise<LoadedSnapshot> {
  const { files, logger, directory, codecs, pause } = options;
  const newest = foundSnapshots(files.listSync(directory)).at(-1);
  if (newest === undefined) return { from: undefined, isDamaged: false };
  const dir = `${directory}/${newest.name}`;
  const lastSegment = segmentNumbers(files.listSync(`${directory}/wal`)).at(-1) ?? -1;
  if (lastSegment < newest.segment) {
    logger.warn('Last WAL file is behind snapshot, removing snapshots', { dir, lastSegment });
    removeOthers(options, '');
    return { from: undefined, isDamaged: false };
  }
  if (!options.chunksAreWhole) {
    logger.warn(
      'The chunk snapshot is not used: head chunks are damaged; the whole WAL is replayed',
      {
        dir,
      },
    );
    return { from: undefined, isDamaged: false };
  }
  try {
    const samples = newChunkSamples(128);
    // Twice over: a head cannot be emptied again.
    await readAll(options, codecs, newest.name, pause, (record) => checkRecord(record, samples));
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof FileError)) throw error;
    logger.error('Failed to load chunk snapshot: it is not used, the whole WAL is replayed', {
      dir,
      err: error.message,
    });
    return { from: undefined, isDamaged: true };
  }
  let series = 0;
  await readAll(options, codecs, newest.name, pause, (record) => {
    if (record[0] === SnapshotRecord.series) {
      const decoded = decodeSnapshotSeries(record);
      options.onSeries(decoded.ref, head.restoreSeries(decoded));
      series++;
    } else if (record[0] === SnapshotRecord.tombstones) {
      head.restoreTombstones(decodeSnapshotTombstones(record));
    } else {
      head.restoreExemplars(decodeExemplarsRecord(record));
    }
  });
  head.endRestore();
  logger.info('chunk snapshot loaded', { dir, num_series: series });
  return { from: newest, isDamaged: false };
}

/** An error that a shutdown goes on after: there is no snapshot then. */
export const isSnapshotError = (error: unknown): error is Error =>
  error instanceof FileError ||
  error instanceof StorageError ||
  error instanceof SnapshotImpossibleError;
