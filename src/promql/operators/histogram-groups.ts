// SPDX-License-Identifier: Apache-2.0
// sum and avg of native histograms by group and step.

import {
  CounterResetHint,
  type Histogram,
  HistogramMean,
  HistogramSum,
  SumNote,
  compactHistogram,
} from '../../model/index.ts';
import type { PositionRange } from '../ast/nodes.ts';
import type { Annotations } from '../engine/annotations.ts';
import { type Cells, Presence, putHistogram } from './batch.ts';

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

  constructor(op: 'sum' | 'avg', annotations: Annotations, position: PositionRange) {
    this.op = op;
    this.annotations = annotations;
    this.position = position;
  }

  fold(at: number, histogram: Histogram, metricName: () => string): void {
    let cell = this.cells.get(at);
    if (cell === undefined) {
      const sum = this.op === 'sum' ? new HistogramSum(histogram) : new HistogramMean(histogram);
      cell = { sum, reset: false, notReset: false, incompatible: false };
      this.cells.set(at, cell);
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
