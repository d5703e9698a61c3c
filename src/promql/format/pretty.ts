// SPDX-License-Identifier: Apache-2.0
// Expressions laid out over several lines where one would be too long.

import type { Expression } from '../ast/nodes.ts';
import { aggregationHead, expressionText, operatorText, subquerySuffix } from './text.ts';

/** Longest line that is left alone, in bytes. */
const LINE_BYTES_MAX = 100;

const indent = (level: number): string => '  '.repeat(level);

/** Remembers what nodes are on one line. */
class Printer {
  private readonly texts = new Map<Expression, string>();

  private text(node: Expression): string {
    let text = this.texts.get(node);
    if (text === undefined) {
      text = expressionText(node);
      this.texts.set(node, text);
    }
    return text;
  }

  private fits(node: Expression): boolean {
    const text = this.text(node);
    if (text.length > LINE_BYTES_MAX) return false;
    return new TextEncoder().encode(text).length <= LINE_BYTES_MAX;
  }

  print(node: Expression, level: number): string {
    const before = indent(level);
    switch (node.kind) {
      case 'subquery':
        // No indentation when it fits: so does upstream.
        if (this.fits(node)) return this.text(node);
        return this.print(node.expression, level) + subquerySuffix(node);
      case 'unary':
        return before + node.op + this.print(node.expression, level).trim();
      case 'number':
      case 'string':
      case 'vectorSelector':
      case 'matrixSelector':
        return before + this.text(node);
      default:
        return this.fits(node) ? before + this.text(node) : this.split(node, level);
    }
  }

  private split(
    node: Extract<Expression, { kind: 'aggregation' | 'binary' | 'call' | 'paren' }>,
    level: number,
  ): string {
    const before = indent(level);
    const inner = (child: Expression): string => this.print(child, level + 1);
    switch (node.kind) {
      case 'aggregation': {
        const parameter = node.parameter === undefined ? '' : `${inner(node.parameter)},\n`;
        const head = aggregationHead(node);
        return `${before}${head}(\n${parameter}${inner(node.expression)}\n${before})`;
      }
      case 'binary':
        return `${inner(node.left)}\n${before}${operatorText(node)}\n${inner(node.right)}`;
      case 'call':
        return `${before}${node.name}(\n${node.args.map(inner).join(',\n')}\n${before})`;
      case 'paren':
        return `${before}(\n${inner(node.expression)}\n${before})`;
    }
  }
}

/** The expression as upstream's formatter lays it out: lines of at most 100 bytes where it can be split. */
export const formatExpression = (expression: Expression): string =>
  new Printer().print(expression, 0);
