// SPDX-License-Identifier: Apache-2.0
// Protocol Buffers' wire format: fields of a message read and written one after the other. No schemas;
// who reads knows the numbers. Source: protobuf.dev, "Encoding".
//
//   field  = key value            key = uvarint(number << 3 | wire type)
//   value  = uvarint | 8 bytes | uvarint(length) bytes | 4 bytes      (wire types 0, 1, 2, 5)

import { ByteWriter, DecodeError } from './bytes.ts';

export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const TWO_32 = 4294967296;
const NUMBER_MAX = 536870911;

/** Bytes that end in the middle of a message: Go's `io.ErrUnexpectedEOF`. */
export class TruncatedError extends DecodeError {
  override name = 'TruncatedError';
}

/**
 * Reads the fields of one message in `bytes[position, end)`: `next()` moves to a field, then exactly one of
 * the value methods (or `skip`) takes its value. A nested message is entered with `enter` and left with
 * `leave`. All throw DecodeError.
 */
export class ProtobufReader {
  /** Number of the field that `next` found. */
  field = 0;
  position: number;
  private wireType = 0;
  private end: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.end = end;
  }

  /** Whether there is another field in the message. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const key = this.uvarint();
    this.field = Math.floor(key / 8);
    this.wireType = key % 8;
    if (this.field === 0 || this.field > NUMBER_MAX) this.invalid();
    return true;
  }

  private invalid(): never {
    throw new DecodeError('proto: cannot parse invalid wire-format data');
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) this.invalid();
  }

  /** An unsigned number; above 2^53 the nearest that there is. */
  uvarint(): number {
    const { bytes } = this;
    let low = 0;
    let shift = 1;
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.end) throw new TruncatedError('unexpected EOF');
      const byte = bytes[this.position++]!;
      low += (byte & 127) * shift;
      if (byte < 128) return low;
      shift *= 128;
    }
    return this.invalid();
  }

  /** The value of an unsigned field, or of a bool or an enum. */
  unsigned(): number {
    this.expect(WireType.varint);
    return this.uvarint();
  }

  /** The value of a signed field that is not zigzag (int32, int64): exact to 2^53. */
  signed(): number {
    this.expect(WireType.varint);
    return this.twosComplement();
  }

  private twosComplement(): number {
    const { bytes } = this;
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.end) throw new TruncatedError('unexpected EOF');
      const byte = bytes[this.position++]!;
      const part = byte & 127;
      if (i < 4) low += part * 2 ** (7 * i);
      else if (i === 4) {
        low += (part & 15) * 2 ** 28;
        high += part >>> 4;
      } else high += part * 2 ** (7 * i - 32);
      if (byte < 128) return ((high % TWO_32) | 0) * TWO_32 + low;
    }
    return this.invalid();
  }

  /** The value of a zigzag field (sint32, sint64): exact to 2^52. */
  zigzag(): number {
    this.expect(WireType.varint);
    return this.zigzagVarint();
  }

  private zigzagVarint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    this.expect(WireType.fixed64);
    return this.fixed64();
  }

  private fixed64(): number {
    if (this.end - this.position < 8) throw new TruncatedError('unexpected EOF');
    this.position += 8;
    return this.view.getFloat64(this.position - 8, true);
  }

  private length(): number {
    this.expect(WireType.bytes);
    const length = this.uvarint();
    if (length > this.end - this.position) throw new TruncatedError('unexpected EOF');
    return length;
  }

  /** A string. @throws DecodeError where it is not UTF-8 */
  text(): string {
    const length = this.length();
    const { bytes, position } = this;
    this.position += length;
    if (length < 24) {
      let text = '';
      let i = position;
      while (i < this.position && bytes[i]! < 0x80) text += String.fromCharCode(bytes[i++]!);
      if (i === this.position) return text;
    }
    return this.utf8(position, this.position);
  }

  private utf8(start: number, end: number): string {
    const text = this.decoder.decode(this.bytes.slice(start, end));
    if (text.includes('\ufffd') && !isUtf8(this.bytes, start, end)) {
      throw new DecodeError('proto: field contains invalid UTF-8');
    }
    return text;
  }

  /** Enters the message that is the field's value. @returns what {@link leave} needs */
  enter(): number {
    const length = this.length();
    const outer = this.end;
    this.end = this.position + length;
    return outer;
  }

  /** Leaves a message entered with {@link enter}, which must have been read to its end. */
  leave(outer: number): void {
    this.end = outer;
  }

  /** Adds the numbers of a repeated zigzag field, packed or not. */
  zigzags(into: number[]): void {
    if (this.wireType === WireType.varint) {
      into.push(this.zigzagVarint());
      return;
    }
    const outer = this.enter();
    while (this.position < this.end) into.push(this.zigzagVarint());
    this.leave(outer);
  }

  /** Adds the numbers of a repeated double field, packed or not. */
  doubles(into: number[]): void {
    if (this.wireType === WireType.fixed64) {
      into.push(this.fixed64());
      return;
    }
    const outer = this.enter();
    while (this.position < this.end) into.push(this.fixed64());
    this.leave(outer);
  }

  /**
   * The varints of a repeated field, packed or not, as bytes: for numbers above 2^53, which the caller
   * must take apart itself. A view, valid as long as the input.
   */
  varintBytes(): Uint8Array {
    const start = this.position;
    if (this.wireType === WireType.varint) {
      this.uvarint();
      return this.bytes.subarray(start, this.position);
    }
    const length = this.length();
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** Steps over the value, whatever it is. */
  skip(): void {
    let width = 0;
    if (this.wireType === WireType.varint) this.uvarint();
    else if (this.wireType === WireType.fixed64) width = 8;
    else if (this.wireType === WireType.fixed32) width = 4;
    else width = this.length();
    if (width > this.end - this.position) throw new TruncatedError('unexpected EOF');
    this.position += width;
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  try {
    strict.decode(bytes.slice(start, end));
    return true;
  } catch {
    return false;
  }
}

/** Writes the fields of messages. Nested messages are written to a writer of their own first. */
export class ProtobufWriter extends ByteWriter {
  constructor(capacity = 256) {
    super(capacity);
  }

  key(field: number, wireType: number): void {
    this.uvarint(field * 8 + wireType);
  }

  /** A uint64, bool or enum field. */
  unsignedField(field: number, value: number): void {
    this.key(field, WireType.varint);
    this.uvarint(value);
  }

  /** An int32 or int64 field; |value| < 2^53. */
  signedField(field: number, value: number): void {
    this.key(field, WireType.varint);
    if (value >= 0) {
      this.uvarint(value);
      return;
    }
    // Ten bytes of two's complement, seven bits each.
    let rest = value;
    for (let i = 0; i < 9; i++) {
      const byte = ((rest % 128) + 128) % 128;
      this.u8(byte | 128);
      rest = (rest - byte) / 128;
    }
    this.u8(1);
  }

  zigzagField(field: number, value: number): void {
    this.key(field, WireType.varint);
    this.varint(value);
  }

  doubleField(field: number, value: number): void {
    this.key(field, WireType.fixed64);
    this.f64le(value);
  }

  textField(field: number, value: string): void {
    this.key(field, WireType.bytes);
    this.text(value);
  }

  /** A message or bytes field. */
  bytesField(field: number, value: Uint8Array): void {
    this.key(field, WireType.bytes);
    this.uvarint(value.length);
    this.raw(value);
  }
}
