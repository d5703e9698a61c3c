// SPDX-License-Identifier: Apache-2.0
// Files of closed chunks of the head (`chunks_head`), as Prometheus writes them; docs/formats/head-chunks.md
// has the pictures.
//
//   file    magic 0x0130BC91, version 1, three zero bytes, then chunks; nothing but zeros may follow
//   chunk   series ref u64 | min time i64 | max time i64 | encoding u8 (bit 7: out of order)
//           | uvarint length | data | CRC-32C of all before it
//
// Integers are big-endian. The WAL holds the same samples, so whatever is wrong here costs time at the next
// start and nothing else.

import type { FileHandle, FileSystem, Logger } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import {
  ChunkEncoding,
  chunkSampleCount,
  decodeChunk,
  newChunkSamples,
} from '../../chunks/index.ts';
import { crc32c } from '../../encoding/index.ts';

const MAGIC = 0x0130bc91;
const FORMAT_VERSION = 1;
export const HEAD_CHUNK_FILE_HEADER_BYTES = 8;
/** Ref, times, encoding. */
export const HEAD_CHUNK_META_BYTES = 25;
const CRC_BYTES = 4;
const LENGTH_BYTES_MAX = 5;
const FILE_BYTES_MAX = 128 << 20;
const WINDOW_BYTES = 1 << 20;
export const OUT_OF_ORDER_BIT = 0x80;

export const headChunkFileName = (sequence: number): string => String(sequence).padStart(6, '0');

/** Numbers of the chunk files among `names`, ascending. */
export const headChunkFiles = (names: readonly string[]): number[] =>
  names
    .filter((name) => /^[0-9]{6,}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);

/** Where a chunk stands; `offsetBytes` is that of its ref. */
export interface ChunkPlace {
  readonly file: number;
  readonly offsetBytes: number;
}

export interface HeadChunkOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  /** The `chunks_head` directory; it exists. */
  readonly directory: string;
}

/** Writes chunks, buffered, to the newest file. Owned by the thread that writes the head. */
export class HeadChunkWriter {
  private readonly options: HeadChunkOptions;
  private sequence: number;
  private file: FileHandle | undefined;
  /** Bytes of the current file that are written, and what waits behind them. */
  private written = 0;
  private buffer = new Uint8Array(1 << 17);
  private view = new DataView(this.buffer.buffer);
  private buffered = 0;
  /** Newest time of each file that is there. */
  private readonly maxTimes: Map<number, number>;
  private readonly closing = new Set<Promise<void>>();

  /** @param maxTimes newest time of each existing file; writing starts a file after them */
  constructor(options: HeadChunkOptions, maxTimes: Map<number, number>) {
    this.options = options;
    this.maxTimes = maxTimes;
    this.sequence = Math.max(0, ...maxTimes.keys()) + 1;
  }

  /**
   * Buffers a chunk and says where it will stand. Its first two bytes are replaced by its count; bits after
   * its end are the caller's.
   */
  add(
    ref: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    data: Uint8Array,
    count: number,
  ): ChunkPlace {
    if (this.written + this.buffered + data.length > FILE_BYTES_MAX) {
      this.flush();
      this.cut();
    }
    if (this.written + this.buffered === 0) this.header();
    this.reserve(HEAD_CHUNK_META_BYTES + LENGTH_BYTES_MAX + data.length + CRC_BYTES);
    const { buffer, view } = this;
    const start = this.buffered;
    putInteger(view, start, ref);
    putInteger(view, start + 8, minTime);
    putInteger(view, start + 16, maxTime);
    buffer[start + 24] = encoding;
    let at = start + HEAD_CHUNK_META_BYTES;
    for (let rest = data.length; ; rest >>>= 7) {
      buffer[at++] = rest < 128 ? rest : (rest & 127) | 128;
      if (rest < 128) break;
    }
    buffer.set(data, at);
    buffer[at] = count >>> 8;
    buffer[at + 1] = count;
    at += data.length;
    view.setUint32(at, crc32c(buffer, start, at));
    this.buffered = at + CRC_BYTES;
    const newest = this.maxTimes.get(this.sequence);
    if (newest === undefined || maxTime > newest) this.maxTimes.set(this.sequence, maxTime);
    return { file: this.sequence, offsetBytes: this.written + start };
  }

