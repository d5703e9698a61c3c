// SPDX-License-Identifier: Apache-2.0
// An expression as a tree of its parts, each of which can be run by itself.

import {
  type Expression,
  allSyntaxFeatures,
  expressionText,
  ParseError,
  parseExpression,
  type VectorSelector,
  valueTypeOf,
} from '../../../src/promql/index.ts';

export interface TreeNode {
  /** Place in the tree: `0`, `0.1`, … */
  readonly path: string;
  /** The part as a query. */
  readonly expr: string;
  /** The part with its own parts left out: `sum by (job) (…)`. */
  readonly summary: string;
  readonly type: ReturnType<typeof valueTypeOf>;
  readonly children: readonly TreeNode[];
}

const elided: VectorSelector = {
  kind: 'vectorSelector',
  position: { start: 0, end: 0 },
  name: '…',
  matchers: [],
  offsetMs: 0,
  anchored: false,
  smoothed: false,
};

const isLeaf = ({ kind }: Expression): boolean =>
  kind === 'number' || kind === 'string' || kind === 'vectorSelector' || kind === 'matrixSelector';

const isLiteral = ({ kind }: Expression): boolean => kind === 'number' || kind === 'string';

function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'call':
      return node.args;
    case 'aggregation':
      return node.parameter === undefined ? [node.expression] : [node.parameter, node.expression];
    case 'binary':
      return [node.left, node.right];
    case 'subquery':
    case 'unary':
    case 'paren':
      return [node.expression];
    default:
      return [];
  }
}

/** Literals are told, everything else is left out. */
const short = (node: Expression): Expression => (isLiteral(node) ? node : elided);

function summaryOf(node: Expression): string {
  switch (node.kind) {
    case 'call':
      return expressionText({ ...node, args: node.args.map(short) });
    case 'aggregation': {
      const { parameter } = node;
      const told = parameter === undefined ? {} : { parameter: short(parameter) };
      return expressionText({ ...node, ...told, expression: elided });
    }
    case 'binary':
      return expressionText({ ...node, left: short(node.left), right: short(node.right) });
    case 'subquery':
    case 'unary':
    case 'paren':
      return expressionText({ ...node, expression: elided });
    default:
      return expressionText(node);
  }
}

function treeOf(node: Expression, path: string): TreeNode {
  // Literals say all they have to say in what holds them.
  const parts = isLeaf(node) ? [] : partsOf(node).filter((part) => !isLiteral(part));
  return {
    path,
    expr: expressionText(node),
    summary: summaryOf(node),
    type: valueTypeOf(node),
    children: parts.map((part, i) => treeOf(part, `${path}.${i}`)),
  };
}

/** The tree of a query, or what is wrong with it. */
export function expressionTree(query: string): TreeNode | ParseError {
  try {
    return treeOf(parseExpression(query, allSyntaxFeatures), '0');
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
}

/** How many different values each label has, the most first. */
export function labelCardinalities(
  metrics: Iterable<Readonly<Record<string, string>>>,
): (readonly [name: string, count: number])[] {
  const values = new Map<string, Set<string>>();
  for (const metric of metrics) {
    for (const [name, value] of Object.entries(metric)) {
      if (name === '__name__') continue;
      const seen = values.get(name);
      if (seen === undefined) values.set(name, new Set([value]));
      else seen.add(value);
    }
  }
  return [...values]
    .map(([name, seen]) => [name, seen.size] as const)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
