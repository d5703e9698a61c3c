// SPDX-License-Identifier: Apache-2.0
// System calls that have no file in /proc, as core code sees them.

/** What `uname(2)` says, apart from the domain name, which /proc has. */
export interface SystemName {
  readonly sysname: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
  readonly nodename: string;
}

/** `statfs(2)` of one mounted file system; sizes in blocks, as the kernel gives them. */
export interface FileSystemUsage {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly blocksAvailable: number;
  readonly files: number;
  readonly filesFree: number;
}

/** The operating system beyond its files. */
export interface OperatingSystem {
  systemName(): SystemName;
  /** Runs off the main thread; a hung mount never settles. */
  fileSystemUsage(path: string): Promise<FileSystemUsage>;
  readonly pageBytes: number;
  /** Offset of local time from UTC and its name. */
  timeZone(atMs: number): { readonly name: string; readonly offsetSeconds: number };
}
