// SPDX-License-Identifier: Apache-2.0
// Histograms and late samples leave memory for files of chunks, are read back, and survive restarts
// and damage.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskOpener } from '../../../test/tsdb/open-on-disk.ts';
import { newDirectory } from '../../../test/new-directory.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import { Histogram, labelsFrom } from '../../model/index.ts';
import { SharedSnappy } from '../wal/shared-snappy.ts';
import { readSegment } from '../wal/reader.ts';
import { RecordType } from '../wal/records.ts';
import { decodeMmapMarkersRecord, type MmapMarker } from '../wal/records-other.ts';
import type { Database, DatabaseOptions } from '../db.ts';

const START = 1_700_000_000_000;
const disk = diskOpener(64 << 20);
const { warnings } = disk;
const open = (directory: string, options: Partial<DatabaseOptions> = {}): Promise<Database> =>
  disk.open(directory, { outOfOrderWindowMs: 3_600_000, ...options });

const histogram = (k: number, isFloat: boolean): Histogram =>
  new Histogram({
    schema: 3,
    zeroThreshold: 0.001,
    zeroCount: k,
    count: 100 + 4 * k,
    sum: k * 1.25,
    positiveSpans: Int32Array.of(0, 20),
    positiveBuckets: Float64Array.from({ length: 20 }, (_, i) => i + k),
    isFloat,
  });

const NAMES = ['integer', 'float', 'late', 'plain'] as const;
type Seen = readonly [time: number, value: number, start: number, hasHistogram: boolean];

/** Scrape `k`: two histograms with start times, a plain float, and a float that came late. */
function scrape(db: Database, k: number, expected: Map<string, Seen[]>): void {
  const refs = NAMES.map((name) => db.head.seriesRef(labelsFrom({ __name__: name })));
  const time = START + 1000 * k;
  const batch = db.head.newBatch(5);
  batch.count = 5;
  batch.histograms = [histogram(k, false), histogram(k, true), undefined, undefined, undefined];
  batch.startTimes = Float64Array.of(START - 1, START - 2, 0, 0, 0);
  const lateTime = time - 5000 - (k % 7) * 100_000 - (k % 3);
  const rows: [number, number, number][] = [
    [refs[0]!, time, k * 1.25],
    [refs[1]!, time, k * 1.25],
    [refs[3]!, time, k],
    // The first makes the second late.
    [refs[2]!, time, -1],
    [refs[2]!, lateTime, k],
  ];
  rows.forEach(([ref, at, value], i) => {
    batch.refs[i] = ref;
    batch.times[i] = at;
    batch.values[i] = value;
  });
  expect(db.head.append(batch)).toBe(5);
  db.head.releaseBatch(batch);
  const note = (name: string, seen: Seen): void => {
    const list = expected.get(name) ?? [];
    if (!list.some(([at]) => at === seen[0])) list.push(seen);
    expected.set(name, list);
  };
  note('integer', [time, k * 1.25, START - 1, true]);
  note('float', [time, k * 1.25, START - 2, true]);
  note('plain', [time, k, 0, false]);
  note('late', [time, -1, 0, false]);
  note('late', [lateTime, k, 0, false]);
}

function check(db: Database, expected: Map<string, Seen[]>, from = 0): void {
  const reader = db.newReader(0, 8 << 20);
  const querier = reader.querier();
  for (const [name, all] of expected) {
    const set = querier.select([{ name: '__name__', type: '=', value: name }], from, 1e15);
    const n = set.read(0, from, 1e15);
    const seen = Array.from(
      { length: n },
      (_, i): Seen => [
        set.columns.times[i]!,
        set.columns.values[i]!,
        set.startTimes?.[i] ?? 0,
        set.histograms?.[i] !== undefined,
      ],
    );
    const sorted = all.filter(([time]) => time >= from).sort(([a], [b]) => a - b);
    expect(seen).toEqual(sorted);
    for (let i = 0; i < n; i++) {
      const found = set.histograms?.[i];
      if (found === undefined) continue;
      const k = (seen[i]![0] - START) / 1000;
      expect(found.withHint(0).fields()).toEqual(histogram(k, name === 'float').fields());
    }
  }
  querier.close();
  reader.close();
}

function markers(directory: string): MmapMarker[] {
  const found: MmapMarker[] = [];
  const snappy = new SharedSnappy(new SharedHeap(createMemory(32 << 20)));
  for (const name of readdirSync(join(directory, 'wbl'))) {
    readSegment(readFileSync(join(directory, 'wbl', name)), { snappy }, (record) => {
      if (record[0] === RecordType.mmapMarkers) found.push(...decodeMmapMarkersRecord(record));
    });
  }
  return found;
}

test('histograms and late samples leave memory, with markers for the late ones', async () => {
  const directory = newDirectory();
  let db = await open(directory);
  const expected = new Map<string, Seen[]>();
  for (let k = 0; k < 300; k++) scrape(db, k, expected);
  db.head.flushChunks();
  const before = db.head.heap.usedBytes;
  for (let k = 300; k < 1499; k++) scrape(db, k, expected);
  db.head.flushChunks();
  // What was retired goes with the next batch.
  scrape(db, 1499, expected);
  // 2,400 histograms of 20 buckets, 2,400 late and 1,200 other floats; what is left of a chunk is 40 bytes.
  const written = db.head.mapperCounters!.chunksWritten;
  expect(db.head.heap.usedBytes - before).toBeLessThan(written * 48 + 10_000);
  expect(written).toBeLessThan(400);
  check(db, expected);
  const late = markers(directory);
  expect(late.length).toBeGreaterThan(1);
  expect(new Set(late.map(({ ref }) => ref)).size).toBe(1);
  // Killed.
  for (let round = 0; round < 3; round++) {
    db = await open(directory);
    expect(warnings).toEqual([]);
    check(db, expected);
    for (let k = 1500 + 50 * round; k < 1550 + 50 * round; k++) scrape(db, k, expected);
    check(db, expected);
    if (round === 1) db.close();
  }
  // What is in files is not in memory again: of the late ones only those since the last marker.
  const used = db.head.heap.usedBytes;
  const unmarked = await open(directory, { chunkRangeMs: 7_200_000 });
  expect(unmarked.head.heap.usedBytes).toBeLessThan(used + 60_000);
  // Truncation takes the chunks and the files.
  const floor = START + 1_400_000;
  await unmarked.truncateHead(floor);
  check(unmarked, expected, floor);
  unmarked.close();
});

test('a damaged file of chunks costs nothing: the logs have the samples, whatever markers say', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  const expected = new Map<string, Seen[]>();
  for (let k = 0; k < 400; k++) scrape(db, k, expected);
  db.head.flushChunks();
  db.close();
  expect(markers(directory).length).toBeGreaterThan(0);
  const file = join(directory, 'chunks_head', readdirSync(join(directory, 'chunks_head'))[0]!);
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 0x55;
  writeFileSync(file, bytes);
  const again = await open(directory);
  expect(warnings).toEqual([expect.stringMatching(/set aside/)]);
  check(again, expected);
  again.close();
});
