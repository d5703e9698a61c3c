// SPDX-License-Identifier: Apache-2.0
// The points of an answer's rows as text, written by several threads: the rows are copied to the slots of a
// ring, whoever is first writes a batch of them, and the texts come back in order.

import type { FloatRows } from '../../kernels/index.ts';
import type { FanOut, FanRun, FanSlot, FillSlot, TextTask } from '../operators/fan-out.ts';
import { timeText } from './json-writer.ts';
import type { GridSeries } from './result.ts';

/** Points from which on an answer is written by several: about a millisecond's work. */
const POINTS_MIN = 20_000;
/** Points of a batch. */
const BATCH_POINTS = 4096;

interface RowTimes {
  readonly startMs: number;
  readonly stepMs: number;
  readonly stepCount: number;
}

/** Has `rows` write points at these times from now on. */
export function beginRows(rows: FloatRows, { startMs, stepMs, stepCount }: RowTimes): void {
  rows.begin(stepCount, (k) => `[${timeText(startMs + k * stepMs)},"`);
}

/** Writes the points of the `count` rows whose cells are in a slot. */
export function writeSlotText(
  rows: FloatRows,
  slot: FanSlot,
  count: number,
  stepCount: number,
): void {
  let at = 0;
  for (let row = 0; row < count; row++) {
    at += rows.write(slot.values, slot.present, row * stepCount, slot.text, at);
    slot.textEnds[row] = at;
  }
}

/** Where the text of a row stands; valid until the next is asked for. */
export interface RowText {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The texts of an answer's rows, in their order. */
export class RowTexts {
  private readonly run: FanRun;
  private readonly rows: FloatRows;
  private readonly stepCount: number;
  private readonly rowCount: number;
  private readonly rowsPerBatch: number;
  /** Of the row asked for last. */
  private slot: FanSlot | undefined;

  private constructor(run: FanRun, rows: FloatRows, task: TextTask) {
    this.run = run;
    this.rows = rows;
    this.stepCount = task.stepCount;
    this.rowCount = task.rowCount;
    this.rowsPerBatch = task.rowsPerBatch;
  }

  /**
   * Undefined when it is not worth it, or not possible: then the caller writes all rows.
   *
   * @param rows at the answer's times already, see {@link beginRows}
   */
  static begin(series: GridSeries, rows: FloatRows, fanOut: FanOut): RowTexts | undefined {
    const { steps, order, matrix } = series;
    const { startMs, stepMs, count: stepCount } = steps;
    if (matrix.sampleCount < POINTS_MIN || order.length < 2 || matrix.hasHistograms) return;
    const rowsPerBatch = Math.min(
      fanOut.slotTextRows,
      Math.floor(fanOut.slotTextBytes / rows.rowBytesMax),
      Math.max(1, Math.floor(BATCH_POINTS / stepCount)),
    );
    if (rowsPerBatch < 1) return;
    const rowCount = order.length;
    const task = { kind: 'text', startMs, stepMs, stepCount, rowCount, rowsPerBatch } as const;
    const fill: FillSlot = (batch, slot) => {
      const first = batch * rowsPerBatch;
      const end = Math.min(rowCount, first + rowsPerBatch);
      for (let i = first; i < end; i++) {
        const row = order[i]!;
        const from = matrix.offset(row);
        const to = (i - first) * stepCount;
        slot.values.set(matrix.values(row).subarray(from, from + stepCount), to);
        slot.present.set(matrix.present(row).subarray(from, from + stepCount), to);
      }
    };
    const run = fanOut.begin(task, () => undefined, fill);
    return run && new RowTexts(run, rows, task);
  }

  /** The text of row `i`, the rows in their order; undefined when the caller is to write it. */
  row(i: number): RowText | undefined {
    const { run, rows, rowsPerBatch, rowCount, stepCount } = this;
    const inBatch = i % rowsPerBatch;
    if (inBatch === 0) {
      if (i > 0) run.done();
      this.slot = run.next((batch, slot) => {
        const count = Math.min(rowsPerBatch, rowCount - batch * rowsPerBatch);
        writeSlotText(rows, slot, count, stepCount);
        return true;
      });
    }
    const { slot } = this;
    if (slot === undefined) return;
    const { text: bytes, textEnds } = slot;
    return { bytes, start: inBatch === 0 ? 0 : textEnds[inBatch - 1]!, end: textEnds[inBatch]! };
  }

  close(): void {
    this.run.close();
  }
}
