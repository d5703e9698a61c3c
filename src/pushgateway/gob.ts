// SPDX-License-Identifier: Apache-2.0
// Reads the persistence file of the Go Pushgateway, so that one can be taken over: Go's encoding/gob of
//
//   map[string]{ Labels map[string]string; Metrics map[string]{ Timestamp time.Time; Family bytes } }
//
// where the family is a MetricFamily message. The stream describes its own types; only this one is known
// here, so the descriptions are skipped. Source: the documentation of encoding/gob.

import { parseProtobufFamily } from '../exposition/index.ts';
import type { MetricFamily } from '../model/index.ts';
import { groupingOf } from './grouping.ts';
import { RecordEncoder, RecordKind } from './record.ts';
import { sorted, sortKey } from './sanitize.ts';

/** Bytes that are no such stream. */
export class GobError extends Error {
  override name = 'GobError';
}

/** Seconds from the year 1, where Go counts from, to 1970. */
const UNIX_EPOCH_SECONDS = 62_135_596_800;

class GobReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  /** One byte below 128, or the negated number of bytes that follow, most significant first. */
  uint(): number {
    const first = this.bytes[this.position++];
    if (first === undefined) throw new GobError('the stream ends too early');
    if (first < 128) return first;
    const length = 256 - first;
    if (length > 8 || length > this.left) throw new GobError('a number is too long');
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + this.bytes[this.position++]!;
    return value;
  }

  /** The lowest bit is the sign. */
  int(): number {
    const value = this.uint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(): Uint8Array {
    const length = this.uint();
    if (length > this.left) throw new GobError('the stream ends too early');
    this.position += length;
    return this.bytes.slice(this.position - length, this.position);
  }

  text(): string {
    try {
      return this.decoder.decode(this.raw());
    } catch (error) {
      if (error instanceof GobError) throw error;
      throw new GobError('a text is not UTF-8');
    }
  }

  /** Calls `read` with the number of each field of a struct that is there, from 0. */
  fields(read: (field: number) => void): void {
    let field = -1;
    for (;;) {
      const delta = this.uint();
      if (delta === 0) return;
      field += delta;
      read(field);
    }
  }

  /** Calls `read` for each entry of a map, to read its key and value. */
  entries(read: () => void): void {
    const count = this.uint();
    if (count > this.left) throw new GobError('a map is too long');
    for (let i = 0; i < count; i++) read();
  }

  /** What `time.Time` marshals to: version, seconds, nanoseconds, offset. */
  timeMs(): number {
    const start = this.position;
    const bytes = this.raw();
    if (bytes.length < 13) throw new GobError(`a time at ${start} is too short`);
    const view = new DataView(bytes.buffer);
    const seconds = view.getInt32(1) * 4294967296 + view.getUint32(5) - UNIX_EPOCH_SECONDS;
    return Math.max(0, Math.round(seconds * 1000 + view.getInt32(9) / 1e6));
  }

  /** Moves to the value: past the messages that describe types, which have negative ids. */
  findValue(): void {
    for (;;) {
      const length = this.uint();
      const end = this.position + length;
      if (end > this.view.byteLength) throw new GobError('the stream ends too early');
      if (this.int() > 0) break;
      this.position = end;
    }
    // A value that is no struct stands as if it were the only field of one.
    if (this.uint() !== 0) throw new GobError('the value is no map');
  }
}

interface GobGroup {
  readonly labels: Map<string, string>;
  readonly families: { readonly family: MetricFamily; readonly timeMs: number }[];
}

function readFamily(reader: GobReader, into: GobGroup): void {
  let timeMs = 0;
  let family: MetricFamily | undefined;
  reader.text();
  reader.fields((field) => {
    if (field === 0) timeMs = reader.timeMs();
    else if (field === 1) family = parseProtobufFamily(reader.raw());
    else throw new GobError(`a family has field ${field}`);
  });
  if (family !== undefined) into.families.push({ family, timeMs });
}

function readGroup(reader: GobReader): GobGroup {
  const group: GobGroup = { labels: new Map(), families: [] };
  // The grouping key, which has bytes between its texts that are not UTF-8.
  reader.raw();
  reader.fields((field) => {
    if (field === 0) reader.entries(() => group.labels.set(reader.text(), reader.text()));
    else if (field === 1) reader.entries(() => readFamily(reader, group));
    else throw new GobError(`a group has field ${field}`);
  });
  return group;
}

/**
 * The records that make what the file holds.
 * @throws GobError or DecodeError where it is no such file
 */
export function recordsOfGob(bytes: Uint8Array): Uint8Array[] {
  const reader = new GobReader(bytes);
  const groups: GobGroup[] = [];
  reader.findValue();
  reader.entries(() => void groups.push(readGroup(reader)));
  const encoder = new RecordEncoder();
  return groups.map(({ labels, families }) => {
    const written = families.map(({ family, timeMs }) => {
      const { name, help, type, unit = '', metrics } = family;
      const keys = metrics.map((metric) => sortKey(metric.labels));
      return { family: { name, help, type, unit, ...sorted(metrics, keys) }, timeMs };
    });
    const { pairs } = groupingOf(labels);
    return encoder.encode({ kind: RecordKind.replace, pairs }, written).bytes;
  });
}
