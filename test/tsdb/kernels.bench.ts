// SPDX-License-Identifier: Apache-2.0
// Kernels of the database beside their twins; divide by the items named for the time of one.
import { bench, describe } from 'vitest';
import { kernelPairs } from './kernel-pairs.ts';

for (const { name, items, kernel, twin } of kernelPairs()) {
  describe(`${name} (${items} items)`, () => {
    bench('kernel', () => void kernel());
    bench('twin', () => void twin());
  });
}
