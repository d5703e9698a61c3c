// SPDX-License-Identifier: Apache-2.0
// The parser: precedence climbing over tokens. It stops at the first error, which is also the only one
// that upstream shows.

import type {
  AggregateOperator,
  Aggregation,
  BinaryExpression,
  BinaryOperator,
  Expression,
  MatchCardinality,
  VectorMatching,
} from '../ast/nodes.ts';
import { type Matcher, quote } from '../../model/index.ts';
import { functionSignatures } from '../functions/signatures.ts';
import { checkTypes } from './check.ts';
import { Cursor } from './cursor.ts';
import { isNumeric, parseNumeric, signed } from './durations.ts';
import { parseModifiers } from './modifiers.ts';
import type { SyntaxFeatures } from './options.ts';
import { parseGrouping, parseVectorSelector } from './selectors.ts';
import { unquote } from './strings.ts';
import type { Token } from './tokens.ts';

const precedence: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '>': 3,
  '<=': 3,
  '>=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};
const UNARY_PRECEDENCE = 5;

/** Aggregations whose first argument is a parameter. */
const withParameter: ReadonlySet<string> = new Set([
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
]);

/** A matching under construction. */
interface Modifiers {
  returnBool: boolean;
  cardinality: MatchCardinality;
  labels: readonly string[];
  on: boolean;
  include: readonly string[];
  fillLeft?: number;
  fillRight?: number;
}

/** One side's fill value: a number with at most one sign, in parentheses. */
function parseFill(cursor: Cursor): number {
  if (!cursor.accept('(')) cursor.unexpectedInExpression();
  const first = cursor.peek();
  const sign = first.word === '+' || first.word === '-' ? cursor.take() : undefined;
  if (!isNumeric(cursor.peek())) cursor.unexpectedInExpression();
  const literal = parseNumeric(cursor);
  if (!cursor.accept(')')) cursor.unexpectedInExpression();
  return sign === undefined ? literal.value : signed(literal, sign.word, sign.start).value;
}

function parseFills(cursor: Cursor, modifiers: Modifiers): void {
  if (cursor.accept('fill')) {
    modifiers.fillLeft = parseFill(cursor);
    modifiers.fillRight = modifiers.fillLeft;
    return;
  }
  if (cursor.accept('fill_left')) {
    modifiers.fillLeft = parseFill(cursor);
    if (cursor.accept('fill_right')) modifiers.fillRight = parseFill(cursor);
  } else if (cursor.accept('fill_right')) {
    modifiers.fillRight = parseFill(cursor);
    if (cursor.accept('fill_left')) modifiers.fillLeft = parseFill(cursor);
  }
}

/** bool, on or ignoring, group_left or group_right, fills: in this order. */
function parseBinaryModifiers(cursor: Cursor): Modifiers {
  const modifiers: Modifiers = {
    returnBool: cursor.accept('bool'),
    cardinality: 'one-to-one',
    labels: [],
    on: false,
    include: [],
  };
  if (cursor.at('on') || cursor.at('ignoring')) {
    modifiers.on = cursor.take().word === 'on';
    modifiers.labels = parseGrouping(cursor);
    if (cursor.at('group_left') || cursor.at('group_right')) {
      const left = cursor.take().word === 'group_left';
      modifiers.cardinality = left ? 'many-to-one' : 'one-to-many';
      if (cursor.at('(')) modifiers.include = parseGrouping(cursor);
    }
  }
  parseFills(cursor, modifiers);
  return modifiers;
}

function binaryOf(
  cursor: Cursor,
  op: BinaryOperator,
  left: Expression,
  right: Expression,
  { returnBool, ...matching }: Modifiers,
): BinaryExpression {
  const position = { start: left.position.start, end: right.position.end };
  const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
  if (fills && cursor.features.binopFillModifiers !== true) {
    cursor.fail(position, 'binop fill modifiers are experimental and not enabled');
  }
  const complete: VectorMatching = matching;
  return { kind: 'binary', op, left, right, returnBool, matching: complete, position };
}

const isOperator = (token: Token): boolean =>
  token.kind === 'operator' && precedence[token.word] !== undefined;

function parseExpressionAbove(cursor: Cursor, least: number): Expression {
  return cursor.nested(() => {
    let left = parseUnary(cursor);
    for (;;) {
      const token = cursor.peek();
      if (!isOperator(token)) return left;
      const own = precedence[token.word] ?? 0;
      if (own < least) return left;
      const leftDepth = cursor.nodeDepth;
      cursor.take();
      const op = token.word as BinaryOperator;
      const modifiers = parseBinaryModifiers(cursor);
      const right = parseExpressionAbove(cursor, op === '^' ? own : own + 1);
      cursor.deepen(leftDepth, cursor.nodeDepth);
      left = binaryOf(cursor, op, left, right, modifiers);
    }
  });
}

function parseUnary(cursor: Cursor): Expression {
  const token = cursor.peek();
  if (token.word !== '+' && token.word !== '-') {
    return parseModifiers(cursor, parsePrimary(cursor));
  }
  const { word: op, start } = token;
  cursor.take();
  const expression = parseExpressionAbove(cursor, UNARY_PRECEDENCE + 1);
  if (expression.kind === 'number') return signed(expression, op, start);
  cursor.deepen(cursor.nodeDepth);
  const position = { start, end: expression.position.end };
  return { kind: 'unary', op, expression, position };
}

function parseParentheses(cursor: Cursor): Expression {
  const { start } = cursor.take();
  const expression = parseExpressionAbove(cursor, 0);
  if (!cursor.accept(')')) cursor.unexpectedInExpression();
  cursor.deepen(cursor.nodeDepth);
  return { kind: 'paren', expression, position: { start, end: cursor.lastEnd } };
}

