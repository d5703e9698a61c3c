// SPDX-License-Identifier: Apache-2.0
import zlib from 'node:zlib';
import { expect, test } from 'vitest';
import { seededPrng } from '../base/index.ts';
import { SharedHeap } from './heap.ts';
import { inflateTwin } from './inflate.ts';
import { HeapInflater } from './inflater.ts';
import { createMemory } from './memory.ts';

const heap = new SharedHeap(createMemory(64 << 20));
const inflater = new HeapInflater(heap);

interface Inflated {
  readonly output: Buffer;
  readonly end: number;
}

function byKernel(stream: Uint8Array, from: number, limitBytes: number): Inflated | undefined {
  const body = inflater.hold();
  expect(body.append(stream)).toBe(true);
  const result = body.inflate(from, limitBytes);
  body.release();
  return result && { output: Buffer.from(result.output.slice()), end: from + result.inputBytes };
}

/** By kernel and twin, which agree. */
function inflated(stream: Uint8Array, from = 0, limitBytes = 1 << 20): Inflated | undefined {
  const result = byKernel(stream, from, limitBytes);
  const twin = inflateTwin(stream, from, limitBytes);
  expect(result === undefined).toBe(twin === undefined);
  if (result === undefined || twin === undefined) return undefined;
  expect(result.output.equals(twin.output)).toBe(true);
  expect(result.end).toBe(twin.end);
  return result;
}

function bytesOf(kind: string, length: number, seed: number): Buffer {
  const prng = seededPrng(seed);
  if (kind === 'random') return Buffer.from(Array.from({ length }, () => prng.below(256)));
  if (kind === 'one byte') return Buffer.alloc(length, 65);
  if (kind === 'few bytes') return Buffer.from(Array.from({ length }, () => 97 + prng.below(3)));
  let text = '';
  for (let i = 0; text.length < length; i++) {
    text += `http_requests_total{path="/p/${i % 50}",code="${200 + (i % 7)}"} ${prng.below(1e6)}\n`;
  }
  return Buffer.from(text.slice(0, length));
}

const kinds = ['page', 'random', 'one byte', 'few bytes'];
const lengths = [0, 1, 2, 3, 7, 16, 100, 258, 259, 1000, 40_000, 70_000];
const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_FILTERED, Z_DEFAULT_STRATEGY } = zlib.constants;

test('what zlib deflates, at all levels and strategies', () => {
  for (const kind of kinds) {
    for (const length of lengths) {
      const bytes = bytesOf(kind, length, length);
      for (const level of [0, 1, 6, 9]) {
        for (const strategy of [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_FILTERED]) {
          const stream = zlib.deflateRawSync(bytes, { level, strategy });
          const result = byKernel(stream, 0, bytes.length);
          expect(result?.output.equals(bytes), `${kind} ${length} ${level} ${strategy}`).toBe(true);
          expect(result?.end).toBe(stream.length);
        }
      }
    }
  }
});

test('the kernel does what its twin does', () => {
  for (const kind of kinds) {
    for (const length of [0, 5, 300, 20_000]) {
      const bytes = bytesOf(kind, length, 1);
      for (const options of [{ level: 0 }, { level: 9 }, { strategy: Z_FIXED }, { memLevel: 1 }]) {
        const stream = zlib.deflateRawSync(bytes, options);
        // Bytes before and after the stream do not matter.
        const within = Buffer.concat([Buffer.from('head'), stream, Buffer.from('behind')]);
        expect(inflated(within, 4)?.output.equals(bytes)).toBe(true);
        expect(inflated(within, 4)?.end).toBe(4 + stream.length);
      }
    }
  }
});

test('an output that is too long by a byte is given up', () => {
  const stream = zlib.deflateRawSync(bytesOf('page', 5000, 2));
  expect(inflated(stream, 0, 5000)?.output.length).toBe(5000);
  expect(inflated(stream, 0, 4999)).toBe(undefined);
  expect(inflated(stream, 0, 0)).toBe(undefined);
  expect(byKernel(stream, 0, 1 << 30)).toBe(undefined);
});

test('streams that are cut short are given up at every length', () => {
  const stream = zlib.deflateRawSync(bytesOf('page', 3000, 3));
  for (let length = 0; length < stream.length; length++)
    expect(inflated(stream.subarray(0, length))).toBe(undefined);
});

test('damage gives what the twin gives, and nothing around is written', () => {
  const prng = seededPrng(4);
  const limit = 8000;
  const streams = [
    zlib.deflateRawSync(bytesOf('page', 4000, 5)),
    zlib.deflateRawSync(bytesOf('page', 4000, 5), { strategy: Z_FIXED }),
    zlib.deflateRawSync(bytesOf('random', 500, 5), { level: 0 }),
  ];
  // Makes the room, so that the block after it is known.
  byKernel(streams[0]!, 0, limit);
  const guard = heap.allocate(4096);
  const { u8 } = heap.shared;
  u8.fill(0x5a, guard, guard + 4096);
  let usable = 0;
  for (let i = 0; i < 6000; i++) {
    const damaged = Buffer.from(streams[i % streams.length]!);
    for (let k = 1 + prng.below(3); k > 0; k--)
      damaged[prng.below(damaged.length)]! ^= 1 << prng.below(8);
    if (inflated(damaged, 0, limit) !== undefined) usable++;
  }
  expect(usable).toBeGreaterThan(100);
  expect(u8.subarray(guard, guard + 4096).every((byte) => byte === 0x5a)).toBe(true);
});

test('random bytes are no streams, mostly', () => {
  const prng = seededPrng(6);
  for (let i = 0; i < 3000; i++) {
    const bytes = Buffer.from(Array.from({ length: prng.below(400) }, () => prng.below(256)));
    inflated(bytes, 0, 4000);
  }
});

test('bodies come in pieces and give their memory back', () => {
  const bytes = bytesOf('page', 200_000, 7);
  const stream = zlib.deflateRawSync(bytes);
  byKernel(stream, 0, bytes.length);
  const before = heap.usedBytes;
  for (let round = 0; round < 5; round++) {
    const [one, other] = [inflater.hold(), inflater.hold()];
    for (let at = 0; at < stream.length; at += 1000) {
      one.append(stream.subarray(at, at + 1000));
      other.append(stream.subarray(at, at + 1000));
    }
    expect(Buffer.from(one.bytes.slice()).equals(stream)).toBe(true);
    const result = other.inflate(0, bytes.length);
    expect(Buffer.from(result!.output.slice()).equals(bytes)).toBe(true);
    one.release();
    other.release();
    other.release();
    expect(heap.usedBytes).toBe(before);
  }
});
