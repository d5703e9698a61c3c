// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newDirectory } from '../../../test/new-directory.ts';
import { seededPrng, silentLogger } from '../../base/index.ts';
import { ByteWriter, DecodeError } from '../../encoding/index.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import { labelsFrom } from '../../model/index.ts';
import { createSnappy, createZstd } from '../../platform/compression.ts';
import { createNodeFileSystem } from '../../platform/files.ts';
import { headKernel } from '../head/kernel.ts';
import { createCheckpoint, removeCovered, removeUnfinished } from './checkpoint.ts';
import { FRAGMENT_ZSTD, segmentName } from './format.ts';
import { readSegment } from './reader.ts';
import {
  decodeSamplesRecord,
  decodeSeriesRecord,
  encodeSamplesRecord,
  encodeSamplesWithStartRecord,
  encodeSeriesRecord,
  newReplayColumns,
  RecordType,
} from './records.ts';
import { decodeHistogramsRecord, encodeHistogramsRecord } from './records-histogram.ts';
import {
  decodeExemplarsRecord,
  decodeMetadataRecord,
  decodeMinValidTimeRecord,
  decodeMmapMarkersRecord,
  decodeTombstonesRecord,
  encodeExemplarsRecord,
  encodeMetadataRecord,
  encodeMinValidTimeRecord,
  encodeMmapMarkersRecord,
  encodeTombstonesRecord,
} from './records-other.ts';
import { RefSet } from './ref-set.ts';
import { WalWriter, walCompression } from './writer.ts';

const files = createNodeFileSystem();
const codecs = { snappy: createSnappy(), zstd: createZstd() };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** (ref, time, value, start time) rows as columns. */
function columnsOf(rows: readonly (readonly [number, number, number, number])[]) {
  const columns = newReplayColumns(rows.length);
  const values = new Float64Array(columns.valueBits.buffer);
  rows.forEach(([ref, time, value, start], i) => {
    columns.refs[i] = ref;
    columns.times[i] = time;
    values[i] = value;
    columns.startTimes[i] = start;
  });
  return columns;
}

function rowsOf(record: Uint8Array): [number, number, number, number][] {
  const columns = newReplayColumns(100);
  const values = new Float64Array(columns.valueBits.buffer);
  const n = decodeSamplesRecord(record, columns);
  return Array.from({ length: n }, (_, i) => [
    columns.refs[i]!,
    columns.times[i]!,
    values[i]!,
    columns.startTimes[i]!,
  ]);
}

test('samples with start times: golden bytes, both ways', () => {
  const rows = [
    [5, 1000, 1.5, 100],
    [4, 1015, -2, 100],
    [9, 990, 0, 0],
    [9, 1000, 3, 250],
  ] as const;
  const record = encodeSamplesWithStartRecord(columnsOf(rows), 4);
  // By hand from the format notes: zigzag varints, then mark 1 = the same, 0 = none, 2 = delta to the first.
  expect(hex(record)).toBe(
    '0b0ad00fc8013ff8000000000000' +
      '011e01c000000000000000' +
      '0a13000000000000000000' +
      '000002ac024008000000000000',
  );
  expect(rowsOf(record)).toEqual(rows.map((row) => [...row]));
  const plain = encodeSamplesRecord(columnsOf(rows), 4);
  expect(rowsOf(plain)).toEqual(rows.map(([ref, time, value]) => [ref, time, value, 0]));
});

