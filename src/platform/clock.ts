// SPDX-License-Identifier: Apache-2.0

import type { Clock } from '../base/index.ts';

/** Longest delay that Node's timers take; longer ones would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The machine's clock. Timers keep the process alive. */
export function createNodeClock(): Clock {
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer: (delayMs, fire) => {
      const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), TIMER_MAX_MS));
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
