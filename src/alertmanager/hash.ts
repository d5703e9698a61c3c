// SPDX-License-Identifier: Apache-2.0
// The 64-bit hashes by which alerts are known, as 16 hexadecimal digits: fingerprints (FNV-1a) in the
// API, xxHash64 in the notification log. Numbers are pairs of unsigned 32-bit halves.

import type { Labels } from '../model/index.ts';

const TWO_32 = 4294967296;

const hex = (word: number): string => word.toString(16).padStart(8, '0');

const encoder = new TextEncoder();

/** Name 0xFF value 0xFF of every label, in order. */
function labelBytes(labels: Labels): Uint8Array {
  const parts = labels.flatMap(({ name, value }) => [encoder.encode(name), encoder.encode(value)]);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length + 1, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
    bytes[at++] = 0xff;
  }
  return bytes;
}

/** The fingerprint of a label set. */
export function fingerprint(labels: Labels): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of labelBytes(labels)) {
    low = (low ^ byte) >>> 0;
    // Times 2^40 + 0x1b3.
    const product = low * 0x1b3;
    high = (high * 0x1b3 + Math.floor(product / TWO_32) + ((low << 8) >>> 0)) % TWO_32;
    low = product % TWO_32;
  }
  return hex(high) + hex(low);
}

/** A 64-bit number that is changed in place. */
class Word64 {
  high: number;
  low: number;
  constructor(high: number, low: number) {
    this.high = high;
    this.low = low;
  }

  copy(): Word64 {
    return new Word64(this.high, this.low);
  }

  add(other: Word64): this {
    const low = this.low + other.low;
    this.high = (this.high + other.high + (low >= TWO_32 ? 1 : 0)) >>> 0;
    this.low = low >>> 0;
    return this;
  }

  /** Schoolbook in 16-bit limbs: every product and sum stays exact. */
  multiply(other: Word64): this {
    const a = [this.low & 0xffff, this.low >>> 16, this.high & 0xffff, this.high >>> 16];
    const b = [other.low & 0xffff, other.low >>> 16, other.high & 0xffff, other.high >>> 16];
    const sum = [0, 0, 0, 0];
    let carry = 0;
    for (let k = 0; k < 4; k++) {
      let digit = carry;
      for (let i = 0; i <= k; i++) digit += a[i]! * b[k - i]!;
      sum[k] = digit % 65536;
      carry = Math.floor(digit / 65536);
    }
    this.low = (sum[0]! | (sum[1]! << 16)) >>> 0;
    this.high = (sum[2]! | (sum[3]! << 16)) >>> 0;
    return this;
  }

  rotateLeft(bits: number): this {
    const { high, low } = bits >= 32 ? { high: this.low, low: this.high } : this;
    const by = bits % 32;
    if (by === 0) {
      this.high = high;
      this.low = low;
    } else {
      this.high = ((high << by) | (low >>> (32 - by))) >>> 0;
      this.low = ((low << by) | (high >>> (32 - by))) >>> 0;
    }
    return this;
  }

  xor(other: Word64): this {
    this.high = (this.high ^ other.high) >>> 0;
    this.low = (this.low ^ other.low) >>> 0;
    return this;
  }

  xorShiftRight(bits: number): this {
    const high = bits >= 32 ? 0 : this.high >>> bits;
    const low =
      bits >= 32
        ? this.high >>> (bits - 32)
        : ((this.low >>> bits) | (this.high << (32 - bits))) >>> 0;
    return this.xor(new Word64(high, low));
  }
}

const prime1 = new Word64(0x9e3779b1, 0x85ebca87);
const prime2 = new Word64(0xc2b2ae3d, 0x27d4eb4f);
const prime3 = new Word64(0x165667b1, 0x9e3779f9);
const prime4 = new Word64(0x85ebca77, 0xc2b2ae63);
const prime5 = new Word64(0x27d4eb2f, 0x165667c5);

const round = (accumulator: Word64, input: Word64): Word64 =>
  accumulator.add(input.copy().multiply(prime2)).rotateLeft(31).multiply(prime1);

const mergeRound = (accumulator: Word64, value: Word64): Word64 =>
  accumulator
    .xor(round(new Word64(0, 0), value))
    .multiply(prime1)
    .add(prime4);

function readWord(view: DataView, at: number): Word64 {
  return new Word64(view.getUint32(at + 4, true), view.getUint32(at, true));
}

/** xxHash64 with seed 0. */
export function xxHash64(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash: Word64;
  if (bytes.length >= 32) {
    const lanes = [
      prime1.copy().add(prime2),
      prime2.copy(),
      new Word64(0, 0),
      new Word64(~prime1.high >>> 0, ~prime1.low >>> 0).add(new Word64(0, 1)),
    ];
    for (; at + 32 <= bytes.length; at += 32)
      for (const [i, lane] of lanes.entries()) round(lane, readWord(view, at + 8 * i));
    const rotations = [1, 7, 12, 18];
    hash = new Word64(0, 0);
    for (const [i, lane] of lanes.entries()) hash.add(lane.copy().rotateLeft(rotations[i]!));
    for (const lane of lanes) mergeRound(hash, lane);
  } else hash = prime5.copy();
  hash.add(new Word64(0, bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash.xor(round(new Word64(0, 0), readWord(view, at)));
    hash.rotateLeft(27).multiply(prime1).add(prime4);
  }
  if (at + 4 <= bytes.length) {
    hash.xor(new Word64(0, view.getUint32(at, true)).multiply(prime1));
    hash.rotateLeft(23).multiply(prime2).add(prime3);
    at += 4;
  }
  for (; at < bytes.length; at++) {
    hash.xor(new Word64(0, bytes[at]!).multiply(prime5));
    hash.rotateLeft(11).multiply(prime1);
  }
  hash.xorShiftRight(33).multiply(prime2).xorShiftRight(29).multiply(prime3).xorShiftRight(32);
  return hex(hash.high) + hex(hash.low);
}

/** The hash of a label set in the notification log. */
export const alertHash = (labels: Labels): string => xxHash64(labelBytes(labels));
