// SPDX-License-Identifier: Apache-2.0
// A block written from the head holds what the head held, for our reader and for the real programs.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { peerPath } from '../../../test/peers.ts';
import { seededPrng } from '../../base/index.ts';
import type { ChunkFormats } from '../../chunks/index.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import type { Labels, Matcher } from '../../model/index.ts';
import { Histogram, labelsFrom, labelsKey } from '../../model/index.ts';
import { createNodeFileSystem } from '../../platform/index.ts';
import type { Querier } from '../../storage/index.ts';
import { mergeQueriers } from '../../storage/index.ts';
import { BlockQuerier } from '../block/block-querier.ts';
import { BlockReader } from '../block/block-reader.ts';
import { ChunkCursor } from '../block/chunk-files.ts';
import type { ChunkMemory } from '../block/chunk-memory.ts';
import { PlainChunkMemory, SharedChunkMemory } from '../block/chunk-memory.ts';
import { newUlid } from '../block/ulid.ts';
import { Head } from '../head/head.ts';
import { HeadReader } from '../head/reader.ts';
import { PageCache } from '../index/paged-file.ts';
import { newSeriesEntry } from '../index/reader.ts';
import { Selection, SelectionCache } from '../index/selections.ts';
import { writeHeadBlock } from './head-block.ts';

const files = createNodeFileSystem();
const RANGE = 7_200_000;
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-block-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Filled {
  readonly heap: SharedHeap;
  readonly head: Head;
  readonly reader: HeadReader;
}

/** A head with odd series over somewhat more than three hours from `start`. */
function filledHead(start: number, seriesCount: number): Filled {
  const heap = new SharedHeap(createMemory(256 << 20));
  const head = new Head(heap, { chunkRangeMs: RANGE, wal: undefined });
  head.reserveScratch(0, 16 << 20);
  const prng = seededPrng(7);
  const series: { ref: number; step: number; end: number; value: number }[] = [];
  for (let i = 0; i < seriesCount; i++) {
    const labels = labelsFrom({
      __name__: `metric_${i % 7}`,
      instance: `host-${seriesCount - i}:9090`,
      job: i % 3 === 0 ? 'ä"\n\\' : 'node',
      ...(i % 5 === 0 ? { zone: `z${i % 11}` } : {}),
    });
    // Some end early, so that their newest chunk is in the block.
    const end = start + (i % 4 === 0 ? RANGE / 2 : 2 * RANGE);
    series.push({ ref: head.seriesRef(labels), step: 5000 * (1 + (i % 9)), end, value: i });
  }
  const batch = head.newBatch(seriesCount);
  for (let time = start; time < start + 1.6 * RANGE; time += 5000) {
    batch.count = 0;
    for (const one of series) {
      if (time >= one.end || (time - start) % one.step !== 0) continue;
      one.value += prng.below(3) === 0 ? prng.next() : prng.below(10);
      batch.refs[batch.count] = one.ref;
      batch.times[batch.count] = time + prng.below(3);
      batch.values[batch.count] = prng.below(50) === 0 ? Number.NaN : one.value;
      batch.count++;
    }
    head.append(batch);
  }
  head.releaseBatch(batch);
  return { heap, head, reader: new HeadReader(heap.shared, 0) };
}

/** All samples by series, as text. */
function contents(
  querier: Querier,
  matchers: readonly Matcher[],
  min: number,
  max: number,
): Map<string, string> {
  const set = querier.select(matchers, min, max);
  const found = new Map<string, string>();
  const pairs = new Uint32Array(2 * set.maxLabelCount);
  for (let row = 0; row < set.count; row++) {
    const count = set.labelIds(row, pairs);
    const labels: [string, string][] = [];
    for (let i = 0; i < count; i++) {
      labels.push([set.symbols.text(pairs[2 * i]!), set.symbols.text(pairs[2 * i + 1]!)]);
    }
    const n = set.read(row, min, max);
    const samples: string[] = [];
    for (let i = 0; i < n; i++) samples.push(`${set.columns.times[i]}=${set.columns.values[i]}`);
    if (n > 0) found.set(labelsKey(labelsFrom(labels)), samples.join(' '));
  }
  querier.close();
  return found;
}

const selectors: readonly (readonly Matcher[])[] = [
  [],
  [{ name: '__name__', type: '=', value: 'metric_3' }],
  [{ name: 'zone', type: '=', value: '' }],
  [{ name: 'zone', type: '!=', value: '' }],
  [{ name: 'job', type: '!=', value: 'node' }],
  [
    { name: 'instance', type: '=~', value: 'host-1.*' },
    { name: '__name__', type: '=~', value: 'metric_1|metric_2' },
  ],
  [{ name: 'zone', type: '!~', value: 'z[1-4]' }],
  [{ name: 'zone', type: '=~', value: '(z1)?' }],
  [{ name: 'nowhere', type: '=', value: 'x' }],
];

