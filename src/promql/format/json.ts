// SPDX-License-Identifier: Apache-2.0
// Expressions as the JSON of /parse_query.

import type {
  SyntaxDuration,
  SyntaxMatcher,
  SyntaxNode,
  SyntaxVectorMatching,
} from '../../apitypes/index.ts';
import { formatFloatF, type Matcher } from '../../model/index.ts';
import type {
  Call,
  DurationOperand,
  Expression,
  Subquery,
  VectorMatching,
  VectorSelector,
} from '../ast/nodes.ts';
import { functionSignatures } from '../functions/signatures.ts';

function durationToJson(node: DurationOperand | undefined): SyntaxDuration | null {
  if (node === undefined) return null;
  if (node.kind === 'number') return { type: 'numberLiteral', val: formatFloatF(node.value) };
  return {
    type: 'durationExpr',
    op: node.op === '' ? '+' : node.op,
    lhs: durationToJson(node.left),
    rhs: durationToJson(node.right),
    wrapped: node.wrapped,
  };
}

const matchersToJson = (matchers: readonly Matcher[]): SyntaxMatcher[] =>
  matchers.map(({ name, type, value }) => ({ name, value, type }));

function placementToJson(node: VectorSelector | Subquery): {
  offset: number;
  offsetExpr: SyntaxDuration | null;
  timestamp: number | null;
  startOrEnd: 'start' | 'end' | null;
} {
  return {
    offset: node.offsetMs,
    offsetExpr: durationToJson(node.offsetExpression),
    timestamp: node.timestampMs ?? null,
    startOrEnd: node.startOrEnd ?? null,
  };
}

const matchingToJson = (matching: VectorMatching): SyntaxVectorMatching => ({
  card: matching.cardinality,
  labels: matching.labels,
  on: matching.on,
  include: matching.include,
  fillValues: { lhs: matching.fillLeft ?? null, rhs: matching.fillRight ?? null },
});

function callToJson({ name, args }: Call): SyntaxNode {
  const signature = functionSignatures.get(name);
  return {
    type: 'call',
    func: {
      name,
      argTypes: signature?.argTypes ?? [],
      variadic: signature?.variadic ?? 0,
      returnType: signature?.returnType ?? 'none',
    },
    args: args.map(expressionToJson),
  };
}

/** The tree as clients of /parse_query know it. */
export function expressionToJson(node: Expression): SyntaxNode {
  switch (node.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatFloatF(node.value) };
    case 'string':
      return { type: 'stringLiteral', val: node.value };
    case 'paren':
      return { type: 'parenExpr', expr: expressionToJson(node.expression) };
    case 'unary':
      return { type: 'unaryExpr', op: node.op, expr: expressionToJson(node.expression) };
    case 'call':
      return callToJson(node);
    case 'aggregation':
      return {
        type: 'aggregation',
        op: node.op,
        expr: expressionToJson(node.expression),
        param: node.parameter === undefined ? null : expressionToJson(node.parameter),
        grouping: node.grouping,
        without: node.without,
      };
    case 'binary':
      return {
        type: 'binaryExpr',
        op: node.op,
        lhs: expressionToJson(node.left),
        rhs: expressionToJson(node.right),
        matching: node.matching === undefined ? null : matchingToJson(node.matching),
        bool: node.returnBool,
      };
    case 'subquery':
      return {
        type: 'subquery',
        expr: expressionToJson(node.expression),
        range: node.rangeMs,
        rangeExpr: durationToJson(node.rangeExpression),
        step: node.stepMs,
        stepExpr: durationToJson(node.stepExpression),
        ...placementToJson(node),
      };
    case 'vectorSelector':
    case 'matrixSelector':
      return selectorToJson(node);
  }
}

function selectorToJson(
  node: Extract<Expression, { kind: 'vectorSelector' | 'matrixSelector' }>,
): SyntaxNode {
  const selector = node.kind === 'matrixSelector' ? node.selector : node;
  const { name, anchored, smoothed } = selector;
  const shared = {
    name,
    matchers: matchersToJson(selector.matchers),
    anchored,
    smoothed,
    ...placementToJson(selector),
  };
  if (node.kind === 'vectorSelector') return { type: 'vectorSelector', ...shared };
  return {
    type: 'matrixSelector',
    range: node.rangeMs,
    rangeExpr: durationToJson(node.rangeExpression),
    ...shared,
  };
}
