// SPDX-License-Identifier: Apache-2.0
// Targets from files, which may change at any time.

import { FileError, type Timer } from '../base/index.ts';
import { glob } from './glob.ts';
import type { FileSdOptions, TargetGroup } from './options.ts';
import {
  emptyGroup,
  type Provider,
  type ProviderContext,
  type ProviderListener,
} from './provider.ts';
import { decodeJsonGroups, decodeYamlGroups, TargetGroupError } from './target-groups.ts';

const FILE_BYTES_MAX = 64 * 1024 * 1024;

const directoryOf = (path: string): string => {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash) || '/';
};

/** The groups of one file. @throws FileError, TargetGroupError */
function decodeFile(path: string, bytes: Uint8Array): TargetGroup[] {
  if (bytes.length > FILE_BYTES_MAX)
    throw new TargetGroupError(`larger than ${FILE_BYTES_MAX} bytes: split it into several files`);
  const text = new TextDecoder().decode(bytes);
  const decode = /\.json$/i.test(path) ? decodeJsonGroups : decodeYamlGroups;
  return decode(text, path, '__meta_filepath');
}

/** Watches files and reads them again at each change, and at intervals in case a change went unseen. */
export class FileProvider implements Provider {
  private readonly options: FileSdOptions;
  private readonly context: ProviderContext;
  private listener: ProviderListener | undefined;
  private timer: Timer | undefined;
  private readonly watchers = new Map<string, { close(): void }>();
  /** For each file that was read, how many groups it had. */
  private groupCounts = new Map<string, number>();
  private refreshing = false;
  /** Something changed while a refresh was under way. */
  private changed = false;

  constructor(options: FileSdOptions, context: ProviderContext) {
    this.options = options;
    this.context = context;
  }

  start(listener: ProviderListener): void {
    this.listener = listener;
    this.watch();
    void this.refresh().finally(() => listener.settled());
  }

  async stop(): Promise<void> {
    this.listener = undefined;
    this.timer?.cancel();
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
    const { fileMtime } = this.context.metrics;
    for (const path of this.groupCounts.keys()) fileMtime.remove(path);
  }

  /** Watches the directories of all patterns; those that do not exist yet are tried again later. */
  private watch(): void {
    for (const pattern of this.options.files) {
      const directory = directoryOf(pattern);
      if (this.watchers.has(directory)) continue;
      try {
        const watcher = this.context.files.watch(directory, () => void this.refresh());
        if (watcher) this.watchers.set(directory, watcher);
      } catch (error) {
        this.context.metrics.fileWatcherErrors.inc();
        this.context.logger.debug('cannot watch directory', { directory, err: asError(error) });
      }
    }
  }

  /** One round at a time; changes during a round bring another one right after it. */
  private async refresh(): Promise<void> {
    if (this.refreshing) {
      this.changed = true;
      return;
    }
    this.refreshing = true;
    this.timer?.cancel();
    try {
      do {
        this.changed = false;
        await this.readAll();
      } while (this.changed && this.listener);
    } finally {
      this.refreshing = false;
    }
    if (!this.listener) return;
    this.timer = this.context.clock.setTimer(this.options.refreshIntervalMs, () => {
      this.watch();
      void this.refresh();
    });
  }

  /** Reads all matching files and says what changed, vanished groups and files included. */
  private async readAll(): Promise<void> {
    const { clock, files, metrics } = this.context;
    const start = clock.monotonicMs();
    const paths = new Set(this.options.files.flatMap((pattern) => glob(files, pattern)));
    const counts = new Map<string, number>();
    const updates: TargetGroup[] = [];
    for (const path of paths) {
      const before = this.groupCounts.get(path) ?? 0;
      const groups = await this.readOne(path);
      // A file that cannot be read keeps what it last said.
      const count = groups?.length ?? before;
      for (const group of groups ?? []) updates.push(group);
      for (let i = count; i < before; i++) updates.push(emptyGroup(`${path}:${i}`));
      if (groups || this.groupCounts.has(path)) counts.set(path, count);
    }
    for (const [path, before] of this.groupCounts) {
      if (paths.has(path)) continue;
      for (let i = 0; i < before; i++) updates.push(emptyGroup(`${path}:${i}`));
      metrics.fileMtime.remove(path);
    }
    if (!this.listener) return;
    this.groupCounts = counts;
    metrics.fileScanDuration.observe((clock.monotonicMs() - start) / 1000);
    if (updates.length > 0) this.listener.update(updates);
  }

  /** A file's groups, or undefined after reporting that it cannot be read. */
  private async readOne(path: string): Promise<TargetGroup[] | undefined> {
    const { files, logger, metrics } = this.context;
    try {
      const modifiedMs = files.statSync(path).modifiedMs;
      const groups = decodeFile(path, await files.readFile(path));
      metrics.fileMtime.with(path).set(modifiedMs / 1000);
      return groups;
    } catch (error) {
      if (!(error instanceof FileError || error instanceof TargetGroupError)) throw error;
      metrics.fileReadErrors.inc();
      logger.error('Error reading file', { path, err: error });
      return undefined;
    }
  }
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));
