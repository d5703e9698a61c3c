// SPDX-License-Identifier: Apache-2.0
// Walks over the tokens of one query with one token of foresight, and says what is wrong with them.

import type { PositionRange } from '../ast/nodes.ts';
import { ParseError } from './errors.ts';
import { Lexer } from './lexer.ts';
import { NESTING_MAX, type SyntaxFeatures, TREE_DEPTH_MAX } from './options.ts';
import { describeToken, type Token } from './tokens.ts';

export class Cursor {
  readonly text: string;
  readonly features: SyntaxFeatures;
  /** Depth of the node that was parsed last. */
  nodeDepth = 0;
  /** Where the token that was taken last ends. */
  lastEnd = 0;
  /** Aggregations whose arguments are being parsed: errors in them say so. */
  aggregations = 0;
  private readonly lexer: Lexer;
  private readonly ahead: Token[] = [];
  private depth = 0;

  constructor(text: string, features: SyntaxFeatures) {
    this.text = text;
    this.features = features;
    this.lexer = new Lexer(text);
  }

  /** The next token. @throws ParseError when there is none but something else */
  peek(): Token {
    return this.look(0);
  }

  /** The token after the next. */
  peekSecond(): Token {
    return this.look(1);
  }

  private look(distance: 0 | 1): Token {
    while (this.ahead.length <= distance) {
      const token = this.lexer.next();
      if (token.kind === 'error') throw new ParseError(this.text, token, token.text);
      this.ahead.push(token);
    }
    return this.ahead[distance]!;
  }

  take(): Token {
    const token = this.peek();
    this.ahead.shift();
    this.lastEnd = token.end;
    return token;
  }

  /** Whether the next token is this symbol, operator or keyword. */
  at(word: string): boolean {
    return this.peek().word === word;
  }

  /** Takes the next token if it's this symbol, operator or keyword. */
  accept(word: string): boolean {
    if (!this.at(word)) return false;
    this.take();
    return true;
  }

  fail(position: PositionRange, reason: string): never {
    throw new ParseError(this.text, position, reason);
  }

  /** The next token has no place here. */
  unexpected(context = '', expected = ''): never {
    const token = this.peek();
    const where = context === '' ? '' : ` in ${context}`;
    const wanted = expected === '' ? '' : `, expected ${expected}`;
    return this.fail(token, `unexpected ${describeToken(token)}${where}${wanted}`);
  }

  /** The next token has no place in an expression. */
  unexpectedInExpression(): never {
    return this.unexpected(this.aggregations > 0 ? 'aggregation' : '');
  }

  /** Parses something inside something else. @throws ParseError when that goes too deep */
  nested<Result>(parse: () => Result): Result {
    if (++this.depth > NESTING_MAX) this.tooDeep(NESTING_MAX);
    const result = parse();
    this.depth--;
    return result;
  }

  /** A node above nodes of these depths was made. */
  deepen(...depths: readonly number[]): void {
    this.nodeDepth = Math.max(0, ...depths) + 1;
    if (this.nodeDepth > TREE_DEPTH_MAX) this.tooDeep(TREE_DEPTH_MAX);
  }

  private tooDeep(levels: number): never {
    return this.fail(this.peek(), `expression is nested too deeply: more than ${levels} levels`);
  }
}
