// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Prng } from '../../base/index.ts';
import { seededPrng } from '../../base/index.ts';
import { createPlainSnappy, DecodeError } from '../../encoding/index.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import { SharedSnappy } from './shared-snappy.ts';

const plain = createPlainSnappy();
const shared = new SharedSnappy(new SharedHeap(createMemory(32 << 20)));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** Bytes with runs, repeats and noise. */
function bytesOf(prng: Prng, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; ) {
    const n = Math.min(length - i, 1 + prng.below(200));
    const kind = prng.below(4);
    const back = 1 + prng.below(Math.max(1, Math.min(i, 70_000)));
    for (let k = 0; k < n; k++, i++) {
      if (kind === 0) bytes[i] = prng.below(256);
      else if (kind === 1) bytes[i] = 7;
      else bytes[i] = bytes[i - back] ?? 1;
    }
  }
  return bytes;
}

test.each([
  ['nothing', '00', ''],
  ['a literal', '0310616263', ''],
])('bad or empty input: %s', (_, block, text) => {
  if (text === '' && block !== '00') {
    expect(() => plain.decompress(unhex(block))).toThrow(DecodeError);
    expect(() => shared.decompress(unhex(block))).toThrow(DecodeError);
  } else {
    expect(plain.decompress(unhex(block)).length).toBe(0);
    expect(shared.decompress(unhex(block)).length).toBe(0);
  }
});

test('golden blocks, by hand from the format notes', () => {
  // "abcabcabcabc!": literal abc, copy of 9 from 3 back, literal !
  const block = unhex('0d08616263' + '1503' + '0021');
  const text = Buffer.from('abcabcabcabc!').toString('hex');
  expect(hex(plain.decompress(block))).toBe(text);
  expect(hex(shared.decompress(block))).toBe(text);
  // Copies with 2 and 4 bytes of offset; a literal whose length stands in a byte.
  const long = unhex(`46f03c${'61'.repeat(61)}` + '120300' + '0f02000000');
  expect(plain.decompress(unhex(`45f03c${'61'.repeat(61)}` + '120300' + '0b02000000')).length).toBe(
    69,
  );
  expect(() => plain.decompress(long)).not.toThrow();
  expect(hex(plain.decompress(long))).toBe('61'.repeat(70));
  expect(hex(shared.decompress(long))).toBe('61'.repeat(70));
});

test('what the kernel or its twin compressed, both give back', () => {
  const prng = seededPrng(5);
  for (let round = 0; round < 200; round++) {
    const bytes = bytesOf(prng, round < 100 ? prng.below(300) : prng.below(200_000));
    const compressed = plain.compress(bytes);
    for (const block of [compressed, shared.compress(bytes)]) {
      expect(Buffer.compare(plain.decompress(block), bytes)).toBe(0);
      expect(Buffer.compare(shared.decompress(block), bytes)).toBe(0);
    }
  }
  const runs = new Uint8Array(100_000);
  expect(plain.compress(runs).length).toBeLessThan(5000);
});

test('damaged blocks are refused or give bytes of the length they say, in both', () => {
  const prng = seededPrng(6);
  for (let round = 0; round < 300; round++) {
    const block = Uint8Array.from(plain.compress(bytesOf(prng, 1 + prng.below(2000))));
    block[prng.below(block.length)]! ^= 1 << prng.below(8);
    const cut = prng.below(4) === 0 ? block.subarray(0, prng.below(block.length)) : block;
    const outcome = (decompress: (bytes: Uint8Array) => Uint8Array): string => {
      try {
        return hex(decompress(cut));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        return 'refused';
      }
    };
    expect(outcome((bytes) => shared.decompress(bytes))).toBe(
      outcome((bytes) => plain.decompress(bytes)),
    );
  }
  expect(() => plain.decompress(unhex('ffffffff0f'))).toThrow(/too large/);
  expect(() => plain.decompress(unhex(''))).toThrow(DecodeError);
});
