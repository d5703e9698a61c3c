// SPDX-License-Identifier: Apache-2.0
// The expression tree as /parse_query shows it.

export type ValueTypeName = 'none' | 'vector' | 'scalar' | 'matrix' | 'string';

export interface SyntaxMatcher {
  readonly name: string;
  readonly value: string;
  readonly type: '=' | '!=' | '=~' | '!~';
}

/** What instant, range and subquery selectors share. */
interface SyntaxOffsets {
  /** Milliseconds; 0 when `offsetExpr` says it. */
  readonly offset: number;
  readonly offsetExpr: SyntaxDuration | null;
  /** `@` as milliseconds since the epoch. */
  readonly timestamp: number | null;
  readonly startOrEnd: 'start' | 'end' | null;
}

/** Arithmetic of durations in brackets or after `offset`. */
export type SyntaxDuration =
  | { readonly type: 'numberLiteral'; readonly val: string }
  | {
      readonly type: 'durationExpr';
      /** An operator, 'step', 'range', 'min_of' or 'max_of'. */
      readonly op: string;
      readonly lhs: SyntaxDuration | null;
      readonly rhs: SyntaxDuration | null;
      /** Written in parentheses. */
      readonly wrapped: boolean;
    };

export interface SyntaxVectorMatching {
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  readonly labels: readonly string[];
  readonly on: boolean;
  readonly include: readonly string[];
  readonly fillValues: { readonly lhs: number | null; readonly rhs: number | null };
}

export type SyntaxNode =
  | {
      readonly type: 'aggregation';
      readonly op: string;
      readonly expr: SyntaxNode;
      readonly param: SyntaxNode | null;
      readonly grouping: readonly string[];
      readonly without: boolean;
    }
  | {
      readonly type: 'binaryExpr';
      readonly op: string;
      readonly lhs: SyntaxNode;
      readonly rhs: SyntaxNode;
      readonly matching: SyntaxVectorMatching | null;
      readonly bool: boolean;
    }
  | {
      readonly type: 'call';
      readonly func: {
        readonly name: string;
        readonly argTypes: readonly ValueTypeName[];
        readonly variadic: number;
        readonly returnType: ValueTypeName;
      };
      readonly args: readonly SyntaxNode[];
    }
  | (SyntaxOffsets & {
      readonly type: 'matrixSelector';
      readonly name: string;
      /** Milliseconds. */
      readonly range: number;
      readonly rangeExpr: SyntaxDuration | null;
      readonly matchers: readonly SyntaxMatcher[];
      readonly anchored: boolean;
      readonly smoothed: boolean;
    })
  | (SyntaxOffsets & {
      readonly type: 'subquery';
      readonly expr: SyntaxNode;
      /** Milliseconds; a step of 0 is the default step. */
      readonly range: number;
      readonly rangeExpr: SyntaxDuration | null;
      readonly step: number;
      readonly stepExpr: SyntaxDuration | null;
    })
  | (SyntaxOffsets & {
      readonly type: 'vectorSelector';
      readonly name: string;
      readonly matchers: readonly SyntaxMatcher[];
      readonly anchored: boolean;
      readonly smoothed: boolean;
    })
  | { readonly type: 'numberLiteral'; readonly val: string }
  | { readonly type: 'stringLiteral'; readonly val: string }
  | { readonly type: 'parenExpr'; readonly expr: SyntaxNode }
  | { readonly type: 'unaryExpr'; readonly op: string; readonly expr: SyntaxNode };
