// SPDX-License-Identifier: Apache-2.0
// A database in a directory: lock, write-ahead log, head.

import type { Clock, FileSystem, Logger } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import type { BlockCompression } from '../encoding/index.ts';
import type { SharedHeap } from '../kernels/index.ts';
import type { Appender } from '../storage/index.ts';
import { TsdbError } from './errors.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head } from './head/head.ts';
import { MemoryFullError } from './head/store.ts';
import type { DirectoryLock } from './lock.ts';
import { lockDirectory } from './lock.ts';
import { DEFAULT_SEGMENT_BYTES } from './wal/format.ts';
import type { WalSink } from './wal/records.ts';
import type { ReplayProgress } from './wal/replay.ts';
import { replayWal } from './wal/replay.ts';
import { WalWriter } from './wal/writer.ts';

export interface DatabaseOptions {
  readonly directory: string;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heap: SharedHeap;
  readonly snappy: BlockCompression;
  /** For the lock file. */
  readonly processId: number;
  readonly lock?: boolean;
  readonly walCompression?: boolean;
  readonly walSegmentBytes?: number;
  readonly chunkRangeMs?: number;
  readonly onReplayProgress?: (progress: ReplayProgress) => void;
}

/** The log that exists once replay has found where it goes on. */
class LateWal implements WalSink {
  target: WalSink | undefined;

  log(records: readonly Uint8Array[]): void {
    this.target?.log(records);
  }
}

/** An open database. The opener closes it. */
export class Database {
  readonly head: Head;
  readonly wal: WalWriter;
  readonly directory: string;
  readonly replaySeconds: number;
  readonly walCorruptions: number;
  /** 1 clean, 0 dirty, -1 no lock file. */
  readonly cleanStart: number;
  private readonly lock: DirectoryLock | undefined;

  constructor(parts: {
    head: Head;
    wal: WalWriter;
    directory: string;
    lock: DirectoryLock | undefined;
    replaySeconds: number;
    walCorruptions: number;
  }) {
    this.head = parts.head;
    this.wal = parts.wal;
    this.directory = parts.directory;
    this.lock = parts.lock;
    this.replaySeconds = parts.replaySeconds;
    this.walCorruptions = parts.walCorruptions;
    this.cleanStart = parts.lock?.cleanStart ?? -1;
  }

  get appender(): Appender {
    return this.head;
  }

  /** Syncs the log and gives the directory back. Nothing may be appended after it. */
  close(): void {
    this.wal.close();
    this.lock?.release();
  }
}

function prepareDirectory(options: DatabaseOptions): void {
  try {
    options.files.makeDirectorySync(`${options.directory}/wal`);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new TsdbError(
      'directory',
      options.directory,
      `cannot use ${options.directory} for data: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

async function openLocked(
  options: DatabaseOptions,
  lock: DirectoryLock | undefined,
): Promise<Database> {
  const { directory, files, clock, logger, heap, snappy } = options;
  const start = clock.monotonicMs();
  const late = new LateWal();
  const head = new Head(heap, {
    chunkRangeMs: options.chunkRangeMs ?? DEFAULT_CHUNK_RANGE_MS,
    wal: late,
  });
  logger.info('Replaying WAL, this may take a while');
  const replayed = await replayWal({
    files,
    logger,
    directory: `${directory}/wal`,
    snappy,
    head,
    ...(options.onReplayProgress === undefined ? {} : { onProgress: options.onReplayProgress }),
    pause: () => new Promise((resolve) => void clock.setTimer(0, resolve)),
  });
  const replaySeconds = (clock.monotonicMs() - start) / 1000;
  logger.info('WAL replay completed', {
    series: head.seriesCount,
    samples: replayed.samples,
    total_replay_duration: `${replaySeconds.toFixed(3)}s`,
  });
  const wal = new WalWriter(
    {
      files,
      logger,
      directory: `${directory}/wal`,
      compression: options.walCompression === false ? undefined : snappy,
      segmentBytes: options.walSegmentBytes ?? DEFAULT_SEGMENT_BYTES,
    },
    replayed.nextSegment,
  );
  wal.open();
  late.target = wal;
  return new Database({
    head,
    wal,
    directory,
    lock,
    replaySeconds,
    walCorruptions: replayed.corruptions,
  });
}

/**
 * Opens (or makes) the database in a directory and rebuilds its head from the log.
 * @throws TsdbError; nothing is left locked then
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  prepareDirectory(options);
  const lock =
    options.lock === false
      ? undefined
      : lockDirectory(options.files, options.directory, options.processId);
  try {
    return await openLocked(options, lock);
  } catch (error) {
    lock?.release();
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
