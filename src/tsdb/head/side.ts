// SPDX-License-Identifier: Apache-2.0
// What a series has beside its chain of float chunks: native histograms, samples that came out of order, and
// tombstones. Few series have any, so this is plain code over the shared memory, not a kernel.
//
//   side header (32 bytes)  0 newest node (atomic)   4 raw nodes   8 time of the newest in-order sample f64
//                           16 series id
//   node                    0 batch number   4 node before it   8 min time f64   16 max time f64
//                           24 bytes of data   28 kind u8, flags u8, samples u16   32 data
//   flags                   1 out of order   2 a raw sample with a start time, f64 before the data
//                           4 the chunk is in a file: its data here are the file's number and its offset
//
// Kinds: a chunk encoding, one raw sample (value bits, or a histogram as in the WAL), or a tombstone,
// whose times are its interval. A node never changes but for the pointer to the one before it. Once
// there are enough raw nodes, those that every reader sees become chunks, between two batches, and chunks
// move to files.

import type { ChunkFormats, ChunkSamples, ChunkSink } from '../../chunks/index.ts';
import { decodeChunk, encodeChunks, newChunkSamples } from '../../chunks/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import { CounterResetHint, type Histogram, isStale } from '../../model/index.ts';
import { assert } from '../../base/index.ts';
import { decodeHistogram } from '../wal/records-histogram.ts';
import type { DiskChunks } from './disk-chunks.ts';
import { Control, ControlTime } from './layout.ts';
import { type HeadStore, MemoryFullError } from './store.ts';

const HEADER_BYTES = 32;
const NODE_BYTES = 32;
const Header = { newest: 0, rawCount: 1, id: 4 } as const;
const Node = { batch: 0, previous: 1, bytes: 6 } as const;
/** Word of a side header that holds the id of its series. */
export const SIDE_ID = Header.id;
const OUT_OF_ORDER = 1;
const WITH_START = 2;
const IN_FILE = 4;

export const SideKind = {
  float: 16,
  histogram: 17,
  floatHistogram: 18,
  tombstone: 32,
} as const;

/** Raw nodes that become chunks together; as many as upstream's out-of-order chunks hold. */
const RAW_MAX = 32;

interface NodeFields {
  readonly batch: number;
  readonly kind: number;
  readonly isOutOfOrder: boolean;
  /** Whether the start time of a raw sample stands before the data. */
  readonly hasStart: boolean;
  readonly isInFile?: boolean;
  readonly count: number;
  readonly minTime: number;
  readonly maxTime: number;
}

const isRaw = (kind: number): boolean => kind >= SideKind.float && kind < SideKind.tombstone;

const isLate = (u8: Uint8Array, node: number): boolean => (u8[node + 29]! & OUT_OF_ORDER) !== 0;
const hasStart = (u8: Uint8Array, node: number): boolean => (u8[node + 29]! & WITH_START) !== 0;
const isInFile = (u8: Uint8Array, node: number): boolean => (u8[node + 29]! & IN_FILE) !== 0;

/** A chunk of a side that is in memory. Valid until the side changes. */
export interface SideChunk {
  readonly node: number;
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  readonly count: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly data: Uint8Array;
}

/** A chunk of a side as a file has it. */
export interface SideChunkInFile {
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  readonly count: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly file: number;
  readonly offsetBytes: number;
}

/** The writer's hand on sides. One object for the writing thread. */
export class SideWriter {
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly decoded = newChunkSamples(64);
  private readonly sorted = newChunkSamples(64);
  /** Sides with enough raw nodes for chunks. */
  private readonly full = new Set<number>();
  /** Encodings of the chunks that are made. */
  formats: ChunkFormats = {};

  constructor(shared: SharedMemory, store: HeadStore) {
    this.shared = shared;
    this.store = store;
  }

  /** @throws MemoryFullError */
  newSide(id: number): number {
    const side = this.store.allocateZeroed(HEADER_BYTES);
    this.shared.u32[(side >>> 2) + Header.id] = id;
    this.shared.f64[(side >>> 3) + 1] = Number.NEGATIVE_INFINITY;
    return side;
  }

  lastTime(side: number): number {
    return this.shared.f64[(side >>> 3) + 1]!;
  }

