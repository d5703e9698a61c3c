// SPDX-License-Identifier: Apache-2.0
// Keeps the log short: after the head was truncated, the older two thirds of the segments become a
// checkpoint. Series that the head has removed stay in checkpoints as long as segments may hold samples of
// them.

import type { FileSystem, Logger } from '../../base/index.ts';
import type { Checkpointer, CheckpointJob, CheckpointRange } from './checkpoint.ts';
import { segmentNumbers } from './format.ts';
import { RefSet } from './ref-set.ts';
import type { WalWriter } from './writer.ts';

export interface WalTruncationOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly directory: string;
  readonly compression: CheckpointJob['compression'];
  readonly segmentBytes: number;
  readonly writer: WalWriter;
}

/** Counts for metrics. */
export interface CheckpointCounters {
  creations: number;
  creationsFailed: number;
  deletions: number;
  deletionsFailed: number;
  truncations: number;
  truncationsFailed: number;
}

interface Expired {
  readonly refs: Float64Array;
  /** No later segment has samples of these. */
  readonly segment: number;
  /** No sample of these is newer. */
  readonly maxTime: number;
}

export class WalTruncator {
  readonly counters: CheckpointCounters = {
    creations: 0,
    creationsFailed: 0,
    deletions: 0,
    deletionsFailed: 0,
    truncations: 0,
    truncationsFailed: 0,
  };
  private readonly options: WalTruncationOptions;
  private expired: Expired[] = [];

  constructor(options: WalTruncationOptions) {
    this.options = options;
  }

  /**
   * Refs that no series of the head has (any more), but samples in segments up to the current one: of
   * series just removed, or of those that the log names twice. `maxTime` of those samples.
   */
  expire(refs: Float64Array, maxTime: number): void {
    if (refs.length > 0) {
      this.expired.push({ refs, segment: this.options.writer.currentSegment, maxTime });
    }
  }

  /**
   * Makes a checkpoint of the older segments and removes them. Nothing happens while there are too few.
   * @param range samples before `minTime` are in blocks; deletions before `tombstonesFrom` hide
   *   nothing any more
   * @param addLiveRefs tells the refs of the series in the head
   * @throws whatever `checkpoint` does; the log is whole then, only longer than needed
   */
  async truncate(
    { minTime, tombstonesFrom }: Pick<CheckpointRange, 'minTime' | 'tombstonesFrom'>,
    addLiveRefs: (add: (ref: number) => void) => Promise<void>,
    checkpoint: Checkpointer,
  ): Promise<void> {
    const { files, directory, writer, logger, compression, segmentBytes } = this.options;
    writer.cut();
    // The segment being written is not there yet or stays.
    const numbers = segmentNumbers(files.listSync(directory)).filter(
      (n) => n < writer.currentSegment,
    );
    const first = numbers[0];
    const newest = numbers.at(-1);
    if (first === undefined || newest === undefined) return;
    const last = first + Math.floor(((newest - first) * 2) / 3);
    if (last <= first) return;
    this.counters.truncations++;
    this.counters.creations++;
    logger.info('Creating checkpoint', { from_segment: first, to_segment: last, mint: minTime });
    const refs = new RefSet();
    // Series that come meanwhile are named in the segment that is being written.
    await addLiveRefs((ref) => refs.add(ref));
    const needed = this.expired.filter(
      ({ segment, maxTime }) => segment > last || maxTime >= minTime,
    );
    for (const batch of needed) {
      for (const ref of batch.refs) refs.add(ref);
    }
    try {
      const range = { first, last, minTime, tombstonesFrom, segmentBytes };
      const { notRemoved } = await checkpoint({ ...range, refs: refs.plain, compression });
      this.counters.deletions++;
      if (notRemoved !== undefined) {
        // What stays is read over at the next start and removed by the next checkpoint.
        this.counters.deletionsFailed++;
        logger.error('Cannot remove WAL segments that a checkpoint covers', { err: notRemoved });
      }
    } catch (error) {
      this.counters.creationsFailed++;
      this.counters.truncationsFailed++;
      throw error;
    }
    this.expired = needed;
  }
}
