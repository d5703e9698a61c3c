// SPDX-License-Identifier: Apache-2.0
// YAML as the configuration reads it: every value knows its place (file, line, column, path of keys),
// so that what is wrong with it can be said where it stands. Problems are gathered, not thrown: one
// reading reports them all.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { parseByteSize, parseDuration, quote } from '../model/index.ts';
import { nearest } from './suggestion.ts';

/** One thing wrong with a file. */
export interface ConfigIssue {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `scrape_configs[0].job_name`; '' for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** A file that cannot be used. The message has one line for each issue. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly issues: readonly ConfigIssue[];
  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(formatIssue).join('\n'));
    this.issues = issues;
  }
}

/** `prometheus.yml:3:5: scrape_configs[0].job_name: …` */
export function formatIssue({ file, line, column, path, message }: ConfigIssue): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** One file being read. */
export class YamlFile {
  readonly issues: ConfigIssue[];
  readonly name: string;
  /** Lets keys pass that nobody asked for. */
  ignoresUnknown = false;
  private readonly lines = new LineCounter();
  private readonly document: Document;

  /** @param issues where problems of this file are added; files read together share it */
  constructor(name: string, text: string, issues: ConfigIssue[]) {
    this.name = name;
    this.issues = issues;
    this.document = parseDocument(text, {
      // All scalars stay text: what they mean depends on the key, not on how they look.
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: this.lines,
    });
    for (const error of this.document.errors) {
      if (error.code !== 'MULTIPLE_DOCS') this.report(error.pos[0], '', error.message);
    }
  }

  /** The file's only value; of nothing when the file is empty. */
  root(): YamlValue {
    return new YamlValue(this, this.document.contents, '', 0);
  }

  report(offset: number, path: string, message: string): void {
    const { line, col } = this.lines.linePos(offset);
    const file = this.name;
    this.issues.push({ file, line: Math.max(1, line), column: Math.max(1, col), path, message });
  }

  lineAt(offset: number): number {
    return Math.max(1, this.lines.linePos(offset).line);
  }

  /** Follows an alias (`*name`) to its anchor. */
  resolve(node: Node | null | undefined): Node | undefined {
    if (!isAlias(node)) return node ?? undefined;
    const target = node.resolve(this.document);
    return isAlias(target) ? undefined : target;
  }
}

/** yaml 1.1, which upstream reads, has more words for the two. */
const trueWords = /^(?:y|yes|true|on)$/i;
const falseWords = /^(?:n|no|false|off)$/i;
const integer = /^[-+]?(?:0x[0-9a-fA-F]+|0o?[0-7]+|[0-9]+)$/;
const decimal = /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/;

/** Aliases can make a small file enormous; values taken as they are stop here. */
const PLAIN_NODES_MAX = 100_000;
const PLAIN_DEPTH_MAX = 50;

function parseInteger(text: string): number {
  const digits = text.replace(/^[-+]/, '');
  const octal = /^0o?([0-7]+)$/.exec(digits);
  const value = Number(octal ? `0o${octal[1]}` : digits);
  return text.startsWith('-') ? -value : value;
}

/** A value in a file. Readers return undefined after reporting what is wrong. */
export class YamlValue {
  readonly file: YamlFile;
  readonly path: string;
  private readonly node: Node | undefined;
  /** Where to point when there is no node: the key. */
  private readonly fallbackOffset: number;

  constructor(file: YamlFile, node: unknown, path: string, fallbackOffset: number) {
    this.file = file;
    this.path = path;
    this.fallbackOffset = fallbackOffset;
    this.node = file.resolve(isNodeLike(node) ? node : undefined);
  }

  get offset(): number {
    return this.node?.range?.[0] ?? this.fallbackOffset;
  }

  get line(): number {
    return this.file.lineAt(this.offset);
  }

  /** Nothing was written, or `null` or `~`. */
  get isNull(): boolean {
    const node = this.node;
    if (!node) return true;
    if (!isScalar(node)) return false;
    return node.type === 'PLAIN' && /^(?:|~|null|Null|NULL)$/.test(node.source ?? '');
  }

  get isMapping(): boolean {
    return isMap(this.node);
  }

  fail(message: string): undefined {
    this.file.report(this.offset, this.path, message);
    return undefined;
  }

