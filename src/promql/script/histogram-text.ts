// SPDX-License-Identifier: Apache-2.0
// Native histograms as tests write them:
// `{{schema:1 count:3 sum:5 z_bucket:1 z_bucket_w:0.01 offset:2 buckets:[1 1] n_buckets:[1]}}`.

import { CounterResetHint, Histogram } from '../../model/index.ts';
import { ParseError } from '../parser/errors.ts';

export interface WrittenHistogram {
  readonly histogram: Histogram;
  /** The text names a counter reset hint. */
  readonly hintSet: boolean;
  /** Where the text ends. */
  readonly end: number;
}

const hints: Readonly<Record<string, CounterResetHint>> = {
  unknown: CounterResetHint.unknown,
  reset: CounterResetHint.reset,
  not_reset: CounterResetHint.notReset,
  gauge: CounterResetHint.gauge,
};

const floatKeys = new Set(['sum', 'count', 'z_bucket', 'z_bucket_w']);
const integerKeys = new Set(['schema', 'offset', 'n_offset']);
const listKeys = new Set(['buckets', 'n_buckets', 'custom_values']);

interface Fields {
  readonly numbers: Map<string, number>;
  readonly lists: Map<string, Float64Array>;
  hint: CounterResetHint | undefined;
}

const infinite = /^[+-]?inf$/i;
const floatSyntax = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i;

/** A number as bounds and histograms are written; undefined when it is none. */
export function parseFloatText(text: string): number | undefined {
  if (infinite.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  return floatSyntax.test(text) ? Number(text) : undefined;
}

/** Reads `key:value`; the problem when it is none. */
function addField(fields: Fields, key: string, value: string): string | undefined {
  const bad = `error parsing ${key} number: ${value}`;
  if (fields.numbers.has(key) || fields.lists.has(key)) {
    return `duplicate key "${key}" in histogram`;
  }
  if (floatKeys.has(key)) {
    const number = parseFloatText(value);
    if (number === undefined) return bad;
    fields.numbers.set(key, number);
  } else if (integerKeys.has(key)) {
    if (!/^-?[0-9]+$/.test(value)) return bad;
    fields.numbers.set(key, Number(value));
  } else if (listKeys.has(key)) {
    const numbers = value.slice(1, -1).trim().split(/\s+/).map(parseFloatText);
    if (!/^\[.*\]$/.test(value) || numbers.includes(undefined)) {
      return `error parsing ${key} float array: ${value}`;
    }
    fields.lists.set(
      key,
      Float64Array.from(numbers, (number) => number ?? 0),
    );
  } else if (key === 'counter_reset_hint') {
    fields.hint = hints[value];
    if (fields.hint === undefined) return `error parsing counter_reset_hint: ${value}`;
  } else {
    return `bad histogram descriptor found: "${key}"`;
  }
  return undefined;
}

function histogramOf({ numbers, lists, hint }: Fields): Histogram {
  const number = (key: string): number => numbers.get(key) ?? 0;
  const buckets = lists.get('buckets');
  const negative = lists.get('n_buckets');
  const customValues = lists.get('custom_values');
  return new Histogram({
    counterResetHint: hint ?? CounterResetHint.unknown,
    schema: number('schema'),
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    count: number('count'),
    sum: number('sum'),
    ...(buckets === undefined
      ? {}
      : {
          positiveSpans: Int32Array.of(number('offset'), buckets.length),
          positiveBuckets: buckets,
        }),
    ...(negative === undefined
      ? {}
      : {
          negativeSpans: Int32Array.of(number('n_offset'), negative.length),
          negativeBuckets: negative,
        }),
    ...(customValues === undefined ? {} : { customValues }),
  });
}

const field = /\s*([a-zA-Z_]+):(\[[^\]}]*\]|[^\s}]*)/y;
const closing = /\s*\}\}/y;

/** The histogram whose `{{` is at `start`. @throws ParseError */
export function scanHistogram(text: string, start: number): WrittenHistogram {
  const fields: Fields = { numbers: new Map(), lists: new Map(), hint: undefined };
  let at = start + 2;
  for (;;) {
    closing.lastIndex = at;
    if (closing.test(text)) break;
    field.lastIndex = at;
    const match = field.exec(text);
    const reason =
      match === null
        ? 'histogram description incomplete'
        : addField(fields, (match[1] ?? '').toLowerCase(), match[2] ?? '');
    if (reason !== undefined) throw new ParseError(text, { start: at, end: text.length }, reason);
    at = field.lastIndex;
  }
  const histogram = histogramOf(fields);
  return { histogram, hintSet: fields.hint !== undefined, end: closing.lastIndex };
}
