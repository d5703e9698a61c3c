// SPDX-License-Identifier: Apache-2.0
// The head's inner loops: checking and appending a batch of samples, taking a reader's snapshot, decoding
// a chunk into columns. src/tsdb/head/layout.ts has the picture of every record addressed here.

import { HEAD_CONTROL } from './lib/layout';

export { decode } from './lib/xor';

// Words of the control block.
const DIRECTORY: usize = HEAD_CONTROL + 8;
const MIN_TIME: usize = HEAD_CONTROL + 48;
const MAX_TIME: usize = HEAD_CONTROL + 56;

// Fields of a series record.
const OPEN_CHUNK: usize = 20;
const SAMPLE_TOTAL: usize = 28;
const RING: usize = 32;
const LAST_TIME: usize = 48;
const LAST_DELTA: usize = 56;
const LAST_VALUE: usize = 64;
const BIT_POSITION: usize = 72;
const LEADING: usize = 76;
const TRAILING: usize = 77;
const FLAGS: usize = 78;
const FLAG_GONE: u8 = 1;
const NEXT_CUT: usize = 80;
const SIDE: usize = 88;
/** In a side: time of its newest histogram in order. */
const SIDE_LAST_TIME: usize = 8;

// Fields of a chunk.
const CHUNK_COUNT: usize = 0;
const CHUNK_PREVIOUS: usize = 4;
const CHUNK_MIN_TIME: usize = 8;
const CHUNK_MAX_TIME: usize = 16;
const CHUNK_CAPACITY: usize = 24;
/** Samples of the series before this chunk. */
const CHUNK_FIRST: usize = 28;
const CHUNK_DATA: usize = 32;

const ACCEPTED: u8 = 0;
const OUT_OF_ORDER: u8 = 1;
const OUT_OF_BOUNDS: u8 = 3;
const DUPLICATE: u8 = 4;
const UNKNOWN_SERIES: u8 = 5;
const REPEATED: u8 = 7;
const SKIPPED: u8 = 8;

/** Longest sample: 4 + 64 bits of time, 2 + 5 + 6 + 64 bits of value, and the word that is written whole. */
const SAMPLE_BYTES_MAX: u32 = 28;
const SAMPLES_PER_CHUNK_MAX: u32 = 240;
/** A quarter of the target of 120: by then the rate is known and the chunk's end can be estimated. */
const SAMPLES_FOR_ESTIMATE: u32 = 30;
const FIRST_BIT: u32 = 16;
const NO_WINDOW: u8 = 0xff;

// @ts-ignore: decorator
@inline
function recordOf(id: u32): usize {
  const page = load<u32>(<usize>load<u32>(DIRECTORY) + (<usize>(id >> 16) << 2));
  if (page == 0) return 0;
  return <usize>load<u32>(<usize>page + (<usize>(id & 0xffff) << 2));
}

// ---- bits: whole big-endian words are written; bits before the position are kept, those after are scratch.

// @ts-ignore: decorator
@inline
function put(base: usize, bit: u32, value: u64, count: u32): u32 {
  // 1 <= count <= 57
  const at = base + (bit >> 3);
  const used: u64 = bit & 7;
  const keep: u64 = ~(<u64>0xffffffffffffffff >> used);
  store<u64>(at, bswap<u64>((bswap<u64>(load<u64>(at)) & keep) | (value << (64 - used - count))));
  return bit + count;
}

function put64(base: usize, bit: u32, value: u64): u32 {
  return put(base, put(base, bit, value >> 32, 32), value & 0xffffffff, 32);
}

function putUvarint(base: usize, bit: u32, value: u64): u32 {
  while (value >= 0x80) {
    bit = put(base, bit, (value & 0x7f) | 0x80, 8);
    value >>= 7;
  }
  return put(base, bit, value, 8);
}

/**
 * Appends difference of differences `dod` (none for the second sample, whose time stands already) and value.
 * Bits are gathered first: a write that overlaps the one before it waits for that.
 */
