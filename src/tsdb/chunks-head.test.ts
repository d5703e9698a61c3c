// SPDX-License-Identifier: Apache-2.0
// Closed chunks of the head in files: out of memory, back for queries, after restarts and damage.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskOpener } from '../../test/tsdb/open-on-disk.ts';
import { newDirectory } from '../../test/new-directory.ts';
import type { FileHandle, FileSystem } from '../base/index.ts';
import { FileError, silentLogger } from '../base/index.ts';
import { labelsFrom } from '../model/index.ts';
import { createNodeFileSystem } from '../platform/files.ts';
import type { Database } from './db.ts';
import type { FoundChunk } from './head/chunk-files.ts';
import { HeadChunkWriter, loadHeadChunks } from './head/chunk-files.ts';

const { warnings, logger, open } = diskOpener(64 << 20);

const SERIES = 40;
const START = 1_700_000_000_000;

/** Scrapes of SERIES series, 1 s apart. */
function fill(db: Database, first: number, count: number): void {
  const refs = Array.from({ length: SERIES }, (_, i) =>
    db.head.seriesRef(labelsFrom({ __name__: 'm', i: String(i) })),
  );
  const batch = db.head.newBatch(SERIES);
  let accepted = 0;
  for (let k = first; k < first + count; k++) {
    refs.forEach((ref, i) => {
      batch.refs[i] = ref;
      batch.times[i] = START + 1000 * k;
      batch.values[i] = Math.sqrt(k) * (i + 1);
    });
    batch.count = SERIES;
    accepted += db.appender.append(batch);
  }
  expect(accepted).toBe(SERIES * count);
  db.head.releaseBatch(batch);
}

function checkSamples(db: Database, count: number, from = 0): void {
  const reader = db.newReader(0, 8 << 20);
  const querier = reader.querier();
  const set = querier.select([{ name: '__name__', type: '=', value: 'm' }], 0, 1e15);
  expect(set.count).toBe(SERIES);
  for (let row = 0; row < SERIES; row++) {
    expect(set.read(row, START + 1000 * from, 1e15)).toBe(count - from);
    let wrong = 0;
    for (let k = from; k < count; k++) {
      const { times, values } = set.columns;
      if (times[k - from] !== START + 1000 * k) wrong++;
      if (values[k - from] !== Math.sqrt(k) * (row + 1)) wrong++;
    }
    expect(wrong).toBe(0);
    const n = set.read(row, START + 250_500, START + 260_500);
    expect([...set.columns.times.subarray(0, n)]).toEqual(
      Array.from({ length: 10 }, (_, i) => START + 251_000 + 1000 * i),
    );
  }
  querier.close();
  reader.close();
}

const chunkFiles = (directory: string): string[] => readdirSync(join(directory, 'chunks_head'));

test('closed chunks leave the memory and are read back, also after a restart', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  fill(db, 0, 200);
  const before = db.head.heap.usedBytes;
  fill(db, 200, 2800);
  const written = db.head.mapperCounters!.chunksWritten;
  expect(written).toBeGreaterThan(SERIES * 20);
  // 2,800 samples of 40 series are 1.1 MB of chunks: what is left of them is small.
  expect(db.head.heap.usedBytes - before).toBeLessThan(written * 48 + 200_000);
  checkSamples(db, 3000);
  // Killed: nothing is closed, what waits is not written.
  const again = await open(directory);
  expect(warnings).toEqual([]);
  checkSamples(again, 3000);
  expect(again.head.chunkCount).toBe(db.head.chunkCount);
  fill(again, 3000, 300);
  checkSamples(again, 3300);
  again.close();
  const third = await open(directory);
  checkSamples(third, 3300);
  expect(third.head.counters.outOfOrder).toBe(0);
  third.close();
});

test('the format is the one in the notes', async () => {
  const directory = newDirectory();
  const options = { files: createNodeFileSystem(), logger, directory };
  const writer = new HeadChunkWriter(options, new Map());
  const data = Uint8Array.of(0, 0, 0xaa, 0xbb);
  expect(writer.add(7, -1, 1000, 1, data, 258)).toEqual({ file: 1, offsetBytes: 8 });
  expect(writer.add(8, 5, 6, 1, new Uint8Array(200), 1)).toEqual({ file: 1, offsetBytes: 42 });
  writer.close();
  const bytes = readFileSync(join(directory, '000001'));
  expect(bytes.subarray(0, 38).toString('hex')).toBe(
    '0130bc9101000000' +
      '0000000000000007' +
      'ffffffffffffffff' +
      '00000000000003e8' +
      '01040102aabb',
  );
  const found: FoundChunk[] = [];
  await loadHeadChunks(
    options,
    (chunk) => found.push(chunk),
    () => Promise.resolve(),
  );
  expect(found.map(({ ref, count, maxTime }) => [ref, count, maxTime])).toEqual([
    [7, 258, 1000],
    [8, 1, 6],
  ]);
  // Prometheus leaves room of zeros at the end.
  writeFileSync(join(directory, '000001'), Buffer.concat([bytes, Buffer.alloc(5000)]));
  found.length = 0;
  await loadHeadChunks(
    options,
    (chunk) => found.push(chunk),
    () => Promise.resolve(),
  );
  expect(found.length).toBe(2);
});

