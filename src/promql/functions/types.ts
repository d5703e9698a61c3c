// SPDX-License-Identifier: Apache-2.0
// The type that an expression evaluates to.

import type { Expression, ValueType } from '../ast/nodes.ts';
import { functionSignatures } from './signatures.ts';

/** The type of an expression as written, whether its parts fit together or not. */
export function valueTypeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vectorSelector':
    case 'aggregation':
      return 'vector';
    case 'matrixSelector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return functionSignatures.get(expression.name)?.returnType ?? 'none';
    case 'paren':
    case 'unary':
      return valueTypeOf(expression.expression);
    case 'binary':
      return binaryType(valueTypeOf(expression.left), valueTypeOf(expression.right));
  }
}

export const binaryType = (left: ValueType, right: ValueType): ValueType =>
  left === 'scalar' && right === 'scalar' ? 'scalar' : 'vector';

/** What people call a type. */
export function typeText(type: ValueType): string {
  if (type === 'vector') return 'instant vector';
  return type === 'matrix' ? 'range vector' : type;
}
