// SPDX-License-Identifier: Apache-2.0
// The symbols of several indexes as one ascending sequence.

import { compareText } from '../../model/index.ts';
import type { IndexReader } from '../index/reader.ts';

/**
 * Calls `add` for each distinct symbol in order and returns, for each index, the number that each of its
 * symbols has in that order. 4 bytes a symbol and index.
 */
export function mergeSymbols(
  indexes: readonly IndexReader[],
  add: (text: string) => void,
): Uint32Array[] {
  const readers = indexes.map((index) => index.symbolReader());
  const heads = readers.map((reader) => reader());
  const places = new Array<number>(indexes.length).fill(0);
  const numbers = indexes.map((index) => new Uint32Array(index.symbolCount));
  for (let number = 0; ; number++) {
    let least: string | undefined;
    for (const head of heads) {
      if (head !== undefined && (least === undefined || compareText(head, least) < 0)) least = head;
    }
    if (least === undefined) return numbers;
    add(least);
    for (let i = 0; i < heads.length; i++) {
      if (heads[i] !== least) continue;
      numbers[i]![places[i]!] = number;
      places[i]!++;
      heads[i] = readers[i]!();
    }
  }
}
