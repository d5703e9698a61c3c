// SPDX-License-Identifier: Apache-2.0
// WAL records of native histograms. Around each histogram stand (ref, time) as in samples records, with
// start times in the newer kind. The histogram itself:
//
//   counter reset hint u8 | varint schema | zero threshold f64
//   integer: uvarint zero count | uvarint count | sum f64      float: zero count f64 | count f64 | sum f64
//   spans, positive then negative: uvarint n, then n × (varint offset, uvarint length)
//   buckets, positive then negative: uvarint n, then n × (varint delta | value f64)
//   custom bounds, under schema -53 only: uvarint n, then n × f64

import type { ByteReader } from '../../encoding/index.ts';
import { ByteReader as Reader, ByteWriter, DecodeError } from '../../encoding/index.ts';
import type { CounterResetHint } from '../../model/index.ts';
import { CUSTOM_BUCKETS_SCHEMA, Histogram } from '../../model/index.ts';
import { RecordType, StartTimePlaces, StartTimeWriter } from './records.ts';

/** One histogram of a record; `bytes` is its encoding, to be decoded by whoever wants it. */
export interface LoggedHistogram {
  readonly ref: number;
  readonly time: number;
  /** 0: none. */
  readonly startTime: number;
  readonly bytes: Uint8Array;
}

/** Whether the record type holds histograms of floats. */
export const isFloatHistogramType = (type: number): boolean =>
  type === RecordType.floatHistograms ||
  type === RecordType.customFloatHistograms ||
  type === RecordType.floatHistogramsWithStart;

export const isHistogramType = (type: number): boolean =>
  (type >= RecordType.histograms && type <= RecordType.customFloatHistograms) ||
  type === RecordType.histogramsWithStart ||
  type === RecordType.floatHistogramsWithStart;

/** Passes over one encoded histogram. @throws DecodeError */
export function skipHistogram(reader: ByteReader, isFloat: boolean): void {
  reader.skip(1);
  const schema = reader.varint();
  reader.skip(8);
  if (isFloat) {
    reader.skip(24);
  } else {
    reader.skipVarint();
    reader.skipVarint();
    reader.skip(8);
  }
  for (let side = 0; side < 2; side++) {
    for (let spans = reader.uvarint(); spans > 0; spans--) {
      reader.skipVarint();
      reader.skipVarint();
    }
  }
  for (let side = 0; side < 2; side++) {
    const buckets = reader.uvarint();
    if (isFloat) reader.skip(8 * buckets);
    else for (let i = 0; i < buckets; i++) reader.skipVarint();
  }
  if (schema === CUSTOM_BUCKETS_SCHEMA) reader.skip(8 * reader.uvarint());
}

const hasStartTimes = (type: number): boolean =>
  type === RecordType.histogramsWithStart || type === RecordType.floatHistogramsWithStart;

/** Calls `visit` for each histogram of a record; its bytes are a view of the record. @throws DecodeError */
export function decodeHistogramsRecord(
  record: Uint8Array,
  visit: (histogram: LoggedHistogram) => void,
): void {
  const type = record[0]!;
  const isFloat = isFloatHistogramType(type);
  const reader = new Reader(record, 1);
  if (reader.left === 0) return;
  const place = hasStartTimes(type) ? new StartTimePlaces(reader) : undefined;
  const firstRef = place === undefined ? reader.i64be() : 0;
  const firstTime = place === undefined ? reader.i64be() : 0;
  while (reader.left > 0) {
    place?.next();
    const ref = place === undefined ? firstRef + reader.varint() : place.ref;
    const time = place === undefined ? firstTime + reader.varint() : place.time;
    const start = reader.position;
    skipHistogram(reader, isFloat);
    visit({
      ref,
      time,
      startTime: place?.startTime ?? 0,
      bytes: record.subarray(start, reader.position),
    });
  }
}

/** A record of `type` with these histograms, in order. */
export function encodeHistogramsRecord(
  type: number,
  histograms: readonly LoggedHistogram[],
): Uint8Array {
  const writer = new ByteWriter(32 + 128 * histograms.length);
  writer.u8(type);
  const first = histograms[0];
  if (first === undefined) return writer.bytes();
  const place = hasStartTimes(type) ? new StartTimeWriter(writer) : undefined;
  if (place === undefined) {
    writer.i64be(first.ref);
    writer.i64be(first.time);
  }
  for (const { ref, time, startTime, bytes } of histograms) {
    if (place === undefined) {
      writer.varint(ref - first.ref);
      writer.varint(time - first.time);
    } else {
      place.next(ref, time, startTime);
    }
    writer.raw(bytes);
  }
  return writer.bytes();
}

/** The histograms at `minTime` or later as a record; `record` itself when all are, undefined when none is. */
export function filterHistogramsRecord(
  record: Uint8Array,
  minTime: number,
): Uint8Array | undefined {
  const kept: LoggedHistogram[] = [];
  let count = 0;
  decodeHistogramsRecord(record, (histogram) => {
    count++;
    if (histogram.time >= minTime) kept.push(histogram);
  });
  if (kept.length === count) return record;
  return kept.length === 0 ? undefined : encodeHistogramsRecord(record[0]!, kept);
}