  /** Runs a parser that throws; its message is reported here. */
  attempt<T>(parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      return this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  text(): string | undefined {
    const node = this.node;
    if (isScalar(node)) return this.decoded(node, this.offset, this.path);
    return this.fail(`expected a text, not ${this.describe()}`);
  }

  boolean(): boolean | undefined {
    const text = this.plain();
    if (text !== undefined && trueWords.test(text)) return true;
    if (text !== undefined && falseWords.test(text)) return false;
    return this.fail(`expected true or false, not ${this.describe()}`);
  }

  /** A whole number of at least `min`. */
  integer(min: number): number | undefined {
    const text = this.plain();
    // As upstream's reader, which cuts off fractions: `1e6` is a common way to write a limit.
    const value =
      text === undefined
        ? NaN
        : integer.test(text)
          ? parseInteger(text)
          : decimal.test(text)
            ? Math.trunc(Number(text))
            : NaN;
    if (!Number.isSafeInteger(value))
      return this.fail(`expected a whole number, not ${this.describe()}`);
    if (value < min) return this.fail(`must be at least ${min}, not ${value}`);
    return value;
  }

  number(): number | undefined {
    const text = this.plain();
    if (text !== undefined && decimal.test(text)) return Number(text);
    return this.fail(`expected a number, not ${this.describe()}`);
  }

  /** Milliseconds. */
  duration(): number | undefined {
    const text = this.text();
    return text === undefined ? undefined : this.attempt(() => parseDuration(text));
  }

  /** Bytes. */
  byteSize(): number | undefined {
    const text = this.text();
    return text === undefined ? undefined : this.attempt(() => parseByteSize(text));
  }

  /** The items of a list, null ones included; [] when null or after reporting. */
  items(): readonly YamlValue[] {
    if (this.isNull) return [];
    if (!isSeq(this.node)) {
      this.fail(`expected a list, not ${this.describe()}`);
      return [];
    }
    return this.node.items.map(
      (item, i) => new YamlValue(this.file, item, `${this.path}[${i}]`, this.offset),
    );
  }

  /** A list of texts. */
  texts(): string[] {
    return this.items().flatMap((item) => item.text() ?? []);
  }

  /** The entries of a mapping by key, merge keys (`<<`) applied; empty when null or after reporting. */
  entries(): Map<string, YamlEntry> {
    const entries = new Map<string, YamlEntry>();
    if (this.isNull) return entries;
    if (isMap(this.node)) this.addEntries(this.node, entries, 0);
    else this.fail(`expected a mapping, not ${this.describe()}`);
    return entries;
  }

  /** A mapping of texts. */
  textEntries(): [string, string][] {
    return [...this.entries()].flatMap(([key, { value }]) => {
      const text = value.isNull ? '' : value.text();
      return text === undefined ? [] : [[key, text]];
    });
  }

  /** The value as plain objects, arrays, numbers, booleans and texts, for what is only passed on. */
  toPlain(budget = { left: PLAIN_NODES_MAX }, depth = 0): unknown {
    if (depth > PLAIN_DEPTH_MAX) return this.fail('nested too deeply');
    if (budget.left-- <= 0) {
      return budget.left === -1 ? this.fail('too large after aliases are filled in') : undefined;
    }
    if (this.isNull) return null;
    if (isSeq(this.node)) return this.items().map((item) => item.toPlain(budget, depth + 1));
    if (isMap(this.node)) {
      const object: Record<string, unknown> = {};
      for (const [key, { value }] of this.entries()) object[key] = value.toPlain(budget, depth + 1);
      return object;
    }
    const plain = this.plain();
    if (plain === undefined) return this.text();
    if (/^(?:true|false)$/i.test(plain)) return plain.toLowerCase() === 'true';
    if (integer.test(plain) && Number.isSafeInteger(Number(plain))) return parseInteger(plain);
    return decimal.test(plain) ? Number(plain) : plain;
  }

  private addEntries(map: YAMLMap, entries: Map<string, YamlEntry>, depth: number): void {
    const merged: Node[] = [];
    const own = new Set<string>();
    for (const pair of map.items as Pair<unknown, unknown>[]) {
      const keyNode = isNodeLike(pair.key) ? this.file.resolve(pair.key) : undefined;
      const keyOffset = keyNode?.range?.[0] ?? this.offset;
      if (!isScalar(keyNode)) {
        this.file.report(keyOffset, this.path, 'a key must be a plain text');
        continue;
      }
      const key = this.decoded(keyNode, keyOffset, this.path);
      if (key === undefined) continue;
      if (key === '<<' && keyNode.type === 'PLAIN') {
        const source = isNodeLike(pair.value) ? this.file.resolve(pair.value) : undefined;
        if (source) merged.push(source);
        continue;
      }
      const path = this.path === '' ? key : `${this.path}.${key}`;
      const value = new YamlValue(this.file, pair.value, path, keyOffset);
      if (own.has(key)) {
        this.file.report(keyOffset, path, `key ${quote(key)} already set in this mapping`);
        continue;
      }
      own.add(key);
      if (!entries.has(key)) entries.set(key, { value, keyOffset });
    }
    for (const source of merged) this.addMerged(source, entries, depth);
  }

  /** A scalar's text; `!!binary` is base64 and must be UTF-8 underneath. */
  private decoded(node: Scalar, offset: number, path: string): string | undefined {
    const text = String(node.value ?? '');
    if (node.tag !== 'tag:yaml.org,2002:binary') return text;
    try {
      const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      this.file.report(offset, path, 'the binary value is not valid UTF-8');
      return undefined;
    }
  }

  /** What `<<` brings in: keys that are not there yet. */
  private addMerged(source: Node, entries: Map<string, YamlEntry>, depth: number): void {
    const sources: unknown[] = isSeq(source) ? source.items : [source];
    for (const each of sources) {
      const node = isNodeLike(each) ? this.file.resolve(each) : undefined;
      if (isMap(node) && depth < 10) this.addEntries(node, entries, depth + 1);
      else this.fail('map merge requires map or sequence of maps as the value');
    }
  }

  /** The text of a scalar that was not quoted. */
  private plain(): string | undefined {
    const node = this.node;
    return isScalar(node) && node.type === 'PLAIN' ? (node.source ?? '') : undefined;
  }

  private describe(): string {
    if (this.isNull) return 'nothing';
    if (isMap(this.node)) return 'a mapping';
    if (isSeq(this.node)) return 'a list';
    return isScalar(this.node) ? quote(String(this.node.value)) : 'this';
  }
}

const isNodeLike = (value: unknown): value is Node =>
  isAlias(value) || isScalar(value) || isMap(value) || isSeq(value);

export interface YamlEntry {
  readonly value: YamlValue;
  readonly keyOffset: number;
}

/**
 * A mapping whose keys are known. Ask for each key that may be there, then call `finish`, which
 * reports the others.
 */
export class YamlMapping {
  readonly value: YamlValue;
  private readonly entries: Map<string, YamlEntry>;
  private readonly known = new Set<string>();

