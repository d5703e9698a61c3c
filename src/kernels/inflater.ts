// SPDX-License-Identifier: Apache-2.0
// Compressed bodies, held and undone in the shared memory: zlib takes and gives buffers outside of V8's heap,
// and collecting these cost more than inflating.

import { assert, type BodyInflater, type HeldBody, type InflatedBytes } from '../base/index.ts';
import { type BytesKernel, bytesKernel } from './bytes-kernel.ts';
import type { SharedHeap } from './heap.ts';
import {
  INFLATE_PADDING_BYTES,
  INFLATE_SCRATCH_BYTES,
  INFLATE_USED,
  type InflateKernel,
  inflateKernel,
} from './inflate-kernel.ts';

const FIRST_HELD_BYTES = 16 << 10;
/** More than this of output is not kept room for. */
const OUTPUT_BYTES_MAX = 4 << 20;

/** For one thread, whose heap it is. */
export class HeapInflater implements BodyInflater {
  readonly heap: SharedHeap;
  readonly bytes: BytesKernel;
  private readonly kernel: InflateKernel;
  private readonly scratch: number;
  private output = { address: 0, sizeBytes: 0 };

  constructor(heap: SharedHeap) {
    this.heap = heap;
    this.bytes = bytesKernel(heap.shared);
    this.kernel = inflateKernel(heap.shared);
    this.scratch = heap.allocate(INFLATE_SCRATCH_BYTES);
    assert(this.scratch !== 0, 'there is memory when a server starts');
  }

  hold(): HeldBody {
    return new HeapBody(this);
  }

  /** @internal The stream at [from, end), as {@link HeldBody.inflate}. */
  inflate(from: number, end: number, sizeBytes: number): InflatedBytes | undefined {
    const room = this.room(sizeBytes);
    if (room === 0) return undefined;
    const length = this.kernel.inflate(from, end, room, room + sizeBytes, this.scratch);
    if (length < 0) return undefined;
    const { u8, u32 } = this.heap.shared;
    const used = u32[(this.scratch + INFLATE_USED) >>> 2]!;
    return { output: u8.subarray(room, room + length), inputBytes: used - from };
  }

  private room(sizeBytes: number): number {
    if (sizeBytes > OUTPUT_BYTES_MAX) return 0;
    const needed = sizeBytes + INFLATE_PADDING_BYTES;
    if (this.output.sizeBytes >= needed) return this.output.address;
    if (this.output.sizeBytes > 0) this.heap.free(this.output.address, this.output.sizeBytes);
    const address = this.heap.allocate(needed);
    this.output = { address, sizeBytes: address === 0 ? 0 : needed };
    return address;
  }
}

class HeapBody implements HeldBody {
  length = 0;
  private readonly owner: HeapInflater;
  private address = 0;
  private capacity = 0;

  constructor(owner: HeapInflater) {
    this.owner = owner;
  }

  append(chunk: Uint8Array): boolean {
    const end = this.length + chunk.length;
    if (!this.reserve(end + INFLATE_PADDING_BYTES)) return false;
    const { bytes, heap } = this.owner;
    const { u8 } = heap.shared;
    const to = this.address + this.length;
    if (chunk.buffer === u8.buffer) bytes.copy(to, chunk.byteOffset, chunk.length);
    else u8.set(chunk, to);
    this.length = end;
    return true;
  }

  get bytes(): Uint8Array {
    return this.owner.heap.shared.u8.subarray(this.address, this.address + this.length);
  }

  inflate(start: number, sizeBytes: number): InflatedBytes | undefined {
    return this.owner.inflate(this.address + start, this.address + this.length, sizeBytes);
  }

  release(): void {
    if (this.capacity > 0) this.owner.heap.free(this.address, this.capacity);
    this.address = 0;
    this.capacity = 0;
    this.length = 0;
  }

  private reserve(sizeBytes: number): boolean {
    if (sizeBytes <= this.capacity) return true;
    const { heap, bytes } = this.owner;
    const capacity = Math.max(FIRST_HELD_BYTES, 2 * this.capacity, sizeBytes);
    const address = heap.allocate(capacity);
    if (address === 0) return false;
    if (this.length > 0) bytes.copy(address, this.address, this.length);
    if (this.capacity > 0) heap.free(this.address, this.capacity);
    this.address = address;
    this.capacity = capacity;
    return true;
  }
}
