// SPDX-License-Identifier: Apache-2.0
// The few ways in which /proc and /sys write tables and numbers.

import type { CollectorContext } from './collector.ts';
import { NoDataError } from './collector.ts';
import { FileError } from '../base/index.ts';

/** A procfs or sysfs file that does not read as expected. */
export class SourceError extends Error {
  override name = 'SourceError';
}

/** Text of `<procfs>/<path>`. @throws FileError */
export const readProc = (context: CollectorContext, path: string): string =>
  context.files.readTextSync(`${context.paths.procfs}/${path}`);

/** Text of `<sysfs>/<path>` without the final newline, or undefined when it cannot be read. */
export function readSysLine(context: CollectorContext, path: string): string | undefined {
  try {
    return context.files.readTextSync(`${context.paths.sysfs}/${path}`).trim();
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Like {@link readProc}, but a file that is not there means that there is no data. */
export function readProcIfThere(context: CollectorContext, path: string): string {
  try {
    return readProc(context, path);
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') {
      throw new NoDataError(`${context.paths.procfs}/${path} is not there`);
    }
    throw error;
  }
}

/** Splits at runs of spaces and tabs, dropping empty ends; no regular expression. */
export function fields(line: string): string[] {
  const out: string[] = [];
  const n = line.length;
  let i = 0;
  while (i < n) {
    while (i < n && isBlank(line.charCodeAt(i))) i++;
    const start = i;
    while (i < n && !isBlank(line.charCodeAt(i))) i++;
    if (i > start) out.push(line.slice(start, i));
  }
  return out;
}

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 13 || code === 10;

/** A decimal number as the kernel writes it. @throws SourceError naming `what` */
export function decimal(text: string | undefined, what: string): number {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value))
    throw new SourceError(`invalid value ${JSON.stringify(text ?? '')} in ${what}`);
  return value;
}

/** Calls `visit` for each line that is not empty. */
export function eachLine(text: string, visit: (line: string) => void): void {
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    if (end > start) visit(text.slice(start, end));
    start = end + 1;
  }
}

/** Makes a metric name part of any text: everything but letters, digits and `_` becomes `_`. */
export function metricName(text: string): string {
  let out = '';
  for (const c of text) out += /[a-zA-Z0-9_]/.test(c) ? c : '_';
  return out;
}
