// SPDX-License-Identifier: Apache-2.0

import type { Clock, FileHandle, FileSystem, Logger } from '../base/index.ts';

const utf8 = new TextEncoder();

interface OpenLog {
  readonly handle: FileHandle;
  sizeBytes: number;
}

/** The files of `scrape_failure_log_file`: a JSON line for each failed scrape, appended at once. */
export class FailureLogs {
  private readonly files: FileSystem;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly open = new Map<string, OpenLog>();

  constructor(files: FileSystem, clock: Clock, logger: Logger) {
    this.files = files;
    this.clock = clock;
    this.logger = logger;
  }

  write(path: string, jobName: string, target: string, error: string): void {
    const line = JSON.stringify({
      time: new Date(this.clock.now()).toISOString(),
      level: 'ERROR',
      msg: error,
      job_name: jobName,
      target,
      error,
    });
    try {
      const log = this.log(path);
      const bytes = utf8.encode(`${line}\n`);
      log.handle.writeSync(bytes, 0, bytes.length, log.sizeBytes);
      log.sizeBytes += bytes.length;
    } catch (thrown) {
      const err = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.logger.error('Failed to write scrape failure log', { file: path, err });
    }
  }

  /** Closes the files that are not in `paths` any more. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const [path, { handle }] of this.open) {
      if (paths.has(path)) continue;
      handle.closeSync();
      this.open.delete(path);
    }
  }

  private log(path: string): OpenLog {
    let log = this.open.get(path);
    if (log === undefined) {
      const handle = this.files.openSync(path, 'readwrite');
      log = { handle, sizeBytes: handle.sizeBytes() };
      this.open.set(path, log);
    }
    return log;
  }
}
