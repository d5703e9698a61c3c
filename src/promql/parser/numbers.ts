// SPDX-License-Identifier: Apache-2.0
// Number and duration literals.

import { isWord } from './characters.ts';

const DECIMAL = '0123456789';
const HEXADECIMAL = '0123456789abcdefABCDEF';

/** Reads along a text; what upstream's scanner accepts, in its order, so that errors show the same part. */
class Scan {
  readonly text: string;
  at: number;
  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }
  get next(): string {
    return this.text.charAt(this.at);
  }
  is(set: string): boolean {
    return this.next !== '' && set.includes(this.next);
  }
  accept(set: string): boolean {
    if (!this.is(set)) return false;
    this.at++;
    return true;
  }
}

/** One step of a number after its first digit; false when it cannot be one. */
function scanPart(scan: Scan, digits: string, seen: { dot: boolean; exponent: boolean }): boolean {
  if ((seen.dot && scan.accept('.')) || (seen.exponent && scan.accept('eE'))) return false;
  if (scan.accept('.')) {
    seen.dot = true;
    return !scan.accept('_.') && digits === DECIMAL;
  }
  if (scan.accept('eE')) {
    seen.exponent = true;
    scan.accept('+-');
    return !scan.accept('._eE') && scan.next !== '';
  }
  if (scan.accept('_')) return !scan.accept('._eE') && scan.next !== '';
  while (scan.accept(digits));
  return true;
}

/** Whether a whole number stands here; moves on in any case. */
function scanNumber(scan: Scan): boolean {
  const start = scan.at;
  let digits = DECIMAL;
  if (scan.accept('0') && scan.accept('xX')) {
    scan.accept('_');
    digits = HEXADECIMAL;
  }
  scan.accept('.');
  scan.accept(digits);
  const seen = { dot: false, exponent: false };
  while (scan.is(`${digits}._eE`)) if (!scanPart(scan, digits, seen)) return false;
  return scan.at !== start && !isWord(scan.next);
}

/** Whether the rest of a duration stands here, after its first digits. */
function scanDurationRest(scan: Scan): boolean {
  if (!scan.accept('smhdwy')) return false;
  scan.accept('s');
  while (scan.accept(DECIMAL)) {
    while (scan.accept(DECIMAL));
    if (!scan.accept('smhdw')) return false;
    scan.accept('s');
  }
  if (!isWord(scan.next)) return true;
  scan.at++;
  return false;
}

/** What stands at `start`, where a digit or `.digit` is. */
export function scanNumberOrDuration(
  text: string,
  start: number,
): { kind: 'number' | 'duration' | 'error'; end: number } {
  const scan = new Scan(text, start);
  if (scanNumber(scan)) return { kind: 'number', end: scan.at };
  const kind = scanDurationRest(scan) ? 'duration' : 'error';
  return { kind, end: scan.at };
}

const INTEGER_MAX = 2 ** 63;

/** Go's integer syntax with base prefixes and underscores; undefined when it is none or too large. */
function parseInteger(text: string): number | undefined {
  if (!/^(0[xX]_?[0-9a-fA-F]+(_[0-9a-fA-F]+)*|[0-9]+(_[0-9]+)*)$/.test(text)) return undefined;
  const plain = text.replaceAll('_', '');
  let value = Number(plain);
  if (/^0[0-9]/.test(plain)) {
    if (!/^[0-7]+$/.test(plain)) return undefined;
    value = Number(`0o${plain}`);
  }
  return value < INTEGER_MAX ? value : undefined;
}

const floatSyntax =
  /^([0-9]+(_[0-9]+)*\.?([0-9]+(_[0-9]+)*)?|\.[0-9]+(_[0-9]+)*)([eE][+-]?[0-9]+(_[0-9]+)*)?$/;

/** The value of a number literal, or what is wrong with it in Go's words. */
export function parseNumber(text: string): number | { readonly error: string } {
  const lower = text.toLowerCase();
  if (lower === 'inf') return Number.POSITIVE_INFINITY;
  if (lower === 'nan') return Number.NaN;
  const integer = parseInteger(text);
  if (integer !== undefined) return integer;
  const failure = (why: string): { readonly error: string } => ({
    error: `error parsing number: strconv.ParseFloat: parsing "${text}": ${why}`,
  });
  if (/^0[xX]_?[0-9a-fA-F_]+$/.test(text)) return failure('invalid syntax');
  if (!floatSyntax.test(text)) return failure('invalid syntax');
  const value = Number(text.replaceAll('_', ''));
  return Number.isFinite(value) ? value : failure('value out of range');
}
