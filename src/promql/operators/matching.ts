// SPDX-License-Identifier: Apache-2.0
// Which series of two sides belong together: those with the same signature, the label set that the
// matching leaves. Decided once for each query, on label set ids.

import type { VectorMatching } from '../ast/nodes.ts';
import { type LabelSets, NAME_SYMBOL } from './label-sets.ts';

/** The signature of `set`. */
export function signature(set: number, matching: MatchingNames, sets: LabelSets): number {
  return matching.on
    ? sets.keeping(set, matching.labels)
    : sets.removing(set, matching.labelsAndName);
}

/** A matching's names as symbols. */
export interface MatchingNames {
  readonly on: boolean;
  readonly labels: readonly number[];
  /** For `ignoring`: the metric's name never counts. */
  readonly labelsAndName: readonly number[];
  readonly include: readonly number[];
}

export function matchingNames(matching: VectorMatching, sets: LabelSets): MatchingNames {
  const labels = matching.labels.map((name) => sets.symbol(name));
  return {
    on: matching.on,
    labels,
    labelsAndName: [...labels, NAME_SYMBOL],
    include: matching.include.map((name) => sets.symbol(name)),
  };
}

/** Rows of one side by signature, signatures in order of appearance. */
export function rowsBySignature(
  labels: ArrayLike<number>,
  matching: MatchingNames,
  sets: LabelSets,
): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    const key = signature(labels[row]!, matching, sets);
    const known = rows.get(key);
    if (known === undefined) rows.set(key, [row]);
    else known.push(row);
  }
  return rows;
}
