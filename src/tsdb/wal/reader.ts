// SPDX-License-Identifier: Apache-2.0
// Reads the records of one segment, a window of pages at a time, and says where, if anywhere, it stops making
// sense.

import type { FileHandle } from '../../base/index.ts';
import type { BlockCompression, FrameCompression } from '../../encoding/index.ts';
import { crc32c, DecodeError } from '../../encoding/index.ts';
import {
  FRAGMENT_HEADER_BYTES,
  FRAGMENT_SNAPPY,
  FRAGMENT_TYPE_MASK,
  FRAGMENT_ZSTD,
  Fragment,
  PAGE_BYTES,
} from './format.ts';

/** Where a segment is damaged; everything before `offsetBytes` was read. */
export interface WalDamage {
  /** End of the last whole record. */
  readonly offsetBytes: number;
  readonly reason: string;
}

/** Snappy, and where it is at home a faster CRC-32C of bytes[start, end), too. */
export interface WalSnappy extends BlockCompression {
  checksum?(bytes: Uint8Array, start: number, end: number): number;
  /** Where it reads without copying: for one reader at a time. */
  readonly window?: Uint8Array | undefined;
}

/** What records may be compressed with. */
export interface WalCodecs {
  readonly snappy: WalSnappy;
  readonly zstd?: FrameCompression;
}

/** What is read from: a file, or bytes that look like one. */
export type SegmentSource = Pick<FileHandle, 'readSync' | 'sizeBytes'>;

export const WINDOW_BYTES = 32 * PAGE_BYTES;

class Damage extends Error {}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Records of one segment, one after the other. The caller keeps and closes the source. */
export class SegmentReader {
  /** The damage that ended the reading, once `next` has returned undefined. */
  damage: WalDamage | undefined;
  private readonly source: SegmentSource;
  private readonly codecs: WalCodecs;
  private readonly window: Uint8Array;
  /** Position in the file of the window's first byte, and what the window holds. */
  private base = 0;
  private limit = 0;
  private at = 0;
  /** Where reading started, and the end of the last whole record. */
  private good: number;
  private isAtEnd = false;

  /**
   * @param from a position at which a record begins
   * @param window of whole pages, to read into; one of its own unless given
   */
  constructor(source: SegmentSource, codecs: WalCodecs, from = 0, window?: Uint8Array) {
    this.source = source;
    this.codecs = codecs;
    this.window = window ?? new Uint8Array(Math.min(WINDOW_BYTES, pagesUp(source.sizeBytes() + 1)));
    this.base = from - (from % PAGE_BYTES);
    this.good = from;
    this.load();
    this.at = from - this.base;
  }

  /** Bytes of the file up to the end of the last whole record. */
  get position(): number {
    return this.good;
  }

  /** The next whole record, valid until the next call; undefined at the end or at damage. */
  next(): Uint8Array | undefined {
    if (this.damage !== undefined) return undefined;
    try {
      return this.record();
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      this.damage = { offsetBytes: this.good, reason: error.message };
      return undefined;
    }
  }

  /** The record that was returned last cannot be decoded: damage, like any other. */
  reject(error: DecodeError, recordStart: number): void {
    this.good = recordStart;
    this.damage = { offsetBytes: recordStart, reason: error.message };
  }

