// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { seededPrng } from '../../base/index.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import type { Matcher } from '../../model/index.ts';
import { labelsFrom } from '../../model/index.ts';
import { AppendStatus } from '../../storage/index.ts';
import { Head } from './head.ts';
import { HeadReader } from './reader.ts';
import { SeriesIndex } from './series-index.ts';
import type { Pause } from './truncate.ts';

const pause: Pause = () => Promise.resolve();

function newHead(chunkRangeMs = 1_000_000): { head: Head; reader: HeadReader } {
  const heap = new SharedHeap(createMemory(64 << 20));
  const head = new Head(heap, { chunkRangeMs, wal: undefined });
  head.reserveScratch(0, 4 << 20);
  return { head, reader: new HeadReader(heap.shared, 0) };
}

function append(head: Head, refs: readonly number[], time: number): number[] {
  const batch = head.newBatch(refs.length);
  refs.forEach((ref, i) => {
    batch.refs[i] = ref;
    batch.times[i] = time;
    batch.values[i] = Math.sqrt(time + i);
  });
  batch.count = refs.length;
  head.append(batch);
  const statuses = [...batch.status.subarray(0, refs.length)];
  head.releaseBatch(batch);
  return statuses;
}

const named = (name: string): Matcher[] => [{ name: '__name__', type: '=', value: name }];

function timesOf(reader: HeadReader, matchers: readonly Matcher[]): number[][] {
  const querier = reader.querier();
  const set = querier.select(matchers, 0, 1e15);
  const all: number[][] = [];
  for (let row = 0; row < set.count; row++) {
    const n = set.read(row, 0, 1e15);
    all.push([...set.columns.times.subarray(0, n)]);
  }
  querier.close();
  return all;
}

test('old chunks go, series with nothing left go with their postings and symbols, the rest stays', async () => {
  const { head, reader } = newHead();
  const stays = head.seriesRef(labelsFrom({ __name__: 'stays', job: 'a' }));
  const goes = head.seriesRef(labelsFrom({ __name__: 'goes', job: 'a', only: 'here' }));
  for (let k = 0; k < 2000; k++) append(head, k < 1000 ? [stays, goes] : [stays], 1000 * k);
  const chunks = head.chunkCount;
  const symbols = head.symbolBytes;
  const result = await head.truncate(1_500_000, pause);
  expect([...result.removedRefs]).toEqual([2]);
  expect(result.chunksRemoved).toBeGreaterThan(10);
  expect(head.chunkCount).toBe(chunks - result.chunksRemoved);
  expect(head.seriesCount).toBe(1);
  expect(head.minTime).toBeLessThanOrEqual(1_500_000);
  const [times] = timesOf(reader, named('stays'));
  expect(times).toEqual(Array.from({ length: 500 }, (_, k) => 1_500_000 + 1000 * k));
  expect(timesOf(reader, named('goes'))).toEqual([]);
  const querier = reader.querier();
  expect(querier.labelNames([], 0, 1e15)).toEqual(['__name__', 'job']);
  expect(querier.labelValues('__name__', [], 0, 1e15)).toEqual(['stays']);
  expect(querier.labelValues('job', [], 0, 1e15)).toEqual(['a']);
  querier.close();
  expect(head.symbolBytes).toBe(symbols - 'goesonlyhere'.length);
  expect(head.seriesLabels(goes)).toBeUndefined();
  expect(append(head, [goes], 2_000_000)).toEqual([AppendStatus.unknownSeries]);
  const again = head.seriesRef(labelsFrom({ __name__: 'goes', job: 'a', only: 'here' }));
  expect(again).not.toBe(goes);
  expect(append(head, [again], 2_000_000)).toEqual([AppendStatus.accepted]);
  expect(timesOf(reader, named('goes'))).toEqual([[2_000_000]]);
  expect(append(head, [stays], 1_499_999)).toEqual([AppendStatus.outOfBounds]);
});

test('a reader from before keeps all it could see until it is done', async () => {
  const { head, reader } = newHead();
  const ref = head.seriesRef(labelsFrom({ __name__: 'm' }));
  for (let k = 0; k < 1000; k++) append(head, [ref], 1000 * k);
  const other = head.seriesRef(labelsFrom({ __name__: 'n' }));
  append(head, [other], 2_000_000);
  const querier = reader.querier();
  let closed = false;
  let waits = 0;
  const truncated = head.truncate(2_000_000, async () => {
    // The reader reads on while the truncation waits for it.
    if (++waits < 5 || closed) return;
    const set = querier.select(named('m'), 0, 1e15);
    expect(set.read(0, 0, 1e15)).toBe(1000);
    expect(set.columns.values[999]).toBe(Math.sqrt(999_000));
    querier.close();
    closed = true;
  });
  expect((await truncated).removedRefs.length).toBe(1);
  expect(closed).toBe(true);
  expect(timesOf(reader, named('m'))).toEqual([]);
});

