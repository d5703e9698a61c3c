// SPDX-License-Identifier: Apache-2.0
// Tombstones: what was deleted of a block and is still in its chunks.
//
//   0130ba30   version 1 u8   ( series ref uvarint   min time varint   max time varint )*   CRC-32C
//
// The checksum covers the entries. Times are inclusive.

import type { FileSystem } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import { ByteReader, ByteWriter, crc32c, DecodeError } from '../../encoding/index.ts';
import { BlockError } from './errors.ts';
import { replaceFile } from './meta.ts';

const MAGIC = 0x0130ba30;
const VERSION = 1;
const HEADER_BYTES = 5;
const CHECKSUM_BYTES = 4;

/** Deleted ranges of one series: (min, max) in turns, ascending, apart from each other. */
export type Intervals = readonly number[];

/** `intervals` and one more range; what touches becomes one. */
export function addInterval(intervals: Intervals, minTime: number, maxTime: number): number[] {
  const result: number[] = [];
  let min = minTime;
  let max = maxTime;
  let placed = false;
  for (let i = 0; i < intervals.length; i += 2) {
    const low = intervals[i]!;
    const high = intervals[i + 1]!;
    if (high + 1 < min) {
      result.push(low, high);
    } else if (low - 1 > max) {
      if (!placed) result.push(min, max);
      placed = true;
      result.push(low, high);
    } else {
      min = Math.min(min, low);
      max = Math.max(max, high);
    }
  }
  if (!placed) result.push(min, max);
  return result;
}

/** Whether one of the intervals holds all of [minTime, maxTime]. */
export function covers(intervals: Intervals, minTime: number, maxTime: number): boolean {
  for (let i = 0; i < intervals.length; i += 2) {
    if (intervals[i]! <= minTime && intervals[i + 1]! >= maxTime) return true;
  }
  return false;
}

/** Whether an interval has something of [minTime, maxTime]. */
export function touches(intervals: Intervals, minTime: number, maxTime: number): boolean {
  for (let i = 0; i < intervals.length; i += 2) {
    if (intervals[i]! <= maxTime && intervals[i + 1]! >= minTime) return true;
  }
  return false;
}

/** Series ref -> intervals. */
export class Tombstones {
  private readonly bySeries = new Map<number, number[]>();

  /** Number of intervals. */
  get count(): number {
    let count = 0;
    for (const intervals of this.bySeries.values()) count += intervals.length / 2;
    return count;
  }

  get seriesCount(): number {
    return this.bySeries.size;
  }

  of(ref: number): Intervals | undefined {
    return this.bySeries.get(ref);
  }

  add(ref: number, minTime: number, maxTime: number): void {
    this.bySeries.set(ref, addInterval(this.bySeries.get(ref) ?? [], minTime, maxTime));
  }

  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(64);
    out.u32be(MAGIC);
    out.u8(VERSION);
    const refs = [...this.bySeries.keys()].sort((a, b) => a - b);
    for (const ref of refs) {
      const intervals = this.bySeries.get(ref) ?? [];
      for (let i = 0; i < intervals.length; i += 2) {
        out.uvarint(ref);
        out.varint(intervals[i]!);
        out.varint(intervals[i + 1]!);
      }
    }
    const bytes = out.bytes();
    out.u32be(crc32c(bytes, HEADER_BYTES, bytes.length));
    return out.bytes();
  }
}

/** @throws BlockError */
export function decodeTombstones(bytes: Uint8Array, path: string): Tombstones {
  const fail = (code: 'format' | 'version' | 'truncated' | 'checksum_mismatch', why: string) =>
    new BlockError(code, path, why);
  if (bytes.length < HEADER_BYTES) throw fail('truncated', `tombstones of ${bytes.length} bytes`);
  const reader = new ByteReader(bytes);
  if (reader.u32be() !== MAGIC) throw fail('format', 'it does not begin as tombstones do');
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < HEADER_BYTES) throw fail('truncated', 'its checksum is missing');
  if (new ByteReader(bytes, end).u32be() !== crc32c(bytes, HEADER_BYTES, end)) {
    throw fail('checksum_mismatch', 'its checksum is wrong');
  }
  const version = reader.u8();
  if (version !== VERSION)
    throw fail('version', `tombstones version ${version}; only ${VERSION} is known`);
  const tombstones = new Tombstones();
  try {
    while (reader.position < end) {
      const ref = reader.uvarint();
      const minTime = reader.varint();
      tombstones.add(ref, minTime, reader.varint());
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new BlockError('invalid', path, error.message, { cause: error });
  }
  return tombstones;
}

/** Those of a block; none when it has no such file. @throws BlockError */
export function readTombstones(files: FileSystem, directory: string): Tombstones {
  const path = `${directory}/tombstones`;
  try {
    return decodeTombstones(files.readFileSync(path), path);
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return new Tombstones();
    if (!(error instanceof FileError)) throw error;
    throw new BlockError('missing', path, error.message, { cause: error });
  }
}

/** @throws FileError */
export function writeTombstones(files: FileSystem, directory: string, stones: Tombstones): void {
  replaceFile(files, `${directory}/tombstones`, stones.encode());
}
