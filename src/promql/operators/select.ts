// SPDX-License-Identifier: Apache-2.0
// hot
// Instant selectors: for each step the newest sample not older than the lookback.

import { isStale } from '../../model/index.ts';
import type { SeriesSet } from '../../storage/index.ts';
import type { SelectPlan } from '../plan/nodes.ts';
import type { SeriesList, StepBatch, Steps } from './batch.ts';
import type { QueryContext, VectorOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';
import { selectStored, storedLabels } from './stored-series.ts';

/** Reference times of steps: refMs + k × stepMs (0 when `@` fixes the time). */
export interface References {
  readonly refMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** Where a selector looks from, step by step. */
export function references(
  steps: Steps,
  selector: { readonly offsetMs: number; readonly atMs: number | undefined },
): References {
  if (selector.atMs !== undefined) {
    return { refMs: selector.atMs - selector.offsetMs, stepMs: 0, count: steps.count };
  }
  return {
    refMs: steps.startMs - selector.offsetMs,
    stepMs: steps.stepMs,
    count: steps.count,
  };
}

export const lastReference = (refs: References): number =>
  refs.refMs + Math.max(0, refs.count - 1) * refs.stepMs;

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
): number {
  const { times, valueBits } = samples;
  const source = samples.values;
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

/** Rows of an instant selector, or of `timestamp(selector)`. */
export class SelectOperator implements VectorOperator {
  private readonly plan: SelectPlan;
  private readonly context: QueryContext;
  private readonly refs: References;
  private readonly steps: Steps;
  private readonly asTime: boolean;
  private series: SeriesSet | undefined;
  private position = 0;

  constructor(plan: SelectPlan, steps: Steps, context: QueryContext, asTime = false) {
    this.plan = plan;
    this.context = context;
    this.steps = steps;
    this.refs = references(steps, plan);
    this.asTime = asTime;
  }

  private get minMs(): number {
    return this.refs.refMs - this.context.lookbackMs + 1;
  }

  open(need: LabelNeed): SeriesList {
    const hints = { stepMs: this.steps.stepMs, rangeMs: 0, func: '' };
    const maxMs = lastReference(this.refs);
    this.series = selectStored(this.context, this.plan.matchers, this.minMs, maxMs, hints);
    this.position = 0;
    return {
      count: this.series.count,
      labels: storedLabels(this.series, need, this.context),
      dropName: undefined,
    };
  }

  next(out: StepBatch): number {
    const series = this.series!;
    const { budget, lookbackMs, control } = this.context;
    const rows = Math.min(out.rowCapacity, series.count - this.position);
    const maxMs = lastReference(this.refs);
    for (let row = 0; row < rows; row++) {
      if ((row & 63) === 0) control.checkpoint();
      const n = series.read(this.position + row, this.minMs, maxMs);
      const offset = row * out.stepCount;
      const { columns } = series;
      budget.total += fillInstantRow(
        columns,
        n,
        this.refs,
        lookbackMs,
        this.asTime,
        out.values,
        out.present,
        offset,
      );
    }
    out.rowStart = this.position;
    out.rowCount = rows;
    this.position += rows;
    return rows;
  }
}
