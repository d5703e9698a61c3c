// SPDX-License-Identifier: Apache-2.0
// Keeps the store on disk. A change is in the write-ahead log before it takes effect, and synced before it
// is answered, so that it survives a power cut; changes that come at the same time share one fsync. Every
// so often everything is written to the persistence file and older logs are removed.
//
//   FILE                       the whole, as of some moment; replaced by rename
//   FILE.wal.00000007          changes since; the number says which logs FILE has already
//   FILE.in_progress.00000008  the next FILE while it is being written
//
// A snapshot is written in slices, between which pushes go on: each of them is also in the log that is
// replayed over it, and replaying a change twice changes nothing.

import type { Clock, FileHandle, FileSystem, Logger, Timer } from '../base/index.ts';
import { assert, FileError } from '../base/index.ts';
import { ByteReader, ByteWriter, crc32c, DecodeError } from '../encoding/index.ts';
import { GroupSync } from './group-sync.ts';
import { GobError, recordsOfGob } from './gob.ts';

/** A file that is not ours: nothing is overwritten. The message says what to do. */
export class ForeignFileError extends Error {
  override name = 'ForeignFileError';
}

const FILE_MAGIC = 'HEARTHPG';
const LOG_MAGIC = 'HEARTHPW';
const VERSION = 1;
/** Magic, version, and (in FILE) the number of the first log that is not in it. */
const HEADER_BYTES = 8 + 1 + 4;
/** Length and CRC-32C before each record. */
const FRAME_BYTES = 8;
/** A record is never longer: a length above is damage. */
const RECORD_BYTES_MAX = 1 << 30;
/** A log that grows beyond this is compacted before its time. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Written at one go while a snapshot is made; then others have their turn. */
const SLICE_BYTES = 1024 * 1024;

/** A record as bytes that follow each other; they never change. */
export type RecordPieces = readonly Uint8Array[];

export interface PersistenceParts {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface PersistenceOptions {
  readonly path: string;
  /** Least time between two snapshots. */
  readonly intervalMs: number;
}

function header(magic: string, number: number): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES);
  writer.raw(new TextEncoder().encode(magic));
  writer.u8(VERSION);
  writer.u32be(number);
  return writer.bytes();
}

function frame(writer: ByteWriter, record: Uint8Array): void {
  writer.u32be(record.length);
  writer.u32be(crc32c(record, 0, record.length));
  writer.raw(record);
}

/** The pieces again, none longer than a slice. */
function* slicesOf(pieces: RecordPieces): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += SLICE_BYTES)
      yield piece.subarray(at, at + SLICE_BYTES);
  }
}

const startsWith = (bytes: Uint8Array, magic: string): boolean =>
  new TextDecoder().decode(bytes.subarray(0, magic.length)) === magic;

