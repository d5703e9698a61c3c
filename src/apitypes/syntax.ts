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
  /** Milliseconds. */
  readonly offset: number;
  /** `@` as milliseconds since the epoch. */
  readonly timestamp: number | null;
  readonly startOrEnd: 'start' | 'end' | null;
}

export interface SyntaxVectorMatching {
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  readonly labels: readonly string[];
  readonly on: boolean;
  readonly include: readonly string[];
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
      readonly matchers: readonly SyntaxMatcher[];
    })
  | (SyntaxOffsets & {
      readonly type: 'subquery';
      readonly expr: SyntaxNode;
      /** Milliseconds; a step of 0 is the default step. */
      readonly range: number;
      readonly step: number;
    })
  | (SyntaxOffsets & {
      readonly type: 'vectorSelector';
      readonly name: string;
      readonly matchers: readonly SyntaxMatcher[];
    })
  | { readonly type: 'numberLiteral'; readonly val: string }
  | { readonly type: 'stringLiteral'; readonly val: string }
  | { readonly type: 'parenExpr'; readonly expr: SyntaxNode }
  | { readonly type: 'unaryExpr'; readonly op: string; readonly expr: SyntaxNode };
