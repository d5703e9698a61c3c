// SPDX-License-Identifier: Apache-2.0
// hot
// XOR chunks in plain TypeScript: the specification of the head's kernel, and the codec wherever there is
// no shared memory.
//
//   count u16 big-endian
//   sample 0: time varint, value 64 bits
//   sample 1: time delta uvarint, value
//   later:    delta of delta  0 -> '0', else '10' + 14 bits, '110' + 17, '1110' + 20, '1111' + 64; value
//   value:    see xor-value.ts
//
// Source: Pelkonen et al. 2015, section 4.1; Prometheus's format notes, "XOR chunk data".

import { assert } from '../base/index.ts';
import type { SampleColumns } from '../model/index.ts';
import { BitReader, BitWriter } from './bits.ts';
import { XorValue } from './xor-value.ts';

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

/**
 * A whole chunk of the samples from..to - 1, fewer than 65,536. Times are whole and below 2^53.
 * @param out used again when given
 */
export function encodeXorRange(
  { times, valueBits }: SampleColumns,
  from: number,
  to: number,
  out = new BitWriter(),
): Uint8Array<ArrayBuffer> {
  assert(to - from < 65536, 'a chunk counts its samples in 16 bits');
  out.reset();
  const value = new XorValue();
  out.bits(to - from, 16);
  let lastDelta = 0;
  for (let i = from; i < to; i++) {
    const high = valueBits[2 * i + 1]!;
    const low = valueBits[2 * i]!;
    if (i === from) {
      const time = times[i]!;
      out.uvarint(time >= 0 ? 2 * time : -2 * time - 1);
      value.writeFirst(out, high, low);
      continue;
    }
    const delta = times[i]! - times[i - 1]!;
    if (i === from + 1) out.uvarint(delta);
    else writeDelta(out, delta - lastDelta);
    value.write(out, high, low);
    lastDelta = delta;
  }
  return out.finish();
}

/** A whole chunk of the first `count` samples. */
export const encodeXorChunk = (columns: SampleColumns, count: number): Uint8Array<ArrayBuffer> =>
  encodeXorRange(columns, 0, count);

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
  const value = new XorValue();
  let time = 0;
  let delta = 0;
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      const zigzag = input.uvarint();
      time = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      value.readFirst(input);
    } else {
      delta = i === 1 ? input.uvarint() : delta + readDelta(input);
      time += delta;
      value.read(input);
    }
    out.times[i] = time;
    out.valueBits[2 * i + 1] = value.high;
    out.valueBits[2 * i] = value.low;
  }
  return count;
}
