// SPDX-License-Identifier: Apache-2.0
// hot
// Samples of one series, of any kind, and chunks of any encoding.

import type { Histogram, SampleColumns } from '../model/index.ts';
import { isStale, newSampleColumns } from '../model/index.ts';
import { BitWriter } from './bits.ts';
import { decodeHistogramChunk, HistogramAppender } from './histogram.ts';
import { decodeXorChunk, encodeXorRange } from './xor.ts';

/** The byte before a chunk that tells how it is written. */
export const ChunkEncoding = {
  xor: 1,
  histogram: 2,
  floatHistogram: 3,
  xor2: 4,
  histogramStart: 5,
  floatHistogramStart: 6,
} as const;

/** A chunk of an encoding that this program does not know. */
export class UnknownEncodingError extends Error {
  override name = 'UnknownEncodingError';
}

/** Columns that grow; `histograms` and `startTimes` are there once a sample has one. */
export class ChunkSamples implements SampleColumns {
  times: Float64Array;
  values: Float64Array;
  valueBits: Uint32Array;
  histograms: (Histogram | undefined)[] | undefined;
  startTimes: Float64Array | undefined;

  constructor(capacity: number) {
    const { times, values, valueBits } = newSampleColumns(capacity);
    this.times = times;
    this.values = values;
    this.valueBits = valueBits;
  }

  /** Makes room for `capacity` samples, of which the first `kept` stay; forgets the rest. */
  reserve(capacity: number, kept: number): void {
    if (kept === 0) {
      this.histograms = undefined;
      this.startTimes = undefined;
    }
    if (this.times.length >= capacity) return;
    const grown = newSampleColumns(2 * capacity);
    grown.times.set(this.times.subarray(0, kept));
    grown.valueBits.set(this.valueBits.subarray(0, 2 * kept));
    if (this.startTimes !== undefined) {
      const startTimes = new Float64Array(2 * capacity);
      startTimes.set(this.startTimes.subarray(0, kept));
      this.startTimes = startTimes;
    }
    this.times = grown.times;
    this.values = grown.values;
    this.valueBits = grown.valueBits;
  }

  setHistogram(i: number, histogram: Histogram | undefined): void {
    if (this.histograms === undefined) {
      if (histogram === undefined) return;
      this.histograms = new Array<Histogram | undefined>(i).fill(undefined);
    }
    this.histograms[i] = histogram;
  }

  setStartTime(i: number, startTime: number): void {
    if (this.startTimes === undefined) {
      if (startTime === 0) return;
      this.startTimes = new Float64Array(this.times.length);
    }
    this.startTimes[i] = startTime;
  }

  /** Sample `i` becomes what sample `k` of `from` is. */
  copy(i: number, from: ChunkSamples, k: number): void {
    this.times[i] = from.times[k]!;
    this.valueBits[2 * i] = from.valueBits[2 * k]!;
    this.valueBits[2 * i + 1] = from.valueBits[2 * k + 1]!;
    this.setHistogram(i, from.histograms?.[k]);
    this.setStartTime(i, from.startTimes?.[k] ?? 0);
  }

  /** Removes those of the first `count` samples that are in one of the intervals (min, max in turns). */
  drop(count: number, intervals: readonly number[]): number {
    return this.keep(count, (time) => !within(intervals, time));
  }

  /** Keeps those of the first `count` samples whose time passes; returns how many. */
  keep(count: number, passes: (time: number) => boolean): number {
    let n = 0;
    for (let i = 0; i < count; i++) {
      if (!passes(this.times[i]!)) continue;
      if (n !== i) this.copy(n, this, i);
      n++;
    }
    return n;
  }
}

function within(intervals: readonly number[], time: number): boolean {
  for (let i = 0; i < intervals.length; i += 2) {
    if (intervals[i]! <= time && time <= intervals[i + 1]!) return true;
  }
  return false;
}

export const newChunkSamples = (capacity: number): ChunkSamples => new ChunkSamples(capacity);

/** Samples of a chunk of any encoding, without decoding it. */
export const chunkSampleCount = (chunk: Uint8Array): number =>
  chunk.length < 2 ? 0 : (chunk[0]! << 8) | chunk[1]!;

/**
 * Decodes a whole chunk to `out`, which grows as needed, at 0..n-1; returns n.
 * @throws UnknownEncodingError, RangeError where the chunk ends too early
 */
export function decodeChunk(encoding: number, chunk: Uint8Array, out: ChunkSamples): number {
  out.reserve(Math.max(1, chunkSampleCount(chunk)), 0);
  switch (encoding) {
    case ChunkEncoding.xor:
      return decodeXorChunk(chunk, out);
    case ChunkEncoding.histogram:
    case ChunkEncoding.floatHistogram:
      return decodeHistogramChunk(
        chunk,
        encoding === ChunkEncoding.floatHistogram,
        (i, time, histogram, sum) => {
          out.times[i] = time;
          out.valueBits[2 * i] = sum.low;
          out.valueBits[2 * i + 1] = sum.high;
          out.setHistogram(i, histogram);
        },
      );
    default:
      throw new UnknownEncodingError(`chunk encoding ${encoding} is not known`);
  }
}

/** Samples in a chunk of floats, and the most in one of histograms. */
const SAMPLES_PER_CHUNK = 120;
/** A histogram chunk ends when it has this many bytes and at least ten samples. */
const HISTOGRAM_BYTES = 1024;
const HISTOGRAM_SAMPLES_MIN = 10;

/** Receives a chunk of the samples from..to - 1; `bytes` are its own. */
export type ChunkSink = (
  encoding: number,
  bytes: Uint8Array<ArrayBuffer>,
  from: number,
  to: number,
) => void;

/** Encodes the first `count` samples as chunks of the usual sizes. */
export function encodeChunks(samples: ChunkSamples, count: number, sink: ChunkSink): void {
  const writer = new BitWriter();
  for (let from = 0; from < count; ) {
    let to = from;
    if (samples.histograms?.[from] !== undefined) {
      to = encodeHistograms(samples, from, count, sink);
    } else {
      const end = Math.min(count, from + SAMPLES_PER_CHUNK);
      while (to < end && samples.histograms?.[to] === undefined) to++;
      sink(ChunkEncoding.xor, encodeXorRange(samples, from, to, writer), from, to);
    }
    from = to;
  }
}

/** One chunk of histograms from `from` on; returns where the next begins. */
function encodeHistograms(
  samples: ChunkSamples,
  from: number,
  count: number,
  sink: ChunkSink,
): number {
  const { times, valueBits, histograms } = samples;
  const first = histograms![from]!;
  const appender = new HistogramAppender(first, isStale(valueBits, from));
  let to = from;
  for (; to < count; to++) {
    const histogram = histograms![to];
    if (histogram === undefined || !appender.fits(histogram, isStale(valueBits, to))) break;
    const full = appender.byteLength >= HISTOGRAM_BYTES && to - from >= HISTOGRAM_SAMPLES_MIN;
    if (full || to - from >= SAMPLES_PER_CHUNK) break;
    appender.append(times[to]!, histogram, valueBits[2 * to + 1]!, valueBits[2 * to]!);
  }
  const { histogram, floatHistogram } = ChunkEncoding;
  sink(first.isFloat ? floatHistogram : histogram, appender.finish(), from, to);
  return to;
}
