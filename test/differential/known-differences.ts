// SPDX-License-Identifier: Apache-2.0
// Where 3.x answers otherwise than 2.42 on purpose, or where two correct programs may differ. A rule looks
// at the smallest part of a query that differs: its operands are answered alike.

import { type Expression, parseExpression } from '../../src/promql/index.ts';

interface KnownDifference {
  readonly reason: string;
  readonly applies: (root: Expression, difference: string) => boolean;
}

const isCall = (node: Expression, ...names: string[]): boolean =>
  node.kind === 'call' && names.includes(node.name);

const isAggregation = (node: Expression, ...ops: string[]): boolean =>
  node.kind === 'aggregation' && ops.includes(node.op);

/** The two values of a difference, when it is one of values. */
function valuesOf(difference: string): readonly [number, number] | undefined {
  const match = /(\S+) at \S+ and not (\S+)$/.exec(difference);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

const known: readonly KnownDifference[] = [
  {
    reason: '2.x keeps the metric name of the results of atan2',
    applies: (root, difference) =>
      root.kind === 'binary' && root.op === 'atan2' && difference.startsWith('we have'),
  },
  {
    reason: 'the deviation of a group that begins with NaN or an infinity is not NaN in 2.x',
    applies: (root, difference) =>
      isAggregation(root, 'stddev', 'stdvar') && difference.includes('NaN'),
  },
  {
    reason: '2.x does not see two matches when a comparison lets at most one through',
    applies: (root, difference) =>
      root.kind === 'binary' &&
      /[<>=]/.test(root.op) &&
      /multiple matches.*and not success/.test(difference),
  },
  {
    reason: 'which of equal values topk and bottomk choose is chance in 2.x, and differs by asking',
    applies: (root, difference) =>
      partsOfTree(root).some((node) => isAggregation(node, 'topk', 'bottomk')) &&
      /we (have|lack)|point/.test(difference),
  },
  {
    reason: 'the last digit of a function of Go and of JavaScript, made large by % or a period',
    applies: (root, difference) =>
      ((root.kind === 'binary' && root.op === '%') || isCall(root, 'sin', 'cos', 'tan')) &&
      valuesOf(difference) !== undefined,
  },
  {
    reason: 'the last digit of a function of a large number is minutes or days',
    applies: (root, difference) =>
      root.kind === 'call' &&
      /^(year|month|day|hour|minute)/.test(root.name) &&
      root.args[0]?.kind !== 'vectorSelector' &&
      valuesOf(difference) !== undefined,
  },
  {
    reason: 'the last digit of a sum decides to which side a value is rounded',
    applies: (root, difference) => {
      const values = valuesOf(difference);
      if (isAggregation(root, 'count_values')) return /we (have|lack)/.test(difference);
      if (values === undefined || !isCall(root, 'round', 'floor', 'ceil')) return false;
      return Math.abs(values[0] - values[1]) <= 5;
    },
  },
];

/** Whether an expression evaluates something at other times than its own. */
const hasSubquery = (query: string): boolean => /\[[^\]]*:[^\]]*\]/.test(query);

function partsOfTree(node: Expression): Expression[] {
  switch (node.kind) {
    case 'paren':
    case 'unary':
    case 'subquery':
      return [node, ...partsOfTree(node.expression)];
    case 'aggregation':
      return [node, ...partsOfTree(node.expression)];
    case 'binary':
      return [node, ...partsOfTree(node.left), ...partsOfTree(node.right)];
    case 'call':
      return [node, ...node.args.flatMap(partsOfTree)];
    default:
      return [node];
  }
}

/**
 * Whether a difference is one of those above. Inside a subquery a part may differ at times at which it wasn't
 * asked for by itself, so there any part may be the cause.
 *
 * @param smallest the smallest part of the query that differs
 */
export function isKnown(smallest: string, difference: string): boolean {
  const root = parseExpression(smallest);
  const nodes = hasSubquery(smallest) ? partsOfTree(root) : [root];
  return nodes.some((node) => known.some(({ applies }) => applies(node, difference)));
}
