// SPDX-License-Identifier: Apache-2.0
// Rebuilds a head from a WAL directory, Prometheus's or ours. Damage ends the reading there: what came
// before is kept, what comes after is cut off and said so.

import type { FileSystem, Logger } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { BlockCompression } from '../../encoding/index.ts';
import { newSampleColumns } from '../../model/index.ts';
import type { SampleBatch } from '../../storage/index.ts';
import type { Head } from '../head/head.ts';
import { newestCheckpoint, segmentName, segmentNumbers } from './format.ts';
import type { WalDamage } from './reader.ts';
import { readSegment } from './reader.ts';
import type { ReplayColumns } from './records.ts';
import {
  decodeSamplesRecord,
  decodeSeriesRecord,
  RecordType,
  recordTypeNames,
  samplesMax,
} from './records.ts';

export interface ReplayOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly directory: string;
  readonly snappy: BlockCompression;
  readonly head: Head;
  /** Told after each segment. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** Lets other work in between segments; replay of a big WAL takes seconds. */
  readonly pause?: () => Promise<void>;
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
}

const BATCH_SAMPLES = 1 << 16;
/** WAL refs below this are looked up in an array, others in a map. */
const DENSE_REFS_MAX = 1 << 26;

/** WAL ref -> series id. */
class RefTable {
  private dense = new Uint32Array(1 << 12);
  private readonly sparse = new Map<number, number>();

  set(ref: number, id: number): void {
    if (ref >= DENSE_REFS_MAX) {
      this.sparse.set(ref, id);
      return;
    }
    if (ref >= this.dense.length) {
      const grown = new Uint32Array(Math.max(2 * this.dense.length, ref + 1));
      grown.set(this.dense);
      this.dense = grown;
    }
    this.dense[ref] = id;
  }

  get(ref: number): number {
    if (ref < this.dense.length) return this.dense[ref]!;
    return this.sparse.get(ref) ?? 0;
  }
}

class Replay {
  samples = 0;
  unknownRefs = 0;
  readonly skipped = new Map<number, number>();
  private readonly head: Head;
  private readonly refs = new RefTable();
  private readonly batch: SampleBatch;
  private columns: ReplayColumns = newReplayColumns(BATCH_SAMPLES);

  constructor(head: Head) {
    this.head = head;
    this.batch = head.newBatch(BATCH_SAMPLES);
  }

  record(record: Uint8Array): void {
    const type = record[0];
    if (type === RecordType.series) {
      decodeSeriesRecord(record, (ref, labels) =>
        this.refs.set(ref, this.head.restoreSeries(ref, labels)),
      );
    } else if (type === RecordType.samples) {
      this.restore(record);
    } else if (type !== undefined) {
      this.skipped.set(type, (this.skipped.get(type) ?? 0) + 1);
    }
  }

  private restore(record: Uint8Array): void {
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
      batch.count = n;
      this.samples += this.head.restoreSamples(batch);
    }
  }

  release(): void {
    this.head.releaseBatch(this.batch);
  }
}

function newReplayColumns(capacity: number): ReplayColumns {
  const { times, valueBits } = newSampleColumns(capacity);
  return { refs: new Float64Array(capacity), times, valueBits };
}

/** Files to read, oldest first: those of the newest checkpoint, then the segments after it. */
function filesToRead(options: ReplayOptions): { segments: number[]; checkpoint: string[] } {
  const names = options.files.listSync(options.directory);
  const checkpoint = newestCheckpoint(names);
  const segments = segmentNumbers(names).filter(
    (n) => checkpoint === undefined || n > checkpoint.number,
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

/** Reads the whole directory into the head. @throws FileError when it cannot be read, MemoryFullError */
export async function replayWal(options: ReplayOptions): Promise<ReplayResult> {
  const { files, logger, directory, snappy, head } = options;
  const { segments, checkpoint } = filesToRead(options);
  const replay = new Replay(head);
  let corruptions = 0;
  const min = segments[0] ?? 0;
  const max = segments.at(-1) ?? 0;
  try {
    for (const path of checkpoint) {
      const damage = readSegment(files.readFileSync(path), snappy, (record) =>
        replay.record(record),
      );
      if (damage !== undefined) {
        throw new FileError(
          'EIO',
          path,
          `cannot read checkpoint ${path}: ${damage.reason} at byte ${damage.offsetBytes}`,
        );
      }
    }
    for (const number of segments) {
      const damage = readSegment(
        files.readFileSync(`${directory}/${segmentName(number)}`),
        snappy,
        (record) => replay.record(record),
      );
      options.onProgress?.({ min, max, current: number });
      if (damage !== undefined) {
        corruptions++;
        const lost = repair(options, number, damage, segments);
        logger.warn('Encountered WAL read error, attempting repair', {
          err: `corruption in segment ${segmentName(number)} at ${damage.offsetBytes}: ${damage.reason}`,
          bytesDropped: lost,
        });
        break;
      }
      await options.pause?.();
    }
  } finally {
    replay.release();
  }
  for (const [type, count] of replay.skipped) {
    logger.warn('WAL records of a kind that this version does not keep were skipped', {
      kind: recordTypeNames[type] ?? `type ${type}`,
      records: count,
    });
  }
  if (replay.unknownRefs > 0)
    logger.warn('Unknown series references', { samples: replay.unknownRefs });
  const newest = segmentNumbers(files.listSync(directory)).at(-1);
  const covered = newestCheckpoint(files.listSync(directory))?.number ?? -1;
  const nextSegment = Math.max(newest ?? -1, covered) + 1;
  return { nextSegment, samples: replay.samples, unknownRefs: replay.unknownRefs, corruptions };
}
