// SPDX-License-Identifier: Apache-2.0
// The exact parser of the text format and of OpenMetrics: entry by entry, with upstream's error texts.
// The scrape kernel handles the common lines; this takes first sights, metadata and everything odd.

import type { Label } from '../model/index.ts';
import { compareText } from '../model/index.ts';
import { isUtf8, quoteBytes, textOf } from './byte-text.ts';
import { FloatTextError, formatOpenMetricsFloat, parseFloatText, readFloat } from './float-text.ts';
import { Lexer, Token } from './lexer.ts';

export type ExpositionFormat = 'text' | 'openmetrics';

export type MetricType =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'gaugehistogram'
  | 'summary'
  | 'info'
  | 'stateset'
  | 'unknown';

/** What {@link ExpositionParser.next} stands on. */
export type EntryKind = 'sample' | 'help' | 'type' | 'unit' | 'comment' | 'end';

/** A body that breaks the format; the message is upstream's. */
export class ExpositionError extends Error {
  override name = 'ExpositionError';
}

/** An exemplar as written. */
export interface ParsedExemplar {
  readonly labels: readonly Label[];
  readonly value: number;
  readonly timeMs: number | undefined;
}

const textTypes: Readonly<Record<string, MetricType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'unknown',
};
const openMetricsTypes: Readonly<Record<string, MetricType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  gaugehistogram: 'gaugehistogram',
  summary: 'summary',
  info: 'info',
  stateset: 'stateset',
  unknown: 'unknown',
};

const INT64_MAX = '9223372036854775807';
const NO_END = 'data does not end with # EOF';

/** Go's `%f` of what is not finite. */
const nonFinite = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';

