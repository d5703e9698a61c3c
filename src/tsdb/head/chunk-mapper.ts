// SPDX-License-Identifier: Apache-2.0
// hot
// Moves closed chunks out of the memory: writes them to files in batches and leaves 32 bytes of each behind
// (40 of those of sides). At start found-chains.ts makes those again from the files.

import type { Logger } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { ChunkFormats } from '../../chunks/index.ts';
import {
  ChunkEncoding,
  decodeXorChunk,
  encodeXor2Range,
  newChunkSamples,
} from '../../chunks/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import type { MmapMarker } from '../wal/records-other.ts';
import { type HeadChunkWriter, OUT_OF_ORDER_BIT } from './chunk-files.ts';
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
import { SIDE_ID, type SideChunk, type SideWriter } from './side.ts';
import { readStartTimes } from './start-times.ts';
import { type HeadStore, MemoryFullError } from './store.ts';
import { directoryGet } from './tables.ts';
import { timeAt } from './times.ts';

/** Chunks written in one go, and bytes of them that may wait. */
const CHUNKS_PER_GO = 1024;
const WAITING_BYTES_MAX = 1 << 17;
/** After a failed write this many more chunks close before the next attempt. */
const CHUNKS_BETWEEN_ATTEMPTS = 1024;
/** Closed chunks that wait for a disk that takes none; later ones just stay in memory. */
const WAITING_MAX = 1 << 20;

/** Series whose sides are written in one go. */
const SIDES_PER_GO = 256;
/** About what is made chunks of a side at once. */
const SIDE_CHUNK_BYTES = 1024;

