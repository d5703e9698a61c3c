// SPDX-License-Identifier: Apache-2.0
// sum, avg, min, max, count, group, stddev, stdvar: every batch is folded into the groups' accumulators
// and let go.

import type { QueryMemory } from '../../kernels/index.ts';
import type { AggregatePlan } from '../plan/nodes.ts';
import {
  type Accumulator,
  AvgAccumulator,
  CountAccumulator,
  ExtremeAccumulator,
  SumAccumulator,
  VarianceAccumulator,
} from './accumulators.ts';
import { type SeriesList, type StepBatch, dropHistograms, histogramAt, newBatch } from './batch.ts';
import type { QueryContext, VectorOperator } from './context.ts';
import { type Groups, openGrouped } from './groups.ts';
import { HistogramGroups } from './histogram-groups.ts';
import type { LabelNeed } from './label-sets.ts';

export type FoldedOperator =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar';

export const isFolded = (op: string): op is FoldedOperator =>
  ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'].includes(op);

/** Of the largest accumulator, that of avg. */
const ACCUMULATOR_CELL_BYTES = 25;

function newAccumulator(
  op: FoldedOperator,
  cells: number,
  stepCount: number,
  memory: QueryMemory | undefined,
): Accumulator {
  switch (op) {
    case 'sum':
      return new SumAccumulator(cells, stepCount, memory);
    case 'avg':
      return new AvgAccumulator(cells, stepCount, memory);
    case 'min':
    case 'max':
      return new ExtremeAccumulator(op, cells, stepCount, memory);
    case 'count':
    case 'group':
      return new CountAccumulator(op, cells, stepCount);
    case 'stddev':
    case 'stdvar':
      return new VarianceAccumulator(op, cells, stepCount);
  }
}

export class AggregateOperator implements VectorOperator {
  private readonly plan: AggregatePlan;
  private readonly op: FoldedOperator;
  private readonly input: VectorOperator;
  private readonly stepCount: number;
  private readonly context: QueryContext;
  private groups: Groups | undefined;
  private accumulator: Accumulator | undefined;
  /** Sums of histograms, made when there is one. */
  private histograms: HistogramGroups | undefined;
  private position = 0;

  constructor(
    plan: AggregatePlan,
    op: FoldedOperator,
    input: VectorOperator,
    stepCount: number,
    context: QueryContext,
  ) {
    this.plan = plan;
    this.op = op;
    this.input = input;
    this.stepCount = stepCount;
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    const { groups } = openGrouped(this.plan, this.input, this.context);
    this.groups = groups;
    this.histograms = undefined;
    this.position = 0;
    this.accumulator = undefined;
    const { sets } = this.context;
    return {
      count: groups.count,
      labels: groups.labels.map((set) => sets.project(set, need)),
      dropName: groups.dropName,
    };
  }

  /** Folds the whole input. */
  private consume(groups: Groups): Accumulator {
    const { stepCount, input, context } = this;
    context.budget.hold(groups.count * stepCount);
    context.budget.allocate(groups.count * stepCount * ACCUMULATOR_CELL_BYTES);
    const accumulator = newAccumulator(
      this.op,
      groups.count * stepCount,
      stepCount,
      context.memory,
    );
    const batch = newBatch(stepCount, context.memory);
    for (;;) {
      const rows = input.next(batch);
      if (rows === 0) return accumulator;
      context.control.checkpoint();
      if (batch.hasHistograms) this.takeHistograms(batch, rows, groups);
      for (let row = 0; row < rows; row++) {
        const group = groups.ofRow[batch.rowStart + row]!;
        accumulator.fold(batch.values, batch.present, row * stepCount, group * stepCount);
      }
    }
  }

  /** Takes the histograms out of a batch, which leaves what the accumulators of floats can fold. */
  private takeHistograms(batch: StepBatch, rows: number, groups: Groups): void {
    const { stepCount, op, context, plan } = this;
    const cells = rows * stepCount;
    if (op === 'count' || op === 'group') {
      // They count whatever is there.
      for (let i = 0; i < cells; i++) if (batch.present[i] !== 0) batch.present[i] = 1;
      return;
    }
    if (op !== 'sum' && op !== 'avg') {
      if (dropHistograms(batch, 0, cells) === 0) return;
      context.annotations.histogramIgnoredInAggregation(op, plan.vectorPosition);
      return;
    }
    this.histograms ??= new HistogramGroups(op, context, plan.vectorPosition);
    const { histograms } = this;
    const metricName = (): string => plan.vector.name ?? '';
    for (let row = 0; row < rows; row++) {
      const group = groups.ofRow[batch.rowStart + row]!;
      for (let k = 0; k < stepCount; k++) {
        const histogram = histogramAt(batch, row * stepCount + k);
        if (histogram === undefined) continue;
        batch.present[row * stepCount + k] = 0;
        histograms.fold(group * stepCount + k, histogram, metricName);
      }
    }
  }

  next(out: StepBatch): number {
    const groups = this.groups!;
    this.accumulator ??= this.consume(groups);
    const { accumulator } = this;
    const n = this.stepCount;
    const rows = Math.min(out.rowCapacity, groups.count - this.position);
    out.hasHistograms = false;
    for (let row = 0; row < rows; row++) {
      const cell = (this.position + row) * n;
      accumulator.finish(out.values, out.present, row * n, cell);
      this.histograms?.finish(out, row * n, cell, n);
    }
    out.rowStart = this.position;
    out.rowCount = rows;
    this.position += rows;
    if (rows === 0) {
      this.histograms?.release();
      this.context.budget.release(groups.count * n);
      this.context.budget.free(groups.count * n * ACCUMULATOR_CELL_BYTES);
    }
    return rows;
  }
}
