// SPDX-License-Identifier: Apache-2.0
// Decoding of XOR chunks; src/chunks/xor.ts is its specification and its twin.
//
// Positions are bits of the whole memory. Words are turned by a shuffle: WebAssembly has no instruction
// for it, and a shift and a mask for each byte were a third of the cost.

// @ts-ignore: decorator
@inline
function bitsAt(at: u64): u64 {
  // The 64 bits at `at`, of which at least 57 are valid.
  const word = v128.load64_zero(<usize>(at >> 3));
  const turned = i8x16.shuffle(word, word, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0);
  return <u64>i64x2.extract_lane(turned, 0) << (at & 7);
}

function wideAt(at: u64): u64 {
  return (bitsAt(at) & 0xffffffff00000000) | (bitsAt(at + 32) >> 32);
}

/** Where reading a uvarint or a delta of delta ended. */
let bitsEnd: u64 = 0;

function uvarintAt(from: u64): u64 {
  let raw: u64 = 0;
  let at = from;
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    const byte = bitsAt(at) >> 56;
    at += 8;
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  bitsEnd = at;
  return raw;
}

/** A delta of delta that is not 0; `window` are the bits at `at`. */
function deltaAt(at: u64, window: u64): i64 {
  // Sign by upstream's rule: the most positive value of n bits is 2^(n-1).
  if (window >> 62 == 0b10) {
    bitsEnd = at + 16;
    const change = <i64>((window >> 48) & 0x3fff);
    return change > 8192 ? change - 16384 : change;
  }
  if (window >> 61 == 0b110) {
    bitsEnd = at + 20;
    const change = <i64>((window >> 44) & 0x1ffff);
    return change > 65536 ? change - 131072 : change;
  }
  if (window >> 60 == 0b1110) {
    bitsEnd = at + 24;
    const change = <i64>((window >> 40) & 0xfffff);
    return change > 524288 ? change - 1048576 : change;
  }
  bitsEnd = at + 68;
  return <i64>wideAt(at + 4);
}

/** Moves the samples from minTime on to the start of the columns; returns how many of `n` there are. */
function withoutEarlier(times: usize, values: usize, n: u32, minTime: f64): u32 {
  let first: u32 = 0;
  while (first < n && load<f64>(times + (<usize>first << 3)) < minTime) first++;
  if (first == 0) return n;
  const left = n - first;
  memory.copy(times, times + (<usize>first << 3), <usize>left << 3);
  memory.copy(values, values + (<usize>first << 3), <usize>left << 3);
  return left;
}

/**
 * Decodes the first `count` samples of a chunk's stream at `data` (the two count bytes first) and writes
 * those in [minTime, maxTime] to the columns at 0..n-1; returns n. The columns have room for all of `count`.
 */
export function decode(data: usize, count: u32, minTime: f64, maxTime: f64, times: usize, values: usize): u32 {
  if (count == 0) return 0;
  const max = maxTime > 9.2e18 ? i64.MAX_VALUE : maxTime < -9.2e18 ? i64.MIN_VALUE : <i64>Math.floor(maxTime);
  const zigzag = uvarintAt((<u64>data << 3) + 16);
  let at = bitsEnd;
  let time = <i64>(zigzag >> 1) ^ -(<i64>(zigzag & 1));
  if (time > max) return 0;
  let value = wideAt(at);
  at += 64;
  store<f64>(times, <f64>time);
  store<u64>(values, value);
  let timeAt = times + 8;
  let valueAt = values + 8;
  const end = times + (<usize>count << 3);
  if (count > 1) {
    let delta = <i64>uvarintAt(at);
    at = bitsEnd;
    let significant: u64 = 64;
    let trailing: u64 = 0;
    // The bits at `at`; at least 56 are valid.
    let window = bitsAt(at);
    for (;;) {
      time += delta;
      if (time > max) break;
      if (<i64>window < 0) {
        if (window >> 62 == 0b11) {
          significant = (((window >> 51) - 1) & 63) + 1;
          trailing = 64 - ((window >> 57) & 31) - significant;
          at += 13;
          window <<= 13;
        } else {
          at += 2;
          window <<= 2;
        }
        // 43 bits are still valid behind the longer prefix.
        if (significant > 43) window = significant <= 57 ? bitsAt(at) : wideAt(at);
        value ^= (window >> (64 - significant)) << trailing;
        at += significant;
      } else {
        at += 1;
      }
      store<f64>(timeAt, <f64>time);
      store<u64>(valueAt, value);
      timeAt += 8;
      valueAt += 8;
      if (timeAt == end) break;
      window = bitsAt(at);
      if (<i64>window >= 0) {
        at += 1;
        window <<= 1;
      } else {
        delta += deltaAt(at, window);
        at = bitsEnd;
        window = bitsAt(at);
      }
    }
  }
  return withoutEarlier(times, values, <u32>((timeAt - times) >> 3), minTime);
}
