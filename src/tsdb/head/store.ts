// SPDX-License-Identifier: Apache-2.0
// The writer's side of the head's structures: growing directories, lists and tables while other threads
// read them. What is replaced is retired and freed when no reader can hold it any more.

import { assert } from '../../base/index.ts';
import type { SharedHeap, SharedMemory } from '../../kernels/index.ts';
import {
  Control,
  DIRECTORY_BYTES,
  LIST_BYTES,
  List,
  PAGE_IDS,
  SYMBOL_TEXT,
  Slot,
  slotOf,
  Table,
  WORKER_SLOTS,
} from './layout.ts';
import { RetiredQueue } from './retired.ts';
import { findPair, hashBytes, hashPair, PAIR_GONE, PAIR_WORDS, SYMBOL_GONE } from './tables.ts';

/** What else than freeing a block waits for the readers: clearing an entry of a directory. */
export const Deferred = { seriesEntry: -1, symbolEntry: -2 } as const;
export type Deferred = (typeof Deferred)[keyof typeof Deferred];

/** The memory is exhausted: what was being added is not there, what was there before still is. */
export class MemoryFullError extends Error {
  override name = 'MemoryFullError';
}

/** Blocks freed for each commit at most, so that a commit stays short. */
const FREED_PER_CALL_MAX = 4096;

/** Allocation with deferred freeing. Owned by the writing thread. */
export class HeadStore {
  readonly heap: SharedHeap;
  readonly shared: SharedMemory;
  private readonly retired = new RetiredQueue();
  /** Records in each page of a directory, by control word; a page without any is freed. */
  private readonly pageUse = new Map<number, Uint32Array>();
  /** Entries of the tables that are marks of something gone. */
  private symbolsGone = 0;
  private pairsGone = 0;

  constructor(heap: SharedHeap) {
    this.heap = heap;
    this.shared = heap.shared;
  }

  /** @throws MemoryFullError */
  allocate(sizeBytes: number): number {
    const address = this.heap.allocate(sizeBytes);
    if (address === 0)
      throw new MemoryFullError(
        'the shared memory is full: fewer series or a shorter head are needed',
      );
    return address;
  }

  allocateZeroed(sizeBytes: number): number {
    const address = this.allocate(sizeBytes);
    this.shared.u8.fill(0, address, address + sizeBytes);
    return address;
  }

  /** Frees a block once every reader that may hold it has finished. */
  retire(address: number, sizeBytes: number): void {
    this.retired.push(address, sizeBytes, this.nextBatch());
  }

  /** Number of the batch being prepared. */
  nextBatch(): number {
    return (this.shared.u32[Control.committed]! + 1) >>> 0;
  }

  get retiredCount(): number {
    return this.retired.count;
  }

  /** Does something to a directory once every reader that may look there has finished. */
  defer(what: Deferred, id: number): void {
    this.retired.push(id, what, this.nextBatch());
  }

  /** Publishes an empty batch: what was retired until now waits only for readers that are there already. */
  advance(): number {
    const number = this.nextBatch();
    Atomics.store(this.shared.u32, Control.committed, number);
    return number;
  }

  /** The oldest batch that an active reader sees, or `newest` when none sees an older one. */
  oldestReader(newest: number): number {
    const { u32 } = this.shared;
    let oldest = newest;
    for (let worker = 0; worker < WORKER_SLOTS; worker++) {
      const slot = slotOf(worker);
      if (Atomics.load(u32, slot + Slot.active) === 0) continue;
      const batch = Atomics.load(u32, slot + Slot.batch);
      if (((batch - oldest) | 0) < 0) oldest = batch;
    }
    return oldest;
  }

  /** Frees what no active reader started early enough to hold. Call after each commit. */
  reclaim(blocksMax = FREED_PER_CALL_MAX): void {
    const { retired } = this;
    const waiting = retired.count;
    if (waiting === 0) return;
    const oldest = this.oldestReader(this.shared.u32[Control.committed]!);
    for (let left = Math.min(waiting, blocksMax); left > 0; left--) {
      if (((retired.batch - oldest) | 0) > 0) return;
      const { address, size } = retired;
      if (size > 0) this.heap.free(address, size);
      else this.clearEntry(size, address);
      retired.shift();
    }
  }

