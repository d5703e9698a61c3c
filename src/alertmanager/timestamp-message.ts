// SPDX-License-Identifier: Apache-2.0
// google.protobuf.Timestamp: seconds and nanoseconds.

import type { ProtobufReader } from '../encoding/index.ts';
import { ProtobufWriter } from '../encoding/index.ts';

export function writeTimestamp(writer: ProtobufWriter, field: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  const inner = new ProtobufWriter(16);
  if (seconds !== 0) inner.signedField(1, seconds);
  if (nanos !== 0) inner.signedField(2, nanos);
  writer.bytesField(field, inner.bytes());
}

/** Milliseconds since the epoch, whole. */
export function readTimestamp(reader: ProtobufReader): number {
  const outer = reader.enter();
  let seconds = 0;
  let nanos = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.signed();
    else if (reader.field === 2) nanos = reader.signed();
    else reader.skip();
  }
  reader.leave(outer);
  return seconds * 1000 + Math.floor(nanos / 1e6);
}
