// SPDX-License-Identifier: Apache-2.0
// silencepb.MeshSilence, as upstream stores and gossips it.
//
//   MeshSilence  1 silence  2 expires_at
//   Silence      1 id  2 matchers  3 starts_at  4 ends_at  5 updated_at  7 comments (old)
//                8 created_by  9 comment  10 annotations  11 matcher_sets { 1 matchers }
//   Matcher      1 type  2 name  3 pattern

import { ProtobufReader, ProtobufWriter } from '../../encoding/index.ts';
import type { Matcher } from '../../model/index.ts';
import { readTimestamp, writeTimestamp } from '../timestamp-message.ts';
import type { Silence } from './silence.ts';

const types: readonly Matcher['type'][] = ['=', '=~', '!=', '!~'];

function matcherMessage({ type, name, value }: Matcher): Uint8Array {
  const writer = new ProtobufWriter(64);
  const code = types.indexOf(type);
  if (code !== 0) writer.unsignedField(1, code);
  writer.textField(2, name);
  writer.textField(3, value);
  return writer.bytes();
}

function silenceMessage(silence: Silence): Uint8Array {
  const writer = new ProtobufWriter(256);
  writer.textField(1, silence.id);
  for (const matcher of silence.matchers) writer.bytesField(2, matcherMessage(matcher));
  writeTimestamp(writer, 3, silence.startsAtMs);
  writeTimestamp(writer, 4, silence.endsAtMs);
  writeTimestamp(writer, 5, silence.updatedAtMs);
  if (silence.createdBy !== '') writer.textField(8, silence.createdBy);
  if (silence.comment !== '') writer.textField(9, silence.comment);
  for (const [key, value] of Object.entries(silence.annotations)) {
    const entry = new ProtobufWriter(64);
    entry.textField(1, key);
    entry.textField(2, value);
    writer.bytesField(10, entry.bytes());
  }
  // The first set stands twice: older readers know only field 2.
  for (const matchers of [silence.matchers, ...(silence.moreMatcherSets ?? [])]) {
    const set = new ProtobufWriter(128);
    for (const matcher of matchers) set.bytesField(1, matcherMessage(matcher));
    writer.bytesField(11, set.bytes());
  }
  return writer.bytes();
}

/** `expiresAtMs`: when it may be forgotten. */
export function encodeSilence(silence: Silence, expiresAtMs: number): Uint8Array {
  const writer = new ProtobufWriter(512);
  writer.bytesField(1, silenceMessage(silence));
  writeTimestamp(writer, 2, expiresAtMs);
  return writer.bytes();
}

/** Bytes of the silence alone: what `--silences.max-silence-size-bytes` limits. */
export const silenceBytes = (silence: Silence): number => silenceMessage(silence).length;

function readMatcher(reader: ProtobufReader): Matcher {
  const outer = reader.enter();
  let code = 0;
  let name = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) code = reader.unsigned();
    else if (reader.field === 2) name = reader.text();
    else if (reader.field === 3) value = reader.text();
    else reader.skip();
  }
  reader.leave(outer);
  return { name, type: types[code] ?? '=', value };
}

function readEntry(reader: ProtobufReader): [string, string] {
  const outer = reader.enter();
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) value = reader.text();
    else reader.skip();
  }
  reader.leave(outer);
  return [key, value];
}

/** The first comment of old snapshots: author and text. */
function readOldComment(reader: ProtobufReader): [string, string] {
  return readEntry(reader);
}

function readMatcherSet(reader: ProtobufReader): Matcher[] {
  const matchers: Matcher[] = [];
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) matchers.push(readMatcher(reader));
    else reader.skip();
  }
  reader.leave(outer);
  return matchers;
}

type Draft = { -readonly [K in keyof Silence]: Silence[K] } & { matchers: Matcher[] };

/** One field of a silence. */
function readField(reader: ProtobufReader, draft: Draft, sets: Matcher[][]): void {
  switch (reader.field) {
    case 1:
      draft.id = reader.text();
      return;
    case 2:
      draft.matchers.push(readMatcher(reader));
      return;
    case 3:
      draft.startsAtMs = readTimestamp(reader);
      return;
    case 4:
      draft.endsAtMs = readTimestamp(reader);
      return;
    case 5:
      draft.updatedAtMs = readTimestamp(reader);
      return;
    case 7: {
      const [author, text] = readOldComment(reader);
      if (draft.createdBy === '') draft.createdBy = author;
      if (draft.comment === '') draft.comment = text;
      return;
    }
    case 8:
      draft.createdBy = reader.text();
      return;
    case 9:
      draft.comment = reader.text();
      return;
    case 10: {
      const [key, value] = readEntry(reader);
      draft.annotations = { ...draft.annotations, [key]: value };
      return;
    }
    case 11:
      sets.push(readMatcherSet(reader));
      return;
    default:
      reader.skip();
  }
}

function readSilence(reader: ProtobufReader): Silence {
  const draft: Draft = {
    id: '',
    matchers: [],
    startsAtMs: 0,
    endsAtMs: 0,
    updatedAtMs: 0,
    createdBy: '',
    comment: '',
    annotations: {},
  };
  const sets: Matcher[][] = [];
  const outer = reader.enter();
  while (reader.next()) readField(reader, draft, sets);
  reader.leave(outer);
  const [first, ...more] = sets;
  if (first !== undefined) draft.matchers = first;
  return more.length === 0 ? draft : { ...draft, moreMatcherSets: more };
}

/** @throws DecodeError */
export function decodeSilence(bytes: Uint8Array): { silence: Silence; expiresAtMs: number } {
  const reader = new ProtobufReader(bytes);
  let silence: Silence | undefined;
  let expiresAtMs = 0;
  while (reader.next()) {
    if (reader.field === 1) silence = readSilence(reader);
    else if (reader.field === 2) expiresAtMs = readTimestamp(reader);
    else reader.skip();
  }
  if (silence === undefined) throw new Error('a silence message without a silence');
  return { silence, expiresAtMs };
}
