// SPDX-License-Identifier: Apache-2.0
// A database in a directory: lock, write-ahead log, head.

import type { Clock, FileSystem, Logger } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import type { FrameCompression } from '../encoding/index.ts';
import type { SharedHeap } from '../kernels/index.ts';
import type { Appender } from '../storage/index.ts';
import { TsdbError } from './errors.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head } from './head/head.ts';
import type { HeadSnapshot } from './head/head-snapshot.ts';
import { HeadReader } from './head/reader.ts';
import { MemoryFullError } from './head/store.ts';
import type { Pause, TruncateResult } from './head/truncate.ts';
import type { DirectoryLock } from './lock.ts';
import { lockDirectory } from './lock.ts';
import {
  isSnapshotError,
  type LoadedSnapshot,
  loadSnapshot,
  snapshotName,
  writeSnapshot,
} from './memory-snapshot.ts';
import { DEFAULT_SEGMENT_BYTES, segmentNumbers } from './wal/format.ts';
import type { WalCodecs } from './wal/reader.ts';
import type { Checkpointer } from './wal/checkpoint.ts';
import { runCheckpoint } from './wal/checkpoint.ts';
import type { LateSink, WalSink } from './wal/records.ts';
import type { ReplayProgress, ReplayResult } from './wal/replay.ts';
import { replayWal } from './wal/replay.ts';
import { ResilientWal } from './wal/resilient.ts';
import { SharedSnappy } from './wal/shared-snappy.ts';
import { type CheckpointCounters, WalTruncator } from './wal/truncation.ts';
import { WblWriter } from './wal/wbl.ts';
import { WalWriter, type WalWriterOptions, walCompression } from './wal/writer.ts';

export interface DatabaseOptions {
  readonly directory: string;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heap: SharedHeap;
  /** Without it zstd records cannot be read. */
  readonly zstd?: FrameCompression;
  /** For the lock file. */
  readonly processId: number;
  readonly lock?: boolean;
  /** Records are compressed unless this is `none`; with snappy unless this says otherwise. */
  readonly walCompression?: 'none' | 'snappy' | 'zstd';
  /** How late samples may come; see Head.outOfOrderWindowMs. */
  readonly outOfOrderWindowMs?: number;
  /** Exemplars kept; 0: none. */
  readonly exemplarsMax?: number;
  /** Bytes of records that may wait in memory while the disk takes none. */
  readonly walWaitingBytesMax?: number;
  /**
   * Called once the directory is ours: tells the time before which samples are in blocks, so that they are
   * neither replayed nor taken.
   */
  readonly floorTime?: () => Promise<number | undefined>;
  /** The memory is written to a snapshot at the end, and read from it at the start. */
  readonly memorySnapshot?: boolean;
  readonly walSegmentBytes?: number;
  readonly chunkRangeMs?: number;
  readonly onReplayProgress?: (progress: ReplayProgress) => void;
}

/** How {@link Database.truncateHead} goes about it. */
export interface TruncateHow {
  /** The newest batch of which all late samples before the time are in blocks; all, unless given. */
  readonly seenBatch?: number;
  /** Who reads the log for a checkpoint; this thread, in one go, unless given. */
  readonly checkpoint?: Checkpointer;
}

/** The log that exists once replay has found where it goes on. */
class LogToCome<Sink extends WalSink | LateSink> {
  target: Sink | undefined;

