// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256 } from './group-hash.ts';

test('SHA-256 as everybody else computes it, for lengths around the blocks', () => {
  for (let length = 0; length < 200; length++) {
    const text = 'ü{a="b"}'.repeat(30).slice(0, length);
    expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'));
  }
});
