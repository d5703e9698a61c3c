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
