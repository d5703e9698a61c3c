// SPDX-License-Identifier: Apache-2.0
// The database: chunks, records of the log, sums and compression, sets of series, symbols.

import { seededPrng } from '../../src/base/index.ts';
import { decodeXorChunk, encodeXorChunk } from '../../src/chunks/index.ts';
import { crc32c, createPlainSnappy } from '../../src/encoding/index.ts';
import { bytesKernel, createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { labelsFrom, newSampleColumns } from '../../src/model/index.ts';
import { intersect } from '../../src/tsdb/head/id-set.ts';
import { headKernel } from '../../src/tsdb/head/kernel.ts';
import { HeadSymbols } from '../../src/tsdb/head/symbols.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head } from '../../src/tsdb/index.ts';
import {
  decodeSamplesRecord,
  encodeSamplesRecord,
  newReplayColumns,
} from '../../src/tsdb/wal/records.ts';
import { SharedSnappy } from '../../src/tsdb/wal/shared-snappy.ts';
import type { Pair } from './pair.ts';

const SAMPLES = 120;
const RECORD_SAMPLES = 1200;

/** A sample for each of many series of a head, again and again; chunks encoded one by one in TypeScript. */
function encodePair(): Pair {
  const head = new Head(new SharedHeap(createMemory(512 << 20)), {
    chunkRangeMs: DEFAULT_CHUNK_RANGE_MS,
    wal: undefined,
  });
  const batch = head.newBatch(RECORD_SAMPLES);
  for (let i = 0; i < RECORD_SAMPLES; i++) {
    batch.refs[i] = head.seriesRef(labelsFrom({ __name__: 'encoded_total', i: String(i) }));
  }
  batch.count = RECORD_SAMPLES;
  const columns = newSampleColumns(SAMPLES);
  const prng = seededPrng(6);
  const steps = Uint32Array.from({ length: 1024 }, () => 100 + prng.below(100));
  const jitters = Uint32Array.from({ length: 1024 }, () => prng.below(20));
  let scrape = 0;
  let value = 0;
  const kernel = (): number => {
    const i = scrape++ & 1023;
    value += steps[i]!;
    batch.times.fill(1.7e12 + 15_000 * scrape + jitters[i]!);
    batch.values.fill(value);
    return head.append(batch);
  };
  let total = 0;
  for (let i = 0; i < SAMPLES; i++) {
    total += steps[i]!;
    columns.times[i] = 1.7e12 + 15_000 * i + jitters[i]!;
    columns.values[i] = total;
  }
  const chunks = RECORD_SAMPLES / SAMPLES;
  const twin = (): number => {
    let samples = 0;
    for (let i = 0; i < chunks; i++) {
      const chunk = encodeXorChunk(columns, SAMPLES);
      samples += (chunk[0]! << 8) | chunk[1]!;
    }
    return samples;
  };
  return { name: 'XOR encode, a sample appended', items: RECORD_SAMPLES, kernel, twin };
}

/** Sets of ids beside a merge with a branch for each outcome. */
function intersectPair(name: string, a: Uint32Array, b: Uint32Array, items: number): Pair {
  const kernel = (): number => intersect(a, b).length;
  const twin = (): number => {
    const out = new Uint32Array(Math.min(a.length, b.length));
    let n = 0;
    for (let i = 0, k = 0; i < a.length && k < b.length; ) {
      const [x, y] = [a[i]!, b[k]!];
      if (x === y) out[n++] = x;
      if (x <= y) i++;
      if (y <= x) k++;
    }
    return out.subarray(0, n).length;
  };
  return { name, beside: 'a merge with branches', items, kernel, twin };
}

/** Sets of about the same size without a pattern, and one that is a hundredth of the other. */
function intersectPairs(): Pair[] {
  const prng = seededPrng(8);
  const some = (count: number, gapMax: number): Uint32Array => {
    let id = 0;
    return Uint32Array.from({ length: count }, () => (id += 1 + prng.below(gapMax)));
  };
  const many = some(100_000, 3);
  const half = some(50_000, 6);
  const few = some(1000, 400);
  return [
    intersectPair('postings intersect, an id read', many, half, many.length + half.length),
    intersectPair('postings intersect, one of a rare set', few, many, few.length),
  ];
}

/** The numbers of label values in a head that has 10,000 of them. */
function symbolPair(): Pair {
  const head = new Head(new SharedHeap(createMemory(64 << 20)), {
    chunkRangeMs: DEFAULT_CHUNK_RANGE_MS,
    wal: undefined,
  });
  const texts = Array.from({ length: 10_000 }, (_, i) => `web-${i}.example.org:9100`);
  for (const instance of texts) head.seriesRef(labelsFrom({ __name__: 'up', instance }));
  const symbols = new HeadSymbols(head.heap.shared);
  const ids = new Map(texts.map((text) => [text, symbols.id(text)]));
  const asked = texts.filter((_, i) => i % 10 === 3);
  return {
    name: 'symbol lookup, a text',
    beside: 'a Map of the texts',
    items: asked.length,
    kernel: () => {
      let sum = 0;
      for (const text of asked) sum += symbols.id(text);
      return sum;
    },
    twin: () => {
      let sum = 0;
      for (const text of asked) sum += ids.get(text)!;
      return sum;
    },
  };
}

/** Pairs of the database, on memories of their own. */
export function databasePairs(): Pair[] {
  const prng = seededPrng(4);
  const heap = new SharedHeap(createMemory(32 << 20));
  const { u8, f64 } = heap.shared;
  const head = headKernel(heap.shared);
  const bytes = bytesKernel(heap.shared);
  const columns = newSampleColumns(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    columns.times[i] = 1.7e12 + 15_000 * i + prng.below(20);
    columns.values[i] = i * 100 + prng.below(100);
  }
  const chunk = encodeXorChunk(columns, SAMPLES);
  const stream = heap.allocate(chunk.length + 16);
  u8.set(chunk, stream);
  const times = heap.allocate(8 * RECORD_SAMPLES);
  const values = heap.allocate(8 * RECORD_SAMPLES);
  const refs = heap.allocate(4 * RECORD_SAMPLES);
  const decoded = newSampleColumns(SAMPLES);
  const replay = newReplayColumns(2 * RECORD_SAMPLES);
  const floats = new Float64Array(replay.valueBits.buffer);
  for (let i = 0; i < RECORD_SAMPLES; i++) {
    replay.refs[i] = 1 + i;
    replay.times[i] = 1.7e12;
    floats[i] = prng.below(1000);
  }
  const record = encodeSamplesRecord(replay, RECORD_SAMPLES).slice();
  const inPlace = heap.allocate(record.length);
  u8.set(record, inPlace);
  const view = u8.subarray(inPlace, inPlace + record.length);
  const shared = new SharedSnappy(heap);
  const plain = createPlainSnappy();
  const block = plain.compress(record);
  const last = RECORD_SAMPLES - 1;
  return [
    encodePair(),
    {
      name: 'XOR decode, a sample',
      items: SAMPLES,
      kernel: () => {
        const n = head.decode(stream, SAMPLES, 0, 1e15, times, values);
        return f64[(values >>> 3) + n - 1]!;
      },
      twin: () => decoded.values[decodeXorChunk(chunk, decoded) - 1]!,
    },
    {
      name: 'samples record decode, a sample',
      items: RECORD_SAMPLES,
      kernel: () => {
        head.decodeSamples(inPlace, inPlace + record.length, 0x10000, 0, refs, times, values);
        return f64[(values >>> 3) + last]!;
      },
      twin: () => {
        decodeSamplesRecord(record, replay);
        return floats[last]!;
      },
    },
    {
      name: 'CRC-32C, a byte',
      items: record.length,
      kernel: () => bytes.crc32c(0, inPlace, record.length) >>> 0,
      twin: () => crc32c(record, 0, record.length),
    },
    {
      name: 'snappy decompress, a byte',
      items: record.length,
      kernel: () => shared.decompress(block)[last]!,
      twin: () => plain.decompress(block)[last]!,
    },
    {
      name: 'snappy compress and back, a byte',
      items: record.length,
      kernel: () => shared.decompress(shared.compress(view)).length,
      twin: () => plain.decompress(plain.compress(record)).length,
    },
    ...intersectPairs(),
    symbolPair(),
  ];
}
