// SPDX-License-Identifier: Apache-2.0
// Rebuilds a head from a WAL directory, Prometheus's or ours. Damage ends the reading there: what came
// before is kept, what comes after is cut off and said so.

import type { FileSystem, Logger } from '../../base/index.ts';
import type { SampleBatch } from '../../storage/index.ts';
import { TsdbError } from '../errors.ts';
import { DecodeError } from '../../encoding/index.ts';
import type { Head } from '../head/head.ts';
import { type HeadKernel, headKernel } from '../head/kernel.ts';
import { SideKind } from '../head/side.ts';
import { removeUnfinished } from './checkpoint.ts';
import { newestCheckpoint, segmentName, segmentNumbers } from './format.ts';
import type { WalCodecs, WalDamage } from './reader.ts';
import { SegmentReader, visitRecords } from './reader.ts';
import type { ReplayColumns } from './records.ts';
import {
  decodeSamplesRecord,
  newReplayColumns,
  RecordType,
  samplesMax,
  TextPlaces,
  visitSeriesRecord,
} from './records.ts';
import {
  decodeHistogramsRecord,
  isFloatHistogramType,
  isHistogramType,
} from './records-histogram.ts';
import {
  decodeExemplarsRecord,
  decodeMetadataRecord,
  decodeMinValidTimeRecord,
  decodeMmapMarkersRecord,
  decodeTombstonesRecord,
} from './records-other.ts';
import { RefTable } from './ref-set.ts';
import type { WalPlace } from './format.ts';

export interface ReplayOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly directory: string;
  /** Of samples out of order; need not exist. */
  readonly wblDirectory?: string;
  readonly codecs: WalCodecs;
  readonly head: Head;
  /** Told after each segment. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** A snapshot that is in the head already: the log is read from there. */
  readonly snapshot?: {
    readonly from: WalPlace;
    /** Refs and ids of its series, in the same order. */
    readonly refs: readonly number[];
    readonly ids: readonly number[];
  };
  /** Lets other work in now and then; replay of a big WAL takes seconds. */
  readonly pause?: (delayMs: number) => Promise<void>;
}

/** Segment numbers, as /api/v1/status/walreplay has them. */
export interface ReplayProgress {
  readonly min: number;
  readonly max: number;
  readonly current: number;
}

export interface ReplayResult {
  /** Number of the segment to write next. */
  readonly nextSegment: number;
  readonly samples: number;
  /** Samples whose series no record named. */
  readonly unknownRefs: number;
  readonly corruptions: number;
  /** Oldest sample out of order that the WBL holds; +Infinity: none. */
  readonly lateMinTime: number;
}

const BATCH_SAMPLES = 1 << 16;
/** Bytes of the log read between two pauses. */
const BYTES_PER_GO = 1 << 20;

class Replay {
  samples = 0;
  unknownRefs = 0;
  /** Oldest time in the WBL. */
  lateMinTime = Number.POSITIVE_INFINITY;
  /** Whether what is read now is the WBL. */
  isOutOfOrder = false;
  /** Records of types that this version does not know. */
  readonly skipped = new Map<number, number>();
  private readonly head: Head;
  private readonly refs: RefTable;
  private readonly places = new TextPlaces();
  private readonly kernel: HeadKernel;
  private batch: SampleBatch;
  private columns: ReplayColumns = newReplayColumns(BATCH_SAMPLES);

  constructor(head: Head) {
    this.head = head;
    this.refs = new RefTable(head.heap);
    this.kernel = headKernel(head.heap.shared);
    this.batch = head.newBatch(BATCH_SAMPLES);
  }

  /** A series that is in the head already. */
  know(ref: number, id: number): void {
    this.refs.set(ref, id);
  }

