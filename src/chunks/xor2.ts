// SPDX-License-Identifier: Apache-2.0
// hot
// XOR2 chunks: floats with one prefix for time and value together, and with start timestamps.
//
//   count u16   header u8 and start times behind each sample: see start-stream.ts
//
//   sample 0   time varint, value 64 bits
//   sample 1   time delta uvarint, value
//   later      0      neither delta nor value changed       10     only the value: 0 the last window, 1 a new
//              110    delta of delta of 13 bits, value      1110   of 20 bits, value
//              11110  of 64 bits, value                     11111  a staleness marker at the same delta
//   value      0 the same   10 the bits of the last window   110 a new window   111 a staleness marker
//
// A staleness marker does not count as the value before. Deltas of deltas are in two's complement.

import { STALE_HIGH, STALE_LOW } from '../model/index.ts';
import { BitReader, BitWriter } from './bits.ts';
import type { ChunkSamples } from './samples.ts';
import { StartReader, StartWriter, unzigzag } from './start-stream.ts';
import { XorValue } from './xor-value.ts';

const TWO_32 = 4294967296;

const isStaleAt = (valueBits: Uint32Array, i: number): boolean =>
  valueBits[2 * i + 1] === STALE_HIGH && valueBits[2 * i] === STALE_LOW;

function writeValue(out: BitWriter, value: XorValue, high: number, low: number): void {
  if (high === STALE_HIGH && low === STALE_LOW) {
    out.bits(0b111, 3);
    return;
  }
  const x = (high ^ value.high) >>> 0;
  const y = (low ^ value.low) >>> 0;
  value.set(high, low);
  if (x === 0 && y === 0) out.bits(0, 1);
  else value.writeChange(out, x, y, 0b10, 0b110, 2, 3);
}

function writeJoint(out: BitWriter, value: XorValue, dod: number, high: number, low: number): void {
  if (dod !== 0) {
    if (dod >= -4096 && dod <= 4095) {
      out.bits(0b110, 3);
      out.bits(dod >>> 0, 13);
    } else if (dod >= -524288 && dod <= 524287) {
      out.bits(0b1110, 4);
      out.bits(dod >>> 0, 20);
    } else {
      out.bits(0b11110, 5);
      out.wide(Math.floor(dod / TWO_32) >>> 0, dod >>> 0, 64);
    }
    writeValue(out, value, high, low);
    return;
  }
  if (high === STALE_HIGH && low === STALE_LOW) {
    out.bits(0b11111, 5);
    return;
  }
  const x = (high ^ value.high) >>> 0;
  const y = (low ^ value.low) >>> 0;
  value.set(high, low);
  if (x === 0 && y === 0) {
    out.bits(0, 1);
    return;
  }
  out.bits(0b10, 2);
  value.writeChange(out, x, y, 0, 1, 1);
}

/** A whole chunk of the samples from..to - 1, fewer than 65,536; start times of 0 are unknown. */
export function encodeXor2Range(
  { times, valueBits, startTimes }: ChunkSamples,
  from: number,
  to: number,
): Uint8Array<ArrayBuffer> {
  const out = new BitWriter();
  const value = new XorValue();
  out.bits(to - from, 16);
  out.bits(0, 8);
  const starts = new StartWriter();
  let lastDelta = 0;
  for (let i = from; i < to; i++) {
    const high = valueBits[2 * i + 1]!;
    const low = valueBits[2 * i]!;
    const time = times[i]!;
    const before = i === from ? 0 : times[i - 1]!;
    const delta = time - before;
    if (i === from) {
      out.uvarint(time >= 0 ? 2 * time : -2 * time - 1);
      out.wide(high, low, 64);
      // Sums start from 0 behind a staleness marker.
      if (!isStaleAt(valueBits, i)) value.set(high, low);
    } else if (i === from + 1) {
      out.uvarint(delta);
      writeValue(out, value, high, low);
    } else {
      writeJoint(out, value, delta - lastDelta, high, low);
    }
    lastDelta = delta;
    starts.write(out, i - from, time, before, startTimes?.[i] ?? 0);
  }
  out.setByte(2, starts.header);
  return out.finish();
}

/** How many ones stand before the first zero, which is read too; at most `most` are read. */
function readOnes(input: BitReader, most: number): number {
  let ones = 0;
  while (ones < most && input.bits(1) === 1) ones++;
  return ones;
}

/** Reads a value behind a time; true: it is a staleness marker. */
function readValue(input: BitReader, value: XorValue): boolean {
  const ones = readOnes(input, 3);
  if (ones === 1 || ones === 2) value.readChange(input, ones === 2);
  return ones === 3;
}

/** Reads one sample's prefix; returns its delta of delta and sets `stale`. */
class JointReader {
  stale = false;
  private readonly input: BitReader;
  private readonly value: XorValue;

  constructor(input: BitReader, value: XorValue) {
    this.input = input;
    this.value = value;
  }

  next(): number {
    const { input, value } = this;
    const ones = readOnes(input, 5);
    this.stale = ones === 5;
    if (ones === 1) value.readChange(input, input.bits(1) === 1);
    if (ones < 2 || ones === 5) return 0;
    const dod = this.readDelta(ones);
    this.stale = readValue(input, value);
    return dod;
  }

  private readDelta(ones: number): number {
    const { input } = this;
    if (ones === 4) {
      const high = input.bits(32);
      return (high | 0) * TWO_32 + input.bits(32);
    }
    const width = ones === 2 ? 13 : 20;
    const bits = input.bits(width);
    return bits >= 2 ** (width - 1) ? bits - 2 ** width : bits;
  }
}

/**
 * Decodes a whole chunk to columns with room for it; returns the number of samples.
 * @throws RangeError where the chunk ends too early
 */
export function decodeXor2Chunk(chunk: Uint8Array, out: ChunkSamples): number {
  const input = new BitReader(chunk);
  const count = input.bits(16);
  const starts = new StartReader(input.bits(8));
  const value = new XorValue();
  const joint = new JointReader(input, value);
  let time = 0;
  let delta = 0;
  for (let i = 0; i < count; i++) {
    const before = time;
    let stale = false;
    if (i === 0) {
      time = unzigzag(input.uvarint());
      value.readFirst(input);
      stale = value.high === STALE_HIGH && value.low === STALE_LOW;
      if (stale) value.set(0, 0);
    } else if (i === 1) {
      delta = input.uvarint();
      time += delta;
      stale = readValue(input, value);
    } else {
      delta += joint.next();
      time += delta;
      stale = joint.stale;
    }
    out.times[i] = time;
    out.valueBits[2 * i] = stale ? STALE_LOW : value.low;
    out.valueBits[2 * i + 1] = stale ? STALE_HIGH : value.high;
    out.setStartTime(i, starts.read(input, i, time, before));
  }
  return count;
}
