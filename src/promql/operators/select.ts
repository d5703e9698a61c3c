// SPDX-License-Identifier: Apache-2.0
// hot
// Instant selectors: for each step the newest sample not older than the lookback.

import type { QueryMemory } from '../../kernels/index.ts';
import { type Histogram, histogramSampleWeight, isStale } from '../../model/index.ts';
import type { SeriesSet } from '../../storage/index.ts';
import { QueryError } from '../engine/errors.ts';
import type { SelectPlan } from '../plan/nodes.ts';
import { type SeriesList, type StepBatch, type Steps, putHistogram } from './batch.ts';
import type { QueryContext, RowOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';
import { statsOf } from './histogram-stats.ts';
import { type ReadBounds, type References, references, selectBounds } from './references.ts';
import { fillSmoothedRow } from './smoothed.ts';
import { selectStored, storedLabels, storedName } from './stored-series.ts';

interface Samples {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly valueBits: Uint32Array;
}

/**
 * Fills one row from the first `n` samples by one merge of samples and steps. `(ref - lookback, ref]` is
 * where a sample may lie; a staleness marker ends the series until its next sample.
 *
 * @param asTime write the sample's time in seconds instead of its value
 * @param memory where the kernel can be used
 * @returns number of cells present
 */
export function fillInstantRow(
  samples: Samples,
  n: number,
  refs: References,
  lookbackMs: number,
  asTime: boolean,
  values: Float64Array,
  present: Uint8Array,
  offset: number,
  memory?: QueryMemory,
): number {
  const { times, valueBits } = samples;
  const source = samples.values;
  if (memory?.holds(values) === true && memory.holds(times) && memory.holds(source)) {
    return memory.kernel.instant(
      times.byteOffset,
      source.byteOffset,
      n,
      refs.refMs,
      refs.stepMs,
      refs.count,
      lookbackMs,
      asTime ? 1 : 0,
      values.byteOffset + 8 * offset,
      present.byteOffset + offset,
    );
  }
  let next = 0;
  let found = 0;
  for (let k = 0; k < refs.count; k++) {
    const ref = refs.refMs + k * refs.stepMs;
    while (next < n && times[next]! <= ref) next++;
    const cell = offset + k;
    present[cell] = 0;
    if (next === 0) continue;
    const last = next - 1;
    const time = times[last]!;
    if (time <= ref - lookbackMs) continue;
    const value = source[last]!;
    // Only a NaN can be a marker: the bits are looked at just for those.
    if (Number.isNaN(value) && isStale(valueBits, last)) continue;
    values[cell] = asTime ? time / 1000 : value;
    present[cell] = 1;
    found++;
  }
  return found;
}

/**
 * As {@link fillInstantRow} for samples with histograms or start timestamps.
 *
 * @returns number of samples, a histogram counted by its size
 */
function fillMixedRow(
  samples: Samples,
  n: number,
  histograms: readonly (Histogram | undefined)[] | undefined,
  startTimes: Float64Array | undefined,
  refs: References,
  lookbackMs: number,
  what: SelectedValue,
  out: StepBatch,
  offset: number,
): number {
  const { times, values, valueBits } = samples;
  let next = 0;
  let found = 0;
  for (let k = 0; k < refs.count; k++) {
    const ref = refs.refMs + k * refs.stepMs;
    while (next < n && times[next]! <= ref) next++;
    const last = next - 1;
    const cell = offset + k;
    out.present[cell] = 0;
    if (last < 0 || times[last]! <= ref - lookbackMs || isStale(valueBits, last)) continue;
    const histogram = histograms?.[last];
    if (histogram !== undefined && what === 'infoTime') {
      throw new QueryError('execution', 'info sample should be float');
    }
    found += histogram === undefined ? 1 : histogramSampleWeight(histogram);
    if (what === 'value' && histogram !== undefined) {
      putHistogram(out, cell, histogram);
      continue;
    }
    out.present[cell] = 1;
    if (what === 'value') out.values[cell] = values[last]!;
    else
      out.values[cell] = (what === 'startTime' ? (startTimes?.[last] ?? 0) : times[last]!) / 1000;
  }
  return found;
}

/** What of a sample becomes the value. `infoTime` is `time` of what must be floats. */
export type SelectedValue = 'value' | 'time' | 'startTime' | 'infoTime';

/** Rows of an instant selector, of `timestamp(selector)` or `start_timestamp(selector)`. */
export class SelectOperator implements RowOperator {
  private readonly plan: SelectPlan;
  private readonly context: QueryContext;
  private readonly refs: References;
  private readonly steps: Steps;
  private readonly what: SelectedValue;
  private series: SeriesSet | undefined;
  private position = 0;

  constructor(
    plan: SelectPlan,
    steps: Steps,
    context: QueryContext,
    what: SelectedValue = 'value',
  ) {
    this.plan = plan;
    this.context = context;
    this.steps = steps;
    this.refs = references(steps, plan);
    this.what = what;
  }

  private get bounds(): ReadBounds {
    return selectBounds(this.plan, this.refs, this.context.lookbackMs);
  }

  open(need: LabelNeed): SeriesList {
    const hints = { stepMs: this.steps.stepMs, rangeMs: 0, func: '' };
    const { minMs, maxMs } = this.bounds;
    this.series = selectStored(this.context, this.plan.matchers, minMs, maxMs, hints);
    this.position = 0;
    return {
      count: this.series.count,
      labels: storedLabels(this.series, need, this.context),
      dropName: undefined,
    };
  }

  seek(row: number): void {
    this.position = row;
  }

  stored(): SeriesSet {
    return this.series!;
  }

  next(out: StepBatch): number {
    const series = this.series!;
    const { counter, lookbackMs, control, memory } = this.context;
    const rows = Math.min(out.rowCapacity, series.count - this.position);
    const { what } = this;
    const { minMs, maxMs } = this.bounds;
    out.hasHistograms = false;
    for (let row = 0; row < rows; row++) {
      if ((row & 63) === 0) control.checkpoint();
      const n = series.read(this.position + row, minMs, maxMs);
      const offset = row * out.stepCount;
      const { columns, histograms } = series;
      if (histograms !== undefined || what === 'startTime' || this.plan.smoothed) {
        const found = this.fillOther(this.position + row, n, out, offset);
        counter?.addRow(out, offset, found);
        continue;
      }
      const found = fillInstantRow(
        columns,
        n,
        this.refs,
        lookbackMs,
        what !== 'value',
        out.values,
        out.present,
        offset,
        memory,
      );
      counter?.addRow(out, offset, found);
    }
    out.rowStart = this.position;
    out.rowCount = rows;
    this.position += rows;
    return rows;
  }

  /** Rows that are not simply floats. */
  private fillOther(row: number, n: number, out: StepBatch, offset: number): number {
    const { refs, what, context, plan } = this;
    const series = this.series!;
    const { columns, startTimes } = series;
    const { lookbackMs } = context;
    const { histograms: stored } = series;
    const histograms = plan.statsOnly === true ? statsOf(stored, columns, n) : stored;
    if (!plan.smoothed) {
      return fillMixedRow(columns, n, histograms, startTimes, refs, lookbackMs, what, out, offset);
    }
    const notes = {
      annotations: context.annotations,
      position: plan.position,
      metricName: () => storedName(series, row, series.symbols.id('__name__')),
    };
    return fillSmoothedRow(columns, n, histograms, refs, lookbackMs, out, offset, notes);
  }
}
