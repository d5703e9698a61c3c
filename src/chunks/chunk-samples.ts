// SPDX-License-Identifier: Apache-2.0
// hot
// Chunks of any encoding from and to samples of any kind.

import { isStale } from '../model/index.ts';
import { BitWriter } from './bits.ts';
import { decodeHistogramChunk, HistogramAppender, histogramSampleCount } from './histogram.ts';
import type { ChunkSamples } from './samples.ts';
import { decodeXorChunk, encodeXorRange } from './xor.ts';
import { decodeXor2Chunk, encodeXor2Range } from './xor2.ts';

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

/** Which encodings chunks are written in. */
export interface ChunkFormats {
  /** XOR2 for floats; undefined: for those chunks in which a sample has a start time. */
  readonly xor2?: boolean | undefined;
  /** Histogram chunks with start times, 5 and 6; undefined as above. */
  readonly histogramStarts?: boolean | undefined;
}

/** Whether an encoding has floats only. */
export const isFloatEncoding = (encoding: number): boolean =>
  encoding === ChunkEncoding.xor || encoding === ChunkEncoding.xor2;

const hasHistogramStarts = (encoding: number): boolean =>
  encoding === ChunkEncoding.histogramStart || encoding === ChunkEncoding.floatHistogramStart;

/** Samples of a chunk of any encoding, without decoding it. */
export const chunkSampleCount = (encoding: number, chunk: Uint8Array, at = 0): number =>
  chunk.length < at + 2
    ? 0
    : histogramSampleCount((chunk[at]! << 8) | chunk[at + 1]!, hasHistogramStarts(encoding));

/**
 * Decodes a whole chunk to `out`, which grows as needed, at 0..n-1; returns n.
 * @throws UnknownEncodingError, RangeError where the chunk ends too early
 */
export function decodeChunk(encoding: number, chunk: Uint8Array, out: ChunkSamples): number {
  out.reserve(Math.max(1, chunkSampleCount(encoding, chunk)), 0);
  const { xor, xor2, histogram, floatHistogram, histogramStart, floatHistogramStart } =
    ChunkEncoding;
  switch (encoding) {
    case xor:
      return decodeXorChunk(chunk, out);
    case histogram:
    case floatHistogram:
    case histogramStart:
    case floatHistogramStart:
      return decodeHistogramChunk(
        chunk,
        encoding === floatHistogram || encoding === floatHistogramStart,
        (i, time, sample, sum, startTime) => {
          out.times[i] = time;
          out.valueBits[2 * i] = sum.low;
          out.valueBits[2 * i + 1] = sum.high;
          out.setHistogram(i, sample);
          out.setStartTime(i, startTime);
        },
        hasHistogramStarts(encoding),
      );
    case xor2:
      return decodeXor2Chunk(chunk, out);
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

/**
 * Encodes the first `count` samples as chunks of the usual sizes. What `formats` has no place for, start
 * times, is left out.
 */
export function encodeChunks(
  samples: ChunkSamples,
  count: number,
  sink: ChunkSink,
  formats: ChunkFormats = {},
): void {
  const writer = new BitWriter();
  for (let from = 0; from < count; ) {
    let to = from;
    if (samples.histograms?.[from] !== undefined) {
      const hasStarts = formats.histogramStarts ?? hasStartTimes(samples, from, count);
      to = encodeHistograms(samples, from, count, hasStarts, sink);
    } else {
      const end = Math.min(count, from + SAMPLES_PER_CHUNK);
      while (to < end && samples.histograms?.[to] === undefined) to++;
      if (formats.xor2 ?? hasStartTimes(samples, from, to)) {
        sink(ChunkEncoding.xor2, encodeXor2Range(samples, from, to), from, to);
      } else {
        sink(ChunkEncoding.xor, encodeXorRange(samples, from, to, writer), from, to);
      }
    }
    from = to;
  }
}

function hasStartTimes({ startTimes }: ChunkSamples, from: number, to: number): boolean {
  if (startTimes === undefined) return false;
  for (let i = from; i < to; i++) if (startTimes[i] !== 0) return true;
  return false;
}

/** One chunk of histograms from `from` on; returns where the next begins. */
function encodeHistograms(
  samples: ChunkSamples,
  from: number,
  count: number,
  hasStarts: boolean,
  sink: ChunkSink,
): number {
  const { times, valueBits, histograms, startTimes } = samples;
  const first = histograms![from]!;
  const appender = new HistogramAppender(first, isStale(valueBits, from), hasStarts);
  let to = from;
  for (; to < count; to++) {
    const histogram = histograms![to];
    if (histogram === undefined || !appender.fits(histogram, isStale(valueBits, to))) break;
    const full = appender.byteLength >= HISTOGRAM_BYTES && to - from >= HISTOGRAM_SAMPLES_MIN;
    if (full || to - from >= SAMPLES_PER_CHUNK) break;
    const [high, low] = [valueBits[2 * to + 1]!, valueBits[2 * to]!];
    appender.append(times[to]!, histogram, high, low, startTimes?.[to] ?? 0);
  }
  const { histogram, floatHistogram, histogramStart, floatHistogramStart } = ChunkEncoding;
  const encoding = hasStarts
    ? first.isFloat
      ? floatHistogramStart
      : histogramStart
    : first.isFloat
      ? floatHistogram
      : histogram;
  sink(encoding, appender.finish(), from, to);
  return to;
}
