// SPDX-License-Identifier: Apache-2.0
// hot
// Start times within a chunk, as XOR2 chunks and the newer histogram chunks have them, behind each sample:
//
//   header u8    0x80: sample 0 has a start time; low 7 bits: the first sample whose start time differs from
//                the one before, 0 = none
//   sample 0     time - start varint (whole bytes, wherever they begin), where there is one
//   later        from the header's sample on: the time before it - start as varbit, first whole, then less
//                the one before

import type { BitReader, BitWriter } from './bits.ts';

const KNOWN = 0x80;
const CHANGE_MAX = 0x7f;

/** Writes the start times of one chunk; 0 = unknown. */
export class StartWriter {
  /** The header byte, as far as the chunk has come. */
  header = 0;
  private changeAt = 0;
  private difference = 0;
  private last = 0;

  /** Behind sample `i`, whose time is `time`; `before` is the time of the sample before it. */
  write(out: BitWriter, i: number, time: number, before: number, start: number): void {
    if (i === 0) {
      if (start !== 0) {
        const age = time - start;
        out.uvarint(age >= 0 ? 2 * age : -2 * age - 1);
        this.header = KNOWN;
      }
    } else if (this.changeAt > 0) {
      out.varbitInt(before - start - this.difference);
      this.difference = before - start;
    } else if (start !== this.last || i === CHANGE_MAX) {
      // Later ones have no number in the header: from here on each is written, changed or not.
      this.changeAt = i;
      this.header |= i;
      this.difference = before - start;
      out.varbitInt(this.difference);
    }
    this.last = start;
  }
}

/** The same, reading. */
export class StartReader {
  private readonly isKnown: boolean;
  private readonly changeAt: number;
  private difference = 0;
  private last = 0;

  constructor(header: number) {
    this.isKnown = (header & KNOWN) !== 0;
    this.changeAt = header & CHANGE_MAX;
  }

  /** Start time of sample `i`, 0 = unknown. @throws RangeError at the end of the chunk */
  read(input: BitReader, i: number, time: number, before: number): number {
    if (i === 0) {
      if (this.isKnown) this.last = time - unzigzag(input.uvarint());
    } else if (this.changeAt > 0 && i >= this.changeAt) {
      const read = input.varbitInt();
      this.difference = i === this.changeAt ? read : this.difference + read;
      this.last = before - this.difference;
    }
    return this.last;
  }
}

export const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
