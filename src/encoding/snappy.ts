// SPDX-License-Identifier: Apache-2.0
// hot
// Snappy's block format: the length as uvarint, then literals and copies of what came before.
//
//   literal  length - 1 in the upper six bits of a tag whose lower two are 0; 60, 61: in 1 or 2 bytes more
//   copy     lower two bits 1: length 4..11 and 11 bits of offset; 2: length 1..64 and 16 bits; 3: 32 bits
//
// Specifies kernels/assembly/snappy.ts, which does the same on the shared memory. Blocks of 64 KiB are
// compressed one by one, so offsets fit 16 bits. Source: Google's format description of snappy.

import { DecodeError } from './bytes.ts';
import type { BlockCompression } from './compression.ts';

const BLOCK = 65536;
const TABLE_BITS = 14;
/** The end of a block is copied as it is. */
const MARGIN = 15;
/** Largest result that is believed: four times what upstream accepts of others. */
const LENGTH_MAX = 128 << 20;

/** Bytes that compressing `length` bytes may need. */
export const snappyRoom = (length: number): number => 32 + length + Math.ceil(length / 6);

const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

const hash = (value: number): number => Math.imul(value, 0x1e35a7bd) >>> (32 - TABLE_BITS);

function putLiteral(
  out: Uint8Array,
  to: number,
  from: Uint8Array,
  start: number,
  end: number,
): number {
  let at = to;
  const n = end - start - 1;
  if (n < 60) {
    out[at++] = n << 2;
  } else if (n < 256) {
    out[at++] = 60 << 2;
    out[at++] = n;
  } else {
    out[at++] = 61 << 2;
    out[at++] = n;
    out[at++] = n >>> 8;
  }
  for (let i = start; i < end; i++) out[at++] = from[i]!;
  return at;
}

function putLongCopy(out: Uint8Array, at: number, offset: number, length: number): number {
  out[at] = ((length - 1) << 2) | 2;
  out[at + 1] = offset;
  out[at + 2] = offset >>> 8;
  return at + 3;
}

function putCopy(out: Uint8Array, to: number, offset: number, size: number): number {
  let at = to;
  let length = size;
  while (length >= 68) {
    at = putLongCopy(out, at, offset, 64);
    length -= 64;
  }
  if (length > 64) {
    at = putLongCopy(out, at, offset, 60);
    length -= 60;
  }
  if (length >= 12 || offset >= 2048) return putLongCopy(out, at, offset, length);
  out[at] = ((offset >>> 8) << 5) | ((length - 4) << 2) | 1;
  out[at + 1] = offset;
  return at + 2;
}

function compressBlock(
  from: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
  table: Uint16Array,
): number {
  let at = to;
  let literal = start;
  if (end - start > MARGIN) {
    table.fill(0);
    const limit = end - MARGIN;
    let position = start + 1;
    while (position < limit) {
      let skip = 32;
      let candidate = 0;
      let found = false;
      while (position < limit) {
        const value = word(from, position);
        const slot = hash(value);
        candidate = start + table[slot]!;
        table[slot] = position - start;
        if (word(from, candidate) === value && candidate < position) {
          found = true;
          break;
        }
        position += skip++ >>> 5;
      }
      if (!found) break;
      if (position > literal) at = putLiteral(out, at, from, literal, position);
      let matched = position + 4;
      for (let k = candidate + 4; matched < end && from[matched] === from[k]; k++) matched++;
      at = putCopy(out, at, position - candidate, matched - position);
      position = matched;
      literal = matched;
      if (position < limit) table[hash(word(from, position - 1))] = position - 1 - start;
    }
  }
  return literal < end ? putLiteral(out, at, from, literal, end) : at;
}

/** Compresses into `out`, which has {@link snappyRoom}; returns the length of the result. */
function compressInto(from: Uint8Array, out: Uint8Array, table: Uint16Array): number {
  let at = 0;
  let rest = from.length;
  for (; rest >= 128; rest >>>= 7) out[at++] = (rest & 127) | 128;
  out[at++] = rest;
  for (let start = 0; start < from.length; start += BLOCK) {
    at = compressBlock(from, start, Math.min(from.length, start + BLOCK), out, at, table);
  }
  return at;
}

/** Length of what a block holds, and where its parts begin. @throws DecodeError */
export function snappyLength(bytes: Uint8Array): { length: number; start: number } {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i];
    if (byte === undefined) break;
    length += (byte & 127) * 2 ** (7 * i);
    if (byte >= 128) continue;
    if (length > LENGTH_MAX)
      throw new DecodeError(`snappy: a block of ${length} bytes is too large`);
    return { length, start: i + 1 };
  }
  throw new DecodeError('snappy: corrupt input');
}

const corrupt = (): never => {
  throw new DecodeError('snappy: corrupt input');
};

/** @throws DecodeError */
function decompress(bytes: Uint8Array): Uint8Array {
  const { length, start } = snappyLength(bytes);
  const out = new Uint8Array(length);
  const end = bytes.length;
  let at = start;
  let to = 0;
  while (at < end) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let n = tag >>> 2;
      if (n >= 60) {
        const count = n - 59;
        if (at + count > end) corrupt();
        n = 0;
        for (let i = 0; i < count; i++) n += bytes[at + i]! * 2 ** (8 * i);
        at += count;
      }
      if (n + 1 > end - at || n + 1 > length - to) corrupt();
      out.set(bytes.subarray(at, at + n + 1), to);
      at += n + 1;
      to += n + 1;
      continue;
    }
    const kind = tag & 3;
    const offsetBytes = kind === 3 ? 4 : kind;
    if (at + offsetBytes > end) corrupt();
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    let offset = kind === 1 ? ((tag >>> 5) << 8) | bytes[at]! : bytes[at]! | (bytes[at + 1]! << 8);
    if (kind === 3) offset = word(bytes, at) >>> 0;
    at += offsetBytes;
    if (offset === 0 || offset > to || size > length - to) corrupt();
    for (const stop = to + size; to < stop; to++) out[to] = out[to - offset]!;
  }
  return to === length ? out : corrupt();
}

/** Snappy in plain TypeScript; results are fresh memory. One object for a thread. */
export function createPlainSnappy(): BlockCompression {
  const table = new Uint16Array(1 << TABLE_BITS);
  let room = new Uint8Array(1 << 16);
  return {
    compress: (bytes) => {
      const needed = snappyRoom(bytes.length);
      if (room.length < needed) room = new Uint8Array(needed);
      return room.slice(0, compressInto(bytes, room, table));
    },
    decompress,
  };
}
