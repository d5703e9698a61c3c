// SPDX-License-Identifier: Apache-2.0
// From the plan to operators. A node that several others use at the same steps becomes one shared result.

import { assert } from '../../base/index.ts';
import { AggregateOperator, isFolded } from '../operators/aggregate.ts';
import { type Steps, stepsKey } from '../operators/batch.ts';
import { ComputedOperator, countValues, quantileAggregate } from '../operators/collected.ts';
import {
  asRows,
  type QueryContext,
  type ScalarOperator,
  type VectorOperator,
} from '../operators/context.ts';
import { ElementOperator, VectorScalarOperator } from '../operators/element.ts';
import { histogramResults } from '../operators/histogram.ts';
import { infoJoin } from '../operators/info.ts';
import { joinVectors } from '../operators/join.ts';
import { LabelOperator } from '../operators/label-functions.ts';
import { LimitOperator, LimitRatioOperator } from '../operators/limit.ts';
import { MergeOperator } from '../operators/merge.ts';
import { type SampleSource, StoredSamples, SubquerySamples } from '../operators/sample-source.ts';
import { constantColumn, memoised, repeated, scalarCall, scalarOf } from '../operators/scalars.ts';
import { references } from '../operators/references.ts';
import type { Profiler } from '../operators/profile.ts';
import { SampleCounter } from '../operators/sample-counter.ts';
import { SelectOperator } from '../operators/select.ts';
import { FilterBySetOperator, UnionOperator } from '../operators/set-operators.ts';
import { SharedOperator, SharedResult } from '../operators/shared.ts';
import { RepeatOperator, absent, vectorOf } from '../operators/simple.ts';
import { sorted } from '../operators/sort.ts';
import { SplitOperator } from '../operators/split.ts';
import { TopOperator } from '../operators/top.ts';
import { SampleTimeOperator } from '../operators/sample-time.ts';
import { WindowOperator } from '../operators/window.ts';
import { firstOf, planInputs, subquerySteps } from './inputs.ts';
import { isLeaf, leafText } from '../plan/leaf.ts';
import type { AggregatePlan, PlanNode, RangePlan, ScalarPlan, VectorPlan } from '../plan/nodes.ts';

/** Samples that a leaf reads and cells that it fills. */
export type CostOf = (leaf: VectorPlan, steps: Steps) => number;

/** Makes the operators of one query. */
export class Compiler {
  private context: QueryContext;
  private readonly profiler: Profiler | undefined;
  private readonly uses = new Map<string, number>();
  private readonly shared = new Map<string, SharedResult>();
  private readonly scalars = new Map<string, ScalarOperator>();
  private readonly costOf: CostOf | undefined;

  /**
   * @param profiler measures every operator, for analyze
   * @param costOf tells which leaves are worth being split; without it none is
   */
  constructor(context: QueryContext, profiler?: Profiler, costOf?: CostOf) {
    this.context = context;
    this.profiler = profiler;
    this.costOf = costOf;
  }

  /** Counts how often each node is used from `root` on; call before compiling it. */
  countUses(root: PlanNode, steps: Steps): void {
    const key = `${root.id}@${stepsKey(steps)}`;
    const uses = (this.uses.get(key) ?? 0) + 1;
    this.uses.set(key, uses);
    if (uses > 1) return;
    for (const [input, at] of planInputs(root, steps)) this.countUses(input, at);
  }

  vector(plan: VectorPlan, steps: Steps): VectorOperator {
    const key = `${plan.id}@${stepsKey(steps)}`;
    const { context } = this;
    const make = (): VectorOperator => {
      const operator = this.within(
        context,
        () => this.split(plan, steps) ?? this.newVector(plan, steps),
      );
      return this.profiler?.vector(key, operator) ?? operator;
    };
    if ((this.uses.get(key) ?? 0) <= 1) return make();
    let shared = this.shared.get(key);
    if (shared === undefined) {
      shared = new SharedResult(make, steps.count, context);
      this.shared.set(key, shared);
    }
    return new SharedOperator(shared);
  }

