// SPDX-License-Identifier: Apache-2.0
// hot
// Scalar expressions: a column with a value for each step.

import type { ScalarCallPlan } from '../plan/nodes.ts';
import { maxOf, minOf, scalarResult } from './arithmetic.ts';
import { type Steps, newBatch } from './batch.ts';
import type { QueryContext, ScalarColumn, ScalarOperator, VectorOperator } from './context.ts';
import { needNothing } from './label-sets.ts';

/** Evaluates on first use and keeps the column. */
export function memoised(operator: ScalarOperator): ScalarOperator {
  let column: ScalarColumn | undefined;
  return () => (column ??= operator());
}

export const constantColumn =
  (value: number, steps: Steps): ScalarOperator =>
  () =>
    new Float64Array(steps.count).fill(value);

function timeColumn(steps: Steps): ScalarColumn {
  const column = new Float64Array(steps.count);
  for (let k = 0; k < steps.count; k++) column[k] = (steps.startMs + k * steps.stepMs) / 1000;
  return column;
}

/** `time()`, and arithmetic between scalars. */
export function scalarCall(
  plan: ScalarCallPlan,
  operands: readonly ScalarOperator[],
  steps: Steps,
): ScalarOperator {
  return () => {
    const { op } = plan;
    if (op === 'time') return timeColumn(steps);
    const left = operands[0]!();
    const column = new Float64Array(steps.count);
    if (op === 'negate') {
      for (let k = 0; k < steps.count; k++) column[k] = -left[k]!;
      return column;
    }
    const right = operands[1]!();
    for (let k = 0; k < steps.count; k++) {
      const a = left[k]!;
      const b = right[k]!;
      if (op === 'min_of') column[k] = minOf(a, b);
      else if (op === 'max_of') column[k] = maxOf(a, b);
      else column[k] = scalarResult(op, a, b);
    }
    return column;
  };
}

/** `scalar(v)`: the value of the only element, NaN where there are none or several. */
export function scalarOf(
  input: VectorOperator,
  steps: Steps,
  context: QueryContext,
): ScalarOperator {
  return () => {
    input.open(needNothing);
    const n = steps.count;
    const column = new Float64Array(n).fill(Number.NaN);
    const seen = new Uint8Array(n);
    const batch = newBatch(n, context.memory);
    for (;;) {
      const rows = input.next(batch);
      if (rows === 0) return column;
      context.control.checkpoint();
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < n; k++) {
          // Histograms are not looked at.
          if (batch.present[row * n + k] !== 1) continue;
          column[k] = seen[k] === 0 ? batch.values[row * n + k]! : Number.NaN;
          seen[k] = 1;
        }
      }
    }
  };
}

/** A scalar evaluated at the first step only. */
export function repeated(inner: ScalarOperator, steps: Steps): ScalarOperator {
  return () => new Float64Array(steps.count).fill(inner()[0] ?? Number.NaN);
}
