// SPDX-License-Identifier: Apache-2.0
// What a query worker does for the queries of others while it has none of its own: it computes batches
// of rows, one after the other, and leaves as soon as a request of its own is there.

import type { FloatRows, QueryMemory, SharedMemory } from '../kernels/index.ts';
import { FAN_CONTROL_ADDRESS, QUERY_CONTROL_ADDRESS } from '../kernels/index.ts';
import { WORKER_SLOT_BYTES, WorkerWord } from '../platform/index.ts';
import type { EngineFeatures, FanOut } from '../promql/index.ts';
import { FanHelper, help, RingFanOut } from '../promql/index.ts';
import type { Queryable } from '../storage/index.ts';

/** Counted up when one wants help. */
const BELL = FAN_CONTROL_ADDRESS >>> 2;
/** Batches that were computed for others. */
const HELPED = BELL + 1;
/**
 * How long a helper stays on the spot when a task has ended: the next leaf of the same query is often
 * begun at once, and a thread that sleeps takes longer to come.
 */
const LINGER_MS = 2;
const LOOK_MS = 0.1;

const wordOf = (slot: number): number => (QUERY_CONTROL_ADDRESS + slot * WORKER_SLOT_BYTES) >>> 2;

export interface QueryHelpersOptions {
  readonly shared: SharedMemory;
  /** This worker's. */
  readonly slot: number;
  /** Workers that help one another, from slot 0 on; those behind them, for rules, are only helped. */
  readonly workers: number;
  readonly rings: readonly number[];
  readonly features: EngineFeatures;
  readonly maxSamples: number;
  readonly maxBytes: number;
  readonly queryable: Queryable;
  /** Writes numbers; this worker's. */
  readonly floatRows: () => FloatRows;
  readonly memory: QueryMemory;
  /** Says that not all workers are there that could be. */
  readonly onCall: () => void;
}

/** Batches that workers have computed for the queries of others. */
export const helpedBatches = (shared: SharedMemory): number =>
  Atomics.load(shared.i32, HELPED) >>> 0;

/** One worker's part in the queries of all. */
export class QueryHelpers {
  /** Undefined where a query has one worker anyway. */
  readonly fanOut: FanOut | undefined;
  private readonly options: QueryHelpersOptions;
  private readonly helpers: readonly FanHelper[];
  private taken = 0;

  constructor(options: QueryHelpersOptions) {
    this.options = options;
    const { shared, slot, workers, rings } = options;
    const { buffer } = shared.u8;
    const width = rings.length;
    const generations = (of: number): number => this.word(of, WorkerWord.deaths);
    this.fanOut =
      workers < 2
        ? undefined
        : new RingFanOut({
            buffer,
            address: rings[slot] ?? 0,
            width,
            threads: workers,
            generations,
            call: () => {
              Atomics.add(shared.i32, BELL, 1);
              Atomics.notify(shared.i32, BELL);
              options.onCall();
            },
          });
    const generation = generations(slot);
    this.helpers =
      slot >= workers || workers < 2
        ? []
        : rings
            .filter((_, other) => other !== slot)
            .map((address) => new FanHelper({ buffer, address, width, helper: slot, generation }));
  }

  private word(slot: number, word: number): number {
    return Atomics.load(this.options.shared.i32, wordOf(slot) + word);
  }

  /** A request has been taken. */
  take(): void {
    this.taken++;
  }

  private hasRequest(): boolean {
    return this.word(this.options.slot, WorkerWord.sent) !== this.taken;
  }

  /** Helps whoever wants help, now and whenever the bell rings and this thread has nothing to do. */
  async serve(): Promise<never> {
    const { i32 } = this.options.shared;
    for (;;) {
      const seen = Atomics.load(i32, BELL);
      this.helpAll();
      if (Atomics.load(i32, BELL) !== seen && !this.hasRequest()) continue;
      const rung = Atomics.waitAsync(i32, BELL, seen);
      if (rung.async) await rung.value;
      // What is not awaited would keep the requests from coming in.
      else await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  private helpAll(): void {
    const { shared, queryable, ...own } = this.options;
    const { features, maxSamples, maxBytes, floatRows, memory } = own;
    const isWanted = (): boolean => this.hasRequest();
    const options = { features, maxSamples, maxBytes, floatRows, memory, isWanted };
    const sent = wordOf(this.options.slot) + WorkerWord.sent;
    let idleSinceMs = performance.now();
    while (!isWanted()) {
      const wanting = this.helpers.filter((helper) => helper.isWanted);
      for (const helper of wanting) {
        Atomics.add(shared.i32, HELPED, help(helper, queryable, options));
      }
      if (wanting.length > 0) {
        idleSinceMs = performance.now();
        continue;
      }
      if (performance.now() > idleSinceMs + LINGER_MS) return;
      Atomics.wait(shared.i32, sent, this.taken, LOOK_MS);
    }
  }
}
