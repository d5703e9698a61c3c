// SPDX-License-Identifier: Apache-2.0
// Files through node:fs, with errors as the contract of base/ has them.

import type { FSWatcher, Stats } from 'node:fs';
import fs from 'node:fs';
import { dirname } from 'node:path';
import type { FileErrorCode, FileHandle, FileStat, FileSystem } from '../base/index.ts';
import { FileError } from '../base/index.ts';

const knownCodes: ReadonlySet<string> = new Set<FileErrorCode>([
  'ENOENT',
  'EACCES',
  'EPERM',
  'EROFS',
  'EEXIST',
  'ENOSPC',
  'EIO',
  'ENOTDIR',
  'EISDIR',
  'EINVAL',
]);

/** Changes of a directory that come together are told once. */
const WATCH_COALESCE_MS = 50;

/** Any error of node:fs as a FileError that names what was tried. */
export function fileError(verb: string, path: string, error: unknown): FileError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = knownCodes.has(code) ? (code as FileErrorCode) : 'other';
  const why =
    error instanceof Error
      ? error.message.replace(/^[A-Z]+: /, '').replace(/, \w+.*$/, '')
      : String(error);
  return new FileError(known, path, `cannot ${verb} ${path}: ${why}`, { cause: error });
}

function attempt<Result>(verb: string, path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw fileError(verb, path, error);
  }
}

class NodeFileHandle implements FileHandle {
  private readonly descriptor: number;
  private readonly path: string;

  constructor(descriptor: number, path: string) {
    this.descriptor = descriptor;
    this.path = path;
  }

  readSync(into: Uint8Array, offset: number, length: number, position: number): number {
    return attempt('read', this.path, () =>
      fs.readSync(this.descriptor, into, offset, length, position),
    );
  }

  writeSync(bytes: Uint8Array, offset: number, length: number, position: number): void {
    attempt('write', this.path, () => {
      let written = 0;
      while (written < length) {
        written += fs.writeSync(
          this.descriptor,
          bytes,
          offset + written,
          length - written,
          position + written,
        );
      }
    });
  }

  truncateSync(sizeBytes: number): void {
    attempt('truncate', this.path, () => fs.ftruncateSync(this.descriptor, sizeBytes));
  }

  syncSync(): void {
    attempt('sync', this.path, () => fs.fsyncSync(this.descriptor));
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fsync(this.descriptor, (error) => {
        if (error === null) resolve();
        else reject(fileError('sync', this.path, error));
      });
    });
  }

  sizeBytes(): number {
    return attempt('stat', this.path, () => fs.fstatSync(this.descriptor).size);
  }

  closeSync(): void {
    attempt('close', this.path, () => fs.closeSync(this.descriptor));
  }
}

const statOf = (stats: Stats): FileStat => ({
  sizeBytes: stats.size,
  modifiedMs: stats.mtimeMs,
  isDirectory: stats.isDirectory(),
  isFile: stats.isFile(),
  isSymbolicLink: stats.isSymbolicLink(),
});

const flagsOf = {
  read: 'r',
  write: 'w',
  readwrite: fs.constants.O_RDWR | fs.constants.O_CREAT,
} as const;

function syncDirectory(path: string): void {
  const descriptor = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * Makes a directory and those above it. Node's own recursive mode never returns where a parent can be
 * looked at but nothing can be made in it, as in /proc.
 */
function makeDirectory(path: string): void {
  try {
    fs.mkdirSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST' && fs.statSync(path).isDirectory()) return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || fs.existsSync(parent)) throw error;
    makeDirectory(parent);
    fs.mkdirSync(path);
  }
}

/** Undefined where the directory cannot be watched (missing, too many watches, no such mechanism). */
function watchDirectory(directory: string, changed: () => void): { close(): void } | undefined {
  let pending: NodeJS.Timeout | undefined;
  let watcher: FSWatcher;
  const tell = (): void => {
    pending ??= setTimeout(() => {
      pending = undefined;
      changed();
    }, WATCH_COALESCE_MS);
  };
  try {
    watcher = fs.watch(directory, { persistent: false }, tell);
  } catch {
    return undefined;
  }
  // The directory itself went away: whoever watches also looks now and then.
  watcher.on('error', () => watcher.close());
  return {
    close: () => {
      clearTimeout(pending);
      watcher.close();
    },
  };
}

/** The machine's files. */
export function createNodeFileSystem(): FileSystem {
  return {
    readFile: async (path) => {
      try {
        return await fs.promises.readFile(path);
      } catch (error) {
        throw fileError('read', path, error);
      }
    },
    readFileSync: (path) => attempt('read', path, () => fs.readFileSync(path)),
    readTextSync: (path) => attempt('read', path, () => fs.readFileSync(path, 'utf8')),
    writeFileSync: (path, bytes) => attempt('write', path, () => fs.writeFileSync(path, bytes)),
    openSync: (path, mode) =>
      attempt(
        'open',
        path,
        () => new NodeFileHandle(fs.openSync(path, flagsOf[mode], 0o666), path),
      ),
    existsSync: (path) => fs.existsSync(path),
    statSync: (path) => attempt('stat', path, () => statOf(fs.statSync(path))),
    lstatSync: (path) => attempt('stat', path, () => statOf(fs.lstatSync(path))),
    listSync: (path) => attempt('list', path, () => fs.readdirSync(path)),
    readLinkSync: (path) => attempt('read link', path, () => fs.readlinkSync(path)),
    realPathSync: (path) => attempt('resolve', path, () => fs.realpathSync(path)),
    makeDirectorySync: (path) => attempt('create', path, () => makeDirectory(path)),
    renameSync: (from, to) => attempt('rename', from, () => fs.renameSync(from, to)),
    linkSync: (from, to) => attempt('link', from, () => fs.linkSync(from, to)),
    removeSync: (path) => attempt('remove', path, () => fs.unlinkSync(path)),
    removeTreeSync: (path) =>
      attempt('remove', path, () => fs.rmSync(path, { recursive: true, force: true })),
    syncDirectorySync: (path) => attempt('sync', path, () => syncDirectory(path)),
    syncDirectory: async (path) => {
      try {
        const directory = await fs.promises.open(path, 'r');
        await directory.sync().finally(() => directory.close());
      } catch (error) {
        throw fileError('sync', path, error);
      }
    },
    watch: watchDirectory,
  };
}
