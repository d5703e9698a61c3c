// SPDX-License-Identifier: Apache-2.0
// sum and avg of native histograms by group and step.

import {
  CounterResetHint,
  type Histogram,
  HistogramMean,
  HistogramSum,
  SumNote,
  compactHistogram,
  histogramSampleWeight,
} from '../../model/index.ts';
import type { PositionRange } from '../ast/nodes.ts';
import type { Annotations } from '../engine/annotations.ts';
import { type Cells, Presence, putHistogram } from './batch.ts';
import type { QueryContext, SampleBudget } from './context.ts';

interface Cell {
  readonly sum: HistogramSum | HistogramMean;
  reset: boolean;
  notReset: boolean;
  /** Exponential and custom buckets met: there is no sum. */
  incompatible: boolean;
}

/** Accumulators of those cells that have a histogram. */
export class HistogramGroups {
  private readonly cells = new Map<number, Cell>();
  private readonly op: 'sum' | 'avg';
  private readonly annotations: Annotations;
  private readonly position: PositionRange;
  private readonly budget: SampleBudget;
  private held = 0;

  constructor(op: 'sum' | 'avg', context: QueryContext, position: PositionRange) {
    this.op = op;
    this.annotations = context.annotations;
    this.budget = context.budget;
    this.position = position;
  }

  private hold(samples: number): void {
    this.budget.hold(samples);
    this.held += samples;
  }

  /** Says that the sums won't be looked at again. */
  release(): void {
    this.budget.release(this.held);
    this.held = 0;
  }

  fold(at: number, histogram: Histogram, metricName: () => string): void {
    let cell = this.cells.get(at);
    if (cell === undefined) {
      const sum = this.op === 'sum' ? new HistogramSum(histogram) : new HistogramMean(histogram);
      cell = { sum, reset: false, notReset: false, incompatible: false };
      this.cells.set(at, cell);
      this.hold(histogramSampleWeight(histogram));
    } else if (!cell.incompatible) {
      const note = cell.sum.add(histogram);
      if ((note & SumNote.incompatible) !== 0) {
        cell.incompatible = true;
        this.annotations.mixedExponentialCustom(metricName(), this.position);
      } else if ((note & SumNote.boundsReconciled) !== 0) {
        this.annotations.reconciledBounds('aggregation', this.position);
      }
    }
    if (histogram.counterResetHint === CounterResetHint.reset) cell.reset = true;
    if (histogram.counterResetHint === CounterResetHint.notReset) cell.notReset = true;
  }

  /** Writes the sums into a row that already has those of the floats; where both are, neither stays. */
  finish(out: Cells, offset: number, at: number, n: number): void {
    for (let k = 0; k < n; k++) {
      const cell = this.cells.get(at + k);
      if (cell === undefined) continue;
      const mixed = out.present[offset + k] !== Presence.none;
      out.present[offset + k] = Presence.none;
      if (mixed) {
        this.annotations.mixedFloatsHistogramsInAggregation(this.position);
        continue;
      }
      if (cell.incompatible) continue;
      if (cell.reset && cell.notReset) {
        this.annotations.counterResetCollision('aggregation', this.position);
      }
      putHistogram(out, offset + k, compactHistogram(cell.sum.result()));
    }
  }
}
