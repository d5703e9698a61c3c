// SPDX-License-Identifier: Apache-2.0
// `queries.active` in the data directory: which queries are running, so that after a crash one can read
// which ones were. The bytes are upstream's: `[`, then entries of 1000 bytes, each
// `{"query":…,"timestamp_sec":…},` filled up with zeros; one of zeros alone is free.

import type { Clock, FileHandle, FileSystem, Logger } from '../base/index.ts';

const FILE_NAME = 'queries.active';
const ENTRY_BYTES = 1000;
const encoder = new TextEncoder();

/** One entry; a query that does not fit is cut off. */
function entryOf(query: string, timestampSeconds: number): Uint8Array {
  const entry = new Uint8Array(ENTRY_BYTES);
  for (let text = query.slice(0, ENTRY_BYTES); ; text = text.slice(0, text.length * 0.9)) {
    const json = JSON.stringify({ query: text, timestamp_sec: timestampSeconds });
    const bytes = encoder.encode(`${json},`);
    if (bytes.length > ENTRY_BYTES) continue;
    entry.set(bytes);
    return entry;
  }
}

/** The entries that a file still has, as a JSON list; undefined when there are none. */
function unfinished(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes.filter((byte) => byte !== 0));
  return text.length > 1 ? `${text.slice(0, -1)}]` : undefined;
}

export interface ActiveQueriesOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly directory: string;
  /** Queries that can run together. */
  readonly slots: number;
}

/** The file; one query runs in each slot. */
export class ActiveQueries {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly handle: FileHandle;
  private readonly owners: (object | undefined)[];
  private closed = false;

  /** Logs what the last run left unfinished, and begins anew. @throws FileError */
  constructor({ files, clock, logger, directory, slots }: ActiveQueriesOptions) {
    const path = `${directory}/${FILE_NAME}`;
    if (files.existsSync(path)) {
      const queries = unfinished(files.readFileSync(path));
      const message = "These queries didn't finish in prometheus' last run:";
      if (queries !== undefined) logger.info(message, { queries });
    }
    this.clock = clock;
    this.logger = logger;
    this.owners = Array.from({ length: slots }, () => undefined);
    this.handle = files.openSync(path, 'write');
    const bytes = new Uint8Array(1 + slots * ENTRY_BYTES);
    bytes[0] = '['.charCodeAt(0);
    this.handle.writeSync(bytes, 0, bytes.length, 0);
  }

  /** @param owner whoever ends it */
  begin(slot: number, owner: object, query: string): void {
    if (this.closed) return;
    this.owners[slot] = owner;
    this.write(slot, entryOf(query, Math.floor(this.clock.now() / 1000)));
  }

  /** Does nothing when the slot has gone to another query. */
  end(slot: number, owner: object): void {
    if (this.closed || this.owners[slot] !== owner) return;
    this.owners[slot] = undefined;
    this.write(slot, new Uint8Array(ENTRY_BYTES));
  }

  private write(slot: number, entry: Uint8Array): void {
    try {
      this.handle.writeSync(entry, 0, ENTRY_BYTES, 1 + slot * ENTRY_BYTES);
    } catch (error) {
      // Queries are answered all the same.
      this.logger.error('Cannot note the running queries any more', { err: error as Error });
      this.close();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.handle.closeSync();
  }
}
