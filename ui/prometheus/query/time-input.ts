// SPDX-License-Identifier: Apache-2.0
// What people type where a time or a length of time is wanted.

import { DurationError, parseDuration } from '../../../src/model/index.ts';
import { parseTimeText } from '../../shared/format/times.ts';

/** A duration greater than zero, or undefined. */
export function readDuration(text: string): number | undefined {
  try {
    const ms = parseDuration(text.trim());
    return ms > 0 ? ms : undefined;
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

/** `2026-11-24 22:04`, `-2h` before now, Unix seconds; `now` or nothing is undefined, which means now. */
export function readTime(
  text: string,
  nowMs: number,
  local: boolean,
): number | undefined | 'unreadable' {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'now') return undefined;
  if (trimmed.startsWith('-')) {
    const agoMs = readDuration(trimmed.slice(1));
    return agoMs === undefined ? 'unreadable' : Math.floor((nowMs - agoMs) / 1000) * 1000;
  }
  if (/^\d{9,11}(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  return parseTimeText(trimmed, local) ?? 'unreadable';
}
