// SPDX-License-Identifier: Apache-2.0

import type { SeriesSet } from '../../storage/index.ts';
import type { SampleTimePlan } from '../plan/nodes.ts';
import type { SeriesList, StepBatch, Steps } from './batch.ts';
import type { QueryContext, RowOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';
import { openNameless } from './names.ts';
import { SelectOperator } from './select.ts';

/**
 * `timestamp(selector)`, `start_timestamp(selector)`: the selector's rows with the samples' times, or
 * the times since when they count, as values.
 */
export class SampleTimeOperator implements RowOperator {
  private readonly select: SelectOperator;
  private readonly context: QueryContext;
  /** Start timestamps are asked for, but switched off: nothing is known. */
  private readonly isBlind: boolean;

  constructor(plan: SampleTimePlan, steps: Steps, context: QueryContext) {
    this.select = new SelectOperator(plan.select, steps, context, plan.what);
    this.context = context;
    this.isBlind = plan.what === 'startTime' && context.features.useStartTimestamps !== true;
  }

  open(need: LabelNeed): SeriesList {
    return openNameless(this.select, need, this.context);
  }

  seek(row: number): void {
    this.select.seek(row);
  }

  stored(): SeriesSet {
    return this.select.stored();
  }

  next(out: StepBatch): number {
    const rows = this.select.next(out);
    if (this.isBlind) out.present.fill(0, 0, rows * out.stepCount);
    return rows;
  }
}
