// SPDX-License-Identifier: Apache-2.0
// Undoing DEFLATE (RFC 1951) within the shared memory. Specified by src/kernels/inflate.ts. Whatever is
// unusual or wrong is given up: zlib decides about it.

import { copyWords } from './lib/words';

/** Bits of a code that are looked up at once; longer codes are read bit by bit. */
const LITERAL_BITS: u32 = 11;
const DISTANCE_BITS: u32 = 9;
const CODE_BITS_MAX: u32 = 15;
const LITERALS_MAX: u32 = 288;
const LENGTHS_MAX: u32 = 320;

// Scratch, byte offsets (inflate-kernel.ts knows their sum).
const LITERAL_TABLE: usize = 0;
const DISTANCE_TABLE: usize = LITERAL_TABLE + (4 << 11);
/** For each set of codes: how many have each length, then their symbols by length. */
const LITERAL_CODES: usize = DISTANCE_TABLE + (4 << 9);
const DISTANCE_CODES: usize = LITERAL_CODES + 32 + 2 * 288;
const LENGTHS: usize = DISTANCE_CODES + 32 + 2 * 288;
const OFFSETS: usize = LENGTHS + 320;
const END: usize = OFFSETS + 64;
/** Address behind the last input byte, for the caller. */
export const USED: usize = END;

const SYMBOLS: usize = 32;

// Table entries: bits of the code (4), extra bits (4), kind (8), value (16). 0: a longer code, or none.
const LITERAL: u32 = 1 << 8;
const BASE: u32 = 2 << 8;
const BLOCK_END: u32 = 3 << 8;
const KIND: u32 = 0xff00;

let input: usize = 0;
let bits: u64 = 0;
let count: u32 = 0;

/** At least 56 bits are there afterwards; up to 8 bytes behind the end are read. */
// @ts-ignore: decorator
@inline
function refill(): void {
  bits |= load<u64>(input) << <u64>count;
  input += <usize>((63 - count) >> 3);
  count |= 56;
}

// @ts-ignore: decorator
@inline
function take(n: u32): u32 {
  const value = <u32>(bits & ((<u64>1 << <u64>n) - 1));
  bits >>= <u64>n;
  count -= n;
  return value;
}

function literalEntry(symbol: u32): u32 {
  if (symbol < 256) return (symbol << 16) | LITERAL;
  if (symbol == 256) return BLOCK_END;
  const i = symbol - 257;
  if (i < 8) return ((3 + i) << 16) | BASE;
  if (i == 28) return (258 << 16) | BASE;
  if (i > 28) return 0;
  const extra = (i >> 2) - 1;
  return ((3 + ((4 + (i & 3)) << extra)) << 16) | BASE | (extra << 4);
}

function distanceEntry(symbol: u32): u32 {
  if (symbol < 2) return ((1 + symbol) << 16) | BASE;
  if (symbol > 29) return 0;
  const extra = (symbol >> 1) - 1;
  return ((1 + ((2 + (symbol & 1)) << extra)) << 16) | BASE | (extra << 4);
}

// @ts-ignore: decorator
@inline
function entryOf(symbol: u32, isDistance: bool): u32 {
  return isDistance ? distanceEntry(symbol) : literalEntry(symbol);
}

function reversed(code: u32, length: u32): u32 {
  let result: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    result = (result << 1) | (code & 1);
    code >>= 1;
  }
  return result;
}

