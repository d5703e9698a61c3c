// SPDX-License-Identifier: Apache-2.0
// hot
// limitk and limit_ratio: rows pass through, what is not chosen loses its presence.

import { QueryError } from '../engine/errors.ts';
import type { AggregatePlan } from '../plan/nodes.ts';
import type { SeriesList, StepBatch } from './batch.ts';
import type { QueryContext, ScalarColumn, ScalarOperator, VectorOperator } from './context.ts';
import { groupingNeed, numberGroups } from './groups.ts';
import { labelSetOffset } from './label-hash.ts';
import { type LabelNeed, needAll } from './label-sets.ts';
import { wholeParameters } from './top.ts';

/** What both share: labels of all rows are needed, and are projected for the consumer. */
abstract class FilterOperator implements VectorOperator {
  protected readonly plan: AggregatePlan;
  protected readonly input: VectorOperator;
  protected readonly parameter: ScalarOperator;
  protected readonly context: QueryContext;

  constructor(
    plan: AggregatePlan,
    input: VectorOperator,
    parameter: ScalarOperator,
    context: QueryContext,
  ) {
    this.plan = plan;
    this.input = input;
    this.parameter = parameter;
    this.context = context;
  }

  protected abstract prepare(list: SeriesList): void;
  protected abstract filter(row: number, present: Uint8Array, offset: number, n: number): void;

  open(need: LabelNeed): SeriesList {
    const list = this.input.open(needAll);
    this.prepare(list);
    const { sets } = this.context;
    return { ...list, labels: list.labels.map((set) => sets.project(set, need)) };
  }

  next(out: StepBatch): number {
    const rows = this.input.next(out);
    const n = out.stepCount;
    for (let i = 0; i < rows; i++) this.filter(out.rowStart + i, out.present, i * n, n);
    return rows;
  }
}

/** The first k elements of each group, step by step. */
export class LimitOperator extends FilterOperator {
  private ks: Int32Array | undefined;
  private ofRow = new Int32Array(0);
  private taken = new Int32Array(0);

  protected prepare(list: SeriesList): void {
    const { sets } = this.context;
    const column = this.parameter();
    this.ks = wholeParameters(column);
    const need = groupingNeed(this.plan, this.context);
    const keys = list.labels.map((set) => sets.project(set, need));
    const groups = numberGroups(keys, sets.setCount);
    this.ofRow = groups.ofRow as Int32Array<ArrayBuffer>;
    this.taken = new Int32Array(groups.count * column.length);
  }

  protected filter(row: number, present: Uint8Array, offset: number, n: number): void {
    const first = this.ofRow[row]! * n;
    for (let k = 0; k < n; k++) {
      if (present[offset + k] === 0) continue;
      const taken = this.taken[first + k]!;
      if (this.ks === undefined || taken >= this.ks[k]!) present[offset + k] = 0;
      else this.taken[first + k] = taken + 1;
    }
  }
}

/** The part of the elements whose hash falls below the ratio, or for a negative ratio the others. */
export class LimitRatioOperator extends FilterOperator {
  private ratios: ScalarColumn = new Float64Array(0);
  private labels: Int32Array = new Int32Array(0);

  protected prepare(list: SeriesList): void {
    const { annotations } = this.context;
    this.labels = list.labels;
    this.ratios = this.parameter();
    const max = this.ratios.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const min = this.ratios.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    if (Number.isNaN(max)) throw new QueryError('execution', 'Ratio value is NaN');
    if (max > 1) annotations.invalidRatio(max, 1, this.plan.parameterPosition);
    if (min < -1) annotations.invalidRatio(min, -1, this.plan.parameterPosition);
  }

  protected filter(row: number, present: Uint8Array, offset: number, n: number): void {
    const place = labelSetOffset(this.context.sets.labels(this.labels[row]!));
    for (let k = 0; k < n; k++) {
      const ratio = Math.max(-1, Math.min(1, this.ratios[k]!));
      const chosen = ratio >= 0 ? place < ratio : place >= 1 + ratio;
      // At exactly 0 nothing is chosen, not even the smallest hash.
      if (!chosen || ratio === 0) present[offset + k] = 0;
    }
  }
}
