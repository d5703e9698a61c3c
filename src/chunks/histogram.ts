// SPDX-License-Identifier: Apache-2.0
// Histogram chunks: of whole numbers (encoding 2) and of floats (encoding 3), and the same with start times
// (5 and 6).
//
//   count u16   flags u8 (two top bits: 00 unknown, 10 counter reset, 01 none, 11 gauge)   layout
//
// with start times, which stand behind each sample (start-stream.ts)
//   flags, two top bits, and count, 14 bits   header of the start times u8   layout
//
// of whole numbers
//   sample 0  time varbit int, count and zero count varbit uint, sum 64 bits, buckets varbit int
//   sample 1  time delta varbit int, differences of count and zero count varbit int, sum by XOR,
//             differences of buckets varbit int
//   later     the same with differences of differences, all of them varbit int
//   A bucket is its difference to the bucket before it.
//
// of floats
//   sample 0  time varbit int, count, zero count, sum and buckets 64 bits each, absolute
//   later     time as above; count, zero count, sum and each bucket by XOR with the one before
//
// A staleness marker has no buckets, whatever the layout says, and only others come after it.

import type { Histogram as HistogramSample } from '../model/index.ts';
import { CounterResetHint, Histogram, STALE_HIGH, STALE_LOW } from '../model/index.ts';
import type { Word64 } from './bits.ts';
import { BitReader, BitWriter, floatToWord, wordToFloat } from './bits.ts';
import type { HistogramLayout } from './histogram-layout.ts';
import { bucketCount, fitsLayout, layoutOf, readLayout, writeLayout } from './histogram-layout.ts';
import { StartReader, StartWriter } from './start-stream.ts';
import { XorValue } from './xor-value.ts';

const Flags = { unknown: 0, notReset: 0x40, reset: 0x80, gauge: 0xc0 } as const;
const SAMPLES_MAX = 65535;
/** With start times the flags have two bits of the count. */
const START_SAMPLES_MAX = 0x3fff;

const flagsOf: Readonly<Record<CounterResetHint, number>> = {
  [CounterResetHint.unknown]: Flags.unknown,
  [CounterResetHint.reset]: Flags.reset,
  [CounterResetHint.notReset]: Flags.notReset,
  [CounterResetHint.gauge]: Flags.gauge,
};

/** What a reader may conclude of sample `i`, given the chunk's flags. */
function hintOf(flags: number, i: number): CounterResetHint {
  if (flags === Flags.gauge) return CounterResetHint.gauge;
  // Within a chunk of a counter there is no reset.
  if (i > 0) return CounterResetHint.notReset;
  // Whether the chunk before is the one of which the flags speak is not known: it may be gone, or another
  // may have come in between, late.
  return CounterResetHint.unknown;
}

const isStaleWord = ({ high, low }: Word64): boolean => high === STALE_HIGH && low === STALE_LOW;

/** Differences that come round again: the last value and its last difference. */
class Column {
  value = 0;
  delta = 0;
}

const columns = (count: number): Column[] => Array.from({ length: count }, () => new Column());
const xorValues = (count: number): XorValue[] =>
  Array.from({ length: count }, () => new XorValue());

/** Takes histograms into one chunk as long as they fit. */
export class HistogramAppender {
  readonly isFloat: boolean;
  count = 0;
  private readonly out = new BitWriter();
  private readonly layout: HistogramLayout;
  private readonly starts: StartWriter | undefined;
  private readonly flags: number;
  private readonly isGauge: boolean;
  private readonly time = new Column();
  private readonly total = new Column();
  private readonly zero = new Column();
  private readonly buckets: Column[];
  private readonly floats: XorValue[];
  private readonly sum = new XorValue();
  private readonly totalFloat = new XorValue();
  private readonly zeroFloat = new XorValue();
  private last: HistogramSample | undefined;
  private lastIsStale = false;
  private readonly word: Word64 = { high: 0, low: 0 };

  /** A chunk for histograms like `first`, which is not appended yet. */
  constructor(first: HistogramSample, isStale: boolean, hasStarts = false) {
    this.isFloat = first.isFloat;
    this.starts = hasStarts ? new StartWriter() : undefined;
    this.flags = flagsOf[first.counterResetHint];
    this.isGauge = first.counterResetHint === CounterResetHint.gauge;
    this.layout = layoutOf(isStale ? staleHistogram(first) : first);
    const size = bucketCount(this.layout.positiveSpans) + bucketCount(this.layout.negativeSpans);
    this.buckets = this.isFloat ? [] : columns(size);
    this.floats = this.isFloat ? xorValues(size) : [];
    this.out.bits(0, 16);
    this.out.bits(hasStarts ? 0 : this.flags, 8);
    writeLayout(this.out, this.layout);
  }

  get byteLength(): number {
    return this.out.byteLength;
  }

