// SPDX-License-Identifier: Apache-2.0
// Gives the memory of dead JavaScript objects back. V8 lets its heap grow with the rate of allocation and
// collects late: after a burst (many new series, a reload) tens of megabytes of garbage would stay, since
// the quiet life afterwards allocates too little to make it collect.

import v8 from 'node:v8';
import vm from 'node:vm';

const INTERVAL_MS = 5000;
/** Garbage that is not worth a collection. */
const SLACK_BYTES = 12 << 20;
/** Growth within an interval that means the burst still goes on. */
const BURST_BYTES = 8 << 20;
/** Two threads that do nothing else disturb one another once in some hundred times. */
const ATTEMPTS = 100;

export interface HeapTrimOptions {
  /** Bytes of objects, dead or alive; V8's count unless given. */
  readonly usedBytes?: () => number;
  /** Collects; V8's full collection unless given. */
  readonly collect?: () => void;
  /** Garbage that is let lie; half of what is alive and 12 MB unless given. */
  readonly slackBytes?: number;
}

/** Decides when to collect; {@link tick} is to be called every few seconds. */
export class HeapTrimmer {
  private readonly usedBytes: () => number;
  private readonly collect: () => void;
  private readonly slackBytes: number | undefined;
  private aliveBytes = 0;
  private lastBytes = 0;

  constructor(options: HeapTrimOptions = {}) {
    this.usedBytes = options.usedBytes ?? (() => v8.getHeapStatistics().used_heap_size);
    this.collect = options.collect ?? fullCollection();
    this.slackBytes = options.slackBytes;
  }

  tick(): void {
    const used = this.usedBytes();
    const grown = used - this.lastBytes;
    this.lastBytes = used;
    // V8 may have collected by itself: then less is alive than was thought.
    this.aliveBytes = Math.min(this.aliveBytes, used);
    const isQuiet = grown < BURST_BYTES;
    const slack = this.slackBytes ?? this.aliveBytes / 2 + SLACK_BYTES;
    if (!isQuiet || used < this.aliveBytes + slack) return;
    this.collect();
    this.aliveBytes = this.usedBytes();
    this.lastBytes = this.aliveBytes;
  }
}

/**
 * V8's collector as a function: some milliseconds for a heap of some megabytes alive. Flags are the whole
 * process's, and another thread that does this may take ours back before the context is made: then again.
 * The flag does not stay, for V8 takes no cached code of another set of flags.
 */
function fullCollection(): () => void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    v8.setFlagsFromString('--expose-gc');
    const collect: unknown = vm.runInNewContext('globalThis.gc');
    v8.setFlagsFromString('--no-expose-gc');
    if (typeof collect === 'function') return () => void collect();
  }
  return () => undefined;
}

/** Trims this thread's heap from now on. The owner closes it. */
export function startHeapTrimmer(): { close(): void } {
  const trimmer = new HeapTrimmer();
  const timer = setInterval(() => trimmer.tick(), INTERVAL_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

const SMALL_INTERVAL_MS = 1000;
const SMALL_SLACK_BYTES = 1 << 20;

/**
 * Keeps the heap of a small program small: a megabyte of garbage is collected at once. Lasts as long as the
 * process. For the flags that go with it see `targets/small-heap.ts`.
 */
export function keepHeapSmall(): void {
  const trimmer = new HeapTrimmer({ slackBytes: SMALL_SLACK_BYTES });
  setInterval(() => trimmer.tick(), SMALL_INTERVAL_MS).unref();
}
