// SPDX-License-Identifier: Apache-2.0
// How much the queries that run together may be estimated to read. The cheap ones go first; what does
// not fit waits, the most expensive the longest.

interface Waiting {
  readonly cost: number;
  readonly admit: () => void;
}

export class QueryAdmission {
  private readonly costMax: number;
  private readonly waiting: Waiting[] = [];
  private running = 0;
  private cost = 0;

  /** @param costMax 0 = no limit */
  constructor(costMax: number) {
    this.costMax = costMax;
  }

  get isOn(): boolean {
    return this.costMax > 0;
  }

  /**
   * Settles when a query of this cost may run; one that is over the limit by itself runs alone.
   * Whoever is let in calls `leave` with the same cost.
   * @throws whatever `refuse` returns, when `signal` is aborted before
   */
  enter(cost: number, signal: AbortSignal, refuse: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(refuse());
        return;
      }
      const abort = (): void => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(refuse());
        this.admit();
      };
      const entry: Waiting = {
        cost,
        admit: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      signal.addEventListener('abort', abort);
      // Behind those that cost the same.
      const later = this.waiting.findIndex((other) => other.cost > cost);
      this.waiting.splice(later < 0 ? this.waiting.length : later, 0, entry);
      this.admit();
    });
  }

  leave(cost: number): void {
    this.running--;
    this.cost = this.running === 0 ? 0 : this.cost - cost;
    this.admit();
  }

  private admit(): void {
    for (;;) {
      const next = this.waiting[0];
      if (next === undefined) return;
      if (this.running > 0 && this.cost + next.cost > this.costMax) return;
      this.waiting.shift();
      this.running++;
      this.cost += next.cost;
      next.admit();
    }
  }
}
