// SPDX-License-Identifier: Apache-2.0
// One change of the store as bytes: what the write-ahead log and the persistence file consist of, and
// where the metrics of a push live in memory. docs/formats/pushgateway.md has the picture.

import { ByteReader, DecodeError, ProtobufWriter } from '../encoding/index.ts';
import { parseProtobufMetrics } from '../exposition/index.ts';
import { ProtobufFamilyWriter } from '../metrics/index.ts';
import type { FamilyType, Metric } from '../model/index.ts';
import type { SanitizedFamily } from './sanitize.ts';

export const RecordKind = {
  /** The families of a group that are replaced; the others stay. */
  update: 1,
  /** The whole of a group: families that are not in it are gone. */
  replace: 2,
  /** A group is gone. */
  remove: 3,
  /** All groups are gone. */
  wipe: 4,
  /** The values that one pusher of a merged group pushed last. */
  pusher: 5,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

const kinds: ReadonlySet<number> = new Set(Object.values(RecordKind));

const types: readonly FamilyType[] = [
  'counter',
  'gauge',
  'summary',
  'untyped',
  'histogram',
  'gaugehistogram',
];

/** One family in a record: its metrics are fields of a MetricFamily message in `bytes[start, end)`. */
export interface RecordFamily {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly unit: string;
  /** When it was pushed. */
  readonly timeMs: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export interface StoreRecord {
  readonly kind: RecordKind;
  /** Grouping labels; empty for `wipe`. */
  readonly pairs: readonly string[];
  /** When the group expires; 0 = never. */
  readonly expiresMs: number;
  /** Of kind `pusher`: who. */
  readonly pusher: string;
  readonly families: readonly RecordFamily[];
}

/** The metrics of a family in a record. */
export const metricsOf = ({ bytes, start, end, type }: RecordFamily): Metric[] =>
  parseProtobufMetrics(bytes, start, end, type);

/** A family to be written: new, or as it is in another record. */
export type FamilyToWrite =
  | { readonly family: SanitizedFamily; readonly timeMs: number }
  | { readonly stored: RecordFamily };

export interface RecordHead {
  readonly kind: RecordKind;
  readonly pairs?: readonly string[];
  readonly expiresMs?: number;
  readonly pusher?: string;
}

/** Encodes records with scratch space of its own. */
export class RecordEncoder {
  private readonly record = new ProtobufWriter(4096);
  private readonly metrics = new ProtobufWriter(4096);
  private readonly writer = new ProtobufFamilyWriter();

  /** The bytes of a record, owned by the caller, and the families as they are in them. */
  encode(
    head: RecordHead,
    families: readonly FamilyToWrite[] = [],
  ): { readonly bytes: Uint8Array<ArrayBuffer>; readonly families: readonly RecordFamily[] } {
    const { record } = this;
    record.clear();
    this.head(head, families.length);
    const places: Omit<RecordFamily, 'bytes'>[] = [];
    for (const each of families) places.push(this.family(each));
    const bytes = record.bytes().slice();
    return { bytes, families: places.map((place) => ({ ...place, bytes })) };
  }

  /** A record of families that are in others already, as pieces: their bytes are not copied. */
  pieces(head: RecordHead, families: readonly RecordFamily[]): readonly Uint8Array[] {
    const { record } = this;
    record.clear();
    this.head(head, families.length);
    const pieces: Uint8Array[] = [];
    for (const family of families) {
      const { bytes, start, end } = family;
      this.familyHead(family);
      record.uvarint(end - start);
      pieces.push(record.bytes().slice(), bytes.subarray(start, end));
      record.clear();
    }
    if (families.length === 0) pieces.push(record.bytes().slice());
    return pieces;
  }

  private head(head: RecordHead, familyCount: number): void {
    const { record } = this;
    record.u8(head.kind);
    const pairs = head.pairs ?? [];
    record.uvarint(pairs.length);
    for (const text of pairs) record.text(text);
    record.uvarint(head.expiresMs ?? 0);
    record.text(head.pusher ?? '');
    record.uvarint(familyCount);
  }

  private familyHead(family: Omit<RecordFamily, 'bytes' | 'start' | 'end'>): void {
    const { record } = this;
    record.text(family.name);
    record.text(family.help);
    record.u8(types.indexOf(family.type));
    record.text(family.unit);
    record.uvarint(family.timeMs);
    record.uvarint(family.count);
  }

  private family(each: FamilyToWrite): Omit<RecordFamily, 'bytes'> {
    const { record, metrics } = this;
    const isNew = 'family' in each;
    const { name, help, type, unit } = isNew ? each.family : each.stored;
    const timeMs = isNew ? each.timeMs : each.stored.timeMs;
    const count = isNew ? each.family.metrics.length : each.stored.count;
    this.familyHead({ name, help, type, unit, timeMs, count });
    let body: Uint8Array;
    if (isNew) {
      metrics.clear();
      for (const metric of each.family.metrics) this.writer.metricField(metrics, type, metric);
      body = metrics.bytes();
    } else body = each.stored.bytes.subarray(each.stored.start, each.stored.end);
    record.uvarint(body.length);
    const start = record.bytes().length;
    record.raw(body);
    return { name, help, type, unit, timeMs, count, start, end: start + body.length };
  }
}

function decodeFamily(reader: ByteReader, bytes: Uint8Array): RecordFamily {
  const name = reader.text();
  const help = reader.text();
  const type = types[reader.u8()];
  if (type === undefined) throw new DecodeError('unknown type of a family');
  const unit = reader.text();
  const timeMs = reader.uvarint();
  const count = reader.uvarint();
  const length = reader.uvarint();
  const start = reader.position;
  const end = start + length;
  if (end > bytes.length) throw new DecodeError(`a family ends at ${end}, the record before`);
  reader.position = end;
  return { name, help, type, unit, timeMs, count, bytes, start, end };
}

/** @throws DecodeError */
export function decodeRecord(bytes: Uint8Array): StoreRecord {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  if (!kinds.has(kind)) throw new DecodeError(`unknown kind of record ${kind}`);
  const pairs: string[] = [];
  const pairCount = reader.uvarint();
  for (let i = 0; i < pairCount; i++) pairs.push(reader.text());
  const expiresMs = reader.uvarint();
  const pusher = reader.text();
  const familyCount = reader.uvarint();
  const families: RecordFamily[] = [];
  for (let i = 0; i < familyCount; i++) families.push(decodeFamily(reader, bytes));
  return { kind: kind as RecordKind, pairs, expiresMs, pusher, families };
}
