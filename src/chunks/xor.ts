// SPDX-License-Identifier: Apache-2.0
// XOR chunks in plain TypeScript: the specification of the head's kernel, and the codec wherever there is
// no shared memory.
//
//   count u16 big-endian
//   sample 0: time varint, value 64 bits
//   sample 1: time delta uvarint, value
//   later:    delta of delta  0 -> '0', else '10' + 14 bits, '110' + 17, '1110' + 20, '1111' + 64; value
//   value:    XOR with the value before: 0 -> '0', else '10' + bits in the last window, or
//             '11' + 5 bits leading zeros + 6 bits count + that many bits
//
// Source: Pelkonen et al. 2015, section 4.1; Prometheus's format notes, "XOR chunk data".

import { assert } from '../base/index.ts';
import type { SampleColumns } from '../model/index.ts';

const TWO_32 = 4294967296;

/** Ranges of the delta of delta: bits of the prefix, the prefix, bits of the number. */
const deltaClasses = [
  { prefixBits: 2, prefix: 0b10, bits: 14 },
  { prefixBits: 3, prefix: 0b110, bits: 17 },
  { prefixBits: 4, prefix: 0b1110, bits: 20 },
] as const;

/** n bits hold -(2^(n-1) - 1) … 2^(n-1): one value more at the top than two's complement has. */
const inRange = (value: number, bits: number): boolean =>
  value >= -(2 ** (bits - 1) - 1) && value <= 2 ** (bits - 1);

class BitWriter {
  private readonly bytes: number[] = [];
  private free = 0;

  /** The low `count` <= 32 bits of `value`. */
  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) {
      if (this.free === 0) {
        this.bytes.push(0);
        this.free = 8;
      }
      this.free--;
      const bit = Math.floor((value >>> 0) / 2 ** i) & 1;
      this.bytes[this.bytes.length - 1]! |= bit << this.free;
    }
  }

  wide(high: number, low: number, count: number): void {
    if (count > 32) this.bits(high, count - 32);
    this.bits(low, Math.min(32, count));
  }

  uvarint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bits((rest % 128) | 128, 8);
      rest = Math.floor(rest / 128);
    }
    this.bits(rest, 8);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.bytes);
  }
}

class BitReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** @throws RangeError at the end */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.bytes[this.at >>> 3];
      if (byte === undefined) throw new RangeError('the chunk ends within a sample');
      value = value * 2 + ((byte >>> (7 - (this.at & 7))) & 1);
      this.at++;
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
}

/** Leading zeros of a 64-bit word. */
const leadingZeros = (high: number, low: number): number =>
  high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);

const trailingZeros = (high: number, low: number): number => {
  const word = low !== 0 ? low : high;
  return (low !== 0 ? 0 : 32) + 31 - Math.clz32(word & -word);
};

/** The word shifted right by `count` < 64. */
function shiftRight(high: number, low: number, count: number): [number, number] {
  if (count === 0) return [high, low];
  if (count >= 32) return [0, high >>> (count - 32)];
  return [high >>> count, ((low >>> count) | (high << (32 - count))) >>> 0];
}

function shiftLeft(high: number, low: number, count: number): [number, number] {
  if (count === 0) return [high, low];
  if (count >= 32) return [(low << (count - 32)) >>> 0, 0];
  return [((high << count) | (low >>> (32 - count))) >>> 0, (low << count) >>> 0];
}

interface Window {
  leading: number;
  trailing: number;
}

function writeValue(out: BitWriter, high: number, low: number, window: Window): void {
  if (high === 0 && low === 0) {
    out.bits(0, 1);
    return;
  }
  out.bits(1, 1);
  const leading = Math.min(31, leadingZeros(high, low));
  const trailing = trailingZeros(high, low);
  if (window.leading >= 0 && leading >= window.leading && trailing >= window.trailing) {
    out.bits(0, 1);
  } else {
    window.leading = leading;
    window.trailing = trailing;
    out.bits(1, 1);
    out.bits(leading, 5);
    out.bits((64 - leading - trailing) & 63, 6);
  }
  const [shiftedHigh, shiftedLow] = shiftRight(high, low, window.trailing);
  out.wide(shiftedHigh, shiftedLow, 64 - window.leading - window.trailing);
}

