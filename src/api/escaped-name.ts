// SPDX-License-Identifier: Apache-2.0
// Label names in URL paths: `U__` and then every character that old names may not have as its hex code
// between underscores, so that `http.status` is `U__http_2e_status`.

const CODE_POINT_MAX = 0x10ffff;

/** The name that an escaped one stands for; the text itself when it is not a well-formed escape. */
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
      if (hex === undefined || code > CODE_POINT_MAX) return text;
      name += String.fromCodePoint(code);
      i += hex.length + 1;
    }
  }
  return name;
}