function write(
  { reader }: Filled,
  minTime: number,
  maxTime: number,
  more: { readonly formats?: ChunkFormats } = {},
) {
  const name = 1_700_000_000_000 + (minTime % RANGE) + readdirSync(directory).length;
  const ulid = newUlid(name, seededPrng(1));
  return writeHeadBlock(reader, { files, directory, ulid, minTime, maxTime, ...more });
}

const START = 1_699_999_200_000;

test('a block holds what the head held, for every selector and range', () => {
  const filled = filledHead(START, 120);
  const meta = write(filled, START, START + RANGE)!;
  expect(readdirSync(directory)).toEqual([meta.ulid]);
  const block = new BlockReader(files, `${directory}/${meta.ulid}`, new PageCache(1 << 20));
  expect(block.meta).toEqual(meta);
  expect(meta.stats.numSeries).toBe(120);
  const shared = filled.heap.shared;
  const scratch = filled.heap.allocate(8 << 20);
  for (const memory of [new PlainChunkMemory(), new SharedChunkMemory(shared, scratch, 8 << 20)]) {
    for (const matchers of selectors) {
      for (const [min, max] of [
        [START, START + RANGE - 1],
        [START + 1_000_000, START + 1_090_001],
      ] as const) {
        const querier = new BlockQuerier(block, memory);
        expect(contents(querier, matchers, min, max)).toEqual(
          contents(filled.reader.querier(), matchers, min, max),
        );
        memory.reset();
      }
    }
  }
  block.close();
});

test('label names and values of a block are those of the head', () => {
  const filled = filledHead(START, 60);
  const meta = write(filled, START, START + RANGE)!;
  const block = new BlockReader(files, `${directory}/${meta.ulid}`, new PageCache(1 << 16));
  const inBlock = new BlockQuerier(block, new PlainChunkMemory());
  const inHead = filled.reader.querier();
  const [min, max] = [START, START + RANGE - 1];
  for (const matchers of selectors) {
    expect(inBlock.labelNames(matchers, min, max)).toEqual(inHead.labelNames(matchers, min, max));
    for (const name of ['zone', 'instance', 'job', 'nothing']) {
      expect(inBlock.labelValues(name, matchers, min, max)).toEqual(
        inHead.labelValues(name, matchers, min, max),
      );
    }
  }
  inHead.close();
  block.close();
});

test('a block made of parts of chunks, and the head after it, make up the whole', () => {
  const filled = filledHead(START, 40);
  const cut = START + 3_333_333;
  const [min, max] = [START, START + 2 * RANGE];
  const whole = contents(filled.reader.querier(), [], min, max);
  const meta = write(filled, START, cut)!;
  const block = new BlockReader(files, `${directory}/${meta.ulid}`, new PageCache(1 << 20));
  const scratch = filled.heap.allocate(8 << 20);
  const memories = [
    new PlainChunkMemory(),
    new SharedChunkMemory(filled.heap.shared, scratch, 8 << 20),
  ];
  const both = (memory: ChunkMemory) =>
    mergeQueriers([new BlockQuerier(block, memory), filled.reader.querier()]);
  // The head still has all: every sample of the block is there twice.
  for (const memory of memories) expect(contents(both(memory), [], min, max)).toEqual(whole);
  filled.head.setFloor(cut);
  for (const memory of memories) expect(contents(both(memory), [], min, max)).toEqual(whole);
  // What the head has goes behind what was read of the block, and stays in the same memory.
  const [, memory] = memories;
  const querier = both(memory!);
  const merged = querier.select([], min, max);
  for (let row = 0; row < merged.count; row++) {
    const n = merged.read(row, min, max);
    expect(n).toBeGreaterThan(0);
    expect(merged.columns.times.buffer).toBe(filled.heap.shared.u8.buffer);
  }
  querier.close();
  block.close();
});

