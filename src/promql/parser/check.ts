// SPDX-License-Identifier: Apache-2.0
// Whether the parts of an expression fit together, in the order in which upstream looks at them.

import { METRIC_NAME, type Matcher, compileRegexp, quote } from '../../model/index.ts';
import type {
  Aggregation,
  BinaryExpression,
  BinaryOperator,
  Call,
  Expression,
  PositionRange,
  ValueType,
  VectorSelector,
} from '../ast/nodes.ts';
import { type FunctionSignature, functionSignatures } from '../functions/signatures.ts';
import { binaryType, typeText, valueTypeOf } from '../functions/types.ts';
import { isSpace } from './characters.ts';
import { ParseError } from './errors.ts';

const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '>', '<=', '>=']);
const isSetOperator = (op: BinaryOperator): boolean =>
  op === 'and' || op === 'or' || op === 'unless';

/** How messages print an operator. */
const operatorText = (op: BinaryOperator): string => quote(op);

type Mutable<Node> = { -readonly [Key in keyof Node]: Node[Key] };

function matchesEmpty({ type, value }: Matcher): boolean {
  switch (type) {
    case '=':
      return value === '';
    case '!=':
      return value !== '';
    case '=~':
      return compileRegexp(value).test('');
    case '!~':
      return !compileRegexp(value).test('');
  }
}

/** Checks one query; its methods return the type of what they checked. */
class Checker {
  private readonly query: string;

  constructor(query: string) {
    this.query = query;
  }

  private fail(position: PositionRange, reason: string): never {
    throw new ParseError(this.query, position, reason);
  }

  /** `inInfo`: the label matchers of info(), which may match everything. */
  check(node: Expression, inInfo = false): ValueType {
    switch (node.kind) {
      case 'aggregation':
        this.aggregation(node);
        return 'vector';
      case 'binary':
        return this.binary(node);
      case 'call':
        return this.call(node);
      case 'paren':
        return this.check(node.expression);
      case 'unary': {
        const type = this.check(node.expression);
        if (type !== 'scalar' && type !== 'vector') {
          const wanted = 'unary expression only allowed on expressions of type scalar or';
          this.fail(node.position, `${wanted} instant vector, got ${quote(typeText(type))}`);
        }
        return type;
      }
      case 'subquery': {
        const type = this.check(node.expression);
        if (type !== 'vector') {
          const only = 'subquery is only allowed on instant vector';
          this.fail(node.position, `${only}, got ${type} instead`);
        }
        return 'matrix';
      }
      case 'matrixSelector':
        this.selector(node.selector, false);
        return 'matrix';
      case 'vectorSelector':
        this.selector(node, inInfo);
        return 'vector';
      default:
        return valueTypeOf(node);
    }
  }

  private expect(node: Expression, wanted: ValueType, context: string): void {
    const type = this.check(node);
    if (type === wanted) return;
    const got = typeText(type);
    this.fail(node.position, `expected type ${typeText(wanted)} in ${context}, got ${got}`);
  }

