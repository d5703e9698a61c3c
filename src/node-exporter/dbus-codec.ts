// SPDX-License-Identifier: Apache-2.0
// D-Bus messages as bytes: little end first, values aligned to their size.
//
//   u8 byte order, type, flags, version | u32 body bytes | u32 serial | a(yv) fields | padding | body

import { SourceError } from './text.ts';

/** What a D-Bus value becomes: structures, arrays and dictionaries are arrays. */
export type DbusValue = number | string | boolean | readonly DbusValue[];

export const MessageType = { call: 1, reply: 2, error: 3, signal: 4 } as const;

const FIELD_PATH = 1;
const FIELD_INTERFACE = 2;
const FIELD_MEMBER = 3;
const FIELD_ERROR_NAME = 4;
const FIELD_REPLY_SERIAL = 5;
const FIELD_DESTINATION = 6;
const FIELD_SIGNATURE = 8;

const HEADER_BYTES = 16;
/** The specification's own limit. */
const MESSAGE_BYTES_MAX = 128 * 1024 * 1024;

class ByteWriter {
  private bytes = new Uint8Array(256);
  length = 0;

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  align(size: number): void {
    const padded = (this.length + size - 1) & ~(size - 1);
    this.reserve(padded - this.length);
    this.length = padded;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  word(value: number): void {
    this.align(4);
    this.reserve(4);
    new DataView(this.bytes.buffer).setUint32(this.length, value, true);
    this.length += 4;
  }

  text(value: string): void {
    const encoded = new TextEncoder().encode(value);
    this.word(encoded.length);
    this.raw(encoded);
    this.byte(0);
  }

  signature(value: string): void {
    this.byte(value.length);
    this.raw(new TextEncoder().encode(value));
    this.byte(0);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  result(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

export interface MethodCall {
  readonly serial: number;
  /** Empty on a connection that has no bus in between. */
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** All arguments that we ever send are text. */
  readonly parameters: readonly string[];
}

export function encodeCall(call: MethodCall): Uint8Array {
  const body = new ByteWriter();
  for (const parameter of call.parameters) body.text(parameter);
  const header = new ByteWriter();
  for (const byte of ['l'.charCodeAt(0), MessageType.call, 0, 1]) header.byte(byte);
  header.word(body.length);
  header.word(call.serial);
  const fields = new ByteWriter();
  const field = (code: number, type: string, value: string): void => {
    fields.align(8);
    fields.byte(code);
    fields.signature(type);
    if (type === 'g') fields.signature(value);
    else fields.text(value);
  };
  field(FIELD_PATH, 'o', call.path);
  field(FIELD_INTERFACE, 's', call.interface);
  field(FIELD_MEMBER, 's', call.member);
  if (call.destination !== '') field(FIELD_DESTINATION, 's', call.destination);
  if (call.parameters.length > 0) field(FIELD_SIGNATURE, 'g', 's'.repeat(call.parameters.length));
  header.word(fields.length);
  header.raw(fields.result());
  header.align(8);
  header.raw(body.result());
  return header.result();
}

/** End of the complete type that starts at `at` of a signature. */
function typeEnd(signature: string, at: number): number {
  const c = signature[at];
  if (c === 'a') return typeEnd(signature, at + 1);
  if (c !== '(' && c !== '{') return at + 1;
  let depth = 0;
  for (let i = at; i < signature.length; i++) {
    if ('({'.includes(signature[i]!)) depth++;
    else if (')}'.includes(signature[i]!) && --depth === 0) return i + 1;
  }
  throw new SourceError(`malformed D-Bus signature ${JSON.stringify(signature)}`);
}

const alignments: Readonly<Record<string, number>> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, h: 4 },
  ...{ x: 8, t: 8, d: 8, '(': 8, '{': 8 },
};
const NESTING_MAX = 64;

class ByteReader {
  private readonly view: DataView;
  private readonly littleEnd: boolean;
  position: number;

  constructor(bytes: Uint8Array, position: number, littleEnd: boolean) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.littleEnd = littleEnd;
  }

  align(size: number): void {
    this.position = (this.position + size - 1) & ~(size - 1);
  }

  private word(): number {
    const value = this.view.getUint32(this.position, this.littleEnd);
    this.position += 4;
    return value;
  }

  private text(length: number): string {
    const start = this.view.byteOffset + this.position;
    const value = new TextDecoder().decode(new Uint8Array(this.view.buffer, start, length));
    this.position += length + 1;
    return value;
  }

  signature(): string {
    const length = this.view.getUint8(this.position++);
    return this.text(length);
  }

  /** All values of a signature. */
  values(signature: string, depth = 0): DbusValue[] {
    const found: DbusValue[] = [];
    for (let at = 0; at < signature.length; ) {
      const end = typeEnd(signature, at);
      found.push(this.value(signature.slice(at, end), depth));
      at = end;
    }
    return found;
  }

  private value(type: string, depth: number): DbusValue {
    if (depth > NESTING_MAX) throw new SourceError('D-Bus values nested too deep');
    this.align(alignments[type[0]!] ?? 1);
    switch (type[0]) {
      case 'y':
        return this.view.getUint8(this.position++);
      case 'n':
      case 'q':
        this.position += 2;
        return this.view.getUint16(this.position - 2, this.littleEnd);
      case 'b':
        return this.word() !== 0;
      case 'i':
        return this.word() | 0;
      case 'u':
      case 'h':
        return this.word();
      case 'x':
      case 't': {
        const [first, second] = [this.word(), this.word()];
        const [low, high] = this.littleEnd ? [first, second] : [second, first];
        return (type === 'x' ? high | 0 : high) * 2 ** 32 + low;
      }
      case 'd':
        this.position += 8;
        return this.view.getFloat64(this.position - 8, this.littleEnd);
      case 's':
      case 'o':
        return this.text(this.word());
      case 'g':
        return this.signature();
      case 'v':
        return this.values(this.signature(), depth + 1)[0] ?? '';
      case 'a':
        return this.array(type.slice(1), depth);
      default:
        return this.values(type.slice(1, -1), depth + 1);
    }
  }

  private array(type: string, depth: number): DbusValue[] {
    const length = this.word();
    this.align(alignments[type[0]!] ?? 1);
    const end = this.position + length;
    const found: DbusValue[] = [];
    while (this.position < end) found.push(this.value(type, depth + 1));
    return found;
  }
}

export interface DbusMessage {
  readonly type: number;
  /** Of the call that this answers; 0 for others. */
  readonly replySerial: number;
  readonly errorName: string;
  readonly body: readonly DbusValue[];
}

const isLittleEnd = (bytes: Uint8Array): boolean => bytes[0] === 'l'.charCodeAt(0);

/** Length of the message at the start of `bytes`; undefined before its header is complete. */
export function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = view.getUint32(4, isLittleEnd(bytes));
  const fields = view.getUint32(12, isLittleEnd(bytes));
  const length = ((HEADER_BYTES + fields + 7) & ~7) + body;
  if (length > MESSAGE_BYTES_MAX || length < HEADER_BYTES)
    throw new SourceError(`a D-Bus message of ${length} bytes is too long`);
  return length;
}

/** One whole message. @throws SourceError, RangeError for one that contradicts itself */
export function decodeMessage(bytes: Uint8Array): DbusMessage {
  const reader = new ByteReader(bytes, 12, isLittleEnd(bytes));
  const fields = new Map<DbusValue, DbusValue>();
  for (const field of reader.values('a(yv)')[0] as readonly DbusValue[]) {
    const [code, value] = field as readonly DbusValue[];
    if (code !== undefined && value !== undefined) fields.set(code, value);
  }
  reader.align(8);
  return {
    type: bytes[1] ?? 0,
    replySerial: Number(fields.get(FIELD_REPLY_SERIAL) ?? 0),
    errorName: String(fields.get(FIELD_ERROR_NAME) ?? ''),
    body: reader.values(String(fields.get(FIELD_SIGNATURE) ?? '')),
  };
}