  /** Writes what is buffered. @throws FileError: none of it is there then, and it is forgotten */
  flush(): void {
    const length = this.buffered;
    if (length === 0) return;
    this.buffered = 0;
    try {
      this.file ??= this.options.files.openSync(this.path(this.sequence), 'write');
      this.file.writeSync(this.buffer, 0, length, this.written);
    } catch (error) {
      this.giveUp();
      throw error;
    }
    this.written += length;
  }

  /** After a failed write: what is torn at the end must not stand before other chunks. */
  private giveUp(): void {
    if (this.file === undefined) return;
    try {
      this.file.truncateSync(this.written);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.cut();
    }
  }

  /** Ends the current file; the next chunk starts another. It is synced off this thread. */
  cut(): void {
    const { file } = this;
    if (this.written === 0 || file === undefined) return;
    this.file = undefined;
    this.sequence++;
    this.written = 0;
    const { logger } = this.options;
    const done = file
      .sync()
      .catch((error: unknown) =>
        logger.error('Cannot sync a file of head chunks', { err: textOf(error) }),
      )
      .finally(() => file.closeSync());
    this.closing.add(done);
    void done.finally(() => this.closing.delete(done));
  }

  /** Number of the oldest file that is there or will be. */
  get oldest(): number {
    return Math.min(this.sequence, ...this.maxTimes.keys());
  }

  /** Removes the oldest files as long as nothing in them is from `minTime` on. Returns how many. */
  truncate(minTime: number): number {
    this.cut();
    const { files, directory } = this.options;
    let removed = 0;
    for (const sequence of [...this.maxTimes.keys()].sort((a, b) => a - b)) {
      if (sequence >= this.sequence || this.maxTimes.get(sequence)! >= minTime) break;
      files.removeSync(`${directory}/${headChunkFileName(sequence)}`);
      this.maxTimes.delete(sequence);
      removed++;
    }
    return removed;
  }

  /** Writes and syncs everything. @throws FileError */
  close(): void {
    this.flush();
    this.file?.syncSync();
    this.file?.closeSync();
    this.file = undefined;
  }

  private path(sequence: number): string {
    return `${this.options.directory}/${headChunkFileName(sequence)}`;
  }

  private header(): void {
    this.view.setUint32(0, MAGIC);
    this.buffer.fill(0, 4, HEAD_CHUNK_FILE_HEADER_BYTES);
    this.buffer[4] = FORMAT_VERSION;
    this.buffered = HEAD_CHUNK_FILE_HEADER_BYTES;
  }

  private reserve(bytes: number): void {
    if (this.buffered + bytes <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * this.buffer.length, this.buffered + bytes));
    grown.set(this.buffer.subarray(0, this.buffered));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function putInteger(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 4294967296);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * 4294967296);
}

/** One chunk as found in a file. */
export interface FoundChunk extends ChunkPlace {
  readonly ref: number;
  readonly minTime: number;
  readonly maxTime: number;
  /** Without {@link OUT_OF_ORDER_BIT}. */
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  readonly count: number;
  /** Of a chunk with start times: time, start time in turns wherever it changes, first of all sample 0. */
  readonly startChanges?: readonly number[] | undefined;
}

interface FileDamage {
  readonly offsetBytes: number;
  readonly reason: string;
  /** The file just ends too early, as a power cut leaves it. */
  readonly isTorn: boolean;
}

