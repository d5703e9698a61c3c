// SPDX-License-Identifier: Apache-2.0
// The index file, version 2; docs/formats/index.md has the picture.

export const INDEX_MAGIC = 0xbaaad700;
export const INDEX_VERSION = 2;
export const INDEX_HEADER_BYTES = 5;
/** Six offsets of 64 bits and a checksum, at the end of the file. */
export const TOC_BYTES = 52;
/** Series entries begin at multiples of this; a series' ref is its offset divided by it. */
export const SERIES_ALIGNMENT = 16;
export const CHECKSUM_BYTES = 4;

/** Where the sections of an index begin. 0: not there. */
export interface IndexToc {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelIndexTable: number;
  readonly postings: number;
  readonly postingsTable: number;
}
