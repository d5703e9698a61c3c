// SPDX-License-Identifier: Apache-2.0
// Memory that the scan kernel shares with its callers. All of it is little-endian words.
//
// State block (one a scrape loop, 16-byte aligned), byte offsets:
//   0 flags          16 entries        32 generation   48 times      64 slow records  80 scraped
//   4 position       20 entry count    36 previous     52 values     68 slow count    84 post relabel
//   8 end            24 slots          40 first        56 count      72 slow capacity 88 duplicates
//  12 slice end      28 slot mask      44 refs         60 capacity   76 TYPE line     92 out of bounds
//  96 comment hash   112 key           128 default time   136 max time   144 hash   160 number, time
//
// Cache entry (32 bytes): hash of the series' text [0,16), ref at 16 (0 unresolved, DROPPED_REF dropped by
// relabelling), generation that saw it last at 20, expected next entry at 24, at 28 the length of
// the text in 24 bits and the flags TRACKED and WAS_TRACKED.
//
// Slot (u32): entry index + 1, 0 = free; open addressing from hash word 0.
//
// Slow record (48 bytes): start, end, entry (or a MISS/DOUBT mark), TYPE line before it (0 none), length
// of the series' text, 1 if the entry was seen before in this scrape, hash [24,40), place in batch.

/** Word offsets (byte offset / 4) of the state block. */
export const ScanState = {
  flags: 0,
  position: 1,
  end: 2,
  sliceEnd: 3,
  entries: 4,
  entryCount: 5,
  slots: 6,
  slotMask: 7,
  generation: 8,
  previous: 9,
  first: 10,
  refs: 11,
  times: 12,
  values: 13,
  count: 14,
  capacity: 15,
  slow: 16,
  slowCount: 17,
  slowCapacity: 18,
  typeLine: 19,
  scraped: 20,
  postRelabel: 21,
  duplicates: 22,
  outOfBounds: 23,
  commentHash: 24,
  key: 28,
  defaultTime: 32,
  maxTime: 34,
  hash: 36,
  number: 40,
} as const;

export const SCAN_STATE_BYTES = 192;
export const SCAN_ENTRY_BYTES = 32;
export const SLOW_RECORD_BYTES = 48;
/** Readable bytes that must follow the body: the kernel loads whole words. */
export const SCAN_PADDING_BYTES = 32;

export const ScanFlag = {
  openMetrics: 1,
  honorTimestamps: 2,
  /** Counts only: nothing goes to the batch but places for slow lines. */
  countOnly: 4,
  /** Only lines without a resolved series are reported. */
  repair: 8,
  trackTimestamps: 16,
  /** Comment lines are reported as slow records, too. */
  comments: 32,
} as const;

/** Why `scan` stopped: slice done, slow list full, batch full, or the body said that it ends. */
export const ScanStop = { done: 0, slowFull: 1, batchFull: 2, ended: 3 } as const;

export const NO_ENTRY = 0xffffffff;
/** The form of the line is in doubt: no hash was taken. */
export const DOUBTFUL = 0xfffffffe;
/** A comment line (only under {@link ScanFlag.comments}). */
export const COMMENT_LINE = 0xfffffffd;
export const DROPPED_REF = 0xffffffff;
export const ENTRY_LENGTH_MASK = 0xffffff;
/** A vanished series of this entry gets a staleness marker. */
export const ENTRY_TRACKED = 1 << 24;
/** The entry was tracked in the scrape before the one that saw it now. */
export const ENTRY_WAS_TRACKED = 1 << 25;

/** Exports of the kernel `scan`; the twin has the same functions. Addresses are bytes. */
export interface ScanKernel {
  /** Walks on from the state's position; a {@link ScanStop}. */
  scan(state: number): number;
  /** 128-bit hash of a text into the state's `hash`. */
  hash(state: number, address: number, length: number): void;
}
