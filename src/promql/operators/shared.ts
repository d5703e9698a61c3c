// SPDX-License-Identifier: Apache-2.0
// A result that several parts of a query use is computed once, as long as it is small enough to keep.

import type { SeriesList, StepBatch, StepMatrix } from './batch.ts';
import { MatrixOperator, type QueryContext, type VectorOperator, drain } from './context.ts';
import { type LabelNeed, needAll } from './label-sets.ts';

/** Cells (series × steps) up to which a result is kept; computing it again costs no memory. */
const SHARED_CELLS_MAX = 4_000_000;

/** What the users of one node share. */
export class SharedResult {
  readonly make: () => VectorOperator;
  readonly stepCount: number;
  readonly context: QueryContext;
  matrix: StepMatrix | undefined;
  tooBig = false;

  constructor(make: () => VectorOperator, stepCount: number, context: QueryContext) {
    this.make = make;
    this.stepCount = stepCount;
    this.context = context;
  }
}

/** One user. */
export class SharedOperator implements VectorOperator {
  private readonly shared: SharedResult;
  private rows: VectorOperator | undefined;

  constructor(shared: SharedResult) {
    this.shared = shared;
  }

  open(need: LabelNeed): SeriesList {
    const { shared } = this;
    const { sets } = shared.context;
    if (shared.tooBig) {
      this.rows = shared.make();
      return this.rows.open(need);
    }
    if (shared.matrix === undefined) {
      const operator = shared.make();
      const list = operator.open(needAll);
      if (list.count * shared.stepCount > SHARED_CELLS_MAX) {
        shared.tooBig = true;
        this.rows = operator;
        return { ...list, labels: list.labels.map((set) => sets.project(set, need)) };
      }
      shared.matrix = drain(operator, list, shared.stepCount, shared.context);
    }
    this.rows = new MatrixOperator(shared.matrix, sets);
    return this.rows.open(need);
  }

  next(out: StepBatch): number {
    return this.rows!.next(out);
  }
}
