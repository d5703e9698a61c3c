// SPDX-License-Identifier: Apache-2.0
// sort, sort_desc, sort_by_label, sort_by_label_desc of instant queries. In range queries the results are
// in the order of their labels whatever is asked for.

import { compareText } from '../../model/index.ts';
import type { SortPlan } from '../plan/nodes.ts';
import { StepMatrix } from './batch.ts';
import { type QueryContext, type VectorOperator, materialise, ticking } from './context.ts';
import { needAll } from './label-sets.ts';

/** Numbers inside texts compare by value: `4m5` before `4m600`. */
export function compareNatural(a: string, b: string): number {
  const partsA = a.match(/\d+|\D+/g) ?? [];
  const partsB = b.match(/\d+|\D+/g) ?? [];
  const n = Math.min(partsA.length, partsB.length);
  for (let i = 0; i < n; i++) {
    const x = partsA[i]!;
    const y = partsB[i]!;
    if (x === y) continue;
    if (/^\d/.test(x) && /^\d/.test(y)) {
      const plainX = x.replace(/^0+(?=\d)/, '');
      const plainY = y.replace(/^0+(?=\d)/, '');
      const order = plainX.length - plainY.length || compareText(plainX, plainY);
      if (order !== 0) return order;
      return x.length - y.length;
    }
    return compareText(x, y);
  }
  return partsA.length - partsB.length;
}

/** Ascending or descending by value with NaN last; ties keep their order. */
function compareValues(a: number, b: number, sign: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : (a < b ? -1 : 1) * sign;
}

/** The rows of an instant evaluation in the order asked for. */
export function sorted(
  plan: SortPlan,
  input: VectorOperator,
  stepCount: number,
  context: QueryContext,
): StepMatrix {
  const { sets } = context;
  const tick = ticking(context.control);
  const matrix = materialise(input, needAll, stepCount, context);
  const byLabel = plan.func.startsWith('sort_by_label');
  // By value there are only floats to sort.
  const rows = matrix.labels
    .map((_, row) => row)
    .filter((row) => byLabel || matrix.histogram(row, 0) === undefined);
  const sign = plan.func.endsWith('_desc') ? -1 : 1;
  const names = plan.texts.map((name) => sets.symbol(name));
  const value = (row: number): number => matrix.values(row)[matrix.offset(row)]!;
  rows.sort((a, b) => {
    tick();
    if (!byLabel) return compareValues(value(a), value(b), sign) || a - b;
    const setA = matrix.labels[a]!;
    const setB = matrix.labels[b]!;
    for (const name of names) {
      const order = compareNatural(
        sets.text(sets.value(setA, name)),
        sets.text(sets.value(setB, name)),
      );
      if (order !== 0) return order * sign;
    }
    return sets.compare(setA, setB) * sign;
  });
  const out = new StepMatrix(stepCount, rows.length, context.budget);
  for (const row of rows) {
    const dropName = matrix.dropName[row]!;
    out.copyRow(matrix.labels[row]!, dropName, matrix.cells(row), matrix.offset(row), 1);
  }
  return out;
}
