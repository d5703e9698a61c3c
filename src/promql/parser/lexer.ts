// SPDX-License-Identifier: Apache-2.0
// Text to tokens, one at a time. What is no token becomes an error token with the message.

import { quote } from '../../model/index.ts';
import { isAlpha, isDigit, isSpace, isWord, quoteCharacter } from './characters.ts';
import { scanNumberOrDuration } from './numbers.ts';
import { scanString } from './strings.ts';
import { type Token, type TokenKind, wordKind } from './tokens.ts';

/** Words that durations may use. */
const durationWords: ReadonlySet<string> = new Set(['step', 'range', 'min_of', 'max_of']);

const isFill = (word: string): boolean =>
  word === 'fill' || word === 'fill_left' || word === 'fill_right';

/** Cuts one query into tokens. */
export class Lexer {
  private readonly text: string;
  private at = 0;
  private parens = 0;
  private inBraces = false;
  private inBrackets = false;
  /** In brackets, and no number was read since they, a sign or a comma began. */
  private expectsDuration = false;
  private gotDuration = false;
  private gotColon = false;

  constructor(text: string) {
    this.text = text;
  }

  /** The next token; after 'end' or 'error' there is none. Comments are left out. */
  next(): Token {
    this.skipSpace();
    if (this.inBraces) return this.insideBraces();
    return this.expectsDuration ? this.insideBrackets() : this.outside();
  }

  private skipSpace(): void {
    for (;;) {
      while (isSpace(this.character())) this.at++;
      if (this.character() !== '#' || this.expectsDuration) return;
      while (this.at < this.text.length && !/[\r\n]/.test(this.character())) this.at++;
    }
  }

  /** The UTF-16 unit at `at + ahead`, '' at the end. */
  private character(ahead = 0): string {
    return this.text.charAt(this.at + ahead);
  }

