// SPDX-License-Identifier: Apache-2.0
// hot
// Label set -> series id, for the writing thread only: open addressing over two words a slot (hash, id).
// It stands in ordinary memory, because no other thread looks at it.

const EMPTY = 0;

export class SeriesIndex {
  private slots = new Uint32Array(2 * 1024);
  private mask = 1023;
  private used = 0;

  get sizeBytes(): number {
    return this.slots.byteLength;
  }

  /** The id among those entered under `hash` for which `same` holds, or 0. */
  find(hash: number, same: (id: number) => boolean): number {
    const { slots, mask } = this;
    let slot = hash & mask;
    for (;;) {
      const id = slots[2 * slot + 1]!;
      if (id === EMPTY) return 0;
      if (slots[2 * slot] === hash && same(id)) return id;
      slot = (slot + 1) & mask;
    }
  }

  /** Enters an id that is not there yet. */
  enter(hash: number, id: number): void {
    if ((this.used + 1) * 4 > (this.mask + 1) * 3) this.grow();
    this.place(hash, id);
    this.used++;
  }

  /** Takes out an id that was entered under `hash`; the entries after it move up. */
  remove(hash: number, id: number): void {
    const { slots, mask } = this;
    let hole = hash & mask;
    while (slots[2 * hole + 1] !== id) {
      if (slots[2 * hole + 1] === EMPTY) return;
      hole = (hole + 1) & mask;
    }
    this.used--;
    for (let slot = (hole + 1) & mask; slots[2 * slot + 1] !== EMPTY; slot = (slot + 1) & mask) {
      // An entry may move to the hole when its home does not lie between them.
      const home = slots[2 * slot]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[2 * hole] = slots[2 * slot]!;
      slots[2 * hole + 1] = slots[2 * slot + 1]!;
      hole = slot;
    }
    slots[2 * hole + 1] = EMPTY;
  }

  private place(hash: number, id: number): void {
    let slot = hash & this.mask;
    while (this.slots[2 * slot + 1] !== EMPTY) slot = (slot + 1) & this.mask;
    this.slots[2 * slot] = hash;
    this.slots[2 * slot + 1] = id;
  }

  private grow(): void {
    const old = this.slots;
    this.mask = this.mask * 2 + 1;
    this.slots = new Uint32Array(2 * (this.mask + 1));
    for (let at = 0; at < old.length; at += 2)
      if (old[at + 1] !== EMPTY) this.place(old[at]!, old[at + 1]!);
  }
}