  private clearEntry(what: number, id: number): void {
    const word = what === Deferred.seriesEntry ? Control.seriesDirectory : Control.symbolDirectory;
    const { u32 } = this.shared;
    const entry = (u32[word]! >>> 2) + (id >>> 16);
    u32[(u32[entry]! >>> 2) + (id & 0xffff)] = 0;
    const use = this.pageUse.get(word)!;
    const left = use[id >>> 16]! - 1;
    use[id >>> 16] = left;
    const highest = u32[word === Control.seriesDirectory ? Control.seriesMax : Control.symbolMax]!;
    // The page that ids still come from stays.
    if (left === 0 && highest >>> 16 !== id >>> 16) {
      this.heap.free(u32[entry]!, PAGE_IDS * 4);
      u32[entry] = 0;
    }
  }

  /** Sets record `id` of the directory at control word `word`. */
  setDirectory(word: number, id: number, address: number): void {
    const { u32 } = this.shared;
    const entry = (u32[word]! >>> 2) + (id >>> 16);
    if (u32[entry] === 0) u32[entry] = this.allocateZeroed(PAGE_IDS * 4);
    u32[(u32[entry]! >>> 2) + (id & 0xffff)] = address;
    const use = this.pageUse.get(word)!;
    use[id >>> 16] = use[id >>> 16]! + 1;
  }

  newDirectory(word: number): void {
    this.shared.u32[word] = this.allocateZeroed(DIRECTORY_BYTES);
    this.pageUse.set(word, new Uint32Array(DIRECTORY_BYTES / 4));
  }

  /** An empty list with room for `capacity` ids. */
  newList(capacity: number): number {
    const list = this.allocate(LIST_BYTES);
    const ids = this.allocate(capacity * 4);
    const at = list >>> 2;
    this.shared.u32[at + List.count] = 0;
    this.shared.u32[at + List.address] = ids;
    this.shared.u32[at + List.capacity] = capacity;
    return list;
  }

  /** Adds an id to a list; ids come in ascending order or the list does not promise one. */
  append(list: number, id: number): void {
    const { u32 } = this.shared;
    const at = list >>> 2;
    const count = u32[at + List.count]!;
    const capacity = u32[at + List.capacity]!;
    if (count === capacity) {
      // A quarter more for long lists: doubling would waste as much again as the postings take.
      const grown = capacity < 16 ? capacity * 2 : capacity + (capacity >>> 2);
      const old = u32[at + List.address]!;
      const ids = this.allocate(grown * 4);
      u32.copyWithin(ids >>> 2, old >>> 2, (old >>> 2) + count);
      Atomics.store(u32, at + List.address, ids);
      u32[at + List.capacity] = grown;
      this.retire(old, capacity * 4);
    }
    u32[(u32[at + List.address]! >>> 2) + count] = id;
    Atomics.store(u32, at + List.count, count + 1);
  }

  /** An empty hash table of `slots` (a power of two) slots of `words` words, at control word `word`. */
  newTable(word: number, slots: number, words: number): void {
    const table = this.allocateZeroed((Table.slots + slots * words) * 4);
    this.shared.u32[(table >>> 2) + Table.mask] = slots - 1;
    Atomics.store(this.shared.u32, word, table);
  }

  /**
   * Makes room for one more entry: a table two thirds full is made anew, of twice the size unless `gone` of
   * its entries are only marks.
   */
  private reserve(
    word: number,
    words: number,
    gone: number,
    hashOf: (at: number) => number,
  ): boolean {
    const { u32 } = this.shared;
    const old = u32[word]!;
    const slots = u32[(old >>> 2) + Table.mask]! + 1;
    const used = u32[(old >>> 2) + Table.used]!;
    if ((used + 1) * 3 <= slots * 2) return false;
    const live = used - gone;
    let size = slots;
    if (live * 2 > slots) size = slots * 2;
    else if (live * 8 < slots && slots > 1024) size = slots / 2;
    this.newTableFrom(word, old, size, words, live, hashOf);
    this.retire(old, (Table.slots + slots * words) * 4);
    return true;
  }

  private newTableFrom(
    word: number,
    old: number,
    slots: number,
    words: number,
    live: number,
    hashOf: (at: number) => number,
  ): void {
    const { u32 } = this.shared;
    const table = this.allocateZeroed((Table.slots + slots * words) * 4);
    const to = (table >>> 2) + Table.slots;
    const mask = slots - 1;
    u32[(table >>> 2) + Table.mask] = mask;
    u32[(table >>> 2) + Table.used] = live;
    const end = (old >>> 2) + Table.slots + (u32[(old >>> 2) + Table.mask]! + 1) * words;
    for (let at = (old >>> 2) + Table.slots; at < end; at += words) {
      // Both kinds of mark are the same word.
      if (u32[at] === 0 || u32[at] === PAIR_GONE) continue;
      let target = hashOf(at) & mask;
      while (u32[to + target * words] !== 0) target = (target + 1) & mask;
      u32.copyWithin(to + target * words, at, at + words);
    }
    Atomics.store(u32, word, table);
  }

