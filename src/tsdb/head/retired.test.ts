// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { seededPrng } from '../../base/index.ts';
import { RetiredQueue } from './retired.ts';

test('gives back what it got, in order, across pages', () => {
  const queue = new RetiredQueue();
  const model: [number, number, number][] = [];
  const prng = seededPrng(3);
  for (let round = 0; round < 40; round++) {
    const pushes = prng.below(3000);
    for (let i = 0; i < pushes; i++) {
      const size = prng.below(10) === 0 ? -1 - prng.below(2) : prng.below(2 ** 31);
      const entry: [number, number, number] = [prng.below(2 ** 32), size, prng.below(2 ** 32)];
      queue.push(...entry);
      model.push(entry);
    }
    const shifts = Math.min(model.length, round === 39 ? model.length : prng.below(3000));
    for (let i = 0; i < shifts; i++) {
      expect([queue.address, queue.size, queue.batch]).toEqual(model[i]);
      queue.shift();
    }
    model.splice(0, shifts);
    expect(queue.count).toBe(model.length);
  }
  expect(queue.count).toBe(0);
});
