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
import { ByteReader as Reader, ByteWriter } from '../../encoding/index.ts';
import { RecordType, StartTimePlaces, StartTimeWriter } from './records.ts';

export const CUSTOM_BUCKETS_SCHEMA = -53;

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