  /**
   * The newest in-order histogram; undefined when there is none, it is a staleness marker, or in a file, as
   * after a start: what the next one is to it is not known then.
   */
  newestHistogram(side: number): Histogram | undefined {
    const { u32, u8 } = this.shared;
    let node = u32[side >>> 2]!;
    while (node !== 0 && (u8[node + 28] === SideKind.tombstone || isLate(u8, node))) {
      node = this.before(node);
    }
    if (node === 0 || isInFile(u8, node)) return undefined;
    const n = readNode(this.shared, node, this.decoded, 0, undefined);
    if (n === 0 || isStale(this.decoded.valueBits, n - 1)) return undefined;
    return this.decoded.histograms?.[n - 1];
  }

  /**
   * Whether the newest node is a raw one of these bytes, whatever its counter reset hint (byte 0) and
   * start time.
   */
  newestIs(side: number, data: Uint8Array): boolean {
    const { u32, u8 } = this.shared;
    const node = u32[side >>> 2]!;
    if (node === 0 || !isRaw(u8[node + 28]!)) return false;
    const skipped = hasStart(u8, node) ? 8 : 0;
    if (u32[(node >>> 2) + Node.bytes] !== skipped + data.length) return false;
    const from = u8[node + 28] === SideKind.float ? 0 : 1;
    const start = node + NODE_BYTES + skipped;
    for (let i = from; i < data.length; i++) {
      if (u8[start + i] !== data[i]) return false;
    }
    return true;
  }

  /** Adds one raw sample, or a tombstone, under batch number `batch`. @throws MemoryFullError */
  add(
    side: number,
    batch: number,
    kind: number,
    isOutOfOrder: boolean,
    minTime: number,
    maxTime: number,
    data: Uint8Array,
    startTime: number,
  ): void {
    const { u32, f64 } = this.shared;
    const newest = (side >>> 2) + Header.newest;
    const hasStart = startTime !== 0;
    const about = { batch, kind, isOutOfOrder, hasStart, count: 1, minTime, maxTime };
    const stored = hasStart ? withStart(startTime, data) : data;
    Atomics.store(u32, newest, this.newNode(u32[newest]!, about, stored));
    if (!isRaw(kind)) return;
    if (isOutOfOrder) {
      f64[ControlTime.sideMin] = Math.min(f64[ControlTime.sideMin]!, minTime);
    } else {
      f64[(side >>> 3) + 1] = maxTime;
    }
    const raw = u32[(side >>> 2) + Header.rawCount]! + 1;
    u32[(side >>> 2) + Header.rawCount] = raw;
    if (raw >= RAW_MAX) this.full.add(side);
  }

  /**
   * Between two batches: sides that have many raw nodes get chunks of those that every reader sees. Calls
   * `visit` with the id of each series that got any.
   */
  settle(visit: (id: number) => void): void {
    if (this.full.size === 0) return;
    for (const side of this.full) {
      // Of the newest histogram the next one wants to know.
      if (this.makeChunks(side, RAW_MAX / 2, 1)) visit(this.shared.u32[(side >>> 2) + Header.id]!);
    }
    this.full.clear();
  }

  /**
   * Makes chunks of all raw nodes that every reader sees, at least `least` of a kind, and leaves the `kept`
   * newest in-order ones. Returns whether it made any; what does not fit into memory stays raw.
   */
  makeChunks(side: number, least = 1, kept = 0): boolean {
    const { u32, u8 } = this.shared;
    const seen = this.store.oldestReader(u32[Control.committed]!);
    let made = false;
    for (const isOutOfOrder of [false, true]) {
      const nodes: number[] = [];
      for (let node = u32[(side >>> 2) + Header.newest]!; node !== 0; node = this.before(node)) {
        const visible = ((u32[(node >>> 2) + Node.batch]! - seen) | 0) <= 0;
        if (visible && isRaw(u8[node + 28]!) && isLate(u8, node) === isOutOfOrder) nodes.push(node);
      }
      const taken = isOutOfOrder ? nodes : nodes.slice(kept);
      if (taken.length >= least) made = this.replace(side, taken, isOutOfOrder, seen) || made;
    }
    return made;
  }

  /** Chunks of a side that are in memory, oldest first. */
  memoryChunks(side: number): SideChunk[] {
    const { u32, f64, u8 } = this.shared;
    const found: SideChunk[] = [];
    for (let node = u32[side >>> 2]!; node !== 0; node = this.before(node)) {
      const encoding = u8[node + 28]!;
      if (isRaw(encoding) || encoding === SideKind.tombstone || isInFile(u8, node)) continue;
      const start = node + NODE_BYTES;
      found.push({
        node,
        encoding,
        isOutOfOrder: isLate(u8, node),
        count: u8[node + 30]! | (u8[node + 31]! << 8),
        minTime: f64[(node >>> 3) + 1]!,
        maxTime: f64[(node >>> 3) + 2]!,
        data: u8.subarray(start, start + u32[(node >>> 2) + Node.bytes]!),
      });
    }
    return found.reverse();
  }