  private count(word: number): void {
    const used = (this.shared.u32[word]! >>> 2) + Table.used;
    this.shared.u32[used] = this.shared.u32[used]! + 1;
  }

  /** Enters symbol `id`, whose record is in the directory, under its bytes. */
  enterSymbol(id: number, hash: number): void {
    const { u32, u8 } = this.shared;
    const rebuilt = this.reserve(Control.symbolTable, 1, this.symbolsGone, (at) => {
      const record = this.symbolAddress(u32[at]!);
      return hashBytes(u8, record + SYMBOL_TEXT, record + SYMBOL_TEXT + u32[record >>> 2]!);
    });
    if (rebuilt) this.symbolsGone = 0;
    const table = u32[Control.symbolTable]! >>> 2;
    const mask = u32[table + Table.mask]!;
    let slot = hash & mask;
    while (u32[table + Table.slots + slot] !== 0) slot = (slot + 1) & mask;
    Atomics.store(u32, table + Table.slots + slot, id);
    this.count(Control.symbolTable);
  }

  private symbolAddress(id: number): number {
    const { u32 } = this.shared;
    const page = u32[(u32[Control.symbolDirectory]! >>> 2) + (id >>> 16)]!;
    return u32[(page >>> 2) + (id & 0xffff)]!;
  }

  /** One more pair (or label name) uses the text. */
  holdSymbol(id: number): void {
    const at = (this.symbolAddress(id) >>> 2) + 1;
    this.shared.u32[at] = this.shared.u32[at]! + 1;
  }

  /** One less does. With the last the symbol goes: its length in bytes then, -1 otherwise. */
  releaseSymbol(id: number): number {
    const { u32, u8 } = this.shared;
    const record = this.symbolAddress(id);
    const uses = u32[(record >>> 2) + 1]! - 1;
    u32[(record >>> 2) + 1] = uses;
    if (uses > 0) return -1;
    const length = u32[record >>> 2]!;
    const table = u32[Control.symbolTable]! >>> 2;
    const mask = u32[table + Table.mask]!;
    let slot = hashBytes(u8, record + SYMBOL_TEXT, record + SYMBOL_TEXT + length) & mask;
    while (u32[table + Table.slots + slot] !== id) slot = (slot + 1) & mask;
    Atomics.store(u32, table + Table.slots + slot, SYMBOL_GONE);
    this.symbolsGone++;
    this.defer(Deferred.symbolEntry, id);
    this.retire(record, SYMBOL_TEXT + length);
    return length;
  }

  /** A slot of the pair table was marked as gone. */
  pairRemoved(): void {
    this.pairsGone++;
  }

  /** Word index of the slot of a pair that is there; 0 when it is not. */
  pairSlot(name: number, value: number): number {
    const { u32 } = this.shared;
    const table = u32[Control.pairTable]! >>> 2;
    const mask = u32[table + Table.mask]!;
    let slot = hashPair(name, value) & mask;
    for (;;) {
      const at = table + Table.slots + slot * PAIR_WORDS;
      if (u32[at] === 0) return 0;
      if (u32[at] === name && u32[at + 1] === value) return at;
      slot = (slot + 1) & mask;
    }
  }

  /** List of a pair that has none yet, with room for `capacity` ids. */
  newPairList(name: number, value: number, capacity: number): number {
    const { u32 } = this.shared;
    const rebuilt = this.reserve(Control.pairTable, PAIR_WORDS, this.pairsGone, (at) =>
      hashPair(u32[at]!, u32[at + 1]!),
    );
    if (rebuilt) this.pairsGone = 0;
    const list = this.newList(capacity);
    const table = u32[Control.pairTable]! >>> 2;
    const mask = u32[table + Table.mask]!;
    let slot = hashPair(name, value) & mask;
    while (u32[table + Table.slots + slot * PAIR_WORDS] !== 0) slot = (slot + 1) & mask;
    const at = table + Table.slots + slot * PAIR_WORDS;
    u32[at + 1] = value;
    u32[at + 2] = list;
    Atomics.store(u32, at, name);
    this.count(Control.pairTable);
    assert(findPair(this.shared, name, value) === list, 'a pair just entered is found');
    return list;
  }
}
