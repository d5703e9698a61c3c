// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Prng } from '../base/index.ts';
import { seededPrng } from '../base/index.ts';
import { CounterResetHint, Histogram, isStale, setStale } from '../model/index.ts';
import {
  ChunkEncoding,
  ChunkSamples,
  chunkSampleCount,
  decodeChunk,
  decodeXorChunk,
  encodeChunks,
  encodeXor2Range,
  encodeXorChunk,
  UnknownEncodingError,
} from './index.ts';

/** Samples 0..count-1 of `samples` as plain values. */
function listed(samples: ChunkSamples, count: number): unknown[] {
  return Array.from({ length: count }, (_, i) => ({
    time: samples.times[i],
    stale: isStale(samples.valueBits, i),
    value: samples.values[i],
    histogram: samples.histograms?.[i]?.fields(),
  }));
}

function roundTrip(samples: ChunkSamples, count: number): unknown[] {
  const all: unknown[] = [];
  const out = new ChunkSamples(1);
  encodeChunks(samples, count, (encoding, bytes, from, to) => {
    expect(all.length).toBe(from);
    expect(decodeChunk(encoding, bytes, out)).toBe(to - from);
    all.push(...listed(out, to - from));
  });
  return all;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('golden bytes of an XOR chunk', () => {
  // count 3; time 1000 zigzag; 1.0; delta 15000; the same value; delta of delta 0; 2.0
  const samples = new ChunkSamples(3);
  [1000, 16000, 31000].forEach((time, i) => {
    samples.times[i] = time;
    samples.values[i] = i < 2 ? 1 : 2;
  });
  const bytes = encodeXorChunk(samples, 3);
  expect(hex(bytes)).toBe('0003d00f3ff000000000000098753097ffc0');
});

const counter = (n: number, extra: Partial<ConstructorParameters<typeof Histogram>[0]> = {}) =>
  new Histogram({
    schema: 1,
    zeroThreshold: 2 ** -128,
    zeroCount: n,
    count: 10 * n,
    sum: 1.5 * n,
    positiveSpans: Int32Array.from([0, 2, 1, 1]),
    positiveBuckets: Float64Array.from([n, 2 * n, 3 * n]),
    negativeSpans: Int32Array.from([-3, 1]),
    negativeBuckets: Float64Array.from([n]),
    isFloat: false,
    ...extra,
  });

test('golden bytes of a histogram chunk of whole numbers', () => {
  const samples = new ChunkSamples(1);
  samples.times[0] = 0;
  samples.values[0] = 1.5;
  samples.setHistogram(0, counter(1));
  const chunks: string[] = [];
  encodeChunks(samples, 1, (encoding, bytes) => chunks.push(`${encoding} ${hex(bytes)}`));
  // 0001 00 | 74 = -128 + 243 + 1 | 10 001 schema | 10 010 two spans | 10 010, 0 | 10 001, 10 001 |
  // 10 001 one span | 10 001, 10 101 (-3) | time 0 | 110 001010 count | 10 001 zero count |
  // 3ff8000000000000 | 10 001, 10 001, 10 001 | 10 001
  const bits =
    '0000000000000001' +
    '00000000' +
    '01110100' +
    '10001' +
    '10010' +
    '10010' +
    '0' +
    '10001' +
    '10001' +
    '10001' +
    '10001' +
    '10101' +
    '0' +
    '110001010' +
    '10001' +
    '0011111111111000' +
    '0'.repeat(48) +
    '10001100011000110001';
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  const expected = padded.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2));
  expect(chunks).toEqual([`2 ${hex(Uint8Array.from(expected))}`]);
});

