// SPDX-License-Identifier: Apache-2.0
// The shortest decimal text of a float64, and whole rows of points of an API answer. The digits are found
// as in Raffaele Giulietti, "The Schubfach way to render doubles": the interval that rounds to the number
// is scaled by a power of ten from a table so that one of at most four candidates is the answer.
//
// src/kernels/float-rows.ts fills the tables: powers of ten as 128-bit numbers with the top bit set,
// rounded up, low word first, and the digits of 0..99 as pairs.

const POWERS: usize = 0x1000;
const PAIRS: usize = 0x3800;
const POWER_MIN: i32 = -292;
const ZEROS: u64 = 0x3030303030303030;

/** High and low halves of b's product with a. */
let productHigh: u64 = 0;

// @ts-ignore: decorator
@inline
function multiply(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >> 32);
  const cross = a0 * b1 + (middle & 0xffffffff);
  productHigh = a1 * b1 + (middle >> 32) + (cross >> 32);
  return a * b;
}

/** The high of three words with its lowest bit set when anything was cut off. */
// @ts-ignore: decorator
@inline
function oddlyRounded(high: u64, middle: u64): u64 {
  return high | <u64>(middle > 1);
}

// @ts-ignore: decorator
@inline
function pair(out: usize, value: u32): void {
  store<u16>(out, load<u16>(PAIRS + (value << 1)));
}

/**
 * Eight digits of value < 10^8, leading zeros included: halves, quarters and digits are split side by side in
 * one word, by products with the reciprocals of 100 and 10 that are exact for so small numbers.
 */
// @ts-ignore: decorator
@inline
function eight(out: usize, value: u32): void {
  const high = value / 10000;
  const fours = <u64>high | (<u64>(value - high * 10000) << 32);
  const hundreds = ((fours * 10486) >> 20) & 0x0000007f0000007f;
  const twos = hundreds | ((fours - hundreds * 100) << 16);
  const tens = ((twos * 103) >> 10) & 0x000f000f000f000f;
  store<u64>(out, (tens | ((twos - tens * 10) << 8)) + ZEROS);
}

// @ts-ignore: decorator
@inline
function digitCount(value: u64): u32 {
  // Nearly all numbers have 15 to 17 digits or very few.
  if (value >= 1000000000000000) {
    if (value >= 10000000000000000) return 17;
    return 16;
  }
  let n: u32 = 1;
  let rest = value;
  if (rest >= 100000000) {
    rest /= 100000000;
    n += 8;
  }
  let small = <u32>rest;
  if (small >= 10000) {
    small /= 10000;
    n += 4;
  }
  if (small >= 100) {
    small /= 100;
    n += 2;
  }
  return n + <u32>(small >= 10);
}

/** The `n` digits of `value`. */
function digits(out: usize, value: u64, n: u32): void {
  let rest = value;
  let at = out + n;
  while (rest >= 100000000) {
    const next = rest / 100000000;
    at -= 8;
    eight(at, <u32>(rest - next * 100000000));
    rest = next;
  }
  let small = <u32>rest;
  while (small >= 10) {
    const next = small / 100;
    if (at < out + 2) break;
    at -= 2;
    pair(at, small - next * 100);
    small = next;
  }
  if (at > out) store<u8>(out, 48 + small);
}

// @ts-ignore: decorator
@inline
function zeros(out: usize, n: u32): usize {
  // At most 20, and there is room behind.
  store<u64>(out, ZEROS);
  store<u64>(out + 8, ZEROS);
  store<u64>(out + 16, ZEROS);
  return out + n;
}

/** Moves the `n` <= 21 bytes behind `out` one byte down. What a call of memory.copy costs is more. */
// @ts-ignore: decorator
@inline
function moveDown(out: usize, n: i32): void {
  let at = out;
  let left = n;
  while (left >= 8) {
    store<u64>(at, load<u64>(at + 1));
    at += 8;
    left -= 8;
  }
  const mask = (<u64>1 << (<u64>left << 3)) - 1;
  store<u64>(at, (load<u64>(at + 1) & mask) | (load<u64>(at) & ~mask));
}

/** By the inverse of 5 modulo 2^64: a product, not a division, and one branch that is seldom taken. */
// @ts-ignore: decorator
@inline
function endsInZero(value: u64): bool {
  return rotr<u64>(value * 0xcccccccccccccccd, 1) <= 0x1999999999999999;
}

/** Lays `value` × 10^exponent out: plain digits for 1e-6 <= v < 1e21, else d.ddde±xx. */
function layOut(out: usize, significant: u64, power: i32): usize {
  let value = significant;
  let exponent = power;
  if (endsInZero(value)) {
    while (value % 100000000 == 0) {
      value /= 100000000;
      exponent += 8;
    }
    if (value % 10000 == 0) {
      value /= 10000;
      exponent += 4;
    }
    if (value % 100 == 0) {
      value /= 100;
      exponent += 2;
    }
    if (value % 10 == 0) {
      value /= 10;
      exponent += 1;
    }
  }
  const n = digitCount(value);
  // The decimal point stands before digit `point`.
  const point = <i32>n + exponent;
  if (point > 21 || point < -5) {
    let at = out;
    digits(at + 1, value, n);
    store<u8>(at, load<u8>(at + 1));
    at += 1;
    if (n > 1) {
      store<u8>(at, 46);
      at += n;
    }
    let shown = point - 1;
    store<u8>(at, 101);
    store<u8>(at + 1, shown < 0 ? 45 : 43);
    at += 2;
    if (shown < 0) shown = -shown;
    if (shown >= 100) {
      store<u8>(at, 48 + <u8>(shown / 100));
      at += 1;
      shown = shown % 100;
    }
    pair(at, shown);
    return at + 2;
  }
  if (point <= 0) {
    store<u16>(out, 0x2e30);
    const at = zeros(out + 2, -point);
    digits(at, value, n);
    return at + n;
  }
  if (exponent >= 0) {
    digits(out, value, n);
    return zeros(out + n, exponent);
  }
  digits(out + 1, value, n);
  moveDown(out, point);
  store<u8>(out + point, 46);
  return out + n + 1;
}

