// SPDX-License-Identifier: Apache-2.0

/** One loop of ours beside what it is measured against, over the same input. */
export interface Pair {
  /** What is done and what is counted: `XOR decode, a sample`. */
  readonly name: string;
  /** What `twin` is; the TypeScript twin of the kernel unless given. */
  readonly beside?: string;
  /** How many of them one call does. */
  readonly items: number;
  /** Both do the work once and return the same number. */
  readonly kernel: () => number;
  readonly twin: () => number;
}
