// SPDX-License-Identifier: Apache-2.0
// What each receiver was last told of each group, so that nobody is told the same twice.

import type { Clock } from '../../base/index.ts';
import type { SnapshotFile } from '../snapshot-file.ts';
import { decodeEntry, encodeEntry } from './entry-message.ts';
import type { LogEntry } from './log-entry.ts';

export interface NotificationLogOptions {
  readonly clock: Clock;
  readonly retentionMs: number;
  readonly file: SnapshotFile | undefined;
}

const keyOf = (entry: Pick<LogEntry, 'groupKey' | 'receiver' | 'integration' | 'index'>): string =>
  `${entry.groupKey}:${entry.receiver}/${entry.integration}/${entry.index}`;

export class NotificationLog {
  private readonly options: NotificationLogOptions;
  private readonly entries = new Map<string, LogEntry>();

  /** Loads what the file holds. @throws SnapshotError, DecodeError */
  constructor(options: NotificationLogOptions) {
    this.options = options;
    for (const message of options.file?.load() ?? []) this.merge(decodeEntry(message));
  }

  /** Takes an entry in when it is newer than ours. @returns whether it was */
  merge(entry: LogEntry): boolean {
    if (entry.expiresAtMs <= this.options.clock.now()) return false;
    const key = keyOf(entry);
    const known = this.entries.get(key);
    if (known !== undefined && known.timestampMs >= entry.timestampMs) return false;
    this.entries.set(key, entry);
    return true;
  }

  get size(): number {
    return this.entries.size;
  }

  get snapshotBytes(): number {
    return this.options.file?.snapshotBytes ?? 0;
  }

  /** The last notification, if it is still remembered. */
  find(
    where: Pick<LogEntry, 'groupKey' | 'receiver' | 'integration' | 'index'>,
  ): LogEntry | undefined {
    const entry = this.entries.get(keyOf(where));
    return entry !== undefined && entry.expiresAtMs > this.options.clock.now() ? entry : undefined;
  }

  /**
   * Notes a notification, remembered for `expiryMs` (at most the retention). It is newer than what is
   * known, whatever the clock says: one that was set back must not let everything be told again.
   * @throws FileError
   */
  log(entry: Omit<LogEntry, 'timestampMs' | 'expiresAtMs'>, expiryMs: number): void {
    const known = this.entries.get(keyOf(entry));
    const now = Math.max(this.options.clock.now(), (known?.timestampMs ?? 0) + 1);
    const { retentionMs } = this.options;
    const keptMs = expiryMs > 0 ? Math.min(retentionMs, expiryMs) : retentionMs;
    const full: LogEntry = { ...entry, timestampMs: now, expiresAtMs: now + keptMs };
    this.options.file?.append(encodeEntry(full));
    this.entries.set(keyOf(full), full);
  }

  /** Forgets what has expired. @returns how many */
  collect(): number {
    const now = this.options.clock.now();
    let count = 0;
    for (const [key, { expiresAtMs }] of this.entries) {
      if (expiresAtMs > now) continue;
      this.entries.delete(key);
      count++;
    }
    return count;
  }

  /** Writes the snapshot. @throws FileError */
  save(): void {
    this.options.file?.write(Array.from(this.entries.values(), encodeEntry));
  }
}
