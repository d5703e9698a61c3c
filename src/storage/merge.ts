// SPDX-License-Identifier: Apache-2.0
// hot
// Several storages as one: series with the same labels are one row, their samples in order, each time once.
// A selector that finds series in one source only gets that source's own set: merging costs it nothing.

import type { Histogram, Matcher, SampleColumns } from '../model/index.ts';
import { compareText, newSampleColumns } from '../model/index.ts';
import type { Querier, SelectHints, SeriesSet, SymbolSpace } from './contracts.ts';

/** One space over the spaces of all sources. */
class MergedSymbols implements SymbolSpace {
  private readonly texts: string[] = [''];
  private readonly ids = new Map<string, number>();
  private readonly imports = new Map<SymbolSpace, Uint32Array>();

  text(id: number): string {
    return this.texts[id] ?? '';
  }

  id(text: string): number {
    return this.ids.get(text) ?? 0;
  }

  /** Our id for one of `space`. */
  imported(space: SymbolSpace, id: number): number {
    let known = this.imports.get(space);
    if (known === undefined || id >= known.length) {
      const grown = new Uint32Array(Math.max(1024, 2 * id));
      if (known !== undefined) grown.set(known);
      known = grown;
      this.imports.set(space, known);
    }
    const found = known[id]!;
    if (found !== 0) return found;
    const text = space.text(id);
    let own = this.ids.get(text);
    if (own === undefined) {
      own = this.texts.length;
      this.texts.push(text);
      this.ids.set(text, own);
    }
    known[id] = own;
    return own;
  }
}

/** Label sets as slices of one column of pairs, found by hash. */
class LabelSets {
  count = 0;
  labelsMax = 0;
  private pairs = new Uint32Array(1024);
  private starts = new Uint32Array(257);
  private slots = new Int32Array(1024).fill(-1);

  /**
   * Number of the set whose `words` words are at the start of `pairs`; entered when it is new.
   * @param guess the set that it most likely is: sources have the same series in the same order
   */
  enter(pairs: Uint32Array, words: number, guess: number): number {
    if (guess < this.count && this.equals(guess, pairs, words)) return guess;
    if (2 * this.count >= this.slots.length) this.rehash();
    const mask = this.slots.length - 1;
    let slot = hashWords(pairs, 0, words) & mask;
    for (;;) {
      const set = this.slots[slot]!;
      if (set < 0) break;
      if (this.equals(set, pairs, words)) return set;
      slot = (slot + 1) & mask;
    }
    const set = this.count++;
    this.slots[slot] = set;
    const start = this.starts[set]!;
    if (start + words > this.pairs.length) {
      const grown = new Uint32Array(2 * (start + words));
      grown.set(this.pairs);
      this.pairs = grown;
    }
    for (let i = 0; i < words; i++) this.pairs[start + i] = pairs[i]!;
    if (set + 2 > this.starts.length) {
      const grown = new Uint32Array(2 * this.starts.length);
      grown.set(this.starts);
      this.starts = grown;
    }
    this.starts[set + 1] = start + words;
    this.labelsMax = Math.max(this.labelsMax, words / 2);
    return set;
  }

  private equals(set: number, pairs: Uint32Array, words: number): boolean {
    const start = this.starts[set]!;
    if (this.starts[set + 1]! - start !== words) return false;
    for (let i = 0; i < words; i++) if (this.pairs[start + i] !== pairs[i]) return false;
    return true;
  }

  private rehash(): void {
    const slots = new Int32Array(2 * this.slots.length).fill(-1);
    const mask = slots.length - 1;
    for (let set = 0; set < this.count; set++) {
      const start = this.starts[set]!;
      let slot = hashWords(this.pairs, start, this.starts[set + 1]! - start) & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = set;
    }
    this.slots = slots;
  }

  copy(set: number, out: Uint32Array): number {
    const start = this.starts[set]!;
    const words = this.starts[set + 1]! - start;
    for (let i = 0; i < words; i++) out[i] = this.pairs[start + i]!;
    return words / 2;
  }

  value(set: number, nameId: number): number {
    const end = this.starts[set + 1]!;
    for (let i = this.starts[set]!; i < end; i += 2) {
      if (this.pairs[i] === nameId) return this.pairs[i + 1]!;
    }
    return 0;
  }
}

