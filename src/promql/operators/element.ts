// SPDX-License-Identifier: Apache-2.0
// hot
// Operators that change the values of their input's rows in place: functions of each element, and
// arithmetic or comparison with a scalar.

import type { ElementPlan, VectorScalarPlan } from '../plan/nodes.ts';
import { type Histogram, histogramVariance } from '../../model/index.ts';
import type { SeriesSet } from '../../storage/index.ts';
import { arithmetic, compare, isComparison, isTrim, maxOf, minOf } from './arithmetic.ts';
import { type ElementResult, combineElements } from './element-pairs.ts';
import {
  type Cells,
  Presence,
  type SeriesList,
  type StepBatch,
  type Steps,
  dropHistograms,
  histogramAt,
  putHistogram,
} from './batch.ts';
import type {
  QueryContext,
  RowOperator,
  ScalarColumn,
  ScalarOperator,
  VectorOperator,
} from './context.ts';
import { asRows } from './context.ts';
import { mathFunctions } from './element-functions.ts';
import type { LabelNeed } from './label-sets.ts';
import { scaled } from './histogram-values.ts';
import { openNameless } from './names.ts';

/** Applies a function to one row. */
type RowFunction = (values: Float64Array, present: Uint8Array, offset: number, n: number) => void;

function mapped(f: (value: number) => number): RowFunction {
  return (values, _present, offset, n) => {
    for (let i = offset; i < offset + n; i++) values[i] = f(values[i]!);
  };
}

/** Values between two columns; no result at steps where the bounds are crossed. */
function clamped(low: ScalarColumn | undefined, high: ScalarColumn | undefined): RowFunction {
  return (values, present, offset, n) => {
    for (let k = 0; k < n; k++) {
      const min = low === undefined ? Number.NEGATIVE_INFINITY : low[k]!;
      const max = high === undefined ? Number.POSITIVE_INFINITY : high[k]!;
      if (max < min) present[offset + k] = 0;
      values[offset + k] = maxOf(min, minOf(max, values[offset + k]!));
    }
  };
}

function rounded(toNearest: ScalarColumn | undefined): RowFunction {
  return (values, _present, offset, n) => {
    for (let k = 0; k < n; k++) {
      // Dividing by the inverse is what upstream does, and shows in the last digits.
      const inverse = 1 / (toNearest === undefined ? 1 : toNearest[k]!);
      values[offset + k] = Math.floor(values[offset + k]! * inverse + 0.5) / inverse;
    }
  };
}

function stepTimes(steps: Steps): RowFunction {
  return (values, _present, offset, n) => {
    for (let k = 0; k < n; k++) values[offset + k] = (steps.startMs + k * steps.stepMs) / 1000;
  };
}

/** Functions of instant vectors that work on each element by itself. */
export const isElementFunction = (name: string): boolean =>
  Object.hasOwn(mathFunctions, name) ||
  ['clamp', 'clamp_min', 'clamp_max', 'round', 'timestamp', 'start_timestamp'].includes(name);

/** Functions of native histograms: of floats they have no result. */
const histogramFunctions: Readonly<Record<string, (h: Histogram) => number>> = {
  histogram_count: (h) => h.count,
  histogram_sum: (h) => h.sum,
  histogram_avg: (h) => h.sum / h.count,
  histogram_stddev: (h) => Math.sqrt(histogramVariance(h)),
  histogram_stdvar: histogramVariance,
};

/** Evaluates what `func` makes of the histograms in n cells; of all but few functions that's nothing. */
function applyToHistograms(func: string, cells: Cells, at: number, n: number): void {
  const evaluate = histogramFunctions[func];
  if (evaluate === undefined && func !== 'negate' && func !== 'timestamp') {
    dropHistograms(cells, at, n);
    return;
  }
  for (let i = at; i < at + n; i++) {
    const histogram = histogramAt(cells, i);
    if (histogram === undefined) {
      if (evaluate !== undefined) cells.present[i] = Presence.none;
    } else if (func === 'negate') {
      putHistogram(cells, i, scaled(histogram, -1));
    } else {
      cells.present[i] = Presence.float;
      if (evaluate !== undefined) cells.values[i] = evaluate(histogram);
    }
  }
}

function rowFunction(func: string, args: readonly ScalarColumn[], steps: Steps): RowFunction {
  switch (func) {
    case 'clamp':
      return clamped(args[0], args[1]);
    case 'clamp_min':
      return clamped(args[0], undefined);
    case 'clamp_max':
      return clamped(undefined, args[0]);
    case 'round':
      return rounded(args[0]);
    case 'timestamp':
      return stepTimes(steps);
    case 'start_timestamp':
      // Of results no start is known.
      return (_values, present, offset, n) => void present.fill(0, offset, offset + n);
    default:
      return mapped(mathFunctions[func] ?? ((value) => value));
  }
}

