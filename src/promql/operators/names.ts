// SPDX-License-Identifier: Apache-2.0
// Dropping the metric's name: at once, or, with delayed name removal, as a mark for the very end.

import type { SeriesList } from './batch.ts';
import type { QueryContext } from './context.ts';
import { type LabelNeed, UNIT_SYMBOL } from './label-sets.ts';

/** `need` for the input of an operator that drops the metric's name. */
function withoutNameNeed(need: LabelNeed): LabelNeed {
  if (need.kind !== 'by') return need;
  return { kind: 'by', names: need.names.filter((name) => name > UNIT_SYMBOL) };
}

/** Opens the input of an operator that drops names; the list is without them or marked. */
export function openNameless(
  input: { open(need: LabelNeed): SeriesList },
  need: LabelNeed,
  context: QueryContext,
): SeriesList {
  if (context.features.delayedNameRemoval === true) {
    const list = input.open(need);
    return { ...list, dropName: new Uint8Array(list.count).fill(1) };
  }
  const list = input.open(withoutNameNeed(need));
  return { ...list, labels: list.labels.map((set) => context.sets.withoutName(set)) };
}
