// SPDX-License-Identifier: Apache-2.0
// Reads an answer of /query or /query_range. A matrix becomes columns while it is read: a pair of typed
// arrays per series, with no object or string per sample, whatever its size.

import type { HistogramPair, LabelObject, QueryStats } from '../../../src/apitypes/index.ts';

export interface DecodedSeries {
  readonly metric: LabelObject;
  /** [n] milliseconds since the epoch, ascending. */
  readonly times: Float64Array;
  /** [n] */
  readonly values: Float64Array;
  readonly histograms: readonly HistogramPair[];
}

export interface DecodedSample {
  readonly metric: LabelObject;
  /** Milliseconds. */
  readonly timeMs: number;
  /** As the server wrote it; undefined for a histogram. */
  readonly value: string | undefined;
  readonly histogram: HistogramPair[1] | undefined;
}

export type DecodedResult =
  | { readonly type: 'matrix'; readonly series: readonly DecodedSeries[] }
  | { readonly type: 'vector'; readonly samples: readonly DecodedSample[] }
  | { readonly type: 'scalar' | 'string'; readonly timeMs: number; readonly value: string };

export interface DecodedAnswer {
  readonly result: DecodedResult;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats | undefined;
}

/** The text is not an answer to a query. */
export class DecodeError extends Error {
  override name = 'DecodeError';
}

interface Columns {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

type Json = null | boolean | number | string | Columns | readonly Json[] | { [key: string]: Json };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COLON = 0x3a;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** Powers of ten that are exact, so that one division rounds once. */
const exactPowers = Float64Array.from({ length: 16 }, (_, power) => 10 ** power);

/** Deeper than any answer: a histogram's bucket is at 8. */
const DEPTH_MAX = 32;

class Reader {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  private times = new Float64Array(1024);
  private values = new Float64Array(1024);

  constructor(text: string) {
    this.text = text;
  }

  document(): Json {
    const value = this.value();
    this.space();
    if (this.at !== this.text.length) this.fail();
    return value;
  }

  private fail(): never {
    throw new DecodeError(`cannot read the answer: unexpected text at character ${this.at}`);
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  /** Takes `code` when it is next. */
  private take(code: number): boolean {
    if (this.text.charCodeAt(this.at) !== code) {
      this.space();
      if (this.text.charCodeAt(this.at) !== code) return false;
    }
    this.at += 1;
    return true;
  }

  private expect(code: number): void {
    if (!this.take(code)) this.fail();
  }

  private value(): Json {
    this.space();
    const code = this.text.charCodeAt(this.at);
    if (code === QUOTE) return this.string();
    if (code === OPEN_OBJECT) return this.nested(() => this.object());
    if (code === OPEN_LIST) return this.nested(() => this.list());
    return this.word();
  }

  private nested(read: () => Json): Json {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) this.fail();
    const value = read();
    this.depth -= 1;
    return value;
  }

