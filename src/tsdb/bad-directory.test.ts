// SPDX-License-Identifier: Apache-2.0
// Directories that somebody else, a newer version or half a copy left: what is said, and what happens then.

import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { LogFields } from '../base/index.ts';
import { seededPrng, silentLogger } from '../base/index.ts';
import { createPlainSnappy } from '../encoding/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import { labelsFrom } from '../model/index.ts';
import { createNodeClock } from '../platform/clock.ts';
import { createNodeFileSystem } from '../platform/files.ts';
import { BlockListWriter } from './block/block-list.ts';
import { localBlockWorker } from './compact/block-jobs.ts';
import { BlockStore } from './compact/block-store.ts';
import { Maintenance } from './compact/maintenance.ts';
import { blockRanges } from './compact/plan.ts';
import type { Database } from './db.ts';
import { openDatabase } from './db.ts';
import { HeadReader } from './head/reader.ts';

const HOUR = 3_600_000;
const START = 1_700_006_400_000;
const BLOCKS = 3;
/** Of the newest sample. */
const END = START + 28_000_000 + 1000 * 1999;
const files = createNodeFileSystem();
/** Blocks, and a log of several segments behind a checkpoint. */
let whole = '';

interface Opened {
  readonly db: Database;
  readonly maintenance: Maintenance;
  /** A line per message from warnings on: what, and its fields. */
  readonly said: string[];
  close(): void;
}

async function open(directory: string): Promise<Opened> {
  const heap = new SharedHeap(createMemory(64 << 20));
  const clock = createNodeClock();
  const said: string[] = [];
  const note = (message: string, fields: LogFields = {}): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { ...silentLogger, warn: note, error: note };
  const prng = seededPrng(5);
  let names = Date.now();
  const ranges = blockRanges(2 * HOUR, 31 * 24 * HOUR);
  const store = new BlockStore({ files, directory, nowMs: () => names++, prng, ranges });
  const chunks = { files, directory: `${directory}/chunks_head` };
  const head = (): HeadReader => new HeadReader(heap.shared, 63, chunks);
  const codecs = () => ({ snappy: createPlainSnappy() });
  const maintenance = new Maintenance({
    worker: localBlockWorker({ store, files, directory, head, codecs }),
    list: new BlockListWriter(heap),
    clock,
    logger,
    chunkRangeMs: 2 * HOUR,
    retention: () => ({ durationMs: 0, sizeBytes: 0 }),
    otherBytes: () => 0,
    automatic: false,
  });
  const parts = { directory, files, clock, logger, heap, processId: process.pid };
  const db = await openDatabase({
    ...parts,
    walSegmentBytes: 65_536,
    walCompression: 'none',
    floorTime: () => maintenance.open(),
  });
  db.head.reserveScratch(63, 8 << 20);
  maintenance.start(db);
  const close = (): void => {
    void maintenance.stop();
    store.close();
    db.close();
  };
  return { db, maintenance, said, close };
}

function append(db: Database, times: readonly number[]): void {
  const refs = Array.from({ length: 10 }, (_, i) =>
    db.head.seriesRef(labelsFrom({ __name__: 'm', i: String(i) })),
  );
  const batch = db.head.newBatch(refs.length);
  for (const time of times) {
    refs.forEach((ref, i) => {
      batch.refs[i] = ref;
      batch.times[i] = time;
      batch.values[i] = i;
    });
    batch.count = refs.length;
    db.head.append(batch);
  }
  db.head.releaseBatch(batch);
}

beforeAll(async () => {
  whole = mkdtempSync(join(tmpdir(), 'hearth-whole-'));
  const { db, maintenance, close } = await open(whole);
  append(
    db,
    Array.from({ length: 2800 }, (_, k) => START + 10_000 * k),
  );
  await maintenance.compact();
  append(
    db,
    Array.from({ length: 2000 }, (_, k) => START + 28_000_000 + 1000 * k),
  );
  close();
});
afterAll(() => rmSync(whole, { recursive: true, force: true }));

function copied(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-bad-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(whole, directory, { recursive: true });
  return directory;
}

const blocksOf = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /^[0-9A-Z]{26}$/.test(name));

const setByte = (path: string, at: number, value: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = value;
  writeFileSync(path, bytes);
};

const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));

test('what is whole is opened without a word', async () => {
  const { said, maintenance, db, close } = await open(copied());
  expect(said).toEqual([]);
  expect(maintenance.blocks.length).toBe(BLOCKS);
  expect(readdirSync(join(whole, 'wal')).length).toBeGreaterThan(3);
  expect(db.head.maxTime).toBe(END);
  close();
});