/** A file being read from front to back. */
class FileWalk {
  readonly buffer = new Uint8Array(WINDOW_BYTES);
  readonly view = new DataView(this.buffer.buffer);
  at = 0;
  limit = 0;
  base = 0;
  private readonly handle: FileHandle;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Whether `bytes` more are in the buffer, after reading on if need be. */
  has(bytes: number): boolean {
    if (this.at + bytes <= this.limit) return true;
    if (bytes > this.buffer.length) return false;
    this.buffer.copyWithin(0, this.at, this.limit);
    this.base += this.at;
    this.limit -= this.at;
    this.at = 0;
    while (this.limit < bytes) {
      const got = this.handle.readSync(
        this.buffer,
        this.limit,
        this.buffer.length - this.limit,
        this.base + this.limit,
      );
      if (got === 0) return false;
      this.limit += got;
    }
    return true;
  }

  integer(at: number): number {
    return this.view.getInt32(at) * 4294967296 + this.view.getUint32(at + 4);
  }

  /** Whether nothing but zeros follows. */
  restIsZero(): boolean {
    do {
      for (let i = this.at; i < this.limit; i++) if (this.buffer[i] !== 0) return false;
      this.at = this.limit;
    } while (this.has(1));
    return true;
  }
}

/** See {@link FoundChunk.startChanges}. @throws RangeError */
function startChangesOf(chunk: Uint8Array): readonly number[] | undefined {
  const samples = newChunkSamples(128);
  const count = decodeChunk(ChunkEncoding.xor2, chunk, samples);
  const { times, startTimes } = samples;
  if (startTimes === undefined) return undefined;
  const changes: number[] = [];
  for (let i = 0; i < count; i++) {
    if (i === 0 || startTimes[i] !== startTimes[i - 1]) changes.push(times[i]!, startTimes[i]!);
  }
  return changes;
}

/** Reads all chunks of a file into `found`; the damage that ended the reading, if any. */
function walkFile(handle: FileHandle, file: number, found: FoundChunk[]): FileDamage | undefined {
  const walk = new FileWalk(handle);
  const damage = (reason: string, isTorn = false): FileDamage => ({
    offsetBytes: walk.base + walk.at,
    reason,
    isTorn,
  });
  if (!walk.has(HEAD_CHUNK_FILE_HEADER_BYTES)) return damage('the file ends in its header', true);
  if (walk.view.getUint32(walk.at) !== MAGIC) return damage('invalid magic number');
  const version = walk.buffer[walk.at + 4]!;
  if (version !== FORMAT_VERSION) return damage(`unknown format version ${version}`);
  walk.at += HEAD_CHUNK_FILE_HEADER_BYTES;
  for (;;) {
    if (!walk.has(HEAD_CHUNK_META_BYTES + 1)) {
      return walk.restIsZero() ? undefined : damage('the file ends within a chunk', true);
    }
    const start = walk.at;
    const ref = walk.integer(start);
    if (ref === 0 && walk.integer(start + 8) === 0 && walk.integer(start + 16) === 0) {
      return walk.restIsZero() ? undefined : damage('bytes after the end of the chunks');
    }
    let length = 0;
    let lengthBytes = 0;
    for (let byte = 128; byte >= 128 && lengthBytes < LENGTH_BYTES_MAX; lengthBytes++) {
      if (!walk.has(HEAD_CHUNK_META_BYTES + lengthBytes + 1))
        return damage('the file ends within a chunk', true);
      byte = walk.buffer[walk.at + HEAD_CHUNK_META_BYTES + lengthBytes]!;
      length += (byte & 127) * 2 ** (7 * lengthBytes);
    }
    const dataAt = HEAD_CHUNK_META_BYTES + lengthBytes;
    if (dataAt + length + CRC_BYTES > WINDOW_BYTES) return damage(`a chunk of ${length} bytes`);
    if (!walk.has(dataAt + length + CRC_BYTES)) return damage('the file ends within a chunk', true);
    const { at, buffer, view } = walk;
    if (crc32c(buffer, at, at + dataAt + length) !== view.getUint32(at + dataAt + length)) {
      return damage('unexpected checksum');
    }
    const encoding = buffer[at + 24]!;
    let startChanges: readonly number[] | undefined;
    if (encoding === ChunkEncoding.xor2) {
      try {
        startChanges = startChangesOf(buffer.subarray(at + dataAt, at + dataAt + length));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return damage(error.message);
      }
    }
    found.push({
      file,
      offsetBytes: walk.base + at,
      ref,
      minTime: walk.integer(at + 8),
      maxTime: walk.integer(at + 16),
      encoding: encoding & ~OUT_OF_ORDER_BIT,
      isOutOfOrder: (encoding & OUT_OF_ORDER_BIT) !== 0,
      count: length < 2 ? 0 : chunkSampleCount(encoding & ~OUT_OF_ORDER_BIT, buffer, at + dataAt),
      startChanges,
    });
    walk.at += dataAt + length + CRC_BYTES;
  }
}

