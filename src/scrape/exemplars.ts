// SPDX-License-Identifier: Apache-2.0
// Exemplars of one scrape on their way to the database.

import type { Logger } from '../base/index.ts';
import type { Label, Labels } from '../model/index.ts';
import { labelsFrom } from '../model/index.ts';
import type { ExemplarAppender, SeriesExemplar } from '../storage/index.ts';
import { ExemplarStatus, StorageError } from '../storage/index.ts';
import type { ScrapeMetrics } from './metrics.ts';

/** An exemplar and the sample it came with. */
export interface ScrapedExemplar extends SeriesExemplar {
  /** Number of the sample in its scrape, for those that bring more than one; else undefined. */
  readonly group: number | undefined;
}

/** The labels of an exemplar, without empty ones. */
export const exemplarLabels = (labels: readonly Label[]): Labels =>
  labelsFrom(labels.map(({ name, value }): [string, string] => [name, value]));

/**
 * Hands the exemplars of a stored scrape over. None of them ever fails the scrape; those of a sample are
 * counted as out of order only when all of them are, since targets repeat what they have shown.
 */
export function storeExemplars(
  appender: ExemplarAppender,
  exemplars: readonly ScrapedExemplar[],
  metrics: ScrapeMetrics,
  logger: Logger,
): void {
  if (exemplars.length === 0) return;
  let statuses: readonly ExemplarStatus[];
  try {
    statuses = appender.appendExemplars(exemplars);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    logger.error('Exemplars of the scrape could not be stored', { err: error });
    return;
  }
  const late = lateOnes(exemplars, statuses);
  if (late > 0) {
    metrics.exemplarOutOfOrder.inc(late);
    logger.warn('Error on ingesting out-of-order exemplars', { num_dropped: late });
  }
  const long = statuses.filter((status) => status === ExemplarStatus.tooLong).length;
  if (long > 0) {
    logger.debug(
      'Error while adding exemplars: label length exceeds maximum of 128 UTF-8 characters',
      {
        num_dropped: long,
      },
    );
  }
}

function lateOnes(
  exemplars: readonly ScrapedExemplar[],
  statuses: readonly ExemplarStatus[],
): number {
  let alone = 0;
  const groups = new Map<number, { all: number; late: number }>();
  exemplars.forEach(({ group }, i) => {
    const isLate = statuses[i] === ExemplarStatus.outOfOrder ? 1 : 0;
    if (group === undefined) {
      alone += isLate;
      return;
    }
    const counts = groups.get(group) ?? { all: 0, late: 0 };
    groups.set(group, { all: counts.all + 1, late: counts.late + isLate });
  });
  for (const { all, late } of groups.values()) if (all === late) alone += late;
  return alone;
}
