// SPDX-License-Identifier: Apache-2.0
// Writes records into segments. A call of `log` is one write of the file: it is in the page cache when
// `log` returns, and survives the death of the process.

import type { FileHandle, FileSystem, Logger } from '../../base/index.ts';
import { crc32c } from '../../encoding/index.ts';
import { StorageError } from '../../storage/index.ts';
import {
  DEFAULT_SEGMENT_BYTES,
  FRAGMENT_HEADER_BYTES,
  FRAGMENT_SNAPPY,
  FRAGMENT_ZSTD,
  Fragment,
  PAGE_BYTES,
  segmentName,
  type WalPlace,
} from './format.ts';
import type { WalCodecs } from './reader.ts';
import type { WalSink } from './records.ts';

/** How records are compressed; `flag` marks them. */
export interface WalCompression {
  readonly flag: number;
  /** `bytes` may lie in shared memory; the result is valid until the next call. */
  compress(bytes: Uint8Array): Uint8Array;
  /** CRC-32C of bytes[start, end), where there is a faster way than the usual one. */
  checksum?(bytes: Uint8Array, start: number, end: number): number;
}

/** Native code takes no shared buffers: a copy out of them. */
const unshared = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;

/** What a setting of `none`, `snappy` or `zstd` means here; snappy where zstd cannot be written. */
export function walCompression(
  type: 'none' | 'snappy' | 'zstd',
  { snappy, zstd }: WalCodecs,
): WalCompression | undefined {
  if (type === 'none') return undefined;
  const compress = type === 'zstd' ? zstd?.compress : undefined;
  if (compress !== undefined)
    return { flag: FRAGMENT_ZSTD, compress: (bytes) => compress(unshared(bytes)) };
  return {
    flag: FRAGMENT_SNAPPY,
    compress: (bytes) => snappy.compress(bytes),
    ...(snappy.checksum === undefined
      ? {}
      : { checksum: (bytes, start, end) => snappy.checksum!(bytes, start, end) }),
  };
}

export interface WalWriterOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  /** The `wal` directory; it exists. */
  readonly directory: string;
  /** Undefined: records are written as they are. */
  readonly compression: WalCompression | undefined;
  /** A multiple of the page size. */
  readonly segmentBytes?: number;
  /** Complete segments are durable before the next begins, on this thread. */
  readonly syncsSegments?: boolean;
}

/** Counts for metrics. */
export interface WalCounters {
  pageFlushes: number;
  completedPages: number;
  writesFailed: number;
  truncations: number;
  bytesWritten: number;
}

/** More than this is not buffered: it is written, at the end of a record. */
const FLUSH_BYTES = 1 << 18;

export class WalWriter implements WalSink {
  readonly counters: WalCounters = {
    pageFlushes: 0,
    completedPages: 0,
    writesFailed: 0,
    truncations: 0,
    bytesWritten: 0,
  };
  private readonly options: WalWriterOptions;
  private readonly segmentBytes: number;
  private number: number;
  private file: FileHandle | undefined;
  /** Bytes of the current segment, all written. */
  private written = 0;
  /** Something of a failed write stands behind `written`. */
  private isTorn = false;
  /** What the current `log` adds. */
  private buffer = new Uint8Array(1 << 16);
  private buffered = 0;
  private readonly syncing = new Set<Promise<void>>();
  private readonly inSync = new Set<number>();
  /** Complete segments that are not durable yet. */
  private readonly unsynced = new Map<number, FileHandle>();

  /** Starts segment `firstSegment`, which does not exist yet, with the first record. */
  constructor(options: WalWriterOptions, firstSegment: number) {
    this.options = options;
    this.segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    this.number = firstSegment;
  }

  get currentSegment(): number {
    return this.number;
  }

