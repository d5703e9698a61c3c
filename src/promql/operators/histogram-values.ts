// SPDX-License-Identifier: Apache-2.0
// Native histograms combined for the operators, with upstream's annotations.

import {
  type Histogram,
  combineHistograms,
  compactHistogram,
  detectReset,
  divideHistogram,
  scaleHistogram,
} from '../../model/index.ts';
import type { PositionRange } from '../ast/nodes.ts';
import type { Annotations } from '../engine/annotations.ts';

/** Where what is noticed belongs, and how the metric is called when it must be told. */
export interface Notes {
  readonly annotations: Annotations;
  readonly position: PositionRange;
  metricName(): string;
}

/** a - b; undefined (and a warning) when they are of different kinds. Contradicting resets are ignored. */
export function subtract(a: Histogram, b: Histogram, notes: Notes): Histogram | undefined {
  return combined(a, b, -1, notes);
}

/** a + b as {@link subtract}. */
export function add(a: Histogram, b: Histogram, notes: Notes): Histogram | undefined {
  return combined(a, b, 1, notes);
}

function combined(a: Histogram, b: Histogram, sign: 1 | -1, notes: Notes): Histogram | undefined {
  const result = combineHistograms(a, b, sign);
  if (result === undefined) {
    notes.annotations.mixedExponentialCustom(notes.metricName(), notes.position);
    return undefined;
  }
  if (result.boundsReconciled) {
    const operation = sign === 1 ? 'addition' : 'subtraction';
    notes.annotations.reconciledBounds(operation, notes.position);
  }
  return result.histogram;
}

/**
 * The histogram at `time` on the line between two samples; across a reset of a counter the line from zero.
 * Undefined as for {@link subtract}.
 */
export function interpolatedHistogram(
  before: Histogram,
  beforeMs: number,
  after: Histogram,
  afterMs: number,
  time: number,
  isCounter: boolean,
  notes: Notes,
): Histogram | undefined {
  if (time === beforeMs) return before;
  if (time === afterMs) return after;
  const fraction = (time - beforeMs) / (afterMs - beforeMs);
  if (isCounter && detectReset(after, before)) return scaleHistogram(after, fraction);
  const difference = subtract(after, before, notes);
  if (difference === undefined) return undefined;
  return add(scaleHistogram(difference, fraction), before, notes);
}

/** The value at `time` on the line between two samples. */
export function interpolated(
  before: number,
  beforeMs: number,
  after: number,
  afterMs: number,
  time: number,
  isCounter: boolean,
): number {
  const from = isCounter && after < before ? 0 : before;
  return from + ((after - from) * (time - beforeMs)) / (afterMs - beforeMs);
}

export const scaled = (h: Histogram, factor: number): Histogram =>
  compactHistogram(scaleHistogram(h, factor));

export const divided = (h: Histogram, divisor: number): Histogram =>
  compactHistogram(divideHistogram(h, divisor));
