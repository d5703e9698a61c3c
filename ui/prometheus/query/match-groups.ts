// SPDX-License-Identifier: Apache-2.0
// Which series of the two sides of a binary operation find each other, and why the others don't.

import type { LabelObject } from '../../../src/apitypes/index.ts';
import type { VectorMatching } from '../../../src/promql/index.ts';

/**
 * `matched`: partners on both sides; `left`, `right`: series of that side have no partner;
 * `manyLeft`, `manyRight`: several series where the operation wants one, which is an error.
 */
export type MatchStatus = 'matched' | 'left' | 'right' | 'manyLeft' | 'manyRight';

export interface MatchGroup {
  /** The labels that are compared, with their values. */
  readonly labels: LabelObject;
  readonly left: readonly LabelObject[];
  readonly right: readonly LabelObject[];
  readonly status: MatchStatus;
}

/** What needs a look first. */
const statusOrder: readonly MatchStatus[] = ['manyLeft', 'manyRight', 'left', 'right', 'matched'];

type Compared = Pick<VectorMatching, 'on' | 'labels'>;

function comparedLabels(metric: LabelObject, { on, labels }: Compared): LabelObject {
  const entries = Object.entries(metric).filter(([name]) =>
    on ? labels.includes(name) : name !== '__name__' && !labels.includes(name),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function statusOf(left: number, right: number, cardinality: string): MatchStatus {
  const isSet = cardinality === 'many-to-many';
  if (!isSet && right > 1 && cardinality !== 'one-to-many') return 'manyRight';
  if (!isSet && left > 1 && cardinality === 'one-to-many') return 'manyLeft';
  // Two of the left are a mistake only where they meet somebody.
  if (!isSet && left > 1 && right > 0 && cardinality === 'one-to-one') return 'manyLeft';
  if (right === 0) return 'left';
  return left === 0 ? 'right' : 'matched';
}

/** Groups of series with the same compared labels; those that explain a missing result come first. */
export function matchGroups(
  left: readonly LabelObject[],
  right: readonly LabelObject[],
  matching: Compared & Pick<VectorMatching, 'cardinality'>,
): MatchGroup[] {
  const groups = new Map<
    string,
    { labels: LabelObject; left: LabelObject[]; right: LabelObject[] }
  >();
  const add = (metric: LabelObject, side: 'left' | 'right'): void => {
    const labels = comparedLabels(metric, matching);
    const key = JSON.stringify(labels);
    let group = groups.get(key);
    if (group === undefined) {
      group = { labels, left: [], right: [] };
      groups.set(key, group);
    }
    group[side].push(metric);
  };
  for (const metric of left) add(metric, 'left');
  for (const metric of right) add(metric, 'right');
  return [...groups.values()]
    .map((group) => ({
      ...group,
      status: statusOf(group.left.length, group.right.length, matching.cardinality),
    }))
    .sort((a, b) => statusOrder.indexOf(a.status) - statusOrder.indexOf(b.status));
}

/** Groups per status. */
export function countMatches(groups: readonly MatchGroup[]): Record<MatchStatus, number> {
  const counts = { matched: 0, left: 0, right: 0, manyLeft: 0, manyRight: 0 };
  for (const { status } of groups) counts[status] += 1;
  return counts;
}
