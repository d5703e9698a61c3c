// SPDX-License-Identifier: Apache-2.0
// The shapes that operators hand on: steps, batches of rows, and whole materialised results.

import type { PlainCells, QueryMemory } from '../../kernels/index.ts';
import { type Histogram, histogramSampleWeight } from '../../model/index.ts';

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

/** What is in a cell. */
export const Presence = { none: 0, float: 1, histogram: 2 } as const;

/** Cells of rows × steps. Whoever fills them says whether histograms are among them. */
export interface Cells {
  readonly values: Float64Array;
  /** {@link Presence}. Where 0, the value means nothing; a float that is present may still be NaN. */
  readonly present: Uint8Array;
  /** Any cell may be a histogram. While false, as nearly always, loops need not look for them. */
  hasHistograms: boolean;
  /** By cell, valid where `present` is 2; empty until the first is put, see {@link putHistogram}. */
  histograms: (Histogram | undefined)[];
}

/**
 * Rows are series, columns are steps: cell (row, k) is values[row * stepCount + k]. Row 0 of a batch is
 * series `rowStart` of its operator. Valid until the next call that fills it; consumers may overwrite it.
 */
export interface StepBatch extends Cells {
  rowStart: number;
  rowCount: number;
  readonly rowCapacity: number;
  readonly stepCount: number;
}

function newCells(cells: number, memory?: QueryMemory): Cells {
  return {
    values: memory?.floats(cells) ?? new Float64Array(cells),
    present: memory?.bytes(cells) ?? new Uint8Array(cells),
    hasHistograms: false,
    histograms: [],
  };
}

export function putHistogram(cells: Cells, at: number, histogram: Histogram): void {
  if (cells.histograms.length === 0) {
    cells.histograms = new Array<Histogram | undefined>(cells.present.length).fill(undefined);
  }
  cells.hasHistograms = true;
  cells.histograms[at] = histogram;
  cells.present[at] = Presence.histogram;
}

/** The histogram of a cell; undefined when there is none or a float. */
export const histogramAt = (cells: Cells, at: number): Histogram | undefined =>
  cells.present[at] === Presence.histogram ? cells.histograms[at] : undefined;

/** Copies n cells. */
export function copyCells(from: Cells, fromAt: number, to: Cells, toAt: number, n: number): void {
  to.values.set(from.values.subarray(fromAt, fromAt + n), toAt);
  to.present.set(from.present.subarray(fromAt, fromAt + n), toAt);
  if (!from.hasHistograms) return;
  for (let k = 0; k < n; k++) {
    const histogram = histogramAt(from, fromAt + k);
    if (histogram !== undefined) putHistogram(to, toAt + k, histogram);
  }
}

/** Takes the histograms out of n cells: what is left is floats. Returns how many there were. */
export function dropHistograms(cells: Cells, at: number, n: number): number {
  if (!cells.hasHistograms) return 0;
  let dropped = 0;
  for (let i = at; i < at + n; i++) {
    if (cells.present[i] !== Presence.histogram) continue;
    cells.present[i] = Presence.none;
    dropped++;
  }
  return dropped;
}

/** Cells of one batch: what stays in a core's caches while a row passes through several operators. */
const BATCH_CELLS = 8192;

/** @param memory where the kernel works, as far as there is one */
export function newBatch(
  stepCount: number,
  memory: QueryMemory | undefined,
  rowCapacity?: number,
): StepBatch {
  const rows = rowCapacity ?? Math.max(1, Math.floor(BATCH_CELLS / Math.max(1, stepCount)));
  return {
    rowStart: 0,
    rowCount: 0,
    rowCapacity: rows,
    stepCount,
    ...newCells(rows * stepCount, memory),
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
/** A value and its presence. */
const CELL_BYTES = 9;

/** Who counts the memory of results. */
export interface MemoryAccount {
  /** @throws QueryError when the query then holds too much */
  allocate(bytes: number): void;
  free(bytes: number): void;
  /** At least `n` empty cells that are kept for it; undefined: make new ones. */
  cells(n: number): PlainCells | undefined;
}

/** A whole result: only rows with at least one sample, in chunks so that it grows without copying. */
export class StepMatrix {
  readonly stepCount: number;
  readonly labels: number[] = [];
  readonly dropName: boolean[] = [];
  /** Samples that are present, over all rows. */
  sampleCount = 0;
  private readonly rowsPerChunk: number;
  private readonly chunks: Cells[] = [];

  private readonly account: MemoryAccount | undefined;
  private bytes = 0;

  /** @param account is told of every chunk; {@link free} gives all back */
  constructor(stepCount: number, rowsExpected = 1, account?: MemoryAccount) {
    this.stepCount = stepCount;
    this.account = account;
    const fit = Math.max(1, Math.floor(CHUNK_CELLS / Math.max(1, stepCount)));
    this.rowsPerChunk = Math.min(fit, Math.max(16, rowsExpected));
  }

  get rowCount(): number {
    return this.labels.length;
  }

  /** Says that the rows won't be looked at again. */
  free(): void {
    this.account?.free(this.bytes);
    this.bytes = 0;
  }

  /** The cells that hold `row`; its own start at {@link offset}. */
  cells(row: number): Cells {
    return this.chunks[Math.floor(row / this.rowsPerChunk)]!;
  }

  values(row: number): Float64Array {
    return this.cells(row).values;
  }

  present(row: number): Uint8Array {
    return this.cells(row).present;
  }

  /** Any cell may be a histogram. */
  get hasHistograms(): boolean {
    return this.chunks.some((chunk) => chunk.hasHistograms);
  }

  /** The histogram of `row` at step k; undefined when there is none or a float. */
  histogram(row: number, k: number): Histogram | undefined {
    const cells = this.cells(row);
    return cells.hasHistograms ? histogramAt(cells, this.offset(row) + k) : undefined;
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
      this.account?.allocate(cells * CELL_BYTES);
      this.bytes += cells * CELL_BYTES;
      this.chunks.push({ ...newCells(0), ...(this.account?.cells(cells) ?? newCells(cells)) });
    }
    return row;
  }

  /** Adds a copy of the row at `offset` of the given cells. `samples` is its number of samples. */
  copyRow(labels: number, dropName: boolean, from: Cells, offset: number, samples: number): number {
    const row = this.addRow(labels, dropName);
    copyCells(from, offset, this.cells(row), this.offset(row), this.stepCount);
    this.sampleCount += samples;
    return row;
  }
}

/** Number of samples in the row of `stepCount` cells at `offset`; a histogram counts by its size. */
export function countPresent(cells: Cells, offset: number, stepCount: number): number {
  const { present } = cells;
  let n = 0;
  if (!cells.hasHistograms) {
    for (let i = offset; i < offset + stepCount; i++) n += present[i]!;
    return n;
  }
  for (let i = offset; i < offset + stepCount; i++) {
    const histogram = histogramAt(cells, i);
    n += histogram === undefined ? present[i]! : histogramSampleWeight(histogram);
  }
  return n;
}
