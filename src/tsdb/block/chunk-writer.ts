// SPDX-License-Identifier: Apache-2.0
// hot
// Writes the chunk segments of a block.

import type { FileHandle, FileSystem } from '../../base/index.ts';
import { CHUNKS_MAGIC, CHUNKS_VERSION, SEGMENT_HEADER_BYTES, TWO_32 } from './chunk-files.ts';
import { OutputFile } from './output-file.ts';

export const SEGMENT_BYTES_MAX = 512 << 20;

export class ChunkWriter {
  private readonly files: FileSystem;
  private readonly directory: string;
  private readonly segmentBytesMax: number;
  private segment = 0;
  private handle: FileHandle | undefined;
  private out: OutputFile | undefined;
  private bytes = 0;

  /** Makes the directory. @throws FileError */
  constructor(files: FileSystem, directory: string, segmentBytesMax = SEGMENT_BYTES_MAX) {
    this.files = files;
    this.directory = directory;
    this.segmentBytesMax = segmentBytesMax;
    files.makeDirectorySync(directory);
  }

  /** Bytes of all segments so far. */
  get sizeBytes(): number {
    return this.bytes + (this.out?.position ?? 0);
  }

  private begin(): OutputFile {
    this.endSegment();
    this.segment++;
    const path = `${this.directory}/${String(this.segment).padStart(6, '0')}`;
    this.handle = this.files.openSync(path, 'write');
    const out = new OutputFile(this.handle);
    out.u32(CHUNKS_MAGIC);
    out.u8(CHUNKS_VERSION);
    out.align(SEGMENT_HEADER_BYTES);
    this.out = out;
    return out;
  }

  /** Writes bytes[from, to) and returns the chunk's ref. */
  write(encoding: number, bytes: Uint8Array, from: number, to: number): number {
    const whole = 5 + 1 + to - from + 4;
    let { out } = this;
    if (out === undefined || out.position + whole > this.segmentBytesMax) out = this.begin();
    const ref = (this.segment - 1) * TWO_32 + out.position;
    out.uvarint(to - from);
    out.beginChecksum();
    out.u8(encoding);
    out.raw(bytes, from, to);
    out.endChecksum();
    return ref;
  }

  private endSegment(): void {
    const { handle, out } = this;
    if (handle === undefined || out === undefined) return;
    try {
      out.flush();
      handle.syncSync();
      this.bytes += out.position;
    } finally {
      this.handle = undefined;
      this.out = undefined;
      handle.closeSync();
    }
  }

  /** Syncs what was written. */
  finish(): void {
    this.endSegment();
    this.files.syncDirectorySync(this.directory);
  }

  /** After an error. */
  abandon(): void {
    this.handle?.closeSync();
    this.handle = undefined;
    this.out = undefined;
  }
}
