// SPDX-License-Identifier: Apache-2.0
// Leaves: parts of a plan whose rows are the series of one stored selector, each computed by itself.
// Their rows may be computed by several threads; the others get them as text.

import type { Steps } from '../operators/batch.ts';
import type { ScalarPlan, VectorPlan } from './nodes.ts';

/** Whether a scalar is known without any series. */
function isPure(plan: ScalarPlan): boolean {
  switch (plan.kind) {
    case 'constant':
      return true;
    case 'scalarCall':
      return plan.operands.every(isPure);
    case 'onceScalar':
      return isPure(plan.inner);
    case 'scalarOf':
      return false;
  }
}

/**
 * Whether `plan` is a leaf.
 * @param isShared whether what a node evaluates to is used elsewhere, too
 */
export function isLeaf(plan: VectorPlan, isShared: (node: VectorPlan) => boolean): boolean {
  const below = (node: VectorPlan): boolean => !isShared(node) && isLeaf(node, isShared);
  switch (plan.kind) {
    case 'select':
    case 'sampleTime':
      return true;
    case 'window':
      return plan.range.kind === 'samples' && plan.args.every(isPure);
    case 'element':
      return plan.args.every(isPure) && below(plan.vector);
    case 'vectorScalar':
      return isPure(plan.scalar) && below(plan.vector);
    default:
      return false;
  }
}

/** A leaf for another thread. */
export interface Leaf {
  readonly plan: VectorPlan;
  readonly steps: Steps;
  readonly lookbackMs: number;
}

/** JSON has no NaN, no infinities and no -0. */
const odd = new Map<string, number>([
  ['NaN', Number.NaN],
  ['+Inf', Number.POSITIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

function encoded(_key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value;
  for (const [text, number] of odd) if (Object.is(number, value)) return { odd: text };
  return value;
}

function decoded(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('odd' in value)) return value;
  return odd.get(String(value.odd));
}

export const leafText = (leaf: Leaf): string => JSON.stringify(leaf, encoded);

/** The leaf of a text that {@link leafText} wrote. */
export const parseLeaf = (text: string): Leaf => JSON.parse(text, decoded) as Leaf;