function parsePrimary(cursor: Cursor): Expression {
  const token = cursor.peek();
  cursor.nodeDepth = 1;
  const { start, end } = token;
  switch (token.kind) {
    case 'number':
    case 'duration':
      return parseNumeric(cursor);
    case 'string':
      cursor.take();
      return { kind: 'string', value: unquote(token.text), position: { start, end } };
    case 'symbol':
      return token.word === '(' ? parseParentheses(cursor) : parseVectorSelector(cursor);
    case 'identifier':
    case 'preprocessor':
    case 'aggregator':
      return parseNamed(cursor);
    default:
      return parseVectorSelector(cursor);
  }
}

/** A function call, an aggregation or a selector that begins with a word. */
function parseNamed(cursor: Cursor): Expression {
  const word = cursor.peek();
  const next = cursor.peekSecond().word;
  const aggregates = word.kind === 'aggregator' && (next === 'by' || next === 'without');
  if (next !== '(' && !aggregates) return parseVectorSelector(cursor);
  cursor.take();
  return word.kind === 'aggregator' ? parseAggregation(cursor, word) : parseCall(cursor, word);
}

/** The arguments with their parentheses. */
function parseArguments(cursor: Cursor): { args: Expression[]; depth: number } {
  if (!cursor.accept('(')) cursor.unexpectedInExpression();
  const args: Expression[] = [];
  let depth = 0;
  if (cursor.accept(')')) return { args, depth };
  for (;;) {
    args.push(parseExpressionAbove(cursor, 0));
    depth = Math.max(depth, cursor.nodeDepth);
    if (cursor.accept(')')) return { args, depth };
    if (!cursor.at(',')) cursor.unexpectedInExpression();
    const comma = cursor.take();
    if (!startsExpression(cursor.peek())) {
      cursor.fail(comma, 'trailing commas not allowed in function call args');
    }
  }
}

function startsExpression({ kind, word }: Token): boolean {
  if (kind === 'symbol') return word === '(' || word === '{';
  if (kind === 'operator') return /^[-+]$|^(and|or|unless)$/.test(word);
  if (kind === 'keyword') return !/^(on|ignoring|group_left|group_right|bool)$/.test(word);
  return kind !== 'end';
}

function parseCall(cursor: Cursor, name: Token): Expression {
  const { args, depth } = parseArguments(cursor);
  const signature = functionSignatures.get(name.text);
  if (signature === undefined) {
    cursor.fail(name, `unknown function with name ${quote(name.text)}`);
  }
  if (signature.experimental && cursor.features.experimentalFunctions !== true) {
    cursor.fail(name, `function ${quote(name.text)} is not enabled`);
  }
  cursor.deepen(depth);
  const position = { start: name.start, end: cursor.lastEnd };
  return { kind: 'call', name: signature.name, args, position };
}

function parseAggregation(cursor: Cursor, name: Token): Aggregation {
  const grouping = (): { grouping: string[]; without: boolean } | undefined => {
    if (!cursor.at('by') && !cursor.at('without')) return undefined;
    const without = cursor.take().word === 'without';
    return { grouping: parseGrouping(cursor), without };
  };
  cursor.aggregations++;
  const before = grouping();
  const { args, depth } = parseArguments(cursor);
  cursor.aggregations--;
  cursor.deepen(depth);
  const closed = cursor.lastEnd;
  const after = before ?? grouping();
  const end = before === undefined && after !== undefined ? cursor.lastEnd : closed;
  const op = name.word as AggregateOperator;
  const position = { start: name.start, end };
  if (args.length === 0) {
    cursor.fail(position, 'no arguments for aggregate expression provided');
  }
  const limits = op === 'limitk' || op === 'limit_ratio';
  if (limits && cursor.features.experimentalFunctions !== true) {
    cursor.fail(
      position,
      `${op}() is experimental and must be enabled with ` +
        '--enable-feature=promql-experimental-functions',
    );
  }
  const wanted = withParameter.has(op) ? 2 : 1;
  if (args.length !== wanted) {
    cursor.fail(
      position,
      'wrong number of arguments for aggregate expression provided, ' +
        `expected ${wanted}, got ${args.length}`,
    );
  }
  return {
    kind: 'aggregation',
    op,
    expression: args[wanted - 1]!,
    ...(wanted === 2 ? { parameter: args[0]! } : {}),
    grouping: after?.grouping ?? [],
    without: after?.without ?? false,
    position,
  };
}

/**
 * Parses and checks a query.
 *
 * @throws ParseError with upstream's message and place. Time and memory are linear in the text.
 */
export function parseExpression(query: string, features: SyntaxFeatures = {}): Expression {
  const cursor = new Cursor(query, features);
  if (cursor.peek().kind === 'end') {
    cursor.fail({ start: 0, end: 0 }, 'no expression found in input');
  }
  const expression = parseExpressionAbove(cursor, 0);
  if (cursor.peek().kind !== 'end') cursor.unexpected();
  return checkTypes(query, expression);
}

/**
 * Parses a series selector such as the API's `match[]`: `up{job="x"}`. It may match everything; whoever
 * needs one matcher that doesn't match the empty text checks that.
 *
 * @throws ParseError
 */
export function parseSelector(text: string): readonly Matcher[] {
  const cursor = new Cursor(text, {});
  const { matchers } = parseVectorSelector(cursor);
  if (cursor.peek().kind !== 'end') cursor.unexpected();
  return matchers;
}
