// SPDX-License-Identifier: Apache-2.0
// A disk in memory that can die at any operation. A kill leaves what was written (the last write perhaps in
// part); a power cut also loses or tears writes that were not synced, and undoes names that were not. It can
// be full, or fail, for a while.

import type {
  FileErrorCode,
  FileHandle,
  FileStat,
  FileSystem,
  Prng,
} from '../../src/base/index.ts';
import { FileError } from '../../src/base/index.ts';

/** Thrown by the operation at which the machine dies, and by all after it. Nothing may catch it for good. */
export class CrashError extends Error {
  override name = 'CrashError';
}

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

class SimFile {
  content: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  size = 0;
  /** What a power cut leaves for sure, and the writes since. */
  synced: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  pending: Write[] = [];

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (end > this.content.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.content.length));
      grown.set(this.content.subarray(0, this.size));
      this.content = grown;
    }
    if (position > this.size) this.content.fill(0, this.size, position);
    this.content.set(bytes, position);
    this.size = Math.max(this.size, end);
    this.pending.push({ position, bytes: Uint8Array.from(bytes) });
  }

  truncate(size: number): void {
    if (size > this.size) this.write(this.size, new Uint8Array(size - this.size));
    this.size = size;
    // Cutting is not told apart from what is written later: it counts as done.
    this.synced = this.content.slice(0, Math.min(size, this.synced.length));
    this.pending = this.pending
      .filter(({ position }) => position < size)
      .map(({ position, bytes }) => ({ position, bytes: bytes.subarray(0, size - position) }));
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.content.slice(0, this.size);
  }

  sync(): void {
    this.synced = this.bytes();
    this.pending = [];
  }

  /** Becomes what a power cut leaves. */
  cut(prng: Prng): void {
    const survivor = new SimFile();
    survivor.write(0, this.synced);
    for (const { position, bytes } of this.pending) {
      const fate = prng.below(4);
      if (fate === 0) continue;
      const length = fate === 1 ? prng.below(bytes.length + 1) : bytes.length;
      if (length > 0) survivor.write(position, bytes.subarray(0, length));
    }
    this.content = survivor.content;
    this.size = survivor.size;
    this.sync();
  }
}

export interface SimFaults {
  /** Error of writes, while it is set. */
  writeError: FileErrorCode | undefined;
  readError: FileErrorCode | undefined;
  /** Of paths for which this is true syncs do nothing: a broken disk, or program. */
  ignoresSync: ((path: string) => boolean) | undefined;
  /** Of paths for which this is true writes are dropped. */
  dropsWrite: ((path: string) => boolean) | undefined;
}

export class SimFileSystem implements FileSystem {
  readonly faults: SimFaults = {
    writeError: undefined,
    readError: undefined,
    ignoresSync: undefined,
    dropsWrite: undefined,
  };
  /** Called for each operation: a slow disk lets time pass. */
  onOperation: (() => void) | undefined;
  /** Syncs off the thread end after so many more operations; 0: at once. */
  syncDelay = 0;
  private syncs: { readonly due: number; readonly act: () => void }[] = [];
  crashed = false;
  operations = 0;
  /** The operation at which the machine dies. */
  crashAt = Number.POSITIVE_INFINITY;
  private readonly prng: Prng;
  private files = new Map<string, SimFile>();
  private directories = new Set<string>(['']);
  /** What undoes the changes of names since the last sync, oldest first. */
  private undo: (() => void)[] = [];

  constructor(prng: Prng) {
    this.prng = prng;
  }

  /** The disk after the machine died: `power` loses what was not synced, otherwise everything is there. */
  afterCrash(power: boolean): SimFileSystem {
    const next = new SimFileSystem(this.prng);
    if (power) {
      for (let n = this.prng.below(this.undo.length + 1); n > 0; n--) this.undo.pop()!();
    }
    next.files = this.files;
    next.directories = this.directories;
    for (const file of new Set(next.files.values())) {
      if (power) file.cut(this.prng);
      // What survived a power cut is on the disk; what survived a kill is in the page cache.
    }
    next.undo = power ? [] : this.undo;
    this.crashed = true;
    return next;
  }

