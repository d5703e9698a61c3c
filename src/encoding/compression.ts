// SPDX-License-Identifier: Apache-2.0

/** Snappy's block format, without a frame. Implemented in platform/. */
export interface BlockCompression {
  compress(bytes: Uint8Array): Uint8Array;
  /** @throws Error for bytes that are not a snappy block */
  decompress(bytes: Uint8Array): Uint8Array;
}

/** Zstandard frames. Implemented in platform/. */
export interface FrameCompression {
  /** Undefined where this runtime can only read. */
  readonly compress: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** @throws Error for bytes that are not a frame */
  decompress(bytes: Uint8Array): Uint8Array;
}
