// SPDX-License-Identifier: Apache-2.0
// The answer to a query: columns and label set ids, made into text or objects only where needed.

import type { Histogram, Labels } from '../../model/index.ts';
import { histogramAt, type StepMatrix, type Steps } from '../operators/batch.ts';
import type { LabelSets } from '../operators/label-sets.ts';

/** Seconds. */
export interface QueryTimings {
  evalTotalTime: number;
  resultSortTime: number;
  queryPreparationTime: number;
  innerEvalTime: number;
  /** Filled in by whoever queued the query. */
  execQueueTime: number;
  execTotalTime: number;
}

export interface QueryStatistics {
  readonly timings: QueryTimings;
  readonly samples: {
    /** (seconds, samples) for each step, when asked for. */
    readonly totalQueryableSamplesPerStep?: readonly (readonly [number, number])[];
    readonly totalQueryableSamples: number;
    readonly peakSamples: number;
  };
}

/** Points of one series: `times` in milliseconds. The arrays are the caller's to keep. */
export interface Points {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Undefined when all points are floats; else entry i is point i's histogram, or undefined. */
  readonly histograms?: readonly (Histogram | undefined)[] | undefined;
}

/** The series of a vector or matrix, in the order of the answer. */
export interface ResultSeries {
  readonly count: number;
  /** Label set id of series i in `sets`. */
  labelSet(i: number): number;
  labels(i: number): Labels;
  points(i: number): Points;
}

interface ResultBase {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStatistics;
}

/** Instant vector: each series has one point, at `timeMs`. */
export interface VectorResult extends ResultBase {
  readonly type: 'vector';
  readonly timeMs: number;
  readonly series: ResultSeries;
  readonly sets: LabelSets;
}

export interface MatrixResult extends ResultBase {
  readonly type: 'matrix';
  readonly series: ResultSeries;
  readonly sets: LabelSets;
}

export interface ScalarResult extends ResultBase {
  readonly type: 'scalar';
  readonly timeMs: number;
  readonly value: number;
}

export interface StringResult extends ResultBase {
  readonly type: 'string';
  readonly timeMs: number;
  readonly value: string;
}

export type QueryResult = VectorResult | MatrixResult | ScalarResult | StringResult;

/** Series on the grid of the query's steps. */
export class GridSeries implements ResultSeries {
  readonly matrix: StepMatrix;
  readonly steps: Steps;
  /** Rows of `matrix` in the order of the answer. */
  readonly order: Int32Array;
  private readonly sets: LabelSets;

  constructor(matrix: StepMatrix, order: Int32Array, steps: Steps, sets: LabelSets) {
    this.matrix = matrix;
    this.order = order;
    this.steps = steps;
    this.sets = sets;
  }

  get count(): number {
    return this.order.length;
  }

  labelSet(i: number): number {
    return this.matrix.labels[this.order[i]!]!;
  }

  labels(i: number): Labels {
    return this.sets.labels(this.labelSet(i));
  }

  points(i: number): Points {
    const row = this.order[i]!;
    const { matrix, steps } = this;
    const values = matrix.values(row);
    const present = matrix.present(row);
    const offset = matrix.offset(row);
    const outTimes = new Float64Array(steps.count);
    const outValues = new Float64Array(steps.count);
    const cells = matrix.cells(row);
    const histograms: (Histogram | undefined)[] | undefined = cells.hasHistograms ? [] : undefined;
    let n = 0;
    for (let k = 0; k < steps.count; k++) {
      if (present[offset + k] === 0) continue;
      outTimes[n] = steps.startMs + k * steps.stepMs;
      outValues[n++] = values[offset + k]!;
      histograms?.push(histogramAt(cells, offset + k));
    }
    const points = { times: outTimes.slice(0, n), values: outValues.slice(0, n) };
    const any = histograms?.some((histogram) => histogram !== undefined) === true;
    return any ? { ...points, histograms } : points;
  }
}

/** Series with times of their own: the samples of a range selector. */
export class SampleSeries implements ResultSeries {
  private readonly sets: LabelSets;
  private readonly rows: readonly { readonly labels: number; readonly points: Points }[];

  constructor(
    rows: readonly { readonly labels: number; readonly points: Points }[],
    sets: LabelSets,
  ) {
    this.rows = rows;
    this.sets = sets;
  }

  get count(): number {
    return this.rows.length;
  }

  labelSet(i: number): number {
    return this.rows[i]!.labels;
  }

  labels(i: number): Labels {
    return this.sets.labels(this.labelSet(i));
  }

  points(i: number): Points {
    return this.rows[i]!.points;
  }
}
