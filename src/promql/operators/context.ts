// SPDX-License-Identifier: Apache-2.0
// What the operators of one query share.

import { assert } from '../../base/index.ts';
import type { PlainCells, QueryMemory } from '../../kernels/index.ts';
import type { Querier, SeriesSet } from '../../storage/index.ts';
import type { Annotations } from '../engine/annotations.ts';
import { QueryError } from '../engine/errors.ts';
import type { MemoryAccount, SeriesList, StepBatch } from './batch.ts';
import { StepMatrix, copyCells, countPresent, newBatch } from './batch.ts';
import type { FanOut } from './fan-out.ts';
import type { LabelNeed, LabelSets } from './label-sets.ts';
import type { SampleCounter } from './sample-counter.ts';

/** How a running query hears that it should stop. */
export interface QueryControl {
  /** Throws QueryError when canceled or timed out; called at least every ~1 ms of work. */
  checkpoint(): void;
  /** Hears of each query that is planned, before it runs. */
  begin?(use: QueryUse): void;
}

/** What a query will cost at most, and what it has cost so far, which may be asked at any time. */
export interface QueryUse {
  /** Of reading. */
  readonly estimated: { readonly series: number; readonly samples: number };
  /** Samples looked at. */
  samples(): number;
  /** Bytes that its results take now. */
  bytes(): number;
}

/** For loops of small steps and comparisons: a function to call each time, a checkpoint now and then. */
export function ticking(control: QueryControl, every = 4096): () => void {
  let left = every;
  return () => {
    if (--left > 0) return;
    left = every;
    control.checkpoint();
  };
}

/** Language features behind flags. */
export interface EngineFeatures {
  /** `promql-experimental-functions`. */
  readonly experimentalFunctions?: boolean;
  /** `promql-delayed-name-removal`: names are dropped at the very end. */
  readonly delayedNameRemoval?: boolean;
  /** `promql-duration-expr`. */
  readonly durationExpressions?: boolean;
  /** `promql-extended-range-selectors`. */
  readonly extendedRangeSelectors?: boolean;
  /** `promql-binop-fill-modifiers`. */
  readonly binopFillModifiers?: boolean;
  /** `type-and-unit-labels`. */
  readonly typeAndUnitLabels?: boolean;
  /** `use-start-timestamps`: counters that say since when they count. */
  readonly useStartTimestamps?: boolean;
}

/** Memory that one query's results may take unless the engine is told otherwise. */
export const QUERY_BYTES_MAX = 2 ** 31;

/** Counts the samples that a query holds in memory, against `--query.max-samples`, and their bytes. */
export class SampleBudget implements MemoryAccount {
  readonly maxSamples: number;
  readonly maxBytes: number;
  /** Held now. */
  bytes = 0;
  /** Most bytes held at once. */
  peakBytes = 0;
  private held = 0;
  /** Most samples held at once. */
  peak = 0;

  private readonly memory: QueryMemory | undefined;

  /** @param memory keeps cells from query to query */
  constructor(maxSamples: number, maxBytes = QUERY_BYTES_MAX, memory?: QueryMemory) {
    this.maxSamples = maxSamples;
    this.maxBytes = maxBytes;
    this.memory = memory;
  }

  cells(n: number): PlainCells | undefined {
    return this.memory?.cells(n);
  }

  /** @throws QueryError when the query's results then take too much memory */
  allocate(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
    if (this.bytes > this.maxBytes) {
      const mebibytes = Math.floor(this.maxBytes / 2 ** 20);
      throw new QueryError(
        'execution',
        `query processing would take more than ${mebibytes} MiB of memory: ask for fewer series, ` +
          'a shorter range or a larger step',
      );
    }
  }

  free(bytes: number): void {
    this.bytes -= bytes;
  }

  /** @throws QueryError when the query then holds too many */
  hold(samples: number): void {
    this.held += samples;
    if (this.held > this.peak) this.peak = this.held;
    if (this.held > this.maxSamples) {
      throw new QueryError(
        'execution',
        'query processing would load too many samples into memory in query execution',
      );
    }
  }

  release(samples: number): void {
    this.held -= samples;
  }
}

