// SPDX-License-Identifier: Apache-2.0
// hot
// Snappy by the kernel, for records that stand in the shared memory or are copied there. It belongs to the
// thread that writes the head: its scratch comes from the head's allocator.

import { assert } from '../../base/index.ts';
import type { BlockCompression } from '../../encoding/index.ts';
import { crc32c, createPlainSnappy, DecodeError, snappyLength } from '../../encoding/index.ts';
import { wasm } from '../../kernels/generated/snappy.ts';
import { WINDOW_BYTES } from './reader.ts';
import type { BytesKernel, SharedHeap } from '../../kernels/index.ts';
import {
  bytesKernel,
  instantiateKernel,
  SNAPPY_TABLE_BYTES,
  snappyBytesMax,
} from '../../kernels/index.ts';

interface SnappyKernel {
  decompress(from: number, end: number, out: number, length: number): number;
}

const FIRST_ROOM_BYTES = 1 << 16;

/** Results are views that stay valid until the next call of the same function. */
export class SharedSnappy implements BlockCompression {
  private readonly heap: SharedHeap;
  private readonly kernel: SnappyKernel;
  private readonly bytes: BytesKernel;
  private readonly table: number;
  private readonly plain = createPlainSnappy();
  private input = { address: 0, sizeBytes: 0 };
  private compressed = { address: 0, sizeBytes: 0 };
  private plainBytes = { address: 0, sizeBytes: 0 };
  private windowBytes = { address: 0, sizeBytes: 0 };

  constructor(heap: SharedHeap) {
    this.heap = heap;
    this.kernel = instantiateKernel<SnappyKernel>(wasm, heap.shared);
    this.bytes = bytesKernel(heap.shared);
    this.table = heap.allocate(SNAPPY_TABLE_BYTES);
    assert(this.table !== 0, 'there is memory when a database is opened');
  }

  compress(bytes: Uint8Array): Uint8Array {
    const { u8 } = this.heap.shared;
    const room = this.room('compressed', snappyBytesMax(bytes.length));
    const from = this.addressOf(bytes);
    if (room === 0 || from === 0) return this.plain.compress(bytes);
    const length = this.bytes.snappy(from, bytes.length, room, this.table);
    return u8.subarray(room, room + length);
  }

  decompress(bytes: Uint8Array): Uint8Array {
    const { length, start } = snappyLength(bytes);
    const room = this.room('plainBytes', length + 1);
    const from = this.addressOf(bytes);
    if (room === 0 || from === 0) return this.plain.decompress(bytes);
    const end = from + bytes.length;
    if (this.kernel.decompress(from + start, end, room, length) === 0) {
      throw new DecodeError('snappy: corrupt input');
    }
    return this.heap.shared.u8.subarray(room, room + length);
  }

  /** For reading a log; undefined: there is no room for it. */
  get window(): Uint8Array | undefined {
    const address = this.room('windowBytes', WINDOW_BYTES);
    return address === 0
      ? undefined
      : this.heap.shared.u8.subarray(address, address + WINDOW_BYTES);
  }

  /** Gives the memory of {@link window} back. */
  releaseWindow(): void {
    const { address, sizeBytes } = this.windowBytes;
    if (sizeBytes > 0) this.heap.free(address, sizeBytes);
    this.windowBytes = { address: 0, sizeBytes: 0 };
  }

  /** CRC-32C of bytes[start, end). */
  checksum(bytes: Uint8Array, start: number, end: number): number {
    if (bytes.buffer !== this.heap.shared.u8.buffer) return crc32c(bytes, start, end);
    return this.bytes.crc32c(0, bytes.byteOffset + start, end - start) >>> 0;
  }

  /** Where the bytes stand in the shared memory, after copying them there if need be; 0: no room. */
  private addressOf(bytes: Uint8Array): number {
    const { u8 } = this.heap.shared;
    if (bytes.buffer === u8.buffer) return bytes.byteOffset;
    const address = this.room('input', bytes.length + 1);
    if (address !== 0) u8.set(bytes, address);
    return address;
  }

  private room(
    which: 'input' | 'compressed' | 'plainBytes' | 'windowBytes',
    sizeBytes: number,
  ): number {
    const known = this[which];
    if (known.sizeBytes >= sizeBytes) return known.address;
    if (known.sizeBytes > 0) this.heap.free(known.address, known.sizeBytes);
    const wanted = Math.max(FIRST_ROOM_BYTES, Math.ceil(sizeBytes * 1.25));
    const address = this.heap.allocate(wanted);
    this[which] = { address, sizeBytes: address === 0 ? 0 : wanted };
    return address;
  }
}
