// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { seededPrng } from '../base/index.ts';
import { SharedHeap } from './heap.ts';
import { createMemory } from './memory.ts';

test('a size is never rounded down and wastes at most a quarter above 512 bytes', () => {
  for (let size = 1; size < 200_000; size += 7) {
    const rounded = SharedHeap.roundedBytes(size);
    expect(rounded).toBeGreaterThanOrEqual(size);
    if (size > 512) expect(rounded / size).toBeLessThanOrEqual(1.26);
    expect(rounded % 16).toBe(0);
  }
});

test('live blocks never overlap and freed blocks come back', () => {
  const heap = new SharedHeap(createMemory(64 << 20));
  const prng = seededPrng(1);
  const live: { address: number; size: number; tag: number }[] = [];
  for (let i = 0; i < 20_000; i++) {
    if (live.length > 100 || (live.length > 0 && prng.next() < 0.4)) {
      const [block] = live.splice(prng.below(live.length), 1);
      expect(heap.shared.u8[block!.address]).toBe(block!.tag);
      expect(heap.shared.u8[block!.address + block!.size - 1]).toBe(block!.tag);
      heap.free(block!.address, block!.size);
    } else {
      const size = 1 + prng.below(prng.next() < 0.1 ? 50_000 : 300);
      const address = heap.allocate(size);
      expect(address % 16).toBe(0);
      const tag = i & 255;
      heap.shared.u8.fill(tag, address, address + size);
      live.push({ address, size, tag });
    }
  }
  for (const { address, size } of live) heap.free(address, size);
  expect(heap.usedBytes).toBe(0);
});

test('an exhausted memory answers 0', () => {
  const heap = new SharedHeap(createMemory(1 << 20));
  expect(heap.allocate(2 << 20)).toBe(0);
  expect(heap.allocate(100)).not.toBe(0);
});
