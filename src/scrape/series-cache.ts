// SPDX-License-Identifier: Apache-2.0
// hot
// What a target's series texts mean: hash of the text → series ref. Lives in the shared memory, where
// the scan kernel reads it (kernels/scan-layout.ts has the layout); this side grows and cleans it.

import {
  DROPPED_REF,
  ENTRY_LENGTH_MASK,
  ENTRY_TRACKED,
  ENTRY_WAS_TRACKED,
  NO_ENTRY,
  SCAN_ENTRY_BYTES,
  SCAN_STATE_BYTES,
  ScanState,
  type SharedHeap,
} from '../kernels/index.ts';
import { StorageError } from '../storage/index.ts';

const ENTRY_WORDS = SCAN_ENTRY_BYTES / 4;
const REF = 4;
const SEEN = 5;
const NEXT = 6;
const META = 7;
const FIRST_CAPACITY = 64;

/** Cache of one target. The owner frees it. */
export class SeriesCache {
  /** Address of the kernel's state block. */
  readonly state: number;
  private readonly heap: SharedHeap;
  private readonly s: number;
  private capacity = 0;
  private slotCount = 0;

  /**
   * `key`: four random words, the same for all caches of a process.
   *
   * @throws StorageError when there is no memory even for an empty cache
   */
  constructor(heap: SharedHeap, key: readonly number[]) {
    this.heap = heap;
    this.state = heap.allocateZeroed(SCAN_STATE_BYTES);
    this.s = this.state >>> 2;
    if (this.state === 0)
      throw new StorageError('full', 'cannot scrape: the shared memory is exhausted');
    heap.shared.u32.set(key, this.s + ScanState.key);
  }

  get count(): number {
    return this.heap.shared.u32[this.s + ScanState.entryCount]!;
  }

  /** Number of the current scrape attempt; entries remember the last one that saw them. */
  get generation(): number {
    return this.heap.shared.u32[this.s + ScanState.generation]!;
  }

  set generation(value: number) {
    this.heap.shared.u32[this.s + ScanState.generation] = value;
  }

  private word(index: number): number {
    return (this.heap.shared.u32[this.s + ScanState.entries]! >>> 2) + index * ENTRY_WORDS;
  }

  ref(index: number): number {
    return this.heap.shared.u32[this.word(index) + REF]!;
  }

  setRef(index: number, ref: number): void {
    this.heap.shared.u32[this.word(index) + REF] = ref;
  }

  /** Marks the entry as seen in this attempt; true when it was already. As the kernel does. */
  mark(index: number): boolean {
    const { u32 } = this.heap.shared;
    const entry = this.word(index);
    const generation = this.generation;
    const seen = u32[entry + SEEN]!;
    if (seen === generation) return true;
    const meta = u32[entry + META]!;
    const was = seen + 1 === generation && (meta & ENTRY_TRACKED) !== 0 ? ENTRY_WAS_TRACKED : 0;
    u32[entry + SEEN] = generation;
    u32[entry + META] = (meta & ENTRY_LENGTH_MASK) | was;
    return false;
  }

  /** From now on a staleness marker follows when the entry vanishes. */
  track(index: number): void {
    const meta = this.word(index) + META;
    this.heap.shared.u32[meta] = this.heap.shared.u32[meta]! | ENTRY_TRACKED;
  }

  /** Entry with the hash that stands in the state block, or NO_ENTRY. */
  find(): number {
    if (this.slotCount === 0) return NO_ENTRY;
    const { u32 } = this.heap.shared;
    const hash = this.s + ScanState.hash;
    const slots = u32[this.s + ScanState.slots]! >>> 2;
    let slot = u32[hash]! & (this.slotCount - 1);
    for (let found = u32[slots + slot]!; found !== 0; found = u32[slots + slot]!) {
      const entry = this.word(found - 1);
      if (
        u32[entry] === u32[hash] &&
        u32[entry + 1] === u32[hash + 1] &&
        u32[entry + 2] === u32[hash + 2] &&
        u32[entry + 3] === u32[hash + 3]
      )
        return found - 1;
      slot = (slot + 1) & (this.slotCount - 1);
    }
    return NO_ENTRY;
  }

  /**
   * Adds an entry for the hash in the state block, seen in this attempt.
   *
   * @returns its index, NO_ENTRY when memory is exhausted or the text too long to be kept
   */
  insert(ref: number, textLength: number): number {
    if (textLength > ENTRY_LENGTH_MASK || !this.reserve(this.count + 1)) return NO_ENTRY;
    const { u32 } = this.heap.shared;
    const index = this.count;
    const entry = this.word(index);
    const hash = this.s + ScanState.hash;
    u32.copyWithin(entry, hash, hash + 4);
    u32[entry + REF] = ref;
    u32[entry + SEEN] = this.generation;
    u32[entry + NEXT] = index + 1;
    u32[entry + META] = textLength;
    u32[this.s + ScanState.entryCount] = index + 1;
    this.link(index);
    return index;
  }

