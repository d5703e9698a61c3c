// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newDirectory } from '../../test/new-directory.ts';
import type { FileHandle, FileSystem } from '../base/index.ts';
import { FileError, silentLogger } from '../base/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import { labelsFrom } from '../model/index.ts';
import { createNodeClock } from '../platform/clock.ts';
import { createSnappy } from '../platform/compression.ts';
import { createNodeFileSystem } from '../platform/files.ts';
import { StorageError } from '../storage/index.ts';
import type { Database, DatabaseOptions } from './db.ts';
import { openDatabase } from './db.ts';
import { readSegment } from './wal/reader.ts';
import { encodeSamplesRecord, encodeSeriesRecord } from './wal/records.ts';

function open(directory: string, options: Partial<DatabaseOptions> = {}): Promise<Database> {
  return openDatabase({
    directory,
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger: silentLogger,
    heap: new SharedHeap(createMemory(64 << 20)),
    processId: process.pid,
    ...options,
  });
}

/** Appends `count` batches of two series, 1 s apart, from `first`. */
function fill(db: Database, first: number, count: number): void {
  const refs = [1, 2].map((i) => db.head.seriesRef(labelsFrom({ __name__: 'm', i: String(i) })));
  const batch = db.head.newBatch(2);
  for (let k = first; k < first + count; k++) {
    refs.forEach((ref, i) => {
      batch.refs[i] = ref;
      batch.times[i] = 1_700_000_000_000 + 1000 * k;
      batch.values[i] = k * (i + 1) + 0.5;
    });
    batch.count = 2;
    expect(db.appender.append(batch)).toBe(2);
  }
  db.head.releaseBatch(batch);
}

/** Samples of both series as (second, value). */
function samplesOf(db: Database): [number, number][][] {
  const reader = db.newReader(0, 4 << 20);
  const querier = reader.querier();
  const set = querier.select([{ name: '__name__', type: '=', value: 'm' }], 0, 1e15);
  const all: [number, number][][] = [];
  for (let row = 0; row < set.count; row++) {
    const n = set.read(row, 0, 1e15);
    const samples: [number, number][] = [];
    for (let i = 0; i < n; i++)
      samples.push([(set.columns.times[i]! - 1_700_000_000_000) / 1000, set.columns.values[i]!]);
    all.push(samples);
  }
  querier.close();
  reader.close();
  return all;
}

const expected = (count: number): [number, number][][] =>
  [1, 2].map((factor) => Array.from({ length: count }, (_, k) => [k, k * factor + 0.5]));

test.each(['snappy', 'none'] as const)(
  'everything appended is there after a death without goodbye (compression: %s)',
  async (walCompression) => {
    const directory = newDirectory();
    // Small segments: records go over page and segment ends.
    const db = await open(directory, { walCompression, walSegmentBytes: 65536 });
    fill(db, 0, 3000);
    // Not closed: the lock stays, and names a process that is alive (this one).
    const again = await open(directory, { walCompression, walSegmentBytes: 65536 });
    expect(samplesOf(again)).toEqual(expected(3000));
    expect(again.cleanStart).toBe(0);
    fill(again, 3000, 10);
    again.close();
    expect(readdirSync(join(directory, 'wal')).length).toBeGreaterThan(2);
    const third = await open(directory);
    expect(third.cleanStart).toBe(1);
    expect(samplesOf(third)).toEqual(expected(3010));
    third.close();
  },
);

/** A memory costs address space that is only given back at a collection: few cuts go through the database. */
test('a log cut in its tail loses only what was cut, and goes on', async () => {
  const source = newDirectory();
  const db = await open(source);
  fill(db, 0, 6);
  db.close();
  const whole = readFileSync(join(source, 'wal/00000000'));
  for (const length of [0, 3, 60, whole.length - 30, whole.length - 1]) {
    const directory = newDirectory();
    (await open(directory)).close();
    writeFileSync(join(directory, 'wal/00000000'), whole.subarray(0, length));
    const reopened = await open(directory);
    const [first = []] = samplesOf(reopened);
    expect(first).toEqual(expected(6)[0]!.slice(0, first.length));
    fill(reopened, 6, 1);
    reopened.close();
    const third = await open(directory);
    expect(samplesOf(third)[0]?.length).toBe(first.length + 1);
    expect(third.walCorruptions).toBe(0);
    third.close();
  }
});

