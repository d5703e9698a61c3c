// SPDX-License-Identifier: Apache-2.0
// Loops of ours beside their twins, in nanoseconds an item.

import { short, table } from '../harness/statistics.ts';
import { databasePairs } from './database-pairs.ts';
import type { Pair } from './pair.ts';
import { queryPairs } from './query-pairs.ts';
import { scrapePairs } from './scrape-pairs.ts';

export interface MicroSettings {
  readonly rounds: number;
  /** How long one side is run for in a round. */
  readonly roundMs: number;
  /** Only pairs with this in their names. */
  readonly filter: string;
}

export interface MicroResult {
  readonly name: string;
  readonly beside: string;
  readonly kernelNs: number;
  readonly twinNs: number;
}

/** All pairs, on memories of their own. */
export const allPairs = (): Pair[] => [...databasePairs(), ...scrapePairs(), ...queryPairs()];

/** Calls that take about `ms`; what V8 has not compiled yet is compiled meanwhile. */
function callsFor(work: () => number, ms: number): number {
  let calls = 1;
  for (;;) {
    const took = timeOf(work, calls);
    if (took >= ms / 2) return Math.max(1, Math.round((calls * ms) / took));
    calls *= 2;
  }
}

/** Milliseconds that `calls` calls take. */
function timeOf(work: () => number, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) work();
  return performance.now() - start;
}

/**
 * The sides take turns; the least of all rounds counts, since what else the machine does only ever adds.
 *
 * @throws Error where the two do not agree on what they did
 */
function measure(pair: Pair, { rounds, roundMs }: MicroSettings): MicroResult {
  const { name, items, kernel, twin, beside = 'TypeScript' } = pair;
  const [a, b] = [kernel(), twin()];
  if (!Object.is(a, b)) throw new Error(`${name}: the kernel gives ${a}, the other ${b}`);
  const kernelCalls = callsFor(kernel, roundMs);
  const twinCalls = callsFor(twin, roundMs);
  let kernelMs = Number.POSITIVE_INFINITY;
  let twinMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    kernelMs = Math.min(kernelMs, timeOf(kernel, kernelCalls) / kernelCalls);
    twinMs = Math.min(twinMs, timeOf(twin, twinCalls) / twinCalls);
  }
  return { name, beside, kernelNs: (kernelMs * 1e6) / items, twinNs: (twinMs * 1e6) / items };
}

/** Seconds: pairs × rounds × 2 × roundMs, and as much again for warming up. */
export const runMicro = (settings: MicroSettings): MicroResult[] =>
  allPairs()
    .filter(({ name }) => name.includes(settings.filter))
    .map((pair) => measure(pair, settings));

export const microReport = (results: readonly MicroResult[]): string =>
  table([
    ['item', 'kernel ns', 'twin ns', 'ratio', 'twin'],
    ...results.map(({ name, beside, kernelNs, twinNs }) => [
      name,
      short(kernelNs),
      short(twinNs),
      short(kernelNs / twinNs),
      beside,
    ]),
  ]);
