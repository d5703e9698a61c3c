// SPDX-License-Identifier: Apache-2.0
// The log in front of a disk that fails or is full. Scrapes go on: what cannot be written waits in memory,
// within a limit, and is written in order once the disk takes it again. Until then an acknowledged sample
// would not survive the death of the process; a metric and one log line say so.

import type { Clock, Logger } from '../../base/index.ts';
import { StorageError } from '../../storage/index.ts';
import type { WalSink } from './records.ts';

export interface ResilientWalOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes of records that may wait. */
  readonly waitingBytesMax?: number;
  /** Between two attempts to write. */
  readonly retryMs?: number;
}

const WAITING_BYTES_MAX = 64 << 20;
const RETRY_MS = 1000;

export class ResilientWal implements WalSink {
  private readonly target: WalSink;
  private readonly options: ResilientWalOptions;
  private waiting: Uint8Array[] = [];
  private bytes = 0;
  private failedSince: number | undefined;
  private nextAttempt = 0;
  /** Batches refused because too much was waiting. */
  refused = 0;

  constructor(target: WalSink, options: ResilientWalOptions) {
    this.target = target;
    this.options = options;
  }

  /** Bytes that are in memory only; 0 in good times. */
  get waitingBytes(): number {
    return this.bytes;
  }

  get isFailing(): boolean {
    return this.failedSince !== undefined;
  }

  /** @throws StorageError `wal_write` when more waits than may */
  log(records: readonly Uint8Array[]): void {
    const { clock } = this.options;
    if (this.failedSince !== undefined && clock.monotonicMs() >= this.nextAttempt) this.retry();
    if (this.failedSince !== undefined) {
      this.wait(records);
      return;
    }
    try {
      this.target.log(records);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.begin(error);
      this.wait(records);
    }
  }

  /** Tries to write what waits; true when nothing does any more. */
  retry(): boolean {
    if (this.failedSince === undefined) return true;
    const { clock, logger } = this.options;
    try {
      // One record at a time: what is written is not tried again.
      while (this.waiting.length > 0) {
        this.target.log([this.waiting[0]!]);
        this.bytes -= this.waiting.shift()!.length;
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.nextAttempt = clock.monotonicMs() + (this.options.retryMs ?? RETRY_MS);
      return false;
    }
    logger.info('The WAL is written again; nothing was lost', {
      seconds: ((clock.monotonicMs() - this.failedSince) / 1000).toFixed(1),
    });
    this.failedSince = undefined;
    return true;
  }

  private begin(error: StorageError): void {
    const { clock, logger } = this.options;
    const limit = this.options.waitingBytesMax ?? WAITING_BYTES_MAX;
    this.failedSince = clock.monotonicMs();
    this.nextAttempt = this.failedSince + (this.options.retryMs ?? RETRY_MS);
    logger.error(
      'Cannot write the WAL: samples are kept in memory only and would be lost with the process. Free space or repair the disk; writing is tried again every second',
      { err: error.message, limit_bytes: limit },
    );
  }

  private wait(records: readonly Uint8Array[]): void {
    const size = records.reduce((sum, record) => sum + record.length, 0);
    const limit = this.options.waitingBytesMax ?? WAITING_BYTES_MAX;
    if (this.bytes + size > limit) {
      this.refused++;
      throw new StorageError(
        'wal_write',
        `cannot write the WAL, and ${this.bytes} bytes of it wait in memory already`,
      );
    }
    for (const record of records) this.waiting.push(record.slice());
    this.bytes += size;
  }
}
