// SPDX-License-Identifier: Apache-2.0
// Integers and texts in bytes: big-endian words, LEB128 varints as Go's encoding/binary has them.
// Numbers are JavaScript's: whole, below 2^53.

/** Bytes that end or mean something they should not. */
export class DecodeError extends Error {
  override name = 'DecodeError';
}

const TWO_32 = 4294967296;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Appends to a buffer that grows. */
export class ByteWriter {
  private buffer: Uint8Array<ArrayBuffer>;
  private view: DataView;
  private length = 0;
  private readonly encoder = new TextEncoder();

  constructor(capacity: number) {
    this.buffer = new Uint8Array(Math.max(16, capacity));
    this.view = new DataView(this.buffer.buffer);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + bytes));
    grown.set(this.buffer);
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u32be(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value);
    this.length += 4;
  }

  /** A whole number in two's complement. */
  i64be(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.u32be(high >>> 0);
    this.u32be(value - high * TWO_32);
  }

  f64be(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value);
    this.length += 8;
  }

  /** A double, least significant byte first. */
  f64le(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** value >= 0. */
  uvarint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  /** Zigzag; |value| < 2^52. */
  varint(value: number): void {
    this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** Length in bytes as uvarint, then UTF-8. */
  text(value: string): void {
    // Short ASCII, which is nearly everything, without the encoder.
    const { length } = value;
    if (length < 64) {
      this.reserve(length + 1);
      const { buffer } = this;
      let at = this.length + 1;
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        buffer[at++] = code;
      }
      if (i === length) {
        buffer[this.length] = length;
        this.length = at;
        return;
      }
    }
    const bytes = this.encoder.encode(value);
    this.uvarint(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Starts over; views of what was written become invalid. */
  clear(): void {
    this.length = 0;
  }

  /** What was written; a view that stays valid until more is written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }
}

/** Reads on from a position. Every read throws DecodeError where the bytes end too early. */
export class ByteReader {
  private readonly source: Uint8Array;
  private readonly view: DataView;
  position: number;

  constructor(source: Uint8Array, position = 0) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.position = position;
  }

  get left(): number {
    return this.source.length - this.position;
  }

  private need(bytes: number): void {
    if (this.left < bytes) {
      throw new DecodeError(`${bytes} bytes wanted at ${this.position}, ${this.left} left`);
    }
  }

  u8(): number {
    this.need(1);
    return this.source[this.position++]!;
  }

  u32be(): number {
    this.need(4);
    this.position += 4;
    return this.view.getUint32(this.position - 4);
  }

  /** A whole number in two's complement; inexact beyond 2^53. */
  i64be(): number {
    const high = this.u32be() | 0;
    return high * TWO_32 + this.u32be();
  }

  f64be(): number {
    this.need(8);
    this.position += 8;
    return this.view.getFloat64(this.position - 8);
  }

  skip(bytes: number): void {
    this.need(bytes);
    this.position += bytes;
  }

  /** Passes over a varint of any size. */
  skipVarint(): void {
    for (let i = 0; i < 10; i++) if (this.u8() < 128) return;
    throw new DecodeError(`varint at ${this.position} is too long`);
  }

  /** @throws DecodeError also for numbers of 2^53 and more */
  uvarint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      factor *= 128;
    }
    throw new DecodeError(`varint at ${this.position} is too large`);
  }

  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const length = this.uvarint();
    this.need(length);
    this.position += length;
    return decoder.decode(this.source.slice(this.position - length, this.position));
  }
}