  private aggregation({ op, expression, parameter }: Aggregation): void {
    this.expect(expression, 'vector', 'aggregation expression');
    if (parameter === undefined) return;
    this.expect(parameter, op === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
  }

  private call(node: Call): ValueType {
    const signature = functionSignatures.get(node.name);
    if (signature === undefined) {
      this.fail(node.position, `unknown function with name ${quote(node.name)}`);
    }
    this.argumentCount(node, signature);
    if (node.name === 'info' && node.args.length > 1) this.infoArgument(node, node.args[1]!);
    const { argTypes } = signature;
    node.args.forEach((arg, i) => {
      const wanted = argTypes[Math.min(i, argTypes.length - 1)]!;
      const type = this.check(arg, node.name === 'info' && i === 1);
      if (type === wanted) return;
      const context = `call to function ${quote(node.name)}`;
      const got = typeText(type);
      this.fail(arg.position, `expected type ${typeText(wanted)} in ${context}, got ${got}`);
    });
    return signature.returnType;
  }

  private argumentCount(node: Call, { argTypes, variadic }: FunctionSignature): void {
    const count = node.args.length;
    const wrong = (limit: string): never =>
      this.fail(
        node.position,
        `expected ${limit} argument(s) in call to ${quote(node.name)}, got ${count}`,
      );
    if (variadic === 0) {
      if (count !== argTypes.length) wrong(`${argTypes.length}`);
      return;
    }
    const least = argTypes.length - 1;
    if (count < least) wrong(`at least ${least}`);
    if (variadic > 0 && count > least + variadic) wrong(`at most ${least + variadic}`);
  }

  private infoArgument(node: Call, labels: Expression): void {
    const type = valueTypeOf(labels);
    if (type !== 'vector') {
      const context = 'expected type instant vector in call to function "info"';
      this.fail(node.position, `${context}, got ${typeText(type)}`);
    }
    if (labels.kind !== 'vectorSelector') {
      this.fail(labels.position, 'expected label selectors only');
    }
    if (labels.name !== '') {
      this.fail(labels.position, 'expected label selectors only, got vector selector instead');
    }
  }

  private selector(node: VectorSelector, inInfo: boolean): void {
    if (node.name !== '') {
      const twice = node.matchers.slice(0, -1).find(({ name }) => name === METRIC_NAME);
      if (twice === undefined) return;
      const names = `${quote(node.name)} or ${quote(twice.value)}`;
      this.fail(node.position, `metric name must not be set twice: ${names}`);
    }
    if (inInfo || node.matchers.some((matcher) => !matchesEmpty(matcher))) return;
    this.fail(node.position, 'vector selector must contain at least one non-empty matcher');
  }

  /** Where the operator and its modifiers stand. */
  private operatorRange({ left, right }: BinaryExpression): PositionRange {
    let { end: start } = left.position;
    while (isSpace(this.query.charAt(start))) start++;
    let end = right.position.start;
    while (isSpace(this.query.charAt(end - 1))) end--;
    return { start, end };
  }

  private binary(node: BinaryExpression): ValueType {
    const left = this.check(node.left);
    const right = this.check(node.right);
    const { op, returnBool } = node;
    const compares = comparisons.has(op);
    if (returnBool && !compares) {
      const only = 'bool modifier can only be used on comparison operators';
      this.fail(this.operatorRange(node), only);
    }
    if (compares && !returnBool && left === 'scalar' && right === 'scalar') {
      const must = 'comparisons between scalars must use BOOL modifier';
      this.fail(this.operatorRange(node), must);
    }
    this.grouping(node);
    const wanted = 'binary expression must contain only scalar and instant vector types';
    if (left !== 'scalar' && left !== 'vector') this.fail(node.left.position, wanted);
    if (right !== 'scalar' && right !== 'vector') this.fail(node.right.position, wanted);
    this.matching(node, left === 'vector' && right === 'vector');
    if (isSetOperator(op) && (left === 'scalar' || right === 'scalar')) {
      const not = 'not allowed in binary scalar expression';
      this.fail(node.position, `set operator ${operatorText(op)} ${not}`);
    }
    return binaryType(left, right);
  }

  private grouping(node: BinaryExpression): void {
    const { matching } = node;
    if (matching === undefined || !matching.on) return;
    const both = matching.labels.find((label) => matching.include.includes(label));
    if (both === undefined) return;
    const must = 'must not occur in ON and GROUP clause at once';
    this.fail(this.operatorRange(node), `label ${quote(both)} ${must}`);
  }

  /** Checks the matching and leaves it only where it means something. */
  private matching(node: BinaryExpression, vectors: boolean): void {
    const { matching, op, position } = node;
    if (matching === undefined) return;
    const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
    // The tree is the parser's own until it's returned.
    const draft: Mutable<BinaryExpression> = node;
    if (!vectors) {
      if (matching.labels.length > 0) {
        this.fail(position, 'vector matching only allowed between instant vectors');
      }
      if (fills) {
        const only = 'filling in missing series only allowed between instant vectors';
        this.fail(position, only);
      }
      delete draft.matching;
      return;
    }
    if (!isSetOperator(op)) return;
    if (matching.cardinality !== 'one-to-one') {
      this.fail(position, `no grouping allowed for ${operatorText(op)} operation`);
    }
    if (fills) {
      this.fail(position, 'filling in missing series not allowed for set operators');
    }
    draft.matching = { ...matching, cardinality: 'many-to-many' };
  }
}

/**
 * Checks types and counts of arguments, matchers and modifiers.
 *
 * @throws ParseError
 */
export function checkTypes(query: string, expression: Expression): Expression {
  new Checker(query).check(expression);
  return expression;
}
