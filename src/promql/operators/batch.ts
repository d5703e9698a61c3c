// SPDX-License-Identifier: Apache-2.0
// The shapes that operators hand on: steps, batches of rows, and whole materialised results.

/** The times of an evaluation: startMs + k × stepMs for k in 0..count-1. */
export interface Steps {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** Equal keys are equal steps. */
export const stepsKey = (steps: Steps): string => `${steps.startMs}:${steps.stepMs}:${steps.count}`;

/** The last time of `steps`; the start when there is none. */
export const lastMs = (steps: Steps): number =>
  steps.startMs + Math.max(0, steps.count - 1) * steps.stepMs;

/**
 * Rows are series, columns are steps: cell (row, k) is values[row * stepCount + k]. Row 0 of a batch is
 * series `rowStart` of its operator. Valid until the next call that fills it; consumers may overwrite it.
 */
export interface StepBatch {
  rowStart: number;
  rowCount: number;
  readonly rowCapacity: number;
  readonly stepCount: number;
  readonly values: Float64Array;
  /** 1 = a sample exists; its value may still be NaN. Where 0, the value means nothing. */
  readonly present: Uint8Array;
}

/** Cells of one batch: what stays in a core's caches while a row passes through several operators. */
const BATCH_CELLS = 8192;

export function newBatch(stepCount: number, rowCapacity?: number): StepBatch {
  const rows = rowCapacity ?? Math.max(1, Math.floor(BATCH_CELLS / Math.max(1, stepCount)));
  return {
    rowStart: 0,
    rowCount: 0,
    rowCapacity: rows,
    stepCount,
    values: new Float64Array(rows * stepCount),
    present: new Uint8Array(rows * stepCount),
  };
}

/** The series of an operator: what each row of its batches is. */
export interface SeriesList {
  readonly count: number;
  /** Label set of each row, projected to what was asked for. */
  readonly labels: Int32Array;
  /** 1 where the metric's name is to be dropped at the end (delayed name removal only). */
  readonly dropName: Uint8Array | undefined;
}

const CHUNK_CELLS = 1 << 18;

/** A whole result: only rows with at least one sample, in chunks so that it grows without copying. */
export class StepMatrix {
  readonly stepCount: number;
  readonly labels: number[] = [];
  readonly dropName: boolean[] = [];
  /** Samples that are present, over all rows. */
  sampleCount = 0;
  private readonly rowsPerChunk: number;
  private readonly chunks: { readonly values: Float64Array; readonly present: Uint8Array }[] = [];

  constructor(stepCount: number, rowsExpected = 1) {
    this.stepCount = stepCount;
    const fit = Math.max(1, Math.floor(CHUNK_CELLS / Math.max(1, stepCount)));
    this.rowsPerChunk = Math.min(fit, Math.max(16, rowsExpected));
  }

  get rowCount(): number {
    return this.labels.length;
  }

  /** The arrays that hold `row`; its cells start at {@link offset}. */
  values(row: number): Float64Array {
    return this.chunks[Math.floor(row / this.rowsPerChunk)]!.values;
  }

  present(row: number): Uint8Array {
    return this.chunks[Math.floor(row / this.rowsPerChunk)]!.present;
  }

  offset(row: number): number {
    return (row % this.rowsPerChunk) * this.stepCount;
  }

  /** Adds an empty row and returns its number. */
  addRow(labels: number, dropName: boolean): number {
    const row = this.labels.length;
    this.labels.push(labels);
    this.dropName.push(dropName);
    if (row % this.rowsPerChunk === 0) {
      const cells = this.rowsPerChunk * this.stepCount;
      this.chunks.push({ values: new Float64Array(cells), present: new Uint8Array(cells) });
    }
    return row;
  }

  /** Adds a copy of the row at `offset` of the given arrays. `samples` is its number of samples. */
  copyRow(
    labels: number,
    dropName: boolean,
    from: { readonly values: Float64Array; readonly present: Uint8Array },
    offset: number,
    samples: number,
  ): number {
    const row = this.addRow(labels, dropName);
    const end = offset + this.stepCount;
    this.values(row).set(from.values.subarray(offset, end), this.offset(row));
    this.present(row).set(from.present.subarray(offset, end), this.offset(row));
    this.sampleCount += samples;
    return row;
  }
}

/** Number of samples in the row of `stepCount` cells at `offset`. */
export function countPresent(present: Uint8Array, offset: number, stepCount: number): number {
  let n = 0;
  for (let i = offset; i < offset + stepCount; i++) n += present[i]!;
  return n;
}
