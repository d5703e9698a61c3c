// SPDX-License-Identifier: Apache-2.0
// nflogpb.MeshEntry, as upstream stores and gossips it.
//
//   MeshEntry  1 entry  2 expires_at
//   Entry      1 group_key (bytes)  2 receiver { 1 group_name  2 integration  3 idx }  3 group_hash
//              5 timestamp  6 firing_alerts (uint64)  7 resolved_alerts (uint64)
//              8 receiver_data map<string, { 1 str | 2 int | 3 double }>

import { ProtobufReader, ProtobufWriter } from '../../encoding/index.ts';
import { readTimestamp, writeTimestamp } from '../timestamp-message.ts';
import type { LogEntry, ReceiverValue } from './log-entry.ts';

/** A 64-bit hash, 16 hexadecimal digits, as a varint. */
function writeHash(writer: ProtobufWriter, hash: string): void {
  let high = Number(`0x${hash.slice(0, 8)}`);
  let low = Number(`0x${hash.slice(8)}`);
  for (;;) {
    const byte = low & 127;
    low = ((low >>> 7) | ((high & 127) << 25)) >>> 0;
    high >>>= 7;
    if (low === 0 && high === 0) {
      writer.u8(byte);
      return;
    }
    writer.u8(byte | 128);
  }
}

function writeHashes(writer: ProtobufWriter, field: number, hashes: readonly string[]): void {
  if (hashes.length === 0) return;
  const inner = new ProtobufWriter(16 * hashes.length);
  for (const hash of hashes) writeHash(inner, hash);
  writer.bytesField(field, inner.bytes());
}

function writeReceiverValue(writer: ProtobufWriter, key: string, value: ReceiverValue): void {
  const inner = new ProtobufWriter(64);
  if (typeof value === 'string') inner.textField(1, value);
  else if (Number.isInteger(value)) inner.signedField(2, value);
  else inner.doubleField(3, value);
  const entry = new ProtobufWriter(64);
  entry.textField(1, key);
  entry.bytesField(2, inner.bytes());
  writer.bytesField(8, entry.bytes());
}

export function encodeEntry(entry: LogEntry): Uint8Array {
  const writer = new ProtobufWriter(256);
  writer.textField(1, entry.groupKey);
  const receiver = new ProtobufWriter(64);
  receiver.textField(1, entry.receiver);
  receiver.textField(2, entry.integration);
  if (entry.index !== 0) receiver.unsignedField(3, entry.index);
  writer.bytesField(2, receiver.bytes());
  writeTimestamp(writer, 5, entry.timestampMs);
  writeHashes(writer, 6, entry.firing);
  writeHashes(writer, 7, entry.resolved);
  for (const [key, value] of Object.entries(entry.receiverData))
    writeReceiverValue(writer, key, value);
  const mesh = new ProtobufWriter(512);
  mesh.bytesField(1, writer.bytes());
  writeTimestamp(mesh, 2, entry.expiresAtMs);
  return mesh.bytes();
}

function hashesOf(bytes: Uint8Array): string[] {
  const hashes: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    let low = 0;
    let high = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      const part = byte & 127;
      if (shift < 32) low = (low | (part << shift)) >>> 0;
      if (shift > 25)
        high = (high | (shift < 32 ? part >>> (32 - shift) : part << (shift - 32))) >>> 0;
      if (byte < 128) break;
    }
    hashes.push(high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0'));
  }
  return hashes;
}

type Draft = { -readonly [K in keyof LogEntry]: LogEntry[K] };

function readReceiver(reader: ProtobufReader, draft: Draft): void {
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) draft.receiver = reader.text();
    else if (reader.field === 2) draft.integration = reader.text();
    else if (reader.field === 3) draft.index = reader.unsigned();
    else reader.skip();
  }
  reader.leave(outer);
}

function readReceiverValue(reader: ProtobufReader): ReceiverValue {
  let value: ReceiverValue = '';
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) value = reader.text();
    else if (reader.field === 2) value = reader.signed();
    else if (reader.field === 3) value = reader.double();
    else reader.skip();
  }
  reader.leave(outer);
  return value;
}

function readReceiverData(reader: ProtobufReader, draft: Draft): void {
  let key = '';
  let value: ReceiverValue = '';
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) value = readReceiverValue(reader);
    else reader.skip();
  }
  reader.leave(outer);
  draft.receiverData = { ...draft.receiverData, [key]: value };
}

function readEntry(reader: ProtobufReader, draft: Draft): void {
  const outer = reader.enter();
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        draft.groupKey = reader.text();
        break;
      case 2:
        readReceiver(reader, draft);
        break;
      case 5:
        draft.timestampMs = readTimestamp(reader);
        break;
      case 6:
        draft.firing = draft.firing.concat(hashesOf(reader.varintBytes()));
        break;
      case 7:
        draft.resolved = draft.resolved.concat(hashesOf(reader.varintBytes()));
        break;
      case 8:
        readReceiverData(reader, draft);
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(outer);
}

/** @throws DecodeError */
export function decodeEntry(bytes: Uint8Array): LogEntry {
  const draft: Draft = {
    groupKey: '',
    receiver: '',
    integration: '',
    index: 0,
    timestampMs: 0,
    firing: [],
    resolved: [],
    expiresAtMs: 0,
    receiverData: {},
  };
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) readEntry(reader, draft);
    else if (reader.field === 2) draft.expiresAtMs = readTimestamp(reader);
    else reader.skip();
  }
  return draft;
}
