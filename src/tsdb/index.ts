// SPDX-License-Identifier: Apache-2.0
export * from './db.ts';
export * from './errors.ts';
export { DEFAULT_CHUNK_RANGE_MS, Head, type HeadCounters, type HeadOptions } from './head/head.ts';
export type { Pause, TruncateResult } from './head/truncate.ts';
export { HeadChunkError, type HeadChunkSource } from './head/disk-chunks.ts';
export { HeadReader, QueryMemoryError } from './head/reader.ts';
export { MemoryFullError } from './head/store.ts';
export * from './wal/format.ts';
export * from './wal/reader.ts';
export * from './wal/records.ts';
export * from './wal/records-histogram.ts';
export * from './wal/records-other.ts';
export type { ReplayProgress, ReplayResult } from './wal/replay.ts';
export { replayWal } from './wal/replay.ts';
export { ResilientWal } from './wal/resilient.ts';
export type { CheckpointCounters } from './wal/truncation.ts';
export { type WalCompression, type WalCounters, WalWriter, walCompression } from './wal/writer.ts';
