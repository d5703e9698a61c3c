// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { ParseError } from '../../../src/promql/index.ts';
import { expressionTree, labelCardinalities, type TreeNode } from './expression-tree.ts';

const outline = (node: TreeNode, depth = 0): string[] => [
  '  '.repeat(depth) + node.summary,
  ...node.children.flatMap((child) => outline(child, depth + 1)),
];

function tree(query: string): TreeNode {
  const found = expressionTree(query);
  if (found instanceof ParseError) throw found;
  return found;
}

test('parts of parts', () => {
  const query =
    'histogram_quantile(0.9, sum by(le)(rate(x_bucket{a="b"}[5m]))) > 2 * -(max_over_time(y[1h:1m]))';
  expect(outline(tree(query))).toEqual([
    '… > …',
    '  histogram_quantile(0.9, …)',
    '    sum by (le) (…)',
    '      rate(…)',
    '        x_bucket{a="b"}[5m]',
    '  2 * …',
    '    -…',
    '      (…)',
    '        max_over_time(…)',
    '          …[1h:1m]',
    '            y',
  ]);
});

test('each part is a query by itself', () => {
  const [left, right] = tree('topk(3, up) + on(job) group_left vector(1)').children;
  expect(left).toMatchObject({ expr: 'topk(3, up)', type: 'vector', path: '0.0' });
  expect(right).toMatchObject({ expr: 'vector(1)', path: '0.1', children: [] });
});

test('what is wrong', () => {
  expect(expressionTree('sum(')).toBeInstanceOf(ParseError);
});

test('cardinalities', () => {
  const metrics = [
    { __name__: 'a', job: 'x', le: '1' },
    { __name__: 'a', job: 'x', le: '2' },
  ];
  expect(labelCardinalities(metrics)).toEqual([
    ['le', 2],
    ['job', 1],
  ]);
});
