// SPDX-License-Identifier: Apache-2.0

/** Snappy's block format, without a frame. Implemented in platform/. */
export interface BlockCompression {
  compress(bytes: Uint8Array): Uint8Array;
  /** @throws Error for bytes that are not a snappy block */
  decompress(bytes: Uint8Array): Uint8Array;
}
