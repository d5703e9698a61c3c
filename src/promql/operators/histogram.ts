// SPDX-License-Identifier: Apache-2.0
// hot
// histogram_quantile, histogram_quantiles and histogram_fraction: over classic histograms, where rows that
// differ only in `le` are one histogram, and over native ones. Where both are at one step with the same
// labels, neither counts.

import type { HistogramPlan } from '../plan/nodes.ts';
import { formatOpenMetricsFloat } from '../../exposition/index.ts';
import {
  type Histogram,
  NaNEffect,
  type Statistic,
  histogramFraction,
  histogramQuantile,
} from '../../model/index.ts';
import { Presence, type Steps, StepMatrix } from './batch.ts';
import {
  type Buckets,
  type MonotonicFix,
  bucketFraction,
  bucketQuantile,
} from './classic-buckets.ts';
import {
  type QueryContext,
  type ScalarColumn,
  type ScalarOperator,
  type VectorOperator,
  materialise,
} from './context.ts';
import { BUCKET_SYMBOL, NAME_SYMBOL, needAll } from './label-sets.ts';
import { sameLabelset } from './merge.ts';

/** What both kinds have. */
interface HistogramSeries {
  /** Without `le`; without the name too unless that is dropped at the end. */
  readonly labels: number;
  readonly metricName: string;
  /** 1 at the steps at which a histogram of the other kind has the same labels. */
  conflicts: Uint8Array | undefined;
}

/** One histogram: a row for each of its buckets. */
interface ClassicHistogram extends HistogramSeries {
  readonly rows: number[];
  readonly bounds: number[];
}

interface NativeHistogram extends HistogramSeries {
  readonly row: number;
}

/** `le` as Go's ParseFloat reads it; undefined when it is no number. */
export function parseBound(text: string): number | undefined {
  const lower = text.toLowerCase();
  const unsigned = lower.replace(/^[+-]/, '');
  const sign = lower.startsWith('-') ? -1 : 1;
  if (unsigned === 'inf' || unsigned === 'infinity') return sign * Number.POSITIVE_INFINITY;
  if (unsigned === 'nan') return Number.NaN;
  if (!/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(unsigned)) return undefined;
  return sign * Number(unsigned);
}

/** The histograms of a whole input. */
class Histograms {
  readonly classic: ClassicHistogram[] = [];
  readonly native: NativeHistogram[] = [];
  private readonly byLabels = new Map<number, ClassicHistogram>();

  constructor(matrix: StepMatrix, plan: HistogramPlan, context: QueryContext) {
    for (let row = 0; row < matrix.rowCount; row++) {
      const { floats, histograms } = kindsOf(matrix, row);
      if (floats) this.addBucket(matrix, row, plan, context);
      if (histograms) this.addNative(matrix, row, context);
    }
    for (const native of this.native) this.findConflicts(native, matrix, plan, context);
  }

  private addBucket(
    matrix: StepMatrix,
    row: number,
    plan: HistogramPlan,
    { sets, annotations, features }: QueryContext,
  ): void {
    const set = matrix.labels[row]!;
    const le = sets.text(sets.value(set, BUCKET_SYMBOL));
    const bound = parseBound(le);
    const metricName = sets.text(sets.value(set, NAME_SYMBOL));
    if (bound === undefined) {
      annotations.badBucketLabel(le, metricName, plan.vectorPosition);
      return;
    }
    const delayed = features.delayedNameRemoval === true;
    const key = sets.removing(set, [BUCKET_SYMBOL]);
    let histogram = this.byLabels.get(key);
    if (histogram === undefined) {
      histogram = {
        labels: delayed ? key : sets.withoutName(key),
        metricName: delayed ? metricName : '',
        conflicts: undefined,
        rows: [],
        bounds: [],
      };
      this.byLabels.set(key, histogram);
      this.classic.push(histogram);
    }
    histogram.rows.push(row);
    histogram.bounds.push(bound);
  }

  private addNative(matrix: StepMatrix, row: number, { sets, features }: QueryContext): void {
    const set = matrix.labels[row]!;
    const delayed = features.delayedNameRemoval === true;
    this.native.push({
      labels: delayed ? set : sets.withoutName(set),
      metricName: delayed ? sets.text(sets.value(set, NAME_SYMBOL)) : '',
      conflicts: undefined,
      row,
    });
  }

