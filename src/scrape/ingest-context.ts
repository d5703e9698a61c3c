// SPDX-License-Identifier: Apache-2.0
// What the parts that take a body in have in common.

import type { Clock } from '../base/index.ts';
import type { ExpositionFormat, ExpositionParser } from '../exposition/index.ts';
import {
  type BytesKernel,
  type ScanKernel,
  type SharedHeap,
  SLOW_RECORD_BYTES,
} from '../kernels/index.ts';
import { type Appender, type ExemplarAppender, StorageError } from '../storage/index.ts';
import { SLOW_LINES_MAX } from './limits.ts';
import type { StartTimeUse, StartLine } from './start-times.ts';
import type { ExemplarLine, NativeLine } from './structured-body.ts';

/** What all targets share. `slow` and `places` are the kernel's lists, used between two calls of it. */
export interface IngestContext {
  readonly appender: Appender;
  readonly heap: SharedHeap;
  readonly kernel: ScanKernel;
  readonly bytes: BytesKernel;
  readonly clock: Clock;
  readonly hashKey: readonly number[];
  readonly slowAddress: number;
  readonly placesAddress: number;
  /** Undefined: exemplars are not stored. */
  readonly exemplars?: ExemplarAppender | undefined;
  /** Undefined: start times are not read. */
  readonly startTimes?: StartTimeUse | undefined;
}

/** Addresses for {@link IngestContext}; lives as long as the scrape manager. */
export function allocateLineLists(heap: SharedHeap): {
  slowAddress: number;
  placesAddress: number;
} {
  const slowAddress = heap.allocate(SLOW_LINES_MAX * SLOW_RECORD_BYTES);
  const placesAddress = heap.allocate(SLOW_LINES_MAX * 4);
  if (slowAddress === 0 || placesAddress === 0)
    throw new StorageError('full', 'cannot start scraping: the shared memory is exhausted');
  return { slowAddress, placesAddress };
}

/** A body in the shared memory, with a line break and padding after it. */
export interface ScrapeBody {
  readonly address: number;
  readonly length: number;
  readonly format: ExpositionFormat;
  /** Native histograms whose samples come first in the body, in this order. */
  readonly natives?: readonly NativeLine[];
  /** Exemplars that the text does not show. */
  readonly exemplars?: readonly ExemplarLine[];
  /** Start times of lines, in their order. */
  readonly starts?: readonly StartLine[];
}

/** Words of a slow record (kernels/scan-layout.ts). */
export const SlowWord = {
  start: 0,
  end: 1,
  entry: 2,
  typeLine: 3,
  length: 4,
  again: 5,
  hash: 6,
  place: 10,
} as const;

/** Sets the parser on the line of a slow record. */
export function seekLine(
  parser: ExpositionParser,
  u32: Uint32Array,
  record: number,
  { address, length }: ScrapeBody,
): void {
  const end = Math.min(u32[record + SlowWord.end]!, address + length);
  parser.seek(u32[record + SlowWord.start]!, end);
}

/** Lets whatever else is due run. */
export function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(0, resolve);
  });
}
