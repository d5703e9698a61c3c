// SPDX-License-Identifier: Apache-2.0

import zlib from 'node:zlib';
import { decompress as decompressFrame } from 'fzstd';
import type { BlockCompression, FrameCompression } from '../encoding/index.ts';
import { createPlainSnappy } from '../encoding/index.ts';

/** Snappy for this thread. */
export const createSnappy = (): BlockCompression => createPlainSnappy();

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
