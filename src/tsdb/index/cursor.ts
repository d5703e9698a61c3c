// SPDX-License-Identifier: Apache-2.0
// hot
// Varints and texts at a moving place of a paged file.

import { BlockError } from '../block/errors.ts';
import type { PagedFile } from './paged-file.ts';

/** UTF-8 to text. */
interface Decoder {
  decode(bytes: Uint8Array): string;
}

const VARINT_BYTES_MAX = 10;

/** Reads on from `offset`; never past `end`. */
export class Cursor {
  private readonly file: PagedFile;
  offset: number;
  end: number;

  constructor(file: PagedFile, offset: number, end: number) {
    this.file = file;
    this.offset = offset;
    this.end = end;
  }

  get done(): boolean {
    return this.offset >= this.end;
  }

  private fail(): never {
    throw new BlockError('truncated', this.file.path, `an entry ends too early at ${this.offset}`);
  }

  uvarint(): number {
    const { file } = this;
    const available = Math.min(VARINT_BYTES_MAX, this.end - this.offset);
    if (available <= 0) this.fail();
    const at = file.seek(this.offset, available);
    const { bytes } = file;
    let value = 0;
    let factor = 1;
    for (let i = 0; i < available; i++) {
      const byte = bytes[at + i]!;
      value += (byte & 127) * factor;
      if (byte < 128) {
        this.offset += i + 1;
        return value;
      }
      factor *= 128;
    }
    return this.fail();
  }

  /** Index in `file.bytes` of `length` bytes, which are passed over. */
  take(length: number): number {
    if (length > this.end - this.offset) this.fail();
    const at = this.file.seek(this.offset, length);
    this.offset += length;
    return at;
  }

  skip(length: number): void {
    if (length > this.end - this.offset) this.fail();
    this.offset += length;
  }

  /** A text with its length before it. */
  text(decoder: Decoder): string {
    const length = this.uvarint();
    if (length === 0) return '';
    const at = this.take(length);
    return decodeText(decoder, this.file.bytes, at, length);
  }
}

/** Short ASCII texts, which are nearly all, without the decoder's fixed cost. */
export function decodeText(
  decoder: Decoder,
  bytes: Uint8Array,
  at: number,
  length: number,
): string {
  if (length < 24) {
    let text = '';
    let i = 0;
    for (; i < length && bytes[at + i]! < 128; i++) text += String.fromCharCode(bytes[at + i]!);
    if (i === length) return text;
  }
  return decoder.decode(bytes.slice(at, at + length));
}
