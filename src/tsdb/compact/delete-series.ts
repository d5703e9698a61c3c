// SPDX-License-Identifier: Apache-2.0
// Tombstones for the series of a block that match.

import type { FileSystem } from '../../base/index.ts';
import type { Matcher } from '../../model/index.ts';
import type { BlockReader } from '../block/block-reader.ts';
import { writeTombstones } from '../block/tombstones.ts';
import { newSeriesEntry } from '../index/reader.ts';
import { selectRefs } from '../index/select.ts';

/**
 * Adds tombstones to `block` and to its file. False: nothing in it matches.
 * @throws MatcherError, BlockError, FileError
 */
export function deleteFromBlock(
  files: FileSystem,
  block: BlockReader,
  selectors: readonly (readonly Matcher[])[],
  minTime: number,
  maxTime: number,
): boolean {
  const entry = newSeriesEntry();
  let added = false;
  for (const matchers of selectors) {
    for (const ref of selectRefs(block.index, matchers)) {
      block.index.readSeries(ref, entry);
      const { minTimes, maxTimes, chunkCount } = entry;
      for (let i = 0; i < chunkCount; i++) {
        if (minTimes[i]! > maxTime || maxTimes[i]! < minTime) continue;
        // No further than there are samples, so that the file says what is gone.
        const from = Math.max(minTime, minTimes[0]!);
        block.tombstones.add(ref, from, Math.min(maxTime, maxTimes[chunkCount - 1]!));
        added = true;
        break;
      }
    }
  }
  if (added) writeTombstones(files, block.directory, block.tombstones);
  return added;
}
