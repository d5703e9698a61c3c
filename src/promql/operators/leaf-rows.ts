// SPDX-License-Identifier: Apache-2.0
// The rows of a leaf with accounts of their own: what each batch cost and said is told with the batch,
// so that it does not matter which thread computed it, or when.

import { type Annotation, Annotations } from '../engine/annotations.ts';
import type { SeriesSet } from '../../storage/index.ts';
import type { SeriesList, StepBatch } from './batch.ts';
import { type QueryContext, type RowOperator, SampleBudget } from './context.ts';
import { FanAccount, type FanSlot } from './fan-out.ts';
import type { LabelNeed } from './label-sets.ts';
import { SampleCounter } from './sample-counter.ts';

/** What a batch cost and said. */
export interface BatchAccount {
  readonly samples: number;
  readonly held: number;
  readonly notes: readonly Annotation[];
}

export class LeafRows {
  private readonly rows: RowOperator;
  private readonly counter = new SampleCounter();
  private readonly budget: SampleBudget;
  private readonly annotations = new Annotations();
  /** The row that the operator would compute next. */
  private at = 0;

  /** @param make makes the leaf's operator within the given context */
  constructor(context: QueryContext, make: (context: QueryContext) => RowOperator) {
    const { maxSamples, maxBytes } = context.budget;
    this.budget = new SampleBudget(maxSamples, maxBytes);
    const { counter, budget, annotations } = this;
    this.rows = make({ ...context, counter, budget, annotations, fanOut: undefined });
  }

  open(need: LabelNeed): SeriesList {
    this.at = 0;
    return this.rows.open(need);
  }

  stored(): SeriesSet {
    return this.rows.stored();
  }

  /** Computes `count` rows from `start` on to the start of `out`; fewer at the end. */
  compute(start: number, count: number, out: StepBatch): number {
    if (this.at !== start) this.rows.seek(start);
    const limited = { ...out, rowCapacity: count };
    const rows = this.rows.next(limited);
    this.at = start + rows;
    out.rowStart = start;
    out.rowCount = rows;
    out.hasHistograms = limited.hasHistograms;
    out.histograms = limited.histograms;
    return rows;
  }

  /** As {@link compute}, into a slot, with the accounts; false when the slot cannot hold what came. */
  computeInto(slot: FanSlot, start: number, count: number, stepCount: number): boolean {
    const { values, present } = slot;
    const out: StepBatch = {
      values,
      present,
      rowStart: 0,
      rowCount: 0,
      rowCapacity: count,
      stepCount,
      hasHistograms: false,
      histograms: [],
    };
    let whole = false;
    try {
      whole = this.compute(start, count, out) === count && !out.hasHistograms;
    } finally {
      // Of what is to be computed again nothing is told.
      if (!whole) this.take();
    }
    if (!whole) return false;
    const { samples, held, notes } = this.take();
    slot.account[FanAccount.samples] = samples;
    slot.account[FanAccount.held] = held;
    return slot.writeNotes(notes.length === 0 ? '' : JSON.stringify(notes));
  }

  /** The accounts since they were last taken. */
  take(): BatchAccount {
    const { counter, budget, annotations } = this;
    const account = { samples: counter.total, held: budget.peak, notes: annotations.take() };
    counter.total = 0;
    budget.peak = 0;
    return account;
  }
}
