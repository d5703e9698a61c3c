// SPDX-License-Identifier: Apache-2.0
// Scalar expressions of a plan, with constants folded.

import type { PositionRange } from '../ast/nodes.ts';
import { scalarResult } from '../operators/arithmetic.ts';
import type { PlanNodes } from './intern.ts';
import type {
  ConstantPlan,
  OnceScalarPlan,
  ScalarCallPlan,
  ScalarOfPlan,
  ScalarPlan,
  VectorPlan,
} from './nodes.ts';

export class ScalarPlans {
  private readonly nodes: PlanNodes;

  constructor(nodes: PlanNodes) {
    this.nodes = nodes;
  }

  constant(value: number, position: PositionRange): ScalarPlan {
    return this.nodes.make<ConstantPlan>({ kind: 'constant', value, position, invariant: true });
  }

  time(position: PositionRange): ScalarPlan {
    return this.nodes.make<ScalarCallPlan>({
      kind: 'scalarCall',
      op: 'time',
      operands: [],
      position,
      invariant: false,
    });
  }

  ofVector(vector: VectorPlan, position: PositionRange): ScalarPlan {
    return this.nodes.make<ScalarOfPlan>({
      kind: 'scalarOf',
      vector,
      position,
      invariant: vector.invariant,
    });
  }

  call(
    op: ScalarCallPlan['op'],
    operands: readonly ScalarPlan[],
    position: PositionRange,
  ): ScalarPlan {
    const values = operands.map((operand) =>
      operand.kind === 'constant' ? operand.value : undefined,
    );
    if (values.every((value) => value !== undefined) && values.length > 0) {
      return this.constant(folded(op, values[0]!, values[1] ?? 0), position);
    }
    const invariant = operands.every((operand) => operand.invariant);
    return this.nodes.make<ScalarCallPlan>({
      kind: 'scalarCall',
      op,
      operands: invariant ? operands : operands.map((operand) => this.once(operand)),
      position,
      invariant,
    });
  }

  /** `scalar` for use where the steps differ: evaluated once if it is the same at all of them. */
  once(scalar: ScalarPlan): ScalarPlan {
    if (!scalar.invariant || scalar.kind === 'constant') return scalar;
    return this.nodes.make<OnceScalarPlan>({
      kind: 'onceScalar',
      inner: scalar,
      position: scalar.position,
      invariant: true,
    });
  }
}

function folded(op: ScalarCallPlan['op'], a: number, b: number): number {
  if (op === 'negate') return -a;
  if (op === 'min_of') return Math.min(a, b);
  if (op === 'max_of') return Math.max(a, b);
  return op === 'time' ? Number.NaN : scalarResult(op, a, b);
}
