// SPDX-License-Identifier: Apache-2.0
// hot
// Floats by their XOR with the one before, as all chunks have them:
//
//   0     the same        10   the bits of the last window differ
//   11    5 bits leading zeros, 6 bits number of significant bits (0 = 64), and those

import type { BitReader, BitWriter, Word64 } from './bits.ts';

/** Leading zeros of a 64-bit word. */
const leadingZeros = (high: number, low: number): number =>
  high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);

const trailingZeros = (high: number, low: number): number => {
  const word = low !== 0 ? low : high;
  return (low !== 0 ? 0 : 32) + 31 - Math.clz32(word & -word);
};

/** One stream of floats within a chunk. */
export class XorValue implements Word64 {
  high = 0;
  low = 0;
  private leading = -1;
  private trailing = 0;

  /** The first float of the stream: whole. */
  writeFirst(out: BitWriter, high: number, low: number): void {
    this.set(high, low);
    out.wide(high, low, 64);
  }

  readFirst(input: BitReader): void {
    this.high = input.bits(32);
    this.low = input.bits(32);
  }

  set(high: number, low: number): void {
    this.high = high;
    this.low = low;
  }

  write(out: BitWriter, high: number, low: number): void {
    const x = (high ^ this.high) >>> 0;
    const y = (low ^ this.low) >>> 0;
    this.set(high, low);
    if (x === 0 && y === 0) {
      out.bits(0, 1);
      return;
    }
    this.writeChange(out, x, y, 0b10, 0b11, 2);
  }

  /**
   * A difference that is not 0: after `same` (of `prefixBits` bits) the bits of the last window, or after
   * `fresh` a new window.
   */
  writeChange(
    out: BitWriter,
    x: number,
    y: number,
    same: number,
    fresh: number,
    prefixBits: number,
    freshBits = prefixBits,
  ): void {
    const leading = Math.min(31, leadingZeros(x, y));
    const trailing = trailingZeros(x, y);
    if (this.leading >= 0 && leading >= this.leading && trailing >= this.trailing) {
      out.bits(same, prefixBits);
    } else {
      this.leading = leading;
      this.trailing = trailing;
      out.bits(fresh, freshBits);
      out.bits((leading << 6) | ((64 - leading - trailing) & 63), 11);
    }
    const { trailing: shift } = this;
    const shiftedHigh = shift >= 32 ? 0 : x >>> shift;
    const shiftedLow =
      shift >= 32 ? x >>> (shift - 32) : shift === 0 ? y : (y >>> shift) | (x << (32 - shift));
    out.wide(shiftedHigh, shiftedLow >>> 0, 64 - this.leading - shift);
  }

  /** @throws RangeError where the bits end, or make no sense */
  read(input: BitReader): void {
    if (input.bits(1) === 1) this.readChange(input, input.bits(1) === 1);
  }

  /** What {@link writeChange} wrote behind its prefix. @throws RangeError */
  readChange(input: BitReader, isFresh: boolean): void {
    if (isFresh) {
      this.leading = input.bits(5);
      const significant = input.bits(6) || 64;
      if (this.leading + significant > 64) throw new RangeError('a float has more than 64 bits');
      this.trailing = 64 - this.leading - significant;
    }
    const significant = 64 - Math.max(0, this.leading) - this.trailing;
    const high = significant > 32 ? input.bits(significant - 32) : 0;
    const low = input.bits(Math.min(32, significant));
    const { trailing: shift } = this;
    const x =
      shift >= 32
        ? low << (shift - 32)
        : shift === 0
          ? high
          : (high << shift) | (low >>> (32 - shift));
    const y = shift >= 32 ? 0 : low << shift;
    this.high = (this.high ^ x) >>> 0;
    this.low = (this.low ^ y) >>> 0;
  }
}
