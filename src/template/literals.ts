// SPDX-License-Identifier: Apache-2.0
// Go's literals.

import { quote } from '../model/index.ts';
import { Int } from './values.ts';

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

const escapePattern =
  /\\(?:([abfnrtv\\'"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]?))/g;

/** The text of a literal in double or single quotes. @throws Error "invalid syntax" */
export function unquote(quoted: string): string {
  const bytes: number[] = [];
  let text = '';
  const flush = (): void => {
    if (bytes.length === 0) return;
    text += new TextDecoder().decode(Uint8Array.from(bytes));
    bytes.length = 0;
  };
  const body = quoted.slice(1, -1);
  let last = 0;
  for (const match of body.matchAll(escapePattern)) {
    const plain = body.slice(last, match.index);
    if (plain !== '') {
      flush();
      text += plain;
    }
    last = match.index + match[0].length;
    const [, short, octal, hex, four, eight, bad] = match;
    const isOtherQuote = (short === '"' || short === "'") && short !== quoted.charAt(0);
    if (bad !== undefined || isOtherQuote) throw new Error('invalid syntax');
    // Octal and \x are bytes: several may make one character.
    if (octal !== undefined || hex !== undefined) {
      bytes.push(octal !== undefined ? Number(`0o${octal}`) : Number(`0x${hex}`));
      continue;
    }
    flush();
    if (short !== undefined) text += escapes[short] ?? '';
    else {
      const code = Number(`0x${four ?? eight}`);
      if (code > 0x10ffff) throw new Error('invalid syntax');
      text += String.fromCodePoint(code);
    }
  }
  flush();
  return text + body.slice(last);
}

/** The code of a character constant. @throws Error with Go's message */
export function parseChar(quoted: string): Int {
  const text = unquote(quoted);
  const code = text.codePointAt(0);
  if (code === undefined) throw new Error('invalid syntax');
  if (String.fromCodePoint(code) !== text) {
    throw new Error(`malformed character constant: ${quoted}`);
  }
  return new Int(code);
}

/** Whether every underscore stands between digits, or behind the prefix of a base. */
function hasGoodUnderscores(body: string): boolean {
  if (!body.includes('_')) return true;
  const isHex = /^0[xX]/.test(body);
  const digits = body.replace(/^0[xXbBoO]/, '00');
  return isHex
    ? !/(?<![\da-fA-F])_|_(?![\da-fA-F])/.test(digits)
    : !/(?<!\d)_|_(?!\d)/.test(digits);
}

function hexFloat(body: string): number {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)$/.exec(body) ?? [];
  const digits = whole + fraction;
  return digits === ''
    ? Number.NaN
    : Number(`0x${digits}`) * 2 ** (Number(exponent) - 4 * fraction.length);
}

/**
 * A number literal: an int when it is written as one, else a float64.
 * @throws Error with Go's message
 */
export function parseNumber(text: string): Int | number {
  const illegal = new Error(`illegal number syntax: ${quote(text)}`);
  const sign = text.startsWith('-') ? -1 : 1;
  const written = text.replace(/^[+-]/, '');
  if (!hasGoodUnderscores(written)) throw illegal;
  const body = written.replaceAll('_', '');
  const isOctal = /^0[0-7]+$/.test(body);
  if (isOctal || /^(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0|[1-9]\d*)$/.test(body)) {
    const value = isOctal ? Number(`0o${body.slice(1)}`) : Number(body);
    if (Number.isSafeInteger(value)) return new Int(sign * value);
    throw new Error(`integer overflow: ${quote(text)}`);
  }
  const isDecimal = /^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(body);
  const value = isDecimal ? Number(body) : hexFloat(body);
  if (!Number.isFinite(value)) throw illegal;
  // It would be an integer if it were not too large, or octal with an 8.
  if (!/[.eEpP]/.test(text)) throw new Error(`integer overflow: ${quote(text)}`);
  return sign * value;
}