  private object(): Json {
    const object: { [key: string]: Json } = {};
    this.expect(OPEN_OBJECT);
    if (this.take(CLOSE_OBJECT)) return object;
    do {
      this.space();
      const key = this.string();
      this.expect(COLON);
      this.space();
      const isColumns = key === 'values' && this.text.charCodeAt(this.at) === OPEN_LIST;
      const value = isColumns ? this.columns() : this.value();
      // A label may have this name.
      if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true });
      else object[key] = value;
    } while (this.take(COMMA));
    this.expect(CLOSE_OBJECT);
    return object;
  }

  private list(): Json {
    const list: Json[] = [];
    this.expect(OPEN_LIST);
    if (this.take(CLOSE_LIST)) return list;
    do list.push(this.value());
    while (this.take(COMMA));
    this.expect(CLOSE_LIST);
    return list;
  }

  private string(): string {
    if (this.text.charCodeAt(this.at) !== QUOTE) this.fail();
    const start = this.at;
    let end = this.text.indexOf('"', start + 1);
    let isPlain = true;
    for (;;) {
      if (end < 0) this.fail();
      let slashes = 0;
      while (this.text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
      if (slashes % 2 === 0) break;
      end = this.text.indexOf('"', end + 1);
    }
    this.at = end + 1;
    const inside = this.text.slice(start + 1, end);
    if (inside.includes('\\')) isPlain = false;
    if (isPlain) return inside;
    try {
      return JSON.parse(this.text.slice(start, end + 1)) as string;
    } catch {
      return this.fail();
    }
  }

  /** Number, true, false, null. */
  private word(): Json {
    const start = this.at;
    while (/[-+.\w]/.test(this.text.charAt(this.at))) this.at += 1;
    const word = this.text.slice(start, this.at);
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'null') return null;
    const number = Number(word);
    if (word === '' || Number.isNaN(number)) this.fail();
    return number;
  }

  /** `[[1700000000.123,"1.5"],…]` as columns of their own. */
  private columns(): Columns {
    let count = 0;
    this.expect(OPEN_LIST);
    if (!this.take(CLOSE_LIST)) {
      do {
        if (count === this.times.length) this.grow();
        this.expect(OPEN_LIST);
        this.times[count] = Math.round(this.number(COMMA) * 1000);
        this.expect(COMMA);
        this.expect(QUOTE);
        this.values[count] = this.number(QUOTE);
        this.expect(QUOTE);
        this.expect(CLOSE_LIST);
        count += 1;
      } while (this.take(COMMA));
      this.expect(CLOSE_LIST);
    }
    return { times: this.times.slice(0, count), values: this.values.slice(0, count) };
  }

  private grow(): void {
    const [times, values] = [this.times, this.values];
    this.times = new Float64Array(times.length * 2);
    this.values = new Float64Array(values.length * 2);
    this.times.set(times);
    this.values.set(values);
  }

  /** A number up to `end`, which stays. Up to 15 digits without exponent are exact by one division. */
  private number(end: number): number {
    const { text } = this;
    const start = this.at;
    let at = start;
    const negative = text.charCodeAt(at) === MINUS;
    if (negative) at += 1;
    let digits = 0;
    let decimals = -1;
    let mantissa = 0;
    let code = text.charCodeAt(at);
    for (; code !== end; code = text.charCodeAt(++at)) {
      const digit = code - ZERO;
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digits += 1;
        if (decimals >= 0) decimals += 1;
      } else if (code === POINT && decimals < 0) decimals = 0;
      else break;
    }
    if (code === end && digits > 0 && digits <= 15) {
      this.at = at;
      const size = decimals > 0 ? mantissa / (exactPowers[decimals] ?? Number.NaN) : mantissa;
      return negative ? -size : size;
    }
    const stop = text.indexOf(String.fromCharCode(end), start);
    if (stop < 0 || stop - start > 40) this.fail();
    this.at = stop;
    return this.named(text.slice(start, stop));
  }

  private named(word: string): number {
    if (word === 'NaN') return Number.NaN;
    if (word === '+Inf' || word === 'Inf') return Number.POSITIVE_INFINITY;
    if (word === '-Inf') return Number.NEGATIVE_INFINITY;
    const value = Number(word);
    if (word.trim() === '' || Number.isNaN(value)) this.fail();
    return value;
  }
}

const noColumns: Columns = { times: new Float64Array(0), values: new Float64Array(0) };

interface RawEnvelope {
  readonly data: {
    readonly resultType: string;
    readonly result: unknown;
    readonly stats?: QueryStats;
  };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

interface RawSeries {
  readonly metric: LabelObject;
  readonly values?: Columns;
  readonly histograms?: readonly HistogramPair[];
}

interface RawSample {
  readonly metric: LabelObject;
  readonly value?: readonly [number, string];
  readonly histogram?: HistogramPair;
}

function decodeResult(type: string, result: unknown): DecodedResult {
  if (type === 'matrix') {
    const series = (result as readonly RawSeries[]).map(({ metric, values, histograms }) => ({
      metric,
      ...(values ?? noColumns),
      histograms: histograms ?? [],
    }));
    return { type, series };
  }
  if (type === 'vector') {
    const samples = (result as readonly RawSample[]).map(({ metric, value, histogram }) => ({
      metric,
      timeMs: Math.round(1000 * (value?.[0] ?? histogram?.[0] ?? Number.NaN)),
      value: value?.[1],
      histogram: histogram?.[1],
    }));
    return { type, samples };
  }
  if (type === 'scalar' || type === 'string') {
    const [seconds, value] = result as readonly [number, string];
    return { type, timeMs: Math.round(seconds * 1000), value };
  }
  throw new DecodeError(`cannot read the answer: unknown result type ${JSON.stringify(type)}`);
}

/**
 * Decodes the text of a successful answer.
 * @throws DecodeError
 */
export function decodeAnswer(text: string): DecodedAnswer {
  const envelope = new Reader(text).document() as unknown as RawEnvelope | null;
  const result = envelope?.data?.result;
  if (!Array.isArray(result)) throw new DecodeError('cannot read the answer: it has no result');
  return {
    result: decodeResult(envelope?.data.resultType ?? '', result),
    warnings: envelope?.warnings ?? [],
    infos: envelope?.infos ?? [],
    stats: envelope?.data.stats,
  };
}
