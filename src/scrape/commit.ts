// SPDX-License-Identifier: Apache-2.0
// hot
// Hands a scrape's batch to the database and counts what it did not take.

import type { Logger } from '../base/index.ts';
import { type Appender, AppendStatus, StorageError } from '../storage/index.ts';
import type { ScrapeMetrics } from './metrics.ts';
import type { ScrapeBatch } from './scrape-batch.ts';

/** Samples of a scrape that were refused one by one. */
export interface Rejections {
  outOfOrder: number;
  duplicates: number;
  outOfBounds: number;
  full: number;
}

export const noRejections = (): Rejections => ({
  outOfOrder: 0,
  duplicates: 0,
  outOfBounds: 0,
  full: 0,
});

const noneGone: ReadonlySet<number> = new Set();

/**
 * Appends the batch. Refusals among its first `sampleCount` samples are added to `rejections`, those of
 * staleness markers and reports are expected and left out.
 *
 * @returns refs that the database does not know (any more)
 */
export function commit(
  appender: Appender,
  batch: ScrapeBatch,
  sampleCount: number,
  rejections: Rejections,
  logger: Logger,
): ReadonlySet<number> {
  const { columns } = batch;
  try {
    if (appender.append(columns) === columns.count) return noneGone;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    logger.error('Scrape commit failed', { err: error });
    return noneGone;
  }
  const gone = new Set<number>();
  const { refs, status, count } = columns;
  for (let i = 0; i < count; i++) {
    const outcome = status[i]!;
    if (outcome === AppendStatus.accepted || refs[i] === 0) continue;
    if (outcome === AppendStatus.unknownSeries) gone.add(refs[i]!);
    else if (i >= sampleCount) continue;
    else if (outcome === AppendStatus.outOfOrder) rejections.outOfOrder++;
    else if (outcome === AppendStatus.duplicate) rejections.duplicates++;
    else if (outcome === AppendStatus.full) rejections.full++;
    else if (outcome === AppendStatus.outOfBounds || outcome === AppendStatus.tooOld)
      rejections.outOfBounds++;
  }
  return gone;
}

/** One warning for each kind of refusal, and their counters. */
export function tellRejections(
  rejections: Rejections,
  metrics: ScrapeMetrics,
  logger: Logger,
): void {
  const { outOfOrder, duplicates, outOfBounds, full } = rejections;
  if (outOfOrder > 0) {
    metrics.outOfOrder.inc(outOfOrder);
    logger.warn('Error on ingesting out-of-order samples', { num_dropped: outOfOrder });
  }
  if (duplicates > 0) {
    metrics.duplicateTimestamp.inc(duplicates);
    logger.warn('Error on ingesting samples with different value but same timestamp', {
      num_dropped: duplicates,
    });
  }
  if (outOfBounds > 0) {
    metrics.outOfBounds.inc(outOfBounds);
    logger.warn('Error on ingesting samples that are too old or are too far into the future', {
      num_dropped: outOfBounds,
    });
  }
  if (full > 0)
    logger.error('Error on ingesting samples: the head is out of memory', { num_dropped: full });
}
