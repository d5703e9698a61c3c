// SPDX-License-Identifier: Apache-2.0
// Records of a snapshot of the head's memory (`chunk_snapshot`), as Prometheus writes them.
//
//   series      1 | ref u64 | uvarint labels, their texts | next ref i64 | uvarint: 1 a chunk, 0 none
//               chunk: min time i64 | max time i64 | encoding u8 | uvarint length, data | what is last in it
//               last: of floats 56 zero bytes and the value f64; of histograms the histogram as in the WAL
//   tombstones  2 | uvarint length | version u8 1 | (uvarint ref | varint min time | varint max time)*
//   exemplars   3 | as in the WAL
//
// "Next ref" was a chunk range once and is read by no Prometheus any more: here the first ref that no
// series of the log has. Integers are big-endian. docs/formats/memory-snapshot.md has more.

import { ChunkEncoding, isFloatEncoding } from '../../chunks/index.ts';
import { ByteReader, ByteWriter, DecodeError } from '../../encoding/index.ts';
import type { Labels } from '../../model/index.ts';
import { readLabels, writeLabels } from '../wal/records.ts';
import type { LoggedTombstone } from '../wal/records-other.ts';
import { skipHistogram } from '../wal/records-histogram.ts';

export const SnapshotRecord = { series: 1, tombstones: 2, exemplars: 3 } as const;

const TOMBSTONES_VERSION = 1;
/** Of a float chunk: three samples and a time that are not used any more. */
const UNUSED_BYTES = 56;

export interface SnapshotChunk {
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  /** As in a block. */
  readonly data: Uint8Array;
}

export interface SnapshotSeries {
  readonly ref: number;
  readonly labels: Labels;
  readonly nextRef: number;
  readonly chunk: SnapshotChunk | undefined;
}

/** `valueBits`: low and high word of the chunk's last value. Float chunks only. */
export function encodeSnapshotSeries(
  series: SnapshotSeries,
  valueBits: readonly [low: number, high: number],
): Uint8Array {
  const { ref, labels, nextRef, chunk } = series;
  const writer = new ByteWriter(128 + 32 * labels.length + (chunk?.data.length ?? 0));
  writer.u8(SnapshotRecord.series);
  writer.i64be(ref);
  writeLabels(writer, labels);
  writer.i64be(nextRef);
  writer.uvarint(chunk === undefined ? 0 : 1);
  if (chunk === undefined) return writer.bytes();
  writer.i64be(chunk.minTime);
  writer.i64be(chunk.maxTime);
  writer.u8(chunk.encoding);
  writer.uvarint(chunk.data.length);
  writer.raw(chunk.data);
  writer.raw(new Uint8Array(UNUSED_BYTES));
  writer.u32be(valueBits[1]);
  writer.u32be(valueBits[0]);
  return writer.bytes();
}

/**
 * Decodes a series record (type byte included); the chunk's data are a view of it. An encoding that is not
 * known is an error: what the record holds could not be taken from anywhere else.
 * @throws DecodeError
 */
export function decodeSnapshotSeries(record: Uint8Array): SnapshotSeries {
  const reader = new ByteReader(record, 1);
  const ref = reader.i64be();
  const labels = readLabels(reader);
  const nextRef = reader.i64be();
  if (reader.uvarint() === 0) return { ref, labels, nextRef, chunk: undefined };
  return { ref, labels, nextRef, chunk: readChunk(record, reader) };
}

/** The chunk of a series record whose labels nobody wants. @throws DecodeError as decodeSnapshotSeries */
export function snapshotChunkOf(record: Uint8Array): SnapshotChunk | undefined {
  const reader = new ByteReader(record, 1);
  reader.skip(8);
  for (let texts = 2 * reader.uvarint(); texts > 0; texts--) reader.skip(reader.uvarint());
  reader.skip(8);
  return reader.uvarint() === 0 ? undefined : readChunk(record, reader);
}

function readChunk(record: Uint8Array, reader: ByteReader): SnapshotChunk {
  const minTime = reader.i64be();
  const maxTime = reader.i64be();
  const encoding = reader.u8();
  const length = reader.uvarint();
  const start = reader.position;
  reader.skip(length);
  if (encoding < ChunkEncoding.xor || encoding > ChunkEncoding.floatHistogramStart) {
    throw new DecodeError(`chunk encoding ${encoding} is not known`);
  }
  if (isFloatEncoding(encoding)) {
    reader.skip(UNUSED_BYTES + 8);
  } else {
    const { floatHistogram, floatHistogramStart } = ChunkEncoding;
    skipHistogram(reader, encoding === floatHistogram || encoding === floatHistogramStart);
  }
  return { minTime, maxTime, encoding, data: record.subarray(start, start + length) };
}

export function encodeSnapshotTombstones(stones: readonly LoggedTombstone[]): Uint8Array {
  const body = new ByteWriter(1 + 30 * stones.length);
  body.u8(TOMBSTONES_VERSION);
  for (const { ref, minTime, maxTime } of stones) {
    body.uvarint(ref);
    body.varint(minTime);
    body.varint(maxTime);
  }
  const bytes = body.bytes();
  const writer = new ByteWriter(bytes.length + 16);
  writer.u8(SnapshotRecord.tombstones);
  writer.uvarint(bytes.length);
  writer.raw(bytes);
  return writer.bytes();
}

/** @throws DecodeError */
export function decodeSnapshotTombstones(record: Uint8Array): LoggedTombstone[] {
  const reader = new ByteReader(record, 1);
  const length = reader.uvarint();
  const end = length + reader.position;
  const version = reader.u8();
  if (version !== TOMBSTONES_VERSION) throw new DecodeError(`tombstones of version ${version}`);
  const stones: LoggedTombstone[] = [];
  while (reader.position < end) {
    stones.push({ ref: reader.uvarint(), minTime: reader.varint(), maxTime: reader.varint() });
  }
  return stones;
}
