// SPDX-License-Identifier: Apache-2.0
// Label sets as the query language writes them.

import type { LabelObject } from '../../../src/apitypes/index.ts';

/** Names of a series' labels without the metric's, in their order. */
export const namesOf = (metric: LabelObject): string[] =>
  Object.keys(metric).filter((name) => name !== '__name__');

/** A label name; quoted when it is not one of the classic ones. */
export const quotedName = (name: string): string =>
  /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);

/** `up{job="node"}`, `{"http.requests", job="node"}`: can be pasted into a query. */
export function formatSeries(metric: LabelObject): string {
  const { __name__: name } = metric;
  const isClassic = name === undefined || /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  const matchers = namesOf(metric).map(
    (label) => `${quotedName(label)}=${JSON.stringify(metric[label])}`,
  );
  if (!isClassic) matchers.unshift(JSON.stringify(name));
  const front = isClassic ? (name ?? '') : '';
  return matchers.length === 0 && front !== '' ? front : `${front}{${matchers.join(', ')}}`;
}
