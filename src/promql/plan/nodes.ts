// SPDX-License-Identifier: Apache-2.0
// The logical plan: what is computed, with all durations and times resolved and constants folded. Nodes
// are shared: equal expressions are one object, so the plan is a graph without cycles.
//
// `name` of a vector node is what is known of its metric names: '' when no series has one, a name when
// all have that, undefined when they may differ. Two series of one known name cannot become equal by
// losing it.

import type { Matcher } from '../../model/index.ts';
import type {
  AggregateOperator,
  BinaryOperator,
  PositionRange,
  VectorMatching,
} from '../ast/nodes.ts';

export type SetOperator = 'and' | 'or' | 'unless';
export type ElementOperator = Exclude<BinaryOperator, SetOperator>;

interface NodeBase {
  /** Dense, from 0, unique in the plan. */
  readonly id: number;
  /** Of the first place in the query where it stands. */
  readonly position: PositionRange;
  /** The same at every step. */
  readonly invariant: boolean;
}

interface VectorBase extends NodeBase {
  readonly name: string | undefined;
}

/** Where a selector or subquery looks: at the step or at a fixed time, less the offset. */
export interface Placement {
  readonly offsetMs: number;
  readonly atMs: number | undefined;
}

export interface SelectPlan extends VectorBase, Placement {
  readonly kind: 'select';
  readonly matchers: readonly Matcher[];
  /** Between samples the values lie on the line from one to the next. */
  readonly smoothed: boolean;
  /** Of histograms only count and sum are looked at. */
  readonly statsOnly?: boolean;
}

export interface SamplesPlan extends VectorBase, Placement {
  readonly kind: 'samples';
  readonly matchers: readonly Matcher[];
  readonly rangeMs: number;
  /** The range begins with the last sample before it. */
  readonly anchored: boolean;
  /** The values at both ends of the range are interpolated. */
  readonly smoothed: boolean;
  /** Of histograms only count and sum are looked at. */
  readonly statsOnly?: boolean;
}

export interface SubqueryPlan extends VectorBase, Placement {
  readonly kind: 'subquery';
  readonly inner: VectorPlan;
  readonly rangeMs: number;
  readonly stepMs: number;
}

export type RangePlan = SamplesPlan | SubqueryPlan;

export interface ConstantPlan extends NodeBase {
  readonly kind: 'constant';
  readonly value: number;
}

export interface ScalarCallPlan extends NodeBase {
  readonly kind: 'scalarCall';
  /** `time`: the step; `scalar`: the only element of a vector; else arithmetic on `operands`. */
  readonly op: 'time' | 'negate' | 'min_of' | 'max_of' | ElementOperator;
  readonly operands: readonly ScalarPlan[];
}

export interface ScalarOfPlan extends NodeBase {
  readonly kind: 'scalarOf';
  readonly vector: VectorPlan;
}

/** Evaluated at the first step, repeated for all. */
export interface OnceScalarPlan extends NodeBase {
  readonly kind: 'onceScalar';
  readonly inner: ScalarPlan;
}

export type ScalarPlan = ConstantPlan | ScalarCallPlan | ScalarOfPlan | OnceScalarPlan;

/** A function over the window of each step. */
export interface WindowPlan extends VectorBase {
  readonly kind: 'window';
  readonly func: string;
  readonly range: RangePlan;
  readonly args: readonly ScalarPlan[];
  /** Positions of all arguments, for annotations. */
  readonly argPositions: readonly PositionRange[];
}

/** A function of each element's value and of scalars. */
export interface ElementPlan extends VectorBase {
  readonly kind: 'element';
  readonly func: string;
  readonly vector: VectorPlan;
  readonly args: readonly ScalarPlan[];
}

/** `timestamp(selector)`: the times of the samples themselves; `start_timestamp`: since when they count. */
export interface SampleTimePlan extends VectorBase {
  readonly kind: 'sampleTime';
  readonly what: 'time' | 'startTime';
  readonly select: SelectPlan;
}

