// SPDX-License-Identifier: Apache-2.0
// hot
// The series of the head as the writer makes and finds them: symbols, records, postings.

import { assert } from '../../base/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import type { Labels } from '../../model/index.ts';
import { compareText } from '../../model/index.ts';
import type { TextPlaces } from '../wal/records.ts';
import type { HeadCounters } from './counters.ts';
import { Control, SERIES_BYTES, SERIES_FLAGS, SYMBOL_TEXT, Series, SeriesFlag } from './layout.ts';
import { SeriesIndex } from './series-index.ts';
import { type HeadStore, MemoryFullError } from './store.ts';
import {
  directoryGet,
  findPair,
  findSymbol,
  hashBytes,
  NAME_SERIES,
  NAME_VALUES,
} from './tables.ts';

/** Free memory below which no new series are taken, so that what exists can go on. */
const RESERVE_BYTES = 16 << 20;
/** Longest label text. */
const TEXT_BYTES_MAX = 1 << 20;

/** One object for the writing thread. */
export class SeriesTable {
  readonly index = new SeriesIndex();
  /** Bytes of symbols, for metrics. */
  symbolBytes = 0;
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly counters: HeadCounters;
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder();
  private readonly textBytes = new Uint8Array(TEXT_BYTES_MAX);
  /** Labels of one series as (name id, value id) pairs. */
  private pairs = new Uint32Array(128);

  constructor(shared: SharedMemory, store: HeadStore, counters: HeadCounters) {
    this.shared = shared;
    this.store = store;
    this.counters = counters;
  }

  /** Id of the series with these labels, sorted by name; 0: there is none. */
  find(labels: Labels): number {
    if (this.pairs.length < 2 * labels.length) this.pairs = new Uint32Array(4 * labels.length);
    return this.findPairs(labels);
  }

  /** Labels of a series; undefined: it is gone, or never was. */
  labels(ref: number): Labels | undefined {
    const record = directoryGet(this.shared, this.shared.u32[Control.seriesDirectory]!, ref);
    const { u32, u8 } = this.shared;
    if (record === 0 || (u8[record + SERIES_FLAGS]! & SeriesFlag.gone) !== 0) return undefined;
    const at = record >>> 2;
    const count = u32[at + Series.labelCount]!;
    const pairs = u32[at + Series.labels]! >>> 2;
    const labels: { name: string; value: string }[] = [];
    for (let i = 0; i < count; i++) {
      labels.push({
        name: this.symbolText(u32[pairs + 2 * i]!),
        value: this.symbolText(u32[pairs + 2 * i + 1]!),
      });
    }
    return labels;
  }

  walRef(id: number): number {
    const { u32 } = this.shared;
    const at = directoryGet(this.shared, u32[Control.seriesDirectory]!, id) >>> 2;
    return u32[at + Series.walRefLow]! + u32[at + Series.walRefHigh]! * 4294967296;
  }

  walRefOf(id: number): { refLow: number; refHigh: number } {
    const { u32 } = this.shared;
    const at = directoryGet(this.shared, u32[Control.seriesDirectory]!, id) >>> 2;
    return { refLow: u32[at + Series.walRefLow]!, refHigh: u32[at + Series.walRefHigh]! };
  }

  /** Bytes of a text in the scratch; returns their number. */
  private encode(text: string): number {
    const { read, written } = this.encoder.encodeInto(text, this.textBytes);
    assert(read === text.length, 'label texts are shorter than the limit');
    return written;
  }

  private symbolText(id: number): string {
    const { u32, u8 } = this.shared;
    const address = directoryGet(this.shared, u32[Control.symbolDirectory]!, id);
    const start = address + SYMBOL_TEXT;
    return this.decoder.decode(u8.slice(start, start + u32[address >>> 2]!));
  }

  /** Fills `pairs` and looks the label set up; 0 when it is new (then `pairs` may be incomplete). */
  private findPairs(labels: Labels): number {
    for (let i = 0; i < labels.length; i++) {
      const { name, value } = labels[i]!;
      assert(i === 0 || compareText(labels[i - 1]!.name, name) < 0, 'labels are sorted and unique');
      const nameId = findSymbol(this.shared, this.textBytes, 0, this.encode(name));
      const valueId =
        nameId === 0 ? 0 : findSymbol(this.shared, this.textBytes, 0, this.encode(value));
      if (valueId === 0) return 0;
      this.pairs[2 * i] = nameId;
      this.pairs[2 * i + 1] = valueId;
    }
    return this.index.find(this.hashPairs(labels.length), (id) => this.hasPairs(id, labels.length));
  }

  private hashPairs(count: number): number {
    let h = 0x811c9dc5;
    for (let i = 0; i < 2 * count; i++) {
      h = Math.imul(h ^ this.pairs[i]!, 0x9e3779b1);
      h ^= h >>> 15;
    }
    return h >>> 0;
  }

