// SPDX-License-Identifier: Apache-2.0

import { wasm } from './generated/bytes.ts';
import { instantiateKernel, type SharedMemory } from './memory.ts';

/** Scratch that {@link BytesKernel.snappy} needs. */
export const SNAPPY_TABLE_BYTES = 16 * 1024;

/** Room that `length` bytes may need when they are compressed. */
export const snappyBytesMax = (length: number): number => 32 + length + Math.ceil(length / 6);

/** Exports of assembly/bytes.ts; all arguments are addresses, lengths or checksums. */
export interface BytesKernel {
  /** `memmove`; far faster than `TypedArray.set` and `copyWithin`, which go word by word on shared memory. */
  copy(to: number, from: number, length: number): void;
  /** CRC-32C going on from `crc`, as a signed word. */
  crc32c(crc: number, address: number, length: number): number;
  /** Compresses; `to` has {@link snappyBytesMax}, `table` {@link SNAPPY_TABLE_BYTES}. @returns the length */
  snappy(from: number, length: number, to: number, table: number): number;
}

export const bytesKernel = (shared: SharedMemory): BytesKernel =>
  instantiateKernel<BytesKernel>(wasm, shared);