  log(records: readonly Uint8Array[]): void {
    for (const record of records) {
      const { data, flag } = this.compressed(record);
      if (!this.fits(data.length) && this.written + this.buffered > 0) {
        this.flush();
        this.mend();
        this.nextSegment();
      }
      this.frame(data, flag);
      if (this.buffered >= FLUSH_BYTES) this.flush();
    }
    this.flush();
  }

  /**
   * Makes the segments of an earlier process durable, off this thread: one that was killed has not synced its
   * last, and damage there would be the end of all that follows.
   */
  adopt(segments: readonly number[]): void {
    const { files, directory } = this.options;
    for (const segment of segments) {
      this.unsynced.set(
        segment,
        files.openSync(`${directory}/${segmentName(segment)}`, 'readwrite'),
      );
      this.syncLater(segment);
    }
  }

  /** Opens the segment if it is not: an idle server leaves no empty files behind. */
  open(): void {
    this.file ??= this.options.files.openSync(this.path(), 'write');
  }

  /**
   * Fills the page that was begun, makes everything durable, and says where the log ends.
   * @throws StorageError, FileError
   */
  endPage(): WalPlace {
    this.open();
    const begun = this.written % PAGE_BYTES;
    if (begun > 0) {
      this.pad(PAGE_BYTES - begun);
      this.flush();
    }
    this.file?.syncSync();
    return { segment: this.number, offsetBytes: this.written };
  }

  /** Makes everything written durable and closes all segments. @throws FileError */
  close(): void {
    for (const [segment, file] of [...this.unsynced]) {
      file.syncSync();
      this.synced(segment);
    }
    if (this.file === undefined) return;
    this.file.syncSync();
    this.file.closeSync();
    this.file = undefined;
  }

  private path(): string {
    return `${this.options.directory}/${segmentName(this.number)}`;
  }

  private compressed(raw: Uint8Array): { data: Uint8Array; flag: number } {
    const { compression } = this.options;
    if (compression === undefined) return { data: raw, flag: 0 };
    const data = compression.compress(raw);
    return data.length < raw.length ? { data, flag: compression.flag } : { data: raw, flag: 0 };
  }

  /** Whether a record of `length` bytes fits in what is left of the segment. */
  private fits(length: number): boolean {
    const at = this.written + this.buffered;
    const pageLeft = PAGE_BYTES - (at % PAGE_BYTES);
    const wholePages = Math.max(0, Math.floor((this.segmentBytes - at - pageLeft) / PAGE_BYTES));
    const room =
      pageLeft - FRAGMENT_HEADER_BYTES + wholePages * (PAGE_BYTES - FRAGMENT_HEADER_BYTES);
    return at < this.segmentBytes && length <= room;
  }