/** A function of each element; drops the metric's name. */
export class ElementOperator implements RowOperator {
  private readonly plan: ElementPlan;
  private readonly input: VectorOperator;
  private readonly args: readonly ScalarOperator[];
  private readonly steps: Steps;
  private readonly context: QueryContext;
  private apply: RowFunction | undefined;

  constructor(
    plan: ElementPlan,
    input: VectorOperator,
    args: readonly ScalarOperator[],
    steps: Steps,
    context: QueryContext,
  ) {
    this.plan = plan;
    this.input = input;
    this.args = args;
    this.steps = steps;
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    const args = this.args.map((arg) => arg());
    this.apply = rowFunction(this.plan.func, args, this.steps);
    return openNameless(this.input, need, this.context);
  }

  seek(row: number): void {
    asRows(this.input).seek(row);
  }

  stored(): SeriesSet {
    return asRows(this.input).stored();
  }

  next(out: StepBatch): number {
    const rows = this.input.next(out);
    const n = out.stepCount;
    const { func } = this.plan;
    if (Object.hasOwn(histogramFunctions, func)) {
      if (out.hasHistograms) applyToHistograms(func, out, 0, rows * n);
      else out.present.fill(0, 0, rows * n);
      return rows;
    }
    if (out.hasHistograms) applyToHistograms(func, out, 0, rows * n);
    for (let row = 0; row < rows; row++) this.apply?.(out.values, out.present, row * n, n);
    return rows;
  }
}

/** One row `op` a scalar for each step. */
function applyScalar(
  plan: VectorScalarPlan,
  scalar: ScalarColumn,
  values: Float64Array,
  present: Uint8Array,
  offset: number,
): void {
  const { op, swapped, returnBool } = plan;
  const n = scalar.length;
  if (isTrim(op)) return;
  if (!isComparison(op)) {
    for (let k = 0; k < n; k++) {
      const value = values[offset + k]!;
      const other = scalar[k]!;
      values[offset + k] = swapped ? arithmetic(op, other, value) : arithmetic(op, value, other);
    }
  } else {
    for (let k = 0; k < n; k++) {
      const value = values[offset + k]!;
      const other = scalar[k]!;
      const keep = swapped ? compare(op, other, value) : compare(op, value, other);
      if (returnBool) values[offset + k] = keep ? 1 : 0;
      else if (!keep) present[offset + k] = 0;
    }
  }
}

/** Vector with scalar. A filtering comparison keeps names and values; all else drops names. */
export class VectorScalarOperator implements RowOperator {
  private readonly plan: VectorScalarPlan;
  private readonly input: VectorOperator;
  private readonly scalar: ScalarOperator;
  private readonly context: QueryContext;
  private column: ScalarColumn = new Float64Array(0);

  constructor(
    plan: VectorScalarPlan,
    input: VectorOperator,
    scalar: ScalarOperator,
    context: QueryContext,
  ) {
    this.plan = plan;
    this.input = input;
    this.scalar = scalar;
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    this.column = this.scalar();
    const { op, returnBool } = this.plan;
    const filters = (isComparison(op) || isTrim(op)) && !returnBool;
    return filters ? this.input.open(need) : openNameless(this.input, need, this.context);
  }

  seek(row: number): void {
    asRows(this.input).seek(row);
  }

  stored(): SeriesSet {
    return asRows(this.input).stored();
  }

  next(out: StepBatch): number {
    const rows = this.input.next(out);
    const n = out.stepCount;
    if (out.hasHistograms || isTrim(this.plan.op)) {
      for (let cell = 0; cell < rows * n; cell++)
        this.combineCell(out, cell, this.column[cell % n]!);
      return rows;
    }
    for (let row = 0; row < rows; row++) {
      applyScalar(this.plan, this.column, out.values, out.present, row * n);
    }
    return rows;
  }

  /** A cell that may be a histogram. A comparison keeps the vector's element on whichever side. */
  private combineCell(out: StepBatch, cell: number, scalar: number): void {
    if (out.present[cell] === Presence.none) return;
    const { op, swapped, returnBool, position } = this.plan;
    const element = histogramAt(out, cell) ?? out.values[cell]!;
    const notes = { annotations: this.context.annotations, position };
    const result: ElementResult = swapped
      ? combineElements(op, scalar, element, notes)
      : combineElements(op, element, scalar, notes);
    if (result === undefined) out.present[cell] = Presence.none;
    else if (returnBool) {
      out.present[cell] = Presence.float;
      out.values[cell] = result === false ? 0 : 1;
    } else if (result === false) out.present[cell] = Presence.none;
    else if (!isComparison(op)) {
      if (typeof result === 'object') putHistogram(out, cell, result);
      else {
        out.present[cell] = Presence.float;
        out.values[cell] = result;
      }
    }
  }
}