function putSample(base: usize, start: u32, record: usize, hasTime: bool, dod: i64, value: u64): u32 {
  let bit = start;
  let bits: u64 = 0;
  let count: u32 = 0;
  if (hasTime) {
    count = 1;
    if (dod != 0) {
      if (dod >= -8191 && dod <= 8192) {
        bits = (<u64>0b10 << 14) | (<u64>dod & 0x3fff);
        count = 16;
      } else if (dod >= -65535 && dod <= 65536) {
        bits = (<u64>0b110 << 17) | (<u64>dod & 0x1ffff);
        count = 20;
      } else if (dod >= -524287 && dod <= 524288) {
        bits = (<u64>0b1110 << 20) | (<u64>dod & 0xfffff);
        count = 24;
      } else {
        bit = put64(base, put(base, bit, 0b1111, 4), <u64>dod);
        count = 0;
      }
    }
  }
  const delta = value ^ load<u64>(record, LAST_VALUE);
  if (delta == 0) return put(base, bit, bits << 1, count + 1);
  let leading = <u32>clz<u64>(delta);
  let trailing = <u32>ctz<u64>(delta);
  if (leading >= 32) leading = 31;
  const oldLeading = load<u8>(record, LEADING);
  const oldTrailing = load<u8>(record, TRAILING);
  let significant: u32;
  if (oldLeading != NO_WINDOW && leading >= <u32>oldLeading && trailing >= <u32>oldTrailing) {
    trailing = <u32>oldTrailing;
    significant = 64 - <u32>oldLeading - trailing;
    bits = (bits << 2) | 0b10;
    count += 2;
  } else {
    store<u8>(record, <u8>leading, LEADING);
    store<u8>(record, <u8>trailing, TRAILING);
    significant = 64 - leading - trailing;
    bits = (bits << 13) | (<u64>0b11 << 11) | (<u64>leading << 6) | <u64>(significant & 0x3f);
    count += 13;
  }
  const wide = delta >> <u64>trailing;
  if (count + significant <= 57)
    return put(base, bit, (bits << <u64>significant) | wide, count + significant);
  return putWide(base, put(base, bit, bits, count), wide, significant);
}

// @ts-ignore: decorator
@inline
function putWide(base: usize, bit: u32, value: u64, count: u32): u32 {
  if (count <= 57) return put(base, bit, value, count);
  bit = put(base, bit, value >> 32, count - 32);
  return put(base, bit, value & 0xffffffff, 32);
}

/** Estimated end of a chunk that has a quarter of its samples: whole chunks up to the range's end. */
function estimatedEnd(start: i64, current: i64, max: i64): i64 {
  const n = <f64>(max - start) / (<f64>(current - start + 1) * 4);
  if (n <= 1) return max;
  return <i64>(<f64>start + <f64>(max - start) / Math.floor(n));
}

function encode(record: usize, chunk: usize, time: i64, value: u64): void {
  const base = chunk + CHUNK_DATA;
  const count = load<u32>(chunk, CHUNK_COUNT);
  let bit = load<u32>(record, BIT_POSITION);
  if (count == 0) {
    bit = putUvarint(base, FIRST_BIT, (<u64>time << 1) ^ <u64>(time >> 63));
    bit = put64(base, bit, value);
    store<u8>(record, NO_WINDOW, LEADING);
    store<u8>(record, 0, TRAILING);
    store<i64>(chunk, time, CHUNK_MIN_TIME);
    store<i64>(record, 0, LAST_DELTA);
  } else {
    const delta = time - load<i64>(record, LAST_TIME);
    if (count == 1) bit = putUvarint(base, bit, <u64>delta);
    bit = putSample(base, bit, record, count > 1, delta - load<i64>(record, LAST_DELTA), value);
    store<i64>(record, delta, LAST_DELTA);
  }
  store<u64>(record, value, LAST_VALUE);
  store<i64>(record, time, LAST_TIME);
  store<u32>(record, bit, BIT_POSITION);
  store<i64>(chunk, time, CHUNK_MAX_TIME);
  if (count + 1 == SAMPLES_FOR_ESTIMATE) {
    const end = estimatedEnd(load<i64>(chunk, CHUNK_MIN_TIME), time, load<i64>(record, NEXT_CUT));
    store<i64>(record, end, NEXT_CUT);
  }
}

/**
 * Writes the status of each sample, as if the batch were appended now. Refs of 0 are SKIPPED.
 * `histograms` 1: samples must be newer than the newest histogram of their series, too.
 * Returns the number of accepted samples.
 */
