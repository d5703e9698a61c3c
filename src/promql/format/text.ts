// SPDX-License-Identifier: Apache-2.0
// Expressions as text on one line: upstream's normal form.

import {
  type Matcher,
  METRIC_NAME,
  compareText,
  formatDuration,
  formatFloatF,
  formatFloatG,
  quote,
} from '../../model/index.ts';
import type {
  Aggregation,
  BinaryExpression,
  DurationExpression,
  DurationOperand,
  Expression,
  MatrixSelector,
  NumberLiteral,
  Subquery,
  VectorMatching,
  VectorSelector,
} from '../ast/nodes.ts';

const plainName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const labelText = (name: string): string => (plainName.test(name) ? name : quote(name));
const labelList = (names: readonly string[]): string => names.map(labelText).join(', ');

const matcherText = ({ name, type, value }: Matcher): string =>
  `${labelText(name)}${type}${quote(value)}`;

function durationText(ms: number): string {
  const whole = Math.trunc(ms);
  return whole < 0 ? `-${formatDuration(-whole)}` : formatDuration(whole);
}

function numberText({ value, isDuration }: NumberLiteral): string {
  return isDuration ? durationText(value * 1000 + Math.sign(value) * 1e-6) : formatFloatF(value);
}

function operandText(node: DurationOperand | undefined): string {
  if (node === undefined) return '';
  return node.kind === 'number' ? numberText(node) : durationExpressionText(node);
}

export function durationExpressionText(node: DurationExpression): string {
  const left = operandText(node.left);
  const right = operandText(node.right);
  let text: string;
  switch (node.op) {
    case 'step':
    case 'range':
      text = `${node.op}()`;
      break;
    case 'min_of':
    case 'max_of':
      text = `${node.op}(${left}, ${right})`;
      break;
    case '':
      text = right;
      break;
    default:
      text = node.left === undefined ? `${node.op}${right}` : `${left} ${node.op} ${right}`;
  }
  return node.wrapped ? `(${text})` : text;
}

function atText({ timestampMs, startOrEnd }: VectorSelector | Subquery): string {
  if (timestampMs !== undefined) return ` @ ${(timestampMs / 1000).toFixed(3)}`;
  return startOrEnd === undefined ? '' : ` @ ${startOrEnd}()`;
}

function offsetText({ offsetMs, offsetExpression }: VectorSelector | Subquery): string {
  if (offsetExpression !== undefined) return ` offset ${durationExpressionText(offsetExpression)}`;
  return offsetMs === 0 ? '' : ` offset ${durationText(offsetMs)}`;
}

function extensionText({ anchored, smoothed }: VectorSelector): string {
  if (anchored) return ' anchored';
  return smoothed ? ' smoothed' : '';
}

/** Name and matchers only. */
function bareSelectorText({ name, matchers }: VectorSelector): string {
  const shown = matchers
    .filter(
      (matcher) =>
        matcher.name !== METRIC_NAME ||
        matcher.type !== '=' ||
        matcher.value !== name ||
        matcher.value === '',
    )
    .map(matcherText)
    .sort(compareText);
  return shown.length === 0 ? name : `${name}{${shown.join(',')}}`;
}

const selectorText = (node: VectorSelector): string =>
  bareSelectorText(node) + atText(node) + extensionText(node) + offsetText(node);

function matrixText({ selector, rangeMs, rangeExpression }: MatrixSelector): string {
  const range =
    rangeExpression === undefined ? durationText(rangeMs) : durationExpressionText(rangeExpression);
  const suffix = extensionText(selector) + atText(selector) + offsetText(selector);
  return `${bareSelectorText(selector)}[${range}]${suffix}`;
}

/** `[range:step] @ … offset …` of a subquery. */
export function subquerySuffix(node: Subquery): string {
  const { rangeMs, rangeExpression, stepMs, stepExpression } = node;
  const range =
    rangeExpression === undefined ? durationText(rangeMs) : durationExpressionText(rangeExpression);
  let step = stepMs === 0 ? '' : durationText(stepMs);
  if (stepMs === 0 && stepExpression !== undefined) step = durationExpressionText(stepExpression);
  return `[${range}:${step}]${atText(node)}${offsetText(node)}`;
}

function fillText({ fillLeft, fillRight }: VectorMatching): string {
  const shown = (value: number): string => formatFloatG(value);
  if (fillLeft !== undefined && Object.is(fillLeft, fillRight)) return ` fill (${shown(fillLeft)})`;
  const left = fillLeft === undefined ? '' : ` fill_left (${shown(fillLeft)})`;
  const right = fillRight === undefined ? '' : ` fill_right (${shown(fillRight)})`;
  return left + right;
}

/** ` on (…) group_left (…) fill (…)`, or nothing. */
function matchingText(matching: VectorMatching | undefined): string {
  if (matching === undefined) return '';
  const { labels, on, cardinality, include } = matching;
  const groups = cardinality === 'many-to-one' || cardinality === 'one-to-many';
  let text = '';
  if (labels.length > 0 || on || groups) {
    text = ` ${on ? 'on' : 'ignoring'} (${labelList(labels)})`;
  }
  if (groups) {
    text += ` group_${cardinality === 'many-to-one' ? 'left' : 'right'} (${labelList(include)})`;
  }
  return text + fillText(matching);
}

/** Operator, bool and matching of a binary expression. */
export const operatorText = ({ op, returnBool, matching }: BinaryExpression): string =>
  op + (returnBool ? ' bool' : '') + matchingText(matching);

/** `sum by (a) ` up to the parenthesis. */
export function aggregationHead({ op, without, grouping }: Aggregation): string {
  if (without) return `${op} without (${labelList(grouping)}) `;
  return grouping.length === 0 ? op : `${op} by (${labelList(grouping)}) `;
}

/** The expression on one line. Parses to an equal expression. */
export function expressionText(node: Expression): string {
  switch (node.kind) {
    case 'number':
      return numberText(node);
    case 'string':
      return quote(node.value);
    case 'vectorSelector':
      return selectorText(node);
    case 'matrixSelector':
      return matrixText(node);
    case 'subquery':
      return expressionText(node.expression) + subquerySuffix(node);
    case 'call':
      return `${node.name}(${node.args.map(expressionText).join(', ')})`;
    case 'aggregation': {
      const parameter = node.parameter === undefined ? '' : `${expressionText(node.parameter)}, `;
      return `${aggregationHead(node)}(${parameter}${expressionText(node.expression)})`;
    }
    case 'binary':
      return `${expressionText(node.left)} ${operatorText(node)} ${expressionText(node.right)}`;
    case 'unary':
      return node.op + expressionText(node.expression);
    case 'paren':
      return `(${expressionText(node.expression)})`;
  }
}
