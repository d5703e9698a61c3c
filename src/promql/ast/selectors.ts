// SPDX-License-Identifier: Apache-2.0

import type { Matcher } from '../../model/index.ts';
import type { Expression, VectorSelector } from './nodes.ts';

/** The matchers of every series selector of an expression, in the order written. */
export function selectorsOf(expression: Expression): (readonly Matcher[])[] {
  const found: (readonly Matcher[])[] = [];
  const take = ({ matchers }: VectorSelector): void => void found.push(matchers);
  const visit = (node: Expression): void => {
    switch (node.kind) {
      case 'vectorSelector':
        take(node);
        return;
      case 'matrixSelector':
        take(node.selector);
        return;
      case 'call':
        node.args.forEach(visit);
        return;
      case 'binary':
        visit(node.left);
        visit(node.right);
        return;
      case 'aggregation':
        if (node.parameter !== undefined) visit(node.parameter);
        visit(node.expression);
        return;
      case 'subquery':
      case 'unary':
      case 'paren':
        visit(node.expression);
        return;
      default:
    }
  };
  visit(expression);
  return found;
}
