// SPDX-License-Identifier: Apache-2.0
// hot
// Where chunks of files are read to and decoded to: the scratch of a query worker in the shared memory,
// where the kernel works, or plain arrays, where its twin does.

import { decodeXorChunk } from '../../chunks/index.ts';
import { crc32c } from '../../encoding/index.ts';
import type { BytesKernel, SharedMemory } from '../../kernels/index.ts';
import { bytesKernel } from '../../kernels/index.ts';
import type { SampleColumns } from '../../model/index.ts';
import { newSampleColumns } from '../../model/index.ts';
import type { HeadKernel } from '../head/kernel.ts';
import { headKernel } from '../head/kernel.ts';
import { QueryMemoryError } from '../head/reader.ts';
import { VerifiedChunks } from './verified-chunks.ts';

/** Bytes of a file; `address` is 0 where there is no shared memory. */
export interface ByteWindow {
  readonly bytes: Uint8Array;
  readonly address: number;
}

export interface DecodeTarget {
  readonly columns: SampleColumns;
  readonly capacity: number;
  readonly timesAddress: number;
  readonly valuesAddress: number;
}

/** Memory of one thread for the queries that it answers one after the other. */
export interface ChunkMemory {
  newWindow(sizeBytes: number): ByteWindow;
  /** Columns of `capacity` samples. */
  newColumns(capacity: number): DecodeTarget;
  /**
   * Decodes the XOR chunk of `length` bytes at window.bytes[at] and writes its samples in
   * [minTime, maxTime] to the columns from `n` on; returns how many. There is room for all of the chunk.
   */
  decodeXor(
    window: ByteWindow,
    at: number,
    length: number,
    minTime: number,
    maxTime: number,
    target: DecodeTarget,
    n: number,
  ): number;
  /** Copies the first `count` samples of `from` to `to` from `n` on. */
  copy(from: SampleColumns, count: number, to: DecodeTarget, n: number): void;
  /** Chunks whose checksums need not be computed again; without it they always are. */
  readonly verified?: VerifiedChunks;
  /** CRC-32C of window.bytes[from, to). */
  checksum(window: ByteWindow, from: number, to: number): number;
  /** Everything handed out may be handed out again. */
  reset(): void;
}

function copyColumns(from: SampleColumns, count: number, to: SampleColumns, n: number): void {
  to.times.set(from.times.subarray(0, count), n);
  // By words: a NaN keeps its payload.
  to.valueBits.set(from.valueBits.subarray(0, 2 * count), 2 * n);
}

/** A region of the shared memory that belongs to one worker. */
export class SharedChunkMemory implements ChunkMemory {
  readonly verified = new VerifiedChunks();
  private readonly shared: SharedMemory;
  private readonly kernel: HeadKernel;
  private readonly bytes: BytesKernel;
  private readonly start: number;
  private readonly sizeBytes: number;
  private used = 0;

  constructor(shared: SharedMemory, start: number, sizeBytes: number) {
    this.shared = shared;
    this.kernel = headKernel(shared);
    this.bytes = bytesKernel(shared);
    this.start = start;
    this.sizeBytes = sizeBytes;
  }

  private allocate(sizeBytes: number): number {
    const rounded = Math.ceil(sizeBytes / 16) * 16;
    if (this.used + rounded > this.sizeBytes) {
      throw new QueryMemoryError(
        `query needs more than the ${this.sizeBytes >>> 20} MiB of its worker for blocks: select fewer series or a shorter range`,
      );
    }
    this.used += rounded;
    return this.start + this.used - rounded;
  }

  newWindow(sizeBytes: number): ByteWindow {
    // The kernel loads whole words, also at the end of a chunk.
    const address = this.allocate(sizeBytes + 16);
    return { bytes: this.shared.u8.subarray(address, address + sizeBytes), address };
  }

  newColumns(capacity: number): DecodeTarget {
    const timesAddress = this.allocate(16 * capacity);
    const valuesAddress = timesAddress + 8 * capacity;
    const { buffer } = this.shared.u8;
    const columns = {
      times: new Float64Array(buffer, timesAddress, capacity),
      values: new Float64Array(buffer, valuesAddress, capacity),
      valueBits: new Uint32Array(buffer, valuesAddress, 2 * capacity),
    };
    return { columns, capacity, timesAddress, valuesAddress };
  }

  decodeXor(
    window: ByteWindow,
    at: number,
    _length: number,
    minTime: number,
    maxTime: number,
    target: DecodeTarget,
    n: number,
  ): number {
    const count = (window.bytes[at]! << 8) | window.bytes[at + 1]!;
    return this.kernel.decode(
      window.address + at,
      count,
      minTime,
      maxTime,
      target.timesAddress + 8 * n,
      target.valuesAddress + 8 * n,
    );
  }

  copy(from: SampleColumns, count: number, to: DecodeTarget, n: number): void {
    if (from.times.buffer !== this.shared.u8.buffer) {
      copyColumns(from, count, to.columns, n);
      return;
    }
    this.bytes.copy(to.timesAddress + 8 * n, from.times.byteOffset, 8 * count);
    this.bytes.copy(to.valuesAddress + 8 * n, from.valueBits.byteOffset, 8 * count);
  }

  checksum(window: ByteWindow, from: number, to: number): number {
    return this.bytes.crc32c(0, window.address + from, to - from) >>> 0;
  }

  reset(): void {
    this.used = 0;
  }
}

/** Plain arrays: for embedding, tools and compaction. */
export class PlainChunkMemory implements ChunkMemory {
  private scratch = newSampleColumns(256);

  newWindow(sizeBytes: number): ByteWindow {
    return { bytes: new Uint8Array(sizeBytes), address: 0 };
  }

  newColumns(capacity: number): DecodeTarget {
    return { columns: newSampleColumns(capacity), capacity, timesAddress: 0, valuesAddress: 0 };
  }

  decodeXor(
    window: ByteWindow,
    at: number,
    length: number,
    minTime: number,
    maxTime: number,
    target: DecodeTarget,
    n: number,
  ): number {
    const count = (window.bytes[at]! << 8) | window.bytes[at + 1]!;
    if (this.scratch.times.length < count) this.scratch = newSampleColumns(count);
    const { times, valueBits } = this.scratch;
    decodeXorChunk(window.bytes.subarray(at, at + length), this.scratch);
    let from = 0;
    while (from < count && times[from]! < minTime) from++;
    let to = from;
    while (to < count && times[to]! <= maxTime) to++;
    target.columns.times.set(times.subarray(from, to), n);
    target.columns.valueBits.set(valueBits.subarray(2 * from, 2 * to), 2 * n);
    return to - from;
  }

  copy(from: SampleColumns, count: number, to: DecodeTarget, n: number): void {
    copyColumns(from, count, to.columns, n);
  }

  checksum({ bytes }: ByteWindow, from: number, to: number): number {
    return crc32c(bytes, from, to);
  }

  reset(): void {}
}
