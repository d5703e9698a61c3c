// SPDX-License-Identifier: Apache-2.0
// Arithmetic of durations inside brackets and after `offset`, in seconds.

import type { DurationExpression, DurationOperand } from '../ast/nodes.ts';
import { QueryError } from '../engine/errors.ts';

/** What `step()` and `range()` stand for. */
export interface QueryTimes {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 in an instant query. */
  readonly stepMs: number;
}

/** Nanoseconds must fit into 63 bits. */
const DURATION_SECONDS_MAX = 2 ** 63 / 1e9;

function divisor(value: number, what: string): number {
  if (value === 0) throw new QueryError('bad_data', `${what} by zero`);
  return value;
}

function operand(node: DurationOperand | undefined, times: QueryTimes): number {
  if (node === undefined) return 0;
  if (node.kind === 'number') return node.value;
  return seconds(node, times);
}

function seconds(node: DurationExpression, times: QueryTimes): number {
  const left = (): number => operand(node.left, times);
  const right = operand(node.right, times);
  switch (node.op) {
    case 'step':
      return times.stepMs / 1000;
    case 'range':
      return (times.endMs - times.startMs) / 1000;
    case 'min_of':
      return Math.min(left(), right);
    case 'max_of':
      return Math.max(left(), right);
    case '+':
      return left() + right;
    case '-':
      return node.left === undefined ? -right : left() - right;
    case '*':
      return left() * right;
    case '/':
      return left() / divisor(right, 'division');
    case '%':
      return left() % divisor(right, 'modulo');
    case '^':
      return left() ** right;
    case '':
      return right;
  }
}

/**
 * The value of a duration expression in milliseconds.
 *
 * @throws QueryError when it is not above 0 (offsets may be anything) or out of range
 */
export function durationMs(
  node: DurationExpression,
  times: QueryTimes,
  allowNegative: boolean,
): number {
  const value = seconds(node, times);
  if (value <= 0 && !allowNegative) {
    throw new QueryError('bad_data', 'duration must be greater than 0');
  }
  if (Math.abs(value) > DURATION_SECONDS_MAX || Number.isNaN(value)) {
    throw new QueryError('bad_data', 'duration is out of range');
  }
  return Math.trunc(value * 1000);
}