export interface LoadedChunks {
  /** Newest time of each file, for {@link HeadChunkWriter}. */
  readonly maxTimes: Map<number, number>;
  readonly corruptions: number;
  /** Nothing was set aside. */
  readonly isWhole: boolean;
}

/**
 * Reads all files in order and calls `visit` for each chunk. From the first damaged file on, files are set
 * aside (renamed to `*.corrupt`): their samples come from the WAL. A last file that only ends too early, as
 * after a power cut, is cut there instead.
 * @throws FileError
 */
export async function loadHeadChunks(
  options: HeadChunkOptions,
  visit: (chunk: FoundChunk) => void,
  pause: () => Promise<void>,
): Promise<LoadedChunks> {
  const { files, directory, logger } = options;
  const maxTimes = new Map<number, number>();
  const sequences = headChunkFiles(files.listSync(directory));
  for (const [i, sequence] of sequences.entries()) {
    const path = `${directory}/${headChunkFileName(sequence)}`;
    const found: FoundChunk[] = [];
    const handle = files.openSync(path, 'readwrite');
    let damage: FileDamage | undefined;
    try {
      damage = walkFile(handle, sequence, found);
      const isLast = i === sequences.length - 1;
      if (damage?.isTorn === true && isLast && found.length > 0) {
        logger.warn(
          'The newest file of head chunks was torn and is cut; its samples are in the WAL',
          {
            file: path,
            at: damage.offsetBytes,
          },
        );
        handle.truncateSync(damage.offsetBytes);
        damage = undefined;
      }
    } finally {
      handle.closeSync();
    }
    if (damage !== undefined) {
      setAside(options, sequences.slice(i), damage);
      return { maxTimes, corruptions: damage.isTorn ? 0 : 1, isWhole: false };
    }
    let newest = Number.NEGATIVE_INFINITY;
    for (const chunk of found) {
      newest = Math.max(newest, chunk.maxTime);
      visit(chunk);
    }
    maxTimes.set(sequence, newest);
    await pause();
  }
  return { maxTimes, corruptions: 0, isWhole: true };
}

function setAside(
  { files, directory, logger }: HeadChunkOptions,
  sequences: readonly number[],
  damage: FileDamage,
): void {
  for (const sequence of sequences) {
    const path = `${directory}/${headChunkFileName(sequence)}`;
    files.renameSync(path, `${path}.corrupt`);
  }
  logger.warn(
    'A file of head chunks is damaged; it and later ones are set aside, their samples come from the WAL',
    {
      file: `${directory}/${headChunkFileName(sequences[0]!)}.corrupt`,
      err: `${damage.reason} at byte ${damage.offsetBytes}`,
      files: sequences.length,
    },
  );
}

/** Removes files that an earlier start set aside. */
export function removeSetAside({ files, directory }: HeadChunkOptions): void {
  for (const name of files.listSync(directory)) {
    if (/^[0-9]{6,}\.corrupt$/.test(name)) files.removeSync(`${directory}/${name}`);
  }
}