  /** Whether `h` can be appended; otherwise it begins the next chunk. */
  fits(h: HistogramSample, isStale: boolean): boolean {
    const samplesMax = this.starts === undefined ? SAMPLES_MAX : START_SAMPLES_MAX;
    if (this.count >= samplesMax || h.isFloat !== this.isFloat) return false;
    if (isStale) return true;
    if (this.lastIsStale) return false;
    const hint = h.counterResetHint;
    if ((hint === CounterResetHint.gauge) !== this.isGauge) return false;
    if (this.count > 0 && hint === CounterResetHint.reset) return false;
    if (!fitsLayout(this.layout, h)) return false;
    return this.isGauge || this.last === undefined || !hasReset(this.last, h);
  }

  /** `sum` is told by its bits, so that a staleness marker keeps them. `startTime` 0: unknown. */
  append(time: number, h: HistogramSample, sumHigh: number, sumLow: number, startTime = 0): void {
    const { starts, out, count } = this;
    const before = this.time.value;
    const isStale = isStaleWord({ high: sumHigh, low: sumLow });
    this.appendTime(time);
    if (this.isFloat) this.appendFloats(h, isStale, sumHigh, sumLow);
    else this.appendNumbers(h, isStale, sumHigh, sumLow);
    this.count++;
    if (starts === undefined) {
      out.setCount(this.count);
    } else {
      starts.write(out, count, time, before, startTime);
      out.setCount((this.flags << 8) | this.count);
      out.setByte(2, starts.header);
    }
    this.lastIsStale = isStale;
    if (!isStale) this.last = h;
  }

  private appendTime(time: number): void {
    const { out, count } = this;
    const delta = time - this.time.value;
    // The first difference is signed, too, although it cannot be negative.
    out.varbitInt(count === 0 ? time : delta - this.time.delta);
    this.time.value = time;
    if (count > 0) this.time.delta = delta;
  }

  private appendNumbers(
    h: HistogramSample,
    isStale: boolean,
    sumHigh: number,
    sumLow: number,
  ): void {
    const { out, count } = this;
    const number = (column: Column, value: number): void => {
      const delta = value - column.value;
      out.varbitInt(count === 1 ? delta : delta - column.delta);
      column.value = value;
      column.delta = delta;
    };
    if (count === 0) {
      out.varbitUint(isStale ? 0 : h.count);
      out.varbitUint(isStale ? 0 : h.zeroCount);
      this.total.value = isStale ? 0 : h.count;
      this.zero.value = isStale ? 0 : h.zeroCount;
      this.sum.writeFirst(out, sumHigh, sumLow);
    } else if (isStale) {
      out.varbitInt(0);
      out.varbitInt(0);
      this.sum.write(out, sumHigh, sumLow);
    } else {
      number(this.total, h.count);
      number(this.zero, h.zeroCount);
      this.sum.write(out, sumHigh, sumLow);
    }
    if (isStale) return;
    let at = 0;
    for (const counts of [h.positiveBuckets, h.negativeBuckets]) {
      let before = 0;
      for (let i = 0; i < counts.length; i++) {
        const value = counts[i]! - before;
        before = counts[i]!;
        const column = this.buckets[at++]!;
        if (count === 0) {
          out.varbitInt(value);
          column.value = value;
        } else {
          number(column, value);
        }
      }
    }
  }

  private appendFloats(
    h: HistogramSample,
    isStale: boolean,
    sumHigh: number,
    sumLow: number,
  ): void {
    const { out, count, word } = this;
    const float = (column: XorValue, value: number): void => {
      floatToWord(value, word);
      if (count === 0) column.writeFirst(out, word.high, word.low);
      else column.write(out, word.high, word.low);
    };
    float(this.totalFloat, isStale ? 0 : h.count);
    float(this.zeroFloat, isStale ? 0 : h.zeroCount);
    if (count === 0) this.sum.writeFirst(out, sumHigh, sumLow);
    else this.sum.write(out, sumHigh, sumLow);
    if (isStale) return;
    let at = 0;
    for (const counts of [h.positiveBuckets, h.negativeBuckets]) {
      for (let i = 0; i < counts.length; i++) float(this.floats[at++]!, counts[i]!);
    }
  }

