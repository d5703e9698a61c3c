// SPDX-License-Identifier: Apache-2.0
// What core code may do with files. Paths are absolute or relative to the working directory.

export interface FileStat {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly isSymbolicLink: boolean;
}

/** An open file, addressed by position. The caller closes it. */
export interface FileHandle {
  /** Reads up to `length` bytes at `position` into `into[offset…]`; the bytes read, 0 at the end. */
  readSync(into: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes all of `bytes[offset, offset+length)` at `position`; throws FileError when it cannot. */
  writeSync(bytes: Uint8Array, offset: number, length: number, position: number): void;
  truncateSync(sizeBytes: number): void;
  syncSync(): void;
  /** fsync off the calling thread. */
  sync(): Promise<void>;
  sizeBytes(): number;
  closeSync(): void;
}

export type FileErrorCode =
  | 'ENOENT'
  | 'EACCES'
  | 'EPERM'
  | 'EROFS'
  | 'EEXIST'
  | 'ENOSPC'
  | 'EIO'
  | 'ENOTDIR'
  | 'EISDIR'
  | 'EINVAL'
  | 'other';

/** A failed file operation. `code` is the errno name when it is one of those listed. */
export class FileError extends Error {
  override name = 'FileError';
  readonly code: FileErrorCode;
  readonly path: string;
  constructor(code: FileErrorCode, path: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/**
 * Synchronous calls are for start-up, workers and small local files (procfs); the others are for
 * the main thread.
 */
export interface FileSystem {
  readFile(path: string): Promise<Uint8Array>;
  readFileSync(path: string): Uint8Array;
  readTextSync(path: string): string;
  writeFileSync(path: string, bytes: Uint8Array | string): void;
  /** `read`: must exist. `write`: created or truncated. `readwrite`: created when missing, kept. */
  openSync(path: string, mode: 'read' | 'write' | 'readwrite'): FileHandle;
  existsSync(path: string): boolean;
  statSync(path: string): FileStat;
  lstatSync(path: string): FileStat;
  listSync(path: string): string[];
  readLinkSync(path: string): string;
  realPathSync(path: string): string;
  makeDirectorySync(path: string): void;
  renameSync(from: string, to: string): void;
  /** A hard link `to` to the file `from`. Absent where there are no links. */
  linkSync?(from: string, to: string): void;
  removeSync(path: string): void;
  removeTreeSync(path: string): void;
  /** Makes renames and creations inside `path` durable. */
  syncDirectorySync(path: string): void;
  /** The same off the calling thread. */
  syncDirectory(path: string): Promise<void>;
  /** Calls `changed` (coalesced) after changes in the directory; undefined where it cannot. */
  watch(directory: string, changed: () => void): { close(): void } | undefined;
}
