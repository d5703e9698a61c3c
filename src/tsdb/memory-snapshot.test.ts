// SPDX-License-Identifier: Apache-2.0
// A snapshot of the memory gives back all that was there, and whatever is wrong with one costs no sample.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newDirectory } from '../../test/new-directory.ts';
import type { FileSystem } from '../base/index.ts';
import { FileError, silentLogger } from '../base/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import { Histogram, labelsFrom } from '../model/index.ts';
import { createNodeClock } from '../platform/clock.ts';
import { createNodeFileSystem } from '../platform/files.ts';
import { ExemplarStatus } from '../storage/index.ts';
import type { Database, DatabaseOptions } from './db.ts';
import { openDatabase } from './db.ts';
import {
  decodeSnapshotSeries,
  decodeSnapshotTombstones,
  encodeSnapshotSeries,
  encodeSnapshotTombstones,
  snapshotChunkOf,
} from './head/snapshot-records.ts';
import { foundSnapshots, snapshotName } from './memory-snapshot.ts';

const START = 1_700_000_000_000;
const lines: string[] = [];
const note = (message: string): void => void lines.push(message);
const logger = { ...silentLogger, info: note, warn: note, error: note, child: () => logger };
const LOADED = 'chunk snapshot loaded';
const FAILED = 'Failed to load chunk snapshot: it is not used, the whole WAL is replayed';

function open(directory: string, options: Partial<DatabaseOptions> = {}): Promise<Database> {
  lines.length = 0;
  return openDatabase({
    directory,
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger,
    heap: new SharedHeap(createMemory(64 << 20)),
    processId: process.pid,
    outOfOrderWindowMs: 3_600_000,
    exemplarsMax: 100,
    memorySnapshot: true,
    ...options,
  });
}

const histogram = (k: number, isFloat: boolean): Histogram =>
  new Histogram({
    schema: 3,
    count: 10 + 2 * k,
    sum: k * 1.25,
    positiveSpans: Int32Array.of(0, 2),
    positiveBuckets: Float64Array.of(5 + k, 5 + k),
    isFloat,
  });

const NAMES = ['steady', 'started', 'integer', 'floats', 'late', 'mixed', 'deleted'] as const;

function scrape(db: Database, k: number): void {
  const refs = NAMES.map((name) => db.head.seriesRef(labelsFrom({ __name__: name, ä: 'ö"' })));
  const time = START + 1000 * k;
  const rows: [
    ref: number,
    time: number,
    value: number,
    of?: Histogram | undefined,
    start?: number,
  ][] = [
    [refs[0]!, time, Math.sqrt(k)],
    [refs[1]!, time, k % 40, undefined, START + 40_000 * Math.floor(k / 40) - 7],
    [refs[2]!, time, k * 1.25, histogram(k, false), START - 1],
    [refs[3]!, time, k * 1.25, histogram(k, true)],
    [refs[4]!, time, -1],
    [refs[4]!, time - 100_500 - (k % 5) * 10_000, k],
    k % 100 < 50 ? [refs[5]!, time, k] : [refs[5]!, time, k * 1.25, histogram(k, false)],
    [refs[6]!, time, k],
  ];
  const batch = db.head.newBatch(rows.length);
  batch.count = rows.length;
  batch.histograms = rows.map((row) => row[3]);
  batch.startTimes = Float64Array.from(rows, (row) => row[4] ?? 0);
  rows.forEach(([ref, at, value], i) => {
    batch.refs[i] = ref;
    batch.times[i] = at;
    batch.values[i] = value;
  });
  expect(db.head.append(batch)).toBe(rows.length);
  db.head.releaseBatch(batch);
  const labels = labelsFrom({ trace: String(k) });
  const exemplar = { ref: refs[0]!, labels, time, value: k };
  expect(db.head.appendExemplars([exemplar])).toEqual([ExemplarStatus.accepted]);
}

/** Everything a reader can see, as text. */
function contents(db: Database): string[] {
  const reader = db.newReader(0, 8 << 20);
  const querier = reader.querier();
  const found: string[] = [];
  for (const name of NAMES) {
    const set = querier.select([{ name: '__name__', type: '=', value: name }], 0, 1e15);
    if (set.count === 0) continue;
    const n = set.read(0, 0, 1e15);
    for (let i = 0; i < n; i++) {
      const { times, values } = set.columns;
      const fields = set.histograms?.[i]?.withHint(0).fields();
      const start = set.startTimes?.[i] ?? 0;
      found.push(`${name} ${times[i]} ${values[i]} ${start} ${JSON.stringify(fields)}`);
    }
  }
  querier.close();
  reader.close();
  const exemplars = db.head.exemplars.select([[]], 0, 1e15);
  return found.concat(exemplars.map((one) => JSON.stringify(one)));
}

