// SPDX-License-Identifier: Apache-2.0
// The JavaScript engine we run on, as core code sees it.

/** Pauses of the garbage collector, in seconds. */
export interface GcPauses {
  readonly count: number;
  readonly sumSeconds: number;
  /** The most recent ones, at most a few hundred, in no order. */
  readonly recent: readonly number[];
  /** When the last one ended, since the epoch; 0 = none yet. */
  readonly lastSeconds: number;
}

/** The main thread's heap and what keeps its event loop alive. */
export interface RuntimeReading {
  /** `node v22.1.0`. */
  readonly version: string;
  readonly heapUsedBytes: number;
  /** Reserved for the heap. */
  readonly heapBytes: number;
  /** Of it, what has memory behind it. */
  readonly heapPhysicalBytes: number;
  readonly heapLimitBytes: number;
  /** Beside the heap: buffers, and what the engine took for itself. */
  readonly outsideBytes: number;
  /** Sockets, timers, requests… that keep the loop alive, one name for each. */
  readonly resources: readonly string[];
  readonly gc: GcPauses;
}

export interface Runtime {
  read(): RuntimeReading;
}
