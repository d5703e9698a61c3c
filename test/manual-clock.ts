// SPDX-License-Identifier: Apache-2.0

import type { Clock, Timer } from '../src/base/index.ts';

interface ManualTimer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Lets all that is ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock that moves only when told. */
export class ManualClock implements Clock {
  time: number;
  private timers: ManualTimer[] = [];
  private order = 0;

  constructor(startMs = 1_700_000_000_000) {
    this.time = startMs;
  }

  /** How far the wall clock has been set off; timers and the monotonic clock do not notice. */
  wallOffsetMs = 0;

  readonly now = (): number => this.time + this.wallOffsetMs;
  readonly monotonicMs = (): number => this.time;

  /** Timers that have not fired. */
  get pending(): number {
    return this.timers.length;
  }

  readonly setTimer = (delayMs: number, fire: () => void): Timer => {
    const timer: ManualTimer = { at: this.time + delayMs, order: this.order++, fire };
    this.timers.push(timer);
    const cancel = (): void => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
    return { cancel };
  };

  /** Moves on by `ms`, firing what is due in order; what that sets going settles before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = this.timers
        .filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((other) => other !== due);
      this.time = Math.max(this.time, due.at);
      due.fire();
      await settle();
    }
    this.time = end;
  }
}
