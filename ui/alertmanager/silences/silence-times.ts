// SPDX-License-Identifier: Apache-2.0
// Start, duration and end of a silence as they are typed: changing one changes another. Texts stay as they
// are while they cannot be read.

import { formatDuration, parseDuration } from '../../../src/model/index.ts';
import type { TimeZone } from '../times.ts';

export interface SilenceTimes {
  /** In which they are written. */
  readonly zone: TimeZone;
  readonly start: string;
  readonly duration: string;
  readonly end: string;
}

export const DEFAULT_DURATION_MS = 2 * 3_600_000;

/** @returns undefined when it is no duration, or an empty one */
export function readDuration(text: string): number | undefined {
  try {
    const ms = parseDuration(text.replace(/\s+/g, ''));
    return ms > 0 ? ms : undefined;
  } catch {
    return undefined;
  }
}

const whole = (ms: number): number => Math.floor(ms / 1000) * 1000;

export function timesFrom(startMs: number, endMs: number, zone: TimeZone): SilenceTimes {
  const start = whole(startMs);
  const end = whole(endMs);
  return {
    zone,
    start: zone.format(start),
    end: zone.format(end),
    duration: end > start ? formatDuration(end - start) : '',
  };
}

/** The end follows. */
export function withStart(times: SilenceTimes, start: string): SilenceTimes {
  const startMs = times.zone.parse(start);
  const durationMs = readDuration(times.duration);
  if (startMs === undefined || durationMs === undefined) return { ...times, start };
  return { ...times, start, end: times.zone.format(startMs + durationMs) };
}

/** The end follows. */
export const withDuration = (times: SilenceTimes, duration: string): SilenceTimes =>
  withStart({ ...times, duration }, times.start);

/** The duration follows. */
export function withEnd(times: SilenceTimes, end: string): SilenceTimes {
  const startMs = times.zone.parse(times.start);
  const endMs = times.zone.parse(end);
  if (startMs === undefined || endMs === undefined || endMs <= startMs) return { ...times, end };
  return { ...times, end, duration: formatDuration(endMs - startMs) };
}

export interface TimeProblems {
  readonly start?: string;
  readonly duration?: string;
  readonly end?: string;
}

const TIME_HINT = 'A time like 2026-11-24 22:04:05';

export function timeProblems(times: SilenceTimes, nowMs: number): TimeProblems {
  const startMs = times.zone.parse(times.start);
  const endMs = times.zone.parse(times.end);
  const end =
    endMs === undefined
      ? TIME_HINT
      : startMs !== undefined && endMs <= startMs
        ? 'It must end after it starts'
        : endMs < nowMs
          ? 'This is over already'
          : undefined;
  return {
    ...(startMs === undefined ? { start: TIME_HINT } : {}),
    ...(readDuration(times.duration) === undefined ? { duration: 'Like 2h, 1d12h, 30m' } : {}),
    ...(end === undefined ? {} : { end }),
  };
}
