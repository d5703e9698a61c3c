// SPDX-License-Identifier: Apache-2.0
// Ranges and steps of graphs. Milliseconds throughout.

import type { PanelSettings, Resolution } from './url-state.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The lengths that − and + walk through. */
export const rangeLadder: readonly number[] = [
  SECOND,
  10 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  28 * DAY,
  56 * DAY,
  112 * DAY,
  182 * DAY,
  365 * DAY,
  730 * DAY,
];

/** The next shorter range, or the shortest. */
export const shorterRange = (rangeMs: number): number =>
  rangeLadder.findLast((step) => step < rangeMs) ?? (rangeLadder[0] as number);

/** The next longer range, or the longest. */
export const longerRange = (rangeMs: number): number =>
  rangeLadder.find((step) => step > rangeMs) ?? (rangeLadder.at(-1) as number);

/** Steps that a menu offers. */
export const fixedSteps: readonly number[] = [
  10 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
];

const pointsOf = { low: 100, medium: 250, high: 750 } as const;

/** Points per series that the server gives at most. */
export const POINTS_MAX = 11_000;

/** The step of a range query. Automatic ones are whole seconds, at least one. */
export function stepOf(resolution: Resolution, rangeMs: number): number {
  if (resolution.type !== 'auto') return resolution.stepMs;
  const seconds = Math.floor(rangeMs / pointsOf[resolution.density] / SECOND);
  return Math.max(1, seconds) * SECOND;
}

export interface QueryRange {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** What to ask for; `nowMs` ends ranges without an end. */
export function queryRange(
  settings: Pick<PanelSettings, 'endMs' | 'rangeMs' | 'resolution'>,
  nowMs: number,
): QueryRange {
  const endMs = settings.endMs ?? nowMs;
  const stepMs = stepOf(settings.resolution, settings.rangeMs);
  return { startMs: endMs - settings.rangeMs, endMs, stepMs };
}

/** Moves the end by half a range. Towards the future it stops at now, which is no end at all. */
export function shiftedEnd(
  settings: Pick<PanelSettings, 'endMs' | 'rangeMs'>,
  direction: -1 | 1,
  nowMs: number,
): number | undefined {
  const halfMs = Math.max(SECOND, Math.floor(settings.rangeMs / 2 / SECOND) * SECOND);
  const moved = (settings.endMs ?? Math.floor(nowMs / SECOND) * SECOND) + direction * halfMs;
  return direction > 0 && moved >= nowMs ? undefined : moved;
}

/** End and range of a piece selected in a graph: whole seconds, at least one, covering the piece. */
export function zoomed(startMs: number, endMs: number): { endMs: number; rangeMs: number } {
  const start = Math.floor(Math.min(startMs, endMs) / SECOND) * SECOND;
  const end = Math.ceil(Math.max(startMs, endMs) / SECOND) * SECOND;
  return { endMs: Math.max(end, start + SECOND), rangeMs: Math.max(SECOND, end - start) };
}
