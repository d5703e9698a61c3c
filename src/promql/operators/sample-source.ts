// SPDX-License-Identifier: Apache-2.0
// hot
// Where the samples of range vectors come from: one series at a time, from storage or from a subquery.

import type { QueryMemory } from '../../kernels/index.ts';
import { CounterResetHint, type Histogram, isStale } from '../../model/index.ts';
import type { SeriesSet } from '../../storage/index.ts';
import type { SamplesPlan } from '../plan/nodes.ts';
import { type SeriesList, type StepBatch, type Steps, histogramAt, newBatch } from './batch.ts';
import type { QueryContext, VectorOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';
import { type ReadBounds, type References, samplesBounds } from './references.ts';
import { statsOf } from './histogram-stats.ts';
import { selectStored, storedLabels, storedName } from './stored-series.ts';

/** Series with their samples: no staleness markers, times ascending. */
export interface SampleSource {
  open(need: LabelNeed): SeriesList;
  /** Loads the next series into `times` and `values`; its number of samples, or -1 at the end. */
  next(): number;
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** By sample; undefined when all are floats. */
  readonly histograms: readonly (Histogram | undefined)[] | undefined;
  /** Start timestamps by sample; undefined when there are none or they aren't wanted. */
  readonly startTimes: Float64Array | undefined;
  /** The metric's name of the series last loaded; '' when it has none. */
  metricName(): string;
  /** A label's value of the series last loaded; '' when it has none. */
  label(name: string): string;
}

/** Columns that grow, for series from which something had to be taken out. */
class ScratchColumns {
  times: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  startTimes: Float64Array = new Float64Array(0);

  reserve(samples: number, memory: QueryMemory | undefined): void {
    if (this.times.length >= samples) return;
    this.times = memory?.floats(samples * 2) ?? new Float64Array(samples * 2);
    this.values = memory?.floats(samples * 2) ?? new Float64Array(samples * 2);
    this.startTimes = new Float64Array(samples * 2);
  }
}

/** Index of the first staleness marker of n samples, or n. */
function firstStale(
  values: Float64Array,
  bits: Uint32Array,
  n: number,
  memory: QueryMemory | undefined,
): number {
  if (memory?.holds(values) === true) return memory.kernel.firstStale(values.byteOffset, n);
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
  histograms: readonly (Histogram | undefined)[] | undefined;
  startTimes: Float64Array | undefined;
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

  private get bounds(): ReadBounds {
    return samplesBounds(this.plan, this.refs, this.context.lookbackMs);
  }

  open(need: LabelNeed): SeriesList {
    const { plan, refs, context } = this;
    const hints = { stepMs: refs.stepMs, rangeMs: plan.rangeMs, func: this.func };
    const { minMs, maxMs } = this.bounds;
    this.series = selectStored(context, plan.matchers, minMs, maxMs, hints);
    this.nameId = this.series.symbols.id('__name__');
    this.row = -1;
    const labels = storedLabels(this.series, need, context);
    return { count: this.series.count, labels, dropName: undefined };
  }

  /** The next row to be loaded is `row`. */
  seek(row: number): void {
    this.row = row - 1;
  }

  /** What was selected. */
  stored(): SeriesSet {
    return this.series!;
  }

  next(): number {
    const series = this.series!;
    if (++this.row >= series.count) return -1;
    if ((this.row & 15) === 0) this.context.control.checkpoint();
    const { minMs, maxMs } = this.bounds;
    const n = series.read(this.row, minMs, maxMs);
    const { times, values, valueBits } = series.columns;
    const { histograms } = series;
    const { statsOnly } = this.plan;
    this.histograms = statsOnly === true ? statsOf(histograms, series.columns, n) : histograms;
    this.startTimes = this.wantsStartTimes ? series.startTimes : undefined;
    const stale = firstStale(values, valueBits, n, this.context.memory);
    if (stale === n) {
      this.times = times;
      this.values = values;
      return n;
    }
    return this.withoutStale(series, n);
  }

  private get wantsStartTimes(): boolean {
    return this.context.features.useStartTimestamps === true;
  }

  private withoutStale({ columns }: SeriesSet, n: number): number {
    const { times, values, valueBits } = columns;
    const { scratch, histograms, startTimes } = this;
    scratch.reserve(n, this.context.memory);
    const kept: (Histogram | undefined)[] = [];
    let count = 0;
    for (let i = 0; i < n; i++) {
      const value = values[i]!;
      if (Number.isNaN(value) && isStale(valueBits, i)) continue;
      scratch.times[count] = times[i]!;
      scratch.values[count] = value;
      if (startTimes !== undefined) scratch.startTimes[count] = startTimes[i]!;
      if (histograms !== undefined) kept.push(histograms[i]);
      count++;
    }
    this.times = scratch.times;
    this.values = scratch.values;
    if (startTimes !== undefined) this.startTimes = scratch.startTimes;
    if (histograms !== undefined) this.histograms = kept;
    return count;
  }

  metricName(): string {
    return storedName(this.series!, this.row, this.nameId);
  }

  label(name: string): string {
    const series = this.series!;
    return storedName(series, this.row, series.symbols.id(name));
  }
}

/**
 * A histogram as a subquery gives it: samples may be left out or come twice, so what one knew of the one
 * before it says nothing any more.
 */
function hintless(histogram: Histogram | undefined): Histogram | undefined {
  if (histogram?.counterResetHint === CounterResetHint.gauge) return histogram;
  return histogram?.withHint(CounterResetHint.unknown);
}

/** Of the batch and the columns of times and values. */
const SUBQUERY_STEP_BYTES = 25;

/** The results of a subquery's expression as samples at its own steps. */
export class SubquerySamples implements SampleSource {
  times: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  histograms: (Histogram | undefined)[] | undefined;
  /** The results of an expression have none. */
  readonly startTimes = undefined;
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
    context.budget.allocate(steps.count * SUBQUERY_STEP_BYTES);
    this.batch = newBatch(steps.count, context.memory);
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    const { context, steps } = this;
    const newColumn = (): Float64Array =>
      context.memory?.floats(steps.count) ?? new Float64Array(steps.count);
    this.times = newColumn();
    this.values = newColumn();
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
    this.histograms = undefined;
    if (batch.hasHistograms) return this.loadMixed(offset);
    for (let k = 0; k < steps.count; k++) {
      if (batch.present[offset + k] === 0) continue;
      this.times[n] = steps.startMs + k * steps.stepMs;
      this.values[n++] = batch.values[offset + k]!;
    }
    return n;
  }

  private loadMixed(offset: number): number {
    const { batch, steps } = this;
    const found: (Histogram | undefined)[] = [];
    let any = false;
    for (let k = 0; k < steps.count; k++) {
      if (batch.present[offset + k] === 0) continue;
      const histogram = hintless(histogramAt(batch, offset + k));
      if (histogram !== undefined) any = true;
      this.times[found.length] = steps.startMs + k * steps.stepMs;
      this.values[found.length] = histogram?.sum ?? batch.values[offset + k]!;
      found.push(histogram);
    }
    if (any) this.histograms = found;
    return found.length;
  }

  metricName(): string {
    return this.label('__name__');
  }

  label(name: string): string {
    const { sets } = this.context;
    return sets.text(sets.value(this.list!.labels[this.current]!, sets.symbol(name)));
  }
}
