// SPDX-License-Identifier: Apache-2.0
// Reads a profile as tools do: only what the tests look at.

import { gunzipSync } from 'node:zlib';
import { ProtobufReader } from '../../src/encoding/index.ts';

export interface ReadProfile {
  readonly valueTypes: readonly string[];
  readonly samples: readonly {
    /** `name file:line`, innermost first. */
    readonly stack: readonly string[];
    readonly values: readonly number[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
  readonly periodType: string;
  readonly timeSeconds: number;
}

/** Fields of a message, each with all its values; nested ones as bytes. */
function fieldsOf(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const fields = new Map<number, (number | Uint8Array)[]>();
  for (let at = 0; at < bytes.length; ) {
    const reader = new ProtobufReader(bytes, at);
    const key = reader.uvarint();
    const number = Math.floor(key / 8);
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    if (key % 8 === 0) values.push(reader.uvarint());
    else if (key % 8 === 2) {
      const length = reader.uvarint();
      values.push(bytes.slice(reader.position, reader.position + length));
      reader.position += length;
    } else throw new Error(`wire type ${key % 8} in a profile`);
    at = reader.position;
  }
  return fields;
}

function unpack(bytes: Uint8Array): number[] {
  const reader = new ProtobufReader(bytes);
  const numbers: number[] = [];
  while (reader.position < bytes.length) numbers.push(reader.uvarint());
  return numbers;
}

export function readPprof(gzipped: Uint8Array): ReadProfile {
  const profile = fieldsOf(gunzipSync(gzipped));
  const messages = (field: number): Map<number, (number | Uint8Array)[]>[] =>
    (profile.get(field) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));
  const texts = (profile.get(6) ?? []).map((bytes) =>
    new TextDecoder().decode(bytes as Uint8Array),
  );
  const number = (message: Map<number, (number | Uint8Array)[]>, field: number): number =>
    Number(message.get(field)?.[0] ?? 0);
  const text = (message: Map<number, (number | Uint8Array)[]>, field: number): string =>
    texts[number(message, field)] ?? 'no such text';
  const valueType = (message: Map<number, (number | Uint8Array)[]>): string =>
    `${text(message, 1)}/${text(message, 2)}`;
  const functions = new Map(
    messages(5).map((message) => [number(message, 1), `${text(message, 2)} ${text(message, 4)}`]),
  );
  const locations = new Map(
    messages(4).map((message) => {
      const line = fieldsOf(message.get(4)?.[0] as Uint8Array);
      return [number(message, 1), `${functions.get(number(line, 1))}:${number(line, 2)}`];
    }),
  );
  const [periodType = new Map()] = messages(11);
  return {
    valueTypes: messages(1).map(valueType),
    samples: messages(2).map((message) => ({
      stack: unpack(message.get(1)?.[0] as Uint8Array).map((id) => locations.get(id) ?? 'none'),
      values: unpack(message.get(2)?.[0] as Uint8Array),
      labels: Object.fromEntries(
        (message.get(3) ?? []).map((bytes) => {
          const label = fieldsOf(bytes as Uint8Array);
          return [text(label, 1), text(label, 2)];
        }),
      ),
    })),
    periodType: valueType(periodType),
    timeSeconds: number(profile, 9) / 1e9,
  };
}
