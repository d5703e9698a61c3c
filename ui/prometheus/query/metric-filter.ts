// SPDX-License-Identifier: Apache-2.0
import type { MetadataData, MetadataEntry } from '../../../src/apitypes/index.ts';

/** How well `name` fits: the words in any order, and letters of one word with others between. */
function score(name: string, words: readonly string[]): number {
  let total = 0;
  for (const word of words) {
    const at = name.indexOf(word);
    if (at >= 0) {
      total += at === 0 ? 3 : name[at - 1] === '_' ? 2 : 1;
      continue;
    }
    let from = 0;
    for (const letter of word) {
      const next = name.indexOf(letter, from);
      if (next < 0) return -1;
      from = next + 1;
    }
  }
  return total;
}

/** Names that fit the filter, best first, otherwise in their order. */
export function filterMetrics(names: readonly string[], filter: string): readonly string[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return names;
  return names
    .map((name) => ({ name, score: score(name.toLowerCase(), words) }))
    .filter((one) => one.score >= 0)
    .sort((a, b) => b.score - a.score)
    .map(({ name }) => name);
}

/** Metadata of a series' name: a histogram's buckets have those of the histogram. */
export function metadataOf(all: MetadataData, name: string): MetadataEntry | undefined {
  return all[name]?.[0] ?? all[name.replace(/_(bucket|count|sum|total|created)$/, '')]?.[0];
}
