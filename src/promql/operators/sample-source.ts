// SPDX-License-Identifier: Apache-2.0
// hot
// Where the samples of range vectors come from: one series at a time, from storage or from a subquery.

import { isStale } from '../../model/index.ts';
import type { SeriesSet } from '../../storage/index.ts';
import type { SamplesPlan } from '../plan/nodes.ts';
import { type SeriesList, type StepBatch, type Steps, newBatch } from './batch.ts';
import type { QueryContext, VectorOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';
import { type References, lastReference } from './select.ts';
import { selectStored, storedLabels, storedName } from './stored-series.ts';

/** Series with their samples: no staleness markers, times ascending. */
export interface SampleSource {
  open(need: LabelNeed): SeriesList;
  /** Loads the next series into `times` and `values`; its number of samples, or -1 at the end. */
  next(): number;
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** The metric's name of the series last loaded; '' when it has none. */
  metricName(): string;
}

/** Columns that grow, for series from which something had to be taken out. */
class ScratchColumns {
  times: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);

  reserve(samples: number): void {
    if (this.times.length >= samples) return;
    this.times = new Float64Array(samples * 2);
    this.values = new Float64Array(samples * 2);
  }
}

/** Index of the first staleness marker of n samples, or n. */
function firstStale(values: Float64Array, bits: Uint32Array, n: number): number {
  for (let i = 0; i < n; i++) {
    const value = values[i]!;
    if (Number.isNaN(value) && isStale(bits, i)) return i;
  }
  return n;
}

/** A range selector's samples straight from storage. */
export class StoredSamples implements SampleSource {
  times: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  private readonly plan: SamplesPlan;
  private readonly refs: References;
  private readonly func: string;
  private readonly context: QueryContext;
  private readonly scratch = new ScratchColumns();
  private series: SeriesSet | undefined;
  private row = -1;
  private nameId = 0;

  constructor(plan: SamplesPlan, refs: References, func: string, context: QueryContext) {
    this.plan = plan;
    this.refs = refs;
    this.func = func;
    this.context = context;
  }

  private get minMs(): number {
    return this.refs.refMs - this.plan.rangeMs + 1;
  }

  open(need: LabelNeed): SeriesList {
    const { plan, refs, context } = this;
    const hints = { stepMs: refs.stepMs, rangeMs: plan.rangeMs, func: this.func };
    this.series = selectStored(context, plan.matchers, this.minMs, lastReference(refs), hints);
    this.nameId = this.series.symbols.id('__name__');
    this.row = -1;
    const labels = storedLabels(this.series, need, context);
    return { count: this.series.count, labels, dropName: undefined };
  }

  next(): number {
    const series = this.series!;
    if (++this.row >= series.count) return -1;
    if ((this.row & 15) === 0) this.context.control.checkpoint();
    const n = series.read(this.row, this.minMs, lastReference(this.refs));
    const { times, values, valueBits } = series.columns;
    const stale = firstStale(values, valueBits, n);
    if (stale === n) {
      this.times = times;
      this.values = values;
      return n;
    }
    const { scratch } = this;
    scratch.reserve(n);
    let kept = 0;
    for (let i = 0; i < n; i++) {
      const value = values[i]!;
      if (Number.isNaN(value) && isStale(valueBits, i)) continue;
      scratch.times[kept] = times[i]!;
      scratch.values[kept++] = value;
    }
    this.times = scratch.times;
    this.values = scratch.values;
    return kept;
  }

  metricName(): string {
    return storedName(this.series!, this.row, this.nameId);
  }
}

/** The results of a subquery's expression as samples at its own steps. */
export class SubquerySamples implements SampleSource {
  times: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  private readonly inner: VectorOperator;
  private readonly steps: Steps;
  private readonly batch: StepBatch;
  private readonly context: QueryContext;
  private list: SeriesList | undefined;
  private row = 0;
  private current = -1;

  constructor(inner: VectorOperator, steps: Steps, context: QueryContext) {
    this.inner = inner;
    this.steps = steps;
    this.batch = newBatch(steps.count);
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    this.times = new Float64Array(this.steps.count);
    this.values = new Float64Array(this.steps.count);
    this.list = this.inner.open(need);
    this.row = 0;
    this.batch.rowCount = 0;
    return this.list;
  }

  next(): number {
    const { batch, steps } = this;
    if (this.row >= batch.rowCount) {
      this.context.control.checkpoint();
      if (this.inner.next(batch) === 0) return -1;
      this.row = 0;
    }
    const offset = this.row * steps.count;
    this.current = batch.rowStart + this.row;
    this.row++;
    let n = 0;
    for (let k = 0; k < steps.count; k++) {
      if (batch.present[offset + k] === 0) continue;
      this.times[n] = steps.startMs + k * steps.stepMs;
      this.values[n++] = batch.values[offset + k]!;
    }
    return n;
  }

  metricName(): string {
    const { sets } = this.context;
    return sets.text(sets.value(this.list!.labels[this.current]!, sets.symbol('__name__')));
  }
}
