// SPDX-License-Identifier: Apache-2.0
// A whole database over hours: head to blocks, compactions, retention, deletion, snapshots, restarts.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { peerPath } from '../../../test/peers.ts';
import type { LogFields, Logger } from '../../base/index.ts';
import { seededPrng, silentLogger } from '../../base/index.ts';
import { createPlainSnappy } from '../../encoding/index.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import type { Matcher } from '../../model/index.ts';
import { Histogram, labelsFrom } from '../../model/index.ts';
import { createNodeClock } from '../../platform/clock.ts';
import { createNodeFileSystem } from '../../platform/files.ts';
import { BlockListWriter } from '../block/block-list.ts';
import { DatabaseReader } from '../block/database-reader.ts';
import type { Database } from '../db.ts';
import { openDatabase } from '../db.ts';
import { HeadReader } from '../head/reader.ts';
import type { RetentionLimits } from '../retention/retention.ts';
import type { BlockWorker } from './block-jobs.ts';
import { localBlockWorker } from './block-jobs.ts';
import { BlockStore } from './block-store.ts';
import { Maintenance } from './maintenance.ts';
import { blockRanges } from './plan.ts';

const HOUR = 3_600_000;
const START = 1_700_006_400_000; // a multiple of two hours
const STEP = 60_000;
const SERIES = 12;

let directory = '';
const closers: (() => void)[] = [];
/** Later for each database opened, as it is in life: names are made of it. */
const now = { ms: START };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-maintenance-'));
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  rmSync(directory, { recursive: true, force: true });
});

const files = createNodeFileSystem();

interface Opened {
  readonly db: Database;
  readonly maintenance: Maintenance;
  readonly reader: DatabaseReader;
  readonly logged: string[];
  /** Kinds of the jobs that the worker did. */
  readonly jobs: string[];
  close(): void;
}

async function open(limits: RetentionLimits = { durationMs: 0, sizeBytes: 0 }): Promise<Opened> {
  const heap = new SharedHeap(createMemory(128 << 20));
  const clock = createNodeClock();
  const logged: string[] = [];
  const note = (message: string, fields: LogFields = {}): void =>
    void logged.push(`${message} ${String(fields.err ?? fields.block ?? '')}`);
  const logger: Logger = { ...silentLogger, info: note, warn: note, error: note };
  const store = new BlockStore({
    files,
    directory,
    nowMs: () => now.ms++,
    prng: seededPrng(5),
    ranges: blockRanges(2 * HOUR, 31 * 24 * HOUR),
  });
  const chunks = { files, directory: `${directory}/chunks_head` };
  const local = localBlockWorker({
    store,
    files,
    directory,
    head: () => new HeadReader(heap.shared, 63, chunks),
    codecs: () => ({ snappy: createPlainSnappy() }),
  });
  const jobs: string[] = [];
  const worker: BlockWorker = {
    run: (job) => {
      jobs.push(job.kind);
      // As plain values, as they are sent to a thread.
      return local.run(structuredClone(job));
    },
  };
  const maintenance = new Maintenance({
    worker,
    list: new BlockListWriter(heap),
    clock,
    logger,
    chunkRangeMs: 2 * HOUR,
    retention: () => limits,
    otherBytes: () => 0,
  });
  const db = await openDatabase({
    directory,
    files,
    clock,
    logger: silentLogger,
    heap,
    processId: process.pid,
    floorTime: () => maintenance.open(),
  });
  db.head.reserveScratch(0, 8 << 20);
  db.head.reserveScratch(63, 8 << 20);
  // The interval is a minute: the timer never fires in a test.
  maintenance.start(db);
  const scratchBytes = 8 << 20;
  const scratchAddress = heap.allocate(scratchBytes);
  const parts = { shared: heap.shared, worker: 0, files, directory };
  const reader = new DatabaseReader({ ...parts, scratchAddress, scratchBytes });
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    void maintenance.stop();
    reader.close();
    store.close();
    db.close();
  };
  closers.push(close);
  return { db, maintenance, reader, logged, jobs, close };
}

