// SPDX-License-Identifier: Apache-2.0
// Matchers as people type them: `alertname="Down"`, `{job=~"a|b", env!=dev}`. Two grammars: the classic
// one, and one in which names and values may be any UTF-8 text. By default both are tried.

import type { Matcher } from './matcher.ts';
import { quote } from './quote.ts';
import { type CompiledRegexp, compileRegexp } from './regexp.ts';

export type MatcherMode = 'fallback' | 'classic' | 'utf8';

/** A text that is no matcher. */
export class MatcherSyntaxError extends Error {
  override name = 'MatcherSyntaxError';
}

/** Told of an input that the two grammars read differently. */
export type Disagreement = (input: string, reason: string) => void;

const classicName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const classicMatcher = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*((?:[\s\S]*?))\s*$/;

function checked(matcher: Matcher): Matcher {
  if (matcher.type === '=~' || matcher.type === '!~') {
    try {
      compileRegexp(matcher.value);
    } catch (error) {
      throw new MatcherSyntaxError(error instanceof Error ? error.message : String(error));
    }
  }
  return matcher;
}

/** The value of a classic matcher: bare, or in double quotes with escapes. */
function classicValue(raw: string): string {
  let body = raw;
  const opens = body.startsWith('"');
  if (opens) body = body.slice(1);
  let value = '';
  for (let i = 0; i < body.length; i++) {
    const c = body.charAt(i);
    if (c === '\\') {
      const next = body.charAt(++i);
      if (next === 'n') value += '\n';
      else if (next === '"' || next === '\\') value += next;
      else value += `\\${next}`;
      continue;
    }
    if (c === '"') {
      if (opens && i === body.length - 1) return value;
      throw new MatcherSyntaxError(`matcher value contains unescaped double quote: ${raw}`);
    }
    value += c;
  }
  if (opens) throw new MatcherSyntaxError(`matcher value contains unescaped double quote: ${raw}`);
  return value;
}

function parseClassic(input: string): Matcher {
  const match = classicMatcher.exec(input);
  if (match === null) throw new MatcherSyntaxError(`bad matcher format: ${input}`);
  const [, name = '', type = '=', raw = ''] = match;
  return checked({ name, type: type as Matcher['type'], value: classicValue(raw) });
}

/** Splits at commas that are not in quotes. */
function splitClassic(input: string): string[] {
  let body = input;
  if (body.startsWith('{')) body = body.slice(1);
  if (body.endsWith('}')) body = body.slice(0, -1);
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (let i = 0; i < body.length; i++) {
    const c = body.charAt(i);
    if (c === '\\') part += c + body.charAt(++i);
    else if (c === ',' && !quoted) {
      parts.push(part);
      part = '';
    } else {
      if (c === '"') quoted = !quoted;
      part += c;
    }
  }
  if (part.trim() !== '') parts.push(part);
  return parts;
}

/** Reads matchers in which names and values may be any text. */
class Utf8Parser {
  private readonly input: string;
  private at = 0;

  constructor(input: string) {
    this.input = input;
  }

  list(): Matcher[] {
    this.spaces();
    const braces = this.take('{');
    const matchers: Matcher[] = [];
    for (;;) {
      this.spaces();
      if (this.at >= this.input.length || this.input.charAt(this.at) === '}') break;
      matchers.push(this.one());
      this.spaces();
      if (!this.take(',')) break;
    }
    this.spaces();
    const closes = this.take('}');
    if (braces && !closes) this.fail('expected close brace');
    if (closes && !braces) this.fail('no opening brace');
    this.end();
    return matchers;
  }

  one(): Matcher {
    this.spaces();
    const name = this.textOf('label name');
    this.spaces();
    const type = /^(?:=~|!=|!~|=)/.exec(this.input.slice(this.at, this.at + 2))?.[0];
    if (type === undefined)
      return this.fail(`expected an operator such as '=', '!=', '=~' or '!~'`);
    this.at += type.length;
    this.spaces();
    const value = this.textOf('label value');
    return checked({ name, type: type as Matcher['type'], value });
  }

  end(): void {
    this.spaces();
    if (this.at < this.input.length) this.fail('expected end of input');
  }

  private fail(message: string): never {
    throw new MatcherSyntaxError(`${this.at}:${this.input.length}: ${message}: ${this.input}`);
  }

  private take(c: string): boolean {
    if (this.input.charAt(this.at) !== c) return false;
    this.at++;
    return true;
  }

  private spaces(): void {
    while (/\s/.test(this.input.charAt(this.at))) this.at++;
  }

