// SPDX-License-Identifier: Apache-2.0
// hot
// Chunks of `chunks_head` as a reading thread gets at them: blocks of the files in a part of the shared
// memory that belongs to the thread, so that the kernel decodes them in place. The chunks of one scrape
// stand side by side, so a block that one series needs mostly serves its neighbours, too.

import type { FileHandle, FileSystem } from '../../base/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import { crc32c } from '../../encoding/index.ts';
import { HEAD_CHUNK_META_BYTES, headChunkFileName } from './chunk-files.ts';

/** Where a reading thread finds the files. */
export interface HeadChunkSource {
  readonly files: FileSystem;
  readonly directory: string;
  /**
   * Bytes read at once, 64 KiB unless given. Less for a reader that takes the chunks in another order than
   * that of the files, as whoever writes a block does. At least 2 KiB.
   */
  readonly readBytes?: number;
}

/** A chunk file that does not hold what the head says it does. */
export class HeadChunkError extends Error {
  override name = 'HeadChunkError';
}

const BLOCK_BYTES = 1 << 16;
/** What is read beyond a block, so that a chunk that begins in it mostly ends in what was read. */
const OVERLAP_BYTES = 1 << 12;
const SLOT_BYTES = BLOCK_BYTES + OVERLAP_BYTES;
const SLOTS = 96;
/** The kernel loads whole words, also at the end of a chunk. */
const PADDING_BYTES = 16;
/** Room for one chunk that is too big for a block. */
const BIG_BYTES = 1 << 20;
const OPEN_FILES_MAX = 64;

/** Bytes of shared memory a thread needs for it. */
export const DISK_CHUNK_BYTES = SLOTS * SLOT_BYTES + BIG_BYTES + PADDING_BYTES;

export class DiskChunks {
  /** Of the chunk found last: length of its data, and its encoding byte. */
  length = 0;
  encoding = 0;
  private readonly shared: SharedMemory;
  private readonly source: HeadChunkSource;
  private readonly region: number;
  private readonly blockBytes: number;
  private readonly handles = new Map<number, FileHandle>();
  /** Block key -> slot. */
  private readonly slots = new Map<number, number>();
  private readonly keys = new Float64Array(SLOTS).fill(-1);
  /** Valid bytes of each slot, and whether it was used since the hand passed. */
  private readonly valid = new Uint32Array(SLOTS);
  private readonly used = new Uint8Array(SLOTS);
  private hand = 0;

  constructor(shared: SharedMemory, source: HeadChunkSource, region: number) {
    this.shared = shared;
    this.source = source;
    this.region = region;
    this.blockBytes = Math.min(BLOCK_BYTES, source.readBytes ?? BLOCK_BYTES);
  }

  /**
   * Address of the data of the chunk at `offset` of a file, valid until other chunks are asked for.
   * @throws HeadChunkError, FileError
   */
  find(file: number, offset: number): number {
    const { blockBytes } = this;
    const block = Math.floor(offset / blockBytes);
    const within = offset - block * blockBytes;
    let slot = this.slotOf(file, block, within + HEAD_CHUNK_META_BYTES + 1);
    let start = this.region + slot * SLOT_BYTES + within;
    let size = this.sizeOf(start, this.valid[slot]! - within);
    if (size > blockBytes + OVERLAP_BYTES - within) return this.big(file, offset, size);
    if (size > this.valid[slot]! - within) {
      slot = this.slotOf(file, block, within + size);
      start = this.region + slot * SLOT_BYTES + within;
      size = this.sizeOf(start, this.valid[slot]! - within);
    }
    return this.checked(file, offset, start, size);
  }

  /** Lets go of files that are removed. */
  forgetBefore(file: number): void {
    for (const [sequence, handle] of this.handles) {
      if (sequence >= file) continue;
      handle.closeSync();
      this.handles.delete(sequence);
    }
  }

  close(): void {
    for (const handle of this.handles.values()) handle.closeSync();
    this.handles.clear();
  }

  /** Bytes of the chunk at `start` with its checksum; sets `length`. */
  private sizeOf(start: number, available: number): number {
    const { u8 } = this.shared;
    let length = 0;
    let at = HEAD_CHUNK_META_BYTES;
    for (
      let shift = 1, byte = 128;
      byte >= 128 && at < available && shift < 2 ** 35;
      shift *= 128
    ) {
      byte = u8[start + at++]!;
      length += (byte & 127) * shift;
    }
    this.length = length;
    this.dataOffset = at;
    return at + length + 4;
  }

  private dataOffset = 0;

  private checked(file: number, offset: number, start: number, size: number): number {
    const { u8 } = this.shared;
    const end = start + size - 4;
    const crc =
      ((u8[end]! << 24) | (u8[end + 1]! << 16) | (u8[end + 2]! << 8) | u8[end + 3]!) >>> 0;
    if (crc32c(u8, start, end) !== crc) {
      throw new HeadChunkError(
        `cannot read ${this.source.directory}/${headChunkFileName(file)}: unexpected checksum of the chunk at byte ${offset}. Restart: the samples are in the WAL`,
      );
    }
    this.encoding = u8[start + 24]!;
    return start + this.dataOffset;
  }

  /** The slot that holds at least `needed` bytes of a block. */
  private slotOf(file: number, block: number, needed: number): number {
    const key = file * 65536 + block;
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = this.evict();
      this.keys[slot] = key;
      this.slots.set(key, slot);
      this.valid[slot] = 0;
    }
    this.used[slot] = 1;
    // Files grow: what was not there when the block was read may be now.
    if (this.valid[slot]! < needed) {
      this.valid[slot] = this.read(
        file,
        block * this.blockBytes,
        this.region + slot * SLOT_BYTES,
        this.blockBytes + OVERLAP_BYTES,
      );
      if (this.valid[slot]! < needed) this.short(file, block * this.blockBytes + this.valid[slot]!);
    }
    return slot;
  }

  private evict(): number {
    for (;;) {
      const slot = this.hand;
      this.hand = (slot + 1) % SLOTS;
      if (this.used[slot] === 1) {
        this.used[slot] = 0;
        continue;
      }
      if (this.keys[slot]! >= 0) this.slots.delete(this.keys[slot]!);
      return slot;
    }
  }

  private big(file: number, offset: number, size: number): number {
    if (size > BIG_BYTES) {
      throw new HeadChunkError(
        `cannot read ${this.source.directory}/${headChunkFileName(file)}: a chunk of ${size} bytes at byte ${offset}`,
      );
    }
    const start = this.region + SLOTS * SLOT_BYTES;
    const got = this.read(file, offset, start, size);
    if (got < size) this.short(file, offset + got);
    this.sizeOf(start, got);
    return this.checked(file, offset, start, size);
  }

  private short(file: number, offset: number): never {
    throw new HeadChunkError(
      `cannot read ${this.source.directory}/${headChunkFileName(file)}: it ends at byte ${offset}, within a chunk. Restart: the samples are in the WAL`,
    );
  }

  private read(file: number, position: number, address: number, length: number): number {
    const handle = this.handle(file);
    const { u8 } = this.shared;
    let filled = 0;
    while (filled < length) {
      const got = handle.readSync(u8, address + filled, length - filled, position + filled);
      if (got === 0) break;
      filled += got;
    }
    return filled;
  }

  private handle(file: number): FileHandle {
    const open = this.handles.get(file);
    if (open !== undefined) return open;
    if (this.handles.size >= OPEN_FILES_MAX) this.close();
    const path = `${this.source.directory}/${headChunkFileName(file)}`;
    const handle = this.source.files.openSync(path, 'read');
    this.handles.set(file, handle);
    return handle;
  }
}