test('a segment cut at any byte gives a prefix of its records, and the place where it ends', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  fill(db, 0, 12);
  db.close();
  const whole = readFileSync(join(directory, 'wal/00000000'));
  const records = (bytes: Uint8Array): { records: Uint8Array[]; end: number } => {
    const found: Uint8Array[] = [];
    const damage = readSegment(bytes, { snappy: createSnappy() }, (record) =>
      found.push(record.slice()),
    );
    return { records: found, end: damage?.offsetBytes ?? bytes.length };
  };
  const all = records(whole).records;
  expect(all.length).toBe(13);
  for (let length = 0; length <= whole.length; length++) {
    const { records: some, end } = records(whole.subarray(0, length));
    expect(some).toEqual(all.slice(0, some.length));
    expect(end).toBeLessThanOrEqual(length);
    expect(records(whole.subarray(0, end)).records.length).toBe(some.length);
  }
  for (let i = 0; i < whole.length; i++) {
    const flipped = Uint8Array.from(whole);
    flipped[i]! ^= 1 << (i % 8);
    const { records: some } = records(flipped);
    expect(some.length).toBeLessThan(all.length);
    expect(some).toEqual(all.slice(0, some.length));
  }
});

test('flipped bits end the reading there, are counted, and later segments go', async () => {
  const directory = newDirectory();
  const db = await open(directory, { walSegmentBytes: 32768, walCompression: 'none' });
  fill(db, 0, 3000);
  db.close();
  const path = join(directory, 'wal/00000001');
  const bytes = readFileSync(path);
  bytes[1000]! ^= 4;
  writeFileSync(path, bytes);
  // The chunk files hold what the log has lost.
  rmSync(join(directory, 'chunks_head'), { recursive: true });
  const warnings: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (message: string) => void warnings.push(message),
    child: () => logger,
  };
  const reopened = await open(directory, { logger });
  const [first = []] = samplesOf(reopened);
  expect(first.length).toBeGreaterThan(300);
  expect(first).toEqual(expected(3000)[0]!.slice(0, first.length));
  expect(reopened.walCorruptions).toBe(1);
  expect(warnings).toEqual(['Encountered WAL read error, attempting repair']);
  expect(readdirSync(join(directory, 'wal')).sort()).toEqual(['00000000', '00000001', '00000002']);
  reopened.close();
});

test('a directory in use by a living process is refused in one sentence', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  const error = await open(directory, { processId: 1 }).catch((reason: unknown) => reason);
  expect(String(error)).toBe(
    `TsdbError: cannot open ${directory}: it is in use by process ${process.pid}`,
  );
  db.close();
  await expect(open('/proc/nowhere')).rejects.toThrow(/cannot use \/proc\/nowhere for data/);
});

test('a dead owner whose parent has not waited for it holds nothing', async () => {
  // The shell's child ends once the shell has become a program that never waits for it.
  const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60']);
  try {
    const id = await new Promise<string>((resolve) => {
      parent.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()));
    });
    const fields = (): string[] =>
      readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1]!.split(' ');
    while (fields()[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
    const directory = newDirectory();
    writeFileSync(join(directory, 'lock'), `${id} ${fields()[19]}\n`);
    const db = await open(directory);
    expect(db.cleanStart).toBe(0);
    db.close();
  } finally {
    parent.kill();
  }
});

/** A file system whose disk is full while `state.full`. */
function limitedFiles(state: { full: boolean }): FileSystem {
  const real = createNodeFileSystem();
  const limited = (file: FileHandle): FileHandle => ({
    readSync: (...args) => file.readSync(...args),
    writeSync: (bytes, offset, length, position) => {
      // As a disk does: some of it is written, then there is no room.
      file.writeSync(bytes, offset, state.full ? Math.min(5, length) : length, position);
      if (state.full) throw new FileError('ENOSPC', 'wal', 'no space left on device');
    },
    truncateSync: (size) => file.truncateSync(size),
    syncSync: () => file.syncSync(),
    sync: () => file.sync(),
    sizeBytes: () => file.sizeBytes(),
    closeSync: () => file.closeSync(),
  });
  return { ...real, openSync: (path, mode) => limited(real.openSync(path, mode)) };
}

