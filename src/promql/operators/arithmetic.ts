// SPDX-License-Identifier: Apache-2.0
// hot
// Binary operators over numbers and over rows.

import type { ElementOperator } from '../plan/nodes.ts';

/** As Go's math.Pow, which knows an answer for 1^NaN and (-1)^±Inf. */
export function power(x: number, y: number): number {
  if (x === 1) return 1;
  if (x === -1 && (y === Number.POSITIVE_INFINITY || y === Number.NEGATIVE_INFINITY)) return 1;
  return x ** y;
}

export type ComparisonOperator = '==' | '!=' | '<' | '>' | '<=' | '>=';
export type ArithmeticOperator = Exclude<ElementOperator, ComparisonOperator | '</' | '>/'>;

export function isComparison(op: ElementOperator): op is ComparisonOperator {
  return op === '==' || op === '!=' || op === '<' || op === '>' || op === '<=' || op === '>=';
}

/** Trimming operators are for native histograms; between floats they have no result. */
export const isTrim = (op: ElementOperator): op is '</' | '>/' => op === '</' || op === '>/';

export function compare(op: ComparisonOperator, a: number, b: number): boolean {
  switch (op) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '<=':
      return a <= b;
    case '>=':
      return a >= b;
  }
}

export function arithmetic(op: ArithmeticOperator, a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '^':
      return power(a, b);
    case 'atan2':
      return Math.atan2(a, b);
  }
}

/** Scalar with scalar: comparisons give 1 or 0. */
export function scalarResult(op: ElementOperator, a: number, b: number): number {
  if (isTrim(op)) return Number.NaN;
  if (isComparison(op)) return compare(op, a, b) ? 1 : 0;
  return arithmetic(op, a, b);
}

/** out[i] = left[i] op right[i] for i in 0..n-1 with an offset for each column. Presence is not looked at. */
export function combineRows(
  op: ArithmeticOperator,
  left: Float64Array,
  leftAt: number,
  right: Float64Array,
  rightAt: number,
  out: Float64Array,
  outAt: number,
  n: number,
): void {
  // The frequent operators have loops of their own: a switch inside costs more than the operation.
  if (op === '+')
    for (let i = 0; i < n; i++) out[outAt + i] = left[leftAt + i]! + right[rightAt + i]!;
  else if (op === '-')
    for (let i = 0; i < n; i++) out[outAt + i] = left[leftAt + i]! - right[rightAt + i]!;
  else if (op === '*')
    for (let i = 0; i < n; i++) out[outAt + i] = left[leftAt + i]! * right[rightAt + i]!;
  else if (op === '/')
    for (let i = 0; i < n; i++) out[outAt + i] = left[leftAt + i]! / right[rightAt + i]!;
  else {
    for (let i = 0; i < n; i++) {
      out[outAt + i] = arithmetic(op, left[leftAt + i]!, right[rightAt + i]!);
    }
  }
}

/** The larger number, as Go has it: +Inf is larger than NaN, which is larger than all others. */
export function maxOf(a: number, b: number): number {
  if (a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY) {
    return Number.POSITIVE_INFINITY;
  }
  return Math.max(a, b);
}

/** The smaller number, as Go has it: -Inf is smaller than NaN, which is smaller than all others. */
export function minOf(a: number, b: number): number {
  if (a === Number.NEGATIVE_INFINITY || b === Number.NEGATIVE_INFINITY) {
    return Number.NEGATIVE_INFINITY;
  }
  return Math.min(a, b);
}
