// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { BlockMeta } from '../block/meta.ts';
import { blockRanges, planCompaction, rangeEnd } from './plan.ts';

let made = 0;

const block = (
  minTime: number,
  maxTime: number,
  extra: { tombstones?: number; series?: number; failed?: boolean; hints?: string[] } = {},
): BlockMeta => ({
  ulid: `b${++made}`,
  minTime,
  maxTime,
  stats: {
    numSamples: 1,
    numFloatSamples: 1,
    numHistogramSamples: 0,
    numSeries: extra.series ?? 100,
    numChunks: 1,
    numTombstones: extra.tombstones ?? 0,
  },
  compaction: {
    level: 1,
    sources: [],
    parents: [],
    deletable: false,
    failed: extra.failed ?? false,
    hints: extra.hints ?? [],
  },
  others: {},
});

const RANGES = [20, 60, 180, 540, 1620];
const planned = (...blocks: BlockMeta[]): [number, number][] =>
  planCompaction(blocks, RANGES).map(({ minTime, maxTime }) => [minTime, maxTime]);

test('what has only some of the samples of its time waits for the others', () => {
  const stale = (minTime: number, maxTime: number): BlockMeta =>
    block(minTime, maxTime, { hints: ['from-stale-series'] });
  // The head still has the rest of 20 to 60.
  expect(planned(block(0, 20), stale(20, 40), stale(20, 40), stale(40, 60))).toEqual([]);
  expect(planned(block(0, 20), stale(20, 40), block(20, 40), stale(40, 60))).toEqual([
    [20, 40],
    [20, 40],
  ]);
  const late = block(0, 20, { hints: ['from-out-of-order'] });
  expect(planned(block(0, 20), late, block(20, 40))).toEqual([
    [0, 20],
    [0, 20],
  ]);
});

test('ranges grow by three up to the limit', () => {
  expect(blockRanges(2, 100)).toEqual([2, 6, 18, 54]);
  expect(blockRanges(2, 1)).toEqual([2]);
  expect(rangeEnd(0, 20)).toBe(20);
  expect(rangeEnd(19, 20)).toBe(20);
  expect(rangeEnd(20, 20)).toBe(40);
  expect(rangeEnd(-1, 20)).toBe(0);
});

test('nothing for none, one, or a range that is not full', () => {
  expect(planned()).toEqual([]);
  expect(planned(block(0, 20))).toEqual([]);
  expect(planned(block(0, 20), block(20, 40), block(40, 60))).toEqual([]);
});

test('a full range is compacted, never with the newest block', () => {
  expect(planned(block(0, 20), block(20, 40), block(40, 60), block(60, 80))).toEqual([
    [0, 20],
    [20, 40],
    [40, 60],
  ]);
});

test('a range with a gap is compacted once a later block shows that nothing more comes', () => {
  expect(planned(block(0, 20), block(40, 60), block(60, 80))).toEqual([
    [0, 20],
    [40, 60],
  ]);
  expect(planned(block(0, 20), block(20, 40), block(60, 80), block(80, 100))).toEqual([
    [0, 20],
    [20, 40],
  ]);
});

test('the smaller range goes before the larger', () => {
  const large = [block(0, 60), block(60, 120), block(120, 180)];
  const small = [block(180, 200), block(200, 220), block(220, 240)];
  expect(planned(...large, ...small, block(240, 260))).toEqual([
    [180, 200],
    [200, 220],
    [220, 240],
  ]);
  expect(planned(...large, block(180, 200), block(200, 220))).toEqual([
    [0, 60],
    [60, 120],
    [120, 180],
  ]);
});

test('a failed block is left alone', () => {
  expect(
    planned(block(0, 20), block(20, 40, { failed: true }), block(40, 60), block(60, 80)),
  ).toEqual([]);
});

test('overlapping blocks go first, the newest included', () => {
  expect(planned(block(0, 20), block(19, 40), block(40, 60))).toEqual([
    [0, 20],
    [19, 40],
  ]);
  expect(planned(block(0, 20), block(20, 40), block(30, 50))).toEqual([
    [20, 40],
    [30, 50],
  ]);
  expect(planned(block(0, 100), block(10, 20), block(30, 40), block(100, 120))).toEqual([
    [0, 100],
    [10, 20],
    [30, 40],
  ]);
  const apart = [block(0, 20), block(10, 30)];
  expect(planCompaction(apart, RANGES, false)).toEqual([]);
});

test('a big block with many tombstones is written anew', () => {
  expect(planned(block(0, 540, { tombstones: 6 }), block(540, 560))).toEqual([[0, 540]]);
  expect(planned(block(0, 540, { tombstones: 5 }), block(540, 560))).toEqual([]);
  expect(planned(block(0, 60, { tombstones: 99 }), block(60, 80))).toEqual([]);
  // All of it is gone.
  expect(planned(block(0, 60, { tombstones: 100 }), block(60, 80))).toEqual([[0, 60]]);
});