  private hasPairs(id: number, count: number): boolean {
    const { u32 } = this.shared;
    const at = directoryGet(this.shared, u32[Control.seriesDirectory]!, id) >>> 2;
    if (u32[at + Series.labelCount] !== count) return false;
    const pairs = u32[at + Series.labels]! >>> 2;
    for (let i = 0; i < 2 * count; i++) if (u32[pairs + i] !== this.pairs[i]) return false;
    return true;
  }

  private intern(text: string): number {
    return this.internBytes(this.textBytes, 0, this.encode(text));
  }

  private internBytes(bytes: Uint8Array, start: number, length: number): number {
    const known = findSymbol(this.shared, bytes, start, length);
    if (known !== 0) return known;
    const { u32, u8 } = this.shared;
    const id = u32[Control.symbolMax]! + 1;
    const address = this.store.allocate(SYMBOL_TEXT + length);
    u32[address >>> 2] = length;
    u32[(address >>> 2) + 1] = 0;
    u8.set(bytes.subarray(start, start + length), address + SYMBOL_TEXT);
    this.store.setDirectory(Control.symbolDirectory, id, address);
    this.store.enterSymbol(id, hashBytes(bytes, start, start + length));
    Atomics.store(u32, Control.symbolMax, id);
    this.symbolBytes += length;
    return id;
  }

  /**
   * Makes a series of labels that `find` did not find just now. A batch that has it makes it visible.
   * @throws MemoryFullError
   */
  create(labels: Labels, walRef: number): number {
    this.needRoom();
    for (let i = 0; i < labels.length; i++) {
      this.pairs[2 * i] = this.intern(labels[i]!.name);
      this.pairs[2 * i + 1] = this.intern(labels[i]!.value);
    }
    return this.createOfPairs(labels.length, walRef);
  }

  /**
   * Id of the series whose texts stand in `bytes` at `places`, sorted by name, made if it is new: then
   * `onNew` is told. @throws MemoryFullError
   */
  restore(
    bytes: Uint8Array,
    places: TextPlaces,
    walRef: number,
    onNew: (id: number) => void,
  ): number {
    const { labels, words } = places;
    if (this.pairs.length < 2 * labels) this.pairs = new Uint32Array(4 * labels);
    for (let i = 0; i < 2 * labels; i++) {
      this.pairs[i] = this.internBytes(bytes, words[2 * i]!, words[2 * i + 1]!);
    }
    const hash = this.hashPairs(labels);
    const known = this.index.find(hash, (id) => this.hasPairs(id, labels));
    if (known !== 0) return known;
    this.needRoom();
    const id = this.createOfPairs(labels, walRef);
    onNew(id);
    return id;
  }

  private needRoom(): void {
    const left = this.shared.sizeBytes - this.store.heap.reservedBytes;
    if (left < RESERVE_BYTES + 5 * (this.counters.seriesCreated - this.counters.seriesRemoved))
      throw new MemoryFullError('no room for more series');
  }

  /** Makes a series of the first `count` pairs of `pairs`. */
  private createOfPairs(count: number, walRef: number): number {
    const { u32 } = this.shared;
    const id = u32[Control.seriesMax]! + 1;
    const record = this.store.allocateZeroed(SERIES_BYTES);
    const at = record >>> 2;
    const pairs = this.store.allocate(Math.max(8, 8 * count));
    u32.set(this.pairs.subarray(0, 2 * count), pairs >>> 2);
    const hash = this.hashPairs(count);
    u32[at + Series.walRefLow] = walRef % 4294967296;
    u32[at + Series.walRefHigh] = Math.floor(walRef / 4294967296);
    u32[at + Series.labels] = pairs;
    u32[at + Series.labelCount] = count;
    u32[at + Series.hash] = hash;
    u32[at + Series.id] = id;
    this.store.setDirectory(Control.seriesDirectory, id, record);
    for (let i = 0; i < count; i++)
      this.addToPostings(id, this.pairs[2 * i]!, this.pairs[2 * i + 1]!);
    this.store.append(u32[Control.allSeries]!, id);
    this.index.enter(hash, id);
    Atomics.store(u32, Control.seriesMax, id);
    this.counters.seriesCreated++;
    return id;
  }

  private addToPostings(id: number, name: number, value: number): void {
    const { store, shared } = this;
    let series = findPair(shared, name, NAME_SERIES);
    if (series === 0) {
      series = store.newPairList(name, NAME_SERIES, 4);
      store.append(shared.u32[Control.labelNames]!, name);
      store.holdSymbol(name);
    }
    store.append(series, id);
    let postings = findPair(shared, name, value);
    if (postings === 0) {
      postings = store.newPairList(name, value, 2);
      const values = findPair(shared, name, NAME_VALUES);
      store.append(values === 0 ? store.newPairList(name, NAME_VALUES, 4) : values, value);
      store.holdSymbol(value);
    }
    store.append(postings, id);
  }
}
