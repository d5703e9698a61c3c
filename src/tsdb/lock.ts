// SPDX-License-Identifier: Apache-2.0
// The lock file of a data directory. Node has no flock, so the file names its owner: process id and the
// start time of that process, which together never come back. A lock whose owner is gone is taken over.

import type { FileSystem } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import { TsdbError } from './errors.ts';

export interface DirectoryLock {
  /** 1: the last owner let go of it; 0: it died. For prometheus_tsdb_clean_start. */
  readonly cleanStart: number;
  release(): void;
}

/**
 * Field 22 of /proc/<pid>/stat. Undefined when there is no such process, or it is dead and its parent has not
 * waited for it yet.
 */
function processStart(files: FileSystem, processId: number): string | undefined {
  try {
    const stat = files.readTextSync(`/proc/${processId}/stat`);
    // The command name, in parentheses, may hold blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Process id of the live owner written in `text`; undefined when that process is gone. */
function liveOwner(files: FileSystem, text: string): number | undefined {
  const [id = '', start = ''] = text.trim().split(' ');
  if (!/^[0-9]+$/.test(id)) return undefined;
  const running = processStart(files, Number(id));
  return running !== undefined && running === start ? Number(id) : undefined;
}

/** @throws TsdbError `locked` */
export function lockDirectory(
  files: FileSystem,
  directory: string,
  processId: number,
): DirectoryLock {
  const path = `${directory}/lock`;
  const existed = files.existsSync(path);
  if (existed) {
    const owner = liveOwner(files, files.readTextSync(path));
    if (owner !== undefined && owner !== processId) {
      throw new TsdbError(
        'locked',
        path,
        `cannot open ${directory}: it is in use by process ${owner}`,
      );
    }
  }
  files.writeFileSync(path, `${processId} ${processStart(files, processId) ?? ''}\n`);
  return { cleanStart: existed ? 0 : 1, release: () => files.removeSync(path) };
}
