// SPDX-License-Identifier: Apache-2.0
// The head in the shared memory. All words are u32 unless said; addresses are bytes.
//
//   control block (fixed address)
//     +0  magic            +4  committed batch number (atomic)
//     +8  series directory +12 highest series id (atomic)
//     +16 symbol directory +20 highest symbol id (atomic)
//     +24 symbol table     +28 pair table
//     +32 list of all series ids            +36 list of all label name ids
//     +40 closed chunks    +44 open chunks
//     +48 min time f64     +56 max time f64  +64 floor f64: readers look at nothing older
//     +72 number of the oldest file of chunks         +80 time of the oldest sample out of order f64
//     +256 + 32·w  slot of worker w: active, batch number, scratch address, scratch bytes, and the address of
//                  its part for blocks of chunk files
//
//   directory: 65,536 page addresses; a page: 65,536 addresses. id -> record
//
//   series record (96 bytes)
//     0 WAL ref low, high   8 labels address, count of pairs   16 hash   20 open chunk (atomic)
//     24 id                 28 samples ever appended
//     32 newest batch: number, samples before it     40 the batch before: number, samples before it
//     48 last time i64      56 last delta i64        64 last value (bits)
//     72 bit position       76 leading, trailing, flags u8  80 time of the next cut i64
//     88 side (see side.ts) or 0               92 newest change of start times (start-times.ts) or 0
//
//   chunk: 32 bytes, then the XOR stream (its two count bytes are filled in when it is exported)
//     0 samples (atomic)    4 chunk before it        8 min time i64   16 max time i64
//     24 bytes of stream    28 samples of the series before it
//   a closed chunk that stands in a file is these 32 bytes alone: 24 file number with the top bit set,
//   28 its offset there
//
//   list: count (atomic), address of the ids (atomic), capacity     (growable, ascending ids)
//   symbol: length, number of pairs and names that use it, UTF-8 bytes
//   table: mask, used, then slots; symbol slots hold an id, pair slots (name, value, list)

import { HEAD_CONTROL_ADDRESS } from '../../kernels/index.ts';

const CONTROL = HEAD_CONTROL_ADDRESS >>> 2;

/** Word indexes (address / 4) of the control block. */
export const Control = {
  magic: CONTROL,
  committed: CONTROL + 1,
  seriesDirectory: CONTROL + 2,
  seriesMax: CONTROL + 3,
  symbolDirectory: CONTROL + 4,
  symbolMax: CONTROL + 5,
  symbolTable: CONTROL + 6,
  pairTable: CONTROL + 7,
  allSeries: CONTROL + 8,
  labelNames: CONTROL + 9,
  closedChunks: CONTROL + 10,
  openChunks: CONTROL + 11,
  oldestChunkFile: CONTROL + 18,
} as const;

/** f64 indexes (address / 8). */
export const ControlTime = {
  min: (HEAD_CONTROL_ADDRESS + 48) >>> 3,
  max: (HEAD_CONTROL_ADDRESS + 56) >>> 3,
  floor: (HEAD_CONTROL_ADDRESS + 64) >>> 3,
  sideMin: (HEAD_CONTROL_ADDRESS + 80) >>> 3,
} as const;

export const HEAD_MAGIC = 0x48454152;

/** Query workers at most; each has a slot in the control block. */
export const WORKER_SLOTS = 64;
const SLOTS = (HEAD_CONTROL_ADDRESS + 256) >>> 2;
const SLOT_WORDS = 8;
/** Word index of a worker's slot. */
export const slotOf = (worker: number): number => SLOTS + worker * SLOT_WORDS;
export const Slot = { active: 0, batch: 1, scratch: 2, scratchBytes: 3, chunkBlocks: 4 } as const;

/** Word offsets in a series record. */
export const Series = {
  walRefLow: 0,
  walRefHigh: 1,
  labels: 2,
  labelCount: 3,
  hash: 4,
  openChunk: 5,
  id: 6,
  sampleTotal: 7,
  /** Number of the batch before the newest. */
  olderBatch: 10,
  bitPosition: 18,
  side: 22,
  starts: 23,
} as const;
export const SERIES_BYTES = 96;
/** Byte offset of the time of the newest sample (i64). */
export const SERIES_LAST_TIME = 48;
/** Byte offset of the flags (u8). */
export const SERIES_FLAGS = 78;
export const SeriesFlag = {
  /** Removed: appends are refused; the record goes when no reader can hold it. */
  gone: 1,
  /** Had no sample yet when the head was last truncated. */
  spared: 2,
} as const;
/** Byte offset of the time of the next cut (i64). */
export const SERIES_NEXT_CUT = 80;

/** Word offsets in a chunk. */
export const Chunk = { count: 0, previous: 1, bytes: 6, first: 7 } as const;
export const CHUNK_HEADER_BYTES = 32;
/** In the word of a chunk's bytes: the chunk is in a file. */
export const ON_DISK = 0x80000000;
export const isOnDisk = (u32: Uint32Array, chunk: number): boolean =>
  u32[(chunk >>> 2) + Chunk.bytes]! >= ON_DISK;
/** Bytes of a closed chunk's stream in memory. */
export const chunkStreamBytes = (u32: Uint32Array, chunk: number): number =>
  isOnDisk(u32, chunk) ? 0 : u32[(chunk >>> 2) + Chunk.bytes]!;
/** Byte offsets of the i64 times. */
export const CHUNK_MIN_TIME = 8;
export const CHUNK_MAX_TIME = 16;

/** Word offsets in a list. */
export const List = { count: 0, address: 1, capacity: 2 } as const;
export const LIST_BYTES = 16;

/** Byte offset of a symbol's text. */
export const SYMBOL_TEXT = 8;

/** Word offsets in a table; slots follow. */
export const Table = { mask: 0, used: 1, slots: 2 } as const;

export const PAGE_IDS = 65536;
export const DIRECTORY_BYTES = PAGE_IDS * 4;
