// SPDX-License-Identifier: Apache-2.0
// hot
// The open chunks of the head's series: the kernel appends to them, and comes here when one has no room.

import type { BytesKernel, SharedMemory } from '../../kernels/index.ts';
import type { HeadCounters } from './counters.ts';
import { CHUNK_HEADER_BYTES, Chunk, Control, SERIES_NEXT_CUT, Series } from './layout.ts';
import { type HeadStore, MemoryFullError } from './store.ts';
import { directoryGet } from './tables.ts';
import { setTimeAt, timeAt } from './times.ts';

/** Bytes of an open chunk's stream at first; most chunks of slow series fit. */
const FIRST_STREAM_BYTES = 104;

export interface OpenChunkParts {
  readonly shared: SharedMemory;
  readonly store: HeadStore;
  readonly view: DataView;
  readonly bytes: BytesKernel;
  readonly counters: HeadCounters;
  /** Chunks never cross a multiple of this. */
  readonly chunkRangeMs: number;
  /** Told of each chunk that is closed, and its size with the header. */
  readonly onClosed: (id: number, chunk: number, sizeBytes: number) => void;
}

/** One object for the writing thread. */
export class OpenChunks {
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly view: DataView;
  private readonly bytes: BytesKernel;
  private readonly counters: HeadCounters;
  private readonly chunkRangeMs: number;
  private readonly onClosed: OpenChunkParts['onClosed'];

  constructor(parts: OpenChunkParts) {
    this.shared = parts.shared;
    this.store = parts.store;
    this.view = parts.view;
    this.bytes = parts.bytes;
    this.counters = parts.counters;
    this.chunkRangeMs = parts.chunkRangeMs;
    this.onClosed = parts.onClosed;
  }

  /** Gives series `id` an open chunk that takes a sample at `time`. False when the memory is full. */
  makeRoom(id: number, time: number): boolean {
    const record = directoryGet(this.shared, this.shared.u32[Control.seriesDirectory]!, id);
    const at = record >>> 2;
    const { u32 } = this.shared;
    const open = u32[at + Series.openChunk]!;
    try {
      if (open === 0) {
        this.open(record, 0, 0, time);
        u32[Control.openChunks] = u32[Control.openChunks]! + 1;
      } else if (u32[open >>> 2] === 0) {
        // Empty since the start: it was opened before the time of its first sample was known.
        this.setNextCut(record, time);
      } else if (u32[open >>> 2]! >= 240 || time >= timeAt(this.view, record + SERIES_NEXT_CUT)) {
        this.cutChunk(id, record, open, time);
      } else {
        this.growChunk(record, open);
      }
      return true;
    } catch (error) {
      if (error instanceof MemoryFullError) return false;
      throw error;
    }
  }

  /** Gives a series record an empty open chunk behind `previous` (0: none). @throws MemoryFullError */
  open(record: number, previous: number, first: number, time: number): void {
    const chunk = this.store.allocate(CHUNK_HEADER_BYTES + FIRST_STREAM_BYTES);
    this.counters.chunksCreated++;
    const { u32 } = this.shared;
    u32.fill(0, chunk >>> 2, (chunk + CHUNK_HEADER_BYTES) >>> 2);
    u32[(chunk >>> 2) + Chunk.previous] = previous;
    u32[(chunk >>> 2) + Chunk.bytes] = FIRST_STREAM_BYTES;
    u32[(chunk >>> 2) + Chunk.first] = first;
    this.setNextCut(record, time);
    Atomics.store(u32, (record >>> 2) + Series.openChunk, chunk);
  }

  private setNextCut(record: number, time: number): void {
    const range = this.chunkRangeMs;
    setTimeAt(this.view, record + SERIES_NEXT_CUT, Math.floor(time / range) * range + range);
  }

  /** Closes a chunk into a block of its very size and opens the next. */
  private cutChunk(id: number, record: number, open: number, time: number): void {
    const { u32, u8 } = this.shared;
    const from = open >>> 2;
    const used = (u32[(record >>> 2) + Series.bitPosition]! + 7) >>> 3;
    const size = CHUNK_HEADER_BYTES + used;
    const closed = this.store.allocate(size);
    this.bytes.copy(closed, open, size);
    // Bits after the end of the stream are scratch.
    const lastBits = u32[(record >>> 2) + Series.bitPosition]! & 7;
    if (lastBits !== 0) u8[closed + size - 1]! &= 0xff << (8 - lastBits);
    u32[(closed >>> 2) + Chunk.bytes] = used;
    // The open block is what readers still see; its capacity says how big it is.
    this.open(record, closed, u32[from + Chunk.first]! + u32[from + Chunk.count]!, time);
    this.store.retire(open, CHUNK_HEADER_BYTES + u32[from + Chunk.bytes]!);
    u32[Control.closedChunks] = u32[Control.closedChunks]! + 1;
    this.onClosed(id, closed, size);
  }

  private growChunk(record: number, open: number): void {
    const { u32 } = this.shared;
    const capacity = u32[(open >>> 2) + Chunk.bytes]!;
    const grown = Math.ceil((capacity * 1.5) / 16) * 16 + 8;
    const chunk = this.store.allocate(CHUNK_HEADER_BYTES + grown);
    this.bytes.copy(chunk, open, CHUNK_HEADER_BYTES + capacity);
    u32[(chunk >>> 2) + Chunk.bytes] = grown;
    Atomics.store(u32, (record >>> 2) + Series.openChunk, chunk);
    this.store.retire(open, CHUNK_HEADER_BYTES + capacity);
  }
}