/** Table and code lists of the code lengths at `lengths`. False: there are more codes than can be. */
function build(scratch: usize, lengths: usize, symbols: u32, table: usize, tableBits: u32, codes: usize, isDistance: bool): bool {
  memory.fill(table, 0, <usize>4 << <usize>tableBits);
  memory.fill(codes, 0, SYMBOLS);
  for (let s: u32 = 0; s < symbols; s++) {
    const at = codes + (<usize>load<u8>(lengths + s) << 1);
    store<u16>(at, load<u16>(at) + 1);
  }
  store<u16>(codes, 0);
  // First code, and first place among the sorted symbols, of each length.
  let code: u32 = 0;
  let place: u32 = 0;
  const next = scratch + OFFSETS;
  for (let length: u32 = 1; length <= CODE_BITS_MAX; length++) {
    const n = <u32>load<u16>(codes + (length << 1));
    code <<= 1;
    store<u16>(next + (length << 1), <u16>code);
    store<u16>(next + 32 + (length << 1), <u16>place);
    code += n;
    place += n;
    if (code > <u32>1 << length) return false;
  }
  for (let s: u32 = 0; s < symbols; s++) {
    const length = <u32>load<u8>(lengths + s);
    if (length == 0) continue;
    const at = next + (length << 1);
    const own = <u32>load<u16>(at);
    store<u16>(at, <u16>(own + 1));
    const sorted = <u32>load<u16>(at + 32);
    store<u16>(at + 32, <u16>(sorted + 1));
    store<u16>(codes + SYMBOLS + (sorted << 1), <u16>s);
    if (length > tableBits) continue;
    const entry = entryOf(s, isDistance);
    if (entry == 0) continue;
    const step = <u32>1 << length;
    for (let i = reversed(own, length); i < <u32>1 << tableBits; i += step) {
      store<u32>(table + (<usize>i << 2), entry | length);
    }
  }
  return true;
}

/** Entry of a code that is longer than the table's; 0: there is no such code. */
function longEntry(codes: usize, isDistance: bool): u32 {
  let code: u32 = 0;
  let first: u32 = 0;
  let place: u32 = 0;
  let ahead = bits;
  for (let length: u32 = 1; length <= CODE_BITS_MAX; length++) {
    code |= <u32>(ahead & 1);
    ahead >>= 1;
    const n = <u32>load<u16>(codes + (length << 1));
    if (code < first + n) {
      const entry = entryOf(<u32>load<u16>(codes + SYMBOLS + ((place + code - first) << 1)), isDistance);
      return entry == 0 ? 0 : entry | length;
    }
    place += n;
    first = (first + n) << 1;
    code <<= 1;
  }
  return 0;
}

/** The code lengths of a block that brings its own codes; true when both sets are built. */
function ownCodes(scratch: usize, inputEnd: usize): bool {
  refill();
  const literals = take(5) + 257;
  const distances = take(5) + 1;
  const given = take(4) + 4;
  if (literals > 286 || distances > 30) return false;
  const lengths = scratch + LENGTHS;
  memory.fill(lengths, 0, 19);
  for (let i: u32 = 0; i < given; i++) {
    const k = i - 4;
    const symbol = i < 3 ? 16 + i : i == 3 ? 0 : (k & 1) == 0 ? 8 + (k >> 1) : 7 - (k >> 1);
    refill();
    store<u8>(lengths + symbol, <u8>take(3));
  }
  const codes = scratch + LITERAL_CODES;
  const table = scratch + LITERAL_TABLE;
  if (!build(scratch, lengths, 19, table, 7, codes, false)) return false;
  const total = literals + distances;
  for (let n: u32 = 0; n < total; ) {
    if (input > inputEnd + 8) return false;
    refill();
    const entry = load<u32>(table + (<usize>(bits & 127) << 2));
    if (entry == 0) return false;
    take(entry & 15);
    const symbol = entry >> 16;
    if (symbol < 16) {
      store<u8>(lengths + n++, <u8>symbol);
      continue;
    }
    if (symbol == 16 && n == 0) return false;
    const value: u8 = symbol == 16 ? load<u8>(lengths + n - 1) : 0;
    let repeat = symbol == 16 ? 3 + take(2) : symbol == 17 ? 3 + take(3) : 11 + take(7);
    if (n + repeat > total) return false;
    while (repeat-- != 0) store<u8>(lengths + n++, value);
  }
  // A block without an end is none.
  if (load<u8>(lengths + 256) == 0) return false;
  return bothBuilt(scratch, literals, distances);
}

function bothBuilt(scratch: usize, literals: u32, distances: u32): bool {
  const lengths = scratch + LENGTHS;
  const first = build(scratch, lengths, literals, scratch + LITERAL_TABLE, LITERAL_BITS, scratch + LITERAL_CODES, false);
  return first && build(scratch, lengths + literals, distances, scratch + DISTANCE_TABLE, DISTANCE_BITS, scratch + DISTANCE_CODES, true);
}

function fixedCodes(scratch: usize): bool {
  const lengths = scratch + LENGTHS;
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  memory.fill(lengths + LITERALS_MAX, 5, LENGTHS_MAX - LITERALS_MAX);
  return bothBuilt(scratch, LITERALS_MAX, LENGTHS_MAX - LITERALS_MAX);
}

