// SPDX-License-Identifier: Apache-2.0
// Bytes of an exposition as text: for names and values, and for error messages.

import { quote } from '../model/index.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** Longest text that is built byte by byte; a decoder is faster above. */
const SHORT_TEXT_BYTES = 24;

/** `bytes[start, end)` as text; bytes that are not UTF-8 become U+FFFD. Works on shared memory. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_TEXT_BYTES) {
    let text = '';
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte >= 0x80) return lenient.decode(bytes.slice(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return lenient.decode(bytes.slice(start, end));
}

/** Whether `bytes[start, end)` is valid UTF-8. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  while (i < end && bytes[i]! < 0x80) i++;
  if (i === end) return true;
  try {
    strict.decode(bytes.slice(start, end));
    return true;
  } catch {
    return false;
  }
}

/** Length of the valid UTF-8 sequence at `i`, or 0. */
function sequenceLength(bytes: Uint8Array, i: number, end: number): number {
  const first = bytes[i]!;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (i + length > end) return 0;
  return isUtf8(bytes, i, i + length) ? length : 0;
}

/** The bytes in double quotes as Go's `%q` prints them: `\xff` where they are not UTF-8. */
export function quoteBytes(bytes: Uint8Array, start: number, end: number): string {
  let text = '"';
  let i = start;
  while (i < end) {
    const length = sequenceLength(bytes, i, end);
    if (length === 0) {
      text += '\\x' + bytes[i]!.toString(16).padStart(2, '0');
      i++;
    } else {
      text += quote(textOf(bytes, i, i + length)).slice(1, -1);
      i += length;
    }
  }
  return text + '"';
}