  private findConflicts(
    native: NativeHistogram,
    matrix: StepMatrix,
    plan: HistogramPlan,
    { sets, annotations }: QueryContext,
  ): void {
    const set = matrix.labels[native.row]!;
    const classic = this.byLabels.get(set);
    if (classic === undefined) return;
    const conflicts = new Uint8Array(matrix.stepCount);
    for (let k = 0; k < conflicts.length; k++) {
      if (matrix.histogram(native.row, k) === undefined) continue;
      const both = classic.rows.some(
        (row) => matrix.present(row)[matrix.offset(row) + k] === Presence.float,
      );
      if (both) conflicts[k] = 1;
    }
    if (!conflicts.includes(1)) return;
    native.conflicts = conflicts;
    classic.conflicts = conflicts;
    const metricName = sets.text(sets.value(set, NAME_SYMBOL));
    annotations.mixedClassicNative(metricName, plan.vectorPosition);
  }
}

function kindsOf(matrix: StepMatrix, row: number) {
  const at = matrix.offset(row);
  const cells = matrix.present(row).subarray(at, at + matrix.stepCount);
  return { floats: cells.includes(Presence.float), histograms: cells.includes(Presence.histogram) };
}

/** A bucket's row: its cells begin at `at`. */
interface BucketRow {
  readonly bound: number;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly at: number;
}

/** The rows of a histogram, in the order of their bounds, so that no step has to sort them. */
function bucketRows({ rows, bounds }: ClassicHistogram, matrix: StepMatrix): BucketRow[] {
  const buckets = rows.map((row, i) => ({
    bound: bounds[i]!,
    values: matrix.values(row),
    present: matrix.present(row),
    at: matrix.offset(row),
  }));
  // A bound that is NaN has no place; each step leaves it where it is.
  if (bounds.some((bound) => Number.isNaN(bound))) return buckets;
  return buckets.sort((a, b) => (a.bound < b.bound ? -1 : a.bound > b.bound ? 1 : 0));
}

/** Gathers the buckets that have a sample at step k. */
function gather(rows: readonly BucketRow[], k: number, out: Buckets): void {
  const { bounds, counts } = out;
  let n = 0;
  for (let i = 0; i < rows.length; i++) {
    const { bound, values, present, at } = rows[i]!;
    if (present[at + k] !== Presence.float) continue;
    bounds[n] = bound;
    counts[n++] = values[at + k]!;
  }
  out.count = n;
}

interface ResultRow {
  readonly set: number;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly at: number;
}

/** Results by label set, in the order in which they appear. */
class Results {
  readonly out: StepMatrix;
  private readonly rowOfSet = new Map<number, number>();
  private readonly dropName: boolean;
  /** The row that was put to last, as steps of one follow each other. */
  private last: ResultRow = {
    set: -1,
    values: new Float64Array(0),
    present: new Uint8Array(0),
    at: 0,
  };

  constructor(stepCount: number, { budget, features }: QueryContext) {
    this.out = new StepMatrix(stepCount, 1, budget);
    this.dropName = features.delayedNameRemoval === true;
  }

  private find(set: number): void {
    const { out, rowOfSet } = this;
    let row = rowOfSet.get(set);
    if (row === undefined) {
      row = out.addRow(set, this.dropName);
      rowOfSet.set(set, row);
    }
    this.last = { set, values: out.values(row), present: out.present(row), at: out.offset(row) };
  }

  put(set: number, k: number, value: number): void {
    if (set !== this.last.set) this.find(set);
    const { values, present, at } = this.last;
    if (present[at + k] !== 0) throw sameLabelset();
    values[at + k] = value;
    present[at + k] = 1;
    this.out.sampleCount++;
  }
}

/** How one function (with one φ, or one pair of bounds) evaluates a histogram at a step. */
interface Evaluation {
  labels(histogram: HistogramSeries, k: number): number;
  native(k: number, histogram: Histogram): Statistic;
  classic(k: number, buckets: Buckets, histogram: ClassicHistogram): number;
  /** Tells what observations that are NaN did. */
  note(effect: NaNEffect, metricName: string): void;
}

