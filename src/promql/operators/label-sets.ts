// SPDX-License-Identifier: Apache-2.0
// Label sets of one query as integers. Texts are interned to symbols (1, 2, …), label sets to set ids
// (0 is the empty set): equal ids are equal label sets, so that grouping, matching and the search for
// duplicates compare integers. Strings are made again only for what is answered.
//
//   symbols   texts[symbol]
//   sets      pairs[2 * starts[set] …  2 * starts[set + 1])   (name symbol, value symbol) sorted by name

import { compareText, type Label, type Labels } from '../../model/index.ts';
import type { SymbolSpace } from '../../storage/index.ts';

/** Symbols of the names that have a meaning of their own; the constructor interns them in this order. */
export const NAME_SYMBOL = 1;
export const TYPE_SYMBOL = 2;
export const UNIT_SYMBOL = 3;
export const BUCKET_SYMBOL = 4;

const EMPTY_SLOT = -1;

function grown(array: Uint32Array, needed: number): Uint32Array {
  if (needed <= array.length) return array;
  const larger = new Uint32Array(Math.max(needed, array.length * 2));
  larger.set(array);
  return larger;
}

/** Which part of the labels a consumer looks at; what it doesn't need is never made. */
export type LabelNeed =
  | { readonly kind: 'all' }
  /** Only these names, as `by (…)` keeps them. */
  | { readonly kind: 'by'; readonly names: readonly number[] }
  /** All but these names and the metric's name, as `without (…)` keeps them. */
  | { readonly kind: 'without'; readonly names: readonly number[] };

export const needAll: LabelNeed = { kind: 'all' };
export const needNothing: LabelNeed = { kind: 'by', names: [] };

/** Symbols and label sets of one query. Grows only; dropped with the query. */
export class LabelSets {
  private readonly texts: string[] = [''];
  private readonly symbols = new Map<string, number>();
  private readonly spaces = new Map<SymbolSpace, Map<number, number>>();
  private pairs: Uint32Array = new Uint32Array(1024);
  private starts: Uint32Array = new Uint32Array(256);
  private count = 1;
  /** Open addressing over set ids. */
  private slots = new Int32Array(512).fill(EMPTY_SLOT);
  private scratch: Uint32Array = new Uint32Array(256);
  private readonly nameless: number[] = [];

  constructor() {
    for (const text of ['__name__', '__type__', '__unit__', 'le']) this.symbol(text);
    this.slots[this.hash(this.scratch, 0) & (this.slots.length - 1)] = 0;
  }

  /** Number of label sets made so far, the empty one included. */
  get setCount(): number {
    return this.count;
  }

  /** The symbol of `text`, new if need be. */
  symbol(text: string): number {
    let symbol = this.symbols.get(text);
    if (symbol === undefined) {
      symbol = this.texts.length;
      this.texts.push(text);
      this.symbols.set(text, symbol);
    }
    return symbol;
  }

  text(symbol: number): string {
    return this.texts[symbol] ?? '';
  }

  /** The symbol for id `id` of a storage's space. */
  imported(space: SymbolSpace, id: number): number {
    let known = this.spaces.get(space);
    if (known === undefined) {
      known = new Map();
      this.spaces.set(space, known);
    }
    let symbol = known.get(id);
    if (symbol === undefined) {
      symbol = this.symbol(space.text(id));
      known.set(id, symbol);
    }
    return symbol;
  }

  private hash(pairs: Uint32Array, words: number): number {
    let h = 0x811c9dc5 | 0;
    for (let i = 0; i < words; i++) {
      h = Math.imul(h ^ pairs[i]!, 0x9e3779b1);
      h ^= h >>> 15;
    }
    return h >>> 0;
  }

  private equals(set: number, pairs: Uint32Array, words: number): boolean {
    const start = this.starts[set]!;
    if (this.starts[set + 1]! - start !== words) return false;
    for (let i = 0; i < words; i++) if (this.pairs[start + i] !== pairs[i]) return false;
    return true;
  }

  /** The set of the `pairCount` (name, value) symbol pairs at the start of `pairs`, sorted by name. */
  intern(pairs: Uint32Array, pairCount: number): number {
    const words = pairCount * 2;
    const mask = this.slots.length - 1;
    let slot = this.hash(pairs, words) & mask;
    for (;;) {
      const set = this.slots[slot]!;
      if (set === EMPTY_SLOT) break;
      if (this.equals(set, pairs, words)) return set;
      slot = (slot + 1) & mask;
    }
    return this.append(pairs, words, slot);
  }

