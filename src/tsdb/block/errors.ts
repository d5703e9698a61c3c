// SPDX-License-Identifier: Apache-2.0

export type BlockErrorCode =
  /** A file that the block needs is not there or cannot be read. */
  | 'missing'
  /** Not the kind of file that its place says. */
  | 'format'
  /** A version that this program does not know. */
  | 'version'
  | 'truncated'
  | 'checksum_mismatch'
  /** Whole, but it contradicts itself. */
  | 'invalid';

/** A block that cannot be used, or not any further. `code` is API; the message names file and place. */
export class BlockError extends Error {
  override name = 'BlockError';
  readonly code: BlockErrorCode;
  readonly path: string;
  constructor(code: BlockErrorCode, path: string, why: string, options?: { cause?: unknown }) {
    // A failed file operation says itself what and where.
    super(why.startsWith('cannot ') ? why : `cannot read ${path}: ${why}`, options);
    this.code = code;
    this.path = path;
  }
}
