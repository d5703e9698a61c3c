// SPDX-License-Identifier: Apache-2.0
// Walks a scrape body: finds each line's series in the target's cache by a hash of its text, reads value
// and time, and writes both into the batch. Specified by src/kernels/scan.ts (same results, state block
// and cache layout described there).
import { POWERS } from './lib/layout';

// State block, byte offsets.
const FLAGS: usize = 0;
const POSITION: usize = 4;
const END: usize = 8;
const SLICE_END: usize = 12;
const ENTRIES: usize = 16;
const ENTRY_COUNT: usize = 20;
const SLOTS: usize = 24;
const SLOT_MASK: usize = 28;
const GENERATION: usize = 32;
const PREVIOUS: usize = 36;
const FIRST: usize = 40;
const REFS: usize = 44;
const TIMES: usize = 48;
const VALUES: usize = 52;
const COUNT: usize = 56;
const CAPACITY: usize = 60;
const SLOW: usize = 64;
const SLOW_COUNT: usize = 68;
const SLOW_CAPACITY: usize = 72;
const TYPE_LINE: usize = 76;
const SCRAPED: usize = 80;
const POST_RELABEL: usize = 84;
const DUPLICATES: usize = 88;
const OUT_OF_BOUNDS: usize = 92;
const COMMENT_A: usize = 96;
const COMMENT_B: usize = 104;
const KEY_A: usize = 112;
const KEY_B: usize = 120;
const DEFAULT_TIME: usize = 128;
const MAX_TIME: usize = 136;
const HASH_A: usize = 144;
const HASH_B: usize = 152;
const NUMBER: usize = 160;

const OPEN_METRICS: u32 = 1;
const HONOR_TIMESTAMPS: u32 = 2;
const COUNT_ONLY: u32 = 4;
const REPAIR: u32 = 8;
const TRACK_TIMESTAMPS: u32 = 16;
const COMMENTS: u32 = 32;

const NONE: u32 = 0xffffffff;
const DOUBT: u32 = 0xfffffffe;
const COMMENT: u32 = 0xfffffffd;
const DROPPED: u32 = 0xffffffff;

const LENGTH_MASK: u32 = 0xffffff;
const TRACKED: u32 = 1 << 24;
const WAS_TRACKED: u32 = 1 << 25;

const DONE: u32 = 0;
const SLOW_FULL: u32 = 1;
const BATCH_FULL: u32 = 2;
const ENDED: u32 = 3;

const MULTIPLIER_A: u64 = 0x9e3779b97f4a7c15;
const MULTIPLIER_B: u64 = 0xc2b2ae3d27d4eb4f;

@inline
function finish(h: u64, multiplier: u64): u64 {
  const x = (h ^ (h >> 32)) * multiplier;
  return x ^ (x >> 29);
}

/** 128-bit keyed hash of [address, address+length) into the state block. */
function hashText(state: usize, address: usize, length: u32): void {
  let a = load<u64>(state, KEY_A) ^ u64(length);
  let b = load<u64>(state, KEY_B) + u64(length);
  let p = address;
  let n = length;
  while (n >= 8) {
    const w = load<u64>(p);
    a = rotl((a ^ w) * MULTIPLIER_A, 32);
    b = rotl((b + w) * MULTIPLIER_B, 29);
    p += 8;
    n -= 8;
  }
  if (n != 0) {
    const w = load<u64>(p) & ((u64(1) << u64(n << 3)) - 1);
    a = rotl((a ^ w) * MULTIPLIER_A, 32);
    b = rotl((b + w) * MULTIPLIER_B, 29);
  }
  store<u64>(state, finish(a, MULTIPLIER_B), HASH_A);
  store<u64>(state, finish(b, MULTIPLIER_A), HASH_B);
}

/** Hash of a text, for the slow path: the result stands in the state block. */
export function hash(state: usize, address: usize, length: u32): void {
  hashText(state, address, length);
}

/** Address of the first line break at or after `p`; there always is one. */
@inline
function lineBreak(p: usize): usize {
  const wanted = i8x16.splat(10);
  let mask = i8x16.bitmask(i8x16.eq(v128.load(p), wanted));
  while (mask == 0) {
    p += 16;
    mask = i8x16.bitmask(i8x16.eq(v128.load(p), wanted));
  }
  return p + ctz(mask);
}

