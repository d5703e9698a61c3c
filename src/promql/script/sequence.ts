// SPDX-License-Identifier: Apache-2.0
// Series as tests write them: `http_requests{job="a"} 1 2+3x4 _ stale {{schema:1 count:3}}x2`.
//
//   3        one value            1+2x3   1 3 5 7         _      no sample
//   3x2      3 3 3                1-2x3   1 -1 -3 -5      _x4    four times no sample
//   stale    a staleness marker   {{…}}   a native histogram, with x, + and - as numbers

import {
  combineHistograms,
  type Histogram,
  type Labels,
  labelsFrom,
  METRIC_NAME,
  parseDuration,
} from '../../model/index.ts';
import { Cursor } from '../parser/cursor.ts';
import { ParseError } from '../parser/errors.ts';
import { parseNumber } from '../parser/numbers.ts';
import { unquote } from '../parser/strings.ts';
import { isMetricName } from '../parser/tokens.ts';
import { scanHistogram, type WrittenHistogram } from './histogram-text.ts';

export type SequenceValue =
  | { readonly kind: 'omitted' }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'stale' }
  | {
      readonly kind: 'histogram';
      readonly histogram: Histogram;
      /** The text names a counter reset hint: an expectation then compares it. */
      readonly hintSet: boolean;
    };

export interface SeriesDescription {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

/** Most values that one series may have: repetitions are written in few characters. */
export const SEQUENCE_VALUES_MAX = 1_000_000;

/** Reads a text from left to right. */
class Scan {
  readonly text: string;
  at: number;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** Takes what `pattern` (sticky) matches here. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at = pattern.lastIndex;
    return match;
  }

  fail(reason: string, start = this.at): never {
    throw new ParseError(this.text, { start, end: this.text.length }, reason);
  }

  unexpected(context: string): never {
    const character = this.text.charAt(this.at);
    const found = character === '' ? 'end of input' : JSON.stringify(character);
    return this.fail(`unexpected ${found} in ${context}`);
  }
}

/** `{a="b", "c d"="e"}` with the braces. */
function parseLabelSet(cursor: Cursor): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  cursor.take();
  while (!cursor.accept('}')) {
    const token = cursor.peek();
    if (token.kind !== 'identifier' && token.kind !== 'string') {
      cursor.unexpected('label set', 'identifier or "}"');
    }
    cursor.take();
    const name = token.kind === 'string' ? unquote(token.text) : token.text;
    if (cursor.accept('=')) {
      if (cursor.peek().kind !== 'string') cursor.unexpected('label set', 'string');
      pairs.push([name, unquote(cursor.take().text)]);
    } else if (token.kind === 'string') {
      pairs.push([METRIC_NAME, name]);
    } else {
      cursor.unexpected('label set', '"="');
    }
    if (!cursor.accept(',') && !cursor.at('}')) cursor.unexpected('label set', '"," or "}"');
  }
  return pairs;
}

/** The series' name and labels at the start of `text`, and where they end. */
function parseMetricPart(text: string): { labels: Labels; end: number } {
  const cursor = new Cursor(text, {});
  let pairs: [string, string][] = [];
  if (isMetricName(cursor.peek())) {
    const name = cursor.take();
    if (text.charAt(name.end) === '{') pairs = parseLabelSet(cursor);
    pairs.push([METRIC_NAME, name.text]);
  } else if (cursor.at('{')) {
    pairs = parseLabelSet(cursor);
  } else {
    cursor.unexpected();
  }
  return { labels: labelsFrom(pairs), end: cursor.lastEnd };
}

/** A series' name and labels alone: `up{job="a"}`. @throws ParseError */
export function parseMetric(text: string): Labels {
  const trimmed = text.trim();
  const { labels, end } = parseMetricPart(trimmed);
  if (end !== trimmed.length) new Scan(trimmed, end).unexpected('metric');
  return labels;
}

