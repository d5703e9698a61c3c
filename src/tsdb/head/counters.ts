// SPDX-License-Identifier: Apache-2.0

/** Counts since the head was made, for metrics. */
export interface HeadCounters {
  samplesAppended: number;
  seriesCreated: number;
  seriesRemoved: number;
  truncations: number;
  truncationsFailed: number;
  chunksCreated: number;
  chunksRemoved: number;
  seriesRefused: number;
  outOfOrder: number;
  outOfBounds: number;
  duplicate: number;
}

export const newHeadCounters = (): HeadCounters => ({
  samplesAppended: 0,
  seriesCreated: 0,
  seriesRemoved: 0,
  truncations: 0,
  truncationsFailed: 0,
  chunksCreated: 0,
  chunksRemoved: 0,
  seriesRefused: 0,
  outOfOrder: 0,
  outOfBounds: 0,
  duplicate: 0,
});
