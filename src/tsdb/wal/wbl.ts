// SPDX-License-Identifier: Apache-2.0
// The log of samples that came out of order (`wbl`, write-behind log upstream): records as in the WAL, whose
// series stand there. The directory is made with the first record.

import type { Clock } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import { segmentName, segmentNumbers } from './format.ts';
import type { LateSink } from './records.ts';
import { ResilientWal } from './resilient.ts';
import { WalWriter, type WalWriterOptions } from './writer.ts';

export class WblWriter implements LateSink {
  private readonly options: WalWriterOptions;
  private readonly clock: Clock;
  private writer: WalWriter | undefined;
  private queue: ResilientWal | undefined;
  /** Until when each closed segment may hold samples; those of before the start: of anything. */
  private readonly ends = new Map<number, number>();
  /** Oldest sample of each segment of this process. */
  private readonly oldest = new Map<number, number>();
  /** Oldest sample of the segments before the start, the newest of these segments. */
  private readonly before: { readonly oldest: number; readonly segment: number };

  /** @param replayedMin oldest time in the segments that are there; +Infinity when there is none */
  constructor(options: WalWriterOptions, clock: Clock, replayedMin: number) {
    this.options = options;
    this.clock = clock;
    this.before = { oldest: replayedMin, segment: this.existing().at(-1) ?? -1 };
    if (this.before.segment >= 0) this.opened();
  }

  /** No sample in the files, or on its way there, is older. +Infinity: there is none. */
  get oldestTime(): number {
    const segments = this.existing();
    const isOld = segments.some((segment) => segment <= this.before.segment);
    let oldest = isOld ? this.before.oldest : Number.POSITIVE_INFINITY;
    for (const time of this.oldest.values()) oldest = Math.min(oldest, time);
    return oldest;
  }

  get isFailing(): boolean {
    return this.queue?.isFailing === true;
  }

  get waitingBytes(): number {
    return this.queue?.waitingBytes ?? 0;
  }

  get refused(): number {
    return this.queue?.refused ?? 0;
  }

  log(records: readonly Uint8Array[], minTime: number): void {
    const queue = this.opened();
    const segment = this.writer?.currentSegment ?? 0;
    // Before it is written: a record may begin the next segment, and be one of both.
    for (const number of [segment, segment + 1]) {
      this.oldest.set(number, Math.min(minTime, this.oldest.get(number) ?? minTime));
    }
    queue.log(records);
  }

  private opened(): ResilientWal {
    if (this.queue !== undefined) return this.queue;
    const { files, directory, logger } = this.options;
    const first = this.existing().at(-1) ?? -1;
    try {
      files.makeDirectorySync(directory);
    } catch (error) {
      // The first write fails, too, and is what is reported and tried again.
      if (!(error instanceof FileError)) throw error;
    }
    this.writer = new WalWriter(this.options, first + 1);
    this.writer.adopt(this.existing());
    this.queue = new ResilientWal(this.writer, { clock: this.clock, logger });
    return this.queue;
  }

  private existing(): number[] {
    const { files, directory } = this.options;
    return files.existsSync(directory) ? segmentNumbers(files.listSync(directory)) : [];
  }

  /**
   * The head has forgotten what is older than `minTime`. A segment goes once everything was forgotten that
   * the head had when the segment was closed.
   */
  truncate(minTime: number): void {
    const { files, directory, logger } = this.options;
    this.writer?.cut();
    const current = this.writer?.currentSegment ?? Number.POSITIVE_INFINITY;
    for (const number of this.existing()) {
      if (number >= current) break;
      const end = this.ends.get(number);
      if (end === undefined) this.ends.set(number, this.newest);
      else if (end < minTime) {
        try {
          files.removeSync(`${directory}/${segmentName(number)}`);
          this.ends.delete(number);
          this.oldest.delete(number);
        } catch (error) {
          if (!(error instanceof FileError)) throw error;
          logger.error('Cannot remove a WBL segment', { err: error.message });
        }
      }
    }
  }

  /** Newest time that samples out of order may have now: that of the head's newest sample. */
  newest = Number.POSITIVE_INFINITY;

  close(): void {
    this.queue?.retry();
    this.writer?.close();
  }
}