test('tombstones, exemplars, metadata, markers, valid time: golden bytes, both ways', () => {
  const stones = [{ ref: 3, minTime: -5, maxTime: 300 }];
  expect(hex(encodeTombstonesRecord(stones))).toBe('03000000000000000309d804');
  expect(decodeTombstonesRecord(encodeTombstonesRecord(stones))).toEqual(stones);
  const exemplars = [
    { ref: 7, time: 1000, value: 2, labels: labelsFrom({ t: 'x' }) },
    { ref: 6, time: 1001, value: 4, labels: labelsFrom({}) },
  ];
  expect(hex(encodeExemplarsRecord(exemplars))).toBe(
    '04000000000000000700000000000003e8' +
      '000040000000000000000101740178' +
      '0102401000000000000000',
  );
  expect(decodeExemplarsRecord(encodeExemplarsRecord(exemplars))).toEqual(exemplars);
  const metadata = [{ ref: 300, type: 1, unit: 's', help: 'Total.' }];
  expect(hex(encodeMetadataRecord(metadata))).toBe(
    '06ac02010204554e4954017304' + '48454c5006546f74616c2e',
  );
  expect(decodeMetadataRecord(encodeMetadataRecord(metadata))).toEqual(metadata);
  const markers = [{ ref: 1, file: 2, offsetBytes: 3 }];
  expect(hex(encodeMmapMarkersRecord(markers))).toBe('0500000000000000010000000200000003');
  expect(decodeMmapMarkersRecord(encodeMmapMarkersRecord(markers))).toEqual(markers);
  expect(hex(encodeMinValidTimeRecord(-2))).toBe('0efffffffffffffffe');
  expect(decodeMinValidTimeRecord(encodeMinValidTimeRecord(-2))).toBe(-2);
});

/** An integer histogram: schema 1, one span of two buckets; `bounds` makes it one of custom buckets. */
function histogramBytes(isFloat: boolean, bounds: readonly number[] = []): Uint8Array {
  const writer = new ByteWriter(100);
  writer.u8(0);
  writer.varint(bounds.length > 0 ? -53 : 1);
  writer.f64be(0.001);
  if (isFloat) {
    writer.f64be(1);
    writer.f64be(4.5);
  } else {
    writer.uvarint(1);
    writer.uvarint(4);
  }
  writer.f64be(12.5);
  writer.uvarint(1);
  writer.varint(-3);
  writer.uvarint(2);
  writer.uvarint(0);
  writer.uvarint(2);
  for (const bucket of [2, -1]) {
    if (isFloat) writer.f64be(bucket);
    else writer.varint(bucket);
  }
  writer.uvarint(0);
  if (bounds.length > 0) {
    writer.uvarint(bounds.length);
    for (const bound of bounds) writer.f64be(bound);
  }
  return writer.bytes().slice();
}

test.each([
  ['integer', RecordType.histograms, false, []],
  ['float', RecordType.floatHistograms, true, []],
  ['integer, custom buckets', RecordType.customHistograms, false, [1, 2.5]],
  ['float, custom buckets', RecordType.customFloatHistograms, true, [1, 2.5]],
  ['integer, start times', RecordType.histogramsWithStart, false, []],
  ['float, start times', RecordType.floatHistogramsWithStart, true, [3]],
] as const)('records of histograms round trip: %s', (_, type, isFloat, bounds) => {
  const bytes = histogramBytes(isFloat, bounds);
  const start = type >= RecordType.histogramsWithStart ? 50 : 0;
  const histograms = [
    { ref: 3, time: 1000, startTime: start, bytes },
    { ref: 1, time: 1500, startTime: 0, bytes },
    { ref: 2, time: 900, startTime: start, bytes },
  ];
  const record = encodeHistogramsRecord(type, histograms);
  const found: unknown[] = [];
  decodeHistogramsRecord(record, (histogram) =>
    found.push({ ...histogram, bytes: histogram.bytes.slice() }),
  );
  expect(found).toEqual(histograms);
  for (let length = 2; length < record.length; length++) {
    const cut = record.subarray(0, length);
    let whole = 0;
    try {
      decodeHistogramsRecord(cut, () => whole++);
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
    }
    expect(whole).toBeLessThan(3);
  }
});

test('zstd records are read', () => {
  // A frame of one raw block, by hand: magic, single segment of 5 bytes, last block of type raw.
  const text = new TextEncoder().encode('hello');
  const frame = unhex(`28b52ffd2005290000${hex(text)}`);
  const directory = newDirectory();
  const writer = new WalWriter(
    {
      files,
      logger: silentLogger,
      directory,
      compression: { flag: FRAGMENT_ZSTD, compress: () => frame },
      segmentBytes: 1 << 20,
    },
    0,
  );
  writer.log([new Uint8Array(100)]);
  writer.close();
  const bytes = readFileSync(join(directory, segmentName(0)));
  const records: string[] = [];
  expect(readSegment(bytes, codecs, (record) => records.push(hex(record)))).toBeUndefined();
  expect(records).toEqual([hex(text)]);
  expect(readSegment(bytes, { snappy: codecs.snappy }, () => undefined)?.reason).toMatch(/zstd/);
});