test('a torn newest file is cut; a damaged one is set aside; nothing is lost', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  fill(db, 0, 1000);
  db.close();
  const path = join(directory, 'chunks_head', '000001');
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, whole.length - 100));
  const torn = await open(directory);
  expect(warnings).toEqual([
    'The newest file of head chunks was torn and is cut; its samples are in the WAL',
  ]);
  checkSamples(torn, 1000);
  torn.close();
  expect(chunkFiles(directory).sort()).toEqual(['000001', '000002']);
  const flipped = Uint8Array.from(whole);
  flipped[20_000]! ^= 16;
  writeFileSync(path, flipped);
  const damaged = await open(directory);
  expect(warnings).toEqual([
    'A file of head chunks is damaged; it and later ones are set aside, their samples come from the WAL',
  ]);
  expect(damaged.chunkCorruptions).toBe(1);
  checkSamples(damaged, 1000);
  damaged.close();
  expect(chunkFiles(directory).filter((name) => name.endsWith('.corrupt')).length).toBe(2);
  const last = await open(directory);
  expect(warnings).toEqual([]);
  checkSamples(last, 1000);
  expect(chunkFiles(directory).some((name) => name.endsWith('.corrupt'))).toBe(false);
  last.close();
});

test('a file cut or flipped anywhere never gives a chunk that was not written', async () => {
  const directory = newDirectory();
  const options = { files: createNodeFileSystem(), logger: silentLogger, directory };
  const writer = new HeadChunkWriter(options, new Map());
  for (let i = 1; i < 6; i++) writer.add(i, i, i + 1, 1, new Uint8Array(10 * i).fill(i), i);
  writer.close();
  const path = join(directory, '000001');
  const whole = readFileSync(path);
  const load = async (): Promise<FoundChunk[]> => {
    const found: FoundChunk[] = [];
    await loadHeadChunks(
      options,
      (chunk) => found.push(chunk),
      () => Promise.resolve(),
    );
    rmSync(`${path}.corrupt`, { force: true });
    return found;
  };
  writeFileSync(path, whole);
  const all = await load();
  expect(all.length).toBe(5);
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    const some = await load();
    expect(some).toEqual(all.slice(0, some.length));
  }
  for (let i = 8; i < whole.length; i++) {
    const flipped = Uint8Array.from(whole);
    flipped[i]! ^= 1 << (i % 8);
    writeFileSync(path, flipped);
    const some = await load();
    expect(some).toEqual(all.slice(0, some.length));
    expect(some.length).toBeLessThan(5);
  }
});

test('truncation removes files, and shortens the log to a checkpoint that restarts well', async () => {
  const directory = newDirectory();
  const db = await open(directory, { walSegmentBytes: 65536, chunkRangeMs: 600_000 });
  fill(db, 0, 1000);
  await db.truncateHead(START + 600_000);
  fill(db, 1000, 1000);
  await db.truncateHead(START + 1_400_000);
  expect(chunkFiles(directory)).toEqual(['000002']);
  const names = readdirSync(join(directory, 'wal')).sort();
  expect(names.filter((name) => name.startsWith('checkpoint')).length).toBe(1);
  expect(names[0]).not.toBe('00000000');
  expect(db.checkpoints).toMatchObject({ creations: 2, creationsFailed: 0 });
  checkFrom(db, 1400, 2000);
  const again = await open(directory, {
    floorTime: () => Promise.resolve(START + 1_400_000),
  });
  expect(warnings).toEqual([]);
  checkFrom(again, 1400, 2000);
  again.close();
});

function checkFrom(db: Database, from: number, to: number): void {
  const reader = db.newReader(0, 8 << 20);
  const querier = reader.querier();
  const set = querier.select([{ name: '__name__', type: '=', value: 'm' }], 0, 1e15);
  for (let row = 0; row < SERIES; row++) {
    const n = set.read(row, 0, 1e15);
    expect([...set.columns.times.subarray(0, n)]).toEqual(
      Array.from({ length: to - from }, (_, i) => START + 1000 * (from + i)),
    );
  }
  querier.close();
  reader.close();
}

test('a disk that takes no chunks costs memory only', async () => {
  const directory = newDirectory();
  const real = createNodeFileSystem();
  let full = false;
  const limited = (file: FileHandle, path: string): FileHandle => ({
    ...bound(file),
    writeSync: (bytes, offset, length, position) => {
      if (full && path.includes('chunks_head')) {
        file.writeSync(bytes, offset, 7, position);
        throw new FileError('ENOSPC', path, 'no space left on device');
      }
      file.writeSync(bytes, offset, length, position);
    },
  });
  const files: FileSystem = {
    ...real,
    openSync: (path, mode) => limited(real.openSync(path, mode), path),
  };
  const db = await open(directory, { files });
  fill(db, 0, 1000);
  full = true;
  fill(db, 1000, 1500);
  expect(db.head.mapperCounters!.writesFailed).toBeGreaterThan(0);
  expect(warnings.length).toBe(1);
  checkSamples(db, 2500);
  full = false;
  fill(db, 2500, 4000);
  checkSamples(db, 6500);
  db.close();
  const again = await open(directory);
  expect(warnings).toEqual([]);
  checkSamples(again, 6500);
  again.close();
});

const bound = (file: FileHandle): FileHandle => ({
  readSync: (...args) => file.readSync(...args),
  writeSync: (...args) => file.writeSync(...args),
  truncateSync: (size) => file.truncateSync(size),
  syncSync: () => file.syncSync(),
  sync: () => file.sync(),
  sizeBytes: () => file.sizeBytes(),
  closeSync: () => file.closeSync(),
});
