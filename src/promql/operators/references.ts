// SPDX-License-Identifier: Apache-2.0

import type { Steps } from './batch.ts';

/** Reference times of steps: refMs + k × stepMs (0 when `@` fixes the time). */
export interface References {
  readonly refMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** Where a selector looks from, step by step. */
export function references(
  steps: Steps,
  selector: { readonly offsetMs: number; readonly atMs: number | undefined },
): References {
  if (selector.atMs !== undefined) {
    return { refMs: selector.atMs - selector.offsetMs, stepMs: 0, count: steps.count };
  }
  return {
    refMs: steps.startMs - selector.offsetMs,
    stepMs: steps.stepMs,
    count: steps.count,
  };
}

export const lastReference = (refs: References): number =>
  refs.refMs + Math.max(0, refs.count - 1) * refs.stepMs;

/** What a selector may read of its series, both ends included. */
export interface ReadBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Of an instant selector: back to the lookback, and as far ahead when it's smoothed. */
export function selectBounds(
  { smoothed }: { readonly smoothed: boolean },
  refs: References,
  lookbackMs: number,
): ReadBounds {
  const maxMs = lastReference(refs) + (smoothed ? lookbackMs : 0);
  return { minMs: refs.refMs - lookbackMs + 1, maxMs };
}

/** Of a range selector; extended ranges look a lookback farther. */
export function samplesBounds(
  plan: { readonly rangeMs: number; readonly anchored: boolean; readonly smoothed: boolean },
  refs: References,
  lookbackMs: number,
): ReadBounds {
  const margin = plan.anchored || plan.smoothed ? lookbackMs : 0;
  return {
    minMs: refs.refMs - plan.rangeMs - margin + 1,
    maxMs: lastReference(refs) + (plan.smoothed ? margin : 0),
  };
}
