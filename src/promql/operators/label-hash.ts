// SPDX-License-Identifier: Apache-2.0
// The hash of a label set that limit_ratio samples by: xxHash64 over the texts, each after its length, as
// upstream lays label sets out. 64-bit numbers are four 16-bit limbs, lowest first.

import type { Labels } from '../../model/index.ts';

type Limbs = readonly [number, number, number, number];

const PRIME_1: Limbs = [0xca87, 0x85eb, 0x79b1, 0x9e37];
const PRIME_2: Limbs = [0xeb4f, 0x27d4, 0xae3d, 0xc2b2];
const PRIME_3: Limbs = [0x79f9, 0x9e37, 0x67b1, 0x1656];
const PRIME_4: Limbs = [0xae63, 0xc2b2, 0xca77, 0x85eb];
const PRIME_5: Limbs = [0x67c5, 0x1656, 0xeb2f, 0x27d4];

function add(a: Limbs, b: Limbs): Limbs {
  const r0 = a[0] + b[0];
  const r1 = a[1] + b[1] + (r0 >>> 16);
  const r2 = a[2] + b[2] + (r1 >>> 16);
  const r3 = a[3] + b[3] + (r2 >>> 16);
  return [r0 & 0xffff, r1 & 0xffff, r2 & 0xffff, r3 & 0xffff];
}

function multiply(a: Limbs, b: Limbs): Limbs {
  // Sums of up to four 32-bit products and a carry stay below 2^53.
  const r0 = a[0] * b[0];
  const r1 = a[0] * b[1] + a[1] * b[0] + Math.floor(r0 / 65_536);
  const r2 = a[0] * b[2] + a[1] * b[1] + a[2] * b[0] + Math.floor(r1 / 65_536);
  const r3 = a[0] * b[3] + a[1] * b[2] + a[2] * b[1] + a[3] * b[0] + Math.floor(r2 / 65_536);
  return [r0 % 65_536, r1 % 65_536, r2 % 65_536, r3 % 65_536];
}

const xor = (a: Limbs, b: Limbs): Limbs => [a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]];

function rotateLeft(a: Limbs, bits: number): Limbs {
  const whole = bits >>> 4;
  const part = bits & 15;
  const limb = (i: number): number => a[(((i % 4) + 4) % 4) as 0 | 1 | 2 | 3];
  const turned = (i: number): number =>
    ((limb(i - whole) << part) | (limb(i - whole - 1) >>> (16 - part))) & 0xffff;
  return [turned(0), turned(1), turned(2), turned(3)];
}

function shiftRight(a: Limbs, bits: number): Limbs {
  const whole = bits >>> 4;
  const part = bits & 15;
  const limb = (i: number): number => (i > 3 ? 0 : a[i as 0 | 1 | 2 | 3]);
  const moved = (i: number): number =>
    ((limb(i + whole) >>> part) | (limb(i + whole + 1) << (16 - part))) & 0xffff;
  return [moved(0), moved(1), moved(2), moved(3)];
}

const round = (accumulator: Limbs, input: Limbs): Limbs =>
  multiply(rotateLeft(add(accumulator, multiply(input, PRIME_2)), 31), PRIME_1);

const word16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

const word64 = (bytes: Uint8Array, at: number): Limbs => [
  word16(bytes, at),
  word16(bytes, at + 2),
  word16(bytes, at + 4),
  word16(bytes, at + 6),
];

const negated = (a: Limbs): Limbs =>
  add([a[0] ^ 0xffff, a[1] ^ 0xffff, a[2] ^ 0xffff, a[3] ^ 0xffff], [1, 0, 0, 0]);

function bulk(bytes: Uint8Array, end: number): Limbs {
  let v1 = add(PRIME_1, PRIME_2);
  let v2 = PRIME_2;
  let v3: Limbs = [0, 0, 0, 0];
  let v4 = negated(PRIME_1);
  for (let at = 0; at < end; at += 32) {
    v1 = round(v1, word64(bytes, at));
    v2 = round(v2, word64(bytes, at + 8));
    v3 = round(v3, word64(bytes, at + 16));
    v4 = round(v4, word64(bytes, at + 24));
  }
  let hash = add(
    add(rotateLeft(v1, 1), rotateLeft(v2, 7)),
    add(rotateLeft(v3, 12), rotateLeft(v4, 18)),
  );
  for (const v of [v1, v2, v3, v4]) {
    hash = add(multiply(xor(hash, round([0, 0, 0, 0], v)), PRIME_1), PRIME_4);
  }
  return hash;
}

/** xxHash64 with seed 0. */
export function xxHash64(bytes: Uint8Array): Limbs {
  const n = bytes.length;
  let at = n - (n % 32);
  let hash = n >= 32 ? bulk(bytes, at) : PRIME_5;
  hash = add(hash, [n & 0xffff, n >>> 16, 0, 0]);
  for (; at + 8 <= n; at += 8) {
    hash = xor(hash, round([0, 0, 0, 0], word64(bytes, at)));
    hash = add(multiply(rotateLeft(hash, 27), PRIME_1), PRIME_4);
  }
  if (at + 4 <= n) {
    const word: Limbs = [word16(bytes, at), word16(bytes, at + 2), 0, 0];
    hash = add(multiply(rotateLeft(xor(hash, multiply(word, PRIME_1)), 23), PRIME_2), PRIME_3);
    at += 4;
  }
  for (; at < n; at++) {
    hash = xor(hash, multiply([bytes[at]!, 0, 0, 0], PRIME_5));
    hash = multiply(rotateLeft(hash, 11), PRIME_1);
  }
  hash = multiply(xor(hash, shiftRight(hash, 33)), PRIME_2);
  hash = multiply(xor(hash, shiftRight(hash, 29)), PRIME_3);
  return xor(hash, shiftRight(hash, 32));
}

/** A length as upstream writes it: one byte, or 255 and three bytes. */
function lengthBytes(length: number): number[] {
  if (length < 255) return [length];
  return [255, length & 0xff, (length >>> 8) & 0xff, (length >>> 16) & 0xff];
}

/** Where in [0, 1) the label set lies. */
export function labelSetOffset(labels: Labels): number {
  const encoder = new TextEncoder();
  const parts: number[] = [];
  for (const { name, value } of labels) {
    for (const text of [name, value]) {
      const bytes = encoder.encode(text);
      for (const byte of lengthBytes(bytes.length)) parts.push(byte);
      for (const byte of bytes) parts.push(byte);
    }
  }
  const [a, b, c, d] = xxHash64(Uint8Array.from(parts));
  return (d * 2 ** 48 + c * 2 ** 32 + b * 2 ** 16 + a) / 2 ** 64;
}
