// SPDX-License-Identifier: Apache-2.0
// The payloads of WAL records, as Prometheus writes them: series and float samples here, the others in
// records-other.ts and records-histogram.ts. Fragments, pages and segments around them are in writer.ts and
// reader.ts; docs/formats/wal.md has the pictures.

import { ByteReader, ByteWriter, DecodeError } from '../../encoding/index.ts';
import type { Label, Labels } from '../../model/index.ts';

/** Where the head logs what it is about to apply. */
export interface WalSink {
  /**
   * Writes records, in order; they survive the death of the process when it returns. The bytes are read
   * during the call only. @throws StorageError `wal_write`: nothing of these records counts as written
   */
  log(records: readonly Uint8Array[]): void;
}

/** Where samples out of order are logged. */
export interface LateSink {
  /** `minTime`: of the oldest of the samples. @throws StorageError */
  log(records: readonly Uint8Array[], minTime: number): void;
}

export const RecordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  mmapMarkers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customHistograms: 9,
  customFloatHistograms: 10,
  samplesWithStart: 11,
  histogramsWithStart: 12,
  floatHistogramsWithStart: 13,
  /** In checkpoints only: the time that the truncation of the log used. */
  minValidTime: 14,
} as const;

/** One series as logged: its 64-bit ref in halves. */
export interface LoggedSeries {
  readonly refLow: number;
  readonly refHigh: number;
  readonly labels: Labels;
}

export function writeLabels(writer: ByteWriter, labels: Labels): void {
  writer.uvarint(labels.length);
  for (const { name, value } of labels) {
    writer.text(name);
    writer.text(value);
  }
}

export function readLabels(reader: ByteReader): Labels {
  const count = reader.uvarint();
  const labels: Label[] = [];
  for (let i = 0; i < count; i++) labels.push({ name: reader.text(), value: reader.text() });
  return labels;
}

/** A series record. The result is fresh memory. */
export function encodeSeriesRecord(series: readonly LoggedSeries[]): Uint8Array {
  const writer = new ByteWriter(64 * series.length + 16);
  writer.u8(RecordType.series);
  for (const { refLow, refHigh, labels } of series) {
    writer.u32be(refHigh);
    writer.u32be(refLow);
    writeLabels(writer, labels);
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
    const ref = reader.i64be();
    visit(ref, readLabels(reader));
  }
}

/** Where the texts of a logged series stand in its record. */
export class TextPlaces {
  /** Number of labels. */
  labels = 0;
  /** Start and length of a name, then of its value, and so on. */
  words = new Uint32Array(256);

  /** Reads the labels at the position of `reader`. @throws DecodeError */
  read(reader: ByteReader): void {
    const labels = reader.uvarint();
    // Each text takes a byte at least.
    if (2 * labels > reader.left) throw new DecodeError('a series has more labels than there are');
    if (this.words.length < 4 * labels) this.words = new Uint32Array(8 * labels);
    for (let i = 0; i < 4 * labels; i += 2) {
      const length = reader.uvarint();
      this.words[i] = reader.position;
      this.words[i + 1] = length;
      reader.skip(length);
    }
    this.labels = labels;
  }
}

/**
 * As {@link decodeSeriesRecord}, without making texts: `places` tells where those of the series stand while
 * `visit` is called for it. @throws DecodeError
 */
export function visitSeriesRecord(
  record: Uint8Array,
  places: TextPlaces,
  visit: (ref: number) => void,
): void {
  const reader = new ByteReader(record, 1);
  while (reader.left > 0) {
    const ref = reader.i64be();
    places.read(reader);
    visit(ref);
  }
}

/**
 * The parts of a series record for which `keep` holds, as a record of their own; `record` itself when all
 * do, undefined when none does. @throws DecodeError
 */
export function filterSeriesRecord(
  record: Uint8Array,
  keep: (ref: number) => boolean,
): Uint8Array | undefined {
  const reader = new ByteReader(record, 1);
  const kept: Uint8Array[] = [];
  let dropped = 0;
  while (reader.left > 0) {
    const start = reader.position;
    const ref = reader.i64be();
    const texts = 2 * reader.uvarint();
    for (let i = 0; i < texts; i++) reader.skip(reader.uvarint());
    if (keep(ref)) kept.push(record.subarray(start, reader.position));
    else dropped++;
  }
  if (dropped === 0) return record;
  if (kept.length === 0) return undefined;
  const writer = new ByteWriter(record.length);
  writer.u8(RecordType.series);
  for (const part of kept) writer.raw(part);
  return writer.bytes();
}

/** Columns that samples are decoded into; the caller owns them. */
export interface ReplayColumns {
  /** WAL refs. */
  readonly refs: Float64Array;
  readonly times: Float64Array;
  /** Value bits as words, low first. */
  readonly valueBits: Uint32Array;
  /** Start times, 0 where there is none; filled from records that have them. */
  readonly startTimes: Float64Array;
}

export const newReplayColumns = (capacity: number): ReplayColumns => ({
  refs: new Float64Array(capacity),
  times: new Float64Array(capacity),
  valueBits: new Uint32Array(2 * capacity),
  startTimes: new Float64Array(capacity),
});