  /** A chunk in memory is in a file now. Without memory for that it stays. */
  movedToFile(side: number, chunk: SideChunk, file: number, offsetBytes: number): void {
    const { u32 } = this.shared;
    let link = (side >>> 2) + Header.newest;
    while (u32[link] !== chunk.node) {
      if (u32[link] === 0) return;
      link = (u32[link]! >>> 2) + Node.previous;
    }
    const batch = u32[(chunk.node >>> 2) + Node.batch]!;
    const about = { ...chunk, batch, kind: chunk.encoding, hasStart: false, isInFile: true };
    try {
      const data = placeBytes(file, offsetBytes);
      const moved = this.newNode(this.before(chunk.node), about, data);
      Atomics.store(u32, link, moved);
      this.retireNode(chunk.node);
    } catch (error) {
      if (!(error instanceof MemoryFullError)) throw error;
    }
  }

  /** At a start: a chunk that was found in a file, newer than all of its kind before it. */
  addFromFile(side: number, batch: number, chunk: SideChunkInFile): void {
    const { u32, f64 } = this.shared;
    const newest = (side >>> 2) + Header.newest;
    const about = { ...chunk, batch, kind: chunk.encoding, hasStart: false, isInFile: true };
    const data = placeBytes(chunk.file, chunk.offsetBytes);
    Atomics.store(u32, newest, this.newNode(u32[newest]!, about, data));
    if (chunk.isOutOfOrder) {
      f64[ControlTime.sideMin] = Math.min(f64[ControlTime.sideMin]!, chunk.minTime);
    } else {
      f64[(side >>> 3) + 1] = Math.max(f64[(side >>> 3) + 1]!, chunk.maxTime);
    }
  }

  /** Whether samples are in memory; `onlyLate`: of those that came out of order. */
  hasInMemory(side: number, onlyLate = false): boolean {
    const { u32, u8 } = this.shared;
    for (let node = u32[side >>> 2]!; node !== 0; node = this.before(node)) {
      if (u8[node + 28] === SideKind.tombstone || isInFile(u8, node)) continue;
      if (!onlyLate || isLate(u8, node)) return true;
    }
    return false;
  }

  /** Intervals, inclusive, in which samples are deleted. */
  tombstones(side: number): [minTime: number, maxTime: number][] {
    const { u32, f64, u8 } = this.shared;
    const found: [number, number][] = [];
    for (let node = u32[side >>> 2]!; node !== 0; node = this.before(node)) {
      if (u8[node + 28] !== SideKind.tombstone) continue;
      found.push([f64[(node >>> 3) + 1]!, f64[(node >>> 3) + 2]!]);
    }
    return found;
  }

  /** A whole chunk of samples in order, newer than all of the side. @throws MemoryFullError */
  addChunk(side: number, batch: number, chunk: Omit<SideChunk, 'node' | 'isOutOfOrder'>): void {
    const { u32, f64 } = this.shared;
    const newest = (side >>> 2) + Header.newest;
    const about = { ...chunk, batch, kind: chunk.encoding, hasStart: false, isOutOfOrder: false };
    Atomics.store(u32, newest, this.newNode(u32[newest]!, about, chunk.data));
    f64[(side >>> 3) + 1] = chunk.maxTime;
  }

  /** Drops what came out of order and is in memory: files have it, too. */
  dropLateInMemory(side: number): void {
    const { u32, u8 } = this.shared;
    let raw = u32[(side >>> 2) + Header.rawCount]!;
    this.unlink(side, (node) => {
      const isGone = isLate(u8, node) && !isInFile(u8, node);
      if (isGone && isRaw(u8[node + 28]!)) raw--;
      return isGone;
    });
    u32[(side >>> 2) + Header.rawCount] = raw;
  }

