// SPDX-License-Identifier: Apache-2.0
// Which blocks to compact next: upstream's rules, so that the same blocks come about.

import { type BlockMeta, isPartOfItsTime } from '../block/meta.ts';

/** Ranges of blocks by level, ascending; the first is that of blocks of the head. */
export type BlockRanges = readonly number[];

const RANGE_FACTOR = 3;
const RANGES_MAX = 10;
/** Above this share of series with something deleted a block is written anew. */
const TOMBSTONE_RATIO_MAX = 0.05;

/** `min`, three times as much and so on, not above `max`; `min` is always there. */
export function blockRanges(min: number, max: number): BlockRanges {
  const ranges = [min];
  for (let range = min * RANGE_FACTOR; range <= max && ranges.length < RANGES_MAX; ) {
    ranges.push(range);
    range *= RANGE_FACTOR;
  }
  return ranges;
}

/** End of the aligned range of `width` that holds `time`; never `time` itself. */
export const rangeEnd = (time: number, width: number): number =>
  Math.floor(time / width) * width + width;

const byMinTime = (a: BlockMeta, b: BlockMeta): number => a.minTime - b.minTime;

/** The blocks to compact together now; none when there is nothing to do. */
export function planCompaction(
  blocks: readonly BlockMeta[],
  ranges: BlockRanges,
  overlapping = true,
): readonly BlockMeta[] {
  const sorted = withoutAhead(blocks).sort(byMinTime);
  if (overlapping) {
    const group = overlappingBlocks(sorted);
    if (group.length > 0) return group;
  }
  // Without the newest: people may still copy it as it is.
  const older = sorted.slice(0, -1);
  const group = fullRange(older, ranges);
  return group.length > 0 ? group : tombstoned(older, ranges);
}

/**
 * Blocks that have only some of the samples of their time wait until that time is in other blocks, too: what
 * is made of them with others would say that the head has nothing there.
 */
function withoutAhead(blocks: readonly BlockMeta[]): BlockMeta[] {
  const whole = blocks.filter((block) => !isPartOfItsTime(block));
  const end = whole.reduce((max, { maxTime }) => Math.max(max, maxTime), Number.MIN_SAFE_INTEGER);
  return blocks.filter((block) => block.maxTime <= end);
}

/** The first blocks that overlap one another. */
function overlappingBlocks(sorted: readonly BlockMeta[]): readonly BlockMeta[] {
  const group: BlockMeta[] = [];
  let maxTime = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < sorted.length; i++) {
    const block = sorted[i]!;
    if (block.minTime < maxTime) {
      if (group.length === 0) group.push(sorted[i - 1]!);
      group.push(block);
    } else if (group.length > 0) {
      break;
    }
    maxTime = Math.max(maxTime, block.maxTime);
  }
  return group;
}

/** Blocks within the same aligned range, for all ranges in which there are some. */
export function splitByRange(sorted: readonly BlockMeta[], range: number): BlockMeta[][] {
  const groups: BlockMeta[][] = [];
  for (let i = 0; i < sorted.length; ) {
    const start = Math.floor(sorted[i]!.minTime / range) * range;
    // Of a larger range, or not aligned.
    if (sorted[i]!.maxTime > start + range) {
      i++;
      continue;
    }
    const group: BlockMeta[] = [];
    while (i < sorted.length && sorted[i]!.maxTime <= start + range) group.push(sorted[i++]!);
    groups.push(group);
  }
  return groups;
}

function fullRange(sorted: readonly BlockMeta[], ranges: BlockRanges): readonly BlockMeta[] {
  const newest = sorted.at(-1);
  if (newest === undefined) return [];
  for (const range of ranges.slice(1)) {
    for (const group of splitByRange(sorted, range)) {
      if (group.length < 2 || group.some(({ compaction }) => compaction.failed)) continue;
      const width = group.at(-1)!.maxTime - group[0]!.minTime;
      // Either the range is full, or nothing more will come into it.
      if (width === range || group.at(-1)!.maxTime <= newest.minTime) return group;
    }
  }
  return [];
}

function tombstoned(sorted: readonly BlockMeta[], ranges: BlockRanges): readonly BlockMeta[] {
  const bigEnough = ranges[Math.floor(ranges.length / 2)]!;
  for (const block of [...sorted].reverse()) {
    const { numTombstones, numSeries } = block.stats;
    if (block.maxTime - block.minTime < bigEnough) {
      return numTombstones > 0 && numTombstones >= numSeries ? [block] : [];
    }
    if (numTombstones / (numSeries + 1) > TOMBSTONE_RATIO_MAX) return [block];
  }
  return [];
}
