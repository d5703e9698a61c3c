// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { kernelPairs } from './kernel-pairs.ts';

test.each(kernelPairs())('kernel and twin do the same work: $name', ({ items, kernel, twin }) => {
  expect(items).toBeGreaterThan(0);
  expect(kernel()).toBe(twin());
});
