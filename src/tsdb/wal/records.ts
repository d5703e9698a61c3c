// SPDX-License-Identifier: Apache-2.0
// The payloads of WAL records, as Prometheus writes them. Fragments, pages and segments around them are
// in writer.ts and reader.ts.
//
//   series  (1): for each series: ref u64 big-endian, uvarint labels, then uvarint-prefixed texts
//   samples (2): first ref u64, first time i64 (both big-endian), then for each sample
//                varint ref - first ref, varint time - first time, value bits big-endian

import { ByteReader, ByteWriter } from '../../encoding/index.ts';
import type { Label, Labels } from '../../model/index.ts';

/** Where the head logs what it is about to apply. */
export interface WalSink {
  /**
   * Writes records, in order; they survive the death of the process when it returns. The bytes are read
   * during the call only. @throws StorageError `wal_write`: nothing of these records counts as written
   */
  log(records: readonly Uint8Array[]): void;
}

/** Types that this program reads; others are skipped and counted. */
export const RecordType = { series: 1, samples: 2 } as const;

/** Names of all types that upstream writes, for logs of what was skipped. */
export const recordTypeNames: Readonly<Record<number, string>> = {
  1: 'series',
  2: 'samples',
  3: 'tombstones',
  4: 'exemplars',
  5: 'mmap markers',
  6: 'metadata',
  7: 'histograms',
  8: 'float histograms',
  9: 'histograms with custom buckets',
  10: 'float histograms with custom buckets',
  11: 'samples with start times',
  12: 'histograms with start times',
  13: 'float histograms with start times',
};

/** One series as logged: its 64-bit ref in halves. */
export interface LoggedSeries {
  readonly refLow: number;
  readonly refHigh: number;
  readonly labels: Labels;
}

/** A series record. The result is fresh memory. */
export function encodeSeriesRecord(series: readonly LoggedSeries[]): Uint8Array {
  const writer = new ByteWriter(64 * series.length + 16);
  writer.u8(RecordType.series);
  for (const { refLow, refHigh, labels } of series) {
    writer.u32be(refHigh);
    writer.u32be(refLow);
    writer.uvarint(labels.length);
    for (const { name, value } of labels) {
      writer.text(name);
      writer.text(value);
    }
  }
  return writer.bytes();
}

/** Decodes a series record (type byte included). Refs beyond 2^53 are refused. @throws DecodeError */
export function decodeSeriesRecord(
  record: Uint8Array,
  visit: (ref: number, labels: Labels) => void,
): void {
  const reader = new ByteReader(record, 1);
  while (reader.left > 0) {
    const high = reader.u32be();
    const ref = high * 4294967296 + reader.u32be();
    const count = reader.uvarint();
    const labels: Label[] = [];
    for (let i = 0; i < count; i++) labels.push({ name: reader.text(), value: reader.text() });
    visit(ref, labels);
  }
}

/** Columns that samples are decoded into; the caller owns them. */
export interface ReplayColumns {
  /** WAL refs. */
  readonly refs: Float64Array;
  readonly times: Float64Array;
  /** Value bits as words, low first. */
  readonly valueBits: Uint32Array;
}

/** Most samples that a samples record of `length` bytes can hold. */
export const samplesMax = (length: number): number => Math.max(0, Math.floor((length - 17) / 10));

/**
 * Decodes a samples record (type byte included) to the columns at 0..n-1; returns n. The columns hold
 * {@link samplesMax}. @throws DecodeError
 */
export function decodeSamplesRecord(record: Uint8Array, out: ReplayColumns): number {
  const reader = new ByteReader(record, 1);
  if (reader.left === 0) return 0;
  const firstRefHigh = reader.u32be();
  const firstRef = firstRefHigh * 4294967296 + reader.u32be();
  const firstTimeHigh = reader.u32be() | 0;
  const firstTime = firstTimeHigh * 4294967296 + reader.u32be();
  let n = 0;
  while (reader.left > 0) {
    out.refs[n] = firstRef + reader.varint();
    out.times[n] = firstTime + reader.varint();
    out.valueBits[2 * n + 1] = reader.u32be();
    out.valueBits[2 * n] = reader.u32be();
    n++;
  }
  return n;
}

/**
 * A samples record from columns, for tools and tests; the head has a kernel that gives the same bytes.
 * Refs and times are whole numbers below 2^53.
 */
export function encodeSamplesRecord(columns: ReplayColumns, count: number): Uint8Array {
  const writer = new ByteWriter(17 + 28 * count);
  writer.u8(RecordType.samples);
  if (count === 0) return writer.bytes();
  const firstRef = columns.refs[0]!;
  const firstTime = columns.times[0]!;
  writer.i64be(firstRef);
  writer.i64be(firstTime);
  for (let i = 0; i < count; i++) {
    writer.varint(columns.refs[i]! - firstRef);
    writer.varint(columns.times[i]! - firstTime);
    writer.u32be(columns.valueBits[2 * i + 1]!);
    writer.u32be(columns.valueBits[2 * i]!);
  }
  return writer.bytes();
}