  private newNode(previous: number, about: NodeFields, data: Uint8Array): number {
    const { u32, f64, u8 } = this.shared;
    const node = this.store.allocate(NODE_BYTES + data.length);
    const at = node >>> 2;
    u32[at + Node.batch] = about.batch;
    u32[at + Node.previous] = previous;
    f64[(node >>> 3) + 1] = about.minTime;
    f64[(node >>> 3) + 2] = about.maxTime;
    u32[at + Node.bytes] = data.length;
    u8[node + 28] = about.kind;
    u8[node + 29] =
      (about.isOutOfOrder ? OUT_OF_ORDER : 0) |
      (about.hasStart ? WITH_START : 0) |
      (about.isInFile === true ? IN_FILE : 0);
    u8[node + 30] = about.count;
    u8[node + 31] = about.count >>> 8;
    u8.set(data, node + NODE_BYTES);
    return node;
  }

  private before(node: number): number {
    return this.shared.u32[(node >>> 2) + Node.previous]!;
  }

  /** Puts chunks of the samples of `nodes` (newest first) in their place. */
  private replace(
    side: number,
    nodes: readonly number[],
    isOutOfOrder: boolean,
    batch: number,
  ): boolean {
    const { u32 } = this.shared;
    const { decoded, sorted } = this;
    decoded.reserve(nodes.length, 0);
    // Oldest first, so that of samples with one time the first stays.
    let n = 0;
    for (let i = nodes.length - 1; i >= 0; i--)
      n = readNode(this.shared, nodes[i]!, decoded, n, undefined);
    const count = sortSamples(decoded, n, sorted);
    const { times } = sorted;
    const made: number[] = [];
    try {
      // A list of its own, published at once: a reader on its way through the old one misses nothing.
      const gone = new Set(nodes);
      const { kept, rest } = this.split(side, gone);
      let newest = rest;
      for (let i = kept.length - 1; i >= 0; i--) {
        newest = this.copyNode(newest, kept[i]!);
        made.push(newest);
      }
      const add: ChunkSink = (kind, data, from, to) => {
        const about = { batch, kind, isOutOfOrder, hasStart: false, count: to - from };
        const range = { minTime: times[from]!, maxTime: times[to - 1]! };
        newest = this.newNode(newest, { ...about, ...range }, data);
        made.push(newest);
      };
      encodeChunks(sorted, count, add, this.formats);
      Atomics.store(u32, (side >>> 2) + Header.newest, newest);
      for (const node of [...nodes, ...kept]) this.retireNode(node);
      u32[(side >>> 2) + Header.rawCount] = u32[(side >>> 2) + Header.rawCount]! - nodes.length;
      return true;
    } catch (error) {
      if (!(error instanceof MemoryFullError)) throw error;
      // What is there stays as it is.
      for (const node of made) this.retireNode(node);
      return false;
    }
  }

  /** The nodes that stay of those newer than the oldest that is gone, newest first, and what follows. */
  private split(side: number, gone: ReadonlySet<number>): { kept: number[]; rest: number } {
    const all: number[] = [];
    let last = -1;
    for (let node = this.shared.u32[side >>> 2]!; node !== 0; node = this.before(node)) {
      if (gone.has(node)) last = all.length;
      all.push(node);
    }
    return {
      kept: all.slice(0, last + 1).filter((node) => !gone.has(node)),
      rest: all[last + 1] ?? 0,
    };
  }

  private copyNode(previous: number, node: number): number {
    const { u32, u8 } = this.shared;
    const bytes = NODE_BYTES + u32[(node >>> 2) + Node.bytes]!;
    const copy = this.store.allocate(bytes);
    u8.copyWithin(copy, node, node + bytes);
    u32[(copy >>> 2) + Node.previous] = previous;
    return copy;
  }

  private retireNode(node: number): void {
    this.store.retire(node, NODE_BYTES + this.shared.u32[(node >>> 2) + Node.bytes]!);
  }

  /** Takes nodes out of the list, of which readers that start now want nothing, and retires them. */
  private unlink(side: number, isGone: (node: number) => boolean): void {
    const { u32 } = this.shared;
    let link = (side >>> 2) + Header.newest;
    for (let node = u32[link]!; node !== 0; ) {
      const previous = this.before(node);
      if (isGone(node)) {
        Atomics.store(u32, link, previous);
        this.retireNode(node);
      } else {
        link = (node >>> 2) + Node.previous;
      }
      node = previous;
    }
  }

