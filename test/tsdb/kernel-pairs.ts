// SPDX-License-Identifier: Apache-2.0
// The database's kernels, each beside its twin, over the same input: for benchmarks, and for a test that runs
// each once so that none rots.

import { seededPrng } from '../../src/base/index.ts';
import { decodeXorChunk, encodeXorChunk } from '../../src/chunks/index.ts';
import { crc32c, createPlainSnappy } from '../../src/encoding/index.ts';
import { bytesKernel, createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { newSampleColumns } from '../../src/model/index.ts';
import { headKernel } from '../../src/tsdb/head/kernel.ts';
import {
  decodeSamplesRecord,
  encodeSamplesRecord,
  newReplayColumns,
} from '../../src/tsdb/wal/records.ts';
import { SharedSnappy } from '../../src/tsdb/wal/shared-snappy.ts';

/** Both do the work once and return the same number. `items` of work are done by each. */
export interface KernelPair {
  readonly name: string;
  readonly items: number;
  readonly kernel: () => number;
  readonly twin: () => number;
}

const SAMPLES = 120;
const RECORD_SAMPLES = 1000;

/** All pairs, on a memory of their own. */
export function kernelPairs(): KernelPair[] {
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
    {
      name: 'XOR decode',
      items: SAMPLES,
      kernel: () => {
        const n = head.decode(stream, SAMPLES, 0, 1e15, times, values);
        return f64[(values >>> 3) + n - 1]!;
      },
      twin: () => decoded.values[decodeXorChunk(chunk, decoded) - 1]!,
    },
    {
      name: 'samples record decode',
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
  ];
}
