// SPDX-License-Identifier: Apache-2.0
// A database over a real directory, and what it warned of.

import { type Logger, silentLogger } from '../../src/base/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { createNodeClock, createNodeFileSystem, createZstd } from '../../src/platform/index.ts';
import type { Database, DatabaseOptions } from '../../src/tsdb/index.ts';
import { openDatabase } from '../../src/tsdb/index.ts';

/** Opens databases one after the other; `warnings` are those since the last was opened. */
export function diskOpener(memoryBytes: number): {
  readonly warnings: readonly string[];
  readonly logger: Logger;
  open(directory: string, options?: Partial<DatabaseOptions>): Promise<Database>;
} {
  const warnings: string[] = [];
  const note = (message: string): void => void warnings.push(message);
  const logger: Logger = { ...silentLogger, warn: note, error: note, child: () => logger };
  const open = (directory: string, options: Partial<DatabaseOptions> = {}): Promise<Database> => {
    warnings.length = 0;
    return openDatabase({
      directory,
      files: createNodeFileSystem(),
      clock: createNodeClock(),
      logger,
      heap: new SharedHeap(createMemory(memoryBytes)),
      zstd: createZstd(),
      processId: process.pid,
      ...options,
    });
  };
  return { warnings, logger, open };
}