function randomHistogram(prng: Prng, before: Histogram | undefined, isFloat: boolean): Histogram {
  const scale = (): number => (isFloat ? prng.next() * 100 : prng.below(1000));
  const custom = before === undefined ? prng.below(3) === 0 : before.schema === -53;
  const change = before === undefined || prng.below(15) === 0;
  const spans = change
    ? Int32Array.from([prng.below(5), 1 + prng.below(3), prng.below(4), 1 + prng.below(2)])
    : before.positiveSpans;
  const buckets = spans[1]! + spans[3]!;
  const grown = (counts: Float64Array | undefined, size: number): Float64Array =>
    Float64Array.from({ length: size }, (_, i) => (change ? 0 : (counts?.[i] ?? 0)) + scale());
  return new Histogram({
    schema: custom ? -53 : 3,
    zeroThreshold: custom ? 0 : 0.001,
    zeroCount: custom ? 0 : (change ? 0 : (before?.zeroCount ?? 0)) + scale(),
    count: (change ? 0 : (before?.count ?? 0)) + scale() * 10,
    sum: prng.below(9) === 0 ? Number.NaN : prng.next() * 1e6 - 5e5,
    positiveSpans: spans,
    positiveBuckets: grown(before?.positiveBuckets, buckets),
    ...(custom ? { customValues: Float64Array.from([0.005, 1, 2.5, 1 / 3, 1e9, -4]) } : {}),
    isFloat,
  });
}

/** A random run of histograms, floats and staleness markers. */
function randomSamples(seed: number): { samples: ChunkSamples; count: number } {
  const prng = seededPrng(seed);
  const count = 1 + prng.below(300);
  const samples = new ChunkSamples(count);
  let time = prng.below(1_000_000) - 500_000;
  let last: Histogram | undefined;
  const isFloat = prng.below(2) === 0;
  for (let i = 0; i < count; i++) {
    time += 1 + (prng.below(6) === 0 ? prng.below(2 ** 31) : 15_000);
    samples.times[i] = time;
    const kind = prng.below(40);
    if (kind === 0) {
      samples.values[i] = prng.next();
      continue;
    }
    if (kind === 1) {
      setStale(samples.valueBits, i);
      const fields = { schema: 0, count: 0, sum: Number.NaN, isFloat };
      samples.setHistogram(i, new Histogram(fields));
      continue;
    }
    last = randomHistogram(prng, last, isFloat);
    samples.values[i] = last.sum;
    samples.setHistogram(i, last);
  }
  return { samples, count };
}

/** What may change on the way: hints say more or less than before. */
const withoutHints = (list: unknown[]): unknown[] =>
  JSON.parse(
    JSON.stringify(list, (name, value: unknown) => (name === 'counterResetHint' ? 0 : value)),
  ) as unknown[];

test('random histograms, floats and staleness markers come back as they were', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { samples, count } = randomSamples(seed);
    expect(withoutHints(roundTrip(samples, count))).toEqual(withoutHints(listed(samples, count)));
  }
});

test('random histograms come back with their start times, or without where none are asked for', () => {
  const prng = seededPrng(5);
  const out = new ChunkSamples(1);
  const seen = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) {
    const { samples, count } = randomSamples(seed);
    let start = prng.below(2) === 0 ? 0 : samples.times[0]! - prng.below(5000);
    const often = prng.below(2) === 0;
    for (let i = 0; i < count; i++) {
      if (often || prng.below(30) === 0) start = samples.times[i]! - 1 - prng.below(100_000);
      samples.setStartTime(i, start);
    }
    const formats = [{}, { xor2: true, histogramStarts: true }, { histogramStarts: false }];
    for (const [mode, format] of formats.entries()) {
      const all: unknown[] = [];
      const starts: number[] = [];
      const read = (encoding: number, bytes: Uint8Array, from: number, to: number): void => {
        seen.add(encoding);
        expect(chunkSampleCount(encoding, bytes)).toBe(to - from);
        expect(decodeChunk(encoding, bytes, out)).toBe(to - from);
        all.push(...listed(out, to - from));
        for (let i = from; i < to; i++) {
          const isKept = mode < 2 || samples.histograms?.[i] === undefined;
          if (isKept) starts.push(out.startTimes?.[i - from] ?? 0);
          else expect(out.startTimes?.[i - from] ?? 0).toBe(0);
        }
      };
      encodeChunks(samples, count, read, format);
      expect(withoutHints(all)).toEqual(withoutHints(listed(samples, count)));
      const expected = Array.from({ length: count }, (_, i) => samples.startTimes?.[i] ?? 0);
      if (mode < 2) expect(starts).toEqual(expected);
    }
  }
  expect([...seen].sort()).toEqual([1, 2, 3, 4, 5, 6]);
});