/** Reads the comment line at `p` into the running hash; address after it, or 0 for `# EOF`. */
function comment(state: usize, p: usize, openMetrics: bool): usize {
  const after = lineBreak(p) + 1;
  if (openMetrics && after - p == 6 && load<u32>(p) == 0x4f452023 && load<u8>(p, 4) == 0x46) return 0;
  // "# TYPE ", or what may turn out to be one with other blanks.
  let word = p + 1;
  while (load<u8>(word) == 32 || load<u8>(word) == 9) word++;
  if (load<u32>(word) == 0x45505954) store<u32>(state, u32(p), TYPE_LINE);
  hashText(state, p, u32(after - p));
  const a = (load<u64>(state, COMMENT_A) ^ load<u64>(state, HASH_A)) * MULTIPLIER_A;
  const b = (load<u64>(state, COMMENT_B) + load<u64>(state, HASH_B)) * MULTIPLIER_B;
  store<u64>(state, rotl(a, 32), COMMENT_A);
  store<u64>(state, rotl(b, 29), COMMENT_B);
  return after;
}

/** End of the series text that starts at `p`, or 0 when its form is in doubt. */
function seriesEnd(p: usize, end: usize): usize {
  let q = p;
  let c = load<u8>(q);
  while (c != 0x7b) {
    if (c == 32 || c == 9) return q;
    if (c == 10 || c == 0x22 || c == 0 || c == 0x7d) return 0;
    c = load<u8>(++q);
  }
  q++;
  while (q < end) {
    c = load<u8>(q++);
    if (c == 0x7d) return q;
    if (c == 10) return 0;
    if (c != 0x22) continue;
    for (;;) {
      if (q >= end) return 0;
      c = load<u8>(q++);
      if (c == 0x22) break;
      if (c == 0x5c) q++;
    }
  }
  return 0;
}

/** End of a line of doubtful form: its line break outside of quotes, or the end of the body. */
function doubtfulEnd(p: usize, end: usize): usize {
  let q = p;
  let quoted = false;
  let braces = false;
  while (q < end) {
    const c = load<u8>(q++);
    if (c == 0x22) {
      if (braces) quoted = !quoted;
    } else if (quoted) {
      if (c == 0x5c) q++;
    } else if (c == 0x7b) braces = true;
    else if (c == 0x7d) braces = false;
    else if (c == 10) return q;
  }
  return end;
}

/** Entry with the hash in the state block, or NONE. */
function probe(state: usize): u32 {
  const a = load<u64>(state, HASH_A);
  const b = load<u64>(state, HASH_B);
  const slots = usize(load<u32>(state, SLOTS));
  const mask = load<u32>(state, SLOT_MASK);
  const entries = usize(load<u32>(state, ENTRIES));
  let slot = u32(a) & mask;
  let index = load<u32>(slots + (usize(slot) << 2));
  while (index != 0) {
    const entry = entries + (usize(index - 1) << 5);
    if (load<u64>(entry) == a && load<u64>(entry, 8) == b) return index - 1;
    slot = (slot + 1) & mask;
    index = load<u32>(slots + (usize(slot) << 2));
  }
  return NONE;
}

/** m × 10^-power, exactly rounded; 1 <= power <= 27, m != 0. */
function divided(m: u64, power: u32): f64 {
  let five: u64 = 1;
  for (let i: u32 = 0; i < power; i++) five *= 5;
  // m × 2^shift / 5^power with 55 to 56 bits of quotient and a sticky bit below.
  const fiveBits = 64 - i32(clz(five));
  const mBits = 64 - i32(clz(m));
  const shift = 55 + fiveBits - mBits;
  let quotient: u64 = 0;
  let rest: u64 = 0;
  if (shift >= 0) {
    quotient = m / five;
    rest = m % five;
    for (let i = 0; i < shift; i++) {
      rest <<= 1;
      quotient <<= 1;
      if (rest >= five) {
        rest -= five;
        quotient |= 1;
      }
    }
    return rounded(quotient, rest != 0, -shift - i32(power));
  }
  quotient = m / five;
  rest = m % five;
  return rounded(quotient, rest != 0, -i32(power));
}

/** m × 10^power, exactly rounded; 1 <= power <= 27. */
function multiplied(m: u64, power: u32): f64 {
  let five: u64 = 1;
  for (let i: u32 = 0; i < power; i++) five *= 5;
  const mLow = m & 0xffffffff;
  const mHigh = m >> 32;
  const fLow = five & 0xffffffff;
  const fHigh = five >> 32;
  const low = mLow * fLow;
  const middle1 = mHigh * fLow + (low >> 32);
  const middle2 = mLow * fHigh + (middle1 & 0xffffffff);
  const high = mHigh * fHigh + (middle1 >> 32) + (middle2 >> 32);
  const bottom = (middle2 << 32) | (low & 0xffffffff);
  if (high == 0) return rounded(bottom, false, i32(power));
  const drop = 64 - i32(clz(high));
  const top = drop == 64 ? high : (high << u64(64 - drop)) | (bottom >> u64(drop));
  const lost = drop == 64 ? bottom : bottom & ((u64(1) << u64(drop)) - 1);
  return rounded(top, lost != 0, drop + i32(power));
}