test('a new series without samples is spared once; values that come back in between stay', async () => {
  const { head, reader } = newHead();
  const old = head.seriesRef(labelsFrom({ __name__: 'm', pod: 'x', zone: 'z' }));
  append(head, [old], 1000);
  const waiting = head.seriesRef(labelsFrom({ __name__: 'w' }));
  const now = head.seriesRef(labelsFrom({ __name__: 'now' }));
  append(head, [now], 5_000_000);
  let back = 0;
  let rests = 0;
  await head.truncate(4_000_000, async () => {
    // After the pairs are gone and before their values are taken out.
    if (++rests === 2) {
      back = head.seriesRef(labelsFrom({ __name__: 'm', pod: 'x', zone: 'z' }));
      append(head, [back], 5_000_001);
    }
  });
  expect(rests).toBeGreaterThan(3);
  expect(back).not.toBe(old);
  expect(timesOf(reader, named('m'))).toEqual([[5_000_001]]);
  const querier = reader.querier();
  expect(querier.labelNames([], 0, 1e15)).toEqual(['__name__', 'pod', 'zone']);
  expect(querier.labelValues('pod', [], 0, 1e15)).toEqual(['x']);
  querier.close();
  expect(append(head, [waiting], 5_000_002)).toEqual([AppendStatus.accepted]);
  const idle = head.seriesRef(labelsFrom({ __name__: 'idle' }));
  await head.truncate(4_000_001, pause);
  expect(head.seriesLabels(idle)).toBeDefined();
  await head.truncate(4_000_002, pause);
  expect(head.seriesLabels(idle)).toBeUndefined();
});

test('turning over ten times the steady number of series does not grow the memory', async () => {
  const { head, reader } = newHead();
  const steady = 2000;
  const generation = (g: number): number[] =>
    Array.from({ length: steady }, (_, i) =>
      head.seriesRef(
        labelsFrom({
          __name__: 'm',
          job: 'churn',
          pod: `pod-${g}-${i}`,
          slot: `${i % 7}`,
          [`l${g}`]: 'v',
        }),
      ),
    );
  const reserved: number[] = [];
  const used: number[] = [];
  for (let g = 0; g < 12; g++) {
    const refs = generation(g);
    for (let k = 0; k < 20; k++) append(head, refs, 2_000_000 * g + 1000 * k);
    await head.truncate(2_000_000 * g, pause);
    expect(head.seriesCount).toBe(steady);
    reserved.push(head.heap.reservedBytes);
    used.push(head.heap.usedBytes);
    expect(timesOf(reader, [{ name: 'job', type: '=', value: 'churn' }]).length).toBe(steady);
  }
  expect(used[11]!).toBeLessThan(used[1]! * 1.05);
  // Room for the old and the new generation at once is all that is ever taken.
  expect(reserved[11]!).toBeLessThan(reserved[2]! * 1.05);
  const querier = reader.querier();
  expect(querier.labelNames([], 0, 1e15)).toEqual(['__name__', 'job', 'l11', 'pod', 'slot']);
  expect(querier.labelValues('pod', [], 0, 1e15).length).toBe(steady);
  querier.close();
});

test('the index of label sets forgets what is removed and finds the rest', () => {
  const prng = seededPrng(3);
  const index = new SeriesIndex();
  const live = new Map<number, number>();
  for (let id = 1; id < 20_000; id++) {
    // Few hashes: long runs of collisions.
    const hash = prng.below(500);
    index.enter(hash, id);
    live.set(id, hash);
    if (live.size > 300) {
      const victim = [...live.keys()][prng.below(live.size)]!;
      index.remove(live.get(victim)!, victim);
      live.delete(victim);
    }
  }
  for (const [id, hash] of live) expect(index.find(hash, (found) => found === id)).toBe(id);
  expect(index.find(1, (found) => !live.has(found))).toBe(0);
  expect(index.sizeBytes).toBeLessThan(16 * 1024);
});
