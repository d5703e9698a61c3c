// SPDX-License-Identifier: Apache-2.0
// hot
// Moves closed chunks out of the memory: writes them to files in batches and leaves 32 bytes of each behind.
// At start it makes those 32 bytes again from the files.

import type { Logger } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import type { FoundChunk, HeadChunkWriter } from './chunk-files.ts';
import {
  CHUNK_HEADER_BYTES,
  CHUNK_MAX_TIME,
  CHUNK_MIN_TIME,
  Chunk,
  Control,
  isOnDisk,
  ON_DISK,
  Series,
} from './layout.ts';
import { type HeadStore, MemoryFullError } from './store.ts';
import { directoryGet } from './tables.ts';
import { setTimeAt, timeAt } from './times.ts';

/** Chunks written in one go, and bytes of them that may wait. */
const CHUNKS_PER_GO = 1024;
const WAITING_BYTES_MAX = 1 << 17;
const XOR = 1;
/** After a failed write this many more chunks close before the next attempt. */
const CHUNKS_BETWEEN_ATTEMPTS = 1024;
/** Closed chunks that wait for a disk that takes none; later ones just stay in memory. */
const WAITING_MAX = 1 << 20;

/** Counts for metrics. */
export interface MapperCounters {
  chunksWritten: number;
  writesFailed: number;
}

export class ChunkMapper {
  readonly counters: MapperCounters = { chunksWritten: 0, writesFailed: 0 };
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly view: DataView;
  private readonly writer: HeadChunkWriter;
  private readonly logger: Logger;
  /**
   * Series id, chunk address and min time of closed chunks, in turns. The time tells whether it is still
   * that chunk: one that was dropped while it waited may have left its address to a later one.
   */
  private waiting: number[] = [];
  private waitingBytes = 0;
  private attemptAt = 0;

  constructor(
    shared: SharedMemory,
    store: HeadStore,
    view: DataView,
    writer: HeadChunkWriter,
    logger: Logger,
  ) {
    this.shared = shared;
    this.store = store;
    this.view = view;
    this.writer = writer;
    this.logger = logger;
    shared.u32[Control.oldestChunkFile] = writer.oldest;
  }

  /** A chunk of series `id` was closed. */
  closed(id: number, chunk: number, bytes: number): void {
    if (this.waiting.length >= 3 * WAITING_MAX) return;
    this.waiting.push(id, chunk, timeAt(this.view, chunk + CHUNK_MIN_TIME));
    this.waitingBytes += bytes;
  }

  /** Writes what waits when it is enough. Call between batches. */
  work(): void {
    const count = this.waiting.length / 3;
    if (count < CHUNKS_PER_GO && this.waitingBytes < WAITING_BYTES_MAX) return;
    if (count >= this.attemptAt) this.flush();
  }

  /** Writes all that waits. False: the disk takes none; the chunks stay in memory and are tried again. */
  flush(): boolean {
    try {
      // One go at a time: each is a write of its own.
      for (let from = 0; from < this.waiting.length; ) {
        const to = Math.min(this.waiting.length, from + 3 * CHUNKS_PER_GO);
        this.writeGo(from, to);
        from = to;
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (this.counters.writesFailed++ === 0 || this.attemptAt === 0) {
        this.logger.error(
          'Cannot write head chunks: they stay in memory, which grows. Free space on the disk',
          {
            err: error.message,
          },
        );
      }
      this.attemptAt = this.waiting.length / 3 + CHUNKS_BETWEEN_ATTEMPTS;
      return false;
    }
    this.waiting = [];
    this.waitingBytes = 0;
    this.attemptAt = 0;
    return true;
  }

  private writeGo(from: number, to: number): void {
    const { u32, u8 } = this.shared;
    const directory = u32[Control.seriesDirectory]!;
    const places: number[] = [];
    for (let i = from; i < to; i += 3) {
      const record = directoryGet(this.shared, directory, this.waiting[i]!);
      const chunk = this.waiting[i + 1]!;
      // The head may have been truncated since, or the chunk was written before a later write failed.
      const isThere = record !== 0 && this.newer(record, chunk) !== 0 && !isOnDisk(u32, chunk);
      if (!isThere || timeAt(this.view, chunk + CHUNK_MIN_TIME) !== this.waiting[i + 2]) {
        places.push(0, 0);
        continue;
      }
      const at = record >>> 2;
      const ref = u32[at + Series.walRefLow]! + u32[at + Series.walRefHigh]! * 4294967296;
      const start = chunk + CHUNK_HEADER_BYTES;
      const place = this.writer.add(
        ref,
        timeAt(this.view, chunk + CHUNK_MIN_TIME),
        timeAt(this.view, chunk + CHUNK_MAX_TIME),
        XOR,
        u8.subarray(start, start + u32[(chunk >>> 2) + Chunk.bytes]!),
        u32[(chunk >>> 2) + Chunk.count]!,
      );
      places.push(place.file, place.offsetBytes);
    }
    this.writer.flush();
    for (let i = from, k = 0; i < to; i += 3, k += 2) {
      if (places[k] === 0) continue;
      const record = directoryGet(this.shared, directory, this.waiting[i]!);
      this.replace(record, this.waiting[i + 1]!, places[k]!, places[k + 1]!);
    }
  }

  /** The chunk after `chunk` in the chain of a series; 0 when it is not in it. */
  private newer(record: number, chunk: number): number {
    const { u32 } = this.shared;
    let newer = u32[(record >>> 2) + Series.openChunk]!;
    while (newer !== 0) {
      const previous = u32[(newer >>> 2) + Chunk.previous]!;
      if (previous === chunk) return newer;
      newer = previous;
    }
    return 0;
  }

  private replace(record: number, chunk: number, file: number, offset: number): void {
    const { u32, u8 } = this.shared;
    const newer = this.newer(record, chunk);
    if (newer === 0) return;
    let node: number;
    try {
      node = this.store.allocate(CHUNK_HEADER_BYTES);
    } catch (error) {
      // It is in the file and in the memory: the one in memory serves.
      if (error instanceof MemoryFullError) return;
      throw error;
    }
    u8.copyWithin(node, chunk, chunk + CHUNK_HEADER_BYTES);
    u32[(node >>> 2) + Chunk.bytes] = ON_DISK + file;
    u32[(node >>> 2) + Chunk.first] = offset;
    Atomics.store(u32, (newer >>> 2) + Chunk.previous, node);
    this.store.retire(chunk, CHUNK_HEADER_BYTES + u32[(chunk >>> 2) + Chunk.bytes]!);
    this.counters.chunksWritten++;
  }

  /** Removes files of which nothing is from `minTime` on. */
  truncate(minTime: number): void {
    try {
      this.writer.truncate(minTime);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.logger.error('Cannot remove files of head chunks', { err: error.message });
    }
    this.shared.u32[Control.oldestChunkFile] = this.writer.oldest;
  }

  /** Writes and syncs everything; what the disk does not take comes from the WAL at the next start. */
  close(): void {
    if (!this.flush()) return;
    try {
      this.writer.close();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.logger.error('Cannot sync head chunks', { err: error.message });
    }
  }
}

/** Chunks of one series, newest first. */
interface Chain {
  newest: number;
  samples: number;
  maxTime: number;
}

const OVERLAPS = -1;

/** Chains of chunks found in files, by the WAL ref of their series, until replay asks for them. */
export class FoundChains {
  /** By ref; null: its chunks overlap and are left to the WAL. */
  private readonly chains = new Map<number, Chain | null>();
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly view: DataView;
  private readonly floor: number;
  /** Refs whose chunks overlap. */
  overlapping = 0;
  refMax = 0;

