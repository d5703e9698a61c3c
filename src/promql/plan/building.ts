// SPDX-License-Identifier: Apache-2.0

import type { Expression, VectorSelector } from '../ast/nodes.ts';
import type { PlanNodes } from './intern.ts';
import type { RangePlan, SelectPlan, VectorPlan, ScalarPlan } from './nodes.ts';
import type { ScalarPlans } from './scalars.ts';

/** What the parts of the plan builder know of the whole. */
export interface PlanBuilding {
  readonly nodes: PlanNodes;
  readonly scalars: ScalarPlans;
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
