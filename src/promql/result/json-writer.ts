// SPDX-License-Identifier: Apache-2.0
// hot
// JSON as bytes: what a big answer costs is mostly the text of its numbers.

import { formatSampleValue } from '../../model/index.ts';

const ZERO = 48;
const POINT = 46;
const MINUS = 45;

/** Decimal digits of 0..99 as pairs, for two digits a step. */
function digitPairs(): Uint8Array {
  const pairs = new Uint8Array(200);
  for (let i = 0; i < 100; i++) {
    pairs[2 * i] = ZERO + Math.floor(i / 10);
    pairs[2 * i + 1] = ZERO + (i % 10);
  }
  return pairs;
}

/** Largest text of one number, with room to spare. */
const NUMBER_BYTES_MAX = 40;

/** A time in seconds with three decimals when it isn't whole. */
export function timeText(ms: number): string {
  const whole = Math.trunc(Math.abs(ms) / 1000);
  const fraction = Math.abs(ms) - whole * 1000;
  const decimals = fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}`;
  return `${ms < 0 ? '-' : ''}${whole}${decimals}`;
}

/** A growing byte buffer with the pieces of an answer's JSON. */
export class JsonWriter {
  private bytes: Uint8Array<ArrayBuffer>;
  private length = 0;
  private readonly encoder = new TextEncoder();
  private readonly pairs = digitPairs();

  constructor(sizeExpected: number) {
    this.bytes = new Uint8Array(Math.max(256, sizeExpected));
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** The bytes written; valid until the next write. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** ASCII as it is. */
  raw(text: string): void {
    this.reserve(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  /** Bytes made earlier, as they are. */
  copy(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    const { bytes } = this;
    let at = this.length;
    // Short runs: a loop beats the call into the engine that set() is.
    for (let i = start; i < end; i++) bytes[at++] = from[i]!;
    this.length = at;
  }

  /** Bytes made earlier, many of them. */
  append(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(from.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** Has `fill` write up to `most` bytes at a place of the buffer; it returns how many it wrote. */
  place(most: number, fill: (bytes: Uint8Array, at: number) => number): void {
    this.reserve(most);
    this.length += fill(this.bytes, this.length);
  }

  /** A JSON string, quotes included. */
  string(text: string): void {
    const quoted = JSON.stringify(text);
    this.reserve(quoted.length * 3);
    this.length += this.encoder.encodeInto(quoted, this.bytes.subarray(this.length)).written;
  }

  /** A time in seconds with three decimals when it isn't whole. */
  time(ms: number): void {
    this.raw(timeText(ms));
  }

  /** A number's text as a JSON string: `"1.5"`. */
  quotedNumber(value: number): void {
    this.reserve(NUMBER_BYTES_MAX);
    this.bytes[this.length++] = 34;
    this.number(value);
    this.bytes[this.length++] = 34;
  }

  private number(value: number): void {
    const magnitude = Math.abs(value);
    if (magnitude < 1e15) {
      if (magnitude === Math.floor(magnitude)) {
        if (value < 0 || (value === 0 && 1 / value < 0)) this.bytes[this.length++] = MINUS;
        this.digits(magnitude);
        return;
      }
      // Up to 15 digits decimal and binary agree both ways: if so many decimals give the number back,
      // they are its shortest text.
      if (magnitude >= 1e-6 && magnitude < 1e9) {
        const scaled = Math.round(magnitude * 1e6);
        if (scaled / 1e6 === magnitude) {
          if (value < 0) this.bytes[this.length++] = MINUS;
          this.decimal(scaled);
          return;
        }
      }
    }
    const text = formatSampleValue(value);
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  /** A whole number below 1e15. */
  private digits(value: number): void {
    const { bytes, pairs } = this;
    if (value < 10) {
      bytes[this.length++] = ZERO + value;
      return;
    }
    let size = 2;
    for (let limit = 100; value >= limit; limit *= 10) size++;
    let at = this.length + size;
    this.length = at;
    let rest = value;
    while (rest >= 0x40000000) {
      const next = Math.floor(rest / 100);
      const pair = (rest - next * 100) * 2;
      bytes[--at] = pairs[pair + 1]!;
      bytes[--at] = pairs[pair]!;
      rest = next;
    }
    let small = rest | 0;
    while (small >= 10) {
      const next = (small / 100) | 0;
      const pair = (small - next * 100) * 2;
      bytes[--at] = pairs[pair + 1]!;
      bytes[--at] = pairs[pair]!;
      small = next;
    }
    if (at > this.length - size) bytes[--at] = ZERO + small;
  }

  /** `scaled` millionths with trailing zeros cut. */
  private decimal(scaled: number): void {
    const whole = Math.floor(scaled / 1e6);
    let fraction = (scaled - whole * 1e6) | 0;
    this.digits(whole);
    const { bytes } = this;
    bytes[this.length++] = POINT;
    let places = 6;
    while (fraction % 10 === 0) {
      fraction = (fraction / 10) | 0;
      places--;
    }
    for (let i = this.length + places - 1; i >= this.length; i--) {
      const next = (fraction / 10) | 0;
      bytes[i] = ZERO + fraction - next * 10;
      fraction = next;
    }
    this.length += places;
  }
}