/** Writes the shortest text of the finite, non-zero number with these bits (sign already off). */
function shortest(out: usize, bits: u64): usize {
  const fraction = bits & 0xfffffffffffff;
  const biased = <i32>(bits >> 52);
  let c: u64;
  let q: i32;
  if (biased != 0) {
    c = fraction | 0x10000000000000;
    q = biased - 1075;
    // A whole number below 2^53 is its own shortest text.
    if (q <= 0 && q > -53 && (c & ((<u64>1 << -q) - 1)) == 0) return layOut(out, c >> -q, 0);
  } else {
    c = fraction;
    q = -1074;
  }
  const even = <u64>((c & 1) == 0);
  const closer = fraction == 0 && biased > 1;
  const k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
  const h = <u64>(q + ((-k * 1741647) >> 19) + 1);
  const power = POWERS + (<usize>(-k - POWER_MIN) << 4);
  const g0 = load<u64>(power);
  const g1 = load<u64>(power + 8);
  // The power times 4c, of which the neighbours' halves are 2 (or 1) times the power away: three words.
  const number = (4 * c) << h;
  const p0 = multiply(g0, number);
  const carry = productHigh;
  const p1 = multiply(g1, number) + carry;
  const p2 = productHigh + <u64>(p1 < carry);
  const exact = oddlyRounded(p2, p1);
  const up = h + 1;
  const u0 = g0 << up;
  const u1 = (g1 << up) | (g0 >> (64 - up));
  const u2 = g1 >> (64 - up);
  const a0 = p0 + u0;
  const carry0 = <u64>(a0 < p0);
  const a1 = p1 + u1 + carry0;
  const carry1 = <u64>(a1 < p1) | (<u64>(a1 == p1) & carry0);
  const upper = oddlyRounded(p2 + u2 + carry1, a1) - 1 + even;
  const down = up - <u64>closer;
  const d0 = g0 << down;
  const d1 = (g1 << down) | (g0 >> (64 - down));
  const d2 = g1 >> (64 - down);
  const borrow0 = <u64>(p0 < d0);
  const b1 = p1 - d1 - borrow0;
  const borrow1 = <u64>(p1 < d1) | (<u64>(p1 == d1) & borrow0);
  const lower = oddlyRounded(p2 - d2 - borrow1, b1) + 1 - even;
  const s = exact >> 2;
  if (s >= 10) {
    const tens = s / 10;
    const below = lower <= 40 * tens;
    const above = 40 * tens + 40 <= upper;
    if (below != above) return layOut(out, tens + <u64>above, k + 1);
  }
  const below = lower <= 4 * s;
  const above = 4 * s + 4 <= upper;
  if (below != above) return layOut(out, s + <u64>above, k);
  const middle = 4 * s + 2;
  const isUp = exact > middle || (exact == middle && (s & 1) == 1);
  return layOut(out, s + <u64>isUp, k);
}

/** Writes the text of `value` as the HTTP API prints samples; returns the address after it. */
export function writeFloat(out: usize, value: f64): usize {
  let bits = reinterpret<u64>(value);
  let at = out;
  if ((bits & 0x7ff0000000000000) == 0x7ff0000000000000) {
    if ((bits & 0xfffffffffffff) != 0) {
      store<u8>(at, 78);
      store<u16>(at + 1, 0x4e61);
      return at + 3;
    }
    store<u8>(at, bits >> 63 ? 45 : 43);
    store<u8>(at + 1, 73);
    store<u16>(at + 2, 0x666e);
    return at + 4;
  }
  if (bits >> 63) {
    store<u8>(at, 45);
    at += 1;
    bits &= 0x7fffffffffffffff;
  }
  if (bits == 0) {
    store<u8>(at, 48);
    return at + 1;
  }
  return shortest(at, bits);
}

/**
 * Writes the points of a row: for each present value its step's prefix (`[<time>,"`), the number and `"]`,
 * with commas between. Prefix k is the bytes from ends[k-1] (or 0) to ends[k] at `prefixes`.
 *
 * @returns bytes written
 */
export function writePoints(
  values: usize,
  present: usize,
  count: u32,
  prefixes: usize,
  ends: usize,
  out: usize,
): u32 {
  let at = out;
  let start: u32 = 0;
  for (let k: u32 = 0; k < count; k++) {
    const end = load<u32>(ends + (<usize>k << 2));
    if (load<u8>(present + k) != 0) {
      if (at != out) {
        store<u8>(at, 44);
        at += 1;
      }
      // Prefixes are at most 24 bytes and have room behind them.
      const from = prefixes + start;
      store<u64>(at, load<u64>(from));
      store<u64>(at + 8, load<u64>(from + 8));
      store<u64>(at + 16, load<u64>(from + 16));
      at = writeFloat(at + (end - start), load<f64>(values + (<usize>k << 3)));
      store<u16>(at, 0x5d22);
      at += 2;
    }
    start = end;
  }
  return <u32>(at - out);
}
