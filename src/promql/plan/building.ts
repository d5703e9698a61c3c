// SPDX-License-Identifier: Apache-2.0

import type { Expression, Subquery, VectorSelector } from '../ast/nodes.ts';
import type { PlanNodes } from './intern.ts';
import type { Placement, RangePlan, ScalarPlan, SelectPlan, VectorPlan } from './nodes.ts';
import type { ScalarPlans } from './scalars.ts';

/** What the parts of the plan builder know of the whole. */
export interface PlanBuilding {
  readonly nodes: PlanNodes;
  readonly scalars: ScalarPlans;
  /** Runs `build` for what of whose histograms only count and sum, or everything, is looked at. */
  forStats<Result>(statsOnly: boolean, build: () => Result): Result;
  /** Where a selector or subquery looks. */
  placement(node: VectorSelector | Subquery): Placement;
  vector(expression: Expression): VectorPlan;
  scalar(expression: Expression): ScalarPlan;
  range(expression: Expression): RangePlan;
  select(selector: VectorSelector): SelectPlan;
  /** The name of the results of what drops names. */
  droppedName(input: VectorPlan | RangePlan): string | undefined;
  /** `vector` for use where the steps differ: evaluated once if it is the same at all of them. */
  once(vector: VectorPlan): VectorPlan;
  /** Joins series that the loss of a label may have made equal. */
  merge(vector: VectorPlan, strict: boolean): VectorPlan;
  /** `vector`, whose names were dropped from `input`'s. */
  mergeDropped(vector: VectorPlan, input: VectorPlan | RangePlan, strict: boolean): VectorPlan;
}