  log(records: readonly Uint8Array[], minTime = Number.NEGATIVE_INFINITY): void {
    this.target?.log(records, minTime);
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** An open database. The opener closes it. */
export class Database {
  readonly head: Head;
  readonly wal: WalWriter;
  /** The log as the head writes to it. */
  readonly walQueue: ResilientWal;
  readonly directory: string;
  readonly replaySeconds: number;
  readonly walCorruptions: number;
  readonly chunkCorruptions: number;
  /** Snapshots found damaged at the start. */
  readonly snapshotErrors: number;
  /** 1 clean, 0 dirty, -1 no lock file. */
  readonly cleanStart: number;
  private readonly lock: DirectoryLock | undefined;
  private readonly truncator: WalTruncator;
  private readonly wbl: WblWriter;
  private readonly logger: Logger;
  private readonly pause: Pause;
  private readonly checkpointHere: Checkpointer;
  private readonly files: FileSystem;
  private readonly snapshotLog: Omit<WalWriterOptions, 'directory'> | undefined;

  constructor(parts: {
    head: Head;
    wal: WalWriter;
    walQueue: ResilientWal;
    wbl: WblWriter;
    truncator: WalTruncator;
    logger: Logger;
    pause: Pause;
    codecs: WalCodecs;
    files: FileSystem;
    directory: string;
    lock: DirectoryLock | undefined;
    replaySeconds: number;
    walCorruptions: number;
    chunkCorruptions: number;
    snapshotErrors: number;
    /** How a snapshot is written at the end; undefined: none is. */
    snapshotLog: Omit<WalWriterOptions, 'directory'> | undefined;
  }) {
    this.head = parts.head;
    this.wal = parts.wal;
    this.walQueue = parts.walQueue;
    this.truncator = parts.truncator;
    this.wbl = parts.wbl;
    this.logger = parts.logger;
    this.pause = parts.pause;
    this.files = parts.files;
    this.directory = parts.directory;
    this.lock = parts.lock;
    this.replaySeconds = parts.replaySeconds;
    this.walCorruptions = parts.walCorruptions;
    this.chunkCorruptions = parts.chunkCorruptions;
    this.snapshotErrors = parts.snapshotErrors;
    this.snapshotLog = parts.snapshotLog;
    this.cleanStart = parts.lock?.cleanStart ?? -1;
    const { files, codecs } = parts;
    const place = { files, codecs, directory: `${parts.directory}/wal` };
    this.checkpointHere = (job) => runCheckpoint(job, place);
  }

  get appender(): Appender {
    return this.head;
  }

  /** Where readers of the head find its chunk files. */
  get chunksDirectory(): string {
    return `${this.directory}/chunks_head`;
  }

  /**
   * A reader of the head for this thread, under a number (0..63) that no other reader has now. Other threads
   * make theirs from the memory and {@link chunksDirectory}.
   */
  newReader(worker: number, scratchBytes: number): HeadReader {
    this.head.reserveScratch(worker, scratchBytes);
    return new HeadReader(this.head.heap.shared, worker, {
      files: this.files,
      directory: this.chunksDirectory,
    });
  }

  /** Whether a log cannot be written just now: what comes in meanwhile is in memory only. */
  get isLogFailing(): boolean {
    return this.walQueue.isFailing || this.wbl.isFailing;
  }

  /** Bytes of both logs that are in memory only. */
  get logWaitingBytes(): number {
    return this.walQueue.waitingBytes + this.wbl.waitingBytes;
  }

  /** Batches refused because too much of a log waits in memory. */
  get logRefused(): number {
    return this.walQueue.refused + this.wbl.refused;
  }

  get checkpoints(): CheckpointCounters {
    return this.truncator.counters;
  }

  /**
   * Forgets what is in blocks: head samples before `minTime`, series with nothing left, and the part of the
   * log that only they needed. Works in short goes. A log that cannot be shortened is logged and counted,
   * and is tried again next time.
   * @throws MemoryFullError
   */
  async truncateHead(minTime: number, how: TruncateHow = {}): Promise<TruncateResult> {
    const { checkpoint = this.checkpointHere, seenBatch } = how;
    const deletionsFrom = Math.min(minTime, this.wbl.oldestTime);
    const result = await this.head.truncate(minTime, this.pause, seenBatch, deletionsFrom);
    this.truncator.expire(result.removedRefs, minTime - 1);
    this.wbl.newest = this.head.maxTime;
    this.wbl.truncate(minTime);
    try {
      const addLiveRefs = (add: (ref: number) => void): Promise<void> =>
        this.head.visitWalRefs(add, this.pause);
      const tombstonesFrom = Math.min(minTime, this.wbl.oldestTime);
      await this.truncator.truncate({ minTime, tombstonesFrom }, addLiveRefs, checkpoint);
    } catch (error) {
      this.logger.error(
        'Cannot shorten the WAL; it is whole and tried again after the next block',
        {
          err: messageOf(error),
        },
      );
    }
    return result;
  }

  /** Syncs the log and gives the directory back. Nothing may be appended after it. */
  close(): void {
    const isLogged = this.walQueue.retry();
    if (!isLogged) {
      this.logger.error('The WAL cannot be written at shutdown: these bytes of it are lost', {
        bytes: this.walQueue.waitingBytes,
      });
    }
    const writeSnapshot = isLogged ? this.prepareSnapshot() : undefined;
    const chunksAreSafe = this.head.close();
    this.wbl.close();
    if (chunksAreSafe) writeSnapshot?.();
    this.wal.close();
    this.lock?.release();
  }

  /** Puts into files what a snapshot has no place for; undefined: there is to be none. */
  private prepareSnapshot(): (() => void) | undefined {
    const { snapshotLog, logger } = this;
    if (snapshotLog === undefined) return undefined;
    const guarded = (act: () => void): boolean => {
      try {
        act();
        return true;
      } catch (error) {
        if (!isSnapshotError(error)) throw error;
        logger.error('Cannot write a chunk snapshot; the next start replays the WAL', {
          err: error.message,
        });
        return false;
      }
    };
    const snapshot = this.head.snapshot();
    if (!guarded(() => snapshot.settle())) return undefined;
    return () => guarded(() => this.writeSnapshot(snapshotLog, snapshot));
  }

  private writeSnapshot(log: Omit<WalWriterOptions, 'directory'>, snapshot: HeadSnapshot): void {
    const { directory, logger } = this;
    logger.info('creating chunk snapshot');
    const place = this.wal.endPage();
    const series = writeSnapshot({ ...log, directory }, snapshot, place);
    logger.info('chunk snapshot complete', {
      num_series: series,
      dir: `${directory}/${snapshotName(place)}`,
    });
  }
}

/** What a failed file operation means for whoever starts the database. */
function unusable(directory: string, error: FileError): TsdbError {
  const isForbidden = error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM';
  const remedy = isForbidden
    ? '. The user that runs this must own the directory and be able to write all that is in it'
    : '';
  const message = `cannot use ${directory} for data: ${error.message}${remedy}`;
  return new TsdbError('directory', directory, message, { cause: error });
}

function prepareDirectory(options: DatabaseOptions): void {
  try {
    options.files.makeDirectorySync(`${options.directory}/wal`);
    options.files.makeDirectorySync(`${options.directory}/chunks_head`);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw unusable(options.directory, error);
  }
}

/** Fills the head: files of chunks, then a snapshot of its memory where one can be used, then the log. */
async function fillHead(
  options: DatabaseOptions,
  codecs: WalCodecs,
  head: Head,
  pause: Pause,
): Promise<ReplayResult & { readonly chunkCorruptions: number; readonly snapshotErrors: number }> {
  const { files, logger, directory } = options;
  const chunkFiles = { files, logger, directory: `${directory}/chunks_head` };
  const chunks = await head.openChunkFiles(chunkFiles, () => pause(0));
  const refs: number[] = [];
  const ids: number[] = [];
  let loaded: LoadedSnapshot = { from: undefined, isDamaged: false };
  if (options.memorySnapshot === true) {
    const chunksAreWhole = chunks.isWhole && head.foundIsWhole;
    const onSeries = (ref: number, id: number): void => {
      refs.push(ref);
      ids.push(id);
    };
    const parts = { files, logger, directory, codecs, pause, chunksAreWhole, onSeries };
    loaded = await loadSnapshot(parts, head.snapshot());
  }
  logger.info('Replaying WAL, this may take a while');
  const replayed = await replayWal({
    files,
    logger,
    directory: `${directory}/wal`,
    wblDirectory: `${directory}/wbl`,
    codecs,
    head,
    ...(loaded.from === undefined ? {} : { snapshot: { from: loaded.from, refs, ids } }),
    ...(options.onReplayProgress === undefined ? {} : { onProgress: options.onReplayProgress }),
    pause,
  });
  const orphans = head.endReplay();
  if (orphans > 0) {
    logger.warn('Head chunks of series that the WAL does not name were left out', {
      series: orphans,
    });
  }
  const snapshotErrors = loaded.isDamaged ? 1 : 0;
  return { ...replayed, chunkCorruptions: chunks.corruptions, snapshotErrors };
}

/** Scrapes take no samples that are later than this, measured from now. */
const FUTURE_MS = 600_000;

/** A clock that was wrong once: nothing else says why samples of the present are refused. */
function warnOfFuture(logger: Logger, head: Head, now: number): void {
  const what =
    'The head holds samples of the future, and refuses what is older than minValidTime: set the clock ' +
    'right, configure out_of_order_time_window, or move wal and chunks_head away';
  logger.error(what, {
    newest: new Date(head.maxTime).toISOString(),
    now: new Date(now).toISOString(),
    minValidTime: new Date(head.minValidTime).toISOString(),
  });
}

async function openLocked(
  options: DatabaseOptions,
  lock: DirectoryLock | undefined,
): Promise<Database> {
  const { directory, files, clock, logger, heap, zstd } = options;
  const snappy = new SharedSnappy(heap);
  const codecs: WalCodecs = { snappy, ...(zstd === undefined ? {} : { zstd }) };
  const pause: Pause = (delayMs) => new Promise((resolve) => void clock.setTimer(delayMs, resolve));
  const start = clock.monotonicMs();
  const late = new LogToCome<WalSink>();
  const wbl = new LogToCome<LateSink>();
  const chunkRangeMs = options.chunkRangeMs ?? DEFAULT_CHUNK_RANGE_MS;
  const head = new Head(heap, { chunkRangeMs, wal: late, wbl });
  head.outOfOrderWindowMs = options.outOfOrderWindowMs ?? 0;
  head.exemplars.resize(options.exemplarsMax ?? 0);
  const floor = await options.floorTime?.();
  if (floor !== undefined) head.setFloor(floor);
  const replayed = await fillHead(options, codecs, head, pause);
  const replaySeconds = (clock.monotonicMs() - start) / 1000;
  logger.info('WAL replay completed', {
    series: head.seriesCount,
    samples: replayed.samples,
    total_replay_duration: `${replaySeconds.toFixed(3)}s`,
  });
  if (head.maxTime > clock.now() + FUTURE_MS) warnOfFuture(logger, head, clock.now());
  snappy.releaseWindow();
  const setting = options.walCompression ?? 'snappy';
  if (setting === 'zstd' && zstd?.compress === undefined) {
    logger.warn('This Node.js cannot write zstd: WAL records are compressed with snappy');
  }
  const compression = walCompression(setting, codecs);
  const segmentBytes = options.walSegmentBytes ?? DEFAULT_SEGMENT_BYTES;
  const log = { files, logger, directory: `${directory}/wal`, compression, segmentBytes };
  const wal = new WalWriter(log, replayed.nextSegment);
  wal.adopt(segmentNumbers(files.listSync(`${directory}/wal`)));
  wal.open();
  const walQueue = new ResilientWal(wal, {
    clock,
    logger,
    ...(options.walWaitingBytesMax === undefined
      ? {}
      : { waitingBytesMax: options.walWaitingBytesMax }),
  });
  late.target = walQueue;
  const lateLog = { ...log, directory: `${directory}/wbl` };
  const lateWal = new WblWriter(lateLog, clock, replayed.lateMinTime);
  wbl.target = lateWal;
  const truncator = new WalTruncator({ ...log, compression: setting, writer: wal });
  truncator.expire(head.takeOtherRefs(), head.maxTime);
  return new Database({
    head,
    wal,
    walQueue,
    wbl: lateWal,
    truncator,
    logger,
    pause,
    codecs,
    files,
    directory,
    lock,
    replaySeconds,
    walCorruptions: replayed.corruptions,
    chunkCorruptions: replayed.chunkCorruptions,
    snapshotErrors: replayed.snapshotErrors,
    snapshotLog:
      options.memorySnapshot === true ? { files, logger, compression, segmentBytes } : undefined,
  });
}

/**
 * Opens (or makes) the database in a directory and rebuilds its head from the log.
 * @throws TsdbError; nothing is left locked then
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  prepareDirectory(options);
  let lock: DirectoryLock | undefined;
  try {
    if (options.lock !== false) {
      lock = lockDirectory(options.files, options.directory, options.processId);
    }
    return await openLocked(options, lock);
  } catch (error) {
    lock?.release();
    if (error instanceof FileError) throw unusable(options.directory, error);
    if (error instanceof MemoryFullError) {
      throw new TsdbError(
        'memory_full',
        options.directory,
        'the WAL holds more than fits into the shared memory of 4 GiB',
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}