  private reserve(bytes: number): void {
    if (this.buffered + bytes <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * this.buffer.length, this.buffered + bytes));
    grown.set(this.buffer.subarray(0, this.buffered));
    this.buffer = grown;
  }

  private frame(data: Uint8Array, flag: number): void {
    let from = 0;
    let isFirst = true;
    do {
      let pageLeft = PAGE_BYTES - ((this.written + this.buffered) % PAGE_BYTES);
      if (pageLeft < FRAGMENT_HEADER_BYTES) {
        this.pad(pageLeft);
        pageLeft = PAGE_BYTES;
      }
      const length = Math.min(data.length - from, pageLeft - FRAGMENT_HEADER_BYTES);
      const isLast = from + length === data.length;
      const type = isFirst
        ? isLast
          ? Fragment.full
          : Fragment.first
        : isLast
          ? Fragment.last
          : Fragment.middle;
      this.fragment(type | flag, data, from, length);
      if (length + FRAGMENT_HEADER_BYTES === pageLeft) this.counters.completedPages++;
      from += length;
      isFirst = false;
    } while (from < data.length);
  }

  private fragment(type: number, data: Uint8Array, from: number, length: number): void {
    this.reserve(FRAGMENT_HEADER_BYTES + length);
    const { buffer } = this;
    const at = this.buffered;
    const { compression } = this.options;
    const crc =
      compression?.checksum?.(data, from, from + length) ?? crc32c(data, from, from + length);
    buffer[at] = type;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    buffer[at + 3] = crc >>> 24;
    buffer[at + 4] = crc >>> 16;
    buffer[at + 5] = crc >>> 8;
    buffer[at + 6] = crc;
    buffer.set(data.subarray(from, from + length), at + FRAGMENT_HEADER_BYTES);
    this.buffered = at + FRAGMENT_HEADER_BYTES + length;
  }

  private pad(bytes: number): void {
    this.reserve(bytes);
    this.buffer.fill(0, this.buffered, this.buffered + bytes);
    this.buffered += bytes;
    this.counters.completedPages++;
  }

  /** Writes what is buffered. On failure the segment is cut back to what it was before. */
  private flush(): void {
    if (this.buffered === 0) return;
    const length = this.buffered;
    this.buffered = 0;
    this.mend();
    try {
      this.open();
      this.file!.writeSync(this.buffer, 0, length, this.written);
    } catch (error) {
      this.counters.writesFailed++;
      this.recover();
      throw this.failure(error);
    }
    this.written += length;
    this.counters.pageFlushes++;
    this.counters.bytesWritten += length;
  }

  /**
   * After a failed write: no half record may stay, or everything after it would be lost at replay. Where that
   * fails, too, nothing is written before it has succeeded; not into another segment either, as
   * replay ends at
   * the first damage.
   */
  private recover(): void {
    if (this.file === undefined) return;
    this.isTorn = true;
    try {
      this.cutBack();
    } catch (error) {
      this.options.logger.error(
        'Cannot cut the WAL segment back after a failed write; tried again before the next one',
        { segment: this.number, err: messageOf(error) },
      );
    }
  }

  /** Removes what an earlier failure left. @throws StorageError */
  private mend(): void {
    if (!this.isTorn) return;
    try {
      this.cutBack();
    } catch (error) {
      this.counters.writesFailed++;
      this.buffered = 0;
      throw this.failure(error);
    }
  }

  private failure(cause: unknown): StorageError {
    return new StorageError('wal_write', `cannot write to ${this.path()}: ${messageOf(cause)}`, {
      cause,
    });
  }

  private cutBack(): void {
    this.file!.truncateSync(this.written);
    this.counters.truncations++;
    this.isTorn = false;
  }

  /** The current segment is complete; the next record goes into a new one. */
  cut(): void {
    if (this.written > 0 && !this.isTorn) this.nextSegment();
  }

  /** The segment that was written is synced off this thread, then closed. */
  private nextSegment(): void {
    const { file } = this;
    this.file = undefined;
    const number = this.number++;
    this.written = 0;
    if (file === undefined) return;
    if (this.options.syncsSegments === true) {
      file.syncSync();
      file.closeSync();
      return;
    }
    this.unsynced.set(number, file);
    for (const segment of [...this.unsynced.keys()]) this.syncLater(segment);
  }

  /** A segment whose sync fails stays open and is tried again with the next one, and at the end. */
  private syncLater(segment: number): void {
    const file = this.unsynced.get(segment)!;
    if (this.inSync.has(segment)) return;
    this.inSync.add(segment);
    const done = file.sync().then(
      () => this.synced(segment),
      (error) => {
        const fields = { segment, err: messageOf(error) };
        this.options.logger.error('Cannot sync a WAL segment', fields);
      },
    );
    this.syncing.add(done);
    void done.finally(() => {
      this.syncing.delete(done);
      this.inSync.delete(segment);
    });
  }

  private synced(segment: number): void {
    this.unsynced.get(segment)?.closeSync();
    this.unsynced.delete(segment);
  }

  /** Waits until all complete segments are durable. */
  async settled(): Promise<void> {
    await Promise.all(this.syncing);
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
