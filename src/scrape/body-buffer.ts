// SPDX-License-Identifier: Apache-2.0

import type { BodySink } from '../base/index.ts';
import { type BytesKernel, SCAN_PADDING_BYTES, type SharedHeap } from '../kernels/index.ts';

const FIRST_BYTES = 16 << 10;

/**
 * A body as it arrives, in the shared memory, where the kernel reads it. Grows by doubling. Never throws:
 * what went wrong is told by `overflow`, the caller looks after the request.
 */
export class BodyBuffer implements BodySink {
  /** Bytes received and kept. */
  length = 0;
  /** Why bytes were thrown away, if they were. */
  overflow: 'limit' | 'memory' | undefined;
  private address = 0;
  private capacity = 0;
  private readonly heap: SharedHeap;
  private readonly kernel: BytesKernel;
  private limitBytes: number;
  private readonly expectedBytes: number;

  /** `expectedBytes`: the size of the last body of this target, 0 when there was none. */
  constructor(heap: SharedHeap, kernel: BytesKernel, limitBytes: number, expectedBytes: number) {
    this.heap = heap;
    this.kernel = kernel;
    this.limitBytes = limitBytes;
    this.expectedBytes = expectedBytes;
  }

  write(chunk: Uint8Array): void {
    if (this.overflow !== undefined) return;
    const length = this.length + chunk.length;
    if (length > this.limitBytes) {
      this.overflow = 'limit';
      return;
    }
    if (!this.reserve(length + SCAN_PADDING_BYTES)) return;
    const { u8 } = this.heap.shared;
    const end = this.address + this.length;
    // A connection that reads into the shared memory spares a slow copy from outside.
    if (chunk.buffer === u8.buffer) this.kernel.copy(end, chunk.byteOffset, chunk.length);
    else u8.set(chunk, end);
    this.length = length;
  }

  /** Address of the body, closed with a line break as the kernel needs it; 0 when memory is exhausted. */
  finish(): number {
    if (!this.reserve(this.length + SCAN_PADDING_BYTES)) return 0;
    this.heap.shared.u8.fill(10, this.address + this.length, this.address + this.length + 1);
    return this.address;
  }

  /** Forgets what was received, keeps the memory, and takes up to `limitBytes` from now on. */
  restart(limitBytes: number): void {
    this.length = 0;
    this.limitBytes = limitBytes;
  }

  /** Gives the memory back. */
  release(): void {
    if (this.capacity > 0) this.heap.free(this.address, this.capacity);
    this.address = 0;
    this.capacity = 0;
    this.length = 0;
  }

  private reserve(bytes: number): boolean {
    if (bytes <= this.capacity) return true;
    const expected = this.expectedBytes + (this.expectedBytes >>> 3) + SCAN_PADDING_BYTES;
    const capacity = Math.max(FIRST_BYTES, expected, this.capacity * 2, bytes);
    const address = this.heap.allocate(capacity);
    if (address === 0) {
      this.overflow = 'memory';
      return false;
    }
    if (this.length > 0) this.kernel.copy(address, this.address, this.length);
    if (this.capacity > 0) this.heap.free(this.address, this.capacity);
    this.address = address;
    this.capacity = capacity;
    return true;
  }
}