  /**
   * Drops what ends before `minTime`, of late samples only those of batches up to `seenBatch`: when later
   * ones came the blocks of their time had been written. Deletions stay from `deletionsFrom` on. Returns
   * whether samples are left, and the time of the oldest in order.
   */
  truncate(
    side: number,
    minTime: number,
    seenBatch: number,
    deletionsFrom: number,
  ): { readonly hasSamples: boolean; readonly oldest: number } {
    const { u32, f64, u8 } = this.shared;
    const isKept = (node: number): boolean =>
      f64[(node >>> 3) + 2]! >= minTime ||
      (isLate(u8, node) && ((u32[(node >>> 2) + Node.batch]! - seenBatch) | 0) > 0);
    // Deletions stay as long as what they hide.
    let deletedFrom = Math.min(minTime, deletionsFrom);
    for (let node = u32[side >>> 2]!; node !== 0; node = this.before(node)) {
      const isSample = u8[node + 28]! !== SideKind.tombstone;
      if (isSample && isKept(node)) deletedFrom = Math.min(deletedFrom, f64[(node >>> 3) + 1]!);
    }
    let samples = 0;
    let oldest = Number.POSITIVE_INFINITY;
    let raw = 0;
    this.unlink(side, (node) => {
      const kind = u8[node + 28]!;
      if (kind === SideKind.tombstone) return f64[(node >>> 3) + 2]! < deletedFrom;
      if (!isKept(node)) return true;
      samples++;
      if (isRaw(kind)) raw++;
      const nodeMin = f64[(node >>> 3) + 1]!;
      if (isLate(u8, node)) {
        f64[ControlTime.sideMin] = Math.min(f64[ControlTime.sideMin]!, nodeMin);
      } else {
        oldest = Math.min(oldest, nodeMin);
      }
      return false;
    });
    u32[(side >>> 2) + Header.rawCount] = raw;
    return { hasSamples: samples > 0, oldest };
  }

  /** Retires everything: the series is gone. */
  retire(side: number): void {
    this.full.delete(side);
    this.unlink(side, () => true);
    this.store.retire(side, HEADER_BYTES);
  }
}

/** A raw sample behind its start time. */
function withStart(startTime: number, data: Uint8Array): Uint8Array {
  const stored = new Uint8Array(8 + data.length);
  new DataView(stored.buffer).setFloat64(0, startTime, true);
  stored.set(data, 8);
  return stored;
}

/** A raw sample at a reset reads as the first of a chunk does, which it will become: unknown. */
function forgetReset(samples: ChunkSamples, i: number): void {
  const histogram = samples.histograms?.[i];
  if (histogram?.counterResetHint !== CounterResetHint.reset) return;
  samples.setHistogram(i, histogram.withHint(CounterResetHint.unknown));
}

function placeBytes(file: number, offsetBytes: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, file, true);
  view.setUint32(4, offsetBytes, true);
  return bytes;
}

/** The data of a chunk; of one in a file valid until other chunks are asked for. */
function chunkData(shared: SharedMemory, node: number, disk: DiskChunks | undefined): Uint8Array {
  const { u32, u8 } = shared;
  const start = node + NODE_BYTES;
  if (!isInFile(u8, node)) return u8.subarray(start, start + u32[(node >>> 2) + Node.bytes]!);
  assert(disk !== undefined, 'a reader of a head with chunk files knows where they are');
  const address = disk.find(u32[start >>> 2]!, u32[(start >>> 2) + 1]!);
  return u8.subarray(address, address + disk.length);
}

/**
 * Appends the samples of a node to `out` from `n` on; returns the new count.
 * @param disk where chunks in files are; undefined: for nodes in memory
 */
function readNode(
  shared: SharedMemory,
  node: number,
  out: ChunkSamples,
  n: number,
  disk: DiskChunks | undefined,
): number {
  const { u32, f64, u8 } = shared;
  const kind = u8[node + 28]!;
  if (!isRaw(kind)) {
    const chunk = newChunkSamples(128);
    const count = decodeChunk(kind, chunkData(shared, node, disk), chunk);
    out.reserve(n + count, n);
    for (let k = 0; k < count; k++) out.copy(n + k, chunk, k);
    return n + count;
  }
  const start = node + NODE_BYTES;
  const whole = u8.slice(start, start + u32[(node >>> 2) + Node.bytes]!);
  out.reserve(n + 1, n);
  out.times[n] = f64[(node >>> 3) + 1]!;
  const data = hasStart(u8, node) ? whole.subarray(8) : whole;
  out.setStartTime(n, hasStart(u8, node) ? new DataView(whole.buffer).getFloat64(0, true) : 0);
  if (kind === SideKind.float) {
    out.valueBits[2 * n] = data[0]! | (data[1]! << 8) | (data[2]! << 16) | (data[3]! << 24);
    out.valueBits[2 * n + 1] = data[4]! | (data[5]! << 8) | (data[6]! << 16) | (data[7]! << 24);
    out.setHistogram(n, undefined);
  } else {
    const { histogram, sumHigh, sumLow } = decodeHistogram(data, kind === SideKind.floatHistogram);
    out.valueBits[2 * n] = sumLow;
    out.valueBits[2 * n + 1] = sumHigh;
    out.setHistogram(n, histogram);
  }
  return n + 1;
}

