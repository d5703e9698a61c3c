// SPDX-License-Identifier: Apache-2.0
// Durations in brackets and after `offset`, and their arithmetic.

import { DurationError, parseDuration } from '../../model/index.ts';
import type { DurationExpression, DurationOperand, NumberLiteral } from '../ast/nodes.ts';
import type { Cursor } from './cursor.ts';
import { parseNumber } from './numbers.ts';
import type { Token } from './tokens.ts';

/** Nanoseconds must fit into 63 bits. */
const DURATION_SECONDS_MAX = 2 ** 63 / 1e9;

type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^';

const precedence: Readonly<Record<string, number>> = {
  '+': 1,
  '-': 1,
  '*': 2,
  '/': 2,
  '%': 2,
  '^': 3,
};
const UNARY_PRECEDENCE = 2;

/** What may be missing where a duration must stand. */
export interface DurationContext {
  readonly context: string;
  readonly expected: string;
}

/** Whether a token is a number or a duration. */
export const isNumeric = ({ kind }: Token): boolean => kind === 'number' || kind === 'duration';

/** The number or duration that comes next. */
export function parseNumeric(cursor: Cursor): NumberLiteral {
  const token = cursor.take();
  const { start, end } = token;
  const position = { start, end };
  if (token.kind === 'duration') {
    try {
      const value = parseDuration(token.text) / 1000;
      return { kind: 'number', value, isDuration: true, position };
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      cursor.fail(position, error.message);
    }
  }
  const value = parseNumber(token.text);
  if (typeof value !== 'number') cursor.fail(position, value.error);
  return { kind: 'number', value, isDuration: false, position };
}

/** `literal` after a sign that stands at `start`. */
export function signed(literal: NumberLiteral, sign: string, start: number): NumberLiteral {
  const value = sign === '-' ? -literal.value : literal.value;
  return { ...literal, value, position: { start, end: literal.position.end } };
}

function requireInRange(cursor: Cursor, literal: NumberLiteral): NumberLiteral {
  const { value } = literal;
  if (value > DURATION_SECONDS_MAX || value < -DURATION_SECONDS_MAX) {
    cursor.fail(literal.position, 'duration out of range');
  }
  return literal;
}

/** Applies a sign to what follows it. */
function withSign(sign: Token, operand: DurationOperand): DurationOperand {
  if (operand.kind === 'number') return signed(operand, sign.word, sign.start);
  if (sign.word === '+') return operand;
  return {
    kind: 'duration',
    op: '-',
    right: operand,
    wrapped: false,
    position: { start: sign.start, end: operand.position.end },
  };
}

function wrap(inner: DurationOperand, start: number, end: number): DurationExpression {
  if (inner.kind === 'duration') return { ...inner, wrapped: true };
  return { kind: 'duration', op: '', right: inner, wrapped: true, position: { start, end } };
}

const isChoice = (word: string): word is 'min_of' | 'max_of' =>
  word === 'min_of' || word === 'max_of';

/** step(), range(), min_of(a, b), max_of(a, b) or (a). */
function parseCallLike(cursor: Cursor, where: DurationContext): DurationExpression | undefined {
  const token = cursor.peek();
  const { start } = token;
  // Outside brackets these are names like any other.
  const word = token.kind === 'identifier' ? token.text.toLowerCase() : token.word;
  const require = (symbol: string): void => {
    if (!cursor.accept(symbol)) cursor.unexpected(where.context, where.expected);
  };
  if (word === 'step' || word === 'range') {
    cursor.take();
    require('(');
    require(')');
    const position = { start, end: cursor.lastEnd };
    return { kind: 'duration', op: word, wrapped: false, position };
  }
  if (isChoice(word)) {
    cursor.take();
    require('(');
    const left = parseArithmetic(cursor, 0, where);
    require(',');
    const right = parseArithmetic(cursor, 0, where);
    require(')');
    const position = { start, end: cursor.lastEnd };
    return { kind: 'duration', op: word, left, right, wrapped: false, position };
  }
  if (word !== '(') return undefined;
  cursor.take();
  const inner = parseArithmetic(cursor, 0, where);
  require(')');
  return wrap(inner, start, cursor.lastEnd);
}

function parseOperand(cursor: Cursor, where: DurationContext): DurationOperand {
  const token = cursor.peek();
  if (token.word === '+' || token.word === '-') {
    const sign = cursor.take();
    return withSign(sign, parseArithmetic(cursor, UNARY_PRECEDENCE + 1, where));
  }
  if (isNumeric(token)) return requireInRange(cursor, parseNumeric(cursor));
  return parseCallLike(cursor, where) ?? cursor.unexpected(where.context, where.expected);
}

function parseArithmetic(cursor: Cursor, least: number, where: DurationContext): DurationOperand {
  return cursor.nested(() => {
    let left = parseOperand(cursor, where);
    for (let length = 0; ; length++) {
      const { word } = cursor.peek();
      const own = precedence[word];
      if (own === undefined || own < least) return left;
      cursor.deepen(length);
      const sign = cursor.take();
      const op = word as ArithmeticOperator;
      const right = parseArithmetic(cursor, op === '^' ? own : own + 1, where);
      if ((op === '/' || op === '%') && right.kind === 'number' && right.value === 0) {
        cursor.fail(sign, op === '/' ? 'division by zero' : 'modulo by zero');
      }
      const position = { start: left.position.start, end: right.position.end };
      left = { kind: 'duration', op, left, right, wrapped: false, position };
    }
  });
}

/** A duration in brackets: above 0 where that is known now. */
export function parseBracketDuration(cursor: Cursor, where: DurationContext): DurationOperand {
  const duration = parseArithmetic(cursor, 0, where);
  if (duration.kind === 'number' && !(duration.value > 0)) {
    cursor.fail(duration.position, 'duration must be greater than 0');
  }
  return duration;
}

const OFFSET: DurationContext = {
  context: 'offset',
  expected: 'number, duration, step(), or range()',
};

/**
 * What stands after `offset`: one literal, call or parenthesis with at most one sign. Operators after it
 * belong to the expression around.
 */
export function parseOffset(cursor: Cursor): DurationOperand {
  const first = cursor.peek();
  const sign = first.word === '+' || first.word === '-' ? cursor.take() : undefined;
  let operand: DurationOperand;
  if (isNumeric(cursor.peek())) operand = parseNumeric(cursor);
  else {
    operand = parseCallLike(cursor, OFFSET) ?? cursor.unexpected(OFFSET.context, OFFSET.expected);
  }
  const offset = sign === undefined ? operand : withSign(sign, operand);
  return offset.kind === 'number' ? requireInRange(cursor, offset) : offset;
}