/** bits × 2^exponent as the nearest double, ties to even; `sticky`: something was lost below. */
function rounded(bits: u64, sticky: bool, exponent: i32): f64 {
  const length = 64 - i32(clz(bits));
  let e = exponent;
  let m = bits;
  if (length > 53) {
    const drop = length - 53;
    const lost = m & ((u64(1) << u64(drop)) - 1);
    const half = u64(1) << u64(drop - 1);
    m >>= u64(drop);
    e += drop;
    if (lost > half || (lost == half && (sticky || (m & 1) != 0))) m++;
  }
  // m <= 2^53 and the result is a normal number: both steps are exact.
  return f64(m) * reinterpret<f64>(u64(e + 1023) << 52);
}

/**
 * Reads a number at `p` into NUMBER; address after it, or 0 when it is not one that can be read exactly
 * here (too many digits, a far exponent, an unusual spelling).
 */
function number(state: usize, p: usize): usize {
  let c = load<u8>(p);
  let q = p;
  const negative = c == 0x2d;
  if (negative || c == 0x2b) c = load<u8>(++q);
  const first = q;
  let m: u64 = 0;
  let digits: i32 = 0;
  let seen: i32 = 0;
  let exponent: i32 = 0;
  let d: u32 = u32(c) - 0x30;
  while (d < 10) {
    m = m * 10 + u64(d);
    if (m != 0) digits++;
    seen++;
    d = u32(load<u8>(++q)) - 0x30;
  }
  if (d == 0xfffffffe) {
    const point = q;
    d = u32(load<u8>(++q)) - 0x30;
    while (d < 10) {
      m = m * 10 + u64(d);
      if (m != 0) digits++;
      d = u32(load<u8>(++q)) - 0x30;
    }
    exponent = i32(point + 1) - i32(q);
    seen -= exponent;
  }
  if (seen == 0) return q == first ? special(state, p, q, negative) : 0;
  if (d == 0x35 || d == 0x15) {
    c = load<u8>(++q);
    const down = c == 0x2d;
    if (down || c == 0x2b) q++;
    d = u32(load<u8>(q)) - 0x30;
    if (d > 9) return 0;
    let e: i32 = 0;
    while (d < 10) {
      e = e * 10 + i32(d);
      if (e > 9999) return 0;
      d = u32(load<u8>(++q)) - 0x30;
    }
    exponent += down ? -e : e;
  }
  if (digits > 19) return 0;
  let value: f64;
  if (m <= 9007199254740992 && exponent >= -22 && exponent <= 22) {
    value = exponent < 0
      ? f64(m) / load<f64>(POWERS + (usize(-exponent) << 3))
      : f64(m) * load<f64>(POWERS + (usize(exponent) << 3));
  } else if (m == 0) {
    value = 0;
  } else if (exponent == 0) {
    value = rounded(m, false, 0);
  } else if (exponent >= -27 && exponent < 0) {
    value = divided(m, u32(-exponent));
  } else if (exponent > 0 && exponent <= 27) {
    value = multiplied(m, u32(exponent));
  } else return 0;
  store<f64>(state, negative ? -value : value, NUMBER);
  return q;
}

/** NaN, Inf, +Inf and -Inf in their usual spelling. `q` stands after the sign. */
function special(state: usize, p: usize, q: usize, negative: bool): usize {
  const word = load<u32>(q) & 0xffffff;
  if (word == 0x4e614e && q == p) {
    store<u64>(state, 0x7ff8000000000001, NUMBER);
    return q + 3;
  }
  if (word != 0x666e49) return 0;
  store<f64>(state, negative ? -Infinity : Infinity, NUMBER);
  return q + 3;
}

/** Notes a line for the slow path and keeps a place in the batch for it. */
function slow(state: usize, start: usize, end: usize, entry: u32, length: u32, again: bool): void {
  const count = load<u32>(state, SLOW_COUNT);
  const record = usize(load<u32>(state, SLOW)) + usize(count) * 48;
  store<u32>(state, count + 1, SLOW_COUNT);
  store<u32>(record, u32(start));
  store<u32>(record, u32(end), 4);
  store<u32>(record, entry, 8);
  store<u32>(record, load<u32>(state, TYPE_LINE), 12);
  store<u32>(record, length, 16);
  store<u32>(record, u32(again), 20);
  store<u64>(record, load<u64>(state, HASH_A), 24);
  store<u64>(record, load<u64>(state, HASH_B), 32);
  const place = load<u32>(state, COUNT);
  store<u32>(record, place, 40);
  store<u32>(usize(load<u32>(state, REFS)) + (usize(place) << 2), 0);
  store<u32>(state, place + 1, COUNT);
}

