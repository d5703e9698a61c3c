// SPDX-License-Identifier: Apache-2.0

const named: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

const hex = (code: number, width: number): string => code.toString(16).padStart(width, '0');

/** Unprintable to Go: controls, separators other than the space, unassigned, private, surrogates. */
const special = /["\\\p{C}\p{Z}]/gu;

/** `text` in double quotes as Go's `%q` prints it; upstream's messages use it around user input. */
export function quote(text: string): string {
  const body = text.replace(special, (char) => {
    if (char === ' ') return char;
    const short = named[char];
    if (short !== undefined) return short;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return '\\x' + hex(code, 2);
    // A byte of a text that is no UTF-8, as string literals of queries can write them.
    if (code >= 0xdc80 && code <= 0xdcff) return '\\x' + hex(code - 0xdc00, 2);
    if (code >= 0xd800 && code < 0xe000) return '\ufffd';
    return code < 0x10000 ? '\\u' + hex(code, 4) : '\\U' + hex(code, 8);
  });
  return `"${body}"`;
}
