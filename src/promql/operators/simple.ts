// SPDX-License-Identifier: Apache-2.0
// hot
// Small operators: vector(), absent(), absent_over_time(), results that are the same at every step.

import type { AbsentPlan } from '../plan/nodes.ts';
import {
  type SeriesList,
  type StepBatch,
  StepMatrix,
  histogramAt,
  newBatch,
  putHistogram,
} from './batch.ts';
import type { QueryContext, ScalarOperator, VectorOperator } from './context.ts';
import { type LabelNeed, needNothing } from './label-sets.ts';

/** A scalar as the only element of a vector, with no labels. */
export function vectorOf(scalar: ScalarOperator, stepCount: number): StepMatrix {
  const matrix = new StepMatrix(stepCount);
  const row = matrix.addRow(0, false);
  matrix.values(row).set(scalar(), matrix.offset(row));
  matrix.present(row).fill(1, matrix.offset(row), matrix.offset(row) + stepCount);
  matrix.sampleCount = stepCount;
  return matrix;
}

/** 1 at the steps where the input has nothing. */
export function absent(
  plan: AbsentPlan,
  input: VectorOperator,
  stepCount: number,
  { sets, control, memory }: QueryContext,
): StepMatrix {
  input.open(needNothing);
  const any = new Uint8Array(stepCount);
  const batch = newBatch(stepCount, memory);
  for (;;) {
    const rows = input.next(batch);
    if (rows === 0) break;
    control.checkpoint();
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < stepCount; k++) {
        if (batch.present[i * stepCount + k] !== 0) any[k] = 1;
      }
    }
  }
  const matrix = new StepMatrix(stepCount);
  const labels = plan.labels.map(([name, value]) => ({ name, value }));
  const row = matrix.addRow(sets.fromLabels(labels), false);
  const offset = matrix.offset(row);
  for (let k = 0; k < stepCount; k++) {
    matrix.values(row)[offset + k] = 1;
    matrix.present(row)[offset + k] = 1 - any[k]!;
    matrix.sampleCount += 1 - any[k]!;
  }
  return matrix;
}

/** The rows of an evaluation at one step, repeated at every step. */
export class RepeatOperator implements VectorOperator {
  private readonly inner: VectorOperator;
  private batch: StepBatch = newBatch(1, undefined, 1);
  private readonly onDone: () => void;

  /** @param onDone called when all rows have been evaluated */
  constructor(inner: VectorOperator, onDone: () => void = () => undefined) {
    this.inner = inner;
    this.onDone = onDone;
  }

  open(need: LabelNeed): SeriesList {
    return this.inner.open(need);
  }

  next(out: StepBatch): number {
    if (this.batch.rowCapacity !== out.rowCapacity)
      this.batch = newBatch(1, undefined, out.rowCapacity);
    const rows = this.inner.next(this.batch);
    const n = out.stepCount;
    out.hasHistograms = false;
    for (let i = 0; i < rows; i++) {
      const histogram = histogramAt(this.batch, i);
      if (histogram !== undefined) {
        for (let k = 0; k < n; k++) putHistogram(out, i * n + k, histogram);
        continue;
      }
      out.values.fill(this.batch.values[i]!, i * n, (i + 1) * n);
      out.present.fill(this.batch.present[i]!, i * n, (i + 1) * n);
    }
    out.rowStart = this.batch.rowStart;
    out.rowCount = rows;
    if (rows === 0) this.onDone();
    return rows;
  }
}
