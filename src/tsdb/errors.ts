// SPDX-License-Identifier: Apache-2.0

export type TsdbErrorCode = 'locked' | 'directory' | 'memory_full' | 'wal_corrupt';

/** A database that cannot be opened. `code` is API and never reworded; the message is for people. */
export class TsdbError extends Error {
  override name = 'TsdbError';
  readonly code: TsdbErrorCode;
  readonly path: string;
  constructor(code: TsdbErrorCode, path: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}
