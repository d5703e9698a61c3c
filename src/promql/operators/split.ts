// SPDX-License-Identifier: Apache-2.0
// A leaf of the plan (a selector, a function of its windows, arithmetic on the results) whose rows several
// threads compute. The rows come in the same order and are the same as from one thread, and so is whatever is
// made of them: sums are added up here, in the order of the rows.

import type { Annotation } from '../engine/annotations.ts';
import { histogramAt, putHistogram, type SeriesList, type StepBatch } from './batch.ts';
import type { QueryContext, RowOperator, VectorOperator } from './context.ts';
import { FanAccount, type FanOut, type FanRun, type FanSlot } from './fan-out.ts';
import type { LabelNeed } from './label-sets.ts';
import { type BatchAccount, LeafRows } from './leaf-rows.ts';

/** Batches that there should be for each thread, so that none has long to wait for the last. */
const BATCHES_PER_THREAD = 4;

export class SplitOperator implements VectorOperator {
  private readonly context: QueryContext;
  private readonly fanOut: FanOut;
  private readonly text: string;
  private readonly stepCount: number;
  private readonly local: LeafRows;
  private run: FanRun | undefined;
  private rowCount = 0;
  private rowsPerBatch = 1;
  /** The row that is handed on next. */
  private position = 0;
  /** The batch that `position` is in; undefined while it is computed here. */
  private slot: FanSlot | undefined;
  private batch = -1;

  /**
   * @param text the leaf, for the other threads
   * @param make makes its operator for this one
   */
  constructor(
    context: QueryContext,
    fanOut: FanOut,
    text: string,
    stepCount: number,
    make: (context: QueryContext) => RowOperator,
  ) {
    this.context = context;
    this.fanOut = fanOut;
    this.text = text;
    this.stepCount = stepCount;
    this.local = new LeafRows(context, make);
  }

  open(need: LabelNeed): SeriesList {
    const { context, fanOut, local, stepCount } = this;
    this.run?.close();
    this.run = undefined;
    const list = local.open(need);
    this.position = 0;
    this.batch = -1;
    this.slot = undefined;
    this.rowCount = list.count;
    const fit = Math.floor(fanOut.slotCells / Math.max(1, stepCount));
    const wanted = Math.ceil(list.count / (fanOut.width * BATCHES_PER_THREAD));
    this.rowsPerBatch = Math.max(1, Math.min(fit, wanted));
    const view = context.querier.share?.(local.stored());
    if (fit < 1 || list.count < 2 || view === undefined) return list;
    const { text, rowsPerBatch } = this;
    const task = {
      kind: 'leaf',
      text,
      view,
      rowCount: list.count,
      rowsPerBatch,
      stepCount,
    } as const;
    this.run = fanOut.begin(task, () => context.control.checkpoint());
    return list;
  }

  next(out: StepBatch): number {
    const { position, rowCount } = this;
    if (this.run === undefined) {
      const rows = this.local.compute(position, out.rowCapacity, out);
      this.settle(this.local.take());
      this.position += rows;
      return rows;
    }
    out.rowStart = position;
    out.hasHistograms = false;
    // As many rows as one thread would hand on together: what is held meanwhile is then the same.
    let rows = 0;
    while (rows < out.rowCapacity && this.position < rowCount) {
      rows += this.add(this.run, out, rows);
    }
    out.rowCount = rows;
    if (rows === 0) {
      this.run.close();
      this.run = undefined;
    }
    return rows;
  }

  /** Adds rows of the batch that `position` is in to the `before` rows of `out`; returns how many. */
  private add(run: FanRun, out: StepBatch, before: number): number {
    const { position, rowCount, rowsPerBatch, stepCount } = this;
    const batch = Math.floor(position / rowsPerBatch);
    if (batch !== this.batch) this.enter(run, batch);
    const last = Math.min(rowCount, (batch + 1) * rowsPerBatch);
    const rows = Math.min(out.rowCapacity - before, last - position);
    const from = (position - batch * rowsPerBatch) * stepCount;
    if (this.slot !== undefined) {
      copyRows(this.slot, from, rows * stepCount, out, before * stepCount);
    } else if (before === 0) {
      this.local.compute(position, rows, out);
      this.settle(this.local.take());
    } else this.computeBehind(out, before, rows);
    this.position += rows;
    if (this.position === last) run.done();
    return rows;
  }

  private computeBehind(out: StepBatch, before: number, rows: number): void {
    const at = before * this.stepCount;
    const behind: StepBatch = {
      ...out,
      values: out.values.subarray(at),
      present: out.present.subarray(at),
      histograms: [],
    };
    this.local.compute(this.position, rows, behind);
    this.settle(this.local.take());
    if (!behind.hasHistograms) return;
    for (let i = 0; i < rows * this.stepCount; i++) {
      const histogram = histogramAt(behind, i);
      if (histogram !== undefined) putHistogram(out, at + i, histogram);
    }
  }

  /** Waits for a batch to be computed, or finds that it is to be computed here. */
  private enter(run: FanRun, batch: number): void {
    this.batch = batch;
    this.slot = run.next((ahead, slot) => this.computeAhead(ahead, slot));
    const { slot } = this;
    if (slot === undefined) return;
    const notes = slot.readNotes();
    this.settle({
      samples: slot.account[FanAccount.samples]!,
      held: slot.account[FanAccount.held]!,
      notes: notes === '' ? [] : (JSON.parse(notes) as Annotation[]),
    });
  }

  private computeAhead(batch: number, slot: FanSlot): boolean {
    const { rowsPerBatch, rowCount, stepCount } = this;
    const start = batch * rowsPerBatch;
    const count = Math.min(rowsPerBatch, rowCount - start);
    return this.local.computeInto(slot, start, count, stepCount);
  }

  /** Enters what rows cost and said into the query's accounts, as if they had been computed only now. */
  private settle({ samples, held, notes }: BatchAccount): void {
    const { counter, budget, annotations } = this.context;
    counter?.addEverywhere(samples, 1);
    budget.hold(held);
    budget.release(held);
    annotations.add(notes);
  }
}

function copyRows(slot: FanSlot, from: number, cells: number, out: StepBatch, to: number): void {
  out.values.set(slot.values.subarray(from, from + cells), to);
  out.present.set(slot.present.subarray(from, from + cells), to);
}
