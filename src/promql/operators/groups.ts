// SPDX-License-Identifier: Apache-2.0
// Groups of an aggregation: one for each label set that the grouping leaves, numbered as they appear.

import type { AggregatePlan } from '../plan/nodes.ts';
import type { SeriesList } from './batch.ts';
import type { QueryContext, VectorOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';

export interface Groups {
  readonly count: number;
  /** Group of each input row. */
  readonly ofRow: Int32Array;
  /** Label set of each group. */
  readonly labels: Int32Array;
  /** 1 where a member is marked to lose its name; undefined when none is. */
  readonly dropName: Uint8Array | undefined;
}

/** The labels that `plan`'s grouping keeps. */
export function groupingNeed(plan: AggregatePlan, { sets }: QueryContext): LabelNeed {
  const names = plan.grouping.map((name) => sets.symbol(name));
  return { kind: plan.without ? 'without' : 'by', names };
}

/** Numbers the distinct values of `keys` (label set ids) in order of appearance. */
export function numberGroups(
  keys: Int32Array,
  setCount: number,
): { readonly count: number; readonly ofRow: Int32Array; readonly labels: Int32Array } {
  const groupOfSet = new Int32Array(setCount).fill(-1);
  const ofRow = new Int32Array(keys.length);
  const labels: number[] = [];
  for (let row = 0; row < keys.length; row++) {
    const set = keys[row]!;
    if (groupOfSet[set] === -1) {
      groupOfSet[set] = labels.length;
      labels.push(set);
    }
    ofRow[row] = groupOfSet[set]!;
  }
  return { count: labels.length, ofRow, labels: Int32Array.from(labels) };
}

/** Opens the input with just the labels of the grouping and groups its rows. */
export function openGrouped(
  plan: AggregatePlan,
  input: VectorOperator,
  context: QueryContext,
): { readonly groups: Groups; readonly list: SeriesList } {
  const list = input.open(groupingNeed(plan, context));
  const numbered = numberGroups(list.labels, context.sets.setCount);
  let dropName: Uint8Array | undefined;
  if (list.dropName !== undefined) {
    dropName = new Uint8Array(numbered.count);
    for (let row = 0; row < list.count; row++) {
      if (list.dropName[row] === 1) dropName[numbered.ofRow[row]!] = 1;
    }
  }
  return { groups: { ...numbered, dropName }, list };
}
