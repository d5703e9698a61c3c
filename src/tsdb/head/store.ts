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
  Slot,
  slotOf,
  Table,
  WORKER_SLOTS,
} from './layout.ts';
import { findPair, hashBytes, hashPair, PAIR_WORDS } from './tables.ts';

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
  /** Retired blocks, oldest first from `retiredFrom`: address, size, batch number in turns. */
  private retired: number[] = [];
  private retiredFrom = 0;

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
    return (this.retired.length - this.retiredFrom) / 3;
  }

  /** Frees what no active reader started early enough to hold. Call after each commit. */
  reclaim(): void {
    const { u32 } = this.shared;
    const committed = u32[Control.committed]!;
    let oldest = committed;
    for (let worker = 0; worker < WORKER_SLOTS; worker++) {
      const slot = slotOf(worker);
      if (Atomics.load(u32, slot + Slot.active) === 0) continue;
      const batch = Atomics.load(u32, slot + Slot.batch);
      if (((batch - oldest) | 0) < 0) oldest = batch;
    }
    const end = Math.min(this.retired.length, this.retiredFrom + 3 * FREED_PER_CALL_MAX);
    let from = this.retiredFrom;
    while (from < end && ((this.retired[from + 2]! - oldest) | 0) <= 0) {
      this.heap.free(this.retired[from]!, this.retired[from + 1]!);
      from += 3;
    }
    this.retiredFrom = from;
    if (from > 100_000 || from === this.retired.length) {
      this.retired = this.retired.slice(from);
      this.retiredFrom = 0;
    }
  }

  /** Sets record `id` of the directory at control word `word`. */
  setDirectory(word: number, id: number, address: number): void {
    const { u32 } = this.shared;
    const entry = (u32[word]! >>> 2) + (id >>> 16);
    if (u32[entry] === 0) u32[entry] = this.allocateZeroed(PAGE_IDS * 4);
    u32[(u32[entry]! >>> 2) + (id & 0xffff)] = address;
  }

  newDirectory(word: number): void {
    this.shared.u32[word] = this.allocateZeroed(DIRECTORY_BYTES);
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

  /** Makes room for one more entry: doubles the table when it is two thirds full. */
  private reserve(word: number, words: number, hashOf: (at: number) => number): void {
    const { u32 } = this.shared;
    const old = u32[word]!;
    const slots = u32[(old >>> 2) + Table.mask]! + 1;
    const used = u32[(old >>> 2) + Table.used]!;
    if ((used + 1) * 3 <= slots * 2) return;
    this.newTableFrom(word, old, slots, words, hashOf);
    this.retire(old, (Table.slots + slots * words) * 4);
  }

  private newTableFrom(
    word: number,
    old: number,
    slots: number,
    words: number,
    hashOf: (at: number) => number,
  ): void {
    const { u32 } = this.shared;
    const table = this.allocateZeroed((Table.slots + 2 * slots * words) * 4);
    const to = (table >>> 2) + Table.slots;
    const mask = 2 * slots - 1;
    u32[(table >>> 2) + Table.mask] = mask;
    u32[(table >>> 2) + Table.used] = u32[(old >>> 2) + Table.used]!;
    for (let slot = 0, at = (old >>> 2) + Table.slots; slot < slots; slot++, at += words) {
      if (u32[at] === 0) continue;
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
    this.reserve(Control.symbolTable, 1, (at) => {
      const record = this.symbolAddress(u32[at]!);
      return hashBytes(u8, record + 4, record + 4 + u32[record >>> 2]!);
    });
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

  /** List of a pair, made with room for `capacity` ids when it is new. */
  pairList(name: number, value: number, capacity: number): { list: number; isNew: boolean } {
    const known = findPair(this.shared, name, value);
    if (known !== 0) return { list: known, isNew: false };
    const { u32 } = this.shared;
    this.reserve(Control.pairTable, PAIR_WORDS, (at) => hashPair(u32[at]!, u32[at + 1]!));
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
    return { list, isNew: true };
  }
}