  private alive(): void {
    if (this.crashed) throw new CrashError('the machine is dead');
    this.operations++;
    this.onOperation?.();
    if (this.syncs.length > 0) this.runSyncs(this.operations);
    if (this.operations < this.crashAt) return;
    this.crashed = true;
    this.runSyncs(0);
    throw new CrashError('the machine dies');
  }

  /** Ends the syncs that are due; a dead machine ends them without having done them. */
  runSyncs(now: number): void {
    const due = this.syncs.filter((sync) => this.crashed || sync.due <= now);
    this.syncs = this.syncs.filter((sync) => !due.includes(sync));
    for (const { act } of due) act();
  }

  /** A sync off the thread. */
  syncLater(act: () => void): void {
    this.syncs.push({ due: this.operations + this.prng.below(this.syncDelay), act });
  }

  /** Contents of all files, for programs that read real ones. */
  contents(): Map<string, Uint8Array> {
    return new Map([...this.files].map(([path, file]) => [path, file.bytes()]));
  }

  private changing(path: string): void {
    this.alive();
    const { writeError } = this.faults;
    if (writeError !== undefined) throw new FileError(writeError, path, `cannot write ${path}`);
  }

  private file(path: string): SimFile {
    const file = this.files.get(path);
    if (file === undefined)
      throw new FileError('ENOENT', path, `cannot open ${path}: no such file`);
    return file;
  }

  private parent(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (!this.directories.has(parent)) {
      throw new FileError('ENOENT', path, `cannot open ${path}: no such file or directory`);
    }
  }

  private create(path: string): SimFile {
    this.parent(path);
    const file = new SimFile();
    this.files.set(path, file);
    this.undo.push(() => this.files.delete(path));
    return file;
  }

  readFile(path: string): Promise<Uint8Array> {
    return Promise.resolve(this.readFileSync(path));
  }

  readFileSync(path: string): Uint8Array {
    this.reading(path);
    return this.file(path).bytes();
  }

  readTextSync(path: string): string {
    return new TextDecoder().decode(this.readFileSync(path));
  }

