// SPDX-License-Identifier: Apache-2.0
// hot
// The scan kernel in TypeScript: what assembly/scan.ts must do, and what runs where it cannot. The same
// state block, the same results to the bit (layout: scan-layout.ts).

import type { SharedMemory } from './memory.ts';
import {
  COMMENT_LINE,
  DOUBTFUL,
  DROPPED_REF,
  ENTRY_LENGTH_MASK,
  ENTRY_TRACKED,
  ENTRY_WAS_TRACKED,
  NO_ENTRY,
  SCAN_ENTRY_BYTES,
  ScanFlag,
  type ScanKernel,
  ScanState,
  ScanStop,
  SLOW_RECORD_BYTES,
} from './scan-layout.ts';

const NEWLINE = 10;
const MULTIPLIER_A_HIGH = 0x9e3779b9;
const MULTIPLIER_A_LOW = 0x7f4a7c15;
const MULTIPLIER_B_HIGH = 0xc2b2ae3d;
const MULTIPLIER_B_LOW = 0x27d4eb4f;
const ENTRY_WORDS = SCAN_ENTRY_BYTES / 4;
const ENTRY_REF = 4;
const ENTRY_SEEN = 5;
const ENTRY_NEXT = 6;
const ENTRY_META = 7;

/** High word of the 64-bit product of two words. */
function highProduct(x: number, y: number): number {
  const x0 = x & 0xffff;
  const x1 = x >>> 16;
  const y0 = y & 0xffff;
  const y1 = y >>> 16;
  const cross1 = x0 * y1;
  const cross2 = x1 * y0;
  const middle = ((x0 * y0) >>> 16) + (cross1 & 0xffff) + (cross2 & 0xffff);
  return (x1 * y1 + (cross1 >>> 16) + (cross2 >>> 16) + (middle >>> 16)) >>> 0;
}

/** Words of a running 64-bit value, so that functions can hand it on. */
interface Word64 {
  low: number;
  high: number;
}

function multiply(value: Word64, low: number, high: number): void {
  const product =
    highProduct(value.low, low) + Math.imul(value.low, high) + Math.imul(value.high, low);
  value.low = Math.imul(value.low, low) >>> 0;
  value.high = product >>> 0;
}

/** (h ^ h >> 32) × multiplier, then ^ >> 29. */
function finish(value: Word64, low: number, high: number): void {
  value.low = (value.low ^ value.high) >>> 0;
  multiply(value, low, high);
  const shiftedLow = ((value.low >>> 29) | (value.high << 3)) >>> 0;
  value.high = (value.high ^ (value.high >>> 29)) >>> 0;
  value.low = (value.low ^ shiftedLow) >>> 0;
}

/** The scan kernel over one memory. */
class ScanTwin implements ScanKernel {
  private readonly u8: Uint8Array;
  private readonly u32: Uint32Array;
  private readonly f64: Float64Array;
  private readonly a: Word64 = { low: 0, high: 0 };
  private readonly b: Word64 = { low: 0, high: 0 };

  constructor(shared: SharedMemory) {
    this.u8 = shared.u8;
    this.u32 = shared.u32;
    this.f64 = shared.f64;
  }