  /** The whole character at `at + ahead`. */
  private wholeCharacter(ahead = 0): string {
    const code = this.text.codePointAt(this.at + ahead);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  private emit(kind: TokenKind, length: number, word = ''): Token {
    const start = this.at;
    this.at = start + length;
    return { kind, text: this.text.slice(start, this.at), word, start, end: this.at };
  }

  private symbol(length = 1): Token {
    return this.emit('symbol', length, this.text.slice(this.at, this.at + length));
  }

  private operator(length = 1): Token {
    return this.emit('operator', length, this.text.slice(this.at, this.at + length));
  }

  private error(message: string, start = this.at): Token {
    return { kind: 'error', text: message, word: '', start, end: this.text.length };
  }

  private outside(): Token {
    const c = this.character();
    const next = this.character(1);
    if (c === '') return this.end();
    if (isDigit(c) || (c === '.' && isDigit(next))) return this.number();
    if (c === '"' || c === "'" || c === '`') return this.string();
    if (isAlpha(c) || c === ':') return this.inBrackets ? this.wordInBrackets(c) : this.word();
    switch (c) {
      case ',':
        return this.symbol();
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '^':
      case '@':
        return this.operator();
      case '=':
        if (next === '=') return this.operator(2);
        if (next === '~') return this.error(`unexpected character after '=': '~'`);
        return this.symbol();
      case '!':
        if (next === '=') return this.operator(2);
        return this.error(
          `unexpected character after '!': ${quoteCharacter(this.wholeCharacter(1))}`,
        );
      case '<':
      case '>':
        return this.operator(next === '=' || this.isTrim(c, next) ? 2 : 1);
      default:
        return this.bracket(c);
    }
  }

  private isTrim(c: string, next: string): boolean {
    return next === '/' && (c === '<' || c === '>');
  }

  private end(): Token {
    if (this.parens > 0) return this.error('unclosed left parenthesis');
    if (this.inBrackets) return this.error('unclosed left bracket');
    return this.emit('end', 0);
  }

  private bracket(c: string): Token {
    switch (c) {
      case '(':
        this.parens++;
        return this.symbol();
      case ')':
        return this.closeParenthesis();
      case '{':
        this.inBraces = true;
        return this.symbol();
      case '[':
        if (this.inBrackets) return this.error(`unexpected left bracket '['`);
        this.inBrackets = true;
        this.expectsDuration = true;
        this.gotColon = false;
        return this.symbol();
      case ']':
        if (!this.inBrackets) return this.error(`unexpected right bracket ']'`);
        this.inBrackets = false;
        return this.symbol();
      default:
        return this.error(`unexpected character: ${quoteCharacter(this.wholeCharacter())}`);
    }
  }

  private closeParenthesis(): Token {
    this.parens--;
    if (this.parens < 0) return this.error(`unexpected right parenthesis ')'`, this.at + 1);
    return this.symbol();
  }

  /** After a number in brackets: a colon, or a word that durations may use. */
  private wordInBrackets(c: string): Token {
    if (c === ':') {
      if (this.gotColon) return this.error(`unexpected colon ':'`);
      this.gotColon = true;
      return this.symbol();
    }
    return this.durationWord() ?? this.error(`unexpected character: '${c}', expected ':'`);
  }

  private durationWord(): Token | undefined {
    let length = 0;
    while (isAlpha(this.character(length))) length++;
    const word = this.text.slice(this.at, this.at + length).toLowerCase();
    if (!durationWords.has(word)) return undefined;
    return this.emit(
      word === 'step' || word === 'range' ? 'preprocessor' : 'identifier',
      length,
      word,
    );
  }

  /** In brackets before a number. */
  private insideBrackets(): Token {
    const c = this.character();
    switch (c) {
      case '':
        return this.error('unexpected end of input in duration expression');
      case ']':
        this.inBrackets = false;
        this.expectsDuration = false;
        return this.symbol();
      case ':':
        return this.colonBeforeDuration();
      case '(':
        this.parens++;
        return this.symbol();
      case ')':
        return this.closeParenthesis();
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '^':
        return this.operator();
      case ',':
        return this.symbol();
      default:
        break;
    }
    if (isDigit(c) || (c === '.' && isDigit(this.character(1)))) {
      this.gotDuration = true;
      this.expectsDuration = false;
      return this.number();
    }
    const word = this.durationWord();
    if (word !== undefined) this.gotDuration = true;
    const found = quoteCharacter(this.wholeCharacter());
    return word ?? this.error(`unexpected character in duration expression: ${found}`);
  }

  private colonBeforeDuration(): Token {
    const after = this.at + 1;
    if (!this.gotDuration) {
      return this.error('unexpected colon before duration in duration expression', after);
    }
    if (this.gotColon) {
      return this.error('unexpected repeated colon in duration expression', after);
    }
    this.gotColon = true;
    return this.symbol();
  }

  private insideBraces(): Token {
    const c = this.character();
    const next = this.character(1);
    if (isAlpha(c)) {
      let length = 1;
      while (isWord(this.character(length))) length++;
      return this.emit('identifier', length);
    }
    switch (c) {
      case '':
        return this.error('unexpected end of input inside braces');
      case ',':
        return this.symbol();
      case '"':
      case "'":
      case '`':
        return this.string();
      case '=':
        return next === '~' ? this.operator(2) : this.symbol();
      case '!':
        if (next === '~' || next === '=') return this.operator(2);
        return this.error(
          `unexpected character after '!' inside braces: ${quoteCharacter(this.wholeCharacter(1))}`,
        );
      case '{':
        return this.error(`unexpected left brace '{'`);
      case '}':
        this.inBraces = false;
        return this.symbol();
      default:
        return this.error(
          `unexpected character inside braces: ${quoteCharacter(this.wholeCharacter())}`,
        );
    }
  }

  private word(): Token {
    let length = 0;
    let colons = false;
    for (;;) {
      const c = this.character(length);
      if (c === ':') colons = true;
      else if (!isWord(c)) break;
      length++;
    }
    if (colons) return this.emit('metric', length);
    const word = this.text.slice(this.at, this.at + length).toLowerCase();
    const kind = wordKind(word);
    // A metric may be called fill; only before a parenthesis it's the modifier.
    if (isFill(word) && !this.parenthesisFollows(length)) return this.emit('identifier', length);
    return this.emit(kind, length, kind === 'identifier' ? '' : word);
  }

  private parenthesisFollows(ahead: number): boolean {
    let at = ahead;
    while (isSpace(this.character(at))) at++;
    return this.character(at) === '(';
  }

  private string(): Token {
    const scan = scanString(this.text, this.at);
    if ('error' in scan) return this.error(scan.error);
    return this.emit('string', scan.end - this.at);
  }

  private number(): Token {
    const { kind, end } = scanNumberOrDuration(this.text, this.at);
    if (kind !== 'error') return this.emit(kind, end - this.at);
    return this.error(`bad number or duration syntax: ${quote(this.text.slice(this.at, end))}`);
  }
}