export interface QueryContext {
  readonly sets: LabelSets;
  readonly querier: Querier;
  readonly control: QueryControl;
  readonly budget: SampleBudget;
  /** Counts the samples looked at; undefined inside of subqueries. */
  readonly counter: SampleCounter | undefined;
  /** Series sets that the estimate of the query's cost has selected already, for their first use. */
  readonly selected: Map<string, SeriesSet>;
  readonly annotations: Annotations;
  readonly lookbackMs: number;
  readonly features: EngineFeatures;
  /** Other threads that may compute rows; undefined: there are none. */
  readonly fanOut: FanOut | undefined;
  /** Columns on which the kernel works; undefined: its twins do everything. */
  readonly memory: QueryMemory | undefined;
}

/**
 * A stream of rows. `open` once, then `next` until it returns 0. Rows come in the order of the list.
 */
export interface VectorOperator {
  /** @param need what the consumer will look at; the list's labels hold just that */
  open(need: LabelNeed): SeriesList;
  /** Fills rows from the start of `out`; the number of rows, 0 at the end. */
  next(out: StepBatch): number;
}

/** An operator each of whose rows is a series of one stored selector, and is computed by itself. */
export interface RowOperator extends VectorOperator {
  /** The next row to be computed is `row`; between `open` and the end. */
  seek(row: number): void;
  /** What the selector selected; after `open`. */
  stored(): SeriesSet;
}

/** @throws AssertionError when `operator` is none */
export function asRows(operator: VectorOperator): RowOperator {
  assert('seek' in operator && 'stored' in operator, 'rows that depend on each other');
  return operator as RowOperator;
}

/** A value for each step. */
export type ScalarColumn = Float64Array;

/** Evaluates to a column once; called at most once for one compiled node. */
export type ScalarOperator = () => ScalarColumn;

/** Drains `operator` into a matrix of its non-empty rows. The matrix counts as held. */
export function materialise(
  operator: VectorOperator,
  need: LabelNeed,
  stepCount: number,
  context: QueryContext,
): StepMatrix {
  return drain(operator, operator.open(need), stepCount, context);
}

/** As {@link materialise}, for an operator that was opened with `list` as its answer. */
export function drain(
  operator: VectorOperator,
  list: SeriesList,
  stepCount: number,
  context: QueryContext,
): StepMatrix {
  const matrix = new StepMatrix(stepCount, list.count, context.budget);
  const batch = newBatch(stepCount, context.memory);
  for (;;) {
    const rows = operator.next(batch);
    if (rows === 0) return matrix;
    context.control.checkpoint();
    for (let row = 0; row < rows; row++) {
      const offset = row * stepCount;
      const samples = countPresent(batch, offset, stepCount);
      if (samples === 0) continue;
      context.budget.hold(samples);
      const series = batch.rowStart + row;
      const dropName = list.dropName?.[series] === 1;
      matrix.copyRow(list.labels[series]!, dropName, batch, offset, samples);
    }
  }
}

/** The rows of a matrix as an operator; `need` is applied when it is opened. */
export class MatrixOperator implements VectorOperator {
  private readonly matrix: StepMatrix;
  private readonly sets: LabelSets;
  private position = 0;

  constructor(matrix: StepMatrix, sets: LabelSets) {
    this.matrix = matrix;
    this.sets = sets;
  }

  open(need: LabelNeed): SeriesList {
    const { labels, dropName, rowCount } = this.matrix;
    this.position = 0;
    return {
      count: rowCount,
      labels: Int32Array.from(labels, (set) => this.sets.project(set, need)),
      dropName: dropName.includes(true) ? Uint8Array.from(dropName, Number) : undefined,
    };
  }

  next(out: StepBatch): number {
    const rows = Math.min(out.rowCapacity, this.matrix.rowCount - this.position);
    const n = out.stepCount;
    out.hasHistograms = false;
    for (let i = 0; i < rows; i++) {
      const row = this.position + i;
      copyCells(this.matrix.cells(row), this.matrix.offset(row), out, i * n, n);
    }
    out.rowStart = this.position;
    out.rowCount = rows;
    this.position += rows;
    return rows;
  }
}