function evaluateInto(
  results: Results,
  histograms: Histograms,
  matrix: StepMatrix,
  evaluation: Evaluation,
  context: QueryContext,
): void {
  const n = matrix.stepCount;
  for (const native of histograms.native) {
    context.control.checkpoint();
    for (let k = 0; k < n; k++) {
      const histogram = matrix.histogram(native.row, k);
      if (histogram === undefined || native.conflicts?.[k] === 1) continue;
      const { value, effect } = evaluation.native(k, histogram);
      if (effect !== NaNEffect.none) evaluation.note(effect, native.metricName);
      results.put(evaluation.labels(native, k), k, value);
    }
  }
  for (const classic of histograms.classic) {
    context.control.checkpoint();
    const size = classic.rows.length;
    const rows = bucketRows(classic, matrix);
    const buckets = {
      bounds: new Float64Array(size),
      counts: new Float64Array(size),
      count: 0,
      ascending: rows.every(({ bound }, i) => i === 0 || bound > rows[i - 1]!.bound),
    };
    for (let k = 0; k < n; k++) {
      if (classic.conflicts?.[k] === 1) continue;
      gather(rows, k, buckets);
      if (buckets.count === 0) continue;
      const value = evaluation.classic(k, buckets, classic);
      results.put(evaluation.labels(classic, k), k, value);
    }
  }
}

function fractions(
  lower: ScalarColumn,
  upper: ScalarColumn,
  plan: HistogramPlan,
  { annotations }: QueryContext,
): Evaluation {
  return {
    labels: ({ labels }) => labels,
    native: (k, histogram) => histogramFraction(lower[k]!, upper[k]!, histogram),
    classic: (k, buckets) => bucketFraction(lower[k]!, upper[k]!, buckets),
    note: (_effect, metricName) => annotations.fractionOfNaNs(metricName, plan.vectorPosition),
  };
}

function quantiles(
  q: ScalarColumn,
  plan: HistogramPlan,
  steps: Steps,
  { sets, annotations }: QueryContext,
): Evaluation {
  const fix: MonotonicFix = { forced: false, minBucket: 0, maxBucket: 0, maxDifference: 0 };
  const named = plan.func === 'histogram_quantiles';
  return {
    labels({ labels }, k) {
      if (!named) return labels;
      const text = sets.symbol(formatOpenMetricsFloat(q[k]!));
      return sets.with(labels, sets.symbol(plan.label), text);
    },
    native: (k, histogram) => histogramQuantile(q[k]!, histogram),
    classic(k, buckets, { metricName }) {
      const value = bucketQuantile(q[k]!, buckets, fix);
      if (fix.forced) {
        const timeMs = steps.startMs + k * steps.stepMs;
        annotations.forcedMonotonicity(metricName, plan.vectorPosition, timeMs, fix);
      }
      return value;
    },
    note(effect, metricName) {
      const result = effect === NaNEffect.result ? 'NaN' : 'skewed';
      annotations.quantileOfNaNs(result, metricName, plan.vectorPosition);
    },
  };
}

/** Evaluates a histogram function. */
export function histogramResults(
  plan: HistogramPlan,
  input: VectorOperator,
  args: readonly ScalarOperator[],
  steps: Steps,
  context: QueryContext,
): StepMatrix {
  const { budget } = context;
  const columns = args.map((arg) => arg());
  const matrix = materialise(input, needAll, steps.count, context);
  const histograms = new Histograms(matrix, plan, context);
  const results = new Results(steps.count, context);
  if (plan.func === 'histogram_fraction') {
    const evaluation = fractions(columns[0]!, columns[1]!, plan, context);
    evaluateInto(results, histograms, matrix, evaluation, context);
  } else {
    columns.forEach((q, i) => {
      warnOfQuantiles(q, plan.argPositions[i] ?? plan.position, context);
      evaluateInto(results, histograms, matrix, quantiles(q, plan, steps, context), context);
    });
  }
  budget.release(matrix.sampleCount);
  matrix.free();
  budget.hold(results.out.sampleCount);
  return results.out;
}

function warnOfQuantiles(
  q: ScalarColumn,
  position: { readonly start: number; readonly end: number },
  { annotations }: QueryContext,
): void {
  for (const value of q)
    if (!(value >= 0 && value <= 1)) annotations.invalidQuantile(value, position);
}
