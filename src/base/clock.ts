// SPDX-License-Identifier: Apache-2.0

/** A pending timer. `cancel` may be called any number of times, also after it fired. */
export interface Timer {
  cancel(): void;
}

/** The only source of time and of delays in core code; tests and simulations pass their own. */
export interface Clock {
  /** Wall clock, whole milliseconds since the epoch. */
  now(): number;
  /** Monotonic milliseconds with fractions, from an arbitrary origin. For durations. */
  monotonicMs(): number;
  /** Calls `fire` once, `delayMs` (>= 0) from now. */
  setTimer(delayMs: number, fire: () => void): Timer;
}