export interface VectorScalarPlan extends VectorBase {
  readonly kind: 'vectorScalar';
  readonly op: ElementOperator;
  readonly vector: VectorPlan;
  readonly scalar: ScalarPlan;
  /** The scalar stands on the left. */
  readonly swapped: boolean;
  readonly returnBool: boolean;
}

export interface JoinPlan extends VectorBase {
  readonly kind: 'join';
  readonly op: ElementOperator;
  readonly left: VectorPlan;
  readonly right: VectorPlan;
  readonly matching: VectorMatching;
  readonly returnBool: boolean;
}

export interface SetPlan extends VectorBase {
  readonly kind: 'set';
  readonly op: SetOperator;
  readonly left: VectorPlan;
  readonly right: VectorPlan;
  readonly matching: VectorMatching;
}

export interface AggregatePlan extends VectorBase {
  readonly kind: 'aggregate';
  readonly op: AggregateOperator;
  readonly vector: VectorPlan;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly parameter: ScalarPlan | undefined;
  readonly parameterPosition: PositionRange;
  /** Of the expression that is aggregated. */
  readonly vectorPosition: PositionRange;
  /** The label that count_values makes. */
  readonly valueLabel: string;
}

/** label_replace, label_join: `texts` are the string arguments in order. */
export interface LabelPlan extends VectorBase {
  readonly kind: 'label';
  readonly func: 'label_replace' | 'label_join';
  readonly vector: VectorPlan;
  readonly texts: readonly string[];
}

export interface AbsentPlan extends VectorBase {
  readonly kind: 'absent';
  readonly vector: VectorPlan;
  readonly labels: readonly (readonly [string, string])[];
}

export interface VectorOfPlan extends VectorBase {
  readonly kind: 'vectorOf';
  readonly scalar: ScalarPlan;
}

export interface SortPlan extends VectorBase {
  readonly kind: 'sort';
  readonly func: string;
  readonly vector: VectorPlan;
  readonly texts: readonly string[];
}

/** histogram_quantile, histogram_fraction, histogram_quantiles over classic buckets. */
export interface HistogramPlan extends VectorBase {
  readonly kind: 'histogram';
  readonly func: string;
  readonly vector: VectorPlan;
  readonly args: readonly ScalarPlan[];
  readonly argPositions: readonly PositionRange[];
  readonly vectorPosition: PositionRange;
  /** The label that histogram_quantiles makes. */
  readonly label: string;
}

/**
 * info(): `matchers` are those of its label selector, if it `selects`; the placement is where info series
 * are looked up.
 */
export interface InfoPlan extends VectorBase, Placement {
  readonly kind: 'info';
  readonly vector: VectorPlan;
  readonly matchers: readonly Matcher[];
  readonly selects: boolean;
}

/** Evaluated at the first step, repeated for all. */
export interface OncePlan extends VectorBase {
  readonly kind: 'once';
  readonly inner: VectorPlan;
}

/**
 * Joins rows that have become equal. `strict`: any two such series are an error, else only samples of
 * both at one step.
 */
export interface MergePlan extends VectorBase {
  readonly kind: 'merge';
  readonly inner: VectorPlan;
  readonly strict: boolean;
}

export type VectorPlan =
  | SelectPlan
  | WindowPlan
  | ElementPlan
  | SampleTimePlan
  | VectorScalarPlan
  | JoinPlan
  | SetPlan
  | AggregatePlan
  | LabelPlan
  | AbsentPlan
  | VectorOfPlan
  | SortPlan
  | HistogramPlan
  | InfoPlan
  | OncePlan
  | MergePlan;

export interface StringPlan extends NodeBase {
  readonly kind: 'string';
  readonly value: string;
}

export type PlanNode = VectorPlan | RangePlan | ScalarPlan | StringPlan;

export type PlanType = 'vector' | 'scalar' | 'matrix' | 'string';

/** A planned query. */
export type Plan = { readonly nodeCount: number } & (
  | { readonly type: 'vector'; readonly root: VectorPlan }
  | { readonly type: 'scalar'; readonly root: ScalarPlan }
  | { readonly type: 'matrix'; readonly root: RangePlan }
  | { readonly type: 'string'; readonly root: StringPlan }
);
