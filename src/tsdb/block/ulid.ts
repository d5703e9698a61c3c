// SPDX-License-Identifier: Apache-2.0
// ULIDs, the names of blocks: 48 bits of milliseconds, then 80 random bits, in Crockford's base 32.

import type { Prng } from '../../base/index.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A new name; names made in different milliseconds sort by time. */
export function newUlid(nowMs: number, prng: Prng): string {
  let text = '';
  for (let i = 9, rest = nowMs; i >= 0; i--) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  for (let i = 0; i < 16; i++) text += ALPHABET.charAt(prng.below(32));
  return text;
}

export const isUlid = (text: string): boolean => ULID.test(text);

/** Milliseconds at which a name was made. */
export function ulidTime(ulid: string): number {
  let time = 0;
  for (let i = 0; i < 10; i++) time = time * 32 + ALPHABET.indexOf(ulid.charAt(i));
  return time;
}