function hashWords(words: Uint32Array, from: number, count: number): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < count; i++) {
    h = Math.imul(h ^ words[from + i]!, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

class MergedSeriesSet implements SeriesSet {
  readonly count: number;
  readonly symbols: SymbolSpace;
  readonly maxLabelCount: number;
  columns: SampleColumns = newSampleColumns(0);
  histograms: readonly (Histogram | undefined)[] | undefined;
  startTimes: Float64Array | undefined;
  readonly sources: readonly SeriesSet[];
  private readonly labels: LabelSets;
  /** members[row * sets + i]: row in set i plus one, 0 when it is not there. */
  private readonly members: Uint32Array;
  private own = newSampleColumns(0);
  private spare = newSampleColumns(0);
  /** Beside `own`; undefined while no sample has one. */
  private ownHistograms: (Histogram | undefined)[] | undefined;
  private ownStartTimes: number[] | undefined;
  private picks = new Int32Array(0);

  constructor(
    sets: readonly SeriesSet[],
    symbols: SymbolSpace,
    labels: LabelSets,
    members: Uint32Array,
  ) {
    this.sources = sets;
    this.symbols = symbols;
    this.labels = labels;
    this.members = members;
    this.count = labels.count;
    this.maxLabelCount = labels.labelsMax;
  }

  labelIds(row: number, out: Uint32Array): number {
    return this.labels.copy(row, out);
  }

  labelValueId(row: number, nameId: number): number {
    return this.labels.value(row, nameId);
  }

  estimateSamples(row: number, minTime: number, maxTime: number): number {
    const { sources: sets, members } = this;
    let sum = 0;
    for (let i = 0; i < sets.length; i++) {
      const member = members[row * sets.length + i]!;
      if (member !== 0) sum += sets[i]!.estimateSamples(member - 1, minTime, maxTime);
    }
    return sum;
  }

  read(row: number, minTime: number, maxTime: number): number {
    const { sources: sets, members } = this;
    let n = 0;
    /** The set whose columns hold what was read so far; undefined: our own do. */
    let only: SeriesSet | undefined;
    for (let i = 0; i < sets.length; i++) {
      const member = members[row * sets.length + i]!;
      if (member === 0) continue;
      const set = sets[i]!;
      if (only !== undefined) {
        const all = set.readBehind?.(only, n, member - 1, minTime, maxTime) ?? -1;
        if (all >= 0) {
          n = all;
          continue;
        }
      }
      const got = set.read(member - 1, minTime, maxTime);
      if (got === 0) continue;
      if (n === 0) {
        only = set;
        n = got;
        continue;
      }
      const floats = set.histograms === undefined && set.startTimes === undefined;
      if (floats && only?.append?.(n, set.columns, got) === true) {
        n += got;
        continue;
      }
      if (only !== undefined) this.take(only, n);
      only = undefined;
      n = this.add(set, got, n);
    }
    this.show(only);
    return n;
  }

  private show(only: SeriesSet | undefined): void {
    this.columns = only?.columns ?? this.own;
    this.histograms = only === undefined ? this.ownHistograms : only.histograms;
    if (only !== undefined) this.startTimes = only.startTimes;
    else this.startTimes = this.ownStartTimes && Float64Array.from(this.ownStartTimes);
  }

  private grow(capacity: number, kept: number): void {
    if (this.own.times.length >= capacity) return;
    const grown = newSampleColumns(2 * capacity);
    grown.times.set(this.own.times.subarray(0, kept));
    grown.valueBits.set(this.own.valueBits.subarray(0, 2 * kept));
    this.own = grown;
  }

  private take({ columns, histograms, startTimes }: SeriesSet, count: number): void {
    this.grow(count, 0);
    this.own.times.set(columns.times.subarray(0, count));
    this.own.valueBits.set(columns.valueBits.subarray(0, 2 * count));
    this.ownHistograms = histograms?.slice(0, count);
    this.ownStartTimes = startTimes && Array.from(startTimes.subarray(0, count));
  }

  /** Joins the `count` samples that `set` read with the `n` of our own; returns how many there are then. */
  private add(set: SeriesSet, count: number, n: number): number {
    const from = set.columns;
    this.grow(n + count, n);
    const { times, valueBits } = this.own;
    if (from.times[0]! > times[n - 1]!) {
      times.set(from.times.subarray(0, count), n);
      valueBits.set(from.valueBits.subarray(0, 2 * count), 2 * n);
      this.ownHistograms = join(this.ownHistograms, n, set.histograms, count, undefined);
      this.ownStartTimes = join(this.ownStartTimes, n, set.startTimes, count, 0);
      return n + count;
    }
    // Own and spare columns change places: neither says how big the picks are.
    if (this.spare.times.length < n + count) this.spare = newSampleColumns(2 * (n + count));
    if (this.picks.length < n + count) this.picks = new Int32Array(2 * (n + count));
    const merged = mergeColumns(this.own, n, from, count, this.spare, this.picks);
    const picks = this.picks.subarray(0, merged);
    this.ownHistograms = pick(this.ownHistograms, set.histograms, picks, undefined);
    this.ownStartTimes = pick(this.ownStartTimes, set.startTimes, picks, 0);
    const { own } = this;
    this.own = this.spare;
    this.spare = own;
    return merged;
  }
}

/** `a` with its `aCount` entries and then those of `b`; undefined when neither is there. */
function join<T>(
  a: T[] | undefined,
  aCount: number,
  b: ArrayLike<T> | undefined,
  bCount: number,
  nothing: T,
): T[] | undefined {
  if (a === undefined && b === undefined) return undefined;
  const joined = a ?? [];
  // They end where the last sample that has one stands.
  while (joined.length < aCount) joined.push(nothing);
  for (let i = 0; i < bCount; i++) joined.push(b?.[i] ?? nothing);
  return joined;
}

/** What {@link mergeColumns} chose, of columns beside the merged ones. */
function pick<T>(
  a: ArrayLike<T> | undefined,
  b: ArrayLike<T> | undefined,
  picks: Int32Array,
  nothing: T,
): T[] | undefined {
  if (a === undefined && b === undefined) return undefined;
  return Array.from(picks, (at) => {
    const source = at >= 0 ? a : b;
    return source?.[at >= 0 ? at : ~at] ?? nothing;
  });
}

/**
 * Merges two ascending columns into `out`, which has room for both; where both have a sample at a time,
 * that of `a` stays. Returns how many samples there are. `picks` tells where sample i came from: index of
 * `a`, or ~index of `b`.
 */
export function mergeColumns(
  a: SampleColumns,
  aCount: number,
  b: SampleColumns,
  bCount: number,
  out: SampleColumns,
  picks?: Int32Array,
): number {
  let i = 0;
  let k = 0;
  let n = 0;
  while (i < aCount || k < bCount) {
    const fromA = k >= bCount || (i < aCount && a.times[i]! <= b.times[k]!);
    const source = fromA ? a : b;
    const at = fromA ? i : k;
    const time = source.times[at]!;
    if (fromA) i++;
    else k++;
    if (n > 0 && out.times[n - 1] === time) continue;
    out.times[n] = time;
    out.valueBits[2 * n] = source.valueBits[2 * at]!;
    out.valueBits[2 * n + 1] = source.valueBits[2 * at + 1]!;
    if (picks !== undefined) picks[n] = fromA ? at : ~at;
    n++;
  }
  return n;
}

function mergeSets(sets: readonly SeriesSet[], symbols: MergedSymbols): SeriesSet {
  const labels = new LabelSets();
  const width = sets.length;
  let members = new Uint32Array(width * 1024);
  let pairs = new Uint32Array(0);
  for (let i = 0; i < width; i++) {
    const set = sets[i]!;
    if (pairs.length < 2 * set.maxLabelCount) pairs = new Uint32Array(2 * set.maxLabelCount);
    let guess = 0;
    for (let row = 0; row < set.count; row++) {
      const words = 2 * set.labelIds(row, pairs);
      for (let k = 0; k < words; k++) pairs[k] = symbols.imported(set.symbols, pairs[k]!);
      const merged = labels.enter(pairs, words, guess);
      guess = merged + 1;
      if ((merged + 1) * width > members.length) {
        const grown = new Uint32Array(2 * members.length);
        grown.set(members);
        members = grown;
      }
      members[merged * width + i] = row + 1;
    }
  }
  return new MergedSeriesSet(sets, symbols, labels, members);
}

function mergeTexts(lists: readonly (readonly string[])[]): string[] {
  const filled = lists.filter((list) => list.length > 0);
  if (filled.length <= 1) return [...(filled[0] ?? [])];
  const all = new Set<string>();
  for (const list of filled) for (const text of list) all.add(text);
  return [...all].sort(compareText);
}

class MergedQuerier implements Querier {
  private readonly sources: readonly Querier[];
  private readonly symbols = new MergedSymbols();
  private readonly closed: () => void;

  constructor(sources: readonly Querier[], closed: () => void) {
    this.sources = sources;
    this.closed = closed;
  }

  select(
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
    hints?: SelectHints,
  ): SeriesSet {
    const sets = this.sources.map((source) => source.select(matchers, minTime, maxTime, hints));
    const filled = sets.filter(({ count }) => count > 0);
    if (filled.length <= 1) return filled[0] ?? sets[0]!;
    return mergeSets(filled, this.symbols);
  }

  labelNames(matchers: readonly Matcher[], minTime: number, maxTime: number): string[] {
    return mergeTexts(this.sources.map((source) => source.labelNames(matchers, minTime, maxTime)));
  }

  labelValues(
    name: string,
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
  ): string[] {
    return mergeTexts(
      this.sources.map((source) => source.labelValues(name, matchers, minTime, maxTime)),
    );
  }

  close(): void {
    for (const source of this.sources) source.close();
    this.closed();
  }
}

/**
 * One querier over several, at least one, given from old to new: samples that come in this order are only
 * copied. Closing it closes them and then calls `closed`.
 */
export function mergeQueriers(
  sources: readonly Querier[],
  closed: () => void = () => undefined,
): Querier {
  return new MergedQuerier(sources, closed);
}
