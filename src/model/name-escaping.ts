// SPDX-License-Identifier: Apache-2.0
// Names for readers that know only the old charset ([a-zA-Z_:][a-zA-Z0-9_:]*), and the way back.

/** How names are made to fit: as they are, `_` for all else, `_dot_` for dots, or hex codes after `U__`. */
export type EscapingScheme = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

const legacyName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

const isLegacyChar = (char: string, atStart: boolean): boolean =>
  /^[a-zA-Z_:]$/.test(char) || (!atStart && /^[0-9]$/.test(char));

/** `name` as a name of the old charset; the same text for names that are one, except under `dots`. */
export function escapeName(name: string, scheme: EscapingScheme): string {
  if (scheme === 'allow-utf-8' || name === '') return name;
  if (scheme !== 'dots' && legacyName.test(name)) return name;
  let escaped = scheme === 'values' ? 'U__' : '';
  let atStart = true;
  for (const char of name) {
    const keeps = isLegacyChar(char, atStart);
    atStart = false;
    if (scheme === 'underscores') escaped += keeps ? char : '_';
    else if (scheme === 'dots') {
      if (char === '.') escaped += '_dot_';
      else escaped += keeps && char !== '_' ? char : '__';
    } else if (char === '_') escaped += '__';
    else if (keeps) escaped += char;
    else {
      const code = char.codePointAt(0)!;
      escaped += code >= 0xd800 && code < 0xe000 ? '_FFFD_' : `_${code.toString(16)}_`;
    }
  }
  return escaped;
}

const CODE_POINT_MAX = 0x10ffff;

/**
 * The name that one escaped with `values` stands for (`U__http_2e_status` → `http.status`); the text
 * itself when it is not a well-formed escape.
 */
export function unescapeName(text: string): string {
  if (!text.startsWith('U__')) return text;
  let name = '';
  for (let i = 3; i < text.length; i++) {
    const c = text[i]!;
    if (c !== '_') {
      name += c;
    } else if (text[i + 1] === '_') {
      name += '_';
      i++;
    } else {
      const hex = /^[0-9a-fA-F]{1,6}(?=_)/.exec(text.slice(i + 1))?.[0];
      const code = Number(`0x${hex}`);
      if (hex === undefined || code > CODE_POINT_MAX || (code >= 0xd800 && code < 0xe000))
        return text;
      name += String.fromCodePoint(code);
      i += hex.length + 1;
    }
  }
  return name;
}
