// SPDX-License-Identifier: Apache-2.0

import { createRequire } from 'node:module';
import type { BlockCompression } from '../encoding/index.ts';

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
