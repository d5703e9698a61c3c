// SPDX-License-Identifier: Apache-2.0
// hot
// Chunk segments of a block, `chunks/000001` and on; docs/formats/chunks.md has the picture.
// A chunk's ref is (segment number - 1) * 2^32 + offset.

import type { FileHandle, FileSystem } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { ByteWindow, ChunkMemory } from './chunk-memory.ts';
import { BlockError } from './errors.ts';

export const CHUNKS_MAGIC = 0x85bd40dd;
export const CHUNKS_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 8;
export const TWO_32 = 4294967296;

/** The open segments of a block; for any number of cursors of one thread. */
export class ChunkFiles {
  readonly sizeBytes: number;
  private readonly handles: FileHandle[] = [];
  private readonly sizes: number[] = [];
  private readonly paths: string[] = [];

  /** @throws BlockError */
  constructor(files: FileSystem, directory: string) {
    const names = listSegments(files, directory);
    try {
      for (const name of names) this.add(files, `${directory}/${name}`);
    } catch (error) {
      this.close();
      throw error;
    }
    this.sizeBytes = this.sizes.reduce((sum, size) => sum + size, 0);
  }

  private add(files: FileSystem, path: string): void {
    const handle = files.openSync(path, 'read');
    this.handles.push(handle);
    this.paths.push(path);
    this.sizes.push(handle.sizeBytes());
    const header = new Uint8Array(SEGMENT_HEADER_BYTES);
    if (handle.readSync(header, 0, SEGMENT_HEADER_BYTES, 0) < SEGMENT_HEADER_BYTES) {
      throw new BlockError('truncated', path, 'a chunk segment has 8 bytes at least');
    }
    const view = new DataView(header.buffer);
    if (view.getUint32(0) !== CHUNKS_MAGIC) {
      throw new BlockError('format', path, 'it does not begin as a chunk segment does');
    }
    if (header[4] !== CHUNKS_VERSION) {
      throw new BlockError(
        'version',
        path,
        `chunk segment version ${header[4]}; only ${CHUNKS_VERSION} is known`,
      );
    }
  }

  get segmentCount(): number {
    return this.handles.length;
  }

  close(): void {
    for (const handle of this.handles) handle.closeSync();
    this.handles.length = 0;
  }

  path(segment: number): string {
    return this.paths[segment] ?? `segment ${segment + 1}`;
  }

  segmentBytes(segment: number): number {
    return this.sizes[segment] ?? 0;
  }

  /** Reads what there is, up to `length` bytes. */
  read(segment: number, into: Uint8Array, length: number, offset: number): number {
    const handle = this.handles[segment];
    if (handle === undefined) return 0;
    let n = 0;
    while (n < length) {
      const got = handle.readSync(into, n, length - n, offset + n);
      if (got === 0) break;
      n += got;
    }
    return n;
  }
}

function listSegments(files: FileSystem, directory: string): string[] {
  try {
    const names = files.listSync(directory).filter((name) => /^\d{6,}$/.test(name));
    return names.sort((a, b) => Number(a) - Number(b));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new BlockError('missing', directory, error.message, { cause: error });
  }
}

const HEADER_BYTES_MAX = 5 + 1;
const CHECKSUM_BYTES = 4;
const FIRST_READ_BYTES = 4096;
const READ_BYTES_MAX = 128 << 10;

/**
 * Reads chunks one after the other. What lies ahead is read along, the more the longer the refs are in
 * order.
 */
export class ChunkCursor {
  /** Where the chunk that `load` found stands: `length` bytes of `window` from `at`. */
  window: ByteWindow;
  at = 0;
  length = 0;
  encoding = 0;
  private readonly files: ChunkFiles;
  private readonly memory: ChunkMemory;
  private segment = -1;
  private start = 0;
  private size = 0;
  private readBytes = FIRST_READ_BYTES;

  constructor(files: ChunkFiles, memory: ChunkMemory) {
    this.files = files;
    this.memory = memory;
    this.window = { bytes: new Uint8Array(0), address: 0 };
  }

  /** Has `length` bytes at `offset` in the window, fewer only at the segment's end. */
  private fill(segment: number, offset: number, length: number): void {
    const end = this.start + this.size;
    const follows = segment === this.segment && offset >= this.start && offset <= end + 65536;
    this.readBytes = follows ? Math.min(READ_BYTES_MAX, 2 * this.readBytes) : FIRST_READ_BYTES;
    const wanted = Math.max(length, this.readBytes);
    if (this.window.bytes.length < wanted) {
      // At once as large as it may get: windows are not given back before the query ends.
      this.window = this.memory.newWindow(Math.max(wanted, READ_BYTES_MAX));
    }
    this.size = this.files.read(segment, this.window.bytes, wanted, offset);
    this.segment = segment;
    this.start = offset;
  }

  /** Finds a chunk and checks it, unless that was done before. @throws BlockError */
  load(ref: number): void {
    const segment = Math.floor(ref / TWO_32);
    const offset = ref - segment * TWO_32;
    const inWindow = (length: number): boolean =>
      segment === this.segment && offset >= this.start && offset + length <= this.start + this.size;
    if (!inWindow(HEADER_BYTES_MAX)) this.fill(segment, offset, HEADER_BYTES_MAX);
    const from = offset - this.start;
    let length = 0;
    let factor = 1;
    let header = 0;
    for (;;) {
      const byte = from + header < this.size ? this.window.bytes[from + header]! : -1;
      if (byte < 0 || header === 5) this.fail('truncated', segment, offset);
      header++;
      length += (byte & 127) * factor;
      if (byte < 128) break;
      factor *= 128;
    }
    const whole = header + 1 + length + CHECKSUM_BYTES;
    if (offset + whole > this.files.segmentBytes(segment)) this.fail('truncated', segment, offset);
    if (!inWindow(whole)) this.fill(segment, offset, whole);
    this.check(offset - this.start + header, length, segment, offset);
  }

  private check(encodingAt: number, length: number, segment: number, offset: number): void {
    const { bytes } = this.window;
    const { verified } = this.memory;
    if (verified?.has(this.files, segment, offset) !== true) {
      const end = encodingAt + 1 + length;
      const stored =
        ((bytes[end]! << 24) |
          (bytes[end + 1]! << 16) |
          (bytes[end + 2]! << 8) |
          bytes[end + 3]!) >>>
        0;
      const sum = this.memory.checksum(this.window, encodingAt, end);
      if (sum !== stored) this.fail('checksum_mismatch', segment, offset);
      verified?.add(this.files, segment, offset, end + CHECKSUM_BYTES - (offset - this.start));
    }
    this.encoding = bytes[encodingAt]!;
    this.at = encodingAt + 1;
    this.length = length;
  }

  private fail(code: 'truncated' | 'checksum_mismatch', segment: number, offset: number): never {
    const why = code === 'truncated' ? 'ends too early' : 'has a wrong checksum';
    throw new BlockError(code, this.files.path(segment), `the chunk at ${offset} ${why}`);
  }
}
