// SPDX-License-Identifier: Apache-2.0
// Label names, label values and series of selectors: the part of a query worker that needs no engine.

import type { Labels, Matcher } from '../model/index.ts';
import { compareLabels, compareText, compileRegexp, labelsToObject } from '../model/index.ts';
import type { Querier, SeriesSet } from '../storage/index.ts';
import { ApiError } from './answers.ts';

export interface LookupResult {
  readonly data: unknown;
  readonly truncated: boolean;
}

/** Rows between two looks at whether the lookup should stop. */
const ROWS_PER_CHECKPOINT = 1024;

function matchesEmpty({ type, value }: Matcher): boolean {
  switch (type) {
    case '=':
      return value === '';
    case '!=':
      return value !== '';
    case '=~':
      return compileRegexp(value).test('');
    default:
      return !compileRegexp(value).test('');
  }
}

/** Refuses selectors that would match everything by accident. @throws ApiError */
export function checkSelectors(selectors: readonly (readonly Matcher[])[]): void {
  for (const matchers of selectors) {
    if (matchers.every(matchesEmpty)) {
      throw new ApiError('bad_data', 'match[] must contain at least one non-empty matcher');
    }
  }
}

function limited(values: readonly unknown[], limit: number): LookupResult {
  const truncated = limit > 0 && values.length > limit;
  return { data: truncated ? values.slice(0, limit) : values, truncated };
}

/** The sorted union of what `lookUp` gives for each selector, or for everything when there is none. */
function union(
  selectors: readonly (readonly Matcher[])[],
  lookUp: (matchers: readonly Matcher[]) => readonly string[],
): readonly string[] {
  if (selectors.length === 0) return lookUp([]);
  if (selectors.length === 1) return lookUp(selectors[0]!);
  const all = new Set<string>();
  for (const matchers of selectors) for (const text of lookUp(matchers)) all.add(text);
  return [...all].sort(compareText);
}

export interface LookupRange {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 = all. */
  readonly limit: number;
}

export function lookUpLabelNames(
  querier: Querier,
  selectors: readonly (readonly Matcher[])[],
  { startMs, endMs, limit }: LookupRange,
): LookupResult {
  const names = union(selectors, (matchers) => querier.labelNames(matchers, startMs, endMs));
  return limited(names, limit);
}

export function lookUpLabelValues(
  querier: Querier,
  name: string,
  selectors: readonly (readonly Matcher[])[],
  { startMs, endMs, limit }: LookupRange,
): LookupResult {
  const values = union(selectors, (matchers) =>
    querier.labelValues(name, matchers, startMs, endMs),
  );
  return limited(values, limit);
}

/** `ids` must hold 2 × `maxLabelCount`. */
export function labelsOfRow(set: SeriesSet, row: number, ids: Uint32Array): Labels {
  const pairs = set.labelIds(row, ids);
  const labels = new Array<{ name: string; value: string }>(pairs);
  for (let i = 0; i < pairs; i++) {
    const name = set.symbols.text(ids[2 * i]!);
    labels[i] = { name, value: set.symbols.text(ids[2 * i + 1]!) };
  }
  return labels;
}

/** Label sets of all series that match any selector, each once, in label order. */
export function lookUpSeries(
  querier: Querier,
  selectors: readonly (readonly Matcher[])[],
  { startMs, endMs, limit }: LookupRange,
  checkpoint: () => void,
): LookupResult {
  const hints = { startMs, endMs, stepMs: 0, rangeMs: 0, func: 'series' };
  const found: Labels[] = [];
  for (const matchers of selectors) {
    const set = querier.select(matchers, startMs, endMs, hints);
    const ids = new Uint32Array(2 * Math.max(1, set.maxLabelCount));
    for (let row = 0; row < set.count; row++) {
      if (row % ROWS_PER_CHECKPOINT === 0) checkpoint();
      found.push(labelsOfRow(set, row, ids));
    }
  }
  checkpoint();
  found.sort(compareLabels);
  const distinct = found.filter(
    (labels, i) => i === 0 || compareLabels(labels, found[i - 1]!) !== 0,
  );
  const truncated = limit > 0 && distinct.length > limit;
  const kept = truncated ? distinct.slice(0, limit) : distinct;
  return { data: kept.map(labelsToObject), truncated };
}
