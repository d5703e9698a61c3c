// SPDX-License-Identifier: Apache-2.0

import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { decompress as decompressFrame } from 'fzstd';
import type { BlockCompression, FrameCompression } from '../encoding/index.ts';

interface SnappyModule {
  compressSync(bytes: Uint8Array): Uint8Array;
  uncompressSync(bytes: Uint8Array, options: { asBuffer: true }): Uint8Array;
}

/** Snappy from the native package; loading it takes some milliseconds. */
export function createSnappy(): BlockCompression {
  const snappy = createRequire(import.meta.url)('snappy') as SnappyModule;
  return {
    compress: (bytes) => snappy.compressSync(bytes),
    decompress: (bytes) => snappy.uncompressSync(bytes, { asBuffer: true }),
  };
}

/** What newer versions of node:zlib have; Node 20 does not. */
interface ZlibWithZstd {
  readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
  readonly zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array;
}

/** Zstandard: Node's own where it has it, else a JavaScript package that can only read. */
export function createZstd(): FrameCompression {
  const native = zlib as unknown as ZlibWithZstd;
  return {
    compress: native.zstdCompressSync,
    decompress: native.zstdDecompressSync ?? ((bytes) => decompressFrame(bytes)),
  };
}
