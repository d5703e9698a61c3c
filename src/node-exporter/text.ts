// SPDX-License-Identifier: Apache-2.0
// The few ways in which /proc and /sys write tables and numbers.

/** A procfs or sysfs file that does not read as expected. */
export class SourceError extends Error {
  override name = 'SourceError';
}

const isBlank = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

/** Splits at runs of blanks, dropping empty ends; no regular expression. */
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

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** A decimal number as the kernel writes it. @throws SourceError naming `what` */
export function decimal(text: string | undefined, what: string): number {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  // What JavaScript takes beyond decimals (blanks, Infinity) ends otherwise.
  if (!Number.isFinite(value) || !isDigit(text!.charCodeAt(text!.length - 1)))
    throw new SourceError(`invalid value ${JSON.stringify(text ?? '')} in ${what}`);
  return value;
}

/** A hexadecimal number without prefix, or with `0x`. @throws SourceError naming `what` */
export function hexadecimal(text: string | undefined, what: string): number {
  let value = 0;
  const start = text?.startsWith('0x') === true ? 2 : 0;
  for (let i = start; text !== undefined && i < text.length; i++) {
    const code = text.charCodeAt(i) | 32;
    const digit = isDigit(code) ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
    if (digit < 0) value = Number.NaN;
    value = value * 16 + digit;
  }
  if (text === undefined || text.length === start || Number.isNaN(value))
    throw new SourceError(`invalid value ${JSON.stringify(text ?? '')} in ${what}`);
  return value;
}

/** The number, or undefined when the text is none. */
export function decimalIfAny(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  return !Number.isFinite(value) || !isDigit(text.charCodeAt(text.length - 1)) ? undefined : value;
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

const isNamePart = (code: number): boolean =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;

/** Makes a metric name part of any text: everything but letters, digits and `_` becomes `_`. */
export function metricName(text: string): string {
  let clean = true;
  for (let i = 0; i < text.length && clean; i++) clean = isNamePart(text.charCodeAt(i));
  if (clean) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) out += isNamePart(text.charCodeAt(i)) ? text[i] : '_';
  return out;
}
