// SPDX-License-Identifier: Apache-2.0
// Sets and maps by WAL ref. Refs of one log are dense, apart from what another program may have written.

/** WAL refs below this are looked up in arrays, others in maps. */
const DENSE_REFS_MAX = 1 << 28;

/** A set of refs: a bit for each. */
export class RefSet {
  private bits = new Uint32Array(1 << 10);
  private readonly sparse = new Set<number>();

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

/** WAL ref -> series id; 0 where there is none. */
export class RefTable {
  private dense = new Uint32Array(1 << 12);
  private readonly sparse = new Map<number, number>();

  set(ref: number, id: number): void {
    if (ref >= DENSE_REFS_MAX) {
      this.sparse.set(ref, id);
      return;
    }
    if (ref >= this.dense.length) {
      const grown = new Uint32Array(Math.max(2 * this.dense.length, ref + 1));
      grown.set(this.dense);
      this.dense = grown;
    }
    this.dense[ref] = id;
  }

  get(ref: number): number {
    if (ref >= 0 && ref < this.dense.length) return this.dense[ref]!;
    return this.sparse.get(ref) ?? 0;
  }
}