  record(record: Uint8Array): void {
    const type = record[0];
    if (type === RecordType.samples || type === RecordType.samplesWithStart) {
      if (this.isOutOfOrder) this.restoreLate(record);
      else if (!this.restoreInPlace(record, type)) this.restoreSamples(record);
    } else if (type === RecordType.series) {
      visitSeriesRecord(record, this.places, (ref) =>
        this.refs.set(ref, this.head.restoreLogged(ref, record, this.places)),
      );
    } else if (type !== undefined && isHistogramType(type)) {
      this.restoreHistograms(record, type);
    } else if (type === RecordType.tombstones) {
      for (const { ref, minTime, maxTime } of decodeTombstonesRecord(record)) {
        const id = this.refs.get(ref);
        if (id === 0) this.unknownRefs++;
        else this.head.sideStore.delete([id], minTime, maxTime);
      }
    } else if (type === RecordType.metadata) {
      for (const entry of decodeMetadataRecord(record)) {
        const id = this.refs.get(entry.ref);
        if (id !== 0) this.head.metadata.restore(id, entry);
      }
    } else if (type === RecordType.exemplars) {
      for (const exemplar of decodeExemplarsRecord(record)) {
        const id = this.refs.get(exemplar.ref);
        const labels = id === 0 ? undefined : this.head.seriesLabels(id);
        // The log does not tell whether the time was the exemplar's own. As upstream: only one that has its
        // own is another at another time.
        if (labels !== undefined) {
          this.head.exemplars.add(labels, { ...exemplar, isTimeOfSample: true });
        }
      }
    } else if (type === RecordType.minValidTime) {
      this.head.setFloor(decodeMinValidTimeRecord(record));
    } else if (type === RecordType.mmapMarkers) {
      for (const { ref, file, offsetBytes } of decodeMmapMarkersRecord(record)) {
        const id = this.refs.get(ref);
        if (id !== 0) this.head.restoreMarker(id, file, offsetBytes);
      }
    } else if (type !== undefined) {
      this.skipped.set(type, (this.skipped.get(type) ?? 0) + 1);
    }
  }

  private restoreHistograms(record: Uint8Array, type: number): void {
    const kind = isFloatHistogramType(type) ? SideKind.floatHistogram : SideKind.histogram;
    decodeHistogramsRecord(record, ({ ref, time, startTime, bytes }) => {
      const id = this.refs.get(ref);
      if (this.isOutOfOrder) this.noteLate(ref, time);
      if (id === 0) this.unknownRefs++;
      else if (this.head.sideStore.restore(id, kind, this.isOutOfOrder, time, bytes, startTime)) {
        this.samples++;
      }
    });
  }

  private noteLate(ref: number, time: number): void {
    this.lateMinTime = Math.min(this.lateMinTime, time);
    // Of a series that the WAL does not have, or no longer.
    this.head.skipWalRef(ref);
  }

  /** Samples of the WBL: out of order by definition. */
  private restoreLate(record: Uint8Array): void {
    const most = samplesMax(record.length);
    if (most > this.columns.refs.length) this.columns = newReplayColumns(most);
    const { columns } = this;
    const count = decodeSamplesRecord(record, columns);
    const bytes = new Uint8Array(columns.valueBits.buffer);
    for (let i = 0; i < count; i++) {
      const id = this.refs.get(columns.refs[i]!);
      const data = bytes.slice(8 * i, 8 * i + 8);
      const time = columns.times[i]!;
      const start = columns.startTimes[i]!;
      this.noteLate(columns.refs[i]!, time);
      if (id === 0) this.unknownRefs++;
      else if (this.head.sideStore.restore(id, SideKind.float, true, time, data, start)) {
        this.samples++;
      }
    }
  }

  /** The usual record, where it stands in the shared memory. False: it is another, or elsewhere. */
  private restoreInPlace(record: Uint8Array, type: number): boolean {
    const { shared } = this.head.heap;
    if (type !== RecordType.samples || record.buffer !== shared.u8.buffer) return false;
    if (!this.refs.isDense) return false;
    const most = samplesMax(record.length);
    if (most > this.batch.capacity) {
      this.head.releaseBatch(this.batch);
      this.batch = this.head.newBatch(2 * most);
    }
    const { batch } = this;
    const { address, length } = this.refs.words;
    const from = record.byteOffset;
    const { refsAddress, timesAddress, valuesAddress } = batch;
    const count = this.kernel.decodeSamples(
      from,
      from + record.length,
      address,
      length,
      refsAddress,
      timesAddress,
      valuesAddress,
    );
    if (count < 0) throw new DecodeError('a samples record ends within a sample');
    batch.count = count;
    for (let i = 0; i < count; i++) if (batch.refs[i] === 0) this.unknownRefs++;
    this.samples += this.head.restoreSamples(batch);
    return true;
  }

