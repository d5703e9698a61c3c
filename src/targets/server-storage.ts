// SPDX-License-Identifier: Apache-2.0
// The server's memory and database.

import { randomBytes } from 'node:crypto';
import type { AdminServices } from '../api/index.ts';
import type { WalReplayStatus } from '../apitypes/index.ts';
import type { Clock, FileSystem, Logger } from '../base/index.ts';
import type { ChunkFormats } from '../chunks/index.ts';
import type { StorageOptions } from '../config/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import type { Registry } from '../metrics/index.ts';
import { fanRingBytes } from '../promql/index.ts';
import { createOperatingSystem, createZstd } from '../platform/index.ts';
import type { Appender, ExemplarAppender, ExemplarQueryable } from '../storage/index.ts';
import type { Database, RetentionLimits } from '../tsdb/index.ts';
import {
  BlockListWriter,
  blockRanges,
  formatMeta,
  Maintenance,
  openDatabase,
} from '../tsdb/index.ts';
import { BLOCK_READER, startBlockWorker } from './block-pool.ts';
import {
  EXEMPLAR_STORAGE,
  HISTOGRAM_STARTS,
  MEMORY_SNAPSHOT,
  XOR2_ENCODING,
} from './feature-flags.ts';
import type { EffectiveRetention } from './retention-limits.ts';
import { retentionLimits, retentionText } from './retention-limits.ts';
import type { ServerSettings } from './server-settings.ts';
import { compactionMetrics, registerTsdbMetrics } from './tsdb-metrics.ts';

export interface Storage {
  readonly shared: SharedMemory;
  readonly heap: SharedHeap;
  readonly appender: Appender;
  readonly exemplars: ExemplarQueryable;
  /** Undefined without `--enable-feature=exemplar-storage`. */
  readonly exemplarAppender: ExemplarAppender | undefined;
  readonly directory: string;
  /** Regions in which the query workers keep chunks of blocks, by slot, and their size. */
  readonly blockScratch: readonly number[];
  readonly blockScratchBytes: number;
  /** Rings through which the others compute rows for a query worker, by slot. */
  readonly fanRings: readonly number[];
  readonly maintenance: Maintenance;
  readonly admin: AdminServices;
  corruptions(): number;
  walReplay(): WalReplayStatus;
  memory(): { readonly used: number; readonly reserved: number };
  /** Frees what a dead query worker held. */
  releaseReader(worker: number): void;
  /** As the runtime information shows it. */
  retentionText(): string;
  /** What of the running configuration concerns the database. */
  applyConfig(options: StorageOptions): void;
  /** Compactions and retention from now on. */
  startMaintenance(): void;
  close(): Promise<void>;
}

export interface StorageParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Scratch memory of all query workers together; address space until it is used. */
const SCRATCH_BYTES = 1 << 30;
const SCRATCH_BYTES_PER_WORKER_MAX = 256 << 20;
/** The same for the chunks of blocks that they read. */
const BLOCK_SCRATCH_BYTES = 512 << 20;
const BLOCK_SCRATCH_BYTES_PER_WORKER_MAX = 128 << 20;
/** What the block worker needs for each series of the head is 12 bytes. */
const BLOCK_READER_BYTES = 96 << 20;

const perWorker = (all: number, workers: number, max: number): number =>
  Math.min(max, Math.floor(all / workers / 16) * 16);

/** Limits of the flags and the running configuration. */
class Retention {
  private current: EffectiveRetention;
  private readonly flags: ServerSettings['retention'];
  private readonly directory: string;
  private readonly logger: Logger;

  constructor(flags: ServerSettings['retention'], directory: string, logger: Logger) {
    this.flags = flags;
    this.directory = directory;
    this.logger = logger;
    this.current = retentionLimits(flags, undefined);
  }

  apply({ retention }: StorageOptions): void {
    this.current = retentionLimits(this.flags, retention);
  }

  get text(): string {
    return retentionText(this.current);
  }

