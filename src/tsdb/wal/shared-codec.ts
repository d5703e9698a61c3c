// SPDX-License-Identifier: Apache-2.0
// hot
// Compresses and sums up records where the head has made them, in the shared memory: native code takes no
// shared buffers, so each record would be copied out first.

import { crc32c } from '../../encoding/index.ts';
import {
  type BytesKernel,
  bytesKernel,
  SNAPPY_TABLE_BYTES,
  type SharedHeap,
  snappyBytesMax,
} from '../../kernels/index.ts';
import type { WalCompression } from './writer.ts';

export class SharedSnappy implements WalCompression {
  readonly flag: number;
  private readonly heap: SharedHeap;
  private readonly kernel: BytesKernel;
  private readonly other: WalCompression;
  private readonly table: number;
  private out = 0;
  private outBytes = 0;

  /** `other` compresses bytes that lie elsewhere, in the same format. */
  constructor(heap: SharedHeap, other: WalCompression) {
    this.heap = heap;
    this.kernel = bytesKernel(heap.shared);
    this.other = other;
    this.flag = other.flag;
    this.table = heap.allocate(SNAPPY_TABLE_BYTES);
  }

  /** What comes back is valid until the next call. */
  compress(bytes: Uint8Array): Uint8Array {
    const { shared } = this.heap;
    const needed = snappyBytesMax(bytes.length);
    if (bytes.buffer !== shared.u8.buffer || this.table === 0 || !this.reserve(needed))
      return this.other.compress(bytes);
    const length = this.kernel.snappy(bytes.byteOffset, bytes.length, this.out, this.table);
    return shared.u8.subarray(this.out, this.out + length);
  }

  checksum(bytes: Uint8Array, start: number, end: number): number {
    if (bytes.buffer !== this.heap.shared.u8.buffer) return crc32c(bytes, start, end);
    return this.kernel.crc32c(0, bytes.byteOffset + start, end - start) >>> 0;
  }

  private reserve(bytes: number): boolean {
    if (bytes <= this.outBytes) return true;
    const capacity = 2 * bytes;
    const address = this.heap.allocate(capacity);
    if (address === 0) return false;
    if (this.out !== 0) this.heap.free(this.out, this.outBytes);
    this.out = address;
    this.outBytes = capacity;
    return true;
  }
}
