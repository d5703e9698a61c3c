// SPDX-License-Identifier: Apache-2.0
// Template text -> tokens. Text between actions is one token each; comments and what trim markers
// remove are gone.

import { quote } from '../model/index.ts';

export type TokenKind =
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'identifier'
  | 'keyword'
  | 'field'
  | 'variable'
  | 'dot'
  | 'nil'
  | 'bool'
  | 'number'
  | 'char'
  | 'string'
  | 'rawString'
  | 'pipe'
  | 'declare'
  | 'assign'
  | '('
  | ')'
  | 'symbol'
  | 'end'
  | 'error';

export interface Token {
  readonly kind: TokenKind;
  /** As written; for errors the message. */
  readonly text: string;
  readonly at: number;
}

const keywords = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

const isSpace = (c: string): boolean => c === ' ' || c === '\t' || c === '\r' || c === '\n';
const isWord = (c: string): boolean => /[\p{L}\p{Nd}_]/u.test(c);
const SPACES = ' \t\r\n';

/** Of one number literal. */
const NUMBER_MAX = 400;
/** What Go's lexer takes for a number; whether it is one is seen later. */
const numberPattern =
  /^[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[\d_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)/;

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACES.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

class Lexer {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  readonly tokens: Token[] = [];

  constructor(text: string) {
    this.text = text;
  }

  run(): readonly Token[] {
    for (;;) {
      if (!this.outside()) break;
      if (!this.inside()) return this.tokens;
    }
    this.push('end', '', this.text.length);
    return this.tokens;
  }

  private push(kind: TokenKind, text: string, at: number): void {
    this.tokens.push({ kind, text, at });
  }

  private fail(message: string, at = this.at): false {
    this.push('error', message, at);
    return false;
  }

  /** `-` after `{{` trims what stands before; it must be followed by a space. */
  private trimsLeft(open: number): boolean {
    return this.text.charAt(open + 2) === '-' && isSpace(this.text.charAt(open + 3));
  }

  /** The text up to the next action; false at the end of the template. */
  private outside(): boolean {
    for (;;) {
      const open = this.text.indexOf('{{', this.at);
      const start = this.at;
      if (open < 0) {
        if (start < this.text.length) this.push('text', this.text.slice(start), start);
        return false;
      }
      const trims = this.trimsLeft(open);
      const text = this.text.slice(start, open);
      const kept = trims ? trimEnd(text) : text;
      if (kept !== '') this.push('text', kept, start);
      const after = open + 2 + (trims ? 2 : 0);
      if (!this.text.startsWith('/*', after)) {
        this.push('left', '{{', open);
        this.at = after;
        this.depth = 0;
        return true;
      }
      if (!this.comment(after)) return true;
    }
  }

  /** Skips a comment that starts at `from`; false after an error. */
  private comment(from: number): boolean {
    const close = this.text.indexOf('*/', from + 2);
    if (close < 0) {
      this.at = this.text.length;
      return this.fail('unclosed comment', from);
    }
    const end = close + 2;
    if (this.text.startsWith('}}', end)) this.at = end + 2;
    else if (isSpace(this.text.charAt(end)) && this.text.startsWith('-}}', end + 1)) {
      this.at = end + 4;
      this.skipSpaces();
    } else {
      this.at = this.text.length;
      return this.fail('comment ends before closing delimiter', end);
    }
    return true;
  }

  private skipSpaces(): void {
    while (this.at < this.text.length && isSpace(this.text.charAt(this.at))) this.at++;
  }

  /** The tokens of one action; false after an error. */
  private inside(): boolean {
    if (this.tokens.at(-1)?.kind === 'error') return false;
    for (;;) {
      const { at } = this;
      if (isSpace(this.text.charAt(at)) && this.text.startsWith('-}}', at + 1)) {
        if (this.depth > 0) return this.fail('unclosed left paren');
        this.push('right', '}}', at + 2);
        this.at = at + 4;
        this.skipSpaces();
        return true;
      }
      if (this.text.startsWith('}}', at)) {
        if (this.depth > 0) return this.fail('unclosed left paren');
        this.push('right', '}}', at);
        this.at = at + 2;
        return true;
      }
      if (!this.token()) return false;
    }
  }

  private token(): boolean {
    const { at, text } = this;
    if (at >= text.length) return this.fail('unclosed action');
    const c = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (isSpace(c)) return this.space();
    switch (c) {
      case '=':
        return this.take('assign', 1);
      case ':':
        if (text.charAt(at + 1) !== '=') return this.fail('expected :=');
        return this.take('declare', 2);
      case '|':
        return this.take('pipe', 1);
      case '(':
        this.depth++;
        return this.take('(', 1);
      case ')':
        this.depth--;
        if (this.depth < 0) return this.fail('unexpected right paren');
        return this.take(')', 1);
      case '"':
        return this.quoted('"', 'string', 'unterminated quoted string');
      case '`':
        return this.quoted('`', 'rawString', 'unterminated raw quoted string');
      case "'":
        return this.quoted("'", 'char', 'unterminated character constant');
      case '$':
        return this.name('variable');
      case '.':
        if (at + 1 < text.length && !/[0-9]/.test(text.charAt(at + 1))) return this.name('field');
        return this.number();
    }
    if (/[0-9+-]/.test(c)) return this.number();
    if (isWord(c)) return this.word();
    if (/[!-~]/.test(c)) return this.take('symbol', 1);
    return this.fail(`unrecognized character in action: ${describe(c)}`);
  }

  private take(kind: TokenKind, length: number): true {
    this.push(kind, this.text.slice(this.at, this.at + length), this.at);
    this.at += length;
    return true;
  }

  private space(): true {
    let end = this.at;
    while (end < this.text.length && isSpace(this.text.charAt(end))) end++;
    // A trim marker needs the last space.
    if (this.text.startsWith('-}}', end) && end - this.at > 0) end--;
    return end > this.at ? this.take('space', end - this.at) : true;
  }

  private wordEnd(from: number): number {
    let end = from;
    while (end < this.text.length) {
      const c = String.fromCodePoint(this.text.codePointAt(end) ?? 0);
      if (!isWord(c)) break;
      end += c.length;
    }
    return end;
  }

  /** Whether what follows a name may follow one. */
  private terminated(end: number): boolean {
    const c = this.text.charAt(end);
    return c === '' || isSpace(c) || '.,|:)('.includes(c) || this.text.startsWith('}}', end);
  }

  private badCharacter(end: number): false {
    const c = String.fromCodePoint(this.text.codePointAt(end) ?? 0);
    return this.fail(`bad character ${describe(c)}`, end);
  }

  private name(kind: 'field' | 'variable'): boolean {
    const end = this.wordEnd(this.at + 1);
    if (end === this.at + 1) {
      if (kind === 'field') {
        if (!this.terminated(end)) return this.badCharacter(end);
        return this.take('dot', 1);
      }
      if (!this.terminated(end)) return this.badCharacter(end);
      return this.take('variable', 1);
    }
    if (!this.terminated(end)) return this.badCharacter(end);
    return this.take(kind, end - this.at);
  }

  private word(): boolean {
    const end = this.wordEnd(this.at);
    if (!this.terminated(end)) return this.badCharacter(end);
    const word = this.text.slice(this.at, end);
    if (keywords.has(word)) return this.take('keyword', word.length);
    if (word === 'true' || word === 'false') return this.take('bool', word.length);
    return this.take(word === 'nil' ? 'nil' : 'identifier', word.length);
  }

  private number(): boolean {
    const rest = this.text.slice(this.at, this.at + NUMBER_MAX);
    const length = numberPattern.exec(rest)?.[0].length ?? 0;
    const next = String.fromCodePoint(rest.codePointAt(length) ?? 32);
    if (!isWord(next) && next !== '+' && next !== '-') return this.take('number', length);
    // Go has complex numbers, 1+2i, and so reads on after a sign.
    const second = isWord(next) ? '' : (numberPattern.exec(rest.slice(length))?.[0] ?? '');
    const after = String.fromCodePoint(rest.codePointAt(length + second.length) ?? 32);
    const shown = rest.slice(0, length + second.length) + (isWord(after) ? after : '');
    return this.fail(`bad number syntax: ${quote(shown)}`);
  }

  private quoted(mark: string, kind: TokenKind, unterminated: string): boolean {
    let end = this.at + 1;
    for (;;) {
      const c = this.text.charAt(end);
      if (c === '' || (c === '\n' && mark !== '`')) return this.fail(unterminated);
      if (c === '\\' && mark !== '`') {
        if (this.text.charAt(end + 1) === '\n' || this.text.charAt(end + 1) === '')
          return this.fail(unterminated);
        end += 2;
        continue;
      }
      end++;
      if (c === mark) return this.take(kind, end - this.at);
    }
  }
}

/** Go's %#U: `U+0023 '#'`; what cannot be printed is not shown. */
function describe(c: string): string {
  const code = (c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(c) ? `U+${code}` : `U+${code} '${c}'`;
}

/** All tokens of a template, the last of kind `end` or `error`. */
export const tokenize = (text: string): readonly Token[] => new Lexer(text).run();
