// SPDX-License-Identifier: Apache-2.0
// Which nodes a node of the plan evaluates, and at which steps.

import { type Steps, lastMs } from '../operators/batch.ts';
import type { PlanNode, SubqueryPlan } from '../plan/nodes.ts';

/** The steps at which a subquery evaluates its expression: multiples of its own step. */
export function subquerySteps(plan: SubqueryPlan, outer: Steps): Steps {
  const { atMs, offsetMs, rangeMs, stepMs } = plan;
  const firstRef = (atMs ?? outer.startMs) - offsetMs;
  const endMs = (atMs ?? lastMs(outer)) - offsetMs;
  const open = firstRef - rangeMs;
  let startMs = stepMs * Math.trunc(open / stepMs);
  if (startMs <= open) startMs += stepMs;
  const count = endMs < startMs ? 0 : Math.floor((endMs - startMs) / stepMs) + 1;
  return { startMs, stepMs, count };
}

/** The first step, for what is the same at all of them. */
export const firstOf = (steps: Steps): Steps => ({ ...steps, count: Math.min(1, steps.count) });

/** The nodes that `node` evaluates, with the steps at which it does. */
export function planInputs(node: PlanNode, steps: Steps): (readonly [PlanNode, Steps])[] {
  const at = (...nodes: readonly PlanNode[]): (readonly [PlanNode, Steps])[] =>
    nodes.map((input) => [input, steps] as const);
  switch (node.kind) {
    case 'select':
    case 'samples':
    case 'sampleTime':
    case 'constant':
    case 'string':
      return [];
    case 'subquery':
      return [[node.inner, subquerySteps(node, steps)]];
    case 'once':
    case 'onceScalar':
      return [[node.inner, firstOf(steps)]];
    case 'window':
      return at(node.range, ...node.args);
    case 'scalarCall':
      return at(...node.operands);
    case 'element':
    case 'histogram':
      return at(node.vector, ...node.args);
    case 'vectorScalar':
      return at(node.vector, node.scalar);
    case 'join':
    case 'set':
      return at(node.left, node.right);
    case 'aggregate':
      return node.parameter === undefined ? at(node.vector) : at(node.vector, node.parameter);
    case 'vectorOf':
      return at(node.scalar);
    case 'merge':
      return at(node.inner);
    case 'scalarOf':
    case 'label':
    case 'absent':
    case 'sort':
    case 'info':
      return at(node.vector);
  }
}
