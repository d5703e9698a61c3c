// SPDX-License-Identifier: Apache-2.0
// Durations as the field writes them: `1h30m`, `15s`, `2w`, `0`.

import { quote } from './quote.ts';

interface Unit {
  readonly name: string;
  readonly ms: number;
}

const SECOND_MS = 1000;
const DAY_MS = 86_400 * SECOND_MS;

/** Largest first, which is also the only order in which they may be written. */
const units: readonly Unit[] = [
  { name: 'y', ms: 365 * DAY_MS },
  { name: 'w', ms: 7 * DAY_MS },
  { name: 'd', ms: DAY_MS },
  { name: 'h', ms: 3600 * SECOND_MS },
  { name: 'm', ms: 60 * SECOND_MS },
  { name: 's', ms: SECOND_MS },
  { name: 'ms', ms: 1 },
];

/** Largest duration upstream can hold: 2^63-1 nanoseconds, some 292 years. */
const DURATION_MS_MAX = 9_223_372_036_854;

/** A text that is not a duration; the message is upstream's. */
export class DurationError extends Error {
  override name = 'DurationError';
}

/**
 * Reads a duration into milliseconds. Units `y w d h m s ms`, each at most once, largest first, whole
 * numbers; a bare `0` is allowed.
 *
 * @throws DurationError
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw new DurationError('empty duration string');
  const invalid = (): DurationError =>
    new DurationError(`not a valid duration string: ${quote(text)}`);
  let totalMs = 0;
  let previous = -1;
  let rest = text;
  while (rest !== '') {
    const match = /^([0-9]+)([^0-9]*)/.exec(rest);
    if (!match?.[2]) throw invalid();
    const position = units.findIndex(({ name }) => name === match[2]);
    const unit = units[position];
    if (!unit)
      throw new DurationError(`unknown unit ${quote(match[2])} in duration ${quote(text)}`);
    if (position <= previous) throw invalid();
    previous = position;
    totalMs += Number(match[1]) * unit.ms;
    if (totalMs > DURATION_MS_MAX) throw new DurationError('duration out of range');
    rest = rest.slice(match[0].length);
  }
  return totalMs;
}

/**
 * The shortest of upstream's spellings of `ms` (whole milliseconds): years and weeks only when nothing
 * remains below them, `0s` for zero, a leading `-` for negative ones.
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.abs(ms);
  let text = ms < 0 ? '-' : '';
  for (const unit of units) {
    if ((unit.name === 'y' || unit.name === 'w') && rest % unit.ms !== 0) continue;
    const count = Math.floor(rest / unit.ms);
    if (count === 0) continue;
    text += `${count}${unit.name}`;
    rest -= count * unit.ms;
  }
  return text;
}