  writeFileSync(path: string, bytes: Uint8Array | string): void {
    this.changing(path);
    const file = this.files.get(path) ?? this.create(path);
    file.truncate(0);
    file.write(0, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
  }

  openSync(path: string, mode: 'read' | 'write' | 'readwrite'): FileHandle {
    if (mode === 'read') {
      this.alive();
      return new SimHandle(this, this.file(path), path);
    }
    this.changing(path);
    let file = this.files.get(path);
    if (file === undefined) file = this.create(path);
    else if (mode === 'write') file.truncate(0);
    return new SimHandle(this, file, path);
  }

  existsSync(path: string): boolean {
    this.alive();
    return this.files.has(path) || this.directories.has(path);
  }

  statSync(path: string): FileStat {
    this.alive();
    const isDirectory = this.directories.has(path);
    const sizeBytes = isDirectory ? 0 : this.file(path).size;
    return { sizeBytes, modifiedMs: 0, isDirectory, isFile: !isDirectory, isSymbolicLink: false };
  }

  lstatSync(path: string): FileStat {
    return this.statSync(path);
  }

  listSync(path: string): string[] {
    this.alive();
    if (!this.directories.has(path)) {
      throw new FileError('ENOENT', path, `cannot list ${path}: no such directory`);
    }
    const names = new Set<string>();
    for (const known of [...this.files.keys(), ...this.directories]) {
      if (known.startsWith(`${path}/`)) names.add(known.slice(path.length + 1).split('/')[0]!);
    }
    return [...names].sort();
  }

  readLinkSync(path: string): string {
    throw new FileError('EINVAL', path, `${path} is not a link`);
  }

  realPathSync(path: string): string {
    return path;
  }

  makeDirectorySync(path: string): void {
    this.changing(path);
    const parts = path.split('/');
    for (let i = 1; i <= parts.length; i++) {
      const directory = parts.slice(0, i).join('/');
      if (this.directories.has(directory)) continue;
      this.directories.add(directory);
      this.undo.push(() => this.directories.delete(directory));
    }
  }

  renameSync(from: string, to: string): void {
    this.changing(from);
    const before = { files: new Map(this.files), directories: new Set(this.directories) };
    this.undo.push(() => {
      this.files = before.files;
      this.directories = before.directories;
    });
    const moved = (path: string): string => to + path.slice(from.length);
    const isInside = (path: string): boolean => path === from || path.startsWith(`${from}/`);
    for (const [path, file] of [...this.files]) {
      if (!isInside(path)) continue;
      this.files.delete(path);
      this.files.set(moved(path), file);
    }
    for (const path of [...this.directories]) {
      if (!isInside(path)) continue;
      this.directories.delete(path);
      this.directories.add(moved(path));
    }
  }

  linkSync(from: string, to: string): void {
    this.changing(to);
    this.parent(to);
    this.files.set(to, this.file(from));
    this.undo.push(() => this.files.delete(to));
  }

  removeSync(path: string): void {
    this.changing(path);
    const file = this.file(path);
    this.files.delete(path);
    this.undo.push(() => this.files.set(path, file));
  }

  removeTreeSync(path: string): void {
    this.alive();
    // File by file, as the system does: a crash may come in between.
    for (const known of [...this.files.keys()].sort()) {
      if (known === path || known.startsWith(`${path}/`)) this.removeSync(known);
    }
    for (const known of [...this.directories].sort().reverse()) {
      if (known !== path && !known.startsWith(`${path}/`)) continue;
      this.directories.delete(known);
      this.undo.push(() => this.directories.add(known));
    }
  }

  syncDirectorySync(path: string): void {
    this.changing(path);
    // The journal of the file system is one: what came before is durable, too.
    this.undo = [];
  }

  async syncDirectory(path: string): Promise<void> {
    await Promise.resolve();
    this.syncDirectorySync(path);
  }

  watch(): undefined {
    return undefined;
  }

  /** For handles: a read, a write and a sync. */
  reading(path: string): void {
    this.alive();
    const { readError } = this.faults;
    if (readError !== undefined) throw new FileError(readError, path, `cannot read ${path}`);
  }

  writing(path: string, file: SimFile, position: number, bytes: Uint8Array): void {
    const torn = (): void => {
      const length = this.prng.below(bytes.length + 1);
      if (length > 0) file.write(position, bytes.subarray(0, length));
    };
    try {
      this.changing(path);
    } catch (error) {
      // The first operation of a death, and a full disk, may write a part.
      if (error instanceof FileError || error instanceof CrashError) {
        if (this.operations === this.crashAt || error instanceof FileError) torn();
      }
      throw error;
    }
    if (this.faults.dropsWrite?.(path) === true) return;
    file.write(position, bytes);
  }

  /** Cutting needs no room, but a disk that fails may fail here, too. */
  truncating(path: string): void {
    this.alive();
    const { writeError } = this.faults;
    if (writeError === 'EIO' && this.prng.below(2) === 0) {
      throw new FileError(writeError, path, `cannot cut ${path}`);
    }
  }

  syncing(path: string, file: SimFile): void {
    this.changing(path);
    if (this.faults.ignoresSync?.(path) !== true) file.sync();
    this.undo = [];
  }
}

class SimHandle implements FileHandle {
  private readonly disk: SimFileSystem;
  private readonly file: SimFile;
  private readonly path: string;

  constructor(disk: SimFileSystem, file: SimFile, path: string) {
    this.disk = disk;
    this.file = file;
    this.path = path;
  }

  readSync(into: Uint8Array, offset: number, length: number, position: number): number {
    this.disk.reading(this.path);
    const { content, size } = this.file;
    const part = content.subarray(position, Math.min(size, position + length));
    into.set(part, offset);
    return part.length;
  }

  writeSync(bytes: Uint8Array, offset: number, length: number, position: number): void {
    this.disk.writing(this.path, this.file, position, bytes.subarray(offset, offset + length));
  }

  truncateSync(sizeBytes: number): void {
    this.disk.truncating(this.path);
    this.file.truncate(sizeBytes);
  }

  syncSync(): void {
    this.disk.syncing(this.path, this.file);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const act = (): void => {
        try {
          if (!this.disk.crashed) this.syncSync();
          resolve();
        } catch (error) {
          // Dead meanwhile: nobody is left to be told.
          if (error instanceof CrashError) resolve();
          else reject(error);
        }
      };
      if (this.disk.syncDelay === 0) act();
      else this.disk.syncLater(act);
    });
  }

  sizeBytes(): number {
    return this.file.size;
  }

  closeSync(): void {
    // Closing never fails here, also after the death.
  }
}
