// SPDX-License-Identifier: Apache-2.0
// What an expression means, in words.

import { formatDuration } from '../../../src/model/index.ts';
import {
  type Aggregation,
  type AggregateOperator,
  type BinaryExpression,
  type BinaryOperator,
  type Call,
  type Expression,
  expressionText,
  functionSignatures,
  type MatrixSelector,
  type Subquery,
  typeText,
  type VectorMatching,
  type VectorSelector,
} from '../../../src/promql/index.ts';
import { formatTime } from '../../shared/format/times.ts';

export interface Explanation {
  /** What kind of thing it is: `Aggregation`, `Function`. */
  readonly kind: string;
  /** Its heart, as it is written: `rate(range vector) → instant vector`. */
  readonly form: string;
  readonly sentences: readonly string[];
  /** Conditions and parts, one by one. */
  readonly points: readonly string[];
}

const list = (names: readonly string[]): string =>
  names.length < 2
    ? names.join('')
    : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;

const matchWords = {
  '=': 'is',
  '!=': 'is not',
  '=~': 'matches',
  '!~': 'does not match',
} as const;

const matcherPoints = ({ name, matchers }: VectorSelector): string[] =>
  matchers
    .filter((matcher) => !(matcher.name === '__name__' && matcher.value === name))
    .map((matcher) => {
      const value = JSON.stringify(matcher.value);
      if (matcher.value === '' && matcher.type === '=') return `${matcher.name} is not there`;
      if (matcher.value === '' && matcher.type === '!=') return `${matcher.name} is there`;
      return `${matcher.name} ${matchWords[matcher.type]} ${value}`;
    });

function shiftSentences(node: VectorSelector | Subquery): string[] {
  const sentences: string[] = [];
  const { offsetMs, offsetExpression, timestampMs, startOrEnd } = node;
  if (offsetMs > 0) sentences.push(`Everything as it was ${formatDuration(offsetMs)} earlier.`);
  if (offsetMs < 0) sentences.push(`Everything as it is ${formatDuration(-offsetMs)} later.`);
  if (offsetExpression !== undefined) sentences.push('Moved in time by a computed offset.');
  if (timestampMs !== undefined) {
    sentences.push(`Always at ${formatTime(timestampMs)} UTC, whatever the time of the query.`);
  }
  if (startOrEnd !== undefined) sentences.push(`Always at the ${startOrEnd} of the query's range.`);
  return sentences;
}

const seriesWords = (node: VectorSelector): string => {
  const of = node.name === '' ? 'all series' : `the series called ${node.name}`;
  return matcherPoints(node).length === 0 ? of : `${of} with these labels`;
};

function explainSelector(node: VectorSelector, lookback: string): Explanation {
  const take = node.smoothed
    ? 'For each, its value interpolated between the samples around the time of evaluation.'
    : `For each, its newest sample at the time of evaluation, if that is less than ${lookback} old.`;
  return {
    kind: 'Instant vector selector',
    form: expressionText(node),
    sentences: [`Selects ${seriesWords(node)}.`, take, ...shiftSentences(node)],
    points: matcherPoints(node),
  };
}

function explainRange(node: MatrixSelector): Explanation {
  const { selector, rangeMs, rangeExpression } = node;
  const range =
    rangeExpression === undefined ? `last ${formatDuration(rangeMs)}` : 'computed range';
  return {
    kind: 'Range vector selector',
    form: expressionText(node),
    sentences: [
      `Selects ${seriesWords(selector)}.`,
      `For each, all samples of the ${range} up to the time of evaluation.`,
      ...shiftSentences(selector),
    ],
    points: matcherPoints(selector),
  };
}

function explainSubquery(node: Subquery): Explanation {
  const step = node.stepMs > 0 ? formatDuration(node.stepMs) : 'evaluation interval';
  return {
    kind: 'Subquery',
    form: expressionText({ ...node, expression: { ...placeholder, position: node.position } }),
    sentences: [
      `Evaluates the inner expression every ${step} over the last ${formatDuration(node.rangeMs)}.`,
      'The results are samples for a function over time.',
      ...shiftSentences(node),
    ],
    points: [],
  };
}

const placeholder: VectorSelector = {
  kind: 'vectorSelector',
  position: { start: 0, end: 0 },
  name: '…',
  matchers: [],
  offsetMs: 0,
  anchored: false,
  smoothed: false,
};

function explainCall({ name, args }: Call): Explanation {
  const signature = functionSignatures.get(name);
  if (signature === undefined) return { kind: 'Function', form: name, sentences: [], points: [] };
  const { argTypes, variadic, returnType, description, experimental } = signature;
  const types = argTypes.map((type, i) => {
    const isRepeated = variadic !== 0 && i === argTypes.length - 1;
    return isRepeated ? `[${typeText(type)}${variadic === 1 ? '' : ', …'}]` : typeText(type);
  });
  return {
    kind: experimental ? 'Function (experimental)' : 'Function',
    form: `${name}(${types.join(', ')}) → ${typeText(returnType)}`,
    sentences: [description],
    points: args
      .filter(({ kind }) => kind === 'number' || kind === 'string')
      .map((arg) => `with ${expressionText(arg)}`),
  };
}

