// SPDX-License-Identifier: Apache-2.0
// Rows of points as JSON, by a kernel in a memory of its own: what a big answer costs is the text of its
// numbers. The twin that specifies each number's text is {@link sampleText}.
//
//   0x1000  powers of ten -292 … 324, 16 bytes each        0x3800  digit pairs
//   0x4000  values, presence, ends of the prefixes, prefixes, output

import { assert } from '../base/index.ts';
import { wasm } from './generated/float.ts';
import { instantiateKernel } from './memory.ts';

const POWERS_ADDRESS = 0x1000;
const PAIRS_ADDRESS = 0x3800;
const ROW_ADDRESS = 0x4000;
const POWER_MIN = -292;
const POWER_MAX = 324;
/** Longest time prefix and longest number, with the bytes around them. */
const PREFIX_BYTES_MAX = 24;
const POINT_BYTES_MAX = PREFIX_BYTES_MAX + 32;
const PAGE = 65_536;

/** `5e-7` → `5e-07`: Go's exponents have at least two digits. */
function twoDigitExponent(text: string): string {
  const e = text.indexOf('e');
  const digits = text.slice(e + 2);
  return text.slice(0, e + 2) + (digits.length < 2 ? `0${digits}` : digits);
}

/**
 * A sample's value as the API's JSON has it: the shortest digits that give the number back, plain for
 * 1e-6 <= |v| < 1e21, else with Go's exponent; `NaN`, `+Inf`, `-Inf`.
 */
export function sampleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const magnitude = Math.abs(value);
  // JavaScript changes to exponents at the same places.
  if (magnitude >= 1e-6 && magnitude < 1e21) return String(value);
  return twoDigitExponent(value.toExponential());
}

/** Big numbers as 16-bit digits, lowest first: products with 10 and quotients by 10 stay exact. */
function timesTen(limbs: number[]): void {
  let carry = 0;
  for (let i = 0; i < limbs.length; i++) {
    const product = limbs[i]! * 10 + carry;
    limbs[i] = product & 0xffff;
    carry = product >>> 16;
  }
  if (carry > 0) limbs.push(carry);
}

function divideByTen(limbs: number[]): void {
  let rest = 0;
  for (let i = limbs.length - 1; i >= 0; i--) {
    const part = rest * 65_536 + limbs[i]!;
    limbs[i] = Math.floor(part / 10);
    rest = part % 10;
  }
  while (limbs.length > 0 && limbs[limbs.length - 1] === 0) limbs.pop();
}

/** Writes the top 128 bits of `limbs` at word `at`, rounded up when bits are cut off or `inexact`. */
function storeTop(limbs: readonly number[], inexact: boolean, u32: Uint32Array, at: number): void {
  const top = limbs.length - 1;
  const shift = Math.clz32(limbs[top]!) - 16;
  const limb = (i: number): number => (i < 0 ? 0 : limbs[i]!);
  // Nine limbs shifted left so that the first has its top bit set make eight whole ones.
  const parts: number[] = [];
  for (let i = 0; i < 8; i++) {
    const pair = limb(top - i) * 65_536 + limb(top - i - 1);
    parts.push(Math.floor(pair / 2 ** (16 - shift)) % 65_536);
  }
  const cut = limb(top - 8) % 2 ** (16 - shift) !== 0;
  let carry = inexact || cut || limbs.slice(0, Math.max(0, top - 8)).some((l) => l !== 0) ? 1 : 0;
  for (let i = 7; i >= 0; i--) {
    const sum = parts[i]! + carry;
    parts[i] = sum % 65_536;
    carry = sum >>> 16;
  }
  for (let word = 0; word < 4; word++) {
    u32[at + word] = (parts[6 - 2 * word]! * 65_536 + parts[7 - 2 * word]!) >>> 0;
  }
}

/** The kernel's own memory as typed arrays. */
interface RowMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}

function newRowMemory(): RowMemory {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
  const { buffer } = memory;
  return {
    memory,
    u8: new Uint8Array(buffer),
    u32: new Uint32Array(buffer),
    f64: new Float64Array(buffer),
  };
}

