// SPDX-License-Identifier: Apache-2.0
// What all histograms of a chunk have in common, at the chunk's start:
//
//   zero threshold   0: none; 1 … 254: 2^(byte - 244); 255: 64 bits follow
//   schema           varbit int
//   positive spans   number varbit uint, then for each: length varbit uint, offset varbit int
//   negative spans   the same
//   custom bounds    of schema -53 only: number varbit uint, then each: thousandths + 1 as varbit uint
//                    where that is exact and small, else 0 and 64 bits

import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../model/index.ts';
import type { BitReader, BitWriter, Word64 } from './bits.ts';
import { floatToWord, wordToFloat } from './bits.ts';

export interface HistogramLayout {
  readonly schema: number;
  readonly zeroThreshold: number;
  /** (offset, length) pairs. */
  readonly positiveSpans: Int32Array;
  readonly negativeSpans: Int32Array;
  readonly customValues: Float64Array;
}

const EXPONENT_BIAS = 244;
const EXPONENT_MIN = -243;
const EXPONENT_MAX = 10;
const BOUND_MAX = 33554430;
/** Buckets that a chunk can hold at all; more is damage. */
const BUCKETS_MAX = 1 << 20;

function writeZeroThreshold(out: BitWriter, threshold: number): void {
  if (threshold === 0) {
    out.bits(0, 8);
    return;
  }
  const exponent = Math.log2(threshold);
  const isPower =
    Number.isInteger(exponent) && exponent >= EXPONENT_MIN && exponent <= EXPONENT_MAX;
  if (isPower && 2 ** exponent === threshold) {
    out.bits(exponent + EXPONENT_BIAS, 8);
    return;
  }
  out.bits(255, 8);
  writeFloat(out, threshold);
}

function readZeroThreshold(input: BitReader): number {
  const byte = input.bits(8);
  if (byte === 0) return 0;
  return byte === 255 ? readFloat(input) : 2 ** (byte - EXPONENT_BIAS);
}

function writeFloat(out: BitWriter, value: number): void {
  const word: Word64 = { high: 0, low: 0 };
  floatToWord(value, word);
  out.wide(word.high, word.low, 64);
}

function readFloat(input: BitReader): number {
  const high = input.bits(32);
  return wordToFloat({ high, low: input.bits(32) });
}

function writeSpans(out: BitWriter, spans: Int32Array): void {
  out.varbitUint(spans.length / 2);
  for (let i = 0; i < spans.length; i += 2) {
    out.varbitUint(spans[i + 1]!);
    out.varbitInt(spans[i]!);
  }
}

function readSpans(input: BitReader): Int32Array {
  const count = input.varbitUint();
  if (count > BUCKETS_MAX) throw new RangeError(`a chunk has ${count} spans`);
  const spans: number[] = [];
  let buckets = 0;
  for (let i = 0; i < count; i++) {
    const length = input.varbitUint();
    buckets += length;
    if (buckets > BUCKETS_MAX) throw new RangeError('a chunk has too many buckets');
    spans.push(input.varbitInt(), length);
  }
  return Int32Array.from(spans);
}

function writeBound(out: BitWriter, bound: number): void {
  const thousandths = Math.round(bound * 1000);
  const exact = bound * 1000 >= 0 && bound * 1000 <= BOUND_MAX && thousandths / 1000 === bound;
  if (exact) {
    out.varbitUint(thousandths + 1);
    return;
  }
  out.varbitUint(0);
  writeFloat(out, bound);
}

function readBound(input: BitReader): number {
  const thousandths = input.varbitUint();
  return thousandths === 0 ? readFloat(input) : (thousandths - 1) / 1000;
}

export function writeLayout(out: BitWriter, layout: HistogramLayout): void {
  writeZeroThreshold(out, layout.zeroThreshold);
  out.varbitInt(layout.schema);
  writeSpans(out, layout.positiveSpans);
  writeSpans(out, layout.negativeSpans);
  if (layout.schema !== CUSTOM_BUCKETS_SCHEMA) return;
  out.varbitUint(layout.customValues.length);
  for (const bound of layout.customValues) writeBound(out, bound);
}

/** @throws RangeError */
export function readLayout(input: BitReader): HistogramLayout {
  const zeroThreshold = readZeroThreshold(input);
  const schema = input.varbitInt();
  const positiveSpans = readSpans(input);
  const negativeSpans = readSpans(input);
  const count = schema === CUSTOM_BUCKETS_SCHEMA ? input.varbitUint() : 0;
  if (count > BUCKETS_MAX) throw new RangeError(`a chunk has ${count} custom bounds`);
  const bounds: number[] = [];
  for (let i = 0; i < count; i++) bounds.push(readBound(input));
  const customValues = Float64Array.from(bounds);
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customValues };
}

/** Buckets of the spans. */
export function bucketCount(spans: Int32Array): number {
  let count = 0;
  for (let i = 1; i < spans.length; i += 2) count += spans[i]!;
  return count;
}

const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** Whether a histogram can stand in a chunk of this layout as it is. */
export const fitsLayout = (layout: HistogramLayout, h: Histogram): boolean =>
  layout.schema === h.schema &&
  layout.zeroThreshold === h.zeroThreshold &&
  same(layout.positiveSpans, h.positiveSpans) &&
  same(layout.negativeSpans, h.negativeSpans) &&
  same(layout.customValues, h.customValues);

export const layoutOf = (h: Histogram): HistogramLayout => ({
  schema: h.schema,
  zeroThreshold: h.zeroThreshold,
  positiveSpans: h.positiveSpans,
  negativeSpans: h.negativeSpans,
  customValues: h.customValues,
});
