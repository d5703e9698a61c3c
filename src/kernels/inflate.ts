// SPDX-License-Identifier: Apache-2.0
// What the kernel assembly/inflate.ts does, plainly: undoing DEFLATE (RFC 1951), one bit after the other.

const CODE_BITS_MAX = 15;
const LENGTH_CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Unusable extends Error {}

/** Symbols by (length, code). */
type Codes = readonly (readonly number[])[];

class BitReader {
  at: number;
  private readonly bytes: Uint8Array;
  private bit = 0;

  constructor(bytes: Uint8Array, from: number) {
    this.bytes = bytes;
    this.at = from;
  }

  one(): number {
    if (this.at >= this.bytes.length) throw new Unusable();
    const value = (this.bytes[this.at]! >>> this.bit) & 1;
    this.bit = (this.bit + 1) & 7;
    if (this.bit === 0) this.at++;
    return value;
  }

  /** Least significant first. */
  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value |= this.one() << i;
    return value;
  }

  align(): void {
    if (this.bit !== 0) this.at++;
    this.bit = 0;
  }

  symbol(codes: Codes): number {
    let code = 0;
    let first = 0;
    for (let length = 1; length <= CODE_BITS_MAX; length++) {
      code = (code << 1) | this.one();
      const ofLength = codes[length]!;
      first <<= 1;
      if (code - first < ofLength.length) return ofLength[code - first]!;
      first += ofLength.length;
    }
    throw new Unusable();
  }
}

function codesOf(lengths: readonly number[]): Codes {
  const codes: number[][] = Array.from({ length: CODE_BITS_MAX + 1 }, () => []);
  lengths.forEach((length, symbol) => {
    if (length > 0) codes[length]!.push(symbol);
  });
  let room = 1;
  for (let length = 1; length <= CODE_BITS_MAX; length++) {
    room = 2 * room - codes[length]!.length;
    if (room < 0) throw new Unusable();
  }
  return codes;
}

function ownCodes(reader: BitReader): [Codes, Codes] {
  const literals = reader.take(5) + 257;
  const distances = reader.take(5) + 1;
  const given = reader.take(4) + 4;
  if (literals > 286 || distances > 30) throw new Unusable();
  const own = Array.from({ length: 19 }, () => 0);
  for (let i = 0; i < given; i++) own[LENGTH_CODE_ORDER[i]!] = reader.take(3);
  const codes = codesOf(own);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const symbol = reader.symbol(codes);
    if (symbol < 16) {
      lengths.push(symbol);
      continue;
    }
    const value = symbol === 16 ? lengths.at(-1) : 0;
    if (value === undefined) throw new Unusable();
    const repeat =
      symbol === 16 ? 3 + reader.take(2) : symbol === 17 ? 3 + reader.take(3) : 11 + reader.take(7);
    for (let i = 0; i < repeat; i++) lengths.push(value);
  }
  if (lengths.length > literals + distances || lengths[256] === 0) throw new Unusable();
  return [codesOf(lengths.slice(0, literals)), codesOf(lengths.slice(literals))];
}

const fixedCodes = (): [Codes, Codes] => [
  codesOf(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  codesOf(Array.from({ length: 32 }, () => 5)),
];

/** Length or distance of a code: `direct` of them have no extra bits. */
function based(reader: BitReader, code: number, perStep: number): number {
  if (code < 2 * perStep) return code;
  const extra = Math.floor(code / perStep) - 1;
  return ((perStep + (code % perStep)) << extra) + reader.take(extra);
}

function block(reader: BitReader, [literals, distances]: [Codes, Codes], out: number[]): void {
  for (;;) {
    const symbol = reader.symbol(literals);
    if (symbol === 256) return;
    if (symbol < 256) {
      out.push(symbol);
      continue;
    }
    if (symbol > 285) throw new Unusable();
    const length = symbol === 285 ? 258 : 3 + based(reader, symbol - 257, 4);
    const code = reader.symbol(distances);
    if (code > 29) throw new Unusable();
    const distance = 1 + based(reader, code, 2);
    if (distance > out.length) throw new Unusable();
    for (let i = 0; i < length; i++) out.push(out[out.length - distance]!);
  }
}

function stored(reader: BitReader, bytes: Uint8Array, out: number[]): void {
  reader.align();
  const length = reader.take(16);
  if (reader.take(16) !== (length ^ 0xffff) || reader.at + length > bytes.length)
    throw new Unusable();
  for (let i = 0; i < length; i++) out.push(bytes[reader.at + i]!);
  reader.at += length;
}

/**
 * Inflates the stream that begins at `from`: the output and where the stream ends. Undefined: it is
 * damaged or longer than `limitBytes`.
 */
export function inflateTwin(
  bytes: Uint8Array,
  from: number,
  limitBytes: number,
): { readonly output: Uint8Array; readonly end: number } | undefined {
  const reader = new BitReader(bytes, from);
  const out: number[] = [];
  try {
    for (let isLast = 0; isLast === 0; ) {
      isLast = reader.one();
      const kind = reader.take(2);
      if (kind === 0) stored(reader, bytes, out);
      else if (kind === 3) throw new Unusable();
      else block(reader, kind === 1 ? fixedCodes() : ownCodes(reader), out);
    }
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return undefined;
  }
  reader.align();
  return out.length > limitBytes ? undefined : { output: Uint8Array.from(out), end: reader.at };
}