function writeDelta(out: BitWriter, dod: number): void {
  if (dod === 0) {
    out.bits(0, 1);
    return;
  }
  for (const { prefixBits, prefix, bits } of deltaClasses) {
    if (!inRange(dod, bits)) continue;
    out.bits(prefix, prefixBits);
    out.bits(dod >>> 0, bits);
    return;
  }
  out.bits(0b1111, 4);
  out.wide(Math.floor(dod / TWO_32) >>> 0, dod >>> 0, 64);
}

/** A whole chunk of the first `count` < 65,536 samples. Times are whole and below 2^53. */
export function encodeXorChunk(columns: SampleColumns, count: number): Uint8Array<ArrayBuffer> {
  assert(count < 65536, 'a chunk counts its samples in 16 bits');
  const { times, valueBits } = columns;
  const out = new BitWriter();
  const window: Window = { leading: -1, trailing: 0 };
  out.bits(count, 16);
  let lastDelta = 0;
  for (let i = 0; i < count; i++) {
    const high = valueBits[2 * i + 1]!;
    const low = valueBits[2 * i]!;
    if (i === 0) {
      const time = times[0]!;
      out.uvarint(time >= 0 ? 2 * time : -2 * time - 1);
      out.wide(high, low, 64);
      continue;
    }
    const delta = times[i]! - times[i - 1]!;
    if (i === 1) out.uvarint(delta);
    else writeDelta(out, delta - lastDelta);
    writeValue(
      out,
      (high ^ valueBits[2 * i - 1]!) >>> 0,
      (low ^ valueBits[2 * i - 2]!) >>> 0,
      window,
    );
    lastDelta = delta;
  }
  return out.finish();
}

function readDelta(input: BitReader): number {
  if (input.bits(1) === 0) return 0;
  for (const { bits } of deltaClasses) {
    if (input.bits(1) !== 0) continue;
    const value = input.bits(bits);
    return value > 2 ** (bits - 1) ? value - 2 ** bits : value;
  }
  const high = input.bits(32);
  return (high | 0) * TWO_32 + input.bits(32);
}

/**
 * Decodes a whole chunk to columns owned by the caller, at 0..n-1; returns n. The columns hold the count of
 * the chunk's first two bytes. @throws RangeError where the chunk ends too early
 */
export function decodeXorChunk(chunk: Uint8Array, out: SampleColumns): number {
  const input = new BitReader(chunk);
  const count = input.bits(16);
  const window: Window = { leading: 0, trailing: 0 };
  let time = 0;
  let delta = 0;
  let high = 0;
  let low = 0;
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      const zigzag = input.uvarint();
      time = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      high = input.bits(32);
      low = input.bits(32);
    } else {
      delta = i === 1 ? input.uvarint() : delta + readDelta(input);
      time += delta;
      if (input.bits(1) === 1) {
        const [x, y] = readXor(input, window);
        high = (high ^ x) >>> 0;
        low = (low ^ y) >>> 0;
      }
    }
    out.times[i] = time;
    out.valueBits[2 * i + 1] = high;
    out.valueBits[2 * i] = low;
  }
  return count;
}

function readXor(input: BitReader, window: Window): [number, number] {
  if (input.bits(1) === 1) {
    window.leading = input.bits(5);
    const significant = input.bits(6) || 64;
    window.trailing = 64 - window.leading - significant;
  }
  const significant = 64 - window.leading - window.trailing;
  const high = significant > 32 ? input.bits(significant - 32) : 0;
  return shiftLeft(high, input.bits(Math.min(32, significant)), window.trailing);
}
