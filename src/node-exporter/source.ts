// SPDX-License-Identifier: Apache-2.0
// Files of /proc and /sys as collectors read them.

import { FileError } from '../base/index.ts';
import type { CollectorContext } from './collector.ts';
import { NoDataError } from './collector.ts';
import { decimal, decimalIfAny } from './text.ts';

/** Runs `read`; undefined when a file of it cannot be read, whatever the reason. */
export function ifReadable<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Runs `read`; a file that is not there means that there is no data. @throws NoDataError, FileError */
export function ifThere<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof FileError && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      throw new NoDataError(`${error.path} is not there`);
    throw error;
  }
}

/** Text of `<procfs>/<path>`. @throws FileError */
export const readProc = (context: CollectorContext, path: string): string =>
  context.files.readTextSync(`${context.paths.procfs}/${path}`);

/** Like {@link readProc}, but a file that is not there means that there is no data. */
export const readProcIfThere = (context: CollectorContext, path: string): string =>
  ifThere(() => readProc(context, path));

/** Like {@link readProc}; undefined when the file is not there. @throws FileError of another kind */
export function readProcOptional(context: CollectorContext, path: string): string | undefined {
  try {
    return readProc(context, path);
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Text of `<sysfs>/<path>` without blanks at its ends. @throws FileError */
export const readSys = (context: CollectorContext, path: string): string =>
  context.files.readTextSync(`${context.paths.sysfs}/${path}`).trim();

/** Like {@link readSys}; undefined when it cannot be read. */
export const readSysLine = (context: CollectorContext, path: string): string | undefined =>
  ifReadable(() => readSys(context, path));

/** A number in a sysfs file. @throws FileError, SourceError */
export const sysNumber = (context: CollectorContext, path: string): number =>
  decimal(readSys(context, path), path);

/** A number in a sysfs file; undefined when there is no such file or no number in it. */
export const sysNumberIfAny = (context: CollectorContext, path: string): number | undefined =>
  decimalIfAny(readSysLine(context, path));

/** Names in `<sysfs>/<path>`, sorted. @throws FileError */
export const listSys = (context: CollectorContext, path: string): string[] =>
  context.files.listSync(`${context.paths.sysfs}/${path}`).sort(compareNames);

/** Names in `<sysfs>/<path>`, sorted; none when it cannot be read. */
export const listSysIfAny = (context: CollectorContext, path: string): string[] =>
  ifReadable(() => listSys(context, path)) ?? [];

/** Names in `<sysfs>/<path>`; a directory that is not there means that there is no data. */
export const listSysIfThere = (context: CollectorContext, path: string): string[] =>
  ifThere(() => listSys(context, path));

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