  private restoreSamples(record: Uint8Array): void {
    const most = samplesMax(record.length);
    if (most > this.columns.refs.length) this.columns = newReplayColumns(most);
    const count = decodeSamplesRecord(record, this.columns);
    const { batch, columns } = this;
    const bits = columns.valueBits;
    for (let from = 0; from < count; from += BATCH_SAMPLES) {
      const n = Math.min(BATCH_SAMPLES, count - from);
      for (let i = 0; i < n; i++) {
        const id = this.refs.get(columns.refs[from + i]!);
        if (id === 0) this.unknownRefs++;
        batch.refs[i] = id;
      }
      batch.times.set(columns.times.subarray(from, from + n));
      batch.valueBits.set(bits.subarray(2 * from, 2 * (from + n)));
      if (record[0] === RecordType.samplesWithStart) {
        batch.startTimes = columns.startTimes.subarray(from, from + n);
      }
      batch.count = n;
      this.samples += this.head.restoreSamples(batch);
      batch.startTimes = undefined;
    }
  }

  release(): void {
    this.refs.release();
    this.head.releaseBatch(this.batch);
  }
}

/** Reads the log of samples out of order, if there is one; series are known by then. */
async function readWbl(options: ReplayOptions, replay: Replay): Promise<number> {
  const { files, wblDirectory } = options;
  if (wblDirectory === undefined || !files.existsSync(wblDirectory)) return 0;
  replay.isOutOfOrder = true;
  // All of it, snapshot or not: late samples are in no snapshot.
  const { snapshot: _, ...rest } = options;
  return readSegments(
    { ...rest, directory: wblDirectory },
    segmentNumbers(files.listSync(wblDirectory)),
    replay,
  );
}

/** Files to read, oldest first: those of the newest checkpoint, then the segments after it. */
function filesToRead(options: ReplayOptions): { segments: number[]; checkpoint: string[] } {
  const names = options.files.listSync(options.directory);
  const first = options.snapshot?.from.segment ?? 0;
  const newest = newestCheckpoint(names);
  // What a checkpoint before the snapshot holds is in the snapshot.
  const checkpoint = newest !== undefined && newest.number >= first ? newest : undefined;
  const segments = segmentNumbers(names).filter(
    (n) => n >= first && (checkpoint === undefined || n > checkpoint.number),
  );
  if (checkpoint === undefined) return { segments, checkpoint: [] };
  const directory = `${options.directory}/${checkpoint.name}`;
  const parts = segmentNumbers(options.files.listSync(directory));
  return { segments, checkpoint: parts.map((n) => `${directory}/${segmentName(n)}`) };
}

/** Cuts a damaged segment and drops those after it, as upstream's repair does. Returns the bytes lost. */
function repair(
  options: ReplayOptions,
  damaged: number,
  damage: WalDamage,
  segments: readonly number[],
): number {
  const { files, directory } = options;
  const path = (n: number): string => `${directory}/${segmentName(n)}`;
  let lost = files.statSync(path(damaged)).sizeBytes - damage.offsetBytes;
  const file = files.openSync(path(damaged), 'readwrite');
  try {
    file.truncateSync(damage.offsetBytes);
    file.syncSync();
  } finally {
    file.closeSync();
  }
  for (const later of segments.filter((n) => n > damaged)) {
    lost += files.statSync(path(later)).sizeBytes;
    files.removeSync(path(later));
  }
  files.syncDirectorySync(directory);
  return lost;
}