const valueAt = (series: number, time: number): number =>
  ((time - START) / STEP) * (series + 1) + (series % 2 === 0 ? 0 : 0.25);

/** Appends every series each minute of [from, to) hours after the start. */
function fill(db: Database, from: number, to: number): void {
  const refs = Array.from({ length: SERIES }, (_, i) =>
    db.head.seriesRef(labelsFrom({ __name__: 'm', i: String(i), odd: String(i % 2) })),
  );
  const batch = db.head.newBatch(SERIES);
  for (let time = START + from * HOUR; time < START + to * HOUR; time += STEP) {
    refs.forEach((ref, i) => {
      batch.refs[i] = ref;
      batch.times[i] = time;
      batch.values[i] = valueAt(i, time);
    });
    batch.count = SERIES;
    expect(db.appender.append(batch)).toBe(SERIES);
  }
  db.head.releaseBatch(batch);
}

const all: readonly Matcher[] = [{ name: '__name__', type: '=', value: 'm' }];

/** Checks that each series has exactly the samples that `expected` says. Returns how many there are. */
function check(
  reader: DatabaseReader,
  hours: number,
  expected: (series: number, time: number) => boolean = () => true,
): number {
  const querier = reader.querier();
  let total = 0;
  try {
    const set = querier.select(all, 0, 1e15);
    for (let row = 0; row < set.count; row++) {
      const series = Number(set.symbols.text(set.labelValueId(row, set.symbols.id('i'))));
      const n = set.read(row, 0, 1e15);
      const times: number[] = [];
      for (let i = 0; i < n; i++) {
        times.push(set.columns.times[i]!);
        expect(set.columns.values[i]).toBe(valueAt(series, set.columns.times[i]!));
      }
      const wanted: number[] = [];
      for (let time = START; time < START + hours * HOUR; time += STEP) {
        if (expected(series, time)) wanted.push(time);
      }
      expect(times).toEqual(wanted);
      total += n;
    }
  } finally {
    querier.close();
  }
  return total;
}

const blockNames = (): string[] =>
  readdirSync(directory).filter((name) => /^[0-9A-Z]{26}$/.test(name));
const ranges = ({ maintenance }: Opened): [number, number, number][] =>
  maintenance.blocks.map(({ meta }) => [
    (meta.minTime - START) / HOUR,
    (meta.maxTime - START) / HOUR,
    meta.compaction.level,
  ]);

test('the head becomes blocks, blocks become bigger blocks, and no sample is lost or doubled', async () => {
  const opened = await open();
  for (let hour = 0; hour < 20; hour += 2) {
    fill(opened.db, hour, hour + 2);
    await opened.maintenance.compact();
    check(opened.reader, hour + 2);
  }
  expect(ranges(opened)).toEqual([
    [0, 6, 2],
    [6, 12, 2],
    [12, 14, 1],
    [14, 16, 1],
    [16, 18, 1],
  ]);
  expect(blockNames().length).toBe(5);
  const { counters } = opened.maintenance;
  expect(counters).toMatchObject({ compactions: 11, compactionsFailed: 0, verticalCompactions: 0 });
  expect(opened.db.head.minTime).toBe(START + 18 * HOUR);
  const first = opened.maintenance.blocks[0]!.meta;
  expect(first.compaction.sources.length).toBe(3);
  expect(first.compaction.parents.length).toBe(3);
  expect(first.stats).toMatchObject({ numSeries: SERIES, numSamples: SERIES * 360 });
  opened.close();

  const again = await open();
  expect(ranges(again)).toEqual(ranges(opened));
  check(again.reader, 20);
  fill(again.db, 20, 22);
  await again.maintenance.compact();
  expect(check(again.reader, 22)).toBe(SERIES * 22 * 60);
});

