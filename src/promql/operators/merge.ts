// SPDX-License-Identifier: Apache-2.0
// Series that have become equal by losing a label are one series, as long as they never have samples at
// the same step.

import { QueryError } from '../engine/errors.ts';
import {
  type Cells,
  type SeriesList,
  type StepBatch,
  StepMatrix,
  countPresent,
  histogramAt,
  newBatch,
  putHistogram,
} from './batch.ts';
import { MatrixOperator, type QueryContext, type VectorOperator } from './context.ts';
import { type LabelNeed, needAll } from './label-sets.ts';

export const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

export const sameLabelset = (): QueryError => new QueryError('execution', SAME_LABELSET);

/** Whether two rows have the same label set. */
function hasDuplicates(labels: Int32Array, setCount: number): boolean {
  const seen = new Uint8Array(setCount);
  for (const set of labels) {
    if (seen[set] === 1) return true;
    seen[set] = 1;
  }
  return false;
}

/** Copies the present cells of a row onto another. @throws QueryError where both have a sample */
export function mergeInto(matrix: StepMatrix, row: number, from: Cells, offset: number): void {
  const cells = matrix.cells(row);
  const { values, present } = cells;
  const at = matrix.offset(row);
  for (let k = 0; k < matrix.stepCount; k++) {
    if (from.present[offset + k] === 0) continue;
    if (present[at + k] !== 0) throw sameLabelset();
    const histogram = from.hasHistograms ? histogramAt(from, offset + k) : undefined;
    if (histogram !== undefined) putHistogram(cells, at + k, histogram);
    else {
      present[at + k] = 1;
      values[at + k] = from.values[offset + k]!;
    }
    matrix.sampleCount++;
  }
}

/** Passes rows through as long as all are different, else gathers and merges them. */
export class MergeOperator implements VectorOperator {
  private readonly input: VectorOperator;
  private readonly strict: boolean;
  private readonly stepCount: number;
  private readonly context: QueryContext;
  private merged: MatrixOperator | undefined;

  /** @param strict equal series with any samples are an error, even at different steps */
  constructor(input: VectorOperator, strict: boolean, stepCount: number, context: QueryContext) {
    this.input = input;
    this.strict = strict;
    this.stepCount = stepCount;
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    const { sets } = this.context;
    const list = this.input.open(needAll);
    this.merged = undefined;
    if (hasDuplicates(list.labels, sets.setCount)) {
      this.merged = new MatrixOperator(this.gather(list), sets);
      return this.merged.open(need);
    }
    return { ...list, labels: list.labels.map((set) => sets.project(set, need)) };
  }

  next(out: StepBatch): number {
    return (this.merged ?? this.input).next(out);
  }

  private gather(list: SeriesList): StepMatrix {
    const n = this.stepCount;
    const { budget, control } = this.context;
    const matrix = new StepMatrix(n, list.count, budget);
    const rowOfSet = new Map<number, number>();
    const batch = newBatch(n, this.context.memory);
    for (;;) {
      const rows = this.input.next(batch);
      if (rows === 0) return matrix;
      control.checkpoint();
      for (let i = 0; i < rows; i++) {
        const series = batch.rowStart + i;
        const samples = countPresent(batch, i * n, n);
        if (samples === 0) continue;
        budget.hold(samples);
        const set = list.labels[series]!;
        const known = rowOfSet.get(set);
        if (known !== undefined) {
          if (this.strict) throw sameLabelset();
          mergeInto(matrix, known, batch, i * n);
          continue;
        }
        const dropName = list.dropName?.[series] === 1;
        rowOfSet.set(set, matrix.copyRow(set, dropName, batch, i * n, samples));
      }
    }
  }
}

/** Drops the names that delayed name removal left marked, and merges what becomes equal. */
export function cleanNames(matrix: StepMatrix, context: QueryContext): StepMatrix {
  if (!matrix.dropName.includes(true)) return matrix;
  const clean = new StepMatrix(matrix.stepCount, matrix.rowCount, context.budget);
  const rowOfSet = new Map<number, number>();
  for (let row = 0; row < matrix.rowCount; row++) {
    const labels = matrix.labels[row]!;
    const set = matrix.dropName[row] === true ? context.sets.withoutName(labels) : labels;
    const from = matrix.cells(row);
    const offset = matrix.offset(row);
    const known = rowOfSet.get(set);
    if (known !== undefined) mergeInto(clean, known, from, offset);
    else {
      const samples = countPresent(from, offset, matrix.stepCount);
      rowOfSet.set(set, clean.copyRow(set, false, from, offset, samples));
    }
  }
  return clean;
}