test('golden bytes of a histogram chunk with start times', () => {
  const samples = new ChunkSamples(3);
  for (let i = 0; i < 3; i++) {
    samples.times[i] = 3000 * i;
    samples.values[i] = 1.5;
    const fields = { schema: 0, count: 1, sum: 1.5, isFloat: false };
    const counterResetHint = CounterResetHint.gauge;
    samples.setHistogram(i, new Histogram({ ...fields, counterResetHint }));
  }
  for (const [i, start] of [-1, -1, 2900].entries()) samples.setStartTime(i, start);
  const chunks: string[] = [];
  encodeChunks(samples, 3, (encoding, bytes) => chunks.push(`${encoding} ${hex(bytes)}`));
  // gauge 11 and 3 samples in 14 bits | start known, changes at 2 | threshold 0 | schema 0, no spans |
  // 0: time 0, count 10 001, zero count 0, sum; 0 - -1 = 1 as whole bytes 00000010
  // 1: delta 3000 = 111110 and 18 bits, signed; nothing else; 2: nothing at all; 3000 - 2900 as
  // 1110 001100100
  const bits =
    '1100000000000011' +
    '10000010' +
    '00000000' +
    '0' +
    '0' +
    '0' +
    '0' +
    '10001' +
    '0' +
    '0011111111111000'.padEnd(64, '0') +
    '00000010' +
    '111110000000101110111000' +
    '0' +
    '0' +
    '0' +
    '0' +
    '0' +
    '0' +
    '0' +
    '1110001100100';
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  const expected = padded.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2));
  expect(chunks).toEqual([`5 ${hex(Uint8Array.from(expected))}`]);
});

test('hints: the first of a chunk is unknown, later ones of a counter are no reset', () => {
  const samples = new ChunkSamples(5);
  const add = (i: number, h: Histogram): void => {
    samples.times[i] = 1000 * i;
    samples.values[i] = h.sum;
    samples.setHistogram(i, h);
  };
  add(0, counter(1));
  add(1, counter(2));
  add(2, counter(1, { counterResetHint: CounterResetHint.reset }));
  add(3, counter(7, { counterResetHint: CounterResetHint.gauge }));
  add(4, counter(3, { counterResetHint: CounterResetHint.gauge }));
  const hints = roundTrip(samples, 5).map(
    (sample) => (sample as { histogram: { counterResetHint: number } }).histogram.counterResetHint,
  );
  const { unknown, notReset, gauge } = CounterResetHint;
  // A chunk begins at the reset, and says so; of its first sample a reader knows nothing all the same.
  expect(hints).toEqual([unknown, notReset, unknown, gauge, gauge]);
});

test('a chunk cut at any byte is an error, never a wrong sample', () => {
  for (const seed of [3, 8]) {
    const { samples, count } = randomSamples(seed);
    const cut = new ChunkSamples(1);
    encodeChunks(samples, Math.min(30, count), (encoding, bytes) => {
      for (let length = 2; length < bytes.length; length++) {
        const part = bytes.slice(0, length);
        expect(() => decodeChunk(encoding, part, cut)).toThrow(RangeError);
      }
    });
  }
});

