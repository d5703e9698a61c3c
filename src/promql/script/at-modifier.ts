// SPDX-License-Identifier: Apache-2.0
// A query that says the same at every evaluation time: each selector pinned with `@`.

import type { Expression, Subquery, VectorSelector } from '../ast/nodes.ts';

/** Their results depend on the evaluation time whatever their arguments are. */
const timeDependent: ReadonlySet<string> = new Set([
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'hour',
  'minute',
  'month',
  'year',
  'predict_linear',
  'time',
  'start',
  'end',
  'step',
  'range',
  'timestamp',
  'start_timestamp',
]);

function pin<Node extends VectorSelector | Subquery>(node: Node, timestampMs: number): Node {
  return node.timestampMs === undefined ? { ...node, timestampMs } : node;
}

/**
 * `expression` with `@ timestampMs` on every outermost selector and subquery that has none; undefined
 * when that isn't the same query at other times.
 */
export function pinned(expression: Expression, timestampMs: number): Expression | undefined {
  const below = (child: Expression): Expression | undefined => pinned(child, timestampMs);
  switch (expression.kind) {
    case 'number':
    case 'string':
      return expression;
    case 'vectorSelector':
      return pin(expression, timestampMs);
    case 'matrixSelector':
      return { ...expression, selector: pin(expression.selector, timestampMs) };
    case 'subquery':
      return callsTimeDependent(expression.expression) ? undefined : pin(expression, timestampMs);
    case 'call': {
      if (timeDependent.has(expression.name)) return undefined;
      const args = expression.args.map(below);
      return all(args) ? { ...expression, args } : undefined;
    }
    case 'aggregation': {
      const inner = below(expression.expression);
      if (inner === undefined) return undefined;
      if (expression.parameter === undefined) return { ...expression, expression: inner };
      const parameter = below(expression.parameter);
      return parameter && { ...expression, expression: inner, parameter };
    }
    case 'binary': {
      const left = below(expression.left);
      const right = below(expression.right);
      return left && right && { ...expression, left, right };
    }
    case 'unary':
    case 'paren': {
      const inner = below(expression.expression);
      return inner && { ...expression, expression: inner };
    }
  }
}

const all = <Item>(items: readonly (Item | undefined)[]): items is readonly Item[] =>
  items.every((item) => item !== undefined);

const callsTimeDependent = (expression: Expression): boolean => pinned(expression, 0) === undefined;
