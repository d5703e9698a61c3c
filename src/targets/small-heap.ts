// SPDX-License-Identifier: Apache-2.0
// V8's flags for a program that should be small rather than fast. Imports nothing but V8: what is loaded
// before they are set is run as in a large program.

import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode run before V8 thinks of optimising a function; its own: some 130,000. */
const INTERRUPT_BUDGET = 1_000_000;

/**
 * The young generation stays at its first megabyte instead of growing to sixteen, V8 prefers size, and
 * optimises only what is really hot: each optimised function has memory of its own, and so has the
 * optimiser at work. Without it (`--no-opt`) a scrape takes a sixth more time, and 4 MB less.
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}
