// SPDX-License-Identifier: Apache-2.0
// Files of /proc and /sys, which are read again and again: each is opened once and then read from its
// start, one system call where opening, reading to the end and closing takes five. A file that was not
// there is looked for before it is opened, which costs no exception.

import fs from 'node:fs';
import type { FileSystem } from '../base/index.ts';
import type { FileError } from '../base/index.ts';
import { createNodeFileSystem, fileError } from './files.ts';

/** Open files kept; further ones are opened for each reading. */
const HANDLES_MAX = 400;
/** Absent files remembered; with their number bounded, a directory that changes names does no harm. */
const ABSENT_MAX = 4000;
const FIRST_BUFFER_BYTES = 65_536;
/** A sysfs file is at most a page and comes whole. */
const SYSFS_MAX_BYTES = 4096;

/**
 * A handle follows its device through renames, so what a name means is asked anew when the names around it
 * have changed, and now and then anyway.
 */
const KEPT_MAX_MS = 300_000;

interface Kept {
  readonly descriptor: number;
  readonly openedMs: number;
  /** One reading gives all of it. */
  readonly isWhole: boolean;
}

export interface KernelFilesOptions {
  /** Whether the file of this path is worth being kept open. */
  keeps(path: string): boolean;
  /** Whether it is a sysfs attribute. */
  isAttribute(path: string): boolean;
}

/** What was read last; it grows to the longest file. */
class ReadBuffer {
  private bytes = Buffer.allocUnsafe(FIRST_BUFFER_BYTES);

  /** Reads the whole file; its length. */
  fill({ descriptor, isWhole }: Kept): number {
    let length = 0;
    for (;;) {
      const room = this.bytes.length - length;
      const count = fs.readSync(descriptor, this.bytes, length, room, length);
      length += count;
      if (count === 0 || (isWhole && length < SYSFS_MAX_BYTES)) return length;
      if (length < this.bytes.length) continue;
      const grown = Buffer.allocUnsafe(length * 2);
      this.bytes.copy(grown);
      this.bytes = grown;
    }
  }

  text(length: number): string {
    return this.bytes.toString('utf8', 0, length);
  }

  copy(length: number): Uint8Array {
    return Uint8Array.from(this.bytes.subarray(0, length));
  }
}

/** Without stack traces: those of expected failures cost more than the reading. */
function quick<Result>(action: () => Result): Result {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return action();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The machine's files, with `readTextSync`, `readFileSync` and `listSync` as above. */
export function createKernelFileSystem(options: KernelFilesOptions): FileSystem {
  const plain = createNodeFileSystem();
  const kept = new Map<string, Kept>();
  const absent = new Map<string, FileError>();
  /** Last listing of each directory, as one text. */
  const listings = new Map<string, string>();
  const buffer = new ReadBuffer();

  const forget = (path: string): void => {
    const entry = kept.get(path);
    if (entry === undefined) return;
    kept.delete(path);
    fs.closeSync(entry.descriptor);
  };

  /** Throws what opening would, as long as nothing has come to be there. */
  const refuseAbsent = (path: string): void => {
    const known = absent.get(path);
    if (known === undefined) return;
    if (!fs.existsSync(path)) throw known;
    absent.delete(path);
  };

  const rememberAbsent = (path: string, error: FileError): FileError => {
    if (error.code === 'ENOENT' && absent.size < ABSENT_MAX) absent.set(path, error);
    return error;
  };

  const open = (path: string): Kept => {
    refuseAbsent(path);
    try {
      const descriptor = fs.openSync(path, 'r');
      return { descriptor, openedMs: Date.now(), isWhole: options.isAttribute(path) };
    } catch (error) {
      throw rememberAbsent(path, fileError('read', path, error));
    }
  };

  const readKept = (path: string): number => {
    const known = kept.get(path);
    if (known !== undefined && Date.now() - known.openedMs > KEPT_MAX_MS) forget(path);
    else if (known !== undefined) {
      try {
        return buffer.fill(known);
      } catch {
        // The device is gone, or has come back as another: what it is now is asked by its name.
        forget(path);
      }
    }
    const entry = open(path);
    try {
      const length = buffer.fill(entry);
      if (kept.size < HANDLES_MAX && options.keeps(path)) kept.set(path, entry);
      return length;
    } catch (error) {
      throw fileError('read', path, error);
    } finally {
      if (kept.get(path) !== entry) fs.closeSync(entry.descriptor);
    }
  };

  const noticeNames = (directory: string, names: string): void => {
    const last = listings.get(directory);
    if (last === names) return;
    if (listings.size < ABSENT_MAX) listings.set(directory, names);
    if (last === undefined) return;
    for (const path of [...kept.keys()]) if (path.startsWith(`${directory}/`)) forget(path);
  };

  return {
    ...plain,
    readTextSync: (path) => quick(() => buffer.text(readKept(path))),
    readFileSync: (path) => quick(() => buffer.copy(readKept(path))),
    listSync: (path) =>
      quick(() => {
        refuseAbsent(path);
        try {
          const names = fs.readdirSync(path);
          noticeNames(path, names.join('/'));
          return names;
        } catch (error) {
          throw rememberAbsent(path, fileError('list', path, error));
        }
      }),
  };
}
