// SPDX-License-Identifier: Apache-2.0
// Functions of range vectors: one series is read, its windows are evaluated at all steps, and it is let go.

import { assert } from '../../base/index.ts';
import type { SeriesSet } from '../../storage/index.ts';
import type { WindowPlan } from '../plan/nodes.ts';
import type { SeriesList, StepBatch, Steps } from './batch.ts';
import type { QueryContext, RowOperator, ScalarOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';
import { type MixedRow, evaluateMixedRow, needsMixed } from './mixed-rows.ts';
import { openNameless } from './names.ts';
import { type SampleSource, StoredSamples } from './sample-source.ts';
import { references } from './references.ts';
import { keepsName, newWindowFunction } from './window-functions.ts';
import { WorkMeter, type WindowFunction, type Windows, slideWindows } from './windows.ts';

const counterSuffix = /_(?:total|sum|count|bucket)$/;

export class WindowOperator implements RowOperator {
  private readonly plan: WindowPlan;
  private readonly source: SampleSource;
  private readonly context: QueryContext;
  private readonly args: readonly ScalarOperator[];
  private readonly steps: Steps;
  private readonly func: WindowFunction;
  private readonly warned = new Set<string>();
  private windows: Windows | undefined;
  private position = 0;
  private invalidQuantile: number | undefined;

  constructor(
    plan: WindowPlan,
    source: SampleSource,
    args: readonly ScalarOperator[],
    steps: Steps,
    context: QueryContext,
  ) {
    const func = newWindowFunction(plan.func);
    assert(func !== undefined, `no window function ${plan.func}`);
    this.plan = plan;
    this.source = source;
    this.args = args;
    this.steps = steps;
    this.context = context;
    this.func = func;
  }

  open(need: LabelNeed): SeriesList {
    const { plan, steps, context } = this;
    const { memory } = context;
    this.windows = {
      times: new Float64Array(0),
      values: new Float64Array(0),
      count: 0,
      lo: memory?.integers(steps.count) ?? new Int32Array(steps.count),
      hi: memory?.integers(steps.count) ?? new Int32Array(steps.count),
      refs: references(steps, plan.range),
      rangeMs: plan.range.rangeMs,
      evalMs: steps.startMs,
      evalStepMs: steps.stepMs,
      args: this.args.map((arg) => arg()),
      work: new WorkMeter(() => context.control.checkpoint()),
      memory: undefined,
    };
    this.position = 0;
    this.invalidQuantile = this.noQuantile(this.windows);
    if (keepsName(plan.func)) return this.source.open(need);
    return openNameless(this.source, need, context);
  }

  /** The first φ that is none, to be told once there is something to take a quantile of. */
  private noQuantile(windows: Windows): number | undefined {
    if (this.plan.func !== 'quantile_over_time') return undefined;
    return windows.args[0]?.find((q) => !(q >= 0 && q <= 1));
  }

  seek(row: number): void {
    assert(this.source instanceof StoredSamples, 'rows of a subquery');
    this.source.seek(row);
    this.position = row;
  }

  stored(): SeriesSet {
    assert(this.source instanceof StoredSamples, 'rows of a subquery');
    return this.source.stored();
  }

  next(out: StepBatch): number {
    const { source, context } = this;
    const windows = this.windows!;
    const start = this.position;
    let rows = 0;
    out.hasHistograms = false;
    while (rows < out.rowCapacity) {
      const n = source.next();
      if (n < 0) break;
      context.budget.hold(n);
      windows.times = source.times;
      windows.values = source.values;
      windows.count = n;
      windows.memory = this.within(windows) ? context.memory : undefined;
      const offset = rows * out.stepCount;
      if (n === 0) {
        out.present.fill(0, offset, offset + out.stepCount);
      } else {
        const inAll = slideWindows(windows);
        context.counter?.addWindows(windows, inAll, source.histograms);
        if (needsMixed(this.plan, source)) {
          evaluateMixedRow(this.plan, this.mixedRow(windows), out, offset);
        } else {
          this.func.evaluate(windows, out.values, out.present, offset);
        }
        this.annotate(out.present, offset, out.stepCount);
      }
      context.budget.release(n);
      rows++;
    }
    this.position += rows;
    out.rowStart = start;
    out.rowCount = rows;
    return rows;
  }

  /** Whether the kernel can get at the columns of a row. */
  private within({ times, values, lo, hi }: Windows): boolean {
    const { memory } = this.context;
    if (memory === undefined || !memory.holds(times) || !memory.holds(values)) return false;
    return memory.holds(lo) && memory.holds(hi);
  }

  private mixedRow(windows: Windows): MixedRow {
    const { source, context, plan } = this;
    return {
      times: source.times,
      values: source.values,
      histograms: source.histograms,
      startTimes: source.startTimes,
      windows,
      func: this.func,
      lookbackMs: context.lookbackMs,
      notes: {
        annotations: context.annotations,
        position: plan.argPositions[0] ?? plan.position,
        metricName: () => source.metricName(),
      },
    };
  }

  private annotate(present: Uint8Array, offset: number, stepCount: number): void {
    const { plan, context } = this;
    const place = plan.argPositions[0] ?? plan.position;
    if (this.invalidQuantile !== undefined) {
      context.annotations.invalidQuantile(this.invalidQuantile, place);
      this.invalidQuantile = undefined;
    }
    if (plan.func !== 'rate' && plan.func !== 'increase') return;
    if (plan.range.kind === 'samples' && plan.range.name !== undefined && this.warned.size > 0)
      return;
    const name = this.source.metricName();
    if (name === '' || this.warned.has(name)) return;
    // Only results that are floats say that the samples were.
    if (present.indexOf(1, offset) < 0 || present.indexOf(1, offset) >= offset + stepCount) return;
    if (context.features.typeAndUnitLabels === true) {
      const type = this.source.label('__type__');
      if (type === 'counter' || type === 'histogram') return;
      context.annotations.possibleNonCounterType(name, type, place);
      return;
    }
    this.warned.add(name);
    if (counterSuffix.test(name)) return;
    context.annotations.possibleNonCounter(name, place);
  }
}
