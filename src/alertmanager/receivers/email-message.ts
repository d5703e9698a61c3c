// SPDX-License-Identifier: Apache-2.0
// A mail in two parts, text and HTML, as it goes over the wire.

/** One encoded word takes this many bytes of text at most. */
const ENCODED_WORD_BYTES = 63;

const isPlain = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** A header's value: as it is when it is ASCII, else in encoded words (Q). */
export function headerValue(text: string): string {
  const line = text.replace(/[\r\n]+/g, ' ');
  if (isPlain(line)) return line;
  const words: string[] = [];
  let word = '';
  for (const character of line) {
    const bytes = new TextEncoder().encode(character);
    const encoded =
      character === ' '
        ? '_'
        : /^[!-<>@-^`-~]$/.test(character)
          ? character
          : Array.from(
              bytes,
              (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
            ).join('');
    if (word.length + encoded.length > ENCODED_WORD_BYTES) {
      words.push(word);
      word = '';
    }
    word += encoded;
  }
  words.push(word);
  return words.map((each) => `=?utf-8?q?${each}?=`).join(' ');
}

const LINE_MAX = 76;

/** Quoted-printable with lines of at most 76 characters; line ends become CRLF. */
export function quotedPrintable(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => {
    let out = '';
    let column = 0;
    const put = (piece: string): void => {
      if (column + piece.length > LINE_MAX - 1) {
        out += '=\r\n';
        column = 0;
      }
      out += piece;
      column += piece.length;
    };
    const characters = [...line];
    characters.forEach((character, i) => {
      const isLast = i === characters.length - 1;
      const blank = character === ' ' || character === '\t';
      if (/^[\x21-\x3c\x3e-\x7e]$/.test(character) || (blank && !isLast)) put(character);
      else
        for (const byte of new TextEncoder().encode(character))
          put(`=${byte.toString(16).toUpperCase().padStart(2, '0')}`);
    });
    return out;
  });
  return lines.join('\r\n');
}

export interface MailParts {
  /** In order; values are encoded here. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly text: string;
  readonly html: string;
  readonly boundary: string;
}

/** The whole message. Empty parts are left out. */
export function mailMessage({ headers, text, html, boundary }: MailParts): string {
  const head = headers.map(([name, value]) => `${name}: ${headerValue(value)}\r\n`).join('');
  const part = (type: string, body: string): string =>
    body === ''
      ? ''
      : `--${boundary}\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: ${type}; charset=UTF-8\r\n\r\n${quotedPrintable(body)}\r\n`;
  return (
    `${head}Content-Type: multipart/alternative;  boundary=${boundary}\r\nMIME-Version: 1.0\r\n\r\n` +
    `${part('text/plain', text)}${part('text/html', html)}--${boundary}--\r\n`
  );
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 1123 with a numeric zone. */
export function mailDate(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${days[date.getUTCDay()]}, ${two(date.getUTCDate())} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} +0000`;
}

/** Addresses of a header value, without their names: `A <a@b>, c@d` → `a@b`, `c@d`. */
export function mailAddresses(list: string): string[] {
  return list
    .split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .map((each) => /<([^<>]*)>\s*$/.exec(each)?.[1] ?? each.trim())
    .map((address) => address.trim())
    .filter((address) => address !== '');
}