const unescapeValue = (text: string): string =>
  text.includes('\\')
    ? text.replace(/\\(["\\n])/g, (_, char: string) => (char === 'n' ? '\n' : char))
    : text;
const unescapeHelp = (text: string): string =>
  text.includes('\\')
    ? text.replace(/\\([\\n])/g, (_, char: string) => (char === 'n' ? '\n' : char))
    : text;

/**
 * Walks a body (or one line of it). After `next()` the fields of that kind of entry are valid, until
 * the following call. Reusable through {@link reset}; does not keep or change the bytes.
 */
export class ExpositionParser {
  /** Type of the family whose TYPE line came last: decides how `le` and `quantile` are written. */
  metricType: MetricType = 'unknown';
  /** help, type, unit: the family. */
  metricName = '';
  /** help: unescaped text; unit: the unit. */
  text = '';
  /** sample: the bytes of name and labels as written. */
  seriesStart = 0;
  seriesEnd = 0;
  /** sample: its value; NaN stands for upstream's one NaN. */
  value = 0;
  /** sample: explicit time in ms, if one was given. */
  timeMs: number | undefined;
  /** sample (OpenMetrics): exemplar, if one was given. */
  exemplar: ParsedExemplar | undefined;
  /** sample: false when a quoted name is not UTF-8, which no validation scheme allows. */
  namesAreUtf8 = true;

  private readonly openMetrics: boolean;
  private readonly lexer: Lexer;
  /** Start of the entry, for messages. */
  private entryStart = 0;
  /** Name start, name end, then (name start, end, value start, end) for each label. */
  private offsets: number[] = [];

  constructor(format: ExpositionFormat) {
    this.openMetrics = format === 'openmetrics';
    this.lexer = new Lexer(this.openMetrics);
  }

  /** Starts over at `start`, the beginning of a line of a body that ends before `end`. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.lexer.reset(bytes, start, end);
    this.metricType = 'unknown';
  }

  /** Moves to another line of the same body, keeping the metric type. */
  seek(position: number, end: number): void {
    this.lexer.reset(this.lexer.bytes, position, end);
  }

  /** Offset of the byte after the entry. */
  get position(): number {
    return this.lexer.position;
  }

  /** @throws ExpositionError at the first thing that breaks the format; do not go on after it. */
  next(): EntryKind {
    for (;;) {
      this.entryStart = this.lexer.position;
      const token = this.lexer.next();
      if (token === Token.lineBreak) continue;
      return this.entry(token);
    }
  }

  /**
   * Labels of the sample, name included, sorted by name; repeated names and empty values are kept
   * (the caller judges them), `le` and `quantile` are in their canonical form.
   */
  labels(): Label[] {
    const { bytes } = this.lexer;
    const offsets = this.offsets;
    const labels: Label[] = [{ name: '__name__', value: this.nameText(offsets[0]!, offsets[1]!) }];
    for (let i = 2; i < offsets.length; i += 4) {
      const name = this.nameText(offsets[i]!, offsets[i + 1]!);
      const value = unescapeValue(textOf(bytes, offsets[i + 2]!, offsets[i + 3]!));
      labels.push({ name, value: this.canonical(name, value) });
    }
    return labels.sort((a, b) => compareText(a.name, b.name));
  }

  private nameText(start: number, end: number): string {
    if (!isUtf8(this.lexer.bytes, start, end)) this.namesAreUtf8 = false;
    return unescapeValue(textOf(this.lexer.bytes, start, end));
  }

  private canonical(name: string, value: string): string {
    const applies =
      (name === 'le' && this.metricType === 'histogram') ||
      (name === 'quantile' && this.metricType === 'summary');
    const number = applies ? readFloat(value) : undefined;
    if (number === undefined || (Math.abs(number) === Infinity && /[0-9]/.test(value)))
      return value;
    return formatOpenMetricsFloat(number);
  }

  private entry(token: Token): EntryKind {
    if (token === Token.braceOpen) this.entryStart = this.lexer.start;
    switch (token) {
      case Token.eofWord:
        if (this.lexer.next() !== Token.eof)
          throw new ExpositionError('unexpected data after # EOF');
        return 'end';
      case Token.eof:
        if (this.openMetrics) throw new ExpositionError(NO_END);
        return 'end';
      case Token.help:
      case Token.type:
      case Token.unit:
        return this.metadata(token);
      case Token.comment:
        this.expect(Token.lineBreak, 'linebreak expected after comment');
        return 'comment';
      case Token.braceOpen:
        this.offsets = [-1, -1];
        this.labelPairs(this.offsets, false);
        this.seriesEnd = this.lexer.position;
        return this.sample(this.lexer.next());
      case Token.metricName:
        return this.namedSample();
      default:
        throw this.unexpected('expected a valid start token', token);
    }
  }

  private namedSample(): EntryKind {
    const { lexer } = this;
    this.entryStart = lexer.start;
    this.offsets = [lexer.start, lexer.position];
    this.seriesEnd = lexer.position;
    const token = lexer.next();
    if (token !== Token.braceOpen) return this.sample(token);
    this.labelPairs(this.offsets, false);
    this.seriesEnd = lexer.position;
    return this.sample(lexer.next());
  }

  private metadata(kind: 'HELP' | 'TYPE' | 'UNIT'): EntryKind {
    const { lexer } = this;
    const { bytes } = lexer;
    const nameToken = lexer.next();
    if (nameToken !== Token.metricName)
      throw this.unexpected(`expected metric name after ${kind}`, nameToken);
    const quoted = lexer.byteAt(lexer.start) === 0x22 ? 1 : 0;
    const nameStart = lexer.start + quoted;
    const nameEnd = lexer.position - quoted;
    this.metricName = unescapeValue(textOf(bytes, nameStart, nameEnd));
    if (lexer.next() !== Token.text) throw new ExpositionError(`expected text in ${kind}`);
    const textStart = Math.min(lexer.start + 1, lexer.position);
    const textEnd = Math.max(textStart, lexer.position - (this.openMetrics ? 1 : 0));
    const raw = textOf(bytes, textStart, textEnd);
    if (kind === 'TYPE') this.takeType(quoteBytes(bytes, textStart, textEnd), raw);
    else if (kind === 'HELP') this.takeHelp(textStart, textEnd, raw);
    else this.takeUnit(raw);
    if (!this.openMetrics) this.expect(Token.lineBreak, 'linebreak expected after metadata');
    return kind === 'TYPE' ? 'type' : kind === 'HELP' ? 'help' : 'unit';
  }

  private takeType(quotedText: string, raw: string): void {
    const types = this.openMetrics ? openMetricsTypes : textTypes;
    const type = Object.hasOwn(types, raw) ? types[raw] : undefined;
    if (type === undefined) throw new ExpositionError(`invalid metric type ${quotedText}`);
    this.metricType = type;
  }

  private takeHelp(start: number, end: number, raw: string): void {
    const { bytes } = this.lexer;
    if (!isUtf8(bytes, start, end)) {
      const shown = quoteBytes(bytes, start, end);
      throw new ExpositionError(`help text ${shown} is not a valid utf8 string`);
    }
    this.text = this.openMetrics ? unescapeValue(raw) : unescapeHelp(raw);
  }

  private takeUnit(unit: string): void {
    if (unit !== '' && !this.metricName.endsWith(`_${unit}`)) {
      throw new ExpositionError(
        `unit ${JSON.stringify(unit)} not a suffix of metric ${JSON.stringify(this.metricName)}`,
      );
    }
    this.text = unit;
  }

  /** What follows the series: value, time, exemplar. `token` is the first of it. */
  private sample(token: Token): EntryKind {
    const { lexer } = this;
    this.seriesStart = this.entryStart;
    this.namesAreUtf8 = true;
    this.exemplar = undefined;
    if (this.offsets[0] === -1)
      throw new ExpositionError(`metric name not set while parsing: ${this.soFar()}`);
    this.value = this.float(token, 'metric');
    this.timeMs = undefined;
    const after = lexer.next();
    if (this.openMetrics) this.openMetricsTail(after);
    else this.textTail(after);
    return 'sample';
  }

  private textTail(token: Token): void {
    if (token === Token.lineBreak) return;
    if (token !== Token.timestamp) throw this.unexpected('expected timestamp or new record', token);
    const digits = textOf(this.lexer.bytes, this.lexer.start, this.lexer.position);
    const significant = digits.replace(/^0+(?=.)/, '');
    const tooLong = significant.length > INT64_MAX.length;
    if (tooLong || (significant.length === INT64_MAX.length && significant > INT64_MAX)) {
      throw new ExpositionError(
        `strconv.ParseInt: parsing "${digits}": value out of range while parsing: ${this.soFar()}`,
      );
    }
    this.timeMs = Number(significant);
    this.expect(Token.lineBreak, 'expected next entry after timestamp');
  }

  private openMetricsTail(first: Token): void {
    let token = first;
    if (token === Token.timestamp) {
      this.timeMs = this.seconds('timestamp');
      token = this.lexer.next();
      if (token !== Token.lineBreak && token !== Token.comment)
        throw this.unexpected('expected next entry after timestamp', token);
    }
    if (token === Token.eof) throw new ExpositionError(NO_END);
    if (token === Token.comment) this.takeExemplar();
    else if (token !== Token.lineBreak)
      throw this.unexpected('expected timestamp or # symbol', token);
  }

  private takeExemplar(): void {
    const { lexer } = this;
    const offsets: number[] = [];
    this.labelPairs(offsets, true);
    const value = this.float(lexer.next(), 'exemplar labels');
    let timeMs: number | undefined;
    const token = lexer.next();
    if (token === Token.eof) throw new ExpositionError(NO_END);
    if (token === Token.timestamp) {
      timeMs = this.seconds('exemplar timestamp');
      this.expect(Token.lineBreak, 'expected next entry after exemplar timestamp');
    } else if (token !== Token.lineBreak) {
      throw this.unexpected('expected timestamp or comment', token);
    }
    const labels: Label[] = [];
    for (let i = 0; i < offsets.length; i += 4) {
      labels.push({
        name: textOf(lexer.bytes, offsets[i]!, offsets[i + 1]!),
        value: unescapeValue(textOf(lexer.bytes, offsets[i + 2]!, offsets[i + 3]!)),
      });
    }
    this.exemplar = { labels, value, timeMs };
  }

  /** Reads labels up to the closing brace into `offsets`; the opening one has been read. */
  private labelPairs(offsets: number[], inExemplar: boolean): void {
    const { lexer } = this;
    let token = lexer.next();
    for (;;) {
      if (token === Token.braceClose) return;
      if (token !== Token.labelName && token !== Token.quoted)
        throw this.unexpected('expected label name', token);
      const quoted = token === Token.quoted ? 1 : 0;
      const start = lexer.start + quoted;
      const end = lexer.position - quoted;
      token = lexer.next();
      if (token === Token.comma || token === Token.braceClose) {
        // A string of its own is the metric's name.
        if (inExemplar) throw this.unexpected('expected label name', token);
        if (offsets[0] !== -1)
          throw new ExpositionError(`metric name already set while parsing: ${this.soFar()}`);
        if (quoted === 0) throw this.unexpected('expected equal', token);
        offsets[0] = start;
        offsets[1] = end;
        if (token === Token.braceClose) return;
        token = lexer.next();
        continue;
      }
      if (token !== Token.equal) throw this.unexpected('expected equal', token);
      this.expect(Token.labelValue, 'expected label value');
      if (!isUtf8(lexer.bytes, lexer.start, lexer.position)) {
        const shown = quoteBytes(lexer.bytes, lexer.start, lexer.position);
        throw new ExpositionError(`invalid UTF-8 label value: ${shown}`);
      }
      offsets.push(start, end, lexer.start + 1, lexer.position - 1);
      token = lexer.next();
      if (token === Token.comma) token = lexer.next();
      else if (token !== Token.braceClose && this.openMetrics)
        throw this.unexpected('expected comma or brace close', token);
    }
  }

  private float(token: Token, after: string): number {
    if (token !== Token.value) throw this.unexpected(`expected value after ${after}`, token);
    return this.number();
  }

  private seconds(what: string): number {
    const seconds = this.number();
    if (!Number.isFinite(seconds))
      throw new ExpositionError(`invalid ${what} ${nonFinite(seconds)}`);
    return Math.trunc(seconds * 1000);
  }

  /** The current token as a float; OpenMetrics tokens carry their leading space. */
  private number(): number {
    const { bytes, position } = this.lexer;
    const start = this.lexer.start + (this.openMetrics ? 1 : 0);
    try {
      return parseFloatText(textOf(bytes, start, position), () => this.quoted(start, position));
    } catch (error) {
      if (!(error instanceof FloatTextError)) throw error;
      throw new ExpositionError(`${error.message} while parsing: ${this.soFar()}`);
    }
  }

  private expect(wanted: Token, message: string): void {
    const token = this.lexer.next();
    if (token !== wanted) throw this.unexpected(message, token);
  }

  /** The entry up to the current position, quoted. */
  private soFar(): string {
    return this.quoted(this.entryStart, this.lexer.position);
  }

  private unexpected(expected: string, got: Token): ExpositionError {
    const end = Math.min(this.lexer.position + 1, this.lexer.limit);
    const shown = this.quoted(this.lexer.start, end);
    const context = this.quoted(this.entryStart, end);
    return new ExpositionError(`${expected}, got ${shown} ("${got}") while parsing: ${context}`);
  }

  /** Quotes input, the added line break of the text format included. */
  private quoted(start: number, end: number): string {
    const part = new Uint8Array(Math.max(0, end - start));
    for (let i = 0; i < part.length; i++) part[i] = this.lexer.byteAt(start + i);
    return quoteBytes(part, 0, part.length);
  }
}
