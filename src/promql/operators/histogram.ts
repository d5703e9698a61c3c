// SPDX-License-Identifier: Apache-2.0
// hot
// histogram_quantile, histogram_quantiles and histogram_fraction over classic histograms: rows that differ
// only in `le` are one histogram.

import type { HistogramPlan } from '../plan/nodes.ts';
import { formatFloatG } from '../../model/index.ts';
import { type Steps, StepMatrix } from './batch.ts';
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

/** One histogram: a row for each of its buckets. */
interface ClassicHistogram {
  /** Without `le`; without the name too unless that is dropped at the end. */
  readonly labels: number;
  readonly metricName: string;
  readonly rows: number[];
  readonly bounds: number[];
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

class Histograms {
  readonly found: ClassicHistogram[] = [];

  constructor(matrix: StepMatrix, plan: HistogramPlan, context: QueryContext) {
    const { sets, annotations, features } = context;
    const byLabels = new Map<number, ClassicHistogram>();
    const delayed = features.delayedNameRemoval === true;
    for (let row = 0; row < matrix.rowCount; row++) {
      const set = matrix.labels[row]!;
      const le = sets.text(sets.value(set, BUCKET_SYMBOL));
      const bound = parseBound(le);
      const metricName = sets.text(sets.value(set, NAME_SYMBOL));
      if (bound === undefined) {
        annotations.badBucketLabel(le, metricName, plan.vectorPosition);
        continue;
      }
      const removed = delayed ? [BUCKET_SYMBOL] : [BUCKET_SYMBOL, NAME_SYMBOL];
      const labels = sets.removing(set, removed);
      let histogram = byLabels.get(labels);
      if (histogram === undefined) {
        histogram = {
          labels: delayed ? labels : sets.withoutName(labels),
          metricName: delayed ? metricName : '',
          rows: [],
          bounds: [],
        };
        byLabels.set(labels, histogram);
        this.found.push(histogram);
      }
      histogram.rows.push(row);
      histogram.bounds.push(bound);
    }
  }
}

/** Gathers the buckets of `histogram` that have a sample at step k. */
function gather(histogram: ClassicHistogram, matrix: StepMatrix, k: number, out: Buckets): void {
  let n = 0;
  for (let i = 0; i < histogram.rows.length; i++) {
    const row = histogram.rows[i]!;
    const cell = matrix.offset(row) + k;
    if (matrix.present(row)[cell] === 0) continue;
    out.bounds[n] = histogram.bounds[i]!;
    out.counts[n++] = matrix.values(row)[cell]!;
  }
  out.count = n;
}

/** Computes one result row for each histogram, for one φ (or pair of bounds). */
function evaluateInto(
  out: StepMatrix,
  labelsOf: (histogram: ClassicHistogram) => number,
  histograms: Histograms,
  matrix: StepMatrix,
  compute: (k: number, buckets: Buckets, histogram: ClassicHistogram) => number,
  context: QueryContext,
): void {
  const delayed = context.features.delayedNameRemoval === true;
  for (const histogram of histograms.found) {
    context.control.checkpoint();
    const size = histogram.rows.length;
    const buckets = { bounds: new Float64Array(size), counts: new Float64Array(size), count: 0 };
    const to = out.addRow(labelsOf(histogram), delayed);
    const values = out.values(to);
    const present = out.present(to);
    const offset = out.offset(to);
    for (let k = 0; k < out.stepCount; k++) {
      gather(histogram, matrix, k, buckets);
      if (buckets.count === 0) continue;
      values[offset + k] = compute(k, buckets, histogram);
      present[offset + k] = 1;
      out.sampleCount++;
    }
  }
}

/** Evaluates a histogram function. */
export function classicHistograms(
  plan: HistogramPlan,
  input: VectorOperator,
  args: readonly ScalarOperator[],
  steps: Steps,
  context: QueryContext,
): StepMatrix {
  const { sets, annotations, budget } = context;
  const columns = args.map((arg) => arg());
  const matrix = materialise(input, needAll, steps.count, context);
  const histograms = new Histograms(matrix, plan, context);
  const out = new StepMatrix(steps.count, histograms.found.length);
  const fix: MonotonicFix = { forced: false, minBucket: 0, maxBucket: 0, maxDifference: 0 };
  const quantile =
    (q: ScalarColumn) =>
    (k: number, buckets: Buckets, histogram: ClassicHistogram): number => {
      const value = bucketQuantile(q[k]!, buckets, fix);
      if (fix.forced) {
        const timeMs = steps.startMs + k * steps.stepMs;
        const { metricName } = histogram;
        annotations.forcedMonotonicity(metricName, plan.vectorPosition, timeMs, fix);
      }
      return value;
    };
  if (plan.func === 'histogram_fraction') {
    const [lower, upper] = columns;
    const fraction = (k: number, buckets: Buckets): number =>
      bucketFraction(lower![k]!, upper![k]!, buckets);
    evaluateInto(out, ({ labels }) => labels, histograms, matrix, fraction, context);
  } else {
    columns.forEach((q, i) => {
      warnOfQuantiles(q, plan.argPositions[i] ?? plan.position, context);
      // The label's text is that of the first step: φ that changes over time has no other name.
      const text = formatFloatG(q[0] ?? Number.NaN);
      const withLabel = ({ labels }: ClassicHistogram): number =>
        plan.func === 'histogram_quantiles'
          ? sets.with(labels, sets.symbol(plan.label), sets.symbol(text))
          : labels;
      evaluateInto(out, withLabel, histograms, matrix, quantile(q), context);
    });
  }
  budget.release(matrix.sampleCount);
  budget.hold(out.sampleCount);
  return out;
}

function warnOfQuantiles(
  q: ScalarColumn,
  position: { readonly start: number; readonly end: number },
  { annotations }: QueryContext,
): void {
  for (const value of q)
    if (!(value >= 0 && value <= 1)) annotations.invalidQuantile(value, position);
}
