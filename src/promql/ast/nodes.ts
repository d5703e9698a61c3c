// SPDX-License-Identifier: Apache-2.0
// The syntax tree of PromQL. Positions are UTF-16 offsets into the query text, [start, end).

import type { Matcher } from '../../model/index.ts';

export interface PositionRange {
  readonly start: number;
  readonly end: number;
}

export const ValueType = {
  none: 'none',
  vector: 'vector',
  scalar: 'scalar',
  matrix: 'matrix',
  string: 'string',
} as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | 'atan2'
  | '=='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | '</'
  | '>/'
  | 'and'
  | 'or'
  | 'unless';

export type AggregateOperator =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'
  | 'limitk'
  | 'limit_ratio';

interface NodeBase {
  readonly position: PositionRange;
}

export interface NumberLiteral extends NodeBase {
  readonly kind: 'number';
  readonly value: number;
  /** Written as a duration (`5m`): printed back as one. */
  readonly isDuration: boolean;
}

export interface StringLiteral extends NodeBase {
  readonly kind: 'string';
  readonly value: string;
}

/** Duration arithmetic inside `[…]`, a subquery step or an offset. `op` '' is grouping of `right` only. */
export interface DurationExpression extends NodeBase {
  readonly kind: 'duration';
  readonly op: '+' | '-' | '*' | '/' | '%' | '^' | 'step' | 'range' | 'min_of' | 'max_of' | '';
  readonly left?: DurationOperand;
  readonly right?: DurationOperand;
  /** Written in parentheses. */
  readonly wrapped: boolean;
}
export type DurationOperand = NumberLiteral | DurationExpression;

export interface VectorSelector extends NodeBase {
  readonly kind: 'vectorSelector';
  /** The metric name when it was written before the braces or as a quoted name in them; else ''. */
  readonly name: string;
  /** All matchers, that of the name included, in the order written (name last, as upstream). */
  readonly matchers: readonly Matcher[];
  /** Offset as written, milliseconds; 0 when none or when `offsetExpression` decides. */
  readonly offsetMs: number;
  readonly offsetExpression?: DurationExpression;
  /** `@ <timestamp>` in milliseconds. */
  readonly timestampMs?: number;
  readonly startOrEnd?: 'start' | 'end';
  readonly anchored: boolean;
  readonly smoothed: boolean;
}

export interface MatrixSelector extends NodeBase {
  readonly kind: 'matrixSelector';
  readonly selector: VectorSelector;
  readonly rangeMs: number;
  readonly rangeExpression?: DurationExpression;
}

export interface Subquery extends NodeBase {
  readonly kind: 'subquery';
  readonly expression: Expression;
  readonly rangeMs: number;
  readonly rangeExpression?: DurationExpression;
  /** 0 = the default step (global evaluation interval). */
  readonly stepMs: number;
  readonly stepExpression?: DurationExpression;
  readonly offsetMs: number;
  readonly offsetExpression?: DurationExpression;
  readonly timestampMs?: number;
  readonly startOrEnd?: 'start' | 'end';
}

export interface Call extends NodeBase {
  readonly kind: 'call';
  /** A name in the function table. */
  readonly name: string;
  readonly args: readonly Expression[];
}

export interface Aggregation extends NodeBase {
  readonly kind: 'aggregation';
  readonly op: AggregateOperator;
  readonly expression: Expression;
  /** First argument of topk, bottomk, quantile, count_values, limitk, limit_ratio. */
  readonly parameter?: Expression;
  readonly grouping: readonly string[];
  readonly without: boolean;
}

export type MatchCardinality = 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';

export interface VectorMatching {
  readonly cardinality: MatchCardinality;
  readonly labels: readonly string[];
  /** `on(…)` rather than `ignoring(…)`. */
  readonly on: boolean;
  /** Labels copied by group_left/group_right. */
  readonly include: readonly string[];
  readonly fillLeft?: number;
  readonly fillRight?: number;
}

export interface BinaryExpression extends NodeBase {
  readonly kind: 'binary';
  readonly op: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly returnBool: boolean;
  /** Present exactly when both sides are vectors. */
  readonly matching?: VectorMatching;
}

export interface UnaryExpression extends NodeBase {
  readonly kind: 'unary';
  readonly op: '+' | '-';
  readonly expression: Expression;
}

export interface Parentheses extends NodeBase {
  readonly kind: 'paren';
  readonly expression: Expression;
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | BinaryExpression
  | UnaryExpression
  | Parentheses;

/** The type an expression evaluates to is decided by its kind and, for calls, the function table. */
