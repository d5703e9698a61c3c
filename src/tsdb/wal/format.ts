// SPDX-License-Identifier: Apache-2.0
// How records stand in WAL segments. A segment is pages of 32 KiB; a record is one or more fragments, none
// across a page:
//
//   type u8 | length u16 | CRC-32C u32 | data
//   type: low 3 bits 1 full, 2 first, 3 middle, 4 last; bit 3 snappy, bit 4 zstd
//
// What is left of a page and too short for a fragment is zero. Segments are numbered files of eight digits.

export const PAGE_BYTES = 32768;
export const FRAGMENT_HEADER_BYTES = 7;
export const DEFAULT_SEGMENT_BYTES = 128 << 20;

export const Fragment = { pad: 0, full: 1, first: 2, middle: 3, last: 4 } as const;
export const FRAGMENT_TYPE_MASK = 7;
export const FRAGMENT_SNAPPY = 8;
export const FRAGMENT_ZSTD = 16;

/** A position in the log. */
export interface WalPlace {
  readonly segment: number;
  readonly offsetBytes: number;
}

export const segmentName = (number: number): string => String(number).padStart(8, '0');

/** Numbers of the segment files among `names`, ascending. */
export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .filter((name) => /^[0-9]{8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** The newest checkpoint directory among `names`; it covers segments up to its number. */
export function newestCheckpoint(
  names: readonly string[],
): { name: string; number: number } | undefined {
  const numbers = names
    .filter((name) => /^checkpoint\.[0-9]{8}$/.test(name))
    .map((name) => ({ name, number: Number(name.slice(11)) }))
    .sort((a, b) => b.number - a.number);
  return numbers[0];
}