function write(directory: string, segment: number, records: readonly Uint8Array[]): void {
  const writer = new WalWriter(
    {
      files,
      logger: silentLogger,
      directory,
      compression: walCompression('snappy', codecs),
      segmentBytes: 1 << 20,
    },
    segment,
  );
  writer.log(records);
  writer.close();
}

const seriesRecord = (...refs: number[]): Uint8Array =>
  encodeSeriesRecord(
    refs.map((ref) => ({ refLow: ref, refHigh: 0, labels: labelsFrom({ n: String(ref) }) })),
  );

const samplesRecord = (...rows: (readonly [number, number])[]): Uint8Array =>
  encodeSamplesRecord(columnsOf(rows.map(([ref, time]) => [ref, time, time, 0])), rows.length);

function recordsIn(path: string): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const name of readdirSync(path).sort()) {
    const damage = readSegment(readFileSync(join(path, name)), codecs, (record) =>
      found.push(record.slice()),
    );
    expect(damage).toBeUndefined();
  }
  return found;
}

const checkpointOptions = (directory: string, first: number, last: number) => ({
  files,
  directory,
  codecs,
  compression: walCompression('snappy', codecs),
  segmentBytes: 1 << 20,
  first,
  last,
  keep: (ref: number) => ref !== 2,
  minTime: 1000,
  tombstonesFrom: 1000,
});

test('a checkpoint holds what is still needed, from the checkpoint before and the segments', async () => {
  const directory = newDirectory();
  const bytes = histogramBytes(false);
  write(directory, 0, [seriesRecord(1, 2), samplesRecord([1, 500], [2, 1500])]);
  write(directory, 1, [
    seriesRecord(3),
    samplesRecord([1, 900], [2, 999]),
    encodeTombstonesRecord([
      { ref: 1, minTime: 0, maxTime: 999 },
      { ref: 1, minTime: 0, maxTime: 1000 },
    ]),
    encodeExemplarsRecord([
      { ref: 1, time: 999, value: 1, labels: [] },
      { ref: 1, time: 1000, value: 1, labels: [] },
    ]),
    encodeMetadataRecord([
      { ref: 1, type: 1, unit: '', help: 'old' },
      { ref: 2, type: 1, unit: '', help: 'gone' },
    ]),
    encodeHistogramsRecord(RecordType.histograms, [
      { ref: 3, time: 800, startTime: 0, bytes },
      { ref: 3, time: 1800, startTime: 0, bytes },
    ]),
    Uint8Array.of(99, 1, 2),
  ]);
  write(directory, 2, [encodeMetadataRecord([{ ref: 1, type: 2, unit: 's', help: 'new' }])]);
  write(directory, 3, [samplesRecord([3, 2000])]);
  await createCheckpoint(checkpointOptions(directory, 0, 0));
  removeCovered(files, directory, 0);
  mkdirSync(join(directory, 'checkpoint.00000009.tmp'));
  removeUnfinished(files, directory);
  const stats = await createCheckpoint(checkpointOptions(directory, 1, 2));
  removeCovered(files, directory, 2);
  expect(readdirSync(directory).sort()).toEqual(['00000003', 'checkpoint.00000002']);
  expect(stats.recordsWritten).toBe(7);
  const records = recordsIn(join(directory, 'checkpoint.00000002'));
  const names: string[] = [];
  for (const record of records) {
    if (record[0] === RecordType.series) {
      decodeSeriesRecord(record, (ref, labels) => names.push(`${ref} ${labels[0]!.value}`));
    }
  }
  expect(names).toEqual(['1 1', '3 3']);
  const ofType = (type: number): Uint8Array[] => records.filter((record) => record[0] === type);
  expect(ofType(RecordType.samples).map(rowsOf)).toEqual([[[2, 1500, 1500, 0]]]);
  expect(ofType(RecordType.tombstones).map(decodeTombstonesRecord)).toEqual([
    [{ ref: 1, minTime: 0, maxTime: 1000 }],
  ]);
  expect(decodeExemplarsRecord(ofType(RecordType.exemplars)[0]!).length).toBe(1);
  expect(decodeMetadataRecord(ofType(RecordType.metadata)[0]!)).toEqual([
    { ref: 1, type: 2, unit: 's', help: 'new' },
  ]);
  const times: number[] = [];
  decodeHistogramsRecord(ofType(RecordType.histograms)[0]!, ({ time }) => times.push(time));
  expect(times).toEqual([1800]);
});