const aggregates: Readonly<Record<AggregateOperator, string>> = {
  sum: 'the sum of the values',
  avg: 'the mean of the values',
  min: 'the least value',
  max: 'the greatest value',
  count: 'the number of series',
  group: 'a 1',
  stddev: 'the standard deviation of the values',
  stdvar: 'the variance of the values',
  topk: 'the series with the greatest values, as they are',
  bottomk: 'the series with the least values, as they are',
  quantile: 'a quantile of the values',
  count_values: 'the number of series for each different value',
  limitk: 'some of the series, as they are',
  limit_ratio: 'a share of the series, as they are',
};

function explainAggregation(node: Aggregation): Explanation {
  const { op, grouping, without, parameter } = node;
  let groups = 'All series are one group.';
  if (without) {
    groups =
      grouping.length === 0
        ? 'Series with the same labels are one group.'
        : `Series that differ in ${list(grouping)} only are one group.`;
  } else if (grouping.length > 0) {
    groups = `Series with the same ${list(grouping)} are one group.`;
  }
  const with_ = parameter === undefined ? [] : [`parameter: ${expressionText(parameter)}`];
  return {
    kind: 'Aggregation',
    form: expressionText({ ...node, expression: placeholder }),
    sentences: [groups, `Gives for each group ${aggregates[op]}.`],
    points: with_,
  };
}

const isComparison = (op: BinaryOperator): boolean =>
  ['==', '!=', '<', '>', '<=', '>='].includes(op);

const setOperators: Readonly<Record<string, string>> = {
  and: 'Keeps the series of the left side that have a partner on the right.',
  or: 'All series of the left side, and those of the right that have no partner on the left.',
  unless: 'Keeps the series of the left side that have no partner on the right.',
};

function matchingSentences(matching: VectorMatching, isSet: boolean): string[] {
  const { on, labels, cardinality, include } = matching;
  let partners = 'Partners have the same labels, the metric name aside.';
  if (on) {
    partners =
      labels.length === 0
        ? 'Every series is a partner of every other: no label is compared.'
        : `Partners have the same ${list(labels)}.`;
  } else if (labels.length > 0) {
    partners = `Partners have the same labels, the metric name and ${list(labels)} aside.`;
  }
  if (isSet) return [partners];
  const copied = include.length === 0 ? '' : `, whose ${list(include)} the result takes over`;
  if (cardinality === 'many-to-one') {
    return [partners, `Several series of the left side may share one of the right${copied}.`];
  }
  if (cardinality === 'one-to-many') {
    return [partners, `Several series of the right side may share one of the left${copied}.`];
  }
  return [partners, 'Each series has at most one partner; one without a partner is dropped.'];
}

function explainBinary(node: BinaryExpression): Explanation {
  const { op, matching, returnBool } = node;
  const sentences: string[] = [];
  const set = setOperators[op];
  if (set !== undefined) sentences.push(set);
  else if (isComparison(op)) {
    sentences.push(
      returnBool
        ? `Compares: 1 where the left side ${op} the right side, otherwise 0.`
        : `Keeps the values of the left side that are ${op} the right side, and drops the others.`,
    );
  } else sentences.push(`Calculates left ${op} right, value by value.`);
  if (matching !== undefined) sentences.push(...matchingSentences(matching, set !== undefined));
  return {
    kind: set === undefined ? 'Binary operation' : 'Set operation',
    form: expressionText({ ...node, left: placeholder, right: placeholder }),
    sentences,
    points: [],
  };
}

/** @param lookback  the server's lookback delta, e.g. `5m` */
export function explain(node: Expression, lookback: string): Explanation {
  switch (node.kind) {
    case 'vectorSelector':
      return explainSelector(node, lookback);
    case 'matrixSelector':
      return explainRange(node);
    case 'subquery':
      return explainSubquery(node);
    case 'call':
      return explainCall(node);
    case 'aggregation':
      return explainAggregation(node);
    case 'binary':
      return explainBinary(node);
    case 'paren':
      return explain(node.expression, lookback);
    case 'unary':
      return {
        kind: 'Sign',
        form: `${node.op}…`,
        sentences: [node.op === '-' ? 'The negative of each value.' : 'Each value as it is.'],
        points: [],
      };
    case 'number':
      return { kind: 'Number', form: expressionText(node), sentences: [], points: [] };
    case 'string':
      return { kind: 'Text', form: expressionText(node), sentences: [], points: [] };
  }
}
