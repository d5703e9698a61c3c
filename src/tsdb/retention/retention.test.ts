// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { parseMeta } from '../block/meta.ts';
import { newUlid } from '../block/ulid.ts';
import type { SizedBlock } from './retention.ts';
import { expiredBlocks } from './retention.ts';
import { seededPrng } from '../../base/index.ts';

const prng = seededPrng(1);

function sized(minTime: number, maxTime: number, sizeBytes: number): SizedBlock {
  const text = JSON.stringify({ ulid: newUlid(1, prng), minTime, maxTime, version: 1 });
  return { meta: parseMeta(text, 'meta.json'), sizeBytes };
}

const blocks = [sized(0, 10, 5), sized(10, 20, 7), sized(20, 30, 11), sized(30, 40, 13)];
const names = (from: number, to: number): string[] =>
  blocks.slice(from, to).map(({ meta }) => meta.ulid);

test('no limits, nothing goes', () => {
  const none = { byTime: [], bySize: [] };
  expect(expiredBlocks(blocks, { durationMs: 0, sizeBytes: 0 }, 1e9)).toEqual(none);
  expect(expiredBlocks([], { durationMs: 1, sizeBytes: 1 }, 1e9)).toEqual(none);
});

test('by time: a block goes when it ends as long ago as the limit says', () => {
  const byTime = (durationMs: number): readonly string[] =>
    [...expiredBlocks(blocks, { durationMs, sizeBytes: 0 }, 0).byTime].sort();
  expect(byTime(31)).toEqual([]);
  expect(byTime(30)).toEqual(names(0, 1));
  expect(byTime(20)).toEqual(names(0, 2).sort());
  // The newest stays, whatever the limit.
  expect(byTime(1)).toEqual(names(0, 3).sort());
});

test('by size: the oldest go until the rest, with log and head, fits', () => {
  const bySize = (sizeBytes: number, other: number): readonly string[] =>
    [...expiredBlocks(blocks, { durationMs: 0, sizeBytes }, other).bySize].sort();
  expect(bySize(36, 0)).toEqual([]);
  expect(bySize(35, 0)).toEqual(names(0, 1));
  expect(bySize(36, 1)).toEqual(names(0, 1));
  expect(bySize(24, 0)).toEqual(names(0, 2).sort());
  expect(bySize(5, 0)).toEqual(names(0, 4).sort());
});