  /** With the share of the disk as bytes; without them when the disk cannot be asked. */
  limits(): RetentionLimits {
    const { durationMs, sizeBytes, percentage } = this.current;
    if (percentage === 0) return { durationMs, sizeBytes };
    try {
      const { blocks, blockBytes } = createOperatingSystem().localFileSystemUsage(this.directory);
      const share = Math.floor((blocks * blockBytes * percentage) / 100);
      return { durationMs, sizeBytes: share, percentage };
    } catch (error) {
      this.logger.warn('Cannot tell the size of the disk: retention.percentage has no effect', {
        path: this.directory,
        err: error instanceof Error ? error : String(error),
      });
      return { durationMs, sizeBytes: 0, percentage };
    }
  }
}

/** Encodings of chunks, by the flags and the running configuration. */
class Formats {
  current: ChunkFormats;
  private readonly features: readonly string[];

  constructor(features: readonly string[]) {
    this.features = features;
    this.current = { xor2: false, histogramStarts: false };
  }

  apply({ floatEncoding }: StorageOptions): void {
    const { features } = this;
    this.current = {
      // As upstream: the file is asked first, the older flag where it says nothing.
      xor2:
        floatEncoding === undefined ? features.includes(XOR2_ENCODING) : floatEncoding === 'xor2',
      histogramStarts: features.includes(HISTOGRAM_STARTS),
    };
  }
}

interface Blocks {
  readonly formats: Formats;
  readonly maintenance: Maintenance;
  readonly retention: Retention;
  readonly close: () => Promise<void>;
}

/** The block worker and what decides what it does. */
function openBlocks(
  settings: ServerSettings,
  directory: string,
  heap: SharedHeap,
  parts: StorageParts,
  database: () => Database | undefined,
): Blocks {
  const { clock, logger, registry } = parts;
  const retention = new Retention(settings.retention, directory, logger);
  const formats = new Formats(settings.features);
  const worker = startBlockWorker({
    shared: heap.shared,
    directory,
    ranges: blockRanges(settings.blockDurationMinMs, settings.blockDurationMaxMs),
    overlappingCompaction: settings.overlappingCompaction,
    logger: logger.child({ component: 'block worker' }),
    onLost: () => database()?.head.abandonReader(BLOCK_READER),
  });
  const maintenance = new Maintenance({
    worker,
    list: new BlockListWriter(heap),
    clock,
    logger,
    chunkRangeMs: settings.blockDurationMinMs,
    retention: () => retention.limits(),
    formats: () => formats.current,
    otherBytes: () => headBytes(parts.files, directory),
    observer: compactionMetrics(registry),
  });
  const close = async (): Promise<void> => {
    // What is under way may take minutes; it leaves nothing behind that the next start does not clear.
    await Promise.race([maintenance.stop(), pause(clock, STOP_GRACE_MS)]);
    await worker.close();
  };
  return { maintenance, retention, formats, close };
}

const STOP_GRACE_MS = 5000;
const pause = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimer(delayMs, resolve));

/** Bytes of the log and of the head's chunk files. */
function headBytes(files: FileSystem, directory: string): number {
  let sum = 0;
  for (const folder of ['wal', 'wbl', 'chunks_head']) {
    const path = `${directory}/${folder}`;
    if (!files.existsSync(path)) continue;
    for (const name of files.listSync(path)) {
      const stat = files.statSync(`${path}/${name}`);
      if (stat.isFile) sum += stat.sizeBytes;
    }
  }
  return sum;
}

/**
 * Reserves the memory, opens the database and replays its log.
 * @param exemplarsMax  of the configuration at the start: as many are replayed
 * @param onProgress told of each replayed segment, while the result is not there yet
 * @throws TsdbError
 */