  private textOf(what: string): string {
    if (this.input.charAt(this.at) === '"') return this.quoted();
    const match = /^[^\s{}!=~,\\"'`]+/u.exec(this.input.slice(this.at));
    if (match === null) return this.fail(`expected ${what}`);
    this.at += match[0].length;
    return match[0];
  }

  private quoted(): string {
    const match = /^"(?:[^"\\\n]|\\[\s\S])*"/.exec(this.input.slice(this.at));
    if (match === null) return this.fail('missing closing quote');
    this.at += match[0].length;
    try {
      const escaped = match[0].replace(/\\(x[0-9a-fA-F]{2}|[av'])/g, (_, code: string) =>
        code.startsWith('x')
          ? `\\u00${code.slice(1)}`
          : code === 'a'
            ? '\\u0007'
            : code === 'v'
              ? '\\u000b'
              : "'",
      );
      return decodeString(escaped);
    } catch {
      return this.fail('invalid escape');
    }
  }
}

/** Go's and JSON's string literals share the escapes that are left here. */
function decodeString(literal: string): string {
  const value: unknown = JSON.parse(literal);
  return typeof value === 'string' ? value : '';
}

const same = (a: readonly Matcher[], b: readonly Matcher[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

function attempt<T>(parse: () => T): { value: T } | { error: MatcherSyntaxError } {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof MatcherSyntaxError) return { error };
    throw error;
  }
}

function parseWith(
  input: string,
  mode: MatcherMode,
  classic: () => Matcher[],
  utf8: () => Matcher[],
  disagree: Disagreement | undefined,
): Matcher[] {
  if (mode === 'classic') return classic();
  if (mode === 'utf8') return utf8();
  const modern = attempt(utf8);
  const old = attempt(classic);
  if ('error' in old) {
    if ('error' in modern) throw old.error;
    return modern.value;
  }
  if ('error' in modern) {
    disagree?.(input, 'it is only valid in the classic syntax');
    return old.value;
  }
  if (!same(modern.value, old.value)) disagree?.(input, 'the two syntaxes read it differently');
  return 'value' in old && !same(modern.value, old.value) ? old.value : modern.value;
}

/** A list: `{a="b", c=~"d"}`, braces optional. @throws MatcherSyntaxError */
export const parseMatchers = (
  input: string,
  mode: MatcherMode = 'fallback',
  disagree?: Disagreement,
): Matcher[] =>
  parseWith(
    input,
    mode,
    () => splitClassic(input).map(parseClassic),
    () => new Utf8Parser(input).list(),
    disagree,
  );

/** Exactly one matcher. @throws MatcherSyntaxError */
export function parseMatcher(
  input: string,
  mode: MatcherMode = 'fallback',
  disagree?: Disagreement,
): Matcher {
  const one = (): Matcher[] => {
    const parser = new Utf8Parser(input);
    const matcher = parser.one();
    parser.end();
    return [matcher];
  };
  return parseWith(input, mode, () => [parseClassic(input)], one, disagree)[0]!;
}

/** A matcher as upstream prints it: `a="b"`; names with odd characters are quoted too. */
export const matcherText = ({ name, type, value }: Matcher): string =>
  `${/[\s{}!=~,\\"'`]/.test(name) || name === '' ? quote(name) : name}${type}${quote(value)}`;

/** `{a="b",c="d"}`, sorted as in group keys. */
export const matchersText = (matchers: readonly Matcher[]): string =>
  `{${[...matchers].sort(compareMatchers).map(matcherText).join(',')}}`;

function compareMatchers(a: Matcher, b: Matcher): number {
  const order = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  const types = ['=', '!=', '=~', '!~'];
  return (
    order(a.name, b.name) ||
    order(a.value, b.value) ||
    types.indexOf(a.type) - types.indexOf(b.type)
  );
}

export const isClassicName = (name: string): boolean => classicName.test(name);

/** Matchers made ready: regular expressions compiled once. */
export class CompiledMatchers {
  readonly matchers: readonly Matcher[];
  private readonly regexps: readonly (CompiledRegexp | undefined)[];

  /** @throws RegexpError */
  constructor(matchers: readonly Matcher[]) {
    this.matchers = matchers;
    this.regexps = matchers.map(({ type, value }) =>
      type === '=~' || type === '!~' ? compileRegexp(value) : undefined,
    );
  }

  /** Whether all match; a missing label is the empty text. */
  match(labels: { get(name: string): string | undefined }): boolean {
    for (let i = 0; i < this.matchers.length; i++) {
      const { name, type, value } = this.matchers[i]!;
      const own = labels.get(name) ?? '';
      const hit = this.regexps[i]?.test(own) ?? own === value;
      if (hit === (type === '!=' || type === '!~')) return false;
    }
    return true;
  }
}