test('with a full disk samples wait in memory within a limit, and are written when there is room', async () => {
  const directory = newDirectory();
  const state = { full: false };
  let now = 0;
  const clock = { ...createNodeClock(), monotonicMs: () => now };
  const lines: string[] = [];
  const logger = {
    ...silentLogger,
    info: (message: string) => void lines.push(message),
    error: (message: string) => void lines.push(message),
    child: () => logger,
  };
  const db = await open(directory, {
    files: limitedFiles(state),
    clock,
    logger,
    walWaitingBytesMax: 2000,
  });
  lines.length = 0;
  fill(db, 0, 3);
  state.full = true;
  fill(db, 3, 20);
  expect(db.wal.counters.writesFailed).toBe(1);
  expect(db.walQueue.isFailing).toBe(true);
  expect(db.walQueue.waitingBytes).toBeGreaterThan(0);
  expect(() => fill(db, 23, 100)).toThrow(StorageError);
  const kept = samplesOf(db)[0]!.length;
  expect(samplesOf(db)).toEqual(expected(kept));
  expect(db.walQueue.refused).toBe(1);
  now += 1000;
  expect(() => fill(db, kept, 1)).toThrow(StorageError);
  expect(db.wal.counters.writesFailed).toBe(2);
  state.full = false;
  now += 1000;
  fill(db, kept, 2);
  expect(db.walQueue.isFailing).toBe(false);
  expect(db.walQueue.waitingBytes).toBe(0);
  expect(lines.length).toBe(2);
  expect(lines[0]).toMatch(/^Cannot write the WAL: samples are kept in memory only/);
  expect(lines[1]).toBe('The WAL is written again; nothing was lost');
  db.close();
  const again = await open(directory);
  expect(again.walCorruptions).toBe(0);
  expect(samplesOf(again)).toEqual(expected(kept + 2));
  again.close();
});

test("the kernel's samples record is the twin's", async () => {
  const directory = newDirectory();
  const db = await open(directory, { walCompression: 'none' });
  fill(db, 0, 1);
  db.close();
  const bytes = readFileSync(join(directory, 'wal/00000000'));
  const values = new Float64Array([0.5, 0.5]);
  const samples = encodeSamplesRecord(
    {
      refs: new Float64Array([1, 2]),
      times: new Float64Array([1.7e12, 1.7e12]),
      valueBits: new Uint32Array(values.buffer),
      startTimes: new Float64Array(2),
    },
    2,
  );
  const labels = (i: string) => labelsFrom({ __name__: 'm', i });
  const series = encodeSeriesRecord([
    { refLow: 1, refHigh: 0, labels: labels('1') },
    { refLow: 2, refHigh: 0, labels: labels('2') },
  ]);
  expect(Buffer.from(series).toString('hex')).toBe(
    '01000000000000000102085f5f6e616d655f5f016d01690131000000000000000202085f5f6e616d655f5f016d01690132',
  );
  expect(bytes.subarray(7, 7 + series.length)).toEqual(Buffer.from(series));
  const at = 7 + series.length + 7;
  expect(bytes.subarray(at, at + samples.length)).toEqual(Buffer.from(samples));
});

test('series keep their WAL refs and new ones never reuse them', async () => {
  const directory = newDirectory();
  const db = await open(directory);
  fill(db, 0, 1);
  db.close();
  truncateSync(
    join(directory, 'wal/00000000'),
    readFileSync(join(directory, 'wal/00000000')).length,
  );
  const second = await open(directory);
  second.head.seriesRef(labelsFrom({ __name__: 'n' }));
  fill(second, 1, 1);
  second.close();
  const third = await open(directory);
  expect(samplesOf(third)).toEqual(expected(2));
  expect(third.head.seriesCount).toBe(3);
  third.close();
});
