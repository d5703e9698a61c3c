// SPDX-License-Identifier: Apache-2.0
// State that survives: a snapshot in upstream's form (messages, each after its length as uvarint) and,
// beside it, a journal of ours with what changed since, so that what was answered is not lost with the
// process. A snapshot is written whole, synced and renamed; then the journal starts anew.

import type { FileHandle, FileSystem } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import { ByteWriter, ProtobufReader } from '../encoding/index.ts';

/** A snapshot that cannot be read: the program must not start over it and lose it. */
export class SnapshotError extends Error {
  override name = 'SnapshotError';
}

const UNIT = 10_000;

/** Splits delimited messages. @throws Error at `offset` of what is not whole */
function split(bytes: Uint8Array): { messages: Uint8Array[]; whole: number } {
  const messages: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const reader = new ProtobufReader(bytes, at);
    let length: number;
    try {
      length = reader.uvarint();
    } catch {
      break;
    }
    if (reader.position + length > bytes.length) break;
    messages.push(bytes.subarray(reader.position, reader.position + length));
    at = reader.position + length;
  }
  return { messages, whole: at };
}

function join(messages: Iterable<Uint8Array>): Uint8Array {
  const writer = new ByteWriter(UNIT);
  for (const message of messages) {
    writer.uvarint(message.length);
    writer.raw(message);
  }
  return writer.bytes();
}

/** The two files of one kind of state. The owner closes it. */
export class SnapshotFile {
  readonly path: string;
  private readonly files: FileSystem;
  private journal: FileHandle | undefined;
  private journalBytes = 0;
  snapshotBytes = 0;

  constructor(files: FileSystem, path: string) {
    this.files = files;
    this.path = path;
  }

  private get journalPath(): string {
    return `${this.path}.journal`;
  }

  private readIfThere(path: string): Uint8Array {
    try {
      return this.files.readFileSync(path);
    } catch (error) {
      if (error instanceof FileError && error.code === 'ENOENT') return new Uint8Array(0);
      throw error;
    }
  }

  /**
   * The messages of the snapshot, then those of the journal. A torn end of the journal is what was being
   * written when the process died, and was not answered: it is cut off.
   * @throws SnapshotError, FileError
   */
  load(): Uint8Array[] {
    const snapshot = this.readIfThere(this.path);
    const { messages, whole } = split(snapshot);
    if (whole !== snapshot.length) {
      throw new SnapshotError(
        `cannot read ${this.path}: it is cut short or damaged at byte ${whole} of ${snapshot.length}; move it away to start without what it holds`,
      );
    }
    this.snapshotBytes = snapshot.length;
    const journal = split(this.readIfThere(this.journalPath));
    this.journalBytes = journal.whole;
    this.journal = this.files.openSync(this.journalPath, 'readwrite');
    this.journal.truncateSync(journal.whole);
    return messages.concat(journal.messages);
  }

  /** Adds a change to the journal; it survives the process when this returns. @throws FileError */
  append(message: Uint8Array): void {
    const bytes = join([message]);
    this.journal?.writeSync(bytes, 0, bytes.length, this.journalBytes);
    this.journalBytes += bytes.length;
  }

  /** Replaces everything by these messages. @throws FileError: what was there stays */
  write(messages: Iterable<Uint8Array>): void {
    const bytes = join(messages);
    const temporary = `${this.path}.tmp`;
    const handle = this.files.openSync(temporary, 'write');
    try {
      handle.writeSync(bytes, 0, bytes.length, 0);
      handle.syncSync();
    } finally {
      handle.closeSync();
    }
    this.files.renameSync(temporary, this.path);
    const slash = this.path.lastIndexOf('/');
    this.files.syncDirectorySync(slash < 0 ? '.' : this.path.slice(0, slash));
    this.journal?.truncateSync(0);
    this.journalBytes = 0;
    this.snapshotBytes = bytes.length;
  }

  close(): void {
    this.journal?.closeSync();
    this.journal = undefined;
  }
}
