// SPDX-License-Identifier: Apache-2.0
// String literals: finding their end, and what they say.
//
// An escape can write any byte, also ones that are no UTF-8. Such a byte 0x80..0xff becomes the lone
// surrogate U+DC80..U+DCFF, which no valid text has and which messages print as \x80..\xff.

import { describeCharacter } from './characters.ts';

/** Where a string ends (after its quote), or what is wrong with it. */
export type StringScan = { readonly end: number } | { readonly error: string };

const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const numeric: Readonly<Record<string, { digits: number; base: number; max: number }>> = {
  x: { digits: 2, base: 16, max: 255 },
  u: { digits: 4, base: 16, max: 0x10ffff },
  U: { digits: 8, base: 16, max: 0x10ffff },
};
const octal = { digits: 3, base: 8, max: 255 };

function digitValue(c: string): number {
  if (c >= '0' && c <= '9') return c.charCodeAt(0) - 48;
  const lower = c.toLowerCase();
  return lower >= 'a' && lower <= 'f' && c.length === 1 ? lower.charCodeAt(0) - 87 : 16;
}

const characterAt = (text: string, at: number): string => {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
};

type Escape = { readonly end: number; readonly value: number; readonly isByte: boolean };

/** The escape whose character after the backslash is at `at`. */
function scanEscape(text: string, at: number, mark: string): Escape | { readonly error: string } {
  const c = characterAt(text, at);
  if (c === '') return { error: 'escape sequence not terminated' };
  const known = c === mark ? mark : simple[c];
  if (known !== undefined) return { end: at + 1, value: known.charCodeAt(0), isByte: false };
  const isOctal = c >= '0' && c <= '7';
  const shape = isOctal ? octal : numeric[c];
  if (shape === undefined) return { error: `unknown escape sequence ${describeCharacter(c)}` };
  let end = isOctal ? at : at + 1;
  let value = 0;
  for (let n = 0; n < shape.digits; n++) {
    const digit = characterAt(text, end);
    if (digitValue(digit) >= shape.base) {
      if (digit === '') return { error: 'escape sequence not terminated' };
      return { error: `illegal character ${describeCharacter(digit)} in escape sequence` };
    }
    value = value * shape.base + digitValue(digit);
    end++;
  }
  if (value > shape.max || (value >= 0xd800 && value < 0xe000)) {
    return { error: 'escape sequence is an invalid Unicode code point' };
  }
  return { end, value, isByte: shape.max === 255 };
}

const isBroken = (code: number): boolean => code === 0xfffd || (code >= 0xd800 && code < 0xe000);

/** Finds the end of the string whose quote is at `start`. */
export function scanString(text: string, start: number): StringScan {
  const mark = text.charAt(start);
  const raw = mark === '`';
  for (let at = start + 1; ; ) {
    const code = text.codePointAt(at);
    if (code === undefined || (code === 10 && !raw)) {
      return { error: raw ? 'unterminated raw string' : 'unterminated quoted string' };
    }
    const c = String.fromCodePoint(code);
    if (c === mark) return { end: at + 1 };
    if (isBroken(code)) return { error: 'invalid UTF-8 rune' };
    if (c === '\\' && !raw) {
      const sequence = scanEscape(text, at + 1, mark);
      if ('error' in sequence) return sequence;
      at = sequence.end;
    } else {
      at += c.length;
    }
  }
}

/** UTF-8 bytes as text; bytes that are none become lone surrogates. */
function textOfBytes(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i]!;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const part = Uint8Array.from(bytes.slice(i, i + length));
    const decoded =
      length === 0 || part.length < length ? '\ufffd' : new TextDecoder().decode(part);
    if (decoded.startsWith('\ufffd') && !(length === 3 && first === 0xef)) {
      text += String.fromCharCode(0xdc00 + first);
      i++;
    } else {
      text += decoded;
      i += length;
    }
  }
  return text;
}

/** What a string literal that `scanString` accepted says. */
export function unquote(literal: string): string {
  const mark = literal.charAt(0);
  const body = literal.slice(1, -1);
  if (mark === '`' || !body.includes('\\')) return body;
  let text = '';
  // Bytes that escapes wrote, waiting for the rest of their character.
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length > 0) text += textOfBytes(bytes);
    bytes = [];
  };
  for (let at = 0; at < body.length; ) {
    if (body.charAt(at) !== '\\') {
      flush();
      text += body.charAt(at++);
      continue;
    }
    const sequence = scanEscape(body, at + 1, mark);
    if ('error' in sequence) return body;
    if (sequence.isByte) bytes.push(sequence.value);
    else {
      flush();
      text += String.fromCodePoint(sequence.value);
    }
    at = sequence.end;
  }
  flush();
  return text;
}