  /** A leaf that several threads compute; undefined when it is none, or not worth it. */
  private split(plan: VectorPlan, steps: Steps): VectorOperator | undefined {
    const { context, costOf } = this;
    const { fanOut, lookbackMs } = context;
    if (fanOut === undefined || costOf === undefined || this.profiler !== undefined) return;
    const uses = (node: VectorPlan): number => this.uses.get(`${node.id}@${stepsKey(steps)}`) ?? 0;
    if (!isLeaf(plan, (node) => uses(node) > 1)) return;
    if (costOf(plan, steps) < fanOut.costMin) return;
    const text = leafText({ plan, steps, lookbackMs });
    const make = (inner: QueryContext) =>
      asRows(this.within(inner, () => this.newVector(plan, steps)));
    return new SplitOperator(context, fanOut, text, steps.count, make);
  }

  /** Runs `build` with another context for what it makes. */
  private within<Result>(context: QueryContext, build: () => Result): Result {
    const before = this.context;
    this.context = context;
    try {
      return build();
    } finally {
      this.context = before;
    }
  }

  /**
   * Builds what is evaluated at one step for all `steps`.
   *
   * @returns what was built, and what to call when it has been evaluated
   */
  private once<Result>(steps: Steps, build: () => Result): [Result, () => void] {
    const { context } = this;
    const counter = context.counter && new SampleCounter();
    const built = this.within({ ...context, counter }, build);
    const done = (): void => {
      context.counter?.addEverywhere(counter?.total ?? 0, steps.count);
      if (counter !== undefined) counter.total = 0;
    };
    return [built, done];
  }

  scalar(plan: ScalarPlan, steps: Steps): ScalarOperator {
    const key = `${plan.id}@${stepsKey(steps)}`;
    let operator = this.scalars.get(key);
    if (operator === undefined) {
      const made = this.newScalar(plan, steps);
      operator = memoised(this.profiler?.scalar(key, made) ?? made);
      this.scalars.set(key, operator);
    }
    return operator;
  }

  private newScalar(plan: ScalarPlan, steps: Steps): ScalarOperator {
    switch (plan.kind) {
      case 'constant':
        return constantColumn(plan.value, steps);
      case 'scalarCall':
        return scalarCall(
          plan,
          plan.operands.map((node) => this.scalar(node, steps)),
          steps,
        );
      case 'scalarOf':
        return scalarOf(this.vector(plan.vector, steps), steps, this.context);
      case 'onceScalar': {
        const [inner, done] = this.once(steps, () => this.scalar(plan.inner, firstOf(steps)));
        const column = repeated(inner, steps);
        return () => {
          const values = column();
          done();
          return values;
        };
      }
    }
  }

  private newVector(plan: VectorPlan, steps: Steps): VectorOperator {
    const { context } = this;
    switch (plan.kind) {
      case 'select':
        return new SelectOperator(plan, steps, context);
      case 'sampleTime':
        return new SampleTimeOperator(plan, steps, context);
      case 'window': {
        const source = this.source(plan.range, steps, plan.func);
        return new WindowOperator(plan, source, this.columns(plan.args, steps), steps, context);
      }
      case 'element': {
        const input = this.vector(plan.vector, steps);
        return new ElementOperator(plan, input, this.columns(plan.args, steps), steps, context);
      }
      case 'vectorScalar': {
        const input = this.vector(plan.vector, steps);
        return new VectorScalarOperator(plan, input, this.scalar(plan.scalar, steps), context);
      }
      case 'aggregate':
        return this.aggregate(plan, steps);
      case 'label':
        return new LabelOperator(plan, this.vector(plan.vector, steps), context);
      case 'once': {
        const build = (): VectorOperator => this.vector(plan.inner, firstOf(steps));
        return new RepeatOperator(...this.once(steps, build));
      }
      case 'merge': {
        const input = this.vector(plan.inner, steps);
        return new MergeOperator(input, plan.strict, steps.count, context);
      }
      default:
        return this.newCollected(plan, steps);
    }
  }

