// SPDX-License-Identifier: Apache-2.0
// What may follow a selector: offset, @, anchored, smoothed, brackets.

import type {
  DurationOperand,
  Expression,
  MatrixSelector,
  Subquery,
  VectorSelector,
} from '../ast/nodes.ts';
import type { Cursor } from './cursor.ts';
import { isNumeric, parseBracketDuration, parseNumeric, parseOffset } from './durations.ts';

const PRECEDED =
  'must be preceded by an instant vector selector or range vector selector or a subquery';

type Selecting = VectorSelector | MatrixSelector | Subquery;

const isSelecting = ({ kind }: Expression): boolean =>
  kind === 'vectorSelector' || kind === 'matrixSelector' || kind === 'subquery';

/** The part of a selector that carries offset and @. */
const placedOf = (node: Selecting): VectorSelector | Subquery =>
  node.kind === 'matrixSelector' ? node.selector : node;

type Placement = Partial<
  Pick<VectorSelector, 'offsetMs' | 'offsetExpression' | 'timestampMs' | 'startOrEnd'>
>;

/** `node` with offset or @ set, now ending at `end`. */
function withPlacement(node: Selecting, placement: Placement, end: number): Selecting {
  const position = { start: node.position.start, end };
  if (node.kind === 'matrixSelector') {
    return { ...node, selector: { ...node.selector, ...placement }, position };
  }
  return { ...node, ...placement, position };
}

/** Whole milliseconds of some seconds, by way of whole nanoseconds as upstream. */
const seconds = (value: number): number => Math.trunc(Math.round(value * 1e9) / 1e6);

function applyOffset(cursor: Cursor, target: Expression): Expression {
  cursor.take();
  const offset = parseOffset(cursor);
  if (!isSelecting(target)) cursor.fail(target.position, `offset modifier ${PRECEDED}`);
  const node = target as Selecting;
  const { offsetMs, offsetExpression } = placedOf(node);
  if (offsetMs !== 0 || offsetExpression !== undefined) {
    cursor.fail(node.position, 'offset may not be set multiple times');
  }
  const placement: Placement =
    offset.kind === 'number' ? { offsetMs: seconds(offset.value) } : { offsetExpression: offset };
  return withPlacement(node, placement, cursor.lastEnd);
}

const TIMESTAMP_MAX = 2 ** 63;

function timeOfAt(cursor: Cursor, target: Expression, value: number): Placement {
  if (!(value < TIMESTAMP_MAX && value > -TIMESTAMP_MAX)) {
    const shown = Number.isFinite(value) ? floatText(value) : infinityText(value);
    cursor.fail(target.position, `timestamp out of bounds for @ modifier: ${shown}`);
  }
  return { timestampMs: roundHalfAway(value * 1000) };
}

const GROUP = 1e7;

/** Go's `%f` of a number so large that it is whole: all its digits. */
function floatText(value: number): string {
  // Seven decimal digits each, lowest first.
  const groups = [0];
  for (const hex of Math.abs(value).toString(16)) {
    let carry = Number(`0x${hex}`);
    for (let i = 0; i < groups.length || carry > 0; i++) {
      const sum = (groups[i] ?? 0) * 16 + carry;
      groups[i] = sum % GROUP;
      carry = Math.floor(sum / GROUP);
    }
  }
  const [first = 0, ...rest] = groups.reverse();
  const digits = rest.map((group) => String(group).padStart(7, '0')).join('');
  return `${value < 0 ? '-' : ''}${first}${digits}.000000`;
}

const infinityText = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';

const roundHalfAway = (value: number): number =>
  value < 0 ? -Math.round(-value) || 0 : Math.round(value);

function parseAt(cursor: Cursor, target: Expression): Placement {
  const first = cursor.peek();
  if (first.word === 'start' || first.word === 'end') {
    cursor.take();
    if (!cursor.accept('(') || !cursor.accept(')')) cursor.unexpected('@', 'timestamp');
    return { startOrEnd: first.word };
  }
  const sign = first.word === '-' || first.word === '+' ? cursor.take().word : '+';
  if (!isNumeric(cursor.peek())) cursor.unexpected('@', 'timestamp');
  const { value } = parseNumeric(cursor);
  return timeOfAt(cursor, target, sign === '-' ? -value : value);
}

