// SPDX-License-Identifier: Apache-2.0
// One element with another where either may be a native histogram.

import {
  CounterResetHint,
  type Histogram,
  combineHistograms,
  compactHistogram,
  histogramsEqual,
  trimHistogram,
} from '../../model/index.ts';
import type { PositionRange } from '../ast/nodes.ts';
import type { Annotations } from '../engine/annotations.ts';
import type { ElementOperator } from '../plan/nodes.ts';
import { arithmetic, compare, isComparison, isTrim } from './arithmetic.ts';
import { divided, scaled } from './histogram-values.ts';

/** false: a comparison says no. undefined: there is no such operation, which is told. */
export type ElementResult = number | Histogram | false | undefined;

interface PairNotes {
  readonly annotations: Annotations;
  /** Of the whole operation. */
  readonly position: PositionRange;
}

const kind = (element: number | Histogram): 'float' | 'histogram' =>
  typeof element === 'number' ? 'float' : 'histogram';

/** left op right. A comparison that holds gives its left side. */
export function combineElements(
  op: ElementOperator,
  left: number | Histogram,
  right: number | Histogram,
  notes: PairNotes,
): ElementResult {
  if (typeof left === 'number' && typeof right === 'number') {
    if (isTrim(op)) return incompatible(op, left, right, notes);
    if (isComparison(op)) return compare(op, left, right) ? left : false;
    return arithmetic(op, left, right);
  }
  if (typeof left === 'number') {
    if (op === '*' && typeof right === 'object') return scaled(right, left);
    return incompatible(op, left, right, notes);
  }
  if (typeof right === 'number') {
    if (op === '*') return scaled(left, right);
    if (op === '/') return divided(left, right);
    if (isTrim(op)) return trimHistogram(left, right, op === '</');
    return incompatible(op, left, right, notes);
  }
  if (op === '==') return histogramsEqual(left, right) ? left : false;
  if (op === '!=') return histogramsEqual(left, right) ? false : left;
  if (op === '+' || op === '-') return summed(op, left, right, notes);
  return incompatible(op, left, right, notes);
}

function incompatible(
  op: ElementOperator,
  left: number | Histogram,
  right: number | Histogram,
  { annotations, position }: PairNotes,
): undefined {
  annotations.incompatibleTypes(kind(left), op, kind(right), position);
  return undefined;
}

function summed(
  op: '+' | '-',
  left: Histogram,
  right: Histogram,
  { annotations, position }: PairNotes,
): ElementResult {
  const result = combineHistograms(left, right, op === '+' ? 1 : -1);
  if (result === undefined) {
    annotations.incompatibleBuckets(op, position);
    return undefined;
  }
  const operation = op === '+' ? 'addition' : 'subtraction';
  if (result.boundsReconciled) annotations.reconciledBounds(operation, position);
  if (result.resetCollision) {
    annotations.counterResetCollision(operation, position);
  }
  const histogram = compactHistogram(result.histogram);
  return op === '+' ? histogram : histogram.withHint(CounterResetHint.gauge);
}