test('damaged chunks end in an error or in samples, and soon', () => {
  const prng = seededPrng(99);
  const out = new ChunkSamples(1);
  const { samples, count } = randomSamples(5);
  encodeChunks(samples, Math.min(60, count), (encoding, bytes) => {
    for (let i = 0; i < 100; i++) {
      const damaged = bytes.slice();
      damaged[2 + prng.below(damaged.length - 2)] = prng.below(256);
      try {
        decodeChunk(encoding, damaged, out);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});

/** Floats with markers and, sometimes, start times. */
function randomFloats(seed: number): { samples: ChunkSamples; count: number } {
  const prng = seededPrng(seed);
  const count = 1 + prng.below(260);
  const samples = new ChunkSamples(count);
  let time = prng.below(1_000_000) - 500_000;
  let start = prng.below(2) === 0 ? 0 : time - 1000;
  const restarts = prng.below(2) === 0;
  for (let i = 0; i < count; i++) {
    time += [15_000, 15_000, 15_001, 14_999, 90_000, 700_000, 2 ** 35][prng.below(7)]!;
    samples.times[i] = time;
    if (prng.below(12) === 0) setStale(samples.valueBits, i);
    else samples.values[i] = prng.below(3) === 0 ? 42 : prng.next() * 10 ** prng.below(20);
    if (restarts && prng.below(20) === 0) start = time - prng.below(500_000);
    samples.setStartTime(i, start);
  }
  return { samples, count };
}

test('random XOR2 chunks come back as they were, start times too', () => {
  const out = new ChunkSamples(1);
  for (let seed = 1; seed <= 80; seed++) {
    const { samples, count } = randomFloats(seed);
    const bytes = encodeXor2Range(samples, 0, count);
    expect(decodeChunk(ChunkEncoding.xor2, bytes, out)).toBe(count);
    expect(listed(out, count)).toEqual(listed(samples, count));
    for (let i = 0; i < count; i++) {
      expect(out.startTimes?.[i] ?? 0).toBe(samples.startTimes?.[i] ?? 0);
    }
    // Chunks of the usual sizes keep them, too.
    const kept: number[] = [];
    encodeChunks(samples, count, (encoding, chunk, from, to) => {
      decodeChunk(encoding, chunk, out);
      for (let i = 0; i < to - from; i++) kept.push(out.startTimes?.[i] ?? 0);
    });
    expect(kept).toEqual(Array.from({ length: count }, (_, i) => samples.startTimes?.[i] ?? 0));
    if (seed > 8) continue;
    for (let length = 3; length < bytes.length; length++) {
      expect(() => decodeChunk(ChunkEncoding.xor2, bytes.slice(0, length), out)).toThrow(
        RangeError,
      );
    }
  }
});

test('golden bytes of an XOR2 chunk', () => {
  // count 6, no start times; time 1000, 1.0; delta 15000, the same | nothing changed | 2.0 at the same
  // delta: 10, a new window 1, 1 leading zero, 11 bits | delta of delta 1: 110, the same | marker: 111 …
  const samples = new ChunkSamples(6);
  [1000, 16000, 31000, 46000, 61001, 76002].forEach((time, i) => {
    samples.times[i] = time;
    samples.values[i] = i < 3 ? 1 : 2;
  });
  setStale(samples.valueBits, 5);
  const bits =
    '0' +
    '0' +
    '10' +
    '1' +
    '00001' +
    '001011' +
    '11111111111' +
    '110' +
    '0000000000001' +
    '0' +
    '11111';
  const tail = bits
    .padEnd(Math.ceil(bits.length / 8) * 8, '0')
    .match(/.{8}/g)!
    .map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, '0'))
    .join('');
  expect(hex(encodeXor2Range(samples, 0, 6))).toBe(`000600d00f3ff00000000000009875${tail}`);
});

test('an encoding of the future is named', () => {
  const out = new ChunkSamples(1);
  expect(() => decodeChunk(77, Uint8Array.of(0, 1, 2), out)).toThrow(UnknownEncodingError);
});

test('deltas and values at the edges of their classes', () => {
  const samples = new ChunkSamples(64);
  let n = 0;
  let time = -4_000_000_000_000;
  let delta = 1_000_000;
  for (const dod of [0, 8192, -8191, 8193, -8192, 65536, -65535, 65537, 524288, -524287, 524289]) {
    delta += dod;
    time += delta;
    samples.times[n] = time;
    samples.valueBits[2 * n] = (0x80000001 * (n + 1)) >>> 0;
    samples.valueBits[2 * n + 1] = n % 2 === 0 ? 0 : 0xffffffff;
    n++;
  }
  const out = new ChunkSamples(64);
  expect(decodeXorChunk(encodeXorChunk(samples, n), out)).toBe(n);
  expect(out.times.subarray(0, n)).toEqual(samples.times.subarray(0, n));
  expect(out.valueBits.subarray(0, 2 * n)).toEqual(samples.valueBits.subarray(0, 2 * n));
  expect(ChunkEncoding.xor).toBe(1);
});