export async function openStorage(
  settings: ServerSettings,
  exemplarsMax: number,
  workers: number,
  parts: StorageParts,
  onProgress: (status: WalReplayStatus) => void,
): Promise<Storage> {
  const heap = new SharedHeap(createMemory());
  const logger = parts.logger.child({ component: 'tsdb' });
  const directory = settings.dataPath.replace(/(.)\/+$/, '$1');
  const late: { database: Database | undefined } = { database: undefined };
  let blocks: Blocks | undefined;
  const storesExemplars = settings.features.includes(EXEMPLAR_STORAGE);
  let replayed: WalReplayStatus = { min: 0, max: 0, current: 0 };
  try {
    late.database = await openDatabase({
      directory,
      files: parts.files,
      clock: parts.clock,
      logger,
      heap,
      zstd: createZstd(),
      processId: process.pid,
      lock: settings.useLockfile,
      walCompression: settings.walCompression,
      chunkRangeMs: settings.blockDurationMinMs,
      exemplarsMax: storesExemplars ? exemplarsMax : 0,
      memorySnapshot: settings.features.includes(MEMORY_SNAPSHOT),
      floorTime: () => {
        blocks = openBlocks(settings, directory, heap, { ...parts, logger }, () => late.database);
        return blocks.maintenance.open();
      },
      onReplayProgress: (progress) => {
        replayed = progress;
        onProgress(progress);
      },
    });
  } catch (error) {
    await blocks?.close();
    throw error;
  }
  return running(late.database, blocks!, workers, parts, () => replayed, storesExemplars);
}

/** What the admin API may do. */
function adminServices(database: Database, maintenance: Maintenance, clock: Clock): AdminServices {
  return {
    deleteSeries: (selectors, startMs, endMs) =>
      maintenance.deleteSeries(selectors, startMs, endMs),
    cleanTombstones: () => maintenance.cleanTombstones(),
    snapshot: async (withHead) => {
      const stamp = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
      const name = `${stamp}-${randomBytes(8).toString('hex')}`;
      await maintenance.snapshot(`${database.directory}/snapshots/${name}`, withHead);
      return name;
    },
    blocks: () => maintenance.blocks.map(({ meta }) => JSON.parse(formatMeta(meta)) as unknown),
  };
}

/** The open database with room for its readers. */
function running(
  database: Database,
  { maintenance, retention, formats, close }: Blocks,
  workers: number,
  { clock, registry }: StorageParts,
  walReplay: () => WalReplayStatus,
  storesExemplars: boolean,
): Storage {
  const { head } = database;
  const { heap } = head;
  const scratch = perWorker(SCRATCH_BYTES, workers, SCRATCH_BYTES_PER_WORKER_MAX);
  const blockScratchBytes = perWorker(
    BLOCK_SCRATCH_BYTES,
    workers,
    BLOCK_SCRATCH_BYTES_PER_WORKER_MAX,
  );
  const blockScratch: number[] = [];
  const fanRings: number[] = [];
  for (let worker = 0; worker < workers; worker++) {
    database.head.reserveScratch(worker, scratch);
    blockScratch.push(heap.allocate(blockScratchBytes));
    fanRings.push(heap.allocate(fanRingBytes(workers)));
  }
  database.head.reserveScratch(BLOCK_READER, BLOCK_READER_BYTES);
  registerTsdbMetrics(registry, database, maintenance);
  return {
    shared: heap.shared,
    heap,
    appender: database.appender,
    exemplars: head.exemplars,
    exemplarAppender: storesExemplars ? head : undefined,
    directory: database.directory,
    blockScratch,
    blockScratchBytes,
    fanRings,
    maintenance,
    admin: adminServices(database, maintenance, clock),
    corruptions: () => database.walCorruptions,
    walReplay,
    memory: () => ({ used: heap.usedBytes, reserved: heap.reservedBytes }),
    releaseReader: (worker) => database.head.abandonReader(worker),
    retentionText: () => retention.text,
    applyConfig: (options) => {
      head.outOfOrderWindowMs = options.outOfOrderWindowMs;
      head.exemplars.resize(storesExemplars ? options.exemplarsMax : 0);
      retention.apply(options);
      formats.apply(options);
      head.formats = formats.current;
    },
    startMaintenance: () => maintenance.start(database),
    close: async () => {
      await close();
      database.close();
    },
  };
}