test('a checkpoint over damage fails, names the place and leaves everything', async () => {
  const directory = newDirectory();
  write(directory, 0, [seriesRecord(1), samplesRecord([1, 1500])]);
  write(directory, 1, [samplesRecord([1, 2500])]);
  const path = join(directory, segmentName(1));
  const bytes = readFileSync(path);
  bytes[9]! ^= 1;
  writeFileSync(path, bytes);
  await expect(createCheckpoint(checkpointOptions(directory, 0, 1))).rejects.toThrow(
    /cannot make a checkpoint: .*00000001 is damaged at byte 0: unexpected checksum/,
  );
  expect(readdirSync(directory).sort()).toEqual(['00000000', '00000001']);
});

test('sets of refs', () => {
  const set = new RefSet();
  for (const ref of [0, 31, 32, 100_000, 2 ** 40]) set.add(ref);
  expect([0, 1, 31, 32, 33, 100_000, 100_001, 2 ** 40, 2 ** 41].filter((r) => set.has(r))).toEqual([
    0,
    31,
    32,
    100_000,
    2 ** 40,
  ]);
});

test('the kernel that replay decodes samples with gives what its twin gives, and stops where it stops', () => {
  const prng = seededPrng(9);
  const heap = new SharedHeap(createMemory(16 << 20));
  const kernel = headKernel(heap.shared);
  const { u8, u32, f64 } = heap.shared;
  const table = heap.allocateZeroed(4 * 100);
  for (let ref = 0; ref < 100; ref++) u32[(table >>> 2) + ref] = ref % 3 === 0 ? 0 : 1000 + ref;
  const at = heap.allocate(20_000);
  const [refs, times, values] = [4, 8, 8].map((bytes) => heap.allocate(bytes * 3000));
  for (let round = 0; round < 200; round++) {
    const count = prng.below(200);
    const rows = Array.from(
      { length: count },
      () =>
        [
          prng.below(120),
          prng.below(2) === 0 ? -prng.below(1e9) : prng.below(2e12),
          prng.next(),
          0,
        ] as const,
    );
    const record = encodeSamplesRecord(columnsOf(rows), count);
    const length = prng.below(3) === 0 ? 1 + prng.below(record.length) : record.length;
    u8.set(record.subarray(0, length), at);
    const got = kernel.decodeSamples(at, at + length, table, 100, refs!, times!, values!);
    let expected: ReturnType<typeof rowsOf> | undefined;
    try {
      const columns = newReplayColumns(3000);
      const n = decodeSamplesRecord(record.subarray(0, length), columns);
      const floats = new Float64Array(columns.valueBits.buffer);
      expected = Array.from({ length: n }, (_, i) => [
        columns.refs[i]!,
        columns.times[i]!,
        floats[i]!,
        0,
      ]);
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
    }
    expect(got).toBe(expected?.length ?? -1);
    expected?.forEach(([ref, time, value], i) => {
      expect(u32[(refs! >>> 2) + i]).toBe(ref < 100 && ref % 3 !== 0 ? 1000 + ref : 0);
      expect(f64[(times! >>> 3) + i]).toBe(time);
      expect(f64[(values! >>> 3) + i]).toBe(value);
    });
  }
});