export function check(refs: usize, times: usize, values: usize, statuses: usize, count: u32, minValidTime: f64, maxValidTime: f64, histograms: u32): u32 {
  let accepted: u32 = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const id = load<u32>(refs + (i << 2));
    let status = ACCEPTED;
    if (id == 0) {
      status = SKIPPED;
    } else {
      const record = recordOf(id);
      if (record == 0 || (load<u8>(record, FLAGS) & FLAG_GONE) != 0) {
        status = UNKNOWN_SERIES;
      } else {
        const time = load<f64>(times + (i << 3));
        const last = <f64>load<i64>(record, LAST_TIME);
        if (time < minValidTime || time > maxValidTime) {
          status = OUT_OF_BOUNDS;
        } else if (load<u32>(record, SAMPLE_TOTAL) != 0 && time <= last) {
          if (time < last) status = OUT_OF_ORDER;
          else status = load<u64>(values + (i << 3)) == load<u64>(record, LAST_VALUE) ? REPEATED : DUPLICATE;
        } else if (histograms != 0) {
          const side = <usize>load<u32>(record, SIDE);
          if (side != 0 && time <= load<f64>(side, SIDE_LAST_TIME)) {
            status = time == load<f64>(side, SIDE_LAST_TIME) ? DUPLICATE : OUT_OF_ORDER;
          }
        }
      }
    }
    store<u8>(statuses + i, status);
    if (status == ACCEPTED) accepted++;
  }
  return accepted;
}

/** Samples whose chunks are fetched together. */
const FETCHED_TOGETHER: usize = 32;
/** Keeps the loads of {@link fetch}. */
let fetched: u32 = 0;

/**
 * Reads a word of each place that appending samples [from, to) will write to. Series lie all over the
 * memory: the processor waits for the places of many samples at once here, and for one after the other
 * while it encodes.
 */
function fetch(refs: usize, statuses: usize, from: usize, to: usize): void {
  let sum: u32 = 0;
  for (let i = from; i < to; i++) {
    if (load<u8>(statuses + i) != ACCEPTED) continue;
    const record = recordOf(load<u32>(refs + (i << 2)));
    const chunk = <usize>load<u32>(record, OPEN_CHUNK);
    sum += load<u32>(chunk) + load<u32>(chunk + CHUNK_DATA + <usize>(load<u32>(record, BIT_POSITION) >> 3));
  }
  fetched = sum;
}

/**
 * Appends the accepted samples from `start` on under batch number `seq`. Stops at a sample whose series
 * needs a new or a bigger open chunk and returns its index; `count` when all are in. A sample that became
 * old by an earlier one of the same batch gets its status changed and is left out.
 */
export function append(refs: usize, times: usize, values: usize, statuses: usize, start: u32, count: u32, seq: u32): u32 {
  let minTime = load<f64>(MIN_TIME);
  let maxTime = load<f64>(MAX_TIME);
  let stopped = count;
  let ahead = <usize>start;
  for (let i: usize = <usize>start; i < <usize>count; i++) {
    if (i >= ahead) {
      ahead = min<usize>(i + FETCHED_TOGETHER, <usize>count);
      fetch(refs, statuses, i, ahead);
    }
    if (load<u8>(statuses + i) != ACCEPTED) continue;
    const record = recordOf(load<u32>(refs + (i << 2)));
    const time = <i64>load<f64>(times + (i << 3));
    const value = load<u64>(values + (i << 3));
    const total = load<u32>(record, SAMPLE_TOTAL);
    if (total != 0) {
      const last = load<i64>(record, LAST_TIME);
      if (time <= last) {
        store<u8>(statuses + i, time < last ? OUT_OF_ORDER : value == load<u64>(record, LAST_VALUE) ? REPEATED : DUPLICATE);
        continue;
      }
    }
    const chunk = <usize>load<u32>(record, OPEN_CHUNK);
    if (chunk == 0) {
      stopped = <u32>i;
      break;
    }
    const chunkCount = load<u32>(chunk, CHUNK_COUNT);
    if (chunkCount != 0) {
      const full = (load<u32>(record, BIT_POSITION) >> 3) + SAMPLE_BYTES_MAX > load<u32>(chunk, CHUNK_CAPACITY);
      if (full || time >= load<i64>(record, NEXT_CUT) || chunkCount >= SAMPLES_PER_CHUNK_MAX) {
        stopped = <u32>i;
        break;
      }
    } else if (time >= load<i64>(record, NEXT_CUT)) {
      stopped = <u32>i;
      break;
    }
    encode(record, chunk, time, value);
    // Which batch this is, before the count that lets it be seen.
    const newest = load<u32>(record, RING);
    if (newest != seq || total == 0) {
      store<u64>(record, load<u64>(record, RING), RING + 8);
      store<u64>(record, (<u64>total << 32) | <u64>seq, RING);
    }
    store<u32>(record, total + 1, SAMPLE_TOTAL);
    atomic.store<u32>(chunk, chunkCount + 1, CHUNK_COUNT);
    if (<f64>time < minTime) minTime = <f64>time;
    if (<f64>time > maxTime) maxTime = <f64>time;
  }
  store<f64>(MIN_TIME, minTime);
  store<f64>(MAX_TIME, maxTime);
  return stopped;
}