test('blocks one after the other are read into one column, the same as apart', () => {
  const filled = filledHead(START, 40);
  const cut = START + 3_600_000;
  const [min, max] = [START, START + RANGE - 1];
  const whole = contents(filled.reader.querier(), [], min, max);
  const metas = [write(filled, START, cut)!, write(filled, cut, START + RANGE)!];
  const blocks = metas.map(
    ({ ulid }) => new BlockReader(files, `${directory}/${ulid}`, new PageCache(1 << 20)),
  );
  const scratch = filled.heap.allocate(8 << 20);
  const memories = [
    new PlainChunkMemory(),
    new SharedChunkMemory(filled.heap.shared, scratch, 8 << 20),
  ];
  for (const memory of memories) {
    const queriers = blocks.map((block) => new BlockQuerier(block, memory));
    expect(contents(mergeQueriers(queriers), [], min, max)).toEqual(whole);
    const [first, second] = queriers.map((querier) => querier.select([], min, max));
    const n = first!.read(0, min, max);
    const times = first!.columns.times.slice(0, n);
    // What is not later cannot be appended, and leaves what was read.
    expect(queriers[0]!.select([], min, max).readBehind!(first!, n, 0, min, max)).toBe(-1);
    expect(first!.columns.times.slice(0, n)).toEqual(times);
    const more = second!.read(0, min, max);
    expect(second!.readBehind!(first!, n, 0, min, max)).toBe(n + more);
    memory.reset();
  }
  // Another memory: nothing is appended.
  const [here, there] = memories.map((memory) => new BlockQuerier(blocks[0]!, memory));
  const before = here!.select([], min, max);
  const n = before.read(0, min, max);
  expect(there!.select([], min, max).readBehind!(before, n, 0, min, max)).toBe(-1);
  for (const block of blocks) block.close();
});

test('a damaged chunk is found by whoever has not read it before', () => {
  const filled = filledHead(START, 40);
  const meta = write(filled, START, START + RANGE)!;
  const block = new BlockReader(files, `${directory}/${meta.ulid}`, new PageCache(1 << 20));
  const scratch = filled.heap.allocate(16 << 20);
  const newMemory = () => new SharedChunkMemory(filled.heap.shared, scratch, 16 << 20);
  const read = (memory: ChunkMemory) =>
    contents(new BlockQuerier(block, memory), [], START, START + RANGE);
  const memory = newMemory();
  const whole = read(memory);
  expect(read(memory)).toEqual(whole);
  // The last byte of the last chunk's samples, in front of its checksum.
  const path = `${directory}/${meta.ulid}/chunks/000001`;
  const bytes = readFileSync(path);
  bytes[bytes.length - 5]! ^= 0x40;
  writeFileSync(path, bytes);
  expect(() => read(newMemory())).toThrow(/wrong checksum/);
  expect(() => read(new PlainChunkMemory())).toThrow(/wrong checksum/);
  block.close();
});

test('what was selected once is the same when it is remembered, and when it is forgotten', () => {
  const filled = filledHead(START, 120);
  const meta = write(filled, START, START + RANGE)!;
  const block = new BlockReader(files, `${directory}/${meta.ulid}`, new PageCache(1 << 20));
  const ranges = [
    [START, START + RANGE - 1],
    [START + 1_000_000, START + 1_090_001],
  ] as const;
  for (const bytesMax of [1 << 20, 4096]) {
    const cache = new SelectionCache(bytesMax);
    for (const matchers of [...selectors, ...selectors]) {
      for (const [min, max] of ranges) {
        const querier = new BlockQuerier(block, new PlainChunkMemory(), cache);
        const plain = new BlockQuerier(block, new PlainChunkMemory());
        expect(contents(querier, matchers, min, max)).toEqual(contents(plain, matchers, min, max));
      }
    }
  }
  const cache = new SelectionCache(1 << 20);
  const selected = cache.select(block.index, []);
  expect(selected).toBeInstanceOf(Selection);
  expect(cache.select(block.index, [])).toBe(selected);
  cache.clear();
  expect(cache.select(block.index, [])).not.toBe(selected);
  block.close();
});