test.each<[string, string, (block: string) => void, RegExp]>([
  [
    'meta.json of a newer format',
    'meta.json',
    (block) => edit(`${block}/meta.json`, (text) => text.replace('"version": 1', '"version": 2')),
    /unexpected meta file version 2; only 1 is known/,
  ],
  [
    'meta.json cut short',
    'meta.json',
    (block) => truncateSync(`${block}/meta.json`, 40),
    /it is not JSON, or cut short/,
  ],
  [
    'no meta.json: half copied',
    'meta.json',
    (block) => rmSync(`${block}/meta.json`),
    /no such file or directory/,
  ],
  [
    'meta.json that ends before it begins',
    'meta.json',
    (block) => edit(`${block}/meta.json`, (text) => text.replace(/"maxTime": \d+/, '"maxTime": 1')),
    /it begins at \d+ and ends before, at 1/,
  ],
  [
    'an index of a newer format',
    'index',
    (block) => setByte(`${block}/index`, 4, 3),
    /index version 3; only 2 is known/,
  ],
  [
    'an index half copied',
    'index',
    (block) => truncateSync(`${block}/index`, 300),
    /table of contents is damaged or cut off/,
  ],
  [
    'chunks of a newer format',
    'chunks/000001',
    (block) => setByte(`${block}/chunks/000001`, 4, 2),
    /chunk segment version 2; only 1 is known/,
  ],
  [
    'no chunks: half copied',
    'chunks',
    (block) => rmSync(`${block}/chunks`, { recursive: true }),
    /cannot list .*: no such file or directory/,
  ],
  [
    'tombstones of a newer format',
    'tombstones',
    // The checksum of nothing is 0.
    (block) => writeFileSync(`${block}/tombstones`, Buffer.from('0130ba300200000000', 'hex')),
    /tombstones version 2; only 1 is known/,
  ],
])('a block with %s is left out and named', async (_, file, ruin, why) => {
  const directory = copied();
  const [block = ''] = blocksOf(directory);
  ruin(join(directory, block));
  const { said, maintenance, close } = await open(directory);
  expect(said.length).toBe(1);
  expect(said[0]).toMatch(/^Block cannot be used: it is left out of queries and left where it is/);
  expect(said[0]).toContain(`"path":"${directory}/${block}/${file}"`);
  expect(said[0]).toMatch(why);
  expect(maintenance.blocks.length).toBe(BLOCKS - 1);
  expect(blocksOf(directory).length).toBe(BLOCKS);
  close();
});

test('a copy of a block under another name is left out, the block itself is used', async () => {
  const directory = copied();
  const [block = ''] = blocksOf(directory);
  const copy = `${block.slice(0, -1)}${block.endsWith('Z') ? 'Y' : 'Z'}`;
  cpSync(join(directory, block), join(directory, copy), { recursive: true });
  const { said, maintenance, close } = await open(directory);
  expect(said.length).toBe(1);
  expect(said[0]).toContain(`${copy}/meta.json: it is of block ${block}, which is not the name`);
  expect(maintenance.blocks.length).toBe(BLOCKS);
  close();
});

test('blocks that overlap are used and named once', async () => {
  const directory = copied();
  const [first = '', second = ''] = blocksOf(directory);
  const begin = JSON.parse(readFileSync(join(directory, first, 'meta.json'), 'utf8')).minTime;
  edit(join(directory, second, 'meta.json'), (text) =>
    text.replace(/"minTime": \d+/, `"minTime": ${begin}`),
  );
  const { said, maintenance, close } = await open(directory);
  expect(said.length).toBe(1);
  expect(said[0]).toMatch(/^Overlapping blocks found/);
  for (const ulid of [first, second]) expect(said[0]).toContain(ulid);
  expect(maintenance.blocks.length).toBe(BLOCKS);
  close();
});

const segmentsOf = (directory: string): string[] =>
  readdirSync(`${directory}/wal`)
    .filter((name) => /^[0-9]+$/.test(name))
    .sort();

test('a log with a hole is read, and the hole is named', async () => {
  const directory = copied();
  const [, , hole = ''] = segmentsOf(directory);
  rmSync(`${directory}/wal/${hole}`);
  const { said, db, close } = await open(directory);
  expect(said[0]).toBe(
    `WAL segments are missing: their samples are lost, the others are read ${JSON.stringify({
      directory: `${directory}/wal`,
      first: hole,
      last: hole,
    })}`,
  );
  expect(db.head.maxTime).toBe(END);
  close();
});

test('records of a newer format: what cannot be framed is cut off, and told', async () => {
  const directory = copied();
  const last = segmentsOf(directory).at(-1)!;
  const path = `${directory}/wal/${last}`;
  const before = readFileSync(path);
  writeFileSync(path, Buffer.concat([before, Buffer.from([0x41, 0, 1, 0, 0, 0, 0, 9])]));
  const { said, db, close } = await open(directory);
  expect(said.length).toBe(1);
  expect(said[0]).toContain(`corruption in segment ${path} at ${before.length}`);
  expect(said[0]).toMatch(/unexpected record flags 65.*"bytesDropped":8/);
  expect(db.head.maxTime).toBe(END);
  close();
});

test('a checkpoint that cannot be read stops the start and says what to do', async () => {
  const directory = copied();
  const checkpoint = readdirSync(`${directory}/wal`).find((name) => name.startsWith('checkpoint'))!;
  const path = `${directory}/wal/${checkpoint}/00000000`;
  writeFileSync(path, 'not a log at all');
  await expect(open(directory)).rejects.toThrow(
    `cannot read checkpoint ${path}: unexpected record flags 110 at byte 0. It cannot be repaired: move`,
  );
});

test('a log from the future says until when samples are refused', async () => {
  const directory = copied();
  const future = Date.now() + 365 * 24 * HOUR;
  const { db, close } = await open(directory);
  append(db, [future]);
  close();
  const again = await open(directory);
  expect(again.said.length).toBe(1);
  expect(again.said[0]).toMatch(/^The head holds samples of the future, and refuses what is older/);
  expect(again.said[0]).toContain(`"newest":"${new Date(future).toISOString()}"`);
  expect(again.said[0]).toContain(`"minValidTime":"${new Date(future - HOUR).toISOString()}"`);
  again.close();
});

test('a directory of another owner is refused with file and remedy', async () => {
  const directory = copied();
  const mine = process.geteuid?.();
  chmodSync(directory, 0o555);
  // Root may write everywhere.
  if (mine === 0) process.seteuid?.(65_534);
  try {
    await expect(open(directory)).rejects.toThrow(
      `cannot use ${directory} for data: cannot write ${directory}/lock: permission denied. The user that runs this must own`,
    );
  } finally {
    if (mine === 0) process.seteuid?.(0);
    chmodSync(directory, 0o755);
  }
});
