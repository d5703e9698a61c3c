// SPDX-License-Identifier: Apache-2.0
// Reading Snappy's block format in the shared memory: what encoding/snappy.ts does elsewhere, and specifies.
// bytes.ts writes it.

import { copyWords, WORDS_BYTES_MAX } from './lib/words';

/**
 * Decompresses what follows the length of a block at [from, end) to exactly `length` bytes at `out`. False:
 * the bytes are not such a block; what is written then means nothing, and stays within `length`.
 */
export function decompress(from: usize, end: usize, out: usize, length: u32): bool {
  let at = from;
  let to = out;
  const limit = out + <usize>length;
  while (at < end) {
    const tag = <u32>load<u8>(at++);
    if ((tag & 3) == 0) {
      let n = tag >> 2;
      if (n >= 60) {
        const bytes = n - 59;
        if (at + <usize>bytes > end) return false;
        n = 0;
        for (let i: u32 = 0; i < bytes; i++) n |= <u32>load<u8>(at + <usize>i) << (8 * i);
        at += <usize>bytes;
      }
      const size = <usize>n + 1;
      if (size > end - at || size > limit - to) return false;
      if (size <= WORDS_BYTES_MAX && end - at >= size + 8 && limit - to >= size + 8) copyWords(to, at, size);
      else memory.copy(to, at, size);
      at += size;
      to += size;
      continue;
    }
    let size: usize;
    let offset: usize;
    if ((tag & 3) == 1) {
      if (at >= end) return false;
      size = <usize>((tag >> 2) & 7) + 4;
      offset = (<usize>(tag >> 5) << 8) | <usize>load<u8>(at);
      at += 1;
    } else if ((tag & 3) == 2) {
      if (at + 2 > end) return false;
      size = <usize>(tag >> 2) + 1;
      offset = <usize>load<u16>(at);
      at += 2;
    } else {
      if (at + 4 > end) return false;
      size = <usize>(tag >> 2) + 1;
      offset = <usize>load<u32>(at);
      at += 4;
    }
    if (offset == 0 || offset > to - out || size > limit - to) return false;
    const stop = to + size;
    if (offset >= 8 && limit - to >= size + 8) {
      copyWords(to, to - offset, size);
      to = stop;
    } else if (offset >= size) {
      memory.copy(to, to - offset, size);
      to = stop;
    } else {
      // The copy reads what it writes.
      while (to < stop) {
        store<u8>(to, load<u8>(to - offset));
        to++;
      }
    }
  }
  return to == limit;
}
