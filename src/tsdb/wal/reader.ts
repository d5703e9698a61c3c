// SPDX-License-Identifier: Apache-2.0
// Reads the records of one segment and says where, if anywhere, it stops making sense.

import type { BlockCompression } from '../../encoding/index.ts';
import { crc32c, DecodeError } from '../../encoding/index.ts';
import {
  FRAGMENT_HEADER_BYTES,
  FRAGMENT_SNAPPY,
  FRAGMENT_TYPE_MASK,
  FRAGMENT_ZSTD,
  Fragment,
  PAGE_BYTES,
} from './format.ts';

/** Where a segment is damaged; everything before `offsetBytes` was read. */
export interface WalDamage {
  /** End of the last whole record. */
  readonly offsetBytes: number;
  readonly reason: string;
}

class Damage extends Error {}

interface FragmentView {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/** The fragment at `at`, which is not padding. @throws Damage */
function fragmentAt(bytes: Uint8Array, at: number): FragmentView {
  const head = bytes[at]!;
  if (head > (FRAGMENT_ZSTD | FRAGMENT_SNAPPY | FRAGMENT_TYPE_MASK)) {
    throw new Damage(`unexpected record flags ${head}`);
  }
  const length = (bytes[at + 1]! << 8) | bytes[at + 2]!;
  const crc =
    ((bytes[at + 3]! << 24) | (bytes[at + 4]! << 16) | (bytes[at + 5]! << 8) | bytes[at + 6]!) >>>
    0;
  const start = at + FRAGMENT_HEADER_BYTES;
  const end = start + length;
  if ((at % PAGE_BYTES) + FRAGMENT_HEADER_BYTES + length > PAGE_BYTES)
    throw new Damage('a fragment crosses its page');
  if (end > bytes.length) throw new Damage('the file ends within a fragment');
  if (crc32c(bytes, start, end) !== crc) throw new Damage('unexpected checksum');
  return { type: head, start, end };
}

/** Position of the next fragment at or after `at`, past padding; `bytes.length` at the end. @throws Damage */
function nextFragment(bytes: Uint8Array, at: number): number {
  let position = at;
  while (position < bytes.length) {
    const pageEnd = Math.min(bytes.length, position - (position % PAGE_BYTES) + PAGE_BYTES);
    if (pageEnd - position >= FRAGMENT_HEADER_BYTES && bytes[position] !== Fragment.pad)
      return position;
    const short = pageEnd - position < FRAGMENT_HEADER_BYTES;
    for (let i = position; i < pageEnd; i++) {
      if (bytes[i] !== 0)
        throw new Damage(
          short
            ? 'the file ends within a fragment header'
            : 'unexpected non-zero byte in padded page',
        );
    }
    position = pageEnd;
  }
  return position;
}

function decompress(data: Uint8Array, head: number, snappy: BlockCompression): Uint8Array {
  if ((head & FRAGMENT_ZSTD) !== 0) throw new Damage('zstd records cannot be read by this version');
  if ((head & FRAGMENT_SNAPPY) === 0) return data;
  try {
    return snappy.decompress(data);
  } catch (error) {
    throw new Damage(`snappy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whether a fragment of this type may come now. */
function checkOrder(type: number, pending: number): void {
  const begins = type === Fragment.full || type === Fragment.first;
  if (begins && pending > 0)
    throw new Damage(type === Fragment.full ? 'unexpected full record' : 'unexpected first record');
  if (!begins && pending === 0)
    throw new Damage(
      type === Fragment.last ? 'unexpected last record' : 'unexpected middle record',
    );
  if (type > Fragment.last) throw new Damage(`unexpected record type ${type}`);
}

/**
 * Calls `visit` for every whole record of a segment (bytes valid during the call). A DecodeError
 * that `visit` throws damages the record it was called for; other errors go through.
 * @returns the damage that ended the reading, if any
 */
export function readSegment(
  bytes: Uint8Array,
  snappy: BlockCompression,
  visit: (record: Uint8Array) => void,
): WalDamage | undefined {
  let good = 0;
  let parts: Uint8Array[] = [];
  try {
    for (let at = nextFragment(bytes, 0); at < bytes.length; ) {
      const { type: head, start, end } = fragmentAt(bytes, at);
      const type = head & FRAGMENT_TYPE_MASK;
      checkOrder(type, parts.length);
      parts.push(bytes.subarray(start, end));
      if (type === Fragment.full || type === Fragment.last) {
        visit(decompress(joined(parts), head, snappy));
        parts = [];
        good = end;
      }
      at = nextFragment(bytes, end);
    }
    if (parts.length > 0) throw new Damage('the file ends within a record');
    return undefined;
  } catch (error) {
    if (!(error instanceof Damage || error instanceof DecodeError)) throw error;
    return { offsetBytes: good, reason: error.message };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
