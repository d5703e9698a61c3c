// SPDX-License-Identifier: Apache-2.0
// The query log, `global.query_log_file`: a line of JSON for each query that was run.

import type { EngineMetrics, QueryClient } from '../api/index.ts';
import type { Clock, FileHandle, FileSystem, Logger } from '../base/index.ts';
import type { QueryStatistics } from '../promql/index.ts';

/** A query that has ended. */
export interface LoggedQuery {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  /** 0 of instant queries. */
  readonly stepMs: number;
  readonly error?: string;
  readonly stats: QueryStatistics;
  readonly client?: QueryClient | undefined;
  readonly ruleGroup?: { readonly file: string; readonly name: string } | undefined;
}

const time = (ms: number): string => new Date(ms).toISOString();

/** A time that a client may give, however far away. */
function dateText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms}` : date.toISOString();
}

/** One line as upstream writes it; `ts` is the name that the time had in 2.x. */
function lineOf(entry: LoggedQuery, nowMs: number): string {
  const { query, startMs, endMs, stepMs, error, stats, client, ruleGroup } = entry;
  const origin =
    client === undefined
      ? {}
      : {
          httpRequest: { clientIP: client.address, method: client.method, path: client.path },
        };
  const line = {
    time: time(nowMs),
    level: 'INFO',
    source: 'query-log.ts',
    msg: 'promql query logged',
    params: {
      end: dateText(endMs),
      query,
      start: dateText(startMs),
      step: Math.trunc(stepMs / 1000),
    },
    ...(error === undefined ? {} : { error }),
    stats,
    ...origin,
    ...(ruleGroup === undefined ? {} : { ruleGroup }),
    ts: time(nowMs),
  };
  return `${JSON.stringify(line)}\n`;
}

export interface QueryLogParts {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: EngineMetrics;
}

/** The open file, or none. */
export class QueryLog {
  private readonly parts: QueryLogParts;
  private file: { readonly handle: FileHandle; position: number } | undefined;
  private failing = false;

  constructor(parts: QueryLogParts) {
    this.parts = parts;
  }

  /**
   * Goes on in another file, or in the same one opened again (whoever rotates it moves it away before);
   * '' turns the log off. @throws FileError when the file can't be opened: the old one stays
   */
  reopen(path: string): void {
    let file: typeof this.file;
    if (path !== '') {
      const handle = this.parts.files.openSync(path, 'readwrite');
      file = { handle, position: handle.sizeBytes() };
    }
    this.close();
    this.file = file;
    this.failing = false;
    this.parts.metrics.queryLogOpened(file !== undefined);
  }

  /** A line that cannot be written is counted; the first is told in the server's log, too. */
  write(entry: LoggedQuery): void {
    const { file } = this;
    if (file === undefined) return;
    const { clock, metrics, logger } = this.parts;
    const bytes = new TextEncoder().encode(lineOf(entry, clock.now()));
    try {
      file.handle.writeSync(bytes, 0, bytes.length, file.position);
      file.position += bytes.length;
      this.failing = false;
    } catch (error) {
      metrics.queryLogFailed();
      if (!this.failing) logger.error("can't log query", { err: error as Error });
      this.failing = true;
    }
  }

  close(): void {
    this.file?.handle.closeSync();
    this.file = undefined;
  }
}
