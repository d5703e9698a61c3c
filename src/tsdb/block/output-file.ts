// SPDX-License-Identifier: Apache-2.0
// hot
// A file that is written from its start to its end through one buffer.

import type { FileHandle } from '../../base/index.ts';
import { crc32c } from '../../encoding/index.ts';

const BUFFER_BYTES = 1 << 18;

export class OutputFile {
  private readonly handle: FileHandle;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private flushed = 0;
  private used = 0;
  /** Checksum of what was flushed since it began; its content begins at this index of the buffer. */
  private sum = 0;
  private sumFrom = -1;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Bytes written so far. */
  get position(): number {
    return this.flushed + this.used;
  }

  flush(): void {
    if (this.used === 0) return;
    if (this.sumFrom >= 0) {
      this.sum = crc32c(this.buffer, this.sumFrom, this.used, this.sum);
      this.sumFrom = 0;
    }
    this.handle.writeSync(this.buffer, 0, this.used, this.flushed);
    this.flushed += this.used;
    this.used = 0;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes > BUFFER_BYTES) this.flush();
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.used++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    const { buffer, used } = this;
    buffer[used] = value >>> 24;
    buffer[used + 1] = value >>> 16;
    buffer[used + 2] = value >>> 8;
    buffer[used + 3] = value;
    this.used += 4;
  }

  uvarint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.used++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.used++] = rest;
  }

  /** bytes[from, to). */
  raw(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      this.reserve(1);
      const part = Math.min(to - at, BUFFER_BYTES - this.used);
      this.buffer.set(bytes.subarray(at, at + part), this.used);
      this.used += part;
      at += part;
    }
  }

  /** Zeros up to a multiple of `size`. */
  align(size: number): void {
    for (let left = (size - (this.position % size)) % size; left > 0; left--) this.u8(0);
  }

  /** What follows is summed. */
  beginChecksum(): void {
    this.sum = 0;
    this.sumFrom = this.used;
  }

  /** Writes the CRC-32C of what came since `beginChecksum`. */
  endChecksum(): void {
    const sum = crc32c(this.buffer, this.sumFrom, this.used, this.sum);
    this.sumFrom = -1;
    this.u32(sum);
  }
}