/** Calls `apply` with each record; the offset of the first that is damaged or cut, if one is. */
function readFrames(
  bytes: Uint8Array,
  apply: (record: Uint8Array) => void,
): { offset: number; why: string } | undefined {
  const reader = new ByteReader(bytes, HEADER_BYTES);
  while (reader.left > 0) {
    const offset = reader.position;
    if (reader.left < FRAME_BYTES) return { offset, why: 'the file ends inside of a record' };
    const length = reader.u32be();
    const sum = reader.u32be();
    // No record is empty: a power cut left room for one and nothing in it.
    if (length === 0 || length > RECORD_BYTES_MAX || length > reader.left)
      return { offset, why: 'the file ends inside of a record' };
    const record = bytes.slice(reader.position, reader.position + length);
    if (crc32c(record, 0, record.length) !== sum)
      return { offset, why: 'the checksum of a record is wrong' };
    reader.position += length;
    try {
      apply(record);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { offset, why: error.message };
    }
  }
  return undefined;
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

export class Persistence {
  private readonly parts: PersistenceParts;
  private readonly path: string;
  private readonly intervalMs: number;
  private readonly snapshot: () => Iterable<RecordPieces>;
  private log: FileHandle | undefined;
  private logBytes = 0;
  /** Number of the log that is written to, or will be. */
  private logNumber = 1;
  private oldLogs: number[] = [];
  private timer: Timer | undefined;
  private lastSnapshotMs: number;
  private running: Promise<void> | undefined;
  private isClosed = false;
  /** Logs that have ended and wait to be synced for the last time. */
  private ended: FileHandle[] = [];
  /** The log's name is not on the disk yet. */
  private isLogNew = false;
  /** A large change on its way to the log. */
  private writing: Promise<void> | undefined;
  private readonly syncs = new GroupSync(() => this.syncLogs());

  /** @param snapshot  records that make the whole; read in slices, while changes go on */
  constructor(
    options: PersistenceOptions,
    parts: PersistenceParts,
    snapshot: () => Iterable<RecordPieces>,
  ) {
    this.path = options.path;
    this.intervalMs = options.intervalMs;
    this.parts = parts;
    this.snapshot = snapshot;
    this.lastSnapshotMs = parts.clock.monotonicMs();
  }

  private get directory(): string {
    const slash = this.path.lastIndexOf('/');
    return slash < 0 ? '.' : slash === 0 ? '/' : this.path.slice(0, slash);
  }

  private logPath(number: number): string {
    return `${this.path}.wal.${String(number).padStart(8, '0')}`;
  }

  /** Numbers of the logs there are, ascending; what was left half-written is removed. */
  private listLogs(): number[] {
    const { files, logger } = this.parts;
    if (!files.existsSync(this.directory)) return [];
    const name = this.path.slice(this.path.lastIndexOf('/') + 1);
    const numbers: number[] = [];
    for (const entry of files.listSync(this.directory)) {
      if (!entry.startsWith(name)) continue;
      const rest = entry.slice(name.length);
      const number = /^\.wal\.(\d{8,})$/.exec(rest)?.[1];
      if (number !== undefined) numbers.push(Number(number));
      else if (/^\.in_progress\.\d{8,}$/.test(rest)) {
        logger.debug('removing a snapshot that was not finished', { file: entry });
        files.removeSync(`${this.directory}/${entry}`);
      }
    }
    return numbers.sort((a, b) => a - b);
  }

  /**
   * Reads everything back. Damage costs what comes after it in its file, is logged, and the file is kept
   * under another name.
   * @throws ForeignFileError for a file that is not ours; FileError where it cannot be read
   */
  load(apply: (record: Uint8Array) => void): void {
    const logs = this.listLogs();
    const covered = this.loadFile(apply);
    this.logNumber = Math.max(covered, (logs.at(-1) ?? 0) + 1, 1);
    for (const number of logs) {
      if (number >= covered) this.loadLog(number, apply);
    }
    this.oldLogs = logs;
    // What was replayed belongs in the next snapshot.
    if (logs.length > 0) this.schedule();
  }

  /** The number of the first log that the file does not have. */
  private loadFile(apply: (record: Uint8Array) => void): number {
    const { files } = this.parts;
    if (!files.existsSync(this.path)) return 0;
    const bytes = files.readFileSync(this.path);
    if (bytes.length === 0) return 0;
    const isOurs =
      startsWith(bytes, FILE_MAGIC) || FILE_MAGIC.startsWith(new TextDecoder().decode(bytes));
    if (!isOurs) {
      this.takeOver(bytes, apply);
      return 0;
    }
    if (bytes.length < HEADER_BYTES) {
      this.damaged(this.path, bytes, { offset: 0, why: 'the file ends inside of its header' });
      return 0;
    }
    if (bytes[8] !== VERSION) {
      throw new ForeignFileError(
        `${this.path} has version ${bytes[8]}, this program knows ${VERSION}: use the program that wrote it`,
      );
    }
    const fault = readFrames(bytes, apply);
    if (fault !== undefined) this.damaged(this.path, bytes, fault);
    return new ByteReader(bytes, 9).u32be();
  }

  /**
   * Takes in a file of the Go Pushgateway, which stays under another name: the next snapshot takes its place.
   * @throws ForeignFileError for any other file
   */
  private takeOver(bytes: Uint8Array, apply: (record: Uint8Array) => void): void {
    const { files, logger } = this.parts;
    let records: readonly Uint8Array[];
    try {
      records = recordsOfGob(bytes);
    } catch (error) {
      if (!(error instanceof GobError) && !(error instanceof DecodeError)) throw error;
      throw new ForeignFileError(
        `${this.path} is neither a persistence file of Hearth nor a whole one of the Go Pushgateway (${error.message}): move it away or give another --persistence.file`,
      );
    }
    const kept = `${this.path}.gob`;
    files.writeFileSync(kept, bytes);
    for (const record of records) apply(record);
    logger.info('took over a persistence file of the Go Pushgateway', {
      file: this.path,
      groups: records.length,
      kept,
    });
  }

  private loadLog(number: number, apply: (record: Uint8Array) => void): void {
    const path = this.logPath(number);
    const bytes = this.parts.files.readFileSync(path);
    // A log may end anywhere: whoever was writing was killed before the push was answered.
    if (bytes.length < HEADER_BYTES || !startsWith(bytes, LOG_MAGIC)) {
      if (bytes.length >= HEADER_BYTES)
        this.damaged(path, bytes, { offset: 0, why: 'it does not start as a log does' });
      return;
    }
    const fault = readFrames(bytes, apply);
    if (fault === undefined) return;
    const fields = { file: path, offset: fault.offset, reason: fault.why };
    if (fault.why.startsWith('the file ends'))
      this.parts.logger.warn('the log ends in a record that was never answered', fields);
    else this.damaged(path, bytes, fault);
  }

  private damaged(path: string, bytes: Uint8Array, at: { offset: number; why: string }): void {
    const { files, logger, clock } = this.parts;
    const kept = `${path}.damaged.${clock.now()}`;
    try {
      files.writeFileSync(kept, bytes);
    } catch (error) {
      logger.error('cannot keep a copy of the damaged file', { file: kept, err: asError(error) });
    }
    logger.error('could not load all persisted metrics', {
      file: path,
      offset: at.offset,
      err: new Error(`${at.why}; what comes before was loaded`),
      copy: kept,
    });
  }

  /**
   * Settles once everything appended so far survives a power cut.
   * @throws FileError when the disk does not take it. What was appended then goes into a new snapshot.
   */
  async durable(): Promise<void> {
    try {
      await this.syncs.request();
    } catch (error) {
      // What an fsync failed to write, the next one no longer knows of.
      if (error instanceof FileError && !this.isClosed)
        void (this.running ?? Promise.resolve()).then(() => this.persist());
      throw error;
    }
  }

  private async syncLogs(): Promise<void> {
    const ended = this.ended.splice(0);
    const { log, isLogNew } = this;
    this.isLogNew = false;
    try {
      for (const old of ended) await old.sync();
      await log?.sync();
      if (isLogNew) await this.parts.files.syncDirectory(this.directory);
    } catch (error) {
      this.isLogNew ||= isLogNew;
      throw error;
    } finally {
      for (const old of ended) old.closeSync();
    }
  }

  /** Gives a change to the system: it survives the process; see {@link durable}. @throws FileError */
  append(record: Uint8Array): void {
    const writer = new ByteWriter(record.length + FRAME_BYTES);
    frame(writer, record);
    assert(this.writing === undefined, 'a change while a large one is being written');
    const log = this.log ?? this.openLog();
    const bytes = writer.bytes();
    log.writeSync(bytes, 0, bytes.length, this.logBytes);
    this.logBytes += bytes.length;
    this.schedule();
  }

  /**
   * Two changes that belong together; of the first, a large one, the CRC-32C is known. Written in slices:
   * until it settles, nothing else may be appended.
   * @throws FileError
   */
  async appendPrepared(record: Uint8Array, checksum: number, second: Uint8Array): Promise<void> {
    const head = new ByteWriter(FRAME_BYTES);
    head.u32be(record.length);
    head.u32be(checksum);
    const rest = new ByteWriter(second.length + FRAME_BYTES);
    frame(rest, second);
    this.writing = this.write([head.bytes(), record, rest.bytes()]);
    try {
      await this.writing;
    } finally {
      this.writing = undefined;
    }
    this.schedule();
  }

  private async write(pieces: readonly Uint8Array[]): Promise<void> {
    const log = this.log ?? this.openLog();
    let position = this.logBytes;
    for (const slice of slicesOf(pieces)) {
      log.writeSync(slice, 0, slice.length, position);
      position += slice.length;
      if (slice.length === SLICE_BYTES) await this.pause();
    }
    this.logBytes = position;
  }

  private openLog(): FileHandle {
    const log = this.parts.files.openSync(this.logPath(this.logNumber), 'write');
    const start = header(LOG_MAGIC, this.logNumber);
    try {
      log.writeSync(start, 0, start.length, 0);
    } catch (error) {
      log.closeSync();
      throw error;
    }
    this.log = log;
    this.isLogNew = true;
    this.logBytes = start.length;
    return log;
  }

  /** Sees to it that a snapshot is made when it is time. */
  private schedule(): void {
    if (this.isClosed || this.running !== undefined) return;
    const { clock } = this.parts;
    if (this.logBytes > LOG_BYTES_MAX) {
      this.timer?.cancel();
      this.timer = undefined;
      void this.persist();
    } else if (this.timer === undefined) {
      const due = this.lastSnapshotMs + this.intervalMs - clock.monotonicMs();
      this.timer = clock.setTimer(Math.max(0, due), () => {
        this.timer = undefined;
        void this.persist();
      });
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => this.parts.clock.setTimer(0, resolve));
  }

  /** Writes everything to the persistence file. What goes wrong is logged; the logs still have it all. */
  async persist(): Promise<void> {
    if (this.running !== undefined) return this.running;
    this.running = this.writeSnapshot(true).finally(() => {
      this.running = undefined;
    });
    await this.running;
    if (this.log !== undefined) this.schedule();
  }

  private async writeSnapshot(pausing: boolean): Promise<void> {
    const { files, logger, clock } = this.parts;
    this.lastSnapshotMs = clock.monotonicMs();
    await this.writing?.catch(() => undefined);
    const covered = this.startNextLog();
    const temporary = `${this.path}.in_progress.${String(covered).padStart(8, '0')}`;
    try {
      const handle = files.openSync(temporary, 'write');
      try {
        await this.writeRecords(handle, covered, pausing);
        await handle.sync();
      } finally {
        handle.closeSync();
      }
      files.renameSync(temporary, this.path);
      await files.syncDirectory(this.directory);
      // The file has all that is in them: they need no sync of their own.
      for (const ended of this.ended.splice(0)) ended.closeSync();
      for (const number of this.oldLogs.filter((old) => old < covered))
        files.removeSync(this.logPath(number));
      this.oldLogs = this.oldLogs.filter((old) => old >= covered);
      logger.info('metrics persisted', { file: this.path });
    } catch (error) {
      logger.error('error persisting metrics', { err: asError(error) });
      if (files.existsSync(temporary)) files.removeSync(temporary);
      if (!(error instanceof FileError)) throw error;
    }
  }

  /** Ends the log. @returns the number of the next one */
  private startNextLog(): number {
    if (this.log !== undefined) {
      this.ended.push(this.log);
      this.log = undefined;
      this.oldLogs.push(this.logNumber);
      this.logNumber++;
    }
    this.logBytes = 0;
    return this.logNumber;
  }

  private async writeRecords(handle: FileHandle, covered: number, pausing: boolean): Promise<void> {
    const writer = new ByteWriter(SLICE_BYTES);
    writer.raw(header(FILE_MAGIC, covered));
    let position = 0;
    const flush = (): void => {
      const bytes = writer.bytes();
      handle.writeSync(bytes, 0, bytes.length, position);
      position += bytes.length;
      writer.clear();
    };
    for (const pieces of this.snapshot()) {
      let length = 0;
      let checksum = 0;
      for (const slice of slicesOf(pieces)) {
        length += slice.length;
        checksum = crc32c(slice, 0, slice.length, checksum);
        if (pausing && slice.length === SLICE_BYTES) await this.pause();
      }
      writer.u32be(length);
      writer.u32be(checksum);
      for (const slice of slicesOf(pieces)) {
        writer.raw(slice);
        if (writer.bytes().length < SLICE_BYTES) continue;
        flush();
        if (pausing) await this.pause();
      }
    }
    flush();
  }

  /** Writes what is not yet in the persistence file and lets go of all files. */
  async close(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    await this.running;
    this.isClosed = true;
    if (this.log !== undefined || this.oldLogs.length > 0) await this.writeSnapshot(false);
  }
}