  constructor(value: YamlValue) {
    this.value = value;
    this.entries = value.entries();
  }

  /** The value of a key, or undefined when it is absent or null. */
  get(key: string): YamlValue | undefined {
    const value = this.getOrNull(key);
    return value?.isNull ? undefined : value;
  }

  /** Also values that are null. */
  getOrNull(key: string): YamlValue | undefined {
    this.known.add(key);
    return this.entries.get(key)?.value;
  }

  text(key: string): string | undefined {
    return this.get(key)?.text();
  }

  boolean(key: string): boolean | undefined {
    return this.get(key)?.boolean();
  }

  /** A whole number, 0 or more. */
  count(key: string): number | undefined {
    return this.get(key)?.integer(0);
  }

  duration(key: string): number | undefined {
    return this.get(key)?.duration();
  }

  byteSize(key: string): number | undefined {
    return this.get(key)?.byteSize();
  }

  /** Null items are reported with this message and left out. */
  items(key: string, nullMessage: string): readonly YamlValue[] {
    const items = this.get(key)?.items() ?? [];
    return items.filter((item) => {
      if (item.isNull) item.fail(nullMessage);
      return !item.isNull;
    });
  }

  fail(message: string): void {
    this.value.fail(message);
  }

  /** Reports the keys nobody asked for. */
  finish(): void {
    for (const [key, { value, keyOffset }] of this.entries) {
      if (this.known.has(key) || value.file.ignoresUnknown) continue;
      const near = nearest(key, this.known);
      const hint = near === undefined ? '' : ` (did you mean ${quote(near)}?)`;
      value.file.report(keyOffset, value.path, `unknown key${hint}`);
    }
  }
}
