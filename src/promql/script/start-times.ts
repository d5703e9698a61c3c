// SPDX-License-Identifier: Apache-2.0
// Start timestamps of the samples of a series, as offsets from the samples' times:
// `metric@st _ -30s -1m-1mx2 *x3`. A line with `@st` alone is the default of the lines after it.

import { DurationError, parseDuration } from '../../model/index.ts';
import { SEQUENCE_VALUES_MAX } from './sequence.ts';

/** Milliseconds to add to the sample's time; undefined = the sample has no start timestamp. */
export type StartOffset = number | undefined;

export interface StartTimesLine {
  /** The series as text; '' when the line is a default. */
  readonly metric: string;
  readonly offsets: readonly StartOffset[];
}

const duration = `[+-]?[0-9]+[a-wyzA-Z]*(?:[0-9]+[a-wyzA-Z]+)*`;
const itemSyntax = new RegExp(`^(_|\\*|${duration})(?:([+-])(${duration}))?(?:x([0-9]+))?$`);

/** What is no list of start timestamps. */
export class StartTimesError extends Error {
  override name = 'StartTimesError';
}

function milliseconds(text: string): number {
  const negative = text.startsWith('-');
  try {
    const ms = parseDuration(text.replace(/^[+-]/, ''));
    return negative ? -ms : ms;
  } catch (error) {
    if (error instanceof DurationError) {
      throw new StartTimesError(`invalid duration "${text}": ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function addItem(text: string, out: StartOffset[]): void {
  const match = itemSyntax.exec(text);
  if (match === null) throw new StartTimesError(`invalid ST item "${text}"`);
  const [, base = '', direction, step, times] = match;
  const count = times === undefined ? 0 : Number(times);
  if (out.length + count > SEQUENCE_VALUES_MAX) {
    throw new StartTimesError(`more than ${SEQUENCE_VALUES_MAX} start timestamps`);
  }
  if (step !== undefined && (times === undefined || base === '_' || base === '*')) {
    throw new StartTimesError(`invalid ST item "${text}"`);
  }
  if (base === '_') {
    for (let i = 0; i < (times === undefined ? 1 : count); i++) out.push(undefined);
    return;
  }
  const previous = out.findLast((offset) => offset !== undefined) ?? 0;
  let value = base === '*' ? previous : milliseconds(base);
  const delta = step === undefined ? 0 : milliseconds(step) * (direction === '-' ? -1 : 1);
  for (let i = 0; i <= count; i++) {
    out.push(value);
    value += delta;
  }
}

/**
 * The start timestamps of a line; undefined when the line has none.
 *
 * @throws StartTimesError
 */
export function parseStartTimesLine(line: string): StartTimesLine | undefined {
  const match = /^(\S*)@st[ \t]+(.*)$/.exec(line.trim());
  if (match === null) return undefined;
  const offsets: StartOffset[] = [];
  for (const item of (match[2] ?? '').trim().split(/[ \t]+/)) addItem(item, offsets);
  return { metric: match[1] ?? '', offsets };
}