test('retention by time and by size drops the oldest blocks, the newest stays', async () => {
  const opened = await open({ durationMs: 5 * HOUR, sizeBytes: 0 });
  fill(opened.db, 0, 12);
  await opened.maintenance.compact();
  expect(ranges(opened).map(([from]) => from)).toEqual([4, 6, 8]);
  expect(opened.maintenance.counters.timeRetentions).toBe(2);
  check(opened.reader, 12, (_series, time) => time >= START + 4 * HOUR);
  opened.close();

  const small = await open({ durationMs: 0, sizeBytes: 1 });
  await small.maintenance.compact();
  expect(small.maintenance.blocks).toEqual([]);
  expect(small.maintenance.counters.sizeRetentions).toBe(1);
  expect(blockNames()).toEqual([]);
});

const odd: readonly Matcher[] = [{ name: 'odd', type: '=', value: '1' }];
const isDeleted = (series: number, time: number): boolean =>
  series % 2 === 1 && time >= START + HOUR && time <= START + 3 * HOUR;

test('deleted samples are gone at once, and from the files after cleaning', async () => {
  const opened = await open();
  fill(opened.db, 0, 8);
  await opened.maintenance.compact();
  const before = ranges(opened);
  await opened.maintenance.deleteSeries([odd], START + HOUR, START + 3 * HOUR);
  check(opened.reader, 8, (series, time) => !isDeleted(series, time));
  expect(opened.maintenance.blocks.some(({ meta }) => meta.stats.numTombstones > 0)).toBe(true);

  await opened.maintenance.cleanTombstones();
  check(opened.reader, 8, (series, time) => !isDeleted(series, time));
  expect(ranges(opened).map(([from, to]) => [from, to])).toEqual(
    before.map(([from, to]) => [from, to]),
  );
  expect(opened.maintenance.blocks.every(({ meta }) => meta.stats.numTombstones === 0)).toBe(true);
  opened.close();
  check((await open()).reader, 8, (series, time) => !isDeleted(series, time));
});

test('a block of which everything is deleted goes away', async () => {
  const opened = await open();
  fill(opened.db, 0, 6);
  await opened.maintenance.compact();
  await opened.maintenance.deleteSeries([all], START, START + 2 * HOUR - 1);
  await opened.maintenance.cleanTombstones();
  expect(ranges(opened).map(([from]) => from)).toEqual([2]);
  check(opened.reader, 6, (_series, time) => time >= START + 2 * HOUR);
});

test('a snapshot is a database of its own', async () => {
  const opened = await open();
  fill(opened.db, 0, 7);
  await opened.maintenance.compact();
  const target = `${directory}/snapshots/one`;
  await opened.maintenance.snapshot(target, true);
  await opened.maintenance.deleteSeries([all], 0, 1e15);
  opened.close();
  const other = directory;
  directory = target;
  try {
    const copy = await open();
    expect(ranges(copy).length).toBe(3);
    check(copy.reader, 7);
    copy.close();
  } finally {
    directory = other;
  }
});

test('overlapping blocks are merged, each sample once', async () => {
  const opened = await open();
  fill(opened.db, 0, 6);
  await opened.maintenance.compact();
  const [block] = blockNames();
  opened.close();
  // The same block again, under another name: what a careless copy looks like.
  const copy = '01HF0000000000000000000000';
  spawnSync('cp', ['-r', join(directory, block!), join(directory, copy)]);
  const meta = JSON.parse(readFileSync(join(directory, copy, 'meta.json'), 'utf8')) as object;
  writeFileSync(join(directory, copy, 'meta.json'), JSON.stringify({ ...meta, ulid: copy }));
  const again = await open();
  check(again.reader, 6);
  await again.maintenance.compact();
  check(again.reader, 6);
  expect(again.maintenance.counters.verticalCompactions).toBe(1);
  expect(again.maintenance.blocks.map(({ meta: { stats } }) => stats.numSamples)).toEqual([
    SERIES * 120,
    SERIES * 120,
  ]);
});