/** The encoding of one histogram; its sum is told by bits, so that a staleness marker keeps them. */
export function encodeHistogram(h: Histogram, sumHigh: number, sumLow: number): Uint8Array {
  const writer = new ByteWriter(96 + 10 * (h.positiveBuckets.length + h.negativeBuckets.length));
  writer.u8(h.counterResetHint);
  writer.varint(h.schema);
  writer.f64be(h.zeroThreshold);
  if (h.isFloat) {
    writer.f64be(h.zeroCount);
    writer.f64be(h.count);
  } else {
    writer.uvarint(h.zeroCount);
    writer.uvarint(h.count);
  }
  writer.u32be(sumHigh);
  writer.u32be(sumLow);
  for (const spans of [h.positiveSpans, h.negativeSpans]) {
    writer.uvarint(spans.length / 2);
    for (let i = 0; i < spans.length; i += 2) {
      writer.varint(spans[i]!);
      writer.uvarint(spans[i + 1]!);
    }
  }
  for (const buckets of [h.positiveBuckets, h.negativeBuckets]) {
    writer.uvarint(buckets.length);
    for (let i = 0; i < buckets.length; i++) {
      if (h.isFloat) writer.f64be(buckets[i]!);
      else writer.varint(buckets[i]! - (i === 0 ? 0 : buckets[i - 1]!));
    }
  }
  if (h.schema === CUSTOM_BUCKETS_SCHEMA) {
    writer.uvarint(h.customValues.length);
    for (const bound of h.customValues) writer.f64be(bound);
  }
  return writer.bytes();
}

/** A decoded histogram and the bits of its sum. */
export interface DecodedHistogram {
  readonly histogram: Histogram;
  readonly sumHigh: number;
  readonly sumLow: number;
}

/** @throws DecodeError */
export function decodeHistogram(bytes: Uint8Array, isFloat: boolean): DecodedHistogram {
  const reader = new Reader(bytes);
  const counterResetHint = reader.u8() as CounterResetHint;
  const schema = reader.varint();
  const zeroThreshold = reader.f64be();
  const zeroCount = isFloat ? reader.f64be() : reader.uvarint();
  const count = isFloat ? reader.f64be() : reader.uvarint();
  const sumHigh = reader.u32be();
  const sumLow = reader.u32be();
  const words = new DataView(new ArrayBuffer(8));
  words.setUint32(0, sumHigh);
  words.setUint32(4, sumLow);
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const positiveBuckets = readBuckets(reader, isFloat);
  const negativeBuckets = readBuckets(reader, isFloat);
  const custom = schema === CUSTOM_BUCKETS_SCHEMA ? reader.uvarint() : 0;
  const histogram = new Histogram({
    counterResetHint,
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum: words.getFloat64(0),
    positiveSpans,
    negativeSpans,
    positiveBuckets,
    negativeBuckets,
    customValues: readFloats(reader, custom),
    isFloat,
  });
  return { histogram, sumHigh, sumLow };
}

function readSpans(reader: ByteReader): Int32Array {
  const count = bounded(reader, reader.uvarint(), 2);
  const spans = new Int32Array(2 * count);
  for (let i = 0; i < 2 * count; i += 2) {
    spans[i] = reader.varint();
    spans[i + 1] = reader.uvarint();
  }
  return spans;
}

function readBuckets(reader: ByteReader, isFloat: boolean): Float64Array {
  const count = reader.uvarint();
  if (isFloat) return readFloats(reader, count);
  const buckets = new Float64Array(bounded(reader, count, 1));
  let value = 0;
  for (let i = 0; i < buckets.length; i++) {
    value += reader.varint();
    buckets[i] = value;
  }
  return buckets;
}

function readFloats(reader: ByteReader, count: number): Float64Array {
  const values = new Float64Array(bounded(reader, count, 8));
  for (let i = 0; i < values.length; i++) values[i] = reader.f64be();
  return values;
}

/** A count that what is left can hold: no more is allocated than the bytes are worth. */
function bounded(reader: ByteReader, count: number, bytesEach: number): number {
  if (count * bytesEach > reader.left) {
    throw new DecodeError(`${count} entries wanted, ${reader.left} bytes left`);
  }
  return count;
}

/** The record type for histograms of a kind; with start times the kind of buckets makes no difference. */
export function histogramRecordType(isFloat: boolean, isCustom: boolean, hasStart = false): number {
  if (hasStart) {
    return isFloat ? RecordType.floatHistogramsWithStart : RecordType.histogramsWithStart;
  }
  if (isCustom) return isFloat ? RecordType.customFloatHistograms : RecordType.customHistograms;
  return isFloat ? RecordType.floatHistograms : RecordType.histograms;
}