  /** The operators that need their inputs whole. */
  private newCollected(
    plan: Extract<
      VectorPlan,
      { kind: 'join' | 'set' | 'absent' | 'vectorOf' | 'sort' | 'histogram' | 'info' }
    >,
    steps: Steps,
  ): VectorOperator {
    const { context } = this;
    const n = steps.count;
    switch (plan.kind) {
      case 'join': {
        const left = this.vector(plan.left, steps);
        const right = this.vector(plan.right, steps);
        return new ComputedOperator(() => joinVectors(plan, left, right, steps, context), context);
      }
      case 'set': {
        const left = this.vector(plan.left, steps);
        const right = this.vector(plan.right, steps);
        return plan.op === 'or'
          ? new UnionOperator(plan, left, right, n, context)
          : new FilterBySetOperator(plan, left, right, n, context);
      }
      case 'absent': {
        const input = this.vector(plan.vector, steps);
        return new ComputedOperator(() => absent(plan, input, n, context), context);
      }
      case 'vectorOf': {
        const scalar = this.scalar(plan.scalar, steps);
        return new ComputedOperator(() => vectorOf(scalar, n), context);
      }
      case 'sort': {
        const input = this.vector(plan.vector, steps);
        if (n > 1) {
          context.annotations.sortInRangeQuery(plan.position);
          return input;
        }
        return new ComputedOperator(() => sorted(plan, input, n, context), context);
      }
      case 'info': {
        const input = this.vector(plan.vector, steps);
        return new ComputedOperator(() => infoJoin(plan, input, steps, context), context);
      }
      case 'histogram': {
        const input = this.vector(plan.vector, steps);
        const args = this.columns(plan.args, steps);
        const compute = () => histogramResults(plan, input, args, steps, context);
        return new ComputedOperator(compute, context);
      }
    }
  }

  private columns(plans: readonly ScalarPlan[], steps: Steps): ScalarOperator[] {
    return plans.map((plan) => this.scalar(plan, steps));
  }

  private aggregate(plan: AggregatePlan, steps: Steps): VectorOperator {
    const { context } = this;
    const { op } = plan;
    const input = this.vector(plan.vector, steps);
    if (isFolded(op)) return new AggregateOperator(plan, op, input, steps.count, context);
    if (op === 'count_values') {
      return new ComputedOperator(() => countValues(plan, input, steps, context), context);
    }
    assert(plan.parameter !== undefined, `${op} without a parameter`);
    const parameter = this.scalar(plan.parameter, steps);
    switch (op) {
      case 'topk':
      case 'bottomk':
        return new TopOperator(plan, input, parameter, steps, context);
      case 'limitk':
        return new LimitOperator(plan, input, parameter, context);
      case 'limit_ratio':
        return new LimitRatioOperator(plan, input, parameter, context);
      case 'quantile': {
        const compute = () => quantileAggregate(plan, input, parameter, steps, context);
        return new ComputedOperator(compute, context);
      }
    }
  }

  /** The samples of a range vector for `func`. */
  source(plan: RangePlan, steps: Steps, func: string): SampleSource {
    const source = this.newSource(plan, steps, func);
    return this.profiler?.source(`${plan.id}@${stepsKey(steps)}`, source) ?? source;
  }

  private newSource(plan: RangePlan, steps: Steps, func: string): SampleSource {
    const { context } = this;
    if (plan.kind === 'samples') {
      return new StoredSamples(plan, references(steps, plan), func, context);
    }
    const inner = subquerySteps(plan, steps);
    // Samples count where the outer steps look at the results.
    const uncounted = { ...context, counter: undefined };
    const operator = this.within(uncounted, () => this.vector(plan.inner, inner));
    return new SubquerySamples(operator, inner, context);
  }
}