test('nothing in range, no block', () => {
  const filled = filledHead(START, 3);
  expect(write(filled, 1000, 2000)).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

const promtool = peerPath('promtool');

/** Lines of the real `tsdb dump`, which wants a WAL to be there. */
function realDump(): string[] {
  files.makeDirectorySync(`${directory}/wal`);
  const run = spawnSync(promtool ?? '', ['tsdb', 'dump', directory], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  expect(run.stderr).toBe('');
  return run.stdout.trimEnd().split('\n');
}

/** Go's %v of a float. */
function goFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return exponent >= 21 ? value.toExponential() : String(value);
}

test.skipIf(promtool === undefined)('the real promtool dumps the same samples', () => {
  const filled = filledHead(START, 50);
  write(filled, START, START + RANGE);
  const querier = filled.reader.querier();
  const set = querier.select([], START, START + RANGE - 1);
  const pairs = new Uint32Array(2 * set.maxLabelCount);
  const expected: string[] = [];
  for (let row = 0; row < set.count; row++) {
    const count = set.labelIds(row, pairs);
    const labels: Labels = Array.from({ length: count }, (_, i) => ({
      name: set.symbols.text(pairs[2 * i]!),
      value: set.symbols.text(pairs[2 * i + 1]!),
    }));
    const text = labels.map(({ name, value }) => `${name}=${JSON.stringify(value)}`).join(', ');
    const n = set.read(row, START, START + RANGE - 1);
    for (let i = 0; i < n; i++) {
      expected.push(`{${text}} ${goFloat(set.columns.values[i]!)} ${set.columns.times[i]}`);
    }
  }
  querier.close();
  expect(realDump().sort()).toEqual(expected.sort());
});

test('start times are in the block, unless its encodings have no place for them', () => {
  const heap = new SharedHeap(createMemory(64 << 20));
  const head = new Head(heap, { chunkRangeMs: RANGE, wal: undefined });
  head.reserveScratch(0, 4 << 20);
  const reader = new HeadReader(heap.shared, 0);
  const refs = ['float', 'plain', 'histogram'].map((name) =>
    head.seriesRef(labelsFrom({ __name__: name })),
  );
  const batch = head.newBatch(3);
  batch.count = 3;
  batch.startTimes = new Float64Array(3);
  batch.histograms = new Array<Histogram | undefined>(3).fill(undefined);
  const startAt = (k: number): number => (k < 200 ? START - 1000 : START + 10_000 * k - 5000);
  for (let k = 0; k < 400; k++) {
    batch.refs.set(refs);
    batch.times.fill(START + 10_000 * k);
    batch.values.set([k, k, k]);
    batch.startTimes.set([startAt(k), 0, startAt(k)]);
    batch.histograms[2] = new Histogram({
      schema: 0,
      count: k,
      zeroCount: k,
      sum: k,
      isFloat: false,
    });
    expect(head.append(batch)).toBe(3);
  }
  head.releaseBatch(batch);
  const meta = write({ heap, head, reader }, START, START + RANGE)!;
  const block = new BlockReader(files, `${directory}/${meta.ulid}`, new PageCache(1 << 20));
  const inBlock = new BlockQuerier(block, new PlainChunkMemory());
  const starts = (querier: Querier, name: string): number[] | undefined => {
    const set = querier.select([{ name: '__name__', type: '=', value: name }], 0, 1e15);
    expect(set.read(0, 0, 1e15)).toBe(400);
    return set.startTimes && [...set.startTimes.subarray(0, 400)];
  };
  const expected = Array.from({ length: 400 }, (_, k) => startAt(k));
  const inHead = reader.querier();
  expect(starts(inHead, 'float')).toEqual(expected);
  expect(starts(inHead, 'histogram')).toEqual(expected);
  expect(starts(inBlock, 'float')).toEqual(expected);
  expect(starts(inBlock, 'plain')).toBeUndefined();
  expect(starts(inBlock, 'histogram')).toEqual(expected);
  inHead.close();
  block.close();

  const encodings = (formats: ChunkFormats): number[][] => {
    const written = write({ heap, head, reader }, START, START + RANGE, { formats })!;
    expect(written.stats).toMatchObject({ numFloatSamples: 800, numHistogramSamples: 400 });
    const other = new BlockReader(files, `${directory}/${written.ulid}`, new PageCache(1 << 20));
    const querier = new BlockQuerier(other, new PlainChunkMemory());
    const isKept = formats.xor2 === true ? expected : undefined;
    expect(starts(querier, 'float')).toEqual(isKept);
    expect(starts(querier, 'histogram')).toEqual(formats.histogramStarts ? expected : undefined);
    const cursor = new ChunkCursor(other.chunks, new PlainChunkMemory());
    const entry = newSeriesEntry();
    const found = [...other.index.allSeries()].map((ref) => {
      other.index.readSeries(ref, entry);
      const kinds = new Set<number>();
      for (let i = 0; i < entry.chunkCount; i++) {
        cursor.load(entry.chunkRefs[i]!);
        kinds.add(cursor.encoding);
      }
      return [...kinds];
    });
    other.close();
    return found;
  };
  // Series by name: float, histogram, plain.
  expect(encodings({ xor2: false, histogramStarts: false })).toEqual([[1], [2], [1]]);
  expect(encodings({ xor2: true, histogramStarts: false })).toEqual([[4], [2], [4]]);
  expect(encodings({ xor2: false, histogramStarts: true })).toEqual([[1], [5], [1]]);
});