/** Copies from `distance` before; up to 15 bytes more are written. */
// @ts-ignore: decorator
@inline
function copyBack(out: usize, distance: usize, length: usize): void {
  const from = out - distance;
  if (distance >= 16) {
    for (let i: usize = 0; i < length; i += 16) v128.store(out + i, v128.load(from + i));
  } else if (distance >= 8) {
    copyWords(out, from, length);
  } else if (distance == 1) {
    const bytes = i8x16.splat(load<u8>(from));
    for (let i: usize = 0; i < length; i += 16) v128.store(out + i, bytes);
  } else {
    for (let i: usize = 0; i < length; i++) store<u8>(out + i, load<u8>(from + i));
  }
}

/** The symbols of a block; where the output ends then, 0 when it is given up. */
function symbols(scratch: usize, start: usize, from: usize, outEnd: usize, inputEnd: usize): usize {
  let out = from;
  const literalMask: u64 = (1 << LITERAL_BITS) - 1;
  const distanceMask: u64 = (1 << DISTANCE_BITS) - 1;
  while (input <= inputEnd + 8) {
    refill();
    let entry = load<u32>(scratch + (<usize>(bits & literalMask) << 2));
    if (entry == 0) entry = longEntry(scratch + LITERAL_CODES, false);
    take(entry & 15);
    if ((entry & KIND) == LITERAL) {
      if (out >= outEnd) return 0;
      store<u8>(out++, <u8>(entry >> 16));
      // There are bits for another short code.
      entry = load<u32>(scratch + (<usize>(bits & literalMask) << 2));
      if ((entry & KIND) != LITERAL) continue;
      if (out >= outEnd) return 0;
      take(entry & 15);
      store<u8>(out++, <u8>(entry >> 16));
      continue;
    }
    if ((entry & KIND) != BASE) return (entry & KIND) == BLOCK_END ? out : 0;
    const length = <usize>((entry >> 16) + take((entry >> 4) & 15));
    let place = load<u32>(scratch + DISTANCE_TABLE + (<usize>(bits & distanceMask) << 2));
    if (place == 0) place = longEntry(scratch + DISTANCE_CODES, true);
    if (place == 0) return 0;
    take(place & 15);
    const distance = <usize>((place >> 16) + take((place >> 4) & 15));
    if (distance > out - start || length > outEnd - out) return 0;
    copyBack(out, distance, length);
    out += length;
  }
  return 0;
}

/** A block that is not compressed. */
function stored(out: usize, outEnd: usize, inputEnd: usize): usize {
  take(count & 7);
  input -= <usize>(count >> 3);
  bits = 0;
  count = 0;
  if (input + 4 > inputEnd) return 0;
  const length = load<u16>(input);
  if (length != ~load<u16>(input + 2)) return 0;
  input += 4;
  if (<usize>length > inputEnd - input || <usize>length > outEnd - out) return 0;
  memory.copy(out, input, length);
  input += <usize>length;
  return out + <usize>length;
}

/**
 * Inflates the stream at [from, inputEnd) to [out, outEnd); 8 bytes after the one and 16 after the other are
 * touched. Returns the length, and leaves at {@link USED} of `scratch` the address behind the stream; -1 when
 * it is damaged, unusual or does not fit.
 */
export function inflate(from: usize, inputEnd: usize, out: usize, outEnd: usize, scratch: usize): i32 {
  input = from;
  bits = 0;
  count = 0;
  let at = out;
  for (;;) {
    if (input > inputEnd + 8) return -1;
    refill();
    const isLast = take(1);
    const kind = take(2);
    if (kind == 0) {
      at = stored(at, outEnd, inputEnd);
    } else {
      if (kind == 3 || !(kind == 1 ? fixedCodes(scratch) : ownCodes(scratch, inputEnd))) return -1;
      at = symbols(scratch, out, at, outEnd, inputEnd);
    }
    if (at == 0) return -1;
    if (isLast != 0) break;
  }
  const used = input - <usize>(count >> 3);
  if (used > inputEnd) return -1;
  store<u32>(scratch + USED, <u32>used);
  return <i32>(at - out);
}
