// SPDX-License-Identifier: Apache-2.0
// `--enable-feature`: what the names switch on in the query engine.

import type { StartTimeFlags } from '../config/index.ts';
import type { EngineFeatures } from '../promql/index.ts';
import type { StartTimeUse } from '../scrape/index.ts';

export interface QueryFeatures {
  readonly engine: EngineFeatures;
  /** `promql-per-step-stats`: `stats=all` shows samples by step. */
  readonly perStepStats: boolean;
}

const engineFeatures: Readonly<Record<string, keyof EngineFeatures>> = {
  'promql-experimental-functions': 'experimentalFunctions',
  'promql-delayed-name-removal': 'delayedNameRemoval',
  'promql-extended-range-selectors': 'extendedRangeSelectors',
  'promql-binop-fill-modifiers': 'binopFillModifiers',
  'type-and-unit-labels': 'typeAndUnitLabels',
  'use-start-timestamps': 'useStartTimestamps',
};

const PER_STEP_STATS = 'promql-per-step-stats';
/** Exemplars of scrapes are kept. */
export const EXEMPLAR_STORAGE = 'exemplar-storage';

/** Rules that do not depend on each other run side by side. */
export const CONCURRENT_RULES = 'concurrent-rule-eval';

/** Histogram chunks with start times are written. */
export const HISTOGRAM_STARTS = 'histograms-st-encoding';
/** The head's memory is kept over restarts. */
export const MEMORY_SNAPSHOT = 'memory-snapshot-on-shutdown';
/** Start times of counters are stored with their samples. */
export const START_STORAGE = 'st-storage';
/** Zeros are stored at the start times of counters. */
export const START_ZEROS = 'created-timestamp-zero-ingestion';
/** The older way to ask for XOR2 chunks. */
export const XOR2_ENCODING = 'xor2-encoding';

/** Names beside those of the query engine that switch something on. */
const otherFeatures: ReadonlySet<string> = new Set([
  EXEMPLAR_STORAGE,
  HISTOGRAM_STARTS,
  MEMORY_SNAPSHOT,
  START_STORAGE,
  START_ZEROS,
  CONCURRENT_RULES,
]);

/** On whether asked for or not: upstream takes the names and says so. */
const alwaysOn: ReadonlySet<string> = new Set([
  'promql-duration-expr',
  'native-histograms',
  'ooo-native-histograms',
]);

/** The names in comma separated lists. */
export const featureNames = (lists: readonly string[]): string[] =>
  lists.flatMap((list) => list.split(',')).filter((name) => name !== '');

export function queryFeatures(names: readonly string[]): QueryFeatures {
  const engine: Partial<Record<keyof EngineFeatures, boolean>> = { durationExpressions: true };
  for (const name of names) {
    const feature = engineFeatures[name];
    if (feature !== undefined) engine[feature] = true;
  }
  return { engine, perStepStats: names.includes(PER_STEP_STATS) };
}

/** What is done with start times of scraped counters; undefined: nothing. */
export function startTimeUse(names: readonly string[]): StartTimeUse | undefined {
  const use = { store: names.includes(START_STORAGE), zeros: names.includes(START_ZEROS) };
  return use.store || use.zeros ? use : undefined;
}

/** What that means for the configuration. */
export const startTimeFlags = (names: readonly string[]): StartTimeFlags => ({
  protobufFirst: startTimeUse(names) !== undefined,
  needsXor2: names.includes(START_STORAGE),
  floatEncoding: names.includes(XOR2_ENCODING) ? 'xor2' : 'xor',
});

function messageOf(name: string): string {
  if (name === XOR2_ENCODING) {
    return 'This option for --enable-feature is deprecated: set storage.tsdb.chunk_encoding.floats to xor2 instead';
  }
  return alwaysOn.has(name)
    ? 'This option for --enable-feature is a no-op: the feature is always on'
    : 'Unknown option for --enable-feature';
}

/** Names that change nothing, or should be said otherwise, with the reason. */
export function idleFeatures(names: readonly string[]): { name: string; message: string }[] {
  const known = (name: string): boolean =>
    name in engineFeatures || name === PER_STEP_STATS || otherFeatures.has(name);
  return names
    .filter((name) => !known(name))
    .map((name) => ({
      name,
      message: messageOf(name),
    }));
}
