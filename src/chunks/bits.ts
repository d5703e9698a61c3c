// SPDX-License-Identifier: Apache-2.0
// hot
// Bit streams of chunks, most significant bit first, and the variable-length integers of histogram chunks:
//
//   0        the number 0
//   10       3 bits      110     6      1110     9      11110    12
//   111110  18           1111110 25     11111110 56     11111111 64
//
// Signed numbers of n bits go from -(2^(n-1) - 1) to 2^(n-1).

const TWO_32 = 4294967296;
const widths = [3, 6, 9, 12, 18, 25, 56] as const;

/** Writes to bytes that grow. The first two are the chunk's count of samples. */
export class BitWriter {
  private buffer = new Uint8Array(256);
  private length = 0;
  /** Bits of the last byte that are free. */
  private free = 0;

  get byteLength(): number {
    return this.length;
  }

  /** Begins anew, keeping the memory. */
  reset(): void {
    this.length = 0;
    this.free = 0;
  }

  /** The low `count` <= 32 bits of `value`. */
  bits(value: number, count: number): void {
    if (this.length + 5 > this.buffer.length) {
      const grown = new Uint8Array(2 * this.buffer.length);
      grown.set(this.buffer);
      this.buffer = grown;
    }
    let left = count;
    while (left > 0) {
      if (this.free === 0) {
        this.buffer[this.length++] = 0;
        this.free = 8;
      }
      const take = Math.min(left, this.free);
      const part = (value >>> (left - take)) & ((1 << take) - 1);
      this.free -= take;
      left -= take;
      this.buffer[this.length - 1]! |= part << this.free;
    }
  }

  /** The low `count` <= 64 bits of a 64-bit word. */
  wide(high: number, low: number, count: number): void {
    if (count > 32) this.bits(high, count - 32);
    this.bits(low, Math.min(32, count));
  }

  /** LEB128, as Go's encoding/binary has it. */
  uvarint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bits((rest % 128) | 128, 8);
      rest = Math.floor(rest / 128);
    }
    this.bits(rest, 8);
  }

  private varbit(value: number, isIn: (width: number) => boolean): void {
    if (value === 0) {
      this.bits(0, 1);
      return;
    }
    for (let i = 0; i < widths.length; i++) {
      const width = widths[i]!;
      if (!isIn(width)) continue;
      // i + 1 ones and a zero.
      this.bits(2 ** (i + 2) - 2, i + 2);
      this.wide(highWord(value), value >>> 0, width);
      return;
    }
    this.bits(0xff, 8);
    this.wide(highWord(value), value >>> 0, 64);
  }

  /** A whole number. */
  varbitInt(value: number): void {
    this.varbit(value, (width) => value >= -(2 ** (width - 1) - 1) && value <= 2 ** (width - 1));
  }

  /** A whole number >= 0. */
  varbitUint(value: number): void {
    this.varbit(value, (width) => value < 2 ** width);
  }

  /** Writes the count of samples to the first two bytes. */
  setCount(count: number): void {
    this.buffer[0] = count >>> 8;
    this.buffer[1] = count;
  }

  /** Replaces a whole byte. */
  setByte(at: number, value: number): void {
    this.buffer[at] = value;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }
}

const highWord = (value: number): number => Math.floor(value / TWO_32) >>> 0;

/** Reads on from a bit. @throws RangeError at the end */
export class BitReader {
  private readonly bytes: Uint8Array;
  private at: number;

  constructor(bytes: Uint8Array, bit = 0) {
    this.bytes = bytes;
    this.at = bit;
  }

  /** `count` <= 32 bits as a number >= 0. */
  bits(count: number): number {
    if (this.at + count > 8 * this.bytes.length) {
      throw new RangeError('the chunk ends within a sample');
    }
    let value = 0;
    let left = count;
    while (left > 0) {
      const used = this.at & 7;
      const take = Math.min(left, 8 - used);
      const part = (this.bytes[this.at >>> 3]! >>> (8 - used - take)) & ((1 << take) - 1);
      value = value * (1 << take) + part;
      this.at += take;
      left -= take;
    }
    return value;
  }

  uvarint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.bits(8);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }

  /** Bits of a number of the variable-length form; 0: the number is 0. */
  private width(): number {
    for (let i = 0; i < 8; i++) {
      if (this.bits(1) === 0) return i === 0 ? 0 : widths[i - 1]!;
    }
    return 64;
  }

  varbitInt(): number {
    const width = this.width();
    if (width === 0) return 0;
    if (width <= 32) {
      const value = this.bits(width);
      return value > 2 ** (width - 1) ? value - 2 ** width : value;
    }
    const high = this.bits(width - 32);
    const low = this.bits(32);
    if (width === 64) return (high | 0) * TWO_32 + low;
    // The sign first: a number below 2^53 must not go through one above it.
    const half = 2 ** (width - 33);
    const isNegative = high > half || (high === half && low > 0);
    return (isNegative ? high - 2 * half : high) * TWO_32 + low;
  }

  varbitUint(): number {
    const width = this.width();
    if (width === 0) return 0;
    if (width <= 32) return this.bits(width);
    const high = this.bits(width - 32);
    return high * TWO_32 + this.bits(32);
  }
}

/** A 64-bit word as two halves. */
export interface Word64 {
  high: number;
  low: number;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The float of a word; a NaN may lose its payload. */
export function wordToFloat({ high, low }: Word64): number {
  scratch.setUint32(0, high);
  scratch.setUint32(4, low);
  return scratch.getFloat64(0);
}

export function floatToWord(value: number, out: Word64): void {
  scratch.setFloat64(0, value);
  out.high = scratch.getUint32(0);
  out.low = scratch.getUint32(4);
}