  private append(pairs: Uint32Array, words: number, slot: number): number {
    const set = this.count++;
    const start = this.starts[set]!;
    this.starts = grown(this.starts, set + 2);
    this.pairs = grown(this.pairs, start + words);
    for (let i = 0; i < words; i++) this.pairs[start + i] = pairs[i]!;
    this.starts[set + 1] = start + words;
    this.slots[slot] = set;
    if (this.count * 2 > this.slots.length) this.rehash();
    return set;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 4).fill(EMPTY_SLOT);
    const mask = slots.length - 1;
    for (let set = 0; set < this.count; set++) {
      const start = this.starts[set]!;
      const end = this.starts[set + 1]!;
      let slot = this.hash(this.pairs.subarray(start, end), end - start) & mask;
      while (slots[slot] !== EMPTY_SLOT) slot = (slot + 1) & mask;
      slots[slot] = set;
    }
    this.slots = slots;
  }

  /** The value symbol of label `name` in `set`; 0 when absent. */
  value(set: number, name: number): number {
    const end = this.starts[set + 1]!;
    for (let i = this.starts[set]!; i < end; i += 2) {
      if (this.pairs[i] === name) return this.pairs[i + 1]!;
    }
    return 0;
  }

  /** `set` with only those labels for which `keep(name)`. */
  private filtered(set: number, keep: (name: number) => boolean): number {
    const end = this.starts[set + 1]!;
    const start = this.starts[set]!;
    const out = this.room(end - start);
    let words = 0;
    for (let i = start; i < end; i += 2) {
      if (!keep(this.pairs[i]!)) continue;
      out[words++] = this.pairs[i]!;
      out[words++] = this.pairs[i + 1]!;
    }
    return words === end - start ? set : this.intern(out, words / 2);
  }

  private room(words: number): Uint32Array {
    this.scratch = grown(this.scratch, words);
    return this.scratch;
  }

  /** `set` without the metric's name, type and unit. */
  withoutName(set: number): number {
    let bare = this.nameless[set];
    if (bare === undefined) {
      bare = this.filtered(set, (name) => name > UNIT_SYMBOL);
      this.nameless[set] = bare;
    }
    return bare;
  }

  /** `set` with only the labels in `names`. */
  keeping(set: number, names: readonly number[]): number {
    return this.filtered(set, (name) => names.includes(name));
  }

  /** `set` without the labels in `names`. */
  removing(set: number, names: readonly number[]): number {
    return this.filtered(set, (name) => !names.includes(name));
  }

  /** The part of `set` that `need` asks for. */
  project(set: number, need: LabelNeed): number {
    if (need.kind === 'all') return set;
    if (need.kind === 'by') return this.keeping(set, need.names);
    return this.filtered(set, (name) => name !== NAME_SYMBOL && !need.names.includes(name));
  }

  /** `set` with label `name` set to `value`; value symbol 0 or '' removes it. */
  with(set: number, name: number, value: number): number {
    if (value === 0 || this.texts[value] === '') return this.removing(set, [name]);
    const start = this.starts[set]!;
    const end = this.starts[set + 1]!;
    const out = this.room(end - start + 2);
    const text = this.texts[name]!;
    let words = 0;
    let i = start;
    while (i < end && compareText(this.texts[this.pairs[i]!]!, text) < 0) {
      out[words++] = this.pairs[i++]!;
      out[words++] = this.pairs[i++]!;
    }
    out[words++] = name;
    out[words++] = value;
    if (i < end && this.pairs[i] === name) i += 2;
    while (i < end) out[words++] = this.pairs[i++]!;
    return this.intern(out, words / 2);
  }

  /** The set of a label set given as texts. */
  fromLabels(labels: Labels): number {
    let set = 0;
    for (const { name, value } of labels) {
      set = this.with(set, this.symbol(name), this.symbol(value));
    }
    return set;
  }

  /** Number of labels of `set`. */
  size(set: number): number {
    return (this.starts[set + 1]! - this.starts[set]!) / 2;
  }

  /** Name symbol of label `i` of `set`. */
  nameAt(set: number, i: number): number {
    return this.pairs[this.starts[set]! + 2 * i]!;
  }

  /** Value symbol of label `i` of `set`. */
  valueAt(set: number, i: number): number {
    return this.pairs[this.starts[set]! + 2 * i + 1]!;
  }

  labels(set: number): Labels {
    const labels: Label[] = [];
    for (let i = 0; i < this.size(set); i++) {
      labels.push({ name: this.text(this.nameAt(set, i)), value: this.text(this.valueAt(set, i)) });
    }
    return labels;
  }

  /** Orders sets as upstream orders label sets. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    const n = Math.min(this.size(a), this.size(b));
    for (let i = 0; i < n; i++) {
      const nameA = this.nameAt(a, i);
      const nameB = this.nameAt(b, i);
      if (nameA !== nameB) return compareText(this.text(nameA), this.text(nameB));
      const valueA = this.valueAt(a, i);
      const valueB = this.valueAt(b, i);
      if (valueA !== valueB) return compareText(this.text(valueA), this.text(valueB));
    }
    return this.size(a) - this.size(b);
  }

  /** `set` as upstream's messages print it: `{__name__="x", job="a"}`. */
  print(set: number): string {
    const quoted = this.labels(set).map(({ name, value }) => {
      const plain = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
      return `${plain ? name : JSON.stringify(name)}=${JSON.stringify(value)}`;
    });
    return `{${quoted.join(', ')}}`;
  }
}
