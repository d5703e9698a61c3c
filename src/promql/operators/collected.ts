// SPDX-License-Identifier: Apache-2.0
// Aggregations that must see all elements of a step together: quantile and count_values.

import type { AggregatePlan } from '../plan/nodes.ts';
import { formatFloatF, formatHistogram } from '../../model/index.ts';
import { type SeriesList, type StepBatch, type Steps, StepMatrix } from './batch.ts';
import {
  MatrixOperator,
  type QueryContext,
  type ScalarOperator,
  type VectorOperator,
  materialise,
} from './context.ts';
import { groupingNeed, numberGroups } from './groups.ts';
import { type LabelNeed, needAll } from './label-sets.ts';
import { quantileOfSorted, sortNaNFirst } from './window-order.ts';

/** Computes a whole matrix when opened. */
export class ComputedOperator implements VectorOperator {
  private readonly compute: () => StepMatrix;
  private readonly context: QueryContext;
  private rows: MatrixOperator | undefined;

  constructor(compute: () => StepMatrix, context: QueryContext) {
    this.compute = compute;
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    this.rows = new MatrixOperator(this.compute(), this.context.sets);
    return this.rows.open(need);
  }

  next(out: StepBatch): number {
    return this.rows!.next(out);
  }
}

/** `quantile(φ, v)`. */
export function quantileAggregate(
  plan: AggregatePlan,
  input: VectorOperator,
  parameter: ScalarOperator,
  steps: Steps,
  context: QueryContext,
): StepMatrix {
  const n = steps.count;
  const q = parameter();
  const extreme = q.find((value) => Number.isNaN(value)) ?? q.find((v) => v > 1 || v < 0);
  if (extreme !== undefined) context.annotations.invalidQuantile(extreme, plan.parameterPosition);
  const matrix = materialise(input, groupingNeed(plan, context), n, context);
  if (matrix.hasHistograms) {
    context.annotations.histogramIgnoredInAggregation('quantile', plan.vectorPosition);
  }
  const groups = numberGroups(Int32Array.from(matrix.labels), context.sets.setCount);
  const members: number[][] = Array.from({ length: groups.count }, () => []);
  for (let row = 0; row < matrix.rowCount; row++) members[groups.ofRow[row]!]!.push(row);
  const out = new StepMatrix(n, groups.count, context.budget);
  const scratch = new Float64Array(matrix.rowCount);
  members.forEach((rows, group) => {
    context.control.checkpoint();
    const to = out.addRow(
      groups.labels[group]!,
      rows.some((row) => matrix.dropName[row]),
    );
    for (let k = 0; k < n; k++) {
      if ((k & 15) === 0) context.control.checkpoint();
      let size = 0;
      for (const row of rows) {
        const cell = matrix.offset(row) + k;
        if (matrix.present(row)[cell] === 1) scratch[size++] = matrix.values(row)[cell]!;
      }
      if (size === 0) continue;
      sortNaNFirst(scratch, size);
      out.values(to)[out.offset(to) + k] = quantileOfSorted(q[k]!, scratch, size);
      out.present(to)[out.offset(to) + k] = 1;
      out.sampleCount++;
    }
  });
  context.budget.release(matrix.sampleCount);
  matrix.free();
  context.budget.hold(out.sampleCount);
  return out;
}

/** `count_values("label", v)`: as many series for each group as there are values. */
export function countValues(
  plan: AggregatePlan,
  input: VectorOperator,
  steps: Steps,
  context: QueryContext,
): StepMatrix {
  const { sets, budget } = context;
  const n = steps.count;
  const label = sets.symbol(plan.valueLabel);
  const grouping = plan.grouping.map((name) => sets.symbol(name));
  const need: LabelNeed = plan.without
    ? { kind: 'without', names: grouping }
    : { kind: 'by', names: [...grouping, label] };
  const matrix = materialise(input, needAll, n, context);
  const out = new StepMatrix(n, matrix.rowCount, budget);
  const outRows = new Map<number, number>();
  for (let row = 0; row < matrix.rowCount; row++) {
    context.control.checkpoint();
    const rowOfText = new Map<string, number>();
    const present = matrix.present(row);
    const values = matrix.values(row);
    for (let k = 0; k < n; k++) {
      const cell = matrix.offset(row) + k;
      if (present[cell] === 0) continue;
      const histogram = matrix.histogram(row, k);
      const text =
        histogram === undefined ? formatFloatF(values[cell]!) : formatHistogram(histogram);
      let to = rowOfText.get(text);
      if (to === undefined) {
        const set = sets.project(sets.with(matrix.labels[row]!, label, sets.symbol(text)), need);
        to = outRows.get(set) ?? out.addRow(set, false);
        outRows.set(set, to);
        rowOfText.set(text, to);
      }
      const at = out.offset(to) + k;
      if (out.present(to)[at] === 0) {
        out.sampleCount++;
        budget.hold(1);
      }
      out.values(to)[at] = out.values(to)[at]! + 1;
      out.present(to)[at] = 1;
    }
  }
  budget.release(matrix.sampleCount);
  matrix.free();
  return out;
}