// @ts-ignore: decorator
@inline
function putVarint(at: usize, value: i64): usize {
  let rest = (<u64>value << 1) ^ <u64>(value >> 63);
  while (rest >= 0x80) {
    store<u8>(at++, <u8>((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  store<u8>(at++, <u8>rest);
  return at;
}

/**
 * Writes the WAL samples record of the accepted samples to `out` (17 + 28 bytes a sample at most) and
 * returns its length; 0 when nothing was accepted.
 */
export function encodeSamples(refs: usize, times: usize, values: usize, statuses: usize, count: u32, out: usize): u32 {
  let at = out;
  let firstRef: i64 = 0;
  let firstTime: i64 = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u8>(statuses + i) != ACCEPTED) continue;
    const ref = <i64>load<u64>(recordOf(load<u32>(refs + (i << 2))));
    const time = <i64>load<f64>(times + (i << 3));
    if (at == out) {
      firstRef = ref;
      firstTime = time;
      store<u8>(at, 2);
      store<u64>(at + 1, bswap<u64>(<u64>ref));
      store<u64>(at + 9, bswap<u64>(<u64>time));
      at += 17;
    }
    at = putVarint(putVarint(at, ref - firstRef), time - firstTime);
    store<u64>(at, bswap<u64>(load<u64>(values + (i << 3))));
    at += 8;
  }
  return <u32>(at - out);
}

/** Where reading a varint ended; 0: the bytes ended first, or it was too long. */
let varintEnd: usize = 0;

function takeVarint(from: usize, end: usize): i64 {
  let raw: u64 = 0;
  let at = from;
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    if (at >= end) break;
    const byte = <u64>load<u8>(at++);
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      varintEnd = at;
      return <i64>(raw >> 1) ^ -(<i64>(raw & 1));
    }
  }
  varintEnd = 0;
  return 0;
}

/**
 * Decodes the samples record at [from, end), type byte first, to columns with room for all of it. Refs
 * become series ids by the table of `known` words; 0 where it has none. Returns the count, or -1 when
 * the record ends within a sample.
 */
export function decodeSamples(from: usize, end: usize, table: usize, known: u32, refs: usize, times: usize, values: usize): i32 {
  let at = from + 1;
  if (at >= end) return 0;
  if (at + 16 > end) return -1;
  const firstRef = <i64>bswap<u64>(load<u64>(at));
  const firstTime = <i64>bswap<u64>(load<u64>(at + 8));
  at += 16;
  let n: usize = 0;
  while (at < end) {
    const ref = firstRef + takeVarint(at, end);
    if (varintEnd == 0) return -1;
    const time = firstTime + takeVarint(varintEnd, end);
    at = varintEnd;
    if (at == 0 || at + 8 > end) return -1;
    const id = ref >= 0 && ref < <i64>known ? load<u32>(table + (<usize>ref << 2)) : 0;
    store<u32>(refs + (n << 2), id);
    store<f64>(times + (n << 3), <f64>time);
    store<u64>(values + (n << 3), bswap<u64>(load<u64>(at)));
    at += 8;
    n++;
  }
  return <i32>n;
}

/**
 * For each series id: the newest chunk that a reader of batches up to `seq` may see, and how many of its
 * samples. Chunk 0 where there is none.
 */
export function snapshot(ids: usize, count: u32, seq: u32, chunks: usize, counts: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const record = recordOf(load<u32>(ids + (i << 2)));
    let chunk: usize = 0;
    let visible: u32 = 0;
    if (record != 0) {
      chunk = <usize>atomic.load<u32>(record, OPEN_CHUNK);
      if (chunk != 0) {
        visible = atomic.load<u32>(chunk, CHUNK_COUNT);
        // Read after the count: the ring knows every batch that the count includes, and maybe one more.
        const total = load<u32>(chunk, CHUNK_FIRST) + visible;
        const newest = load<u64>(record, RING);
        const older = load<u64>(record, RING + 8);
        let hidden: u32 = 0;
        if (<i32>(<u32>newest - seq) > 0) {
          const before = <i32>(<u32>older - seq) > 0 ? <u32>(older >> 32) : <u32>(newest >> 32);
          hidden = total > before ? total - before : 0;
        }
        while (chunk != 0 && hidden >= visible) {
          hidden -= visible;
          chunk = <usize>load<u32>(chunk, CHUNK_PREVIOUS);
          visible = chunk == 0 ? 0 : load<u32>(chunk, CHUNK_COUNT);
        }
        visible -= hidden;
      }
    }
    store<u32>(chunks + (i << 2), <u32>chunk);
    store<u32>(counts + (i << 2), visible);
  }
}
