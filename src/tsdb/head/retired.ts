// SPDX-License-Identifier: Apache-2.0
// hot
// What waits for readers before it is freed: a queue in pages, since a truncation puts a million blocks into
// it and none of its steps may take long.

const PAGE_ENTRIES = 4096;
const WORDS = 3;

/** A queue of (address or id, size or kind, batch number). */
export class RetiredQueue {
  private readonly pages: Uint32Array[] = [new Uint32Array(PAGE_ENTRIES * WORDS)];
  /** Word of the oldest entry in the first page, and behind the newest in the last. */
  private first = 0;
  private end = 0;

  get count(): number {
    return (this.pages.length - 1) * PAGE_ENTRIES + (this.end - this.first) / WORDS;
  }

  /** `size` is a whole number of 31 bits and a sign. */
  push(address: number, size: number, batch: number): void {
    if (this.end === PAGE_ENTRIES * WORDS) {
      this.pages.push(new Uint32Array(PAGE_ENTRIES * WORDS));
      this.end = 0;
    }
    const page = this.pages[this.pages.length - 1]!;
    page[this.end] = address;
    page[this.end + 1] = size;
    page[this.end + 2] = batch;
    this.end += WORDS;
  }

  /** Of the oldest entry; there is one. */
  get address(): number {
    return this.pages[0]![this.first]!;
  }

  get size(): number {
    return this.pages[0]![this.first + 1]! | 0;
  }

  get batch(): number {
    return this.pages[0]![this.first + 2]!;
  }

  /** Forgets the oldest entry. */
  shift(): void {
    this.first += WORDS;
    if (this.pages.length > 1) {
      if (this.first < PAGE_ENTRIES * WORDS) return;
      this.pages.shift();
      this.first = 0;
    } else if (this.first === this.end) {
      this.first = 0;
      this.end = 0;
    }
  }
}