  constructor(shared: SharedMemory, store: HeadStore, view: DataView, floor: number) {
    this.shared = shared;
    this.store = store;
    this.view = view;
    this.floor = floor;
  }

  add(chunk: FoundChunk): void {
    const { ref, minTime, maxTime, count } = chunk;
    if (ref > this.refMax) this.refMax = ref;
    if (maxTime < this.floor || chunk.encoding !== XOR || chunk.isOutOfOrder || count === 0) return;
    const chain = this.chains.get(ref);
    if (chain === null) return;
    const newer = chain === undefined ? 0 : this.place(chain.newest, minTime, maxTime);
    if (newer === OVERLAPS) {
      this.overlapping++;
      // One of them is wrong, or both are the same: the WAL has the samples of all.
      this.release(chain!.newest);
      this.chains.set(ref, null);
      return;
    }
    const node = this.store.allocateZeroed(CHUNK_HEADER_BYTES);
    const { u32 } = this.shared;
    const at = node >>> 2;
    u32[at + Chunk.count] = count;
    u32[at + Chunk.bytes] = ON_DISK + chunk.file;
    u32[at + Chunk.first] = chunk.offsetBytes;
    setTimeAt(this.view, node + CHUNK_MIN_TIME, minTime);
    setTimeAt(this.view, node + CHUNK_MAX_TIME, maxTime);
    if (chain === undefined) {
      this.chains.set(ref, { newest: node, samples: count, maxTime });
      return;
    }
    chain.samples += count;
    if (newer === 0) {
      u32[at + Chunk.previous] = chain.newest;
      chain.newest = node;
      chain.maxTime = maxTime;
    } else {
      u32[at + Chunk.previous] = u32[(newer >>> 2) + Chunk.previous]!;
      u32[(newer >>> 2) + Chunk.previous] = node;
    }
  }

  /** The node after which (towards the older ones) a chunk belongs; 0: it is the newest. */
  private place(newest: number, minTime: number, maxTime: number): number {
    const { u32 } = this.shared;
    let newer = 0;
    for (let node = newest; node !== 0; node = u32[(node >>> 2) + Chunk.previous]!) {
      if (timeAt(this.view, node + CHUNK_MAX_TIME) < minTime) return newer;
      if (timeAt(this.view, node + CHUNK_MIN_TIME) <= maxTime) return OVERLAPS;
      newer = node;
    }
    return newer;
  }

  /** The chain of a ref, which is the caller's from then on. */
  take(ref: number): Chain | undefined {
    const chain = this.chains.get(ref) ?? undefined;
    if (chain !== undefined) this.chains.delete(ref);
    return chain;
  }

  /** Gives back the chains that no series asked for; returns their number. */
  drop(): number {
    let left = 0;
    for (const chain of this.chains.values()) {
      if (chain === null) continue;
      left++;
      this.release(chain.newest);
    }
    this.chains.clear();
    return left;
  }

  private release(newest: number): void {
    for (let node = newest; node !== 0; ) {
      const previous = this.shared.u32[(node >>> 2) + Chunk.previous]!;
      this.store.retire(node, CHUNK_HEADER_BYTES);
      node = previous;
    }
  }
}