  private link(index: number): void {
    const { u32 } = this.heap.shared;
    const slots = u32[this.s + ScanState.slots]! >>> 2;
    let slot = u32[this.word(index)]! & (this.slotCount - 1);
    while (u32[slots + slot] !== 0) slot = (slot + 1) & (this.slotCount - 1);
    u32[slots + slot] = index + 1;
  }

  private reserve(count: number): boolean {
    if (count <= this.capacity) return true;
    return this.resize(Math.max(FIRST_CAPACITY, this.capacity * 2, count));
  }

  /** Moves entries and slots to memory for `capacity` entries; false when there is none. */
  private resize(capacity: number): boolean {
    const { heap } = this;
    const { u8, u32 } = heap.shared;
    let slotCount = 128;
    while (slotCount < capacity * 1.5) slotCount *= 2;
    const entries = heap.allocate(capacity * SCAN_ENTRY_BYTES);
    const slots = entries === 0 ? 0 : heap.allocateZeroed(slotCount * 4);
    if (slots === 0) {
      if (entries !== 0) heap.free(entries, capacity * SCAN_ENTRY_BYTES);
      return false;
    }
    const old = u32[this.s + ScanState.entries]!;
    u8.copyWithin(entries, old, old + this.count * SCAN_ENTRY_BYTES);
    this.freeTables();
    u32[this.s + ScanState.entries] = entries;
    u32[this.s + ScanState.slots] = slots;
    u32[this.s + ScanState.slotMask] = slotCount - 1;
    this.capacity = capacity;
    this.slotCount = slotCount;
    for (let i = 0; i < this.count; i++) this.link(i);
    return true;
  }

  private freeTables(): void {
    if (this.capacity === 0) return;
    const { u32 } = this.heap.shared;
    this.heap.free(u32[this.s + ScanState.entries]!, this.capacity * SCAN_ENTRY_BYTES);
    this.heap.free(u32[this.s + ScanState.slots]!, this.slotCount * 4);
  }

  /** Makes sure that the kernel has tables to look into; false without memory. */
  prepare(): boolean {
    return this.reserve(1);
  }

  /**
   * Calls `visit(ref)` for each entry whose series ends with this attempt: tracked in the attempt
   * before and, unless the scrape `failed`, not now.
   */
  forEachEnded(failed: boolean, visit: (ref: number) => void): void {
    const { u32 } = this.heap.shared;
    const generation = this.generation;
    const count = this.count;
    for (let i = 0, entry = this.word(0); i < count; i++, entry += ENTRY_WORDS) {
      const seen = u32[entry + SEEN]!;
      const meta = u32[entry + META]!;
      const endedNow =
        seen === generation
          ? (meta & ENTRY_WAS_TRACKED) !== 0 && (failed || (meta & ENTRY_TRACKED) === 0)
          : seen + 1 === generation && (meta & ENTRY_TRACKED) !== 0;
      const ref = u32[entry + REF]!;
      if (endedNow && ref !== 0 && ref !== DROPPED_REF) visit(ref);
      // A failed attempt stored nothing: what it saw is not there to vanish.
      if (failed && seen === generation) u32[entry + META] = meta & ENTRY_LENGTH_MASK;
    }
  }

  /** Forgets the refs in `gone`: they are resolved anew when seen again. */
  forgetRefs(gone: ReadonlySet<number>): void {
    const { u32 } = this.heap.shared;
    const count = this.count;
    for (let i = 0, entry = this.word(0); i < count; i++, entry += ENTRY_WORDS) {
      if (gone.has(u32[entry + REF]!)) u32[entry + REF] = 0;
    }
  }

  /** Number of entries seen in this attempt. */
  seenCount(): number {
    const { u32 } = this.heap.shared;
    const generation = this.generation;
    let seen = 0;
    for (let i = 0, entry = this.word(0); i < this.count; i++, entry += ENTRY_WORDS) {
      if (u32[entry + SEEN] === generation) seen++;
    }
    return seen;
  }

  /** Drops entries that were not seen in the last `keptAttempts` attempts (1: only this one's stay). */
  compact(keptAttempts: number): void {
    const { u32 } = this.heap.shared;
    const oldest = this.generation - keptAttempts;
    const count = this.count;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const from = this.word(i);
      if (u32[from + SEEN]! <= oldest) continue;
      const to = this.word(kept++);
      if (to !== from) u32.copyWithin(to, from, from + ENTRY_WORDS);
      u32[to + NEXT] = kept;
    }
    u32[this.s + ScanState.entryCount] = kept;
    u32[this.s + ScanState.first] = 0;
    u32[this.s + ScanState.previous] = NO_ENTRY;
    const wasteful = kept < this.capacity / 4 && this.capacity > FIRST_CAPACITY;
    if (wasteful && this.resize(Math.max(FIRST_CAPACITY, kept * 2))) return;
    const slots = u32[this.s + ScanState.slots]! >>> 2;
    u32.fill(0, slots, slots + this.slotCount);
    for (let i = 0; i < kept; i++) this.link(i);
  }

  /** Gives all memory back; the cache must not be used any more. */
  free(): void {
    this.freeTables();
    this.heap.free(this.state, SCAN_STATE_BYTES);
    this.capacity = 0;
    this.slotCount = 0;
  }
}