/** Most samples that a samples record of `length` bytes, with start times or without, can hold. */
export const samplesMax = (length: number): number => Math.max(1, Math.floor((length + 7) / 10));

/**
 * Decodes a record of samples, with start times or without (type byte included), to the columns at 0..n-1;
 * returns n. The columns hold {@link samplesMax}. @throws DecodeError
 */
export function decodeSamplesRecord(record: Uint8Array, out: ReplayColumns): number {
  if (record[0] === RecordType.samplesWithStart) return decodeSamplesWithStart(record, out);
  const reader = new ByteReader(record, 1);
  if (reader.left === 0) return 0;
  const firstRef = reader.i64be();
  const firstTime = reader.i64be();
  let n = 0;
  while (reader.left > 0) {
    out.refs[n] = firstRef + reader.varint();
    out.times[n] = firstTime + reader.varint();
    out.valueBits[2 * n + 1] = reader.u32be();
    out.valueBits[2 * n] = reader.u32be();
    n++;
  }
  out.startTimes.fill(0, 0, n);
  return n;
}

function decodeSamplesWithStart(record: Uint8Array, out: ReplayColumns): number {
  const reader = new ByteReader(record, 1);
  if (reader.left === 0) return 0;
  const place = new StartTimePlaces(reader);
  let n = 0;
  while (n === 0 || reader.left > 0) {
    place.next();
    out.refs[n] = place.ref;
    out.times[n] = place.time;
    out.startTimes[n] = place.startTime;
    out.valueBits[2 * n + 1] = reader.u32be();
    out.valueBits[2 * n] = reader.u32be();
    n++;
  }
  return n;
}

const NO_START = 0;
const SAME_START = 1;
const EXPLICIT_START = 2;

/** Reads (ref, time, start time) of the entries of a record that has start times, one after the other. */
export class StartTimePlaces {
  ref = 0;
  time = 0;
  startTime = 0;
  private readonly reader: ByteReader;
  private firstTime = 0;
  private firstStart = 0;
  private isFirst = true;

  constructor(reader: ByteReader) {
    this.reader = reader;
  }

  next(): void {
    const { reader } = this;
    if (this.isFirst) {
      this.isFirst = false;
      this.ref = reader.varint();
      this.time = this.firstTime = reader.varint();
      this.startTime = this.firstStart = reader.varint();
      return;
    }
    this.ref += reader.varint();
    this.time = this.firstTime + reader.varint();
    const mark = reader.u8();
    if (mark === NO_START) this.startTime = 0;
    else if (mark !== SAME_START) this.startTime = this.firstStart + reader.varint();
  }
}

/** The same, writing. */
export class StartTimeWriter {
  private readonly writer: ByteWriter;
  private firstTime = 0;
  private firstStart = 0;
  private ref = 0;
  private startTime = 0;
  private isFirst = true;

  constructor(writer: ByteWriter) {
    this.writer = writer;
  }

  next(ref: number, time: number, startTime: number): void {
    const { writer } = this;
    if (this.isFirst) {
      this.isFirst = false;
      this.firstTime = time;
      this.firstStart = startTime;
      writer.varint(ref);
      writer.varint(time);
      writer.varint(startTime);
    } else {
      writer.varint(ref - this.ref);
      writer.varint(time - this.firstTime);
      if (startTime === 0) writer.u8(NO_START);
      else if (startTime === this.startTime) writer.u8(SAME_START);
      else {
        writer.u8(EXPLICIT_START);
        writer.varint(startTime - this.firstStart);
      }
    }
    this.ref = ref;
    this.startTime = startTime;
  }
}

/**
 * A samples record from columns, for tools, checkpoints and tests; the head has a kernel that gives the same
 * bytes. Refs and times are whole numbers below 2^53.
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

/** The same with start times. */
export function encodeSamplesWithStartRecord(columns: ReplayColumns, count: number): Uint8Array {
  const writer = new ByteWriter(1 + 38 * count);
  writer.u8(RecordType.samplesWithStart);
  const place = new StartTimeWriter(writer);
  for (let i = 0; i < count; i++) {
    place.next(columns.refs[i]!, columns.times[i]!, columns.startTimes[i]!);
    writer.u32be(columns.valueBits[2 * i + 1]!);
    writer.u32be(columns.valueBits[2 * i]!);
  }
  return writer.bytes();
}

/** The samples at `minTime` or later as a record; `record` itself when all are, undefined when none is. */
export function filterSamplesRecord(
  record: Uint8Array,
  minTime: number,
  scratch: (capacity: number) => ReplayColumns,
): Uint8Array | undefined {
  const columns = scratch(samplesMax(record.length));
  const count = decodeSamplesRecord(record, columns);
  const { refs, times, valueBits, startTimes } = columns;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (times[i]! < minTime) continue;
    refs[kept] = refs[i]!;
    times[kept] = times[i]!;
    startTimes[kept] = startTimes[i]!;
    valueBits[2 * kept] = valueBits[2 * i]!;
    valueBits[2 * kept + 1] = valueBits[2 * i + 1]!;
    kept++;
  }
  if (kept === count) return record;
  if (kept === 0) return undefined;
  return record[0] === RecordType.samplesWithStart
    ? encodeSamplesWithStartRecord(columns, kept)
    : encodeSamplesRecord(columns, kept);
}