/** Copies the first `n` samples to `out` in order of time; of equal times the first stays. */
function sortSamples(samples: ChunkSamples, n: number, out: ChunkSamples): number {
  const { times } = samples;
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  order.sort((a, b) => times[a]! - times[b]! || a - b);
  out.reserve(Math.max(1, n), 0);
  let count = 0;
  for (let i = 0; i < n; i++) {
    const k = order[i]!;
    if (count > 0 && out.times[count - 1] === times[k]) continue;
    out.copy(count++, samples, k);
  }
  return count;
}

/** Reads sides together with the float samples of their series. One object for a set. */
export class SideReader {
  /** What the last `merge` gave; sample i as in a read. */
  merged = newChunkSamples(256);
  private readonly shared: SharedMemory;
  readonly batch: number;
  private readonly floor: number;
  private readonly disk: DiskChunks | undefined;
  private readonly collected = newChunkSamples(256);

  constructor(shared: SharedMemory, batch: number, floor: number, disk: DiskChunks | undefined) {
    this.shared = shared;
    this.batch = batch;
    this.floor = floor;
    this.disk = disk;
  }

  /** Samples at most, and whether there are any nodes at all, for estimates. */
  count(side: number): number {
    const { u32, u8 } = this.shared;
    let total = 0;
    for (let node = Atomics.load(u32, side >>> 2); node !== 0; ) {
      if (u8[node + 28] !== SideKind.tombstone) total += u8[node + 30]! | (u8[node + 31]! << 8);
      node = Atomics.load(u32, (node >>> 2) + Node.previous);
    }
    return total;
  }

  /**
   * Merges the `n` floats of `columns` with what the side has in [minTime, maxTime] into `merged` and takes
   * out what is deleted; returns the number of samples.
   */
  merge(
    side: number,
    columns: {
      readonly times: Float64Array;
      readonly valueBits: Uint32Array;
      readonly startTimes: Float64Array | undefined;
    },
    n: number,
    minTime: number,
    maxTime: number,
  ): number {
    const { u32, f64, u8 } = this.shared;
    const { collected } = this;
    collected.reserve(n + 1, 0);
    for (let i = 0; i < n; i++) {
      collected.times[i] = columns.times[i]!;
      collected.valueBits[2 * i] = columns.valueBits[2 * i]!;
      collected.valueBits[2 * i + 1] = columns.valueBits[2 * i + 1]!;
      collected.setStartTime(i, columns.startTimes?.[i] ?? 0);
    }
    const nodes: number[] = [];
    const deleted: number[] = [];
    for (let node = Atomics.load(u32, side >>> 2); node !== 0; ) {
      const visible = ((u32[(node >>> 2) + Node.batch]! - this.batch) | 0) <= 0;
      const min = f64[(node >>> 3) + 1]!;
      const max = f64[(node >>> 3) + 2]!;
      if (visible && u8[node + 28] === SideKind.tombstone) deleted.push(min, max);
      else if (visible && min <= maxTime && max >= minTime) nodes.push(node);
      node = Atomics.load(u32, (node >>> 2) + Node.previous);
    }
    let total = n;
    // Oldest first: of samples with one time the first stays.
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i]!;
      const from = isLate(u8, node) ? minTime : Math.max(minTime, this.floor);
      const end = readNode(this.shared, node, collected, total, this.disk);
      if (isRaw(u8[node + 28]!)) forgetReset(collected, total);
      let kept = total;
      for (let k = total; k < end; k++) {
        const time = collected.times[k]!;
        if (time < from || time > maxTime) continue;
        if (kept !== k) collected.copy(kept, collected, k);
        kept++;
      }
      total = kept;
    }
    const count = sortSamples(collected, total, this.merged);
    return deleted.length === 0 ? count : this.merged.drop(count, deleted);
  }
}
