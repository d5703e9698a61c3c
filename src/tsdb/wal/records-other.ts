// SPDX-License-Identifier: Apache-2.0
// WAL records that come seldom: tombstones, exemplars, metadata, mmap markers, the time of a truncation.
//
//   tombstones  (3): for each interval: ref u64, varint min time, varint max time
//   exemplars   (4): first ref u64, first time i64; for each: varint ref - first, varint time - first, value
//                    f64, uvarint labels, then uvarint-prefixed texts
//   markers     (5): for each: ref u64, chunk ref u64 (file number, offset); WBL only
//   metadata    (6): for each: uvarint ref, type u8, uvarint fields, then (name, text) pairs: UNIT, HELP
//   valid time (14): time i64; checkpoints only
// Integers and floats of fixed size are big-endian.

import { ByteReader, ByteWriter } from '../../encoding/index.ts';
import type { Labels } from '../../model/index.ts';
import { RecordType, readLabels, writeLabels } from './records.ts';

/** Samples of a series with minTime <= time <= maxTime are deleted. */
export interface LoggedTombstone {
  readonly ref: number;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface LoggedExemplar {
  readonly ref: number;
  readonly time: number;
  readonly value: number;
  readonly labels: Labels;
}

/** `type` is upstream's number: see {@link metadataTypes}. */
export interface LoggedMetadata {
  readonly ref: number;
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

export interface MmapMarker {
  readonly ref: number;
  readonly file: number;
  readonly offsetBytes: number;
}

/** Types of metrics by their number in metadata records. */
export const metadataTypes: readonly string[] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

export function encodeTombstonesRecord(stones: readonly LoggedTombstone[]): Uint8Array {
  const writer = new ByteWriter(1 + 28 * stones.length);
  writer.u8(RecordType.tombstones);
  for (const { ref, minTime, maxTime } of stones) {
    writer.i64be(ref);
    writer.varint(minTime);
    writer.varint(maxTime);
  }
  return writer.bytes();
}

/** @throws DecodeError */
export function decodeTombstonesRecord(record: Uint8Array): LoggedTombstone[] {
  const reader = new ByteReader(record, 1);
  const stones: LoggedTombstone[] = [];
  while (reader.left > 0) {
    stones.push({ ref: reader.i64be(), minTime: reader.varint(), maxTime: reader.varint() });
  }
  return stones;
}

export function encodeExemplarsRecord(exemplars: readonly LoggedExemplar[]): Uint8Array {
  const writer = new ByteWriter(17 + 64 * exemplars.length);
  writer.u8(RecordType.exemplars);
  const first = exemplars[0];
  if (first === undefined) return writer.bytes();
  writer.i64be(first.ref);
  writer.i64be(first.time);
  for (const { ref, time, value, labels } of exemplars) {
    writer.varint(ref - first.ref);
    writer.varint(time - first.time);
    writer.f64be(value);
    writeLabels(writer, labels);
  }
  return writer.bytes();
}

/** @throws DecodeError */
export function decodeExemplarsRecord(record: Uint8Array): LoggedExemplar[] {
  const reader = new ByteReader(record, 1);
  const exemplars: LoggedExemplar[] = [];
  if (reader.left === 0) return exemplars;
  const firstRef = reader.i64be();
  const firstTime = reader.i64be();
  while (reader.left > 0) {
    exemplars.push({
      ref: firstRef + reader.varint(),
      time: firstTime + reader.varint(),
      value: reader.f64be(),
      labels: readLabels(reader),
    });
  }
  return exemplars;
}

export function encodeMetadataRecord(entries: readonly LoggedMetadata[]): Uint8Array {
  const writer = new ByteWriter(1 + 64 * entries.length);
  writer.u8(RecordType.metadata);
  for (const { ref, type, unit, help } of entries) {
    writer.uvarint(ref);
    writer.u8(type);
    writer.uvarint(2);
    writer.text('UNIT');
    writer.text(unit);
    writer.text('HELP');
    writer.text(help);
  }
  return writer.bytes();
}

/** Fields that are not known are passed over. @throws DecodeError */
export function decodeMetadataRecord(record: Uint8Array): LoggedMetadata[] {
  const reader = new ByteReader(record, 1);
  const entries: LoggedMetadata[] = [];
  while (reader.left > 0) {
    const ref = reader.uvarint();
    const type = reader.u8();
    let unit = '';
    let help = '';
    for (let fields = reader.uvarint(); fields > 0; fields--) {
      const name = reader.text();
      const text = reader.text();
      if (name === 'UNIT') unit = text;
      else if (name === 'HELP') help = text;
    }
    entries.push({ ref, type, unit, help });
  }
  return entries;
}

export function encodeMmapMarkersRecord(markers: readonly MmapMarker[]): Uint8Array {
  const writer = new ByteWriter(1 + 16 * markers.length);
  writer.u8(RecordType.mmapMarkers);
  for (const { ref, file, offsetBytes } of markers) {
    writer.i64be(ref);
    writer.u32be(file);
    writer.u32be(offsetBytes);
  }
  return writer.bytes();
}

/** @throws DecodeError */
export function decodeMmapMarkersRecord(record: Uint8Array): MmapMarker[] {
  const reader = new ByteReader(record, 1);
  const markers: MmapMarker[] = [];
  while (reader.left > 0) {
    markers.push({ ref: reader.i64be(), file: reader.u32be(), offsetBytes: reader.u32be() });
  }
  return markers;
}

export function encodeMinValidTimeRecord(minTime: number): Uint8Array {
  const writer = new ByteWriter(9);
  writer.u8(RecordType.minValidTime);
  writer.i64be(minTime);
  return writer.bytes();
}

/** @throws DecodeError */
export const decodeMinValidTimeRecord = (record: Uint8Array): number =>
  new ByteReader(record, 1).i64be();
