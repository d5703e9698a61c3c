// SPDX-License-Identifier: Apache-2.0
// hot
// A file that is read in pages, of which a bounded number stays in memory. What mmap does elsewhere, with
// an upper limit and with errors that can be caught.

import type { FileHandle } from '../../base/index.ts';
import { BlockError } from '../block/errors.ts';

const PAGE_BITS = 16;
const PAGE_BYTES = 1 << PAGE_BITS;

/** The pages of all files of one thread, the least recently used dropped first. */
export class PageCache {
  private readonly pagesMax: number;
  private readonly pages = new Map<string, Uint8Array>();
  private nextFile = 1;

  /** @param bytesMax at least one page is kept */
  constructor(bytesMax: number) {
    this.pagesMax = Math.max(1, Math.floor(bytesMax / PAGE_BYTES));
  }

  newFileId(): number {
    return this.nextFile++;
  }

  get(file: number, page: number): Uint8Array | undefined {
    const key = `${file}/${page}`;
    const found = this.pages.get(key);
    if (found !== undefined) {
      this.pages.delete(key);
      this.pages.set(key, found);
    }
    return found;
  }

  /** A page to fill for this place: the oldest one's memory when the cache is full. */
  put(file: number, page: number, bytes: Uint8Array): void {
    if (this.pages.size >= this.pagesMax) {
      for (const oldest of this.pages.keys()) {
        this.pages.delete(oldest);
        break;
      }
    }
    this.pages.set(`${file}/${page}`, bytes);
  }
}

/** Reads by position. `seek` makes bytes available in `bytes` from the index that it returns. */
export class PagedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Valid until the next `seek`. */
  bytes: Uint8Array = new Uint8Array(0);
  private readonly handle: FileHandle;
  private readonly cache: PageCache;
  private readonly id: number;
  private pageNumber = -1;
  private page: Uint8Array = new Uint8Array(0);

  constructor(path: string, handle: FileHandle, cache: PageCache) {
    this.path = path;
    this.handle = handle;
    this.cache = cache;
    this.id = cache.newFileId();
    this.sizeBytes = handle.sizeBytes();
  }

  close(): void {
    this.handle.closeSync();
  }

  private load(page: number): Uint8Array {
    if (page === this.pageNumber) return this.page;
    let bytes = this.cache.get(this.id, page);
    if (bytes === undefined) {
      bytes = new Uint8Array(Math.min(PAGE_BYTES, this.sizeBytes - page * PAGE_BYTES));
      this.readFully(bytes, page * PAGE_BYTES);
      this.cache.put(this.id, page, bytes);
    }
    this.page = bytes;
    this.pageNumber = page;
    return bytes;
  }

  private readFully(into: Uint8Array, position: number): void {
    for (let n = 0; n < into.length; ) {
      const got = this.handle.readSync(into, n, into.length - n, position + n);
      if (got === 0) {
        throw new BlockError('truncated', this.path, `it ended at byte ${position + n}`);
      }
      n += got;
    }
  }

  /** Index in `bytes` of `length` bytes at `offset`. @throws BlockError `truncated` */
  seek(offset: number, length: number): number {
    if (offset < 0 || offset + length > this.sizeBytes) {
      const why = `${length} bytes wanted at ${offset}, but it has ${this.sizeBytes}`;
      throw new BlockError('truncated', this.path, why);
    }
    const at = offset % PAGE_BYTES;
    if (at + length <= PAGE_BYTES) {
      this.bytes = this.load(Math.floor(offset / PAGE_BYTES));
      return at;
    }
    this.bytes = new Uint8Array(length);
    if (length > 4 * PAGE_BYTES) {
      this.readFully(this.bytes, offset);
      return 0;
    }
    for (let n = 0; n < length; ) {
      const inPage = (offset + n) % PAGE_BYTES;
      const part = Math.min(length - n, PAGE_BYTES - inPage);
      const page = this.load(Math.floor((offset + n) / PAGE_BYTES));
      this.bytes.set(page.subarray(inPage, inPage + part), n);
      n += part;
    }
    return 0;
  }

  /** As {@link seek}, with as many bytes as there are, at least one. */
  seekUpTo(offset: number, length: number): number {
    return this.seek(offset, Math.max(1, Math.min(length, this.sizeBytes - offset)));
  }

  u32(offset: number): number {
    const at = this.seek(offset, 4);
    const { bytes } = this;
    return (
      bytes[at]! * 16777216 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
    );
  }

  /** Big-endian; below 2^53 or damaged. */
  u64(offset: number): number {
    return this.u32(offset) * 4294967296 + this.u32(offset + 4);
  }
}