test('what a crash left is cleared, bad blocks are named and left alone', async () => {
  const opened = await open();
  fill(opened.db, 0, 8);
  await opened.maintenance.compact();
  opened.close();
  const [bad, worse] = blockNames();
  mkdirSync(join(directory, '01HF0000000000000000000001.tmp-for-creation/chunks'), {
    recursive: true,
  });
  mkdirSync(join(directory, '01HF0000000000000000000002.tmp-for-deletion'));
  mkdirSync(join(directory, '01HF0000000000000000000003'));
  const text = readFileSync(join(directory, bad!, 'meta.json'), 'utf8');
  writeFileSync(join(directory, bad!, 'meta.json'), text.slice(0, 40));
  const index = readFileSync(join(directory, worse!, 'index'));
  writeFileSync(join(directory, worse!, 'index'), index.subarray(0, index.length - 60));
  const again = await open();
  const problems = again.logged.filter((line) => line.startsWith('Block cannot be used'));
  expect(problems.length).toBe(3);
  for (const pattern of [
    /cannot read .*meta\.json: it is not JSON, or cut short/,
    /cannot read .*3\/meta\.json: no such file/,
    /index: its table of contents is damaged or cut off/,
  ]) {
    expect(problems.filter((line) => pattern.test(line)).length).toBe(1);
  }
  expect(readdirSync(directory).filter((name) => name.includes('.tmp'))).toEqual([]);
  await again.maintenance.compact();
  expect(again.maintenance.counters.compactionsFailed).toBe(0);
});

