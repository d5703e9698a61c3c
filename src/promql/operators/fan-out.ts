// SPDX-License-Identifier: Apache-2.0
// What an operator knows of other threads that compute rows for it. Rows go by batches: batch b holds rows
// b × rowsPerBatch and on. Whoever claims a batch computes it; the query's own thread takes them in order.

import type { SharedView } from '../../storage/index.ts';

/** What others need to compute the rows of a leaf. */
export interface FanTask {
  /** The leaf as text, see {@link leafText}. */
  readonly text: string;
  /** What its querier shares. */
  readonly view: SharedView;
  readonly rowCount: number;
  readonly rowsPerBatch: number;
  readonly stepCount: number;
}

/** The cells of one batch of rows, in memory that all threads see. */
export interface FanSlot {
  /** Room for rowsPerBatch × stepCount. */
  readonly values: Float64Array;
  readonly present: Uint8Array;
  /** What computing it took: samples looked at, and most samples held at once. */
  readonly account: Float64Array;
  /** Annotations, as text; false when they don't fit. */
  writeNotes(text: string): boolean;
  readNotes(): string;
}

/** Samples looked at and held, as they stand in {@link FanSlot.account}. */
export const FanAccount = { samples: 0, held: 1, length: 2 } as const;

/** Computes one batch into its slot; false when that cannot be (histograms, an error): it's left undone. */
export type ComputeBatch = (batch: number, slot: FanSlot) => boolean;

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
  /** Undefined when nobody can help now, or another leaf is under way. */
  begin(task: FanTask, checkpoint: () => void): FanRun | undefined;
  /** Ends whatever is under way; to be called before the query's querier is closed. */
  finish(): void;
}
