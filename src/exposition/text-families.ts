// SPDX-License-Identifier: Apache-2.0
// A whole body in text format 0.0.4 as families. Upstream reads pushed bodies with another parser than
// scraped ones: it keeps families together, is stricter about their order, and has other messages. This
// is that one. For scraping see parser.ts.

import type {
  DistributionPoint,
  FamilyType,
  LabelPairs,
  Metric,
  MetricFamily,
  NameScheme,
} from '../model/index.ts';
import { compareText, isValidLabelName, isValidMetricName, quote } from '../model/index.ts';
import { isUtf8, quoteBytes } from './byte-text.ts';
import { readFloat } from './float-text.ts';

/** A body that breaks the format; the message is upstream's. */
export class TextFormatError extends Error {
  override name = 'TextFormatError';
}

/** Type words of TYPE lines, lower case. */
const typeWords: Readonly<Record<string, FamilyType>> = {
  counter: 'counter',
  gauge: 'gauge',
  summary: 'summary',
  untyped: 'untyped',
  histogram: 'histogram',
  gauge_histogram: 'gaugehistogram',
  gaugehistogram: 'gaugehistogram',
};

const TAB = 9;
const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 0x22;
const HASH = 0x23;
const COMMA = 0x2c;
const COLON = 0x3a;
const EQUAL = 0x3d;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const isBlank = (c: number): boolean => c === SPACE || c === TAB;
const isNameStart = (c: number): boolean =>
  (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === UNDERSCORE;
const isNamePart = (c: number): boolean => isNameStart(c) || (c >= 0x30 && c <= 0x39);

interface OpenDistribution {
  count: number;
  sum: number;
  readonly points: DistributionPoint[];
  isFloat?: boolean;
}

interface OpenMetric {
  labels: LabelPairs;
  value: number;
  distribution?: OpenDistribution;
  timestampMs?: number;
}

interface OpenFamily {
  readonly name: string;
  help: string | undefined;
  type: FamilyType | undefined;
  readonly metrics: OpenMetric[];
  /** Summaries and histograms by their labels: their samples come on several lines. */
  readonly distributions: Map<string, OpenMetric>;
}

/** Role of a line in the family it belongs to. */
type Part = 'value' | 'count' | 'sum';

const isDistribution = (type: FamilyType | undefined): boolean =>
  type === 'summary' || type === 'histogram' || type === 'gaugehistogram';
const isHistogram = (type: FamilyType | undefined): boolean =>
  type === 'histogram' || type === 'gaugehistogram';

const withoutSuffix = (name: string, suffix: string): string | undefined =>
  name.length > suffix.length && name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;

/** A float as Go's ParseFloat takes it, without `_` and hexadecimal; undefined where it is none. */
function floatOf(text: string): number | undefined {
  const value = readFloat(text);
  // A decimal that is too large is an error in Go, not infinity.
  return value !== undefined && !Number.isFinite(value) && /[0-9]/.test(text) ? undefined : value;
}

const isWhole = (value: number): boolean => value >= 0 && value < 2 ** 64 && value % 1 === 0;

/** Go's %q of a byte as a rune. */
const quotedByte = (code: number): string => {
  const text = quote(String.fromCharCode(code)).slice(1, -1);
  return `'${text === '\\"' ? '"' : text}'`;
};

class TextFamilyParser {
  private readonly text: string;
  /** The body where it is not UTF-8: then each character of `text` is one byte. */
  private readonly broken: boolean;
  private readonly scheme: NameScheme;
  private position = 0;
  private line = 0;
  readonly families = new Map<string, OpenFamily>();
  private family: OpenFamily | undefined;
  private part: Part = 'value';
  private names: string[] = [];
  private values: string[] = [];
  private bound = Number.NaN;

  constructor(text: string, broken: boolean, scheme: NameScheme) {
    this.text = text;
    this.broken = broken;
    this.scheme = scheme;
  }

  parse(): void {
    const { text } = this;
    for (;;) {
      this.line++;
      while (isBlank(text.charCodeAt(this.position))) this.position++;
      if (this.position >= text.length) return;
      const c = text.charCodeAt(this.position);
      if (c === HASH) this.comment();
      else if (c !== NEWLINE) this.sample(c);
      // Whatever was read ends with its line break.
      this.position++;
    }
  }

  private fail(message: string): never {
    throw new TextFormatError(`text format parsing error in line ${this.line}: ${message}`);
  }

  /** The character at the position; a body must not end inside a line. */
  private current(): number {
    if (this.position >= this.text.length) this.fail('unexpected end of input stream');
    return this.text.charCodeAt(this.position);
  }

  private skipBlanks(): number {
    while (isBlank(this.text.charCodeAt(this.position))) this.position++;
    return this.current();
  }

  /** Up to the next blank or line break. */
  private word(): string {
    const { text } = this;
    const start = this.position;
    for (;;) {
      const c = text.charCodeAt(this.position);
      if (isBlank(c) || c === NEWLINE) break;
      if (this.position >= text.length) this.current();
      this.position++;
    }
    return text.slice(start, this.position);
  }

  /** Up to the line break, which is left. */
  private restOfLine(): string {
    const end = this.text.indexOf('\n', this.position);
    const rest = this.text.slice(this.position, end < 0 ? undefined : end);
    this.position += rest.length;
    this.current();
    return rest;
  }

  private comment(): void {
    this.position++;
    if (this.skipBlanks() === NEWLINE) return;
    const keyword = this.word();
    if (this.current() === NEWLINE) return;
    if (keyword !== 'HELP' && keyword !== 'TYPE') {
      this.restOfLine();
      return;
    }
    this.skipBlanks();
    const name = this.name(true);
    if (this.current() === NEWLINE) return;
    if (!isBlank(this.current())) this.fail('invalid metric name in comment');
    const family = this.enterFamily(name);
    if (this.skipBlanks() === NEWLINE) return;
    if (keyword === 'HELP') this.help(family);
    else this.type(family);
  }

  private help(family: OpenFamily): void {
    if (family.help !== undefined)
      this.fail(`second HELP line for metric name ${quote(family.name)}`);
    const escapes: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', '"': '"' };
    const text = this.restOfLine();
    family.help = text.includes('\\')
      ? text.replace(/\\([\s\S]?)/g, (_, char: string) => {
          const plain = escapes[char];
          if (plain === undefined) this.fail(`invalid escape sequence '\\${char || '\n'}'`);
          return plain;
        })
      : text;
  }

  private type(family: OpenFamily): void {
    if (family.type !== undefined) {
      this.fail(
        `second TYPE line for metric name ${quote(family.name)}, or TYPE reported after samples`,
      );
    }
    const word = this.restOfLine();
    const type = typeWords[word.toLowerCase()];
    if (type === undefined) this.fail(`unknown metric type ${quote(word)}`);
    family.type = type;
  }

  /** A metric's or label's name, plain or in quotes; '' where none begins. */
  private name(isMetric: boolean): string {
    const { text } = this;
    const start = this.position;
    const first = this.current();
    if (first === QUOTE) return this.quotedName(isMetric);
    if (!isNameStart(first) && !(isMetric && first === COLON)) return '';
    for (;;) {
      const c = text.charCodeAt(++this.position);
      if (!isNamePart(c) && !(isMetric && c === COLON)) break;
    }
    this.current();
    return text.slice(start, this.position);
  }

  private quotedName(isMetric: boolean): string {
    let name = '';
    for (this.position++; ; this.position++) {
      const c = this.current();
      if (c === QUOTE) break;
      if (c === NEWLINE) {
        const kind = isMetric ? 'metric' : 'label';
        this.fail(`${kind} name ${quote(name)} contains unescaped new-line`);
      }
      name += c === BACKSLASH ? this.escaped() : this.text[this.position]!;
    }
    this.position++;
    this.current();
    return name;
  }

  /** The character that an escape stands for; the position moves to its last character. */
  private escaped(): string {
    this.position++;
    const c = this.current();
    if (c === QUOTE) return '"';
    if (c === BACKSLASH) return '\\';
    if (c === 0x6e) return '\n';
    return this.fail(`invalid escape sequence '\\${this.text[this.position] ?? ''}'`);
  }

  /** The family that a name belongs to, made where there is none. Sets the part. */
  private enterFamily(name: string): OpenFamily {
    this.part = 'value';
    const known = this.families.get(name) ?? this.distributionOf(name);
    if (known !== undefined) return known;
    if (!isValidMetricName(name, this.scheme)) this.fail(`invalid metric name ${quote(name)}`);
    const family: OpenFamily = {
      name,
      help: undefined,
      type: undefined,
      metrics: [],
      distributions: new Map(),
    };
    this.families.set(name, family);
    return family;
  }

  /** The summary or histogram that `name` is the count, sum or bucket of. */
  private distributionOf(name: string): OpenFamily | undefined {
    const ofCount = withoutSuffix(name, '_count');
    const ofSum = ofCount === undefined ? withoutSuffix(name, '_sum') : undefined;
    const base = ofCount ?? ofSum ?? withoutSuffix(name, '_bucket');
    const family = base === undefined ? undefined : this.families.get(base);
    if (family === undefined || !isDistribution(family.type)) return undefined;
    const isPart = ofCount !== undefined || ofSum !== undefined;
    if (family.type === 'summary' && !isPart) return undefined;
    if (isPart) this.part = ofCount === undefined ? 'sum' : 'count';
    return family;
  }

  private sample(first: number): void {
    this.names = [];
    this.values = [];
    this.bound = Number.NaN;
    this.family = undefined;
    if (first === BRACE_OPEN) this.labels(true);
    else {
      const name = this.name(true);
      if (name === '') this.fail('invalid metric name');
      this.family = this.enterFamily(name);
      if (this.skipBlanks() === BRACE_OPEN) this.labels(false);
    }
    this.value();
  }

  /** From the opening brace to the value's first character. */
  private labels(namedInside: boolean): void {
    for (;;) {
      this.position++;
      if (this.skipBlanks() === BRACE_CLOSE) break;
      const name = this.name(false);
      if (name === '') this.fail(`invalid label name for metric ${quote(this.family?.name ?? '')}`);
      const c = this.skipBlanks();
      if (c === EQUAL) {
        this.label(name);
        const next = this.skipBlanks();
        if (next === COMMA) continue;
        if (next === BRACE_CLOSE) break;
        this.fail(`unexpected end of label value ${quote(this.values.at(-1) ?? '')}`);
      }
      if (!namedInside)
        this.fail(`expected '=' after label name, found ${quotedByte(this.current())}`);
      if (c !== COMMA && c !== BRACE_CLOSE)
        this.fail(`unexpected end of metric value ${quotedByte(c)}`);
      if (this.family !== undefined)
        this.fail(`multiple metric names for metric ${quote(this.family.name)}`);
      this.family = this.enterFamily(name);
      if (c === BRACE_CLOSE) break;
    }
    if (this.family === undefined) this.fail('invalid metric name');
    this.position++;
    this.skipBlanks();
  }

  private label(name: string): void {
    if (name === '__name__') this.fail('label name "__name__" is reserved');
    if (!isValidLabelName(name, this.scheme)) this.fail(`invalid label name ${quote(name)}`);
    const type = this.family?.type;
    const isBound =
      (type === 'summary' && name === 'quantile') || (isHistogram(type) && name === 'le');
    if (!isBound && this.isTaken(name))
      this.fail(`duplicate label names for metric ${quote(this.family?.name ?? '')}`);
    this.position++;
    const c = this.skipBlanks();
    if (c !== QUOTE) this.fail(`expected '"' at start of label value, found ${quotedByte(c)}`);
    const value = this.labelValue();
    if (isBound) {
      const bound = floatOf(value);
      if (bound === undefined)
        this.fail(`expected float as value for '${name}' label, got ${quote(value)}`);
      this.bound = bound;
      return;
    }
    this.names.push(name);
    this.values.push(value);
  }

  /** Metrics have few labels: looking is faster than a set, until it is not. */
  private taken = new Set<string>();
  private isTaken(name: string): boolean {
    const { names } = this;
    if (names.length < 32) return names.includes(name);
    if (names.length === 32 || this.taken.size !== names.length) this.taken = new Set(names);
    const known = this.taken.has(name);
    this.taken.add(name);
    return known;
  }

  /** The value in quotes at the position, which moves behind it. */
  private labelValue(): string {
    const { text } = this;
    const start = ++this.position;
    for (;;) {
      const c = text.charCodeAt(this.position);
      if (c === QUOTE) break;
      if (c === BACKSLASH) return this.escapedLabelValue(start);
      if (c === NEWLINE) {
        const value = text.slice(start, this.position);
        this.fail(`label value ${quote(value)} contains unescaped new-line`);
      }
      if (this.position >= text.length) this.current();
      this.position++;
    }
    return this.checkedValue(text.slice(start, this.position++));
  }

  private escapedLabelValue(start: number): string {
    let value = this.text.slice(start, this.position);
    for (; ; this.position++) {
      const c = this.current();
      if (c === QUOTE) break;
      if (c === NEWLINE) this.fail(`label value ${quote(value)} contains unescaped new-line`);
      value += c === BACKSLASH ? this.escaped() : this.text[this.position]!;
    }
    this.position++;
    return this.checkedValue(value);
  }

  private checkedValue(value: string): string {
    if (!this.broken) return value;
    const bytes = Uint8Array.from(value, (char) => char.charCodeAt(0));
    if (!isUtf8(bytes, 0, bytes.length))
      this.fail(`invalid label value ${quoteBytes(bytes, 0, bytes.length)}`);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  private sortedLabels(): LabelPairs {
    const { names, values } = this;
    const pairs: string[] = [];
    if (names.length < 2) {
      if (names.length === 1) pairs.push(names[0]!, values[0]!);
      return pairs;
    }
    let sorted = true;
    for (let i = 1; sorted && i < names.length; i++)
      sorted = compareText(names[i - 1]!, names[i]!) < 0;
    if (sorted) {
      for (let i = 0; i < names.length; i++) pairs.push(names[i]!, values[i]!);
      return pairs;
    }
    const order = names.map((_, i) => i).sort((a, b) => compareText(names[a]!, names[b]!));
    for (const i of order) pairs.push(names[i]!, values[i]!);
    return pairs;
  }

  /** Value and timestamp; the position is left on the line break. */
  private value(): void {
    const family = this.family!;
    const labels = this.sortedLabels();
    family.type ??= 'untyped';
    const word = this.word();
    const value = floatOf(word);
    if (value === undefined) this.fail(`expected float as value, got ${quote(word)}`);
    let metric: OpenMetric;
    if (isDistribution(family.type)) {
      metric = this.distributionMetric(family, labels);
      this.distributionValue(family, metric.distribution!, value);
    } else {
      metric = { labels, value };
      family.metrics.push(metric);
    }
    if (this.current() !== NEWLINE) this.timestamp(metric);
  }

  private distributionMetric(family: OpenFamily, labels: LabelPairs): OpenMetric {
    const key = labels.join('\xff');
    let metric = family.distributions.get(key);
    if (metric === undefined) {
      metric = { labels, value: 0, distribution: { count: 0, sum: 0, points: [] } };
      family.distributions.set(key, metric);
      family.metrics.push(metric);
    }
    return metric;
  }

  private distributionValue(family: OpenFamily, into: OpenDistribution, value: number): void {
    const histogram = isHistogram(family.type);
    if (this.part === 'sum') into.sum = value;
    else if (this.part === 'count') {
      if (histogram && value < 0) this.fail(`negative count for histogram ${quote(family.name)}`);
      if (histogram && !isWhole(value)) into.isFloat = true;
      into.count = histogram || isWhole(value) ? value : Math.max(0, Math.trunc(value) || 0);
    } else if (!Number.isNaN(this.bound)) {
      if (histogram && value < 0)
        this.fail(`negative bucket population for histogram ${quote(family.name)}`);
      if (histogram && !isWhole(value)) into.isFloat = true;
      into.points.push({ bound: this.bound, value });
    }
  }

  private timestamp(metric: OpenMetric): void {
    this.skipBlanks();
    const word = this.word();
    if (!/^[+-]?[0-9]{1,19}$/.test(word))
      this.fail(`expected integer as timestamp, got ${quote(word)}`);
    metric.timestampMs = Number(word);
    const rest = this.restOfLine();
    if (rest !== '') this.fail(`spurious string after timestamp: ${quote(rest)}`);
  }
}

/**
 * Parses a body in text format 0.0.4. Families are in order of first mention, those without metrics left
 * out; metrics are in their order, also where a label set comes twice (the caller judges that).
 * @throws TextFormatError
 */
export function parseTextFamilies(
  bytes: Uint8Array,
  scheme: NameScheme = 'utf8',
): Map<string, MetricFamily> {
  let text: string;
  let broken = false;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    broken = true;
    text = '';
    for (let i = 0; i < bytes.length; i += 8192)
      text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  const parser = new TextFamilyParser(text, broken, scheme);
  parser.parse();
  const families = new Map<string, MetricFamily>();
  for (const { name, help, type, metrics } of parser.families.values()) {
    if (metrics.length === 0) continue;
    const kept: readonly Metric[] = metrics;
    families.set(name, { name, help: help ?? '', type: type ?? 'untyped', metrics: kept });
  }
  return families;
}