  private record(): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (;;) {
      if (!this.skipPadding()) {
        if (parts.length > 0) throw new Damage('the file ends within a record');
        return undefined;
      }
      const { window, at } = this;
      const head = window[at]!;
      const length = this.checkFragment(at);
      const type = head & FRAGMENT_TYPE_MASK;
      checkOrder(type, parts.length);
      const start = at + FRAGMENT_HEADER_BYTES;
      this.at = start + length;
      const isLast = type === Fragment.full || type === Fragment.last;
      const part = window.subarray(start, start + length);
      // The window is loaded anew between fragments.
      parts.push(isLast ? part : part.slice());
      if (!isLast) continue;
      const record = this.decompress(joined(parts), head);
      this.good = this.base + this.at;
      return record;
    }
  }

  /** Length of the fragment at `at`, which is not padding. @throws Damage */
  private checkFragment(at: number): number {
    const { window, limit } = this;
    const head = window[at]!;
    if (head > (FRAGMENT_ZSTD | FRAGMENT_SNAPPY | FRAGMENT_TYPE_MASK)) {
      throw new Damage(`unexpected record flags ${head}`);
    }
    const length = (window[at + 1]! << 8) | window[at + 2]!;
    const crc =
      ((window[at + 3]! << 24) |
        (window[at + 4]! << 16) |
        (window[at + 5]! << 8) |
        window[at + 6]!) >>>
      0;
    const start = at + FRAGMENT_HEADER_BYTES;
    if ((at % PAGE_BYTES) + FRAGMENT_HEADER_BYTES + length > PAGE_BYTES) {
      throw new Damage('a fragment crosses its page');
    }
    if (start + length > limit) throw new Damage('the file ends within a fragment');
    const { snappy } = this.codecs;
    const sum =
      snappy.checksum?.(window, start, start + length) ?? crc32c(window, start, start + length);
    if (sum !== crc) throw new Damage('unexpected checksum');
    return length;
  }

  /** Moves to the next fragment; false at the end of the file. @throws Damage */
  private skipPadding(): boolean {
    for (;;) {
      if (this.at >= this.limit) {
        if (this.isAtEnd) return false;
        this.base += this.limit;
        this.at = 0;
        this.load();
        continue;
      }
      const { window, at } = this;
      const pageEnd = Math.min(this.limit, at - (at % PAGE_BYTES) + PAGE_BYTES);
      if (pageEnd - at >= FRAGMENT_HEADER_BYTES && window[at] !== Fragment.pad) return true;
      const short = pageEnd - at < FRAGMENT_HEADER_BYTES;
      for (let i = at; i < pageEnd; i++) {
        if (window[i] === 0) continue;
        throw new Damage(
          short
            ? 'the file ends within a fragment header'
            : 'unexpected non-zero byte in padded page',
        );
      }
      this.at = pageEnd;
    }
  }

  private load(): void {
    const { window } = this;
    let filled = 0;
    while (filled < window.length) {
      const got = this.source.readSync(window, filled, window.length - filled, this.base + filled);
      if (got === 0) break;
      filled += got;
    }
    this.limit = filled;
    this.isAtEnd = filled < window.length;
  }

  private decompress(data: Uint8Array, head: number): Uint8Array {
    const { snappy, zstd } = this.codecs;
    try {
      if ((head & FRAGMENT_ZSTD) !== 0) {
        if (zstd === undefined) throw new Error('no decoder is installed');
        return zstd.decompress(data);
      }
      return (head & FRAGMENT_SNAPPY) === 0 ? data : snappy.decompress(data);
    } catch (error) {
      throw new Damage(`${(head & FRAGMENT_ZSTD) === 0 ? 'snappy' : 'zstd'}: ${messageOf(error)}`);
    }
  }
}

const pagesUp = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;

/** Whether a fragment of this type may come now. */
function checkOrder(type: number, pending: number): void {
  const begins = type === Fragment.full || type === Fragment.first;
  if (begins && pending > 0)
    throw new Damage(type === Fragment.full ? 'unexpected full record' : 'unexpected first record');
  if (!begins && pending === 0)
    throw new Damage(
      type === Fragment.last ? 'unexpected last record' : 'unexpected middle record',
    );
  if (type > Fragment.last) throw new Damage(`unexpected record type ${type}`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes as a source. */
export const bytesSource = (bytes: Uint8Array): SegmentSource => ({
  sizeBytes: () => bytes.length,
  readSync: (into, offset, length, position) => {
    const part = bytes.subarray(position, position + length);
    into.set(part, offset);
    return part.length;
  },
});

/**
 * Calls `visit` for every whole record that `reader` still has (bytes valid during the call), until `budget`
 * bytes of the file are read. A DecodeError that `visit` throws damages the record it was called for;
 * other errors go through.
 * @returns false at the end or at damage
 */
export function visitRecords(
  reader: SegmentReader,
  budgetBytes: number,
  visit: (record: Uint8Array) => void,
): boolean {
  const end = reader.position + budgetBytes;
  while (reader.position < end) {
    const start = reader.position;
    const record = reader.next();
    if (record === undefined) return false;
    try {
      visit(record);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      reader.reject(error, start);
      return false;
    }
  }
  return true;
}

/**
 * Calls `visit` for every whole record of a segment; see {@link visitRecords}.
 * @returns the damage that ended the reading, if any
 */
export function readSegment(
  bytes: Uint8Array,
  codecs: WalCodecs,
  visit: (record: Uint8Array) => void,
): WalDamage | undefined {
  const reader = new SegmentReader(bytesSource(bytes), codecs);
  visitRecords(reader, Number.POSITIVE_INFINITY, visit);
  return reader.damage;
}
