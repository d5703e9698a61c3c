// SPDX-License-Identifier: Apache-2.0
// Characters as the lexer and its messages see them.

import { quote } from '../../model/index.ts';

export const isSpace = (c: string): boolean => c === ' ' || c === '\t' || c === '\n' || c === '\r';
export const isDigit = (c: string): boolean => c >= '0' && c <= '9' && c.length === 1;
export const isAlpha = (c: string): boolean =>
  (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c === '_';
export const isWord = (c: string): boolean => c !== '' && (isAlpha(c) || isDigit(c));

/** Go's `%q` of a character; '' stands for the end of the text. */
export function quoteCharacter(c: string): string {
  if (c === '') return "'\ufffd'";
  if (c === '"') return `'"'`;
  if (c === "'") return `'\\''`;
  return `'${quote(c).slice(1, -1)}'`;
}

/** Go's `%#U` of a character. */
export function describeCharacter(c: string): string {
  const code = c.codePointAt(0) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const printable = quote(c).slice(1, -1) === c || c === '"' || c === '\\';
  return printable ? `${name} '${c}'` : name;
}
