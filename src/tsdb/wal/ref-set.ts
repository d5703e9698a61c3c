// SPDX-License-Identifier: Apache-2.0
// Sets and maps by WAL ref. Refs of one log are dense, apart from what another program may have written.

import type { SharedHeap } from '../../kernels/index.ts';

/** WAL refs below this are looked up in arrays, others in maps. */
const DENSE_REFS_MAX = 1 << 28;

/** A set of refs as plain values. */
export interface PlainRefSet {
  readonly bits: Uint32Array;
  readonly sparse: ReadonlySet<number>;
}

/** A set of refs: a bit for each. */
export class RefSet {
  private bits: Uint32Array;
  private readonly sparse: Set<number>;

  /** @param plain what {@link plain} gave */
  constructor(plain?: PlainRefSet) {
    this.bits = plain?.bits ?? new Uint32Array(1 << 10);
    this.sparse = new Set(plain?.sparse);
  }

  /** For another thread. */
  get plain(): PlainRefSet {
    return { bits: this.bits, sparse: this.sparse };
  }

  add(ref: number): void {
    if (ref >= DENSE_REFS_MAX) {
      this.sparse.add(ref);
      return;
    }
    const word = ref >>> 5;
    if (word >= this.bits.length) {
      const grown = new Uint32Array(Math.max(2 * this.bits.length, word + 1));
      grown.set(this.bits);
      this.bits = grown;
    }
    this.bits[word]! |= 1 << (ref & 31);
  }

  has(ref: number): boolean {
    if (ref >= DENSE_REFS_MAX) return this.sparse.has(ref);
    return ref >= 0 && (((this.bits[ref >>> 5] ?? 0) >>> (ref & 31)) & 1) === 1;
  }
}

/** Refs of a table in the shared memory at most; others are in a map. */
const TABLE_REFS_MAX = 1 << 26;

/** WAL ref -> series id, 0 where there is none, as words of the shared memory, where a kernel looks. */
export class RefTable {
  private readonly heap: SharedHeap;
  private address = 0;
  private capacity = 0;
  private readonly sparse = new Map<number, number>();

  constructor(heap: SharedHeap) {
    this.heap = heap;
  }

  /** Address of the words, and their number; valid until `set`. */
  get words(): { readonly address: number; readonly length: number } {
    return { address: this.address, length: this.capacity };
  }

  /** Whether all refs are in the words. */
  get isDense(): boolean {
    return this.sparse.size === 0;
  }

  set(ref: number, id: number): void {
    if (ref >= this.capacity && (ref >= TABLE_REFS_MAX || !this.grow(ref + 1))) {
      this.sparse.set(ref, id);
      return;
    }
    this.heap.shared.u32[(this.address >>> 2) + ref] = id;
  }

  private grow(needed: number): boolean {
    const capacity = Math.max(1 << 12, 2 * this.capacity, needed);
    const address = this.heap.allocateZeroed(4 * capacity);
    if (address === 0) return false;
    const { u32 } = this.heap.shared;
    const from = this.address >>> 2;
    u32.copyWithin(address >>> 2, from, from + this.capacity);
    this.release();
    this.address = address;
    this.capacity = capacity;
    return true;
  }

  get(ref: number): number {
    if (ref >= 0 && ref < this.capacity) {
      const id = this.heap.shared.u32[(this.address >>> 2) + ref]!;
      if (id !== 0) return id;
    }
    return this.sparse.get(ref) ?? 0;
  }

  release(): void {
    if (this.address !== 0) this.heap.free(this.address, 4 * this.capacity);
    this.address = 0;
    this.capacity = 0;
  }
}