/** What of the head the mapper works on. */
export interface MapperParts {
  readonly shared: SharedMemory;
  readonly store: HeadStore;
  readonly view: DataView;
  readonly sides: SideWriter;
  readonly writer: HeadChunkWriter;
  readonly logger: Logger;
  /** Told, after the files, which series have all samples that came out of order in files now. */
  readonly onLateWritten: (markers: readonly MmapMarker[]) => void;
}

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
  private readonly sides: SideWriter;
  private readonly writer: HeadChunkWriter;
  private readonly logger: Logger;
  private readonly onLateWritten: MapperParts['onLateWritten'];
  /** Encodings that may be written. */
  formats: ChunkFormats = {};
  /**
   * Series id, chunk address and min time of closed chunks, in turns. The time tells whether it is still
   * that chunk: one that was dropped while it waited may have left its address to a later one.
   */
  private waiting: number[] = [];
  private waitingBytes = 0;
  private attemptAt = 0;
  /** Ids of series that have new chunks in their sides. */
  private sidesWaiting = new Set<number>();
  private readonly samples = newChunkSamples(256);

  constructor(parts: MapperParts) {
    this.shared = parts.shared;
    this.store = parts.store;
    this.view = parts.view;
    this.sides = parts.sides;
    this.writer = parts.writer;
    this.logger = parts.logger;
    this.onLateWritten = parts.onLateWritten;
    this.shared.u32[Control.oldestChunkFile] = this.writer.oldest;
  }

  /** The side of series `id` got chunks. */
  sideChanged(id: number): void {
    this.sidesWaiting.add(id);
    this.waitingBytes += SIDE_CHUNK_BYTES;
  }

  /** A chunk of series `id` was closed. */
  closed(id: number, chunk: number, bytes: number): void {
    if (this.waiting.length >= 3 * WAITING_MAX) return;
    this.waiting.push(id, chunk, timeAt(this.view, chunk + CHUNK_MIN_TIME));
    this.waitingBytes += bytes;
  }

  /** Writes what waits when it is enough. Call between batches. */
  work(): void {
    const count = this.waiting.length / 3 + this.sidesWaiting.size;
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
      this.writeSides();
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
      this.attemptAt = this.waiting.length / 3 + this.sidesWaiting.size + CHUNKS_BETWEEN_ATTEMPTS;
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
      const xor = u8.subarray(start, start + u32[(chunk >>> 2) + Chunk.bytes]!);
      const count = u32[(chunk >>> 2) + Chunk.count]!;
      const withStarts = this.withStartTimes(record, xor, count);
      const place = this.writer.add(
        ref,
        timeAt(this.view, chunk + CHUNK_MIN_TIME),
        timeAt(this.view, chunk + CHUNK_MAX_TIME),
        withStarts === undefined ? ChunkEncoding.xor : ChunkEncoding.xor2,
        withStarts ?? xor,
        count,
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

  /**
   * A float chunk with the start times of its samples; undefined when none has one, or they may not be
   * written.
   */
  withStartTimes(record: number, xor: Uint8Array, count: number): Uint8Array | undefined {
    const { shared, samples } = this;
    const list = shared.u32[(record >>> 2) + Series.starts]!;
    if (list === 0 || this.formats.xor2 === false) return undefined;
    samples.reserve(count, 0);
    const chunk = xor.slice();
    chunk[0] = count >>> 8;
    chunk[1] = count;
    decodeXorChunk(chunk, samples);
    const starts = new Float64Array(count);
    const newest = shared.u32[Control.committed]!;
    if (!readStartTimes(shared, list, newest, samples.times, count, starts)) return undefined;
    for (let i = 0; i < count; i++) samples.setStartTime(i, starts[i]!);
    return encodeXor2Range(samples, 0, count);
  }

  /** Writes the chunks of the sides that have new ones, oldest first, so that files have no gaps. */
  private writeSides(): void {
    const ids = [...this.sidesWaiting];
    for (let from = 0; from < ids.length; from += SIDES_PER_GO) {
      const go = ids.slice(from, from + SIDES_PER_GO);
      this.writeSidesGo(go);
      for (const id of go) this.sidesWaiting.delete(id);
    }
  }

  private writeSidesGo(ids: readonly number[]): void {
    const { u32 } = this.shared;
    const directory = u32[Control.seriesDirectory]!;
    const moves: { side: number; chunk: SideChunk; file: number; offsetBytes: number }[] = [];
    const markers: MmapMarker[] = [];
    for (const id of ids) {
      const record = directoryGet(this.shared, directory, id);
      const side = record === 0 ? 0 : u32[(record >>> 2) + Series.side]!;
      if (side === 0) continue;
      const at = record >>> 2;
      const ref = u32[at + Series.walRefLow]! + u32[at + Series.walRefHigh]! * 4294967296;
      // Late samples all go, so that a marker can say so.
      if (this.sides.hasInMemory(side, true))
        this.sides.makeChunks(side, 1, Number.MAX_SAFE_INTEGER);
      for (const chunk of this.sides.memoryChunks(side)) {
        const { minTime, maxTime, data } = chunk;
        const encoding = chunk.encoding | (chunk.isOutOfOrder ? OUT_OF_ORDER_BIT : 0);
        // The first two bytes are more than the count in some encodings: they stay.
        const word = (data[0]! << 8) | data[1]!;
        const place = this.writer.add(ref, minTime, maxTime, encoding, data, word);
        moves.push({ side, chunk, ...place });
        if (chunk.isOutOfOrder) markers.push({ ref, ...place });
      }
    }
    this.writer.flush();
    for (const { side, chunk, file, offsetBytes } of moves) {
      this.sides.movedToFile(side, chunk, file, offsetBytes);
      this.counters.chunksWritten++;
    }
    this.markLate(moves, markers);
  }

  /** Says in the log of late samples for which series files have all of them: once each. */
  private markLate(moves: readonly { side: number }[], markers: readonly MmapMarker[]): void {
    const last = new Map(markers.map((marker) => [marker.ref, marker]));
    const { u32 } = this.shared;
    for (const side of new Set(moves.map((move) => move.side))) {
      if (!this.sides.hasInMemory(side, true)) continue;
      const id = u32[(side >>> 2) + SIDE_ID]!;
      const at = directoryGet(this.shared, u32[Control.seriesDirectory]!, id) >>> 2;
      last.delete(u32[at + Series.walRefLow]! + u32[at + Series.walRefHigh]! * 4294967296);
    }
    if (last.size > 0) this.onLateWritten([...last.values()]);
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

  /**
   * Writes and syncs everything; what the disk does not take (false) comes from the WAL at the next start.
   */
  close(): boolean {
    if (!this.flush()) return false;
    try {
      this.writer.close();
      return true;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.logger.error('Cannot sync head chunks', { err: error.message });
      return false;
    }
  }
}