const space = /[ \t]+/y;
const blank = /_/y;
const staleWord = /stale(?![a-zA-Z0-9_:])/y;
const times = /x([0-9]+)/y;
const sign = /[+-]/y;
const numeral =
  /(?:inf|nan)(?![a-zA-Z0-9_])|(?:[0-9]+(?:ms|[smhdwy]))+|(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/iy;

function numberAt(scan: Scan): number | undefined {
  const start = scan.at;
  const match = scan.take(numeral);
  if (match === undefined) return undefined;
  const text = match[0];
  if (/^[0-9].*[smhdwy]$/.test(text)) return parseDuration(text) / 1000;
  const value = parseNumber(text);
  return typeof value === 'number' ? value : scan.fail(value.error, start);
}

function signedNumber(scan: Scan): number | undefined {
  const start = scan.at;
  const mark = scan.take(sign)?.[0];
  const value = numberAt(scan);
  if (value === undefined) scan.at = start;
  return value === undefined || mark !== '-' ? value : -value;
}

/** The count after `x`; undefined when there is none. */
function repetitions(scan: Scan, room: number): number | undefined {
  const start = scan.at;
  const match = scan.take(times);
  if (match === undefined) return undefined;
  const count = Number(match[1]);
  if (count > room) {
    scan.fail(`a series cannot have more than ${SEQUENCE_VALUES_MAX} values`, start);
  }
  return count;
}

function floatItem(scan: Scan, out: SequenceValue[], room: number): boolean {
  const first = signedNumber(scan);
  if (first === undefined) return false;
  const step = signedNumber(scan) ?? 0;
  const stepped = scan.text.charAt(scan.at) === 'x';
  const count = repetitions(scan, room);
  if (count === undefined && (step !== 0 || stepped)) scan.unexpected('series values');
  let value = first;
  for (let i = 0; i <= (count ?? 0); i++) {
    out.push({ kind: 'float', value });
    value += step;
  }
  return true;
}

function histogramItem(scan: Scan, out: SequenceValue[], room: number): boolean {
  if (!scan.text.startsWith('{{', scan.at)) return false;
  const read = (): WrittenHistogram => {
    const written = scanHistogram(scan.text, scan.at);
    scan.at = written.end;
    return written;
  };
  const first = read();
  const direction = scan.take(sign)?.[0];
  const step = direction === undefined ? undefined : read();
  const count = repetitions(scan, room);
  if (step !== undefined && count === undefined) scan.unexpected('series values');
  const { hintSet } = step ?? first;
  let { histogram } = first;
  out.push({ kind: 'histogram', histogram, hintSet });
  for (let i = 1; i <= (count ?? 0); i++) {
    if (step !== undefined) {
      histogram = combined(scan, histogram, step.histogram, direction === '-' ? -1 : 1);
    }
    out.push({ kind: 'histogram', histogram, hintSet });
  }
  return true;
}

function combined(scan: Scan, a: Histogram, b: Histogram, direction: 1 | -1): Histogram {
  const problem = 'error combining histograms: cannot merge from schema';
  if (a.schema > b.schema) scan.fail(`${problem} ${b.schema} to ${a.schema}`);
  const sum = combineHistograms(a, b, direction);
  return sum?.histogram ?? scan.fail(`${problem} ${b.schema} to ${a.schema}`);
}

function item(scan: Scan, out: SequenceValue[]): void {
  const room = SEQUENCE_VALUES_MAX - out.length;
  if (scan.take(blank) !== undefined) {
    const count = repetitions(scan, room) ?? 1;
    for (let i = 0; i < count; i++) out.push({ kind: 'omitted' });
  } else if (scan.take(staleWord) !== undefined) {
    out.push({ kind: 'stale' });
  } else if (!floatItem(scan, out, room) && !histogramItem(scan, out, room)) {
    const character = scan.text.charAt(scan.at);
    scan.fail(
      `unexpected ${JSON.stringify(character)} in series values, expected number or "stale"`,
    );
  }
}

/** The values alone: `1 2+3x4 _ stale`. @throws ParseError */
export function parseSequence(text: string, from = 0): SequenceValue[] {
  const scan = new Scan(text, from);
  const values: SequenceValue[] = [];
  scan.take(space);
  while (scan.at < text.length) {
    item(scan, values);
    if (scan.at < text.length && scan.take(space) === undefined) scan.unexpected('series values');
  }
  return values;
}

/** A series with its values. @throws ParseError */
export function parseSeriesDescription(text: string): SeriesDescription {
  const trimmed = text.trim();
  const { labels, end } = parseMetricPart(trimmed);
  if (end < trimmed.length && !/[ \t]/.test(trimmed.charAt(end))) {
    new Scan(trimmed, end).unexpected('series values');
  }
  return { labels, values: parseSequence(trimmed, end) };
}
