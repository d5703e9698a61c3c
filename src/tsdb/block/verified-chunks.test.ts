// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { VerifiedChunks } from './verified-chunks.ts';

test('a chunk is known by its files, segment and offset', () => {
  const verified = new VerifiedChunks();
  const [one, other] = [{}, {}];
  const offsets = [8, 25, 42, (1 << 20) - 1, 1 << 20, 0xffff_0000];
  for (const offset of offsets) {
    expect(verified.has(one, 1, offset)).toBe(false);
    verified.add(one, 1, offset, 17);
    expect(verified.has(one, 1, offset)).toBe(true);
    expect(verified.has(one, 0, offset)).toBe(false);
    expect(verified.has(one, 2, offset)).toBe(false);
    expect(verified.has(other, 1, offset)).toBe(false);
  }
  for (const offset of offsets) expect(verified.has(one, 1, offset)).toBe(true);
  expect(verified.has(one, 1, 59)).toBe(false);
});

test('chunks so short that two could share a bit are never known', () => {
  const verified = new VerifiedChunks();
  const files = {};
  verified.add(files, 0, 0, 16);
  expect(verified.has(files, 0, 0)).toBe(false);
});

test('when there are too many, all are forgotten', () => {
  const verified = new VerifiedChunks(2);
  const files = {};
  for (const page of [0, 1]) verified.add(files, 0, page * (1 << 20), 100);
  expect(verified.has(files, 0, 0)).toBe(true);
  verified.add(files, 0, 2 * (1 << 20), 100);
  expect(verified.has(files, 0, 0)).toBe(false);
  expect(verified.has(files, 0, 2 * (1 << 20))).toBe(true);
  verified.add(files, 0, 0, 100);
  expect(verified.has(files, 0, 0)).toBe(true);
});