async function readFile(
  options: ReplayOptions,
  path: string,
  replay: Replay,
  from = 0,
): Promise<WalDamage | undefined> {
  const handle = options.files.openSync(path, 'read');
  try {
    const { codecs } = options;
    const start = Math.min(from, handle.sizeBytes());
    const reader = new SegmentReader(handle, codecs, start, codecs.snappy.window);
    while (visitRecords(reader, BYTES_PER_GO, (record) => replay.record(record))) {
      await options.pause?.(0);
    }
    return reader.damage;
  } finally {
    handle.closeSync();
  }
}

async function readCheckpoint(
  options: ReplayOptions,
  paths: readonly string[],
  replay: Replay,
): Promise<void> {
  for (const path of paths) {
    const damage = await readFile(options, path, replay);
    if (damage === undefined) continue;
    throw new TsdbError(
      'wal_corrupt',
      path,
      `cannot read checkpoint ${path}: ${damage.reason} at byte ${damage.offsetBytes}. It cannot be repaired: move its directory away to start without the series it holds, or restore it from a backup`,
    );
  }
}

/** Reads segments up to the first damage; returns 1 when there was one, after cutting the log there. */
async function readSegments(
  options: ReplayOptions,
  segments: readonly number[],
  replay: Replay,
): Promise<number> {
  const min = segments[0] ?? 0;
  const max = segments.at(-1) ?? 0;
  for (const number of segments) {
    const path = `${options.directory}/${segmentName(number)}`;
    const start = options.snapshot?.from;
    const from = start !== undefined && start.segment === number ? start.offsetBytes : 0;
    const damage = await readFile(options, path, replay, from);
    options.onProgress?.({ min, max, current: number });
    if (damage === undefined) continue;
    const lost = repair(options, number, damage, segments);
    options.logger.warn('Encountered WAL read error, attempting repair', {
      err: `corruption in segment ${path} at ${damage.offsetBytes}: ${damage.reason}`,
      bytesDropped: lost,
      segmentsDropped: segments.filter((n) => n > number).length,
    });
    return 1;
  }
  return 0;
}

/** A log with a hole is read all the same: what is there is better than nothing, but never silently. */
function reportMissing(options: ReplayOptions, segments: readonly number[]): void {
  const newest = newestCheckpoint(options.files.listSync(options.directory));
  let expected = segments[0] ?? 0;
  if (newest !== undefined) expected = Math.min(expected, newest.number + 1);
  for (const number of segments) {
    if (number !== expected) {
      options.logger.error(
        'WAL segments are missing: their samples are lost, the others are read',
        {
          directory: options.directory,
          first: segmentName(expected),
          last: segmentName(number - 1),
        },
      );
    }
    expected = number + 1;
  }
}

/** Reads the whole directory into the head. @throws FileError, TsdbError, MemoryFullError */
export async function replayWal(options: ReplayOptions): Promise<ReplayResult> {
  const { files, logger, directory, head } = options;
  removeUnfinished(files, directory);
  const { segments, checkpoint } = filesToRead(options);
  reportMissing(options, segments);
  const replay = new Replay(head);
  options.snapshot?.refs.forEach((ref, i) => {
    replay.know(ref, options.snapshot!.ids[i]!);
  });
  let corruptions = 0;
  try {
    await readCheckpoint(options, checkpoint, replay);
    corruptions = await readSegments(options, segments, replay);
    corruptions += await readWbl(options, replay);
  } finally {
    replay.release();
  }
  for (const [type, count] of replay.skipped) {
    logger.warn('WAL records of a type that this version does not know were skipped', {
      type,
      records: count,
    });
  }
  if (replay.unknownRefs > 0) {
    logger.warn('Unknown series references', { samples: replay.unknownRefs });
  }
  const names = files.listSync(directory);
  const newest = segmentNumbers(names).at(-1) ?? -1;
  const nextSegment = Math.max(newest, newestCheckpoint(names)?.number ?? -1) + 1;
  const { samples, unknownRefs, lateMinTime } = replay;
  return { nextSegment, samples, unknownRefs, corruptions, lateMinTime };
}