test('a deletion of everything, without bounds, leaves a log that is read to its end', async () => {
  const opened = await open();
  fill(opened.db, 0, 1);
  await opened.maintenance.deleteSeries([all], Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  check(opened.reader, 1, () => false);
  fill(opened.db, 1, 2);
  opened.close();
  const again = await open();
  expect(again.db.walCorruptions).toBe(0);
  check(again.reader, 2, (_series, time) => time >= START + HOUR);
});

const promtool = peerPath('promtool');

test.skipIf(promtool === undefined)(
  'the real promtool lists the same blocks and samples',
  async () => {
    const opened = await open();
    fill(opened.db, 0, 16);
    await opened.maintenance.compact();
    await opened.maintenance.deleteSeries([odd], START + HOUR, START + 3 * HOUR);
    opened.close();
    const list = spawnSync(promtool!, ['tsdb', 'list', directory], { encoding: 'utf8' });
    expect(list.stderr).toBe('');
    const rows = list.stdout.trimEnd().split('\n').slice(1);
    expect(rows.map((row) => row.split(/\s+/).slice(0, 3).map(Number).slice(1))).toEqual(
      opened.maintenance.blocks.map(({ meta }) => [meta.minTime, meta.maxTime]),
    );
    const dump = spawnSync(promtool!, ['tsdb', 'dump', directory], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect(dump.stderr).toBe('');
    const wanted: string[] = [];
    for (let i = 0; i < SERIES; i++) {
      for (let time = START; time < START + 16 * HOUR; time += STEP) {
        if (isDeleted(i, time)) continue;
        wanted.push(`{__name__="m", i="${i}", odd="${i % 2}"} ${valueAt(i, time)} ${time}`);
      }
    }
    expect(dump.stdout.trimEnd().split('\n').sort()).toEqual(wanted.sort());
  },
);

test('late samples, histograms and deletions of the head go into blocks and are read back', async () => {
  const { db, maintenance, reader, logged } = await open();
  db.head.outOfOrderWindowMs = 5 * HOUR;
  const refs = ['float', 'hist'].map((name) => db.head.seriesRef(labelsFrom({ __name__: name })));
  const put = (i: number, time: number, value: number): void => {
    const batch = db.head.newBatch(1);
    batch.count = 1;
    batch.refs[0] = refs[i]!;
    batch.times[0] = time;
    batch.values[0] = value;
    if (i === 1) {
      batch.histograms = [
        new Histogram({ schema: 0, count: value, sum: value, zeroCount: value, isFloat: false }),
      ];
    }
    expect(db.head.append(batch)).toBe(1);
    db.head.releaseBatch(batch);
  };
  const expected: [number[], number[]] = [[], []];
  const step = 5 * 60_000;
  for (let k = 0; k < 84; k++) {
    for (const i of [0, 1]) {
      put(i, START + k * step, k);
      expected[i]!.push(START + k * step);
      // Every third sample has a late one far behind it, then even in the time of a block.
      if (k >= 40 && k % 3 === 0) {
        const late = START + (k - (k <= 60 ? 38 : 58)) * step + 1000;
        put(i, late, 1000 + k);
        expected[i]!.push(late);
      }
    }
    if (k === 60) await maintenance.compact();
  }
  const gone = [START + HOUR, START + 2 * HOUR] as const;
  const any: Matcher[] = [{ name: '__name__', type: '=~', value: 'float|hist' }];
  await maintenance.deleteSeries([any], gone[0], gone[1]);
  const seen = (name: string): number[] => {
    const querier = reader.querier();
    const set = querier.select([{ name: '__name__', type: '=', value: name }], 0, 1e15);
    expect(set.count).toBe(1);
    const n = set.read(0, 0, 1e15);
    const times = [...set.columns.times.subarray(0, n)];
    if (name === 'hist')
      expect(set.histograms?.slice(0, n).every((h) => h !== undefined)).toBe(true);
    querier.close();
    return times;
  };
  const check = (): void => {
    for (const [i, name] of ['float', 'hist'].entries()) {
      const left = expected[i]!.filter((time) => time < gone[0] || time > gone[1]);
      expect(seen(name)).toEqual(left.sort((a, b) => a - b));
    }
  };
  check();
  await maintenance.compact();
  check();
  // It may have been merged into the others by now.
  expect(logged.some((line) => line.startsWith('write block of out-of-order'))).toBe(true);
});

/** As `fill`, with a segment of the log for each half hour. */
function fillSegments(db: Database, from: number, to: number): void {
  for (let start = from; start < to; start += 0.5) {
    fill(db, start, start + 0.5);
    db.wal.cut();
  }
}

test('the log is cut by the worker, and a start reads its checkpoint', async () => {
  const opened = await open();
  fillSegments(opened.db, 0, 3.5);
  const segments = readdirSync(`${directory}/wal`).length;
  expect(segments).toBeGreaterThan(5);
  await opened.maintenance.compact();
  expect(opened.jobs.filter((kind) => kind === 'checkpoint')).toHaveLength(1);
  const names = readdirSync(`${directory}/wal`);
  expect(names.filter((name) => name.startsWith('checkpoint.'))).toHaveLength(1);
  expect(names.length).toBeLessThan(segments / 2 + 2);
  expect(names).not.toContain('00000000');
  const total = check(opened.reader, 3.5);
  opened.close();
  const again = await open();
  expect(check(again.reader, 3.5)).toBe(total);
  expect(again.db.head.seriesCount).toBe(SERIES);
});

test('a checkpoint that fails leaves the log whole, and is tried again', async () => {
  const opened = await open();
  fillSegments(opened.db, 0, 3.5);
  const before = readdirSync(`${directory}/wal`).sort();
  const damaged = `${directory}/wal/${before[1]}`;
  const bytes = readFileSync(damaged);
  const changed = Buffer.from(bytes);
  changed[9]! ^= 1;
  writeFileSync(damaged, changed);
  await opened.maintenance.compact();
  expect(opened.db.checkpoints.creationsFailed).toBe(1);
  const after = readdirSync(`${directory}/wal`);
  for (const name of before) expect(after).toContain(name);
  expect(after.some((name) => name.startsWith('checkpoint.'))).toBe(false);
  writeFileSync(damaged, bytes);
  fillSegments(opened.db, 3.5, 5.5);
  await opened.maintenance.compact();
  expect(opened.db.checkpoints.creationsFailed).toBe(1);
  expect(readdirSync(`${directory}/wal`).some((name) => name.startsWith('checkpoint.'))).toBe(true);
});
