// SPDX-License-Identifier: Apache-2.0
// The series of one selector: the storage's ids translated to the query's label sets.

import { compareText, type Matcher } from '../../model/index.ts';
import type { SelectHints, SeriesSet } from '../../storage/index.ts';
import { type QueryContext, ticking } from './context.ts';
import { type LabelNeed, NAME_SYMBOL } from './label-sets.ts';

/** Label sets of all rows of a storage's series set, projected to `need`: makes only what is needed. */
export function storedLabels(
  series: SeriesSet,
  need: LabelNeed,
  context: QueryContext,
): Int32Array {
  const { sets, control } = context;
  const labels = new Int32Array(series.count);
  if (need.kind === 'by') {
    if (need.names.length > 0) projectBy(series, need.names, labels, context);
    return labels;
  }
  const { symbols } = series;
  const stored = new Uint32Array(2 * series.maxLabelCount);
  const pairs = new Uint32Array(2 * series.maxLabelCount);
  const dropped = need.kind === 'without' ? new Set([NAME_SYMBOL, ...need.names]) : undefined;
  const tick = ticking(control, 1024);
  for (let row = 0; row < series.count; row++) {
    tick();
    const count = series.labelIds(row, stored);
    let n = 0;
    for (let i = 0; i < count; i++) {
      const name = sets.imported(symbols, stored[2 * i]!);
      if (dropped?.has(name)) continue;
      pairs[2 * n] = name;
      pairs[2 * n + 1] = sets.imported(symbols, stored[2 * i + 1]!);
      n++;
    }
    labels[row] = sets.intern(pairs, n);
  }
  return labels;
}

/** Reads only the labels in `names`: no other is ever looked at. */
function projectBy(
  series: SeriesSet,
  names: readonly number[],
  labels: Int32Array,
  { sets, control }: QueryContext,
): void {
  const { symbols } = series;
  const stored = [...new Set(names)]
    .map((name) => ({ name, text: sets.text(name), id: symbols.id(sets.text(name)) }))
    .filter(({ id }) => id !== 0);
  stored.sort((a, b) => compareText(a.text, b.text));
  const pairs = new Uint32Array(2 * stored.length);
  const tick = ticking(control, 1024);
  for (let row = 0; row < series.count; row++) {
    tick();
    let n = 0;
    for (const { name, id } of stored) {
      const value = series.labelValueId(row, id);
      if (value === 0) continue;
      pairs[2 * n] = name;
      pairs[2 * n + 1] = sets.imported(symbols, value);
      n++;
    }
    labels[row] = sets.intern(pairs, n);
  }
}

export const selectionKey = (matchers: readonly Matcher[], minMs: number, maxMs: number): string =>
  JSON.stringify([minMs, maxMs, matchers.map(({ name, type, value }) => [name, type, value])]);

/** Selects with the bounds and hints of one use of a selector. */
export function selectStored(
  context: QueryContext,
  matchers: readonly Matcher[],
  minMs: number,
  maxMs: number,
  hints: Pick<SelectHints, 'stepMs' | 'rangeMs' | 'func'>,
): SeriesSet {
  context.control.checkpoint();
  const key = selectionKey(matchers, minMs, maxMs);
  const known = context.selected.get(key);
  if (known !== undefined) {
    // A set has one place at which it reads: the next user makes its own.
    context.selected.delete(key);
    return known;
  }
  return context.querier.select(matchers, minMs, maxMs, { startMs: minMs, endMs: maxMs, ...hints });
}

/** The metric's name of a row; '' when it has none. */
export function storedName(series: SeriesSet, row: number, nameId: number): string {
  const id = nameId === 0 ? 0 : series.labelValueId(row, nameId);
  return id === 0 ? '' : series.symbols.text(id);
}
