// SPDX-License-Identifier: Apache-2.0
// Which blocks are too old or too many.

import type { BlockMeta } from '../block/meta.ts';

export interface RetentionLimits {
  /** 0: no limit. */
  readonly durationMs: number;
  /** 0: no limit. */
  readonly sizeBytes: number;
  /** Share of the disk that `sizeBytes` is, where it was given as one; for metrics. */
  readonly percentage?: number;
}

export interface SizedBlock {
  readonly meta: BlockMeta;
  readonly sizeBytes: number;
}

export interface Expired {
  readonly byTime: readonly string[];
  readonly bySize: readonly string[];
}

/** From new to old. */
const newestFirst = (blocks: readonly SizedBlock[]): SizedBlock[] =>
  [...blocks].sort((a, b) => b.meta.maxTime - a.meta.maxTime);

const names = (blocks: readonly SizedBlock[]): string[] => blocks.map(({ meta }) => meta.ulid);

/**
 * Blocks that the limits say are to go.
 * @param otherBytes what counts to the size besides blocks: log and chunks of the head
 */
export function expiredBlocks(
  blocks: readonly SizedBlock[],
  limits: RetentionLimits,
  otherBytes: number,
): Expired {
  const sorted = newestFirst(blocks);
  return {
    byTime: names(sorted.slice(firstTooOld(sorted, limits.durationMs))),
    bySize: names(sorted.slice(firstTooMuch(sorted, limits.sizeBytes, otherBytes))),
  };
}

/** A block goes when all of it is older than the limit, measured from the newest block's end. */
function firstTooOld(sorted: readonly SizedBlock[], durationMs: number): number {
  if (durationMs <= 0 || sorted.length === 0) return sorted.length;
  const newest = sorted[0]!.meta.maxTime;
  const at = sorted.findIndex(({ meta }, i) => i > 0 && newest - meta.maxTime >= durationMs);
  return at < 0 ? sorted.length : at;
}

function firstTooMuch(
  sorted: readonly SizedBlock[],
  sizeBytes: number,
  otherBytes: number,
): number {
  if (sizeBytes <= 0) return sorted.length;
  let sum = otherBytes;
  for (let i = 0; i < sorted.length; i++) {
    sum += sorted[i]!.sizeBytes;
    if (sum > sizeBytes) return i;
  }
  return sorted.length;
}