/** Marks an entry as seen in this scrape; true when it already was. */
@inline
function mark(entry: usize, generation: u32): bool {
  const seen = load<u32>(entry, 20);
  if (seen == generation) return true;
  const meta = load<u32>(entry, 28);
  const was = seen + 1 == generation && (meta & TRACKED) != 0 ? WAS_TRACKED : 0;
  store<u32>(entry, generation, 20);
  store<u32>(entry, (meta & LENGTH_MASK) | was, 28);
  return false;
}

/**
 * What follows the series at `p`: value, time, line break. Address after the line with NUMBER and
 * `time` (NaN when none) set, or 0 when the exact parser has to look.
 */
function tail(state: usize, p: usize, flags: u32): usize {
  const openMetrics = (flags & OPEN_METRICS) != 0;
  let q = p;
  let c = load<u8>(q);
  if (c == 32) {
    c = load<u8>(++q);
  } else if (openMetrics || c != 9) return 0;
  if (!openMetrics) while (c == 32 || c == 9) c = load<u8>(++q);
  q = number(state, q);
  if (q == 0) return 0;
  store<f64>(state, NaN, NUMBER + 8);
  c = load<u8>(q);
  if (c == 10) return q + 1;
  if (!openMetrics) {
    if (c != 32 && c != 9) return 0;
    while (c == 32 || c == 9) c = load<u8>(++q);
    if (c == 10) return q + 1;
    let t: u64 = 0;
    const start = q;
    while (u32(c) - 0x30 < 10) {
      t = t * 10 + u64(c - 0x30);
      c = load<u8>(++q);
    }
    if (q - start == 0 || q - start > 15) return 0;
    while (c == 32 || c == 9) c = load<u8>(++q);
    if (c != 10) return 0;
    store<f64>(state, f64(t), NUMBER + 8);
    return q + 1;
  }
  if (c != 32) return 0;
  const value = load<u64>(state, NUMBER);
  q = number(state, q + 1);
  if (q == 0 || load<u8>(q) != 10) return 0;
  const seconds = load<f64>(state, NUMBER);
  if (!(abs(seconds) < 1e12)) return 0;
  store<f64>(state, trunc(seconds * 1000), NUMBER + 8);
  store<u64>(state, value, NUMBER);
  return q + 1;
}

/** Whether labels follow after blanks: then the name alone is not the series. */
function opensBrace(p: usize): bool {
  let q = p;
  while (load<u8>(q) == 32 || load<u8>(q) == 9) q++;
  return load<u8>(q) == 0x7b;
}

/** A line whose series is `index`: takes the sample, or leaves it to the slow path. Address after it. */
function sample(state: usize, start: usize, valueAt: usize, index: u32, flags: u32): usize {
  const entry = usize(load<u32>(state, ENTRIES)) + (usize(index) << 5);
  store<u32>(state, index, PREVIOUS);
  const ref = load<u32>(entry, 16);
  const after = tail(state, valueAt, flags);
  if (after == 0 && opensBrace(valueAt)) {
    const doubtful = doubtfulEnd(start, usize(load<u32>(state, END)));
    slow(state, start, doubtful, DOUBT, 0, false);
    return doubtful;
  }
  if ((flags & REPAIR) != 0 && ref != 0) return after != 0 ? after : lineBreak(valueAt) + 1;
  const again = mark(entry, load<u32>(state, GENERATION));
  if (after == 0 || ref == 0) {
    const end = after != 0 ? after : doubtfulEnd(valueAt, usize(load<u32>(state, END)));
    slow(state, start, end, index, u32(valueAt - start), again);
    return end;
  }
  store<u32>(state, load<u32>(state, SCRAPED) + 1, SCRAPED);
  if (ref == DROPPED) return after;
  store<u32>(state, load<u32>(state, POST_RELABEL) + 1, POST_RELABEL);
  let time = load<f64>(state, NUMBER + 8);
  const explicit = time == time && (flags & HONOR_TIMESTAMPS) != 0;
  if (!explicit) {
    if (again) {
      store<u32>(state, load<u32>(state, DUPLICATES) + 1, DUPLICATES);
      return after;
    }
    time = load<f64>(state, DEFAULT_TIME);
  } else if (time > load<f64>(state, MAX_TIME)) {
    store<u32>(state, load<u32>(state, OUT_OF_BOUNDS) + 1, OUT_OF_BOUNDS);
    return after;
  }
  if (!explicit || (flags & TRACK_TIMESTAMPS) != 0)
    store<u32>(entry, load<u32>(entry, 28) | TRACKED, 28);
  if ((flags & COUNT_ONLY) != 0) return after;
  const place = load<u32>(state, COUNT);
  store<u32>(usize(load<u32>(state, REFS)) + (usize(place) << 2), ref);
  store<f64>(usize(load<u32>(state, TIMES)) + (usize(place) << 3), time);
  store<u64>(usize(load<u32>(state, VALUES)) + (usize(place) << 3), load<u64>(state, NUMBER));
  store<u32>(state, place + 1, COUNT);
  return after;
}

