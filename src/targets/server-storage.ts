// SPDX-License-Identifier: Apache-2.0
// The server's memory and database.

import type { WalReplayStatus } from '../apitypes/index.ts';
import type { Clock, FileSystem, Logger } from '../base/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import type { Registry } from '../metrics/index.ts';
import { createSnappy, createZstd } from '../platform/index.ts';
import type { Appender } from '../storage/index.ts';
import { openDatabase } from '../tsdb/index.ts';
import type { ServerSettings } from './server-settings.ts';
import { registerTsdbMetrics } from './tsdb-metrics.ts';

export interface Storage {
  readonly shared: SharedMemory;
  readonly heap: SharedHeap;
  readonly appender: Appender;
  /** Where the head's closed chunks are. */
  readonly chunksDirectory: string;
  corruptions(): number;
  walReplay(): WalReplayStatus;
  memory(): { readonly used: number; readonly reserved: number };
  /** Frees what a dead query worker held. */
  releaseReader(worker: number): void;
  close(): void;
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

/**
 * Reserves the memory, opens the database and replays its log.
 * @param onProgress told of each replayed segment, while the result is not there yet
 * @throws TsdbError
 */
export async function openStorage(
  settings: ServerSettings,
  workers: number,
  parts: StorageParts,
  onProgress: (status: WalReplayStatus) => void,
): Promise<Storage> {
  const heap = new SharedHeap(createMemory());
  const logger = parts.logger.child({ component: 'tsdb' });
  let replayed: WalReplayStatus = { min: 0, max: 0, current: 0 };
  const database = await openDatabase({
    directory: settings.dataPath.replace(/(.)\/+$/, '$1'),
    files: parts.files,
    clock: parts.clock,
    logger,
    heap,
    snappy: createSnappy(),
    zstd: createZstd(),
    processId: process.pid,
    lock: settings.useLockfile,
    walCompression: settings.walCompression,
    onReplayProgress: (progress) => {
      replayed = progress;
      onProgress(progress);
    },
  });
  const scratch = Math.min(SCRATCH_BYTES_PER_WORKER_MAX, Math.floor(SCRATCH_BYTES / workers));
  for (let worker = 0; worker < workers; worker++) database.head.reserveScratch(worker, scratch);
  registerTsdbMetrics(parts.registry, database);
  return {
    shared: heap.shared,
    heap,
    appender: database.appender,
    chunksDirectory: database.chunksDirectory,
    corruptions: () => database.walCorruptions,
    walReplay: () => replayed,
    memory: () => ({ used: heap.usedBytes, reserved: heap.reservedBytes }),
    releaseReader: (worker) => database.head.abandonReader(worker),
    close: () => database.close(),
  };
}