function fillTables(memory: RowMemory): void {
  const wordOf = (power: number): number => (POWERS_ADDRESS >>> 2) + (power - POWER_MIN) * 4;
  const positive = [1];
  for (let power = 0; power <= POWER_MAX; power++) {
    storeTop(positive, false, memory.u32, wordOf(power));
    timesTen(positive);
  }
  // 2^N / 10^n: floors of quotients compose, and no power of ten above the zeroth divides a power of two.
  const negative = new Array<number>(76).fill(0);
  negative.push(1);
  for (let power = -1; power >= POWER_MIN; power--) {
    divideByTen(negative);
    storeTop(negative, true, memory.u32, wordOf(power));
  }
  for (let i = 0; i < 100; i++) {
    memory.u8[PAIRS_ADDRESS + 2 * i] = 48 + Math.floor(i / 10);
    memory.u8[PAIRS_ADDRESS + 2 * i + 1] = 48 + (i % 10);
  }
}

interface FloatKernel {
  writeFloat(out: number, value: number): number;
  writePoints(
    values: number,
    present: number,
    count: number,
    prefixes: number,
    ends: number,
    out: number,
  ): number;
}

/** Most points of a row: what the API lets a range query have, and some. */
export const FLOAT_ROW_POINTS_MAX = 11_264;

const VALUES_ADDRESS = ROW_ADDRESS;
const PRESENT_ADDRESS = VALUES_ADDRESS + 8 * FLOAT_ROW_POINTS_MAX;
const ENDS_ADDRESS = PRESENT_ADDRESS + FLOAT_ROW_POINTS_MAX;
const PREFIXES_ADDRESS = ENDS_ADDRESS + 4 * FLOAT_ROW_POINTS_MAX;
const OUT_ADDRESS = PREFIXES_ADDRESS + PREFIX_BYTES_MAX * (FLOAT_ROW_POINTS_MAX + 1);
const MEMORY_PAGES = Math.ceil((OUT_ADDRESS + POINT_BYTES_MAX * (FLOAT_ROW_POINTS_MAX + 1)) / PAGE);

/**
 * Writes rows of points on common steps. Holds a memory of a megabyte and tables that take some
 * milliseconds to make: one object serves a thread.
 */
export class FloatRows {
  private readonly memory: RowMemory;
  private readonly kernel: FloatKernel;
  private count = 0;

  constructor() {
    this.memory = newRowMemory();
    fillTables(this.memory);
    this.kernel = instantiateKernel<FloatKernel>(wasm, this.memory);
  }

  /**
   * Rows from now on have `count` points, at most {@link FLOAT_ROW_POINTS_MAX}.
   *
   * @param prefixOf the text before the number of step k, e.g. `[1700000000,"`; ASCII, ≤ 24 bytes
   */
  begin(count: number, prefixOf: (k: number) => string): void {
    assert(count <= FLOAT_ROW_POINTS_MAX, 'a row of numbers is too long');
    const { u8, u32 } = this.memory;
    this.count = count;
    let end = 0;
    for (let k = 0; k < count; k++) {
      const prefix = prefixOf(k);
      assert(prefix.length <= PREFIX_BYTES_MAX, 'the text of a time is too long');
      for (let i = 0; i < prefix.length; i++) {
        u8[PREFIXES_ADDRESS + end++] = prefix.charCodeAt(i);
      }
      u32[(ENDS_ADDRESS >>> 2) + k] = end;
    }
  }

  /** Most bytes that a row can take. */
  get rowBytesMax(): number {
    return POINT_BYTES_MAX * (this.count + 1);
  }

  /**
   * Writes the points of the row at `offset` of the given columns to `out` from `at` on.
   *
   * @returns bytes written, at most {@link rowBytesMax}
   */
  write(
    values: Float64Array,
    present: Uint8Array,
    offset: number,
    out: Uint8Array,
    at: number,
  ): number {
    const { memory, count } = this;
    memory.f64.set(values.subarray(offset, offset + count), VALUES_ADDRESS >>> 3);
    memory.u8.set(present.subarray(offset, offset + count), PRESENT_ADDRESS);
    const bytes = this.kernel.writePoints(
      VALUES_ADDRESS,
      PRESENT_ADDRESS,
      count,
      PREFIXES_ADDRESS,
      ENDS_ADDRESS,
      OUT_ADDRESS,
    );
    out.set(memory.u8.subarray(OUT_ADDRESS, OUT_ADDRESS + bytes), at);
    return bytes;
  }
}
