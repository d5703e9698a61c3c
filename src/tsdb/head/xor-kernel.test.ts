// SPDX-License-Identifier: Apache-2.0
// The decoding kernel against its twin, bit for bit.

import { expect, test } from 'vitest';
import { type Prng, seededPrng } from '../../base/index.ts';
import { decodeXorChunk, encodeXorChunk } from '../../chunks/index.ts';
import { createMemory } from '../../kernels/index.ts';
import { type SampleColumns, newSampleColumns } from '../../model/index.ts';
import { headKernel } from './kernel.ts';

const shared = createMemory(16 << 20);
const kernel = headKernel(shared);
const DATA = 0x100003;
const TIMES = 0x200000;
const VALUES = 0x300000;

/** Words of floats that are awkward: NaN with payloads, staleness, infinities, denormals, signs. */
const oddWords: readonly (readonly [number, number])[] = [
  [0x7ff00000, 2],
  [0x7ff80000, 1],
  [0xfff80000, 0xdeadbeef],
  [0x7ff00000, 0],
  [0xfff00000, 0],
  [0, 1],
  [0x80000000, 0],
  [0x000fffff, 0xffffffff],
  [0xffffffff, 0xffffffff],
];

/** A column as some series have it: still, counting, drifting, or anything at all. */
function randomColumns(prng: Prng, count: number): SampleColumns {
  const columns = newSampleColumns(count);
  const { times, values, valueBits } = columns;
  const kind = prng.below(5);
  const spread = [1, 3, 9000, 70_000, 600_000, 2 ** 40][prng.below(6)]!;
  let time = prng.below(2) === 0 ? 1_700_000_000_000 : -(2 ** 50) + prng.below(1000);
  let value = prng.below(1_000_000);
  for (let i = 0; i < count; i++) {
    time += 15_000 + (prng.below(4) === 0 ? Math.floor(prng.next() * spread) : 0);
    times[i] = time;
    if (kind === 1) value += prng.below(400);
    if (kind === 2) value += prng.next() - 0.5;
    values[i] = value;
    if (kind === 3) {
      valueBits[2 * i] = Math.floor(prng.next() * 2 ** 32);
      valueBits[2 * i + 1] = Math.floor(prng.next() * 2 ** 32);
    } else if (kind === 4 || prng.below(30) === 0) {
      const [high, low] = oddWords[prng.below(oddWords.length)]!;
      valueBits[2 * i] = low;
      valueBits[2 * i + 1] = high;
    }
  }
  return columns;
}

/** Where reading begins or ends: everywhere, nowhere, or in the middle. */
function bound(prng: Prng, { times }: SampleColumns, everywhere: number): number {
  const choice = prng.below(4);
  if (choice === 0) return everywhere;
  if (choice === 1) return -everywhere;
  return times[prng.below(times.length)]! + prng.below(3) - 1;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** Compares bytes: looking at one number after another would take most of the test's time. */
function expectSame(got: NodeJS.TypedArray, wanted: NodeJS.TypedArray, what: string): void {
  if (!bytesOf(got).equals(bytesOf(wanted))) expect(got, what).toEqual(wanted);
}

test('chunks decode as their twin decodes them', () => {
  const prng = seededPrng(41);
  const view = { times: TIMES >>> 3, bits: VALUES >>> 2 };
  for (let round = 0; round < 2000; round++) {
    const count = 1 + prng.below(240);
    const columns = randomColumns(prng, count);
    const chunk = encodeXorChunk(columns, count);
    shared.u8.fill(0xa5, DATA, DATA + chunk.length + 32);
    shared.u8.set(chunk, DATA);
    const twin = newSampleColumns(count);
    decodeXorChunk(chunk, twin);
    expectSame(twin.valueBits, columns.valueBits, `round ${round}: twin`);
    // A reader of the head sees part of an open chunk.
    const visible = prng.below(3) === 0 ? prng.below(count + 1) : count;
    const min = bound(prng, columns, Number.NEGATIVE_INFINITY);
    const max = bound(prng, columns, Number.POSITIVE_INFINITY);
    const n = kernel.decode(DATA, visible, min, max, TIMES, VALUES);
    let from = 0;
    while (from < visible && twin.times[from]! < min) from++;
    let to = from;
    while (to < visible && twin.times[to]! <= max) to++;
    expect(n, `round ${round}`).toBe(to - from);
    const times = shared.f64.slice(view.times, view.times + n);
    expectSame(times, twin.times.slice(from, to), `round ${round}: times`);
    const bits = shared.u32.slice(view.bits, view.bits + 2 * n);
    expectSame(bits, twin.valueBits.slice(2 * from, 2 * to), `round ${round}: values`);
  }
});
