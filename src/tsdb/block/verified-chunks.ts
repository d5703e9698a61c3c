// SPDX-License-Identifier: Apache-2.0
// hot
// Which chunks of blocks a thread has found to have the right checksum. Files of blocks never change, so a
// chunk is checked when it is first read and not again by each query; see decision 9.
//
// A chunk takes at least 17 bytes, so at most one begins in each 16: a bit for 16 bytes of a file, in pages.

const GRANULE_BITS = 4;
/** Chunks shorter than this are not remembered: two of them could share a bit. */
const CHUNK_BYTES_MIN = 1 << GRANULE_BITS;
const PAGE_BITS = 20;
const PAGE_BYTES = 1 << (PAGE_BITS - GRANULE_BITS - 3);
/** Of half a gigabyte of chunks, in 4 MiB. When there are more, all are forgotten. */
const PAGES_MAX = 512;
const PAGES_PER_SEGMENT_MAX = 2 ** (32 - PAGE_BITS);

export class VerifiedChunks {
  private readonly pagesMax: number;
  private pages = new WeakMap<object, Map<number, Uint8Array>>();
  private pageCount = 0;
  /** The page asked for last: chunks come in the order of the file. */
  private lastFiles: object | undefined;
  private lastKey = -1;
  private lastPage: Uint8Array | undefined;

  constructor(pagesMax = PAGES_MAX) {
    this.pagesMax = pagesMax;
  }

  private page(files: object, segment: number, offset: number): Uint8Array | undefined {
    const key = segment * PAGES_PER_SEGMENT_MAX + (offset >>> PAGE_BITS);
    if (files !== this.lastFiles || key !== this.lastKey) {
      this.lastFiles = files;
      this.lastKey = key;
      this.lastPage = this.pages.get(files)?.get(key);
    }
    return this.lastPage;
  }

  /** Whether the chunk at `offset` of a segment of `files` was added. */
  has(files: object, segment: number, offset: number): boolean {
    const page = this.page(files, segment, offset);
    if (page === undefined) return false;
    const bit = (offset & ((1 << PAGE_BITS) - 1)) >>> GRANULE_BITS;
    return (page[bit >>> 3]! & (1 << (bit & 7))) !== 0;
  }

  /** The chunk of `length` bytes, header and checksum included, has the right checksum. */
  add(files: object, segment: number, offset: number, length: number): void {
    if (length <= CHUNK_BYTES_MIN) return;
    const page = this.page(files, segment, offset) ?? this.newPage(files);
    const bit = (offset & ((1 << PAGE_BITS) - 1)) >>> GRANULE_BITS;
    page[bit >>> 3]! |= 1 << (bit & 7);
  }

  /** A page for what was asked for last. */
  private newPage(files: object): Uint8Array {
    if (this.pageCount === this.pagesMax) {
      this.pages = new WeakMap();
      this.pageCount = 0;
    }
    let pages = this.pages.get(files);
    if (pages === undefined) {
      pages = new Map();
      this.pages.set(files, pages);
    }
    const page = new Uint8Array(PAGE_BYTES);
    pages.set(this.lastKey, page);
    this.pageCount++;
    this.lastPage = page;
    return page;
  }
}
