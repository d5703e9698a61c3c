// SPDX-License-Identifier: Apache-2.0
// Work on whole stretches of bytes: copying, checksums, Snappy's block compression.

import { copyWords, WORDS_BYTES_MAX } from './lib/words';

export { crc32c } from './crc32c';

/** Copies `length` bytes; the stretches may overlap. */
export function copy(to: usize, from: usize, length: u32): void {
  memory.copy(to, from, length);
}

// ---- Snappy (google/snappy format_description.txt): a length, then literals and copies from what came
// before. Matches are looked for within blocks of 64 KiB, so that a place fits into 16 bits.

const BLOCK: u32 = 65536;
const TABLE_BITS: u32 = 13;
/** Blocks shorter than this, and the last bytes of each, are literals: eight bytes can always be read. */
const TAIL: u32 = 16;
const LITERAL: u32 = 0;
const NEAR: u32 = 1;
const FAR: u32 = 2;
const NEAR_OFFSET_MAX: u32 = 2048;
const NEAR_LENGTH_MAX: u32 = 12;
const FAR_LENGTH_MAX: u32 = 64;

// @ts-ignore: decorator
@inline
function slotOf(word: u32, table: usize): usize {
  return table + (<usize>((word * 0x1e35a7bd) >> (32 - TABLE_BITS)) << 1);
}

function putLiteral(out: usize, from: usize, length: u32): usize {
  if (length == 0) return out;
  const n = length - 1;
  if (n < 60) {
    store<u8>(out++, <u8>((n << 2) | LITERAL));
  } else if (n < 256) {
    store<u8>(out, <u8>((60 << 2) | LITERAL));
    store<u8>(out + 1, <u8>n);
    out += 2;
  } else {
    store<u8>(out, <u8>((61 << 2) | LITERAL));
    store<u16>(out + 1, <u16>n);
    out += 3;
  }
  // Both sides have room for a word more: the output by its bound, the input because memory follows it.
  if (<usize>length <= WORDS_BYTES_MAX) copyWords(out, from, <usize>length);
  else memory.copy(out, from, length);
  return out + length;
}

function putCopy(out: usize, offset: u32, length: u32): usize {
  let left = length;
  // The last piece must be at least four bytes long.
  while (left >= FAR_LENGTH_MAX + 4) {
    store<u8>(out, <u8>(((FAR_LENGTH_MAX - 1) << 2) | FAR));
    store<u16>(out + 1, <u16>offset);
    out += 3;
    left -= FAR_LENGTH_MAX;
  }
  if (left > FAR_LENGTH_MAX) {
    store<u8>(out, <u8>((59 << 2) | FAR));
    store<u16>(out + 1, <u16>offset);
    out += 3;
    left -= 60;
  }
  if (left < NEAR_LENGTH_MAX && offset < NEAR_OFFSET_MAX) {
    store<u8>(out, <u8>(((offset >> 8) << 5) | ((left - 4) << 2) | NEAR));
    store<u8>(out + 1, <u8>offset);
    return out + 2;
  }
  store<u8>(out, <u8>(((left - 1) << 2) | FAR));
  store<u16>(out + 1, <u16>offset);
  return out + 3;
}

/** How many bytes are the same at `a` and at `b`, before `end`, which `b` must not pass. */
// @ts-ignore: decorator
@inline
function sameBytes(a: usize, b: usize, end: usize): u32 {
  const start = b;
  while (b + 8 <= end) {
    const differ = load<u64>(a) ^ load<u64>(b);
    if (differ != 0) return <u32>(b - start) + (<u32>ctz<u64>(differ) >> 3);
    a += 8;
    b += 8;
  }
  while (b < end && load<u8>(a) == load<u8>(b)) {
    a++;
    b++;
  }
  return <u32>(b - start);
}

function putBlock(out: usize, from: usize, length: u32, table: usize): usize {
  if (length < TAIL) return putLiteral(out, from, length);
  memory.fill(table, 0, <usize>2 << TABLE_BITS);
  const end = from + length;
  const last = end - TAIL;
  let pending = from;
  let at = from + 1;
  // Where nothing repeats, ever larger steps are taken.
  let misses: u32 = 32;
  while (at <= last) {
    const word = load<u32>(at);
    const slot = slotOf(word, table);
    const earlier = from + <usize>load<u16>(slot);
    store<u16>(slot, <u16>(at - from));
    if (earlier >= at || load<u32>(earlier) != word) {
      at += misses >> 5;
      misses++;
      continue;
    }
    misses = 32;
    out = putLiteral(out, pending, <u32>(at - pending));
    const same = 4 + sameBytes(earlier + 4, at + 4, end);
    out = putCopy(out, <u32>(at - earlier), same);
    at += same;
    pending = at;
    if (at <= last) {
      store<u16>(slotOf(load<u32>(at - 1), table), <u16>(at - 1 - from));
    }
  }
  return putLiteral(out, pending, <u32>(end - pending));
}

/**
 * Compresses `length` bytes to `to`, which has room for 32 + length + length / 6; `table` is scratch of
 * 16 KiB. Returns the length of what was written.
 */
export function snappy(from: usize, length: u32, to: usize, table: usize): u32 {
  let out = to;
  let rest = length;
  while (rest >= 0x80) {
    store<u8>(out++, <u8>((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  store<u8>(out++, <u8>rest);
  for (let done: u32 = 0; done < length; done += BLOCK) {
    out = putBlock(out, from + done, min(BLOCK, length - done), table);
  }
  return <u32>(out - to);
}