/** The entry that the cache expects at `p`, if its text stands there; else NONE. */
@inline
function predicted(state: usize, p: usize, end: usize): u32 {
  const entries = usize(load<u32>(state, ENTRIES));
  const previous = load<u32>(state, PREVIOUS);
  const index = previous == NONE
    ? load<u32>(state, FIRST)
    : load<u32>(entries + (usize(previous) << 5), 24);
  if (index >= load<u32>(state, ENTRY_COUNT)) return NONE;
  const entry = entries + (usize(index) << 5);
  const length = load<u32>(entry, 28) & LENGTH_MASK;
  if (p + usize(length) >= end) return NONE;
  const c = load<u8>(p + usize(length));
  if (c != 32 && c != 9) return NONE;
  hashText(state, p, length);
  if (load<u64>(entry) != load<u64>(state, HASH_A)) return NONE;
  return load<u64>(entry, 8) == load<u64>(state, HASH_B) ? index : NONE;
}

/** The line at `p` with a series that was not predicted. Address after it. */
function searched(state: usize, p: usize, end: usize, flags: u32): usize {
  const textEnd = seriesEnd(p, end);
  if (textEnd <= p || textEnd - p > usize(LENGTH_MASK)) {
    const after = doubtfulEnd(p, end);
    slow(state, p, after, DOUBT, 0, false);
    return after;
  }
  const length = u32(textEnd - p);
  hashText(state, p, length);
  const index = probe(state);
  const previous = load<u32>(state, PREVIOUS);
  if (index != NONE) {
    if (previous == NONE) store<u32>(state, index, FIRST);
    else store<u32>(usize(load<u32>(state, ENTRIES)) + (usize(previous) << 5), index, 24);
    return sample(state, p, textEnd, index, flags);
  }
  const after = doubtfulEnd(textEnd, end);
  slow(state, p, after, NONE, length, false);
  return after;
}

/** Walks on from POSITION; one of the four reasons to stop. */
export function scan(state: usize): u32 {
  const flags = load<u32>(state, FLAGS);
  const openMetrics = (flags & OPEN_METRICS) != 0;
  const end = usize(load<u32>(state, END));
  const sliceEnd = usize(load<u32>(state, SLICE_END));
  const slowCapacity = load<u32>(state, SLOW_CAPACITY);
  const capacity = load<u32>(state, CAPACITY);
  let p = usize(load<u32>(state, POSITION));
  let reason: u32 = DONE;
  while (p < sliceEnd) {
    const c = load<u8>(p);
    if (c == 0x23) {
      if ((flags & COMMENTS) != 0 && load<u32>(state, SLOW_COUNT) >= slowCapacity) {
        reason = SLOW_FULL;
        break;
      }
      const after = comment(state, p, openMetrics);
      if (after == 0) {
        reason = ENDED;
        break;
      }
      if ((flags & COMMENTS) != 0) slow(state, p, after, COMMENT, 0, false);
      p = after;
      continue;
    }
    if (!openMetrics) {
      if (c == 10) {
        p++;
        continue;
      }
      if (c == 0) {
        reason = ENDED;
        break;
      }
    }
    if (load<u32>(state, COUNT) >= capacity) {
      reason = BATCH_FULL;
      break;
    }
    if (load<u32>(state, SLOW_COUNT) >= slowCapacity) {
      reason = SLOW_FULL;
      break;
    }
    const index = predicted(state, p, end);
    if (index != NONE) {
      const entry = usize(load<u32>(state, ENTRIES)) + (usize(index) << 5);
      p = sample(state, p, p + usize(load<u32>(entry, 28) & LENGTH_MASK), index, flags);
    } else p = searched(state, p, end, flags);
  }
  store<u32>(state, u32(p), POSITION);
  return reason;
}