  private absorb(low: number, high: number): void {
    const { a, b } = this;
    a.low = (a.low ^ low) >>> 0;
    a.high = (a.high ^ high) >>> 0;
    multiply(a, MULTIPLIER_A_LOW, MULTIPLIER_A_HIGH);
    const swapped = a.low;
    a.low = a.high;
    a.high = swapped;
    const sum = b.low + low;
    b.low = sum >>> 0;
    b.high = (b.high + high + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    multiply(b, MULTIPLIER_B_LOW, MULTIPLIER_B_HIGH);
    const rotatedLow = ((b.low << 29) | (b.high >>> 3)) >>> 0;
    b.high = ((b.high << 29) | (b.low >>> 3)) >>> 0;
    b.low = rotatedLow;
  }

  private wordAt(address: number): number {
    const { u8 } = this;
    const low = u8[address]! | (u8[address + 1]! << 8) | (u8[address + 2]! << 16);
    return (low | (u8[address + 3]! << 24)) >>> 0;
  }

  hash(state: number, address: number, length: number): void {
    const { a, b, u32 } = this;
    const key = (state >>> 2) + ScanState.key;
    a.low = (u32[key]! ^ length) >>> 0;
    a.high = u32[key + 1]!;
    const sum = u32[key + 2]! + length;
    b.low = sum >>> 0;
    b.high = (u32[key + 3]! + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    let p = address >>> 0;
    let n = length;
    for (; n >= 8; n -= 8, p += 8) this.absorb(this.wordAt(p), this.wordAt(p + 4));
    if (n > 0) {
      const low = this.wordAt(p);
      const high = this.wordAt(p + 4);
      if (n <= 4) this.absorb(n === 4 ? low : low & (2 ** (8 * n) - 1), 0);
      else this.absorb(low, high & (2 ** (8 * (n - 4)) - 1));
    }
    finish(a, MULTIPLIER_B_LOW, MULTIPLIER_B_HIGH);
    finish(b, MULTIPLIER_A_LOW, MULTIPLIER_A_HIGH);
    const out = (state >>> 2) + ScanState.hash;
    u32[out] = a.low;
    u32[out + 1] = a.high;
    u32[out + 2] = b.low;
    u32[out + 3] = b.high;
  }

  private lineBreak(p: number): number {
    return this.u8.indexOf(NEWLINE, p);
  }

  /** Address after the comment at `p`, or 0 for `# EOF`. */
  private comment(state: number, p: number, openMetrics: boolean): number {
    const { u8, u32, a, b } = this;
    const after = this.lineBreak(p) + 1;
    const isEof = after - p === 6 && this.wordAt(p) === 0x4f452023 && u8[p + 4] === 0x46;
    if (openMetrics && isEof) return 0;
    let word = p + 1;
    while (u8[word] === 32 || u8[word] === 9) word++;
    if (this.wordAt(word) === 0x45505954) u32[(state >>> 2) + ScanState.typeLine] = p;
    this.hash(state, p, after - p);
    const running = (state >>> 2) + ScanState.commentHash;
    const hashed = (state >>> 2) + ScanState.hash;
    a.low = (u32[running]! ^ u32[hashed]!) >>> 0;
    a.high = (u32[running + 1]! ^ u32[hashed + 1]!) >>> 0;
    multiply(a, MULTIPLIER_A_LOW, MULTIPLIER_A_HIGH);
    const sum = u32[running + 2]! + u32[hashed + 2]!;
    b.low = sum >>> 0;
    b.high = (u32[running + 3]! + u32[hashed + 3]! + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    multiply(b, MULTIPLIER_B_LOW, MULTIPLIER_B_HIGH);
    u32[running] = a.high;
    u32[running + 1] = a.low;
    u32[running + 2] = ((b.low << 29) | (b.high >>> 3)) >>> 0;
    u32[running + 3] = ((b.high << 29) | (b.low >>> 3)) >>> 0;
    return after;
  }

  /** End of the series text at `p`, or 0 when its form is in doubt. */
  private seriesEnd(p: number, end: number): number {
    const { u8 } = this;
    let q = p;
    for (let c = u8[q]!; c !== 0x7b; c = u8[++q]!) {
      if (c === 32 || c === 9) return q;
      if (c === NEWLINE || c === 0x22 || c === 0 || c === 0x7d) return 0;
    }
    q++;
    while (q < end) {
      let c = u8[q++]!;
      if (c === 0x7d) return q;
      if (c === NEWLINE) return 0;
      if (c !== 0x22) continue;
      for (;;) {
        if (q >= end) return 0;
        c = u8[q++]!;
        if (c === 0x22) break;
        if (c === 0x5c) q++;
      }
    }
    return 0;
  }

  private doubtfulEnd(p: number, end: number): number {
    const { u8 } = this;
    let q = p;
    let quoted = false;
    let braces = false;
    while (q < end) {
      const c = u8[q++]!;
      if (c === 0x22) {
        if (braces) quoted = !quoted;
      } else if (quoted) {
        if (c === 0x5c) q++;
      } else if (c === 0x7b) braces = true;
      else if (c === 0x7d) braces = false;
      else if (c === NEWLINE) return q;
    }
    return end;
  }

  private entryWord(state: number, index: number): number {
    return (this.u32[(state >>> 2) + ScanState.entries]! >>> 2) + index * ENTRY_WORDS;
  }

  private hasHash(state: number, entry: number): boolean {
    const { u32 } = this;
    const hash = (state >>> 2) + ScanState.hash;
    return (
      u32[entry] === u32[hash] &&
      u32[entry + 1] === u32[hash + 1] &&
      u32[entry + 2] === u32[hash + 2] &&
      u32[entry + 3] === u32[hash + 3]
    );
  }

  private probe(state: number): number {
    const { u32 } = this;
    const s = state >>> 2;
    const slots = u32[s + ScanState.slots]! >>> 2;
    const mask = u32[s + ScanState.slotMask]!;
    let slot = (u32[s + ScanState.hash]! & mask) >>> 0;
    for (let index = u32[slots + slot]!; index !== 0; index = u32[slots + slot]!) {
      if (this.hasHash(state, this.entryWord(state, index - 1))) return index - 1;
      slot = ((slot + 1) & mask) >>> 0;
    }
    return NO_ENTRY;
  }

  /** Reads a number into the state (`at` 0) or beside it; address after it, or 0: not here. */
  private number(state: number, p: number): number {
    const { u8, u32, f64 } = this;
    const out = (state >>> 2) + ScanState.number;
    let q = p;
    if (u8[q] === 0x2d || u8[q] === 0x2b) q++;
    const digitsStart = q;
    let significant = 0;
    let exponent = 0;
    let seen = 0;
    const run = (): number => {
      const from = q;
      for (let d = u8[q]! - 0x30; d >= 0 && d < 10; d = u8[++q]! - 0x30) {
        if (significant > 0 || d > 0) significant++;
      }
      seen += q - from;
      return q - from;
    };
    run();
    if (u8[q] === 0x2e) {
      q++;
      exponent = -run();
    }
    if (seen === 0) {
      const word = this.wordAt(digitsStart) & 0xffffff;
      if (word === 0x4e614e && digitsStart === p && q === p) {
        u32[out] = 1;
        u32[out + 1] = 0x7ff80000;
        return p + 3;
      }
      if (word !== 0x666e49 || q !== digitsStart) return 0;
      f64[out >>> 1] = u8[p] === 0x2d ? -Infinity : Infinity;
      return digitsStart + 3;
    }
    if (u8[q] === 0x65 || u8[q] === 0x45) {
      q++;
      const down = u8[q] === 0x2d;
      if (down || u8[q] === 0x2b) q++;
      if (u8[q]! < 0x30 || u8[q]! > 0x39) return 0;
      let e = 0;
      for (let d = u8[q]! - 0x30; d >= 0 && d < 10; d = u8[++q]! - 0x30) {
        e = e * 10 + d;
        if (e > 9999) return 0;
      }
      exponent += down ? -e : e;
    }
    if (significant > 19) return 0;
    if (significant > 0 && (exponent < -27 || exponent > 27)) return 0;
    let text = '';
    for (let i = p; i < q; i++) text += String.fromCharCode(u8[i]!);
    f64[out >>> 1] = Number(text);
    return q;
  }

  private slow(
    state: number,
    start: number,
    end: number,
    entry: number,
    length: number,
    again: boolean,
  ): void {
    const { u32 } = this;
    const s = state >>> 2;
    const count = u32[s + ScanState.slowCount]!;
    const record = (u32[s + ScanState.slow]! >>> 2) + (count * SLOW_RECORD_BYTES) / 4;
    u32[s + ScanState.slowCount] = count + 1;
    u32[record] = start;
    u32[record + 1] = end;
    u32[record + 2] = entry;
    u32[record + 3] = u32[s + ScanState.typeLine]!;
    u32[record + 4] = length;
    u32[record + 5] = again ? 1 : 0;
    for (let i = 0; i < 4; i++) u32[record + 6 + i] = u32[s + ScanState.hash + i]!;
    const place = u32[s + ScanState.count]!;
    u32[record + 10] = place;
    u32[(u32[s + ScanState.refs]! >>> 2) + place] = 0;
    u32[s + ScanState.count] = place + 1;
  }

  private mark(entry: number, generation: number): boolean {
    const { u32 } = this;
    const seen = u32[entry + ENTRY_SEEN]!;
    if (seen === generation) return true;
    const meta = u32[entry + ENTRY_META]!;
    const was = seen + 1 === generation && (meta & ENTRY_TRACKED) !== 0 ? ENTRY_WAS_TRACKED : 0;
    u32[entry + ENTRY_SEEN] = generation;
    u32[entry + ENTRY_META] = (meta & ENTRY_LENGTH_MASK) | was;
    return false;
  }

  /** Value, time and line break at `p`; address after them, or 0: the exact parser has to look. */
  private tail(state: number, p: number, flags: number): number {
    const { u8, u32, f64 } = this;
    const out = (state >>> 2) + ScanState.number;
    const time = (out >>> 1) + 1;
    const openMetrics = (flags & ScanFlag.openMetrics) !== 0;
    let q = p;
    if (u8[q] !== 32 && (openMetrics || u8[q] !== 9)) return 0;
    q++;
    if (!openMetrics) while (u8[q] === 32 || u8[q] === 9) q++;
    q = this.number(state, q);
    if (q === 0) return 0;
    f64[time] = Number.NaN;
    if (u8[q] === NEWLINE) return q + 1;
    if (openMetrics) {
      if (u8[q] !== 32) return 0;
      const low = u32[out]!;
      const high = u32[out + 1]!;
      q = this.number(state, q + 1);
      if (q === 0 || u8[q] !== NEWLINE) return 0;
      const seconds = f64[out >>> 1]!;
      if (!(Math.abs(seconds) < 1e12)) return 0;
      f64[time] = Math.trunc(seconds * 1000);
      u32[out] = low;
      u32[out + 1] = high;
      return q + 1;
    }
    if (u8[q] !== 32 && u8[q] !== 9) return 0;
    while (u8[q] === 32 || u8[q] === 9) q++;
    if (u8[q] === NEWLINE) return q + 1;
    const start = q;
    let t = 0;
    for (let d = u8[q]! - 0x30; d >= 0 && d < 10 && q - start < 16; d = u8[++q]! - 0x30)
      t = t * 10 + d;
    if (q === start || q - start > 15) return 0;
    while (u8[q] === 32 || u8[q] === 9) q++;
    if (u8[q] !== NEWLINE) return 0;
    f64[time] = t;
    return q + 1;
  }

  private opensBrace(p: number): boolean {
    let q = p;
    while (this.u8[q] === 32 || this.u8[q] === 9) q++;
    return this.u8[q] === 0x7b;
  }

  private sample(
    state: number,
    start: number,
    valueAt: number,
    index: number,
    flags: number,
  ): number {
    const { u32 } = this;
    const s = state >>> 2;
    const entry = this.entryWord(state, index);
    u32[s + ScanState.previous] = index;
    const ref = u32[entry + ENTRY_REF]!;
    const after = this.tail(state, valueAt, flags);
    if (after === 0 && this.opensBrace(valueAt)) {
      const doubtful = this.doubtfulEnd(start, u32[s + ScanState.end]!);
      this.slow(state, start, doubtful, DOUBTFUL, 0, false);
      return doubtful;
    }
    if ((flags & ScanFlag.repair) !== 0 && ref !== 0)
      return after !== 0 ? after : this.lineBreak(valueAt) + 1;
    const again = this.mark(entry, u32[s + ScanState.generation]!);
    if (after === 0 || ref === 0) {
      const end = after !== 0 ? after : this.doubtfulEnd(valueAt, u32[s + ScanState.end]!);
      this.slow(state, start, end, index, valueAt - start, again);
      return end;
    }
    u32[s + ScanState.scraped] = u32[s + ScanState.scraped]! + 1;
    if (ref === DROPPED_REF) return after;
    u32[s + ScanState.postRelabel] = u32[s + ScanState.postRelabel]! + 1;
    this.take(state, entry, flags, again);
    return after;
  }

  /** Puts the sample read last into the batch, unless it repeats or lies too far ahead. */
  private take(state: number, entry: number, flags: number, again: boolean): void {
    const { u32, f64 } = this;
    const s = state >>> 2;
    const out = s + ScanState.number;
    let time = f64[(out >>> 1) + 1]!;
    const explicit = !Number.isNaN(time) && (flags & ScanFlag.honorTimestamps) !== 0;
    if (!explicit) {
      if (again) {
        u32[s + ScanState.duplicates] = u32[s + ScanState.duplicates]! + 1;
        return;
      }
      time = f64[(s + ScanState.defaultTime) >>> 1]!;
    } else if (time > f64[(s + ScanState.maxTime) >>> 1]!) {
      u32[s + ScanState.outOfBounds] = u32[s + ScanState.outOfBounds]! + 1;
      return;
    }
    if (!explicit || (flags & ScanFlag.trackTimestamps) !== 0)
      u32[entry + ENTRY_META] = u32[entry + ENTRY_META]! | ENTRY_TRACKED;
    if ((flags & ScanFlag.countOnly) !== 0) return;
    const place = u32[s + ScanState.count]!;
    u32[(u32[s + ScanState.refs]! >>> 2) + place] = u32[entry + ENTRY_REF]!;
    f64[(u32[s + ScanState.times]! >>> 3) + place] = time;
    const value = (u32[s + ScanState.values]! >>> 2) + 2 * place;
    u32[value] = u32[out]!;
    u32[value + 1] = u32[out + 1]!;
    u32[s + ScanState.count] = place + 1;
  }

  private predicted(state: number, p: number, end: number): number {
    const { u8, u32 } = this;
    const s = state >>> 2;
    const previous = u32[s + ScanState.previous]!;
    const index =
      previous === NO_ENTRY
        ? u32[s + ScanState.first]!
        : u32[this.entryWord(state, previous) + ENTRY_NEXT]!;
    if (index >= u32[s + ScanState.entryCount]!) return NO_ENTRY;
    const entry = this.entryWord(state, index);
    const length = u32[entry + ENTRY_META]! & ENTRY_LENGTH_MASK;
    if (p + length >= end) return NO_ENTRY;
    if (u8[p + length] !== 32 && u8[p + length] !== 9) return NO_ENTRY;
    this.hash(state, p, length);
    return this.hasHash(state, entry) ? index : NO_ENTRY;
  }

  private searched(state: number, p: number, end: number, flags: number): number {
    const { u32 } = this;
    const s = state >>> 2;
    const textEnd = this.seriesEnd(p, end);
    if (textEnd <= p || textEnd - p > ENTRY_LENGTH_MASK) {
      const after = this.doubtfulEnd(p, end);
      this.slow(state, p, after, DOUBTFUL, 0, false);
      return after;
    }
    this.hash(state, p, textEnd - p);
    const index = this.probe(state);
    const previous = u32[s + ScanState.previous]!;
    if (index !== NO_ENTRY) {
      if (previous === NO_ENTRY) u32[s + ScanState.first] = index;
      else u32[this.entryWord(state, previous) + ENTRY_NEXT] = index;
      return this.sample(state, p, textEnd, index, flags);
    }
    const after = this.doubtfulEnd(textEnd, end);
    this.slow(state, p, after, NO_ENTRY, textEnd - p, false);
    return after;
  }

  scan(state: number): number {
    const { u8, u32 } = this;
    const s = state >>> 2;
    const flags = u32[s + ScanState.flags]!;
    const openMetrics = (flags & ScanFlag.openMetrics) !== 0;
    const comments = (flags & ScanFlag.comments) !== 0;
    const end = u32[s + ScanState.end]!;
    const sliceEnd = u32[s + ScanState.sliceEnd]!;
    let p = u32[s + ScanState.position]!;
    let reason: number = ScanStop.done;
    while (p < sliceEnd) {
      const c = u8[p]!;
      if (c === 0x23) {
        const slowIsFull = u32[s + ScanState.slowCount]! >= u32[s + ScanState.slowCapacity]!;
        if (comments && slowIsFull) {
          reason = ScanStop.slowFull;
          break;
        }
        const after = this.comment(state, p, openMetrics);
        if (after === 0) {
          reason = ScanStop.ended;
          break;
        }
        if (comments) this.slow(state, p, after, COMMENT_LINE, 0, false);
        p = after;
        continue;
      }
      if (!openMetrics && c === NEWLINE) {
        p++;
        continue;
      }
      if (!openMetrics && c === 0) {
        reason = ScanStop.ended;
        break;
      }
      if (u32[s + ScanState.count]! >= u32[s + ScanState.capacity]!) {
        reason = ScanStop.batchFull;
        break;
      }
      if (u32[s + ScanState.slowCount]! >= u32[s + ScanState.slowCapacity]!) {
        reason = ScanStop.slowFull;
        break;
      }
      const index = this.predicted(state, p, end);
      if (index === NO_ENTRY) {
        p = this.searched(state, p, end, flags);
        continue;
      }
      const length = u32[this.entryWord(state, index) + ENTRY_META]! & ENTRY_LENGTH_MASK;
      p = this.sample(state, p, p + length, index, flags);
    }
    u32[s + ScanState.position] = p;
    return reason;
  }
}

/** The scan kernel without WebAssembly. */
export function scanTwin(shared: SharedMemory): ScanKernel {
  return new ScanTwin(shared);
}
