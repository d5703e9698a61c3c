// SPDX-License-Identifier: Apache-2.0
// The kernel against independent implementations: the native snappy undoes what it compressed, and the
// checksum is that of the TypeScript twin.

import { expect, test } from 'vitest';
import { type Prng, seededPrng } from '../base/index.ts';
import { crc32c } from '../encoding/index.ts';
import { createSnappy } from '../platform/index.ts';
import { bytesKernel, SNAPPY_TABLE_BYTES, snappyBytesMax } from './bytes-kernel.ts';
import { SharedHeap } from './heap.ts';
import { createMemory } from './memory.ts';

const heap = new SharedHeap(createMemory(64 << 20));
const { u8 } = heap.shared;
const kernel = bytesKernel(heap.shared);
const table = heap.allocate(SNAPPY_TABLE_BYTES);
const GUARD = 0xa5;

function compressed(bytes: Uint8Array): Uint8Array {
  const from = heap.allocate(bytes.length + 1);
  const room = snappyBytesMax(bytes.length);
  const to = heap.allocate(room + 8);
  u8.set(bytes, from);
  u8.fill(GUARD, to, to + room + 8);
  const length = kernel.snappy(from, bytes.length, to, table);
  expect(length).toBeLessThanOrEqual(room);
  expect([...u8.slice(to + room, to + room + 8)]).toEqual(Array(8).fill(GUARD));
  const out = u8.slice(to, to + length);
  heap.free(from, bytes.length + 1);
  heap.free(to, room + 8);
  return new Uint8Array(out);
}

/** Bytes in which stretches come again, near and far, as records and texts have them. */
function repeating(prng: Prng, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const run = Math.min(length - at, 1 + prng.below(prng.below(4) === 0 ? 300 : 12));
    if (at > 0 && prng.below(3) > 0) {
      const from = at - 1 - prng.below(Math.min(at, prng.below(2) === 0 ? 100 : 70_000));
      for (let i = 0; i < run; i++) bytes[at + i] = bytes[from + i]!;
    } else for (let i = 0; i < run; i++) bytes[at + i] = prng.below(256);
    at += run;
  }
  return bytes;
}

const { decompress, compress } = createSnappy();
const plain = (bytes: Uint8Array): number[] => [...decompress(bytes)];

test('short inputs of every length', () => {
  const prng = seededPrng(1);
  for (let length = 0; length < 300; length++) {
    const bytes = repeating(prng, length);
    expect(plain(compressed(bytes))).toEqual([...bytes]);
  }
});

test('long inputs, repeating and random, across blocks', () => {
  const prng = seededPrng(2);
  for (const length of [65_535, 65_536, 65_537, 200_001]) {
    const bytes = repeating(prng, length);
    const packed = compressed(bytes);
    expect(Buffer.from(decompress(packed)).equals(bytes)).toBe(true);
    // As good as the original, more or less.
    expect(packed.length).toBeLessThan(1.15 * compress(bytes).length);
    const noise = Uint8Array.from({ length }, () => prng.below(256));
    expect(Buffer.from(decompress(compressed(noise))).equals(noise)).toBe(true);
    const same = new Uint8Array(length).fill(7);
    expect(Buffer.from(decompress(compressed(same))).equals(same)).toBe(true);
  }
});

test('the checksum is the twin’s, in one go and in parts', () => {
  const prng = seededPrng(3);
  for (let length = 0; length < 100; length++) {
    const bytes = Uint8Array.from({ length }, () => prng.below(256));
    const at = heap.allocate(length + 1) + (length % 3);
    u8.set(bytes, at);
    const cut = prng.below(length + 1);
    const whole = kernel.crc32c(0, at, length) >>> 0;
    expect(whole).toBe(crc32c(bytes, 0, length));
    expect(kernel.crc32c(kernel.crc32c(0, at, cut), at + cut, length - cut) >>> 0).toBe(whole);
  }
});

test('copies, also over itself', () => {
  const at = heap.allocate(64);
  u8.set([1, 2, 3, 4, 5], at);
  kernel.copy(at + 2, at, 5);
  expect([...u8.slice(at, at + 7)]).toEqual([1, 2, 1, 2, 3, 4, 5]);
});