  /** The chunk; a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.out.finish();
  }
}

const staleHistogram = (h: HistogramSample): HistogramSample =>
  new Histogram({ schema: 0, count: 0, sum: Number.NaN, isFloat: h.isFloat });

/** Whether a count went down: then the chunk's counters were reset. The layouts are the same. */
function hasReset(before: HistogramSample, h: HistogramSample): boolean {
  if (h.count < before.count || h.zeroCount < before.zeroCount) return true;
  return (
    isLess(h.positiveBuckets, before.positiveBuckets) ||
    isLess(h.negativeBuckets, before.negativeBuckets)
  );
}

function isLess(counts: Float64Array, before: Float64Array): boolean {
  for (let i = 0; i < counts.length; i++) if (counts[i]! < before[i]!) return true;
  return false;
}

/** Receives sample `i`: its time, the histogram, the bits of its sum, and its start time (0: unknown). */
export type HistogramVisitor = (
  i: number,
  time: number,
  histogram: HistogramSample,
  sum: Word64,
  startTime: number,
) => void;

/** Samples of a histogram chunk by its first two bytes. */
export const histogramSampleCount = (word: number, hasStarts: boolean): number =>
  hasStarts ? word & START_SAMPLES_MAX : word;

/**
 * Decodes a histogram chunk of either kind. @returns the number of samples
 * @throws RangeError where the chunk ends too early or makes no sense
 */
export function decodeHistogramChunk(
  chunk: Uint8Array,
  isFloat: boolean,
  visit: HistogramVisitor,
  hasStarts = false,
): number {
  const input = new BitReader(chunk);
  const word = input.bits(16);
  const count = histogramSampleCount(word, hasStarts);
  const third = input.bits(8);
  const starts = hasStarts ? new StartReader(third) : undefined;
  const flags = (hasStarts ? word >>> 8 : third) & 0xc0;
  if (count === 0) return 0;
  const layout = readLayout(input);
  const positive = bucketCount(layout.positiveSpans);
  const negative = bucketCount(layout.negativeSpans);
  const reader = isFloat
    ? new FloatReader(input, positive, negative)
    : new NumberReader(input, positive, negative);
  const time = new Column();
  for (let i = 0; i < count; i++) {
    const before = time.value;
    if (i === 0) time.value = input.varbitInt();
    else {
      time.delta += input.varbitInt();
      time.value += time.delta;
    }
    reader.next(i);
    const isStale = isStaleWord(reader.sum);
    const histogram = new Histogram({
      ...(isStale ? {} : layout),
      schema: isStale ? 0 : layout.schema,
      counterResetHint: isStale ? CounterResetHint.unknown : hintOf(flags, i),
      count: isStale ? 0 : reader.count,
      zeroCount: isStale ? 0 : reader.zeroCount,
      sum: wordToFloat(reader.sum),
      isFloat,
      ...(isStale
        ? {}
        : { positiveBuckets: reader.positive.slice(), negativeBuckets: reader.negative.slice() }),
    });
    const startTime = starts?.read(input, i, time.value, before) ?? 0;
    visit(i, time.value, histogram, reader.sum, startTime);
  }
  return count;
}

class NumberReader {
  count = 0;
  zeroCount = 0;
  readonly sum = new XorValue();
  readonly positive: Float64Array;
  readonly negative: Float64Array;
  private readonly input: BitReader;
  private readonly total = new Column();
  private readonly zero = new Column();
  private readonly buckets: Column[];

  constructor(input: BitReader, positive: number, negative: number) {
    this.input = input;
    this.positive = new Float64Array(positive);
    this.negative = new Float64Array(negative);
    this.buckets = columns(positive + negative);
  }

  private read(column: Column, i: number): void {
    const read = this.input.varbitInt();
    if (i === 0) column.value = read;
    else {
      column.delta = i === 1 ? read : column.delta + read;
      column.value += column.delta;
    }
  }

  next(i: number): void {
    const { input } = this;
    if (i === 0) {
      this.total.value = input.varbitUint();
      this.zero.value = input.varbitUint();
      this.sum.readFirst(input);
    } else {
      this.read(this.total, i);
      this.read(this.zero, i);
      this.sum.read(input);
    }
    this.count = this.total.value;
    this.zeroCount = this.zero.value;
    if (isStaleWord(this.sum)) return;
    let at = 0;
    for (const counts of [this.positive, this.negative]) {
      let absolute = 0;
      for (let k = 0; k < counts.length; k++) {
        const column = this.buckets[at++]!;
        this.read(column, i);
        absolute += column.value;
        counts[k] = absolute;
      }
    }
  }
}

class FloatReader {
  count = 0;
  zeroCount = 0;
  readonly sum = new XorValue();
  readonly positive: Float64Array;
  readonly negative: Float64Array;
  private readonly input: BitReader;
  private readonly total = new XorValue();
  private readonly zero = new XorValue();
  private readonly buckets: XorValue[];

  constructor(input: BitReader, positive: number, negative: number) {
    this.input = input;
    this.positive = new Float64Array(positive);
    this.negative = new Float64Array(negative);
    this.buckets = xorValues(positive + negative);
  }

  private read(column: XorValue, i: number): number {
    if (i === 0) column.readFirst(this.input);
    else column.read(this.input);
    return wordToFloat(column);
  }

  next(i: number): void {
    this.count = this.read(this.total, i);
    this.zeroCount = this.read(this.zero, i);
    this.read(this.sum, i);
    if (isStaleWord(this.sum)) return;
    let at = 0;
    for (const counts of [this.positive, this.negative]) {
      for (let k = 0; k < counts.length; k++) counts[k] = this.read(this.buckets[at++]!, i);
    }
  }
}
