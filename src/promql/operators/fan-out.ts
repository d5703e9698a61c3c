// SPDX-License-Identifier: Apache-2.0
// What an operator knows of other threads that compute rows for it. Rows go by batches: batch b holds rows
// b × rowsPerBatch and on. Whoever claims a batch computes it; the query's own thread takes them in order.

import type { SharedView } from '../../storage/index.ts';

interface RowBatches {
  readonly rowCount: number;
  readonly rowsPerBatch: number;
  readonly stepCount: number;
}

/** What others need to compute the rows of a leaf. */
export interface LeafTask extends RowBatches {
  readonly kind: 'leaf';
  /** The leaf as text, see {@link leafText}. */
  readonly text: string;
  /** What its querier shares. */
  readonly view: SharedView;
}

/** Rows that are there, to be written as the points of an answer. */
export interface TextTask extends RowBatches {
  readonly kind: 'text';
  readonly startMs: number;
  readonly stepMs: number;
}

export type FanTask = LeafTask | TextTask;

/** One batch of rows, in memory that all threads see. */
export interface FanSlot {
  /** Room for rowsPerBatch × stepCount. */
  readonly values: Float64Array;
  readonly present: Uint8Array;
  /** What computing it took: samples looked at, and most samples held at once. */
  readonly account: Float64Array;
  /** The points of the rows one after another, and where each row's end. */
  readonly text: Uint8Array;
  readonly textEnds: Int32Array;
  /** Annotations, as text; false when they don't fit. */
  writeNotes(text: string): boolean;
  readNotes(): string;
}

/** Samples looked at and held, as they stand in {@link FanSlot.account}. */
export const FanAccount = { samples: 0, held: 1, length: 2 } as const;

/** Computes one batch into its slot; false when that cannot be (histograms, an error): it's left undone. */
export type ComputeBatch = (batch: number, slot: FanSlot) => boolean;

/** Puts into a batch's slot what is needed to compute it. */
export type FillSlot = (batch: number, slot: FanSlot) => void;

/** One leaf under way. */
export interface FanRun {
  /**
   * The next batch in order, or undefined when the caller is to compute it itself. While others are at it,
   * `compute` is called for batches behind it.
   */
  next(compute: ComputeBatch): FanSlot | undefined;
  /** The slot that `next` returned, or the batch left to the caller, is done with. */
  done(): void;
  /** Ends the run: nobody reads what the view showed any more. */
  close(): void;
}

/** Threads beside the query's own. */
export interface FanOut {
  /** Threads, that of the query among them; at least 2. */
  readonly width: number;
  /** Samples read and cells filled from which on a leaf is split. */
  readonly costMin: number;
  /** Cells of a slot. */
  readonly slotCells: number;
  /** Bytes and rows of text of a slot. */
  readonly slotTextBytes: number;
  readonly slotTextRows: number;
  /**
   * Undefined when nobody can help now, or another leaf is under way.
   *
   * @param fill puts the cells of a batch, which others need, into its slot; nothing unless given
   */
  begin(task: FanTask, checkpoint: () => void, fill?: FillSlot): FanRun | undefined;
  /** Ends whatever is under way; to be called before the query's querier is closed. */
  finish(): void;
}