const snapshots = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.startsWith('chunk_snapshot'));

function deleteSome(db: Database): void {
  const matchers = [{ name: '__name__', type: '=', value: 'deleted' }] as const;
  expect(db.head.deleteSeries([matchers], START + 50_000, START + 99_999)).toBe(1);
}

test('all of the memory comes back, again and again, without the log that it stands for', async () => {
  const directory = newDirectory();
  let db = await open(directory);
  let k = 0;
  for (; k < 333; k++) scrape(db, k);
  deleteSome(db);
  let before = contents(db);
  db.close();
  expect(lines).toContain('chunk snapshot complete');
  for (let round = 0; round < 3; round++) {
    const [name] = snapshots(directory);
    expect(snapshots(directory).length).toBe(1);
    const { segment, offsetBytes } = foundSnapshots([name!])[0]!;
    expect(offsetBytes % 32768).toBe(0);
    // Nobody misses what is before the snapshot's place.
    for (const file of readdirSync(join(directory, 'wal'))) {
      const path = join(directory, 'wal', file);
      if (Number(file) < segment) writeFileSync(path, 'not a log');
      else if (Number(file) === segment) {
        const bytes = readFileSync(path);
        bytes.fill(0xee, 0, offsetBytes);
        writeFileSync(path, bytes);
      }
    }
    db = await open(directory);
    expect(lines).toContain(LOADED);
    expect(contents(db)).toEqual(before);
    // Killed once, with a log behind the snapshot.
    for (let end = k + 77; k < end; k++) scrape(db, k);
    before = contents(db);
    if (round === 1) {
      db = await open(directory);
      expect(contents(db)).toEqual(before);
      expect(db.head.counters.outOfOrder).toBe(0);
    }
    db.close();
    expect(lines.filter((line) => /damage|repair|Unknown|left out/.test(line))).toEqual([]);
  }
});

test('a damaged snapshot is not used, wherever it is damaged, and one log line says so', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  for (let k = 0; k < 150; k++) scrape(db, k);
  deleteSome(db);
  const before = contents(db);
  db.close();
  const file = join(directory, snapshots(directory)[0]!, '00000000');
  const whole = readFileSync(file);
  const damages = [
    (bytes: Buffer) => bytes.subarray(0, 40),
    (bytes: Buffer) => bytes.subarray(0, bytes.length - 3),
    ...[9, 100, 300, 700, whole.length - 2].map((at) => (bytes: Buffer) => {
      bytes[at]! ^= 0x10;
      return bytes;
    }),
  ];
  for (const damage of damages) {
    writeFileSync(file, damage(Buffer.from(whole)));
    const again = await open(directory);
    expect(lines.filter((line) => line === FAILED)).toEqual([FAILED]);
    expect(again.snapshotErrors).toBe(1);
    expect(contents(again)).toEqual(before);
    // Killed: a new snapshot would take the place of the damaged one.
    again.wal.close();
    rmSync(join(directory, 'lock'));
  }
  writeFileSync(file, whole);
  const good = await open(directory);
  expect(lines).toContain(LOADED);
  expect(good.snapshotErrors).toBe(0);
  expect(contents(good)).toEqual(before);
  good.close();
});

test('without whole files of chunks, or with an older log, the snapshot is not used', async () => {
  const directory = newDirectory();
  let db = await open(directory);
  for (let k = 0; k < 300; k++) scrape(db, k);
  const before = contents(db);
  db.close();
  const chunkFile = join(directory, 'chunks_head', readdirSync(join(directory, 'chunks_head'))[0]!);
  const bytes = readFileSync(chunkFile);
  bytes[200]! ^= 1;
  writeFileSync(chunkFile, bytes);
  db = await open(directory);
  expect(lines).not.toContain(LOADED);
  expect(lines.some((line) => line.includes('head chunks are damaged'))).toBe(true);
  expect(contents(db)).toEqual(before);
  db.close();
  expect(snapshots(directory).length).toBe(1);
  for (const name of readdirSync(join(directory, 'wal'))) rmSync(join(directory, 'wal', name));
  db = await open(directory);
  expect(lines).toContain('Last WAL file is behind snapshot, removing snapshots');
  expect(snapshots(directory)).toEqual([]);
  expect(contents(db)).toEqual([]);
  db.close();
});

