// SPDX-License-Identifier: Apache-2.0
// Go's literals.

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
    if (bad !== undefined) throw new Error('invalid syntax');
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

/** The code of a character constant; undefined when it is none. */
export function parseChar(quoted: string): Int | undefined {
  try {
    const text = unquote(quoted);
    const code = text.codePointAt(0);
    return code === undefined || String.fromCodePoint(code) !== text ? undefined : new Int(code);
  } catch {
    return undefined;
  }
}

/** A number literal: an int when it is written as one, else a float64; undefined when it is none. */
export function parseNumber(text: string): Int | number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '').replaceAll('_', '');
  if (/^0[0-7]+$/.test(body)) return new Int(sign * Number(`0o${body.slice(1)}`));
  const hexFloat = /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)$/.exec(body);
  if (hexFloat) {
    const [, whole = '', fraction = '', exponent = '0'] = hexFloat;
    return sign * Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  }
  const value = Number(body);
  if (body === '' || Number.isNaN(value)) return undefined;
  const isInteger = /^(?:0[xXbBoO][0-9a-fA-F]+|\d+)$/.test(body);
  if (!isInteger) return sign * value;
  return Number.isSafeInteger(value) ? new Int(sign * value) : undefined;
}