function applyAt(cursor: Cursor, target: Expression): Expression {
  cursor.take();
  const placement = parseAt(cursor, target);
  if (!isSelecting(target)) cursor.fail(target.position, `@ modifier ${PRECEDED}`);
  const node = target as Selecting;
  const { timestampMs, startOrEnd } = placedOf(node);
  if (timestampMs !== undefined || startOrEnd !== undefined) {
    cursor.fail(node.position, '@ <timestamp> may not be set multiple times');
  }
  return withPlacement(node, placement, cursor.lastEnd);
}

function applyExtension(
  cursor: Cursor,
  target: Expression,
  modifier: 'anchored' | 'smoothed',
): Expression {
  cursor.take();
  const { position } = target;
  if (cursor.features.extendedRangeSelectors !== true) {
    cursor.fail(position, `${modifier} modifier is experimental and not enabled`);
  }
  if (target.kind === 'subquery') {
    cursor.fail(position, `${modifier} modifier is not supported for subqueries`);
  }
  if (target.kind !== 'vectorSelector' && target.kind !== 'matrixSelector') {
    cursor.fail(position, `${modifier} modifier not implemented`);
  }
  const selector = target.kind === 'matrixSelector' ? target.selector : target;
  const extended = { ...selector, [modifier]: true };
  if (extended.anchored && extended.smoothed) {
    cursor.fail(position, 'anchored and smoothed modifiers cannot be used together');
  }
  return target.kind === 'matrixSelector' ? { ...target, selector: extended } : extended;
}

const inMs = (duration: DurationOperand): number =>
  duration.kind === 'number' ? seconds(duration.value) : 0;

function subqueryOf(
  cursor: Cursor,
  expression: Expression,
  range: DurationOperand,
  step: DurationOperand | undefined,
): Subquery {
  return {
    kind: 'subquery',
    expression,
    rangeMs: inMs(range),
    ...(range.kind === 'duration' ? { rangeExpression: range } : {}),
    stepMs: step === undefined ? 0 : inMs(step),
    ...(step?.kind === 'duration' ? { stepExpression: step } : {}),
    offsetMs: 0,
    position: { start: expression.position.start, end: cursor.lastEnd },
  };
}

/** Why brackets cannot make a range vector of `target`; '' when they can. */
function rangeProblem(target: Expression): string {
  if (target.kind !== 'vectorSelector') return 'ranges only allowed for vector selectors';
  if (target.offsetMs !== 0) return 'no offset modifiers allowed before range';
  return target.timestampMs === undefined ? '' : 'no @ modifiers allowed before range';
}

function applyBrackets(cursor: Cursor, target: Expression): Expression {
  const open = cursor.take();
  const kinds = 'number, duration, step(), or range()';
  const range = parseBracketDuration(cursor, {
    context: 'subquery or range selector',
    expected: kinds,
  });
  if (cursor.accept(':')) {
    if (cursor.accept(']')) return subqueryOf(cursor, target, range, undefined);
    const step = parseBracketDuration(cursor, {
      context: 'subquery selector',
      expected: 'number, duration, step(), range(), or "]"',
    });
    if (!cursor.accept(']')) cursor.unexpected('subquery selector', '"]"');
    return subqueryOf(cursor, target, range, step);
  }
  if (!cursor.accept(']')) cursor.unexpected('subquery or range', '":" or "]"');
  const problem = rangeProblem(target);
  if (problem !== '') cursor.fail({ start: open.start, end: cursor.lastEnd }, problem);
  return {
    kind: 'matrixSelector',
    selector: target as VectorSelector,
    rangeMs: inMs(range),
    ...(range.kind === 'duration' ? { rangeExpression: range } : {}),
    position: { start: target.position.start, end: cursor.lastEnd },
  };
}

/** Applies all modifiers that follow `target`. */
export function parseModifiers(cursor: Cursor, target: Expression): Expression {
  let node = target;
  for (;;) {
    const { word } = cursor.peek();
    const before = cursor.nodeDepth;
    switch (word) {
      case 'offset':
        node = applyOffset(cursor, node);
        break;
      case '@':
        node = applyAt(cursor, node);
        break;
      case 'anchored':
      case 'smoothed':
        node = applyExtension(cursor, node, word);
        break;
      case '[':
        node = applyBrackets(cursor, node);
        cursor.deepen(before);
        continue;
      default:
        return node;
    }
    cursor.nodeDepth = before;
  }
}