test('deleted late samples stay deleted, as long as their log has them', async () => {
  const directory = newDirectory();
  let db = await open(directory);
  scrape2(db, 'one', START + 2_000_000);
  scrape2(db, 'one', START + 1_000_000);
  expect(db.head.sideCounters.outOfOrderAppended).toBe(1);
  const matchers = [{ name: '__name__', type: '=', value: 'one' }] as const;
  expect(db.head.deleteSeries([matchers], START, START + 1_500_000)).toBe(1);
  scrape2(db, 'one', START + 3_000_000);
  await db.truncateHead(START + 2_500_000);
  db.close();
  db = await open(directory, { floorTime: () => Promise.resolve(START + 2_500_000) });
  expect(lines).toContain(LOADED);
  const reader = db.newReader(0, 4 << 20);
  const querier = reader.querier();
  const set = querier.select(matchers, 0, 1e15);
  expect(set.read(0, 0, 1e15)).toBe(1);
  expect(set.columns.times[0]).toBe(START + 3_000_000);
  querier.close();
  reader.close();
  db.close();
});

test('without the option there is none, and a full disk leaves none half done', async () => {
  const directory = newDirectory();
  let db = await open(directory, { memorySnapshot: false });
  scrape(db, 1);
  db.close();
  expect(snapshots(directory)).toEqual([]);
  const files = createNodeFileSystem();
  const failing: FileSystem = {
    ...files,
    openSync: (path, mode) => {
      if (path.includes('chunk_snapshot')) throw new FileError('ENOSPC', path, 'no space');
      return files.openSync(path, mode);
    },
  };
  db = await open(directory, { files: failing });
  const before = contents(db);
  db.close();
  expect(lines).toContain('Cannot write a chunk snapshot; the next start replays the WAL');
  expect(snapshots(directory)).toEqual([]);
  db = await open(directory);
  expect(contents(db)).toEqual(before);
  db.close();
});

test('refs of series that are gone are not given again', async () => {
  const directory = newDirectory();
  let db = await open(directory, { outOfOrderWindowMs: 0 });
  for (let k = 0; k < 10; k++) scrape2(db, `old${k}`, START + k);
  scrape2(db, 'new', START + 4_000_000);
  await db.truncateHead(START + 1_000_000);
  await db.truncateHead(START + 1_000_000);
  const last = db.head.seriesRef(labelsFrom({ __name__: 'unlogged' }));
  expect(last).toBeGreaterThan(0);
  db.close();
  db = await open(directory, { outOfOrderWindowMs: 0 });
  expect(lines).toContain(LOADED);
  expect(db.head.seriesCount).toBe(1);
  scrape2(db, 'newer', START + 4_000_001);
  const refs: number[] = [];
  await db.head.visitWalRefs(
    (ref) => refs.push(ref),
    () => Promise.resolve(),
  );
  expect(Math.max(...refs)).toBeGreaterThan(12);
  db.close();
});

function scrape2(db: Database, name: string, time: number): void {
  const batch = db.head.newBatch(1);
  batch.count = 1;
  batch.refs[0] = db.head.seriesRef(labelsFrom({ __name__: name }));
  batch.times[0] = time;
  batch.values[0] = 1;
  expect(db.head.append(batch)).toBe(1);
  db.head.releaseBatch(batch);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('golden bytes: names, records', () => {
  expect(snapshotName({ segment: 12, offsetBytes: 65536 })).toBe(
    'chunk_snapshot.000012.0000065536',
  );
  const found = ['chunk_snapshot.000012.0000065536', 'chunk_snapshot.000003.0000000000.tmp'];
  expect(foundSnapshots(['wal', ...found]).map(({ segment }) => segment)).toEqual([12]);
  const labels = labelsFrom({ a: 'b' });
  const chunk = { minTime: 1, maxTime: -1, encoding: 1, data: Uint8Array.of(0, 1, 2) };
  const record = encodeSnapshotSeries({ ref: 5, labels, nextRef: 9, chunk }, [0, 0x3ff00000]);
  expect(hex(record)).toBe(
    `01${'0000000000000005'}0101610162${'0000000000000009'}01${'0000000000000001'}` +
      `${'f'.repeat(16)}0103000102${'00'.repeat(56)}3ff0000000000000`,
  );
  expect(decodeSnapshotSeries(record)).toEqual({ ref: 5, labels, nextRef: 9, chunk });
  expect(snapshotChunkOf(record)).toEqual(chunk);
  const bare = encodeSnapshotSeries({ ref: 5, labels, nextRef: 9, chunk: undefined }, [0, 0]);
  expect(hex(bare)).toBe('010000000000000005' + '0101610162' + '0000000000000009' + '00');
  for (let length = 1; length < record.length; length++) {
    if (length === bare.length - 1) continue;
    expect(() => decodeSnapshotSeries(record.subarray(0, length))).toThrow(/./);
    expect(() => snapshotChunkOf(record.subarray(0, length))).toThrow(/./);
  }
  const stones = [{ ref: 300, minTime: -2, maxTime: 3 }];
  expect(hex(encodeSnapshotTombstones(stones))).toBe('020501ac020306');
  expect(decodeSnapshotTombstones(encodeSnapshotTombstones(stones))).toEqual(stones);
});
