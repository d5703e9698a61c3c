// SPDX-License-Identifier: Apache-2.0
// hot
// Giving memory back: chunks older than a time, then series that have nothing left, their postings and
// symbols. It runs in short goes between which the head takes samples and answers queries as always.
//
// The order is what makes it safe:
//   1. publish the floor: readers that start from now on look at nothing older
//   2. wait for the readers that started before
//   3. cut chunk chains; mark series with nothing left as gone (an append to them is refused with
//      `unknownSeries`, and the same labels get a new series)
//   4. take the gone ids out of every postings list, replacing list headers, never changing them
//   5. take values without series out of the lists of values; only now
//   6. retire records, directory entries and symbols: nobody who starts from now on can reach them
// Ids of series and symbols are never used again: lists stay ascending, and caches by id stay true.

import { assert } from '../../base/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import {
  CHUNK_HEADER_BYTES,
  CHUNK_MAX_TIME,
  CHUNK_MIN_TIME,
  Chunk,
  Control,
  ControlTime,
  chunkStreamBytes,
  LIST_BYTES,
  List,
  SERIES_BYTES,
  SERIES_FLAGS,
  Series,
  SeriesFlag,
  Table,
} from './layout.ts';
import type { SeriesIndex } from './series-index.ts';
import type { SideWriter } from './side.ts';
import type { StartTimes } from './start-times.ts';
import { Deferred, type HeadStore } from './store.ts';
import {
  directoryGet,
  findPair,
  listView,
  NAME_SERIES,
  NAME_VALUES,
  PAIR_GONE,
  PAIR_WORDS,
} from './tables.ts';
import { timeAt } from './times.ts';

export interface TruncateResult {
  readonly chunksRemoved: number;
  /** WAL refs of the removed series. */
  readonly removedRefs: Float64Array;
}

/** Waits: 0 lets other work in, more is a time. */
export type Pause = (delayMs: number) => Promise<void>;

/** What truncation needs of the head. */
export interface TruncateHost {
  readonly shared: SharedMemory;
  readonly store: HeadStore;
  readonly index: SeriesIndex;
  readonly view: DataView;
  /** Called when a symbol's record is retired. */
  symbolRemoved(lengthBytes: number): void;
  readonly sides: SideWriter;
  readonly starts: StartTimes;
  /** Oldest time appended since the truncation began. */
  appendedMin(): number;
}

/** Series visited, list entries filtered and blocks freed in one go: a millisecond or two. */
const SERIES_PER_GO = 1024;
const ENTRIES_PER_GO = 1 << 17;
const BLOCKS_PER_GO = 1 << 13;
const WAIT_FOR_READERS_MS = 10;

/** One truncation. What a failed one left marked as gone is found again by the next. */
export class Truncation {
  private readonly host: TruncateHost;
  private readonly pause: Pause;
  private readonly minTime: number;
  /** Late samples of later batches stay. */
  private readonly seenBatch: number;
  private readonly deletionsFrom: number;
  private chunksRemoved = 0;
  private oldest = Number.POSITIVE_INFINITY;
  /** Ids of the series that are gone, ascending. */
  private readonly gone: number[] = [];
  /** Bit (id - first) of the gone ids. */
  private goneBits = new Uint32Array(0);
  private goneFirst = 0;
  private goneLast = -1;
  /** Values whose last series is gone, by label name id. */
  private readonly deadValues = new Map<number, Set<number>>();

  constructor(
    host: TruncateHost,
    minTime: number,
    seenBatch: number,
    deletionsFrom: number,
    pause: Pause,
  ) {
    this.host = host;
    this.minTime = minTime;
    this.seenBatch = seenBatch;
    this.deletionsFrom = deletionsFrom;
    this.pause = pause;
  }

  /** @throws MemoryFullError when not even shorter lists fit; the series that are gone stay so */
  async run(): Promise<TruncateResult> {
    const { host, minTime } = this;
    const { f64 } = host.shared;
    f64[ControlTime.floor] = Math.max(f64[ControlTime.floor]!, minTime);
    await this.readersGone();
    await this.cutChains();
    if (this.gone.length > 0) {
      this.markGone();
      await this.filterPairs();
      await this.filterAllSeries();
      await this.removeValues();
      await this.retireSeries();
    }
    if (f64[ControlTime.min]! < minTime) {
      const oldest = Math.min(this.oldest, host.appendedMin(), f64[ControlTime.max]!);
      f64[ControlTime.min] = Math.max(minTime, oldest);
    }
    return { chunksRemoved: this.chunksRemoved, removedRefs: this.removedRefs };
  }

  private removedRefs = new Float64Array(0);

  /** Waits for all readers that have started by now. */
  async readersGone(): Promise<void> {
    const { store } = this.host;
    const published = store.advance();
    while (store.oldestReader(published) !== published) await this.pause(WAIT_FOR_READERS_MS);
  }

  private async rest(): Promise<void> {
    this.host.store.advance();
    this.host.store.reclaim(BLOCKS_PER_GO);
    await this.pause(0);
  }

  // ---- chunks -------------------------------------------------------------------------------------

  private async cutChains(): Promise<void> {
    const { shared } = this.host;
    // A copy: the list may be replaced while this rests.
    const ids = listView(shared, shared.u32[Control.allSeries]!).slice();
    // Found anew on the way.
    shared.f64[ControlTime.sideMin] = Number.POSITIVE_INFINITY;
    for (let from = 0; from < ids.length; from += SERIES_PER_GO) {
      const to = Math.min(ids.length, from + SERIES_PER_GO);
      for (let i = from; i < to; i++) this.cutSeries(ids[i]!);
      await this.rest();
    }
  }

  private cutSeries(id: number): void {
    const { shared } = this.host;
    const { u32, u8 } = shared;
    const record = directoryGet(shared, u32[Control.seriesDirectory]!, id);
    const at = record >>> 2;
    const open = u32[at + Series.openChunk]!;
    const isOld = open === 0 || this.newestTime(open) < this.minTime;
    const side = u32[at + Series.side]!;
    let hasSide = false;
    if (side !== 0) {
      const left = this.host.sides.truncate(side, this.minTime, this.seenBatch, this.deletionsFrom);
      hasSide = left.hasSamples;
      this.oldest = Math.min(this.oldest, left.oldest);
    }
    this.host.starts.truncate(record, this.minTime);
    if (!isOld) {
      this.cutChain(open);
      return;
    }
    if (hasSide) return;
    // A series made for a batch that is on its way has no samples yet: it is spared once.
    const flags = u8[record + SERIES_FLAGS]!;
    if (open === 0 && (flags & SeriesFlag.spared) === 0) {
      u8[record + SERIES_FLAGS] = flags | SeriesFlag.spared;
      return;
    }
    u8[record + SERIES_FLAGS] = flags | SeriesFlag.gone;
    this.host.index.remove(u32[at + Series.hash]!, id);
    this.gone.push(id);
  }

  /** Time of the newest sample of a chain, whose open chunk may be empty after a start. */
  private newestTime(open: number): number {
    const { shared, view } = this.host;
    const { u32 } = shared;
    const chunk = u32[open >>> 2] === 0 ? u32[(open >>> 2) + Chunk.previous]! : open;
    return chunk === 0 ? Number.NEGATIVE_INFINITY : timeAt(view, chunk + CHUNK_MAX_TIME);
  }

  /** Drops the chunks of a chain from the first old one on. */
  private cutChain(open: number): void {
    const { shared, view } = this.host;
    const { u32 } = shared;
    let newer = open;
    for (;;) {
      const chunk = u32[(newer >>> 2) + Chunk.previous]!;
      if (chunk === 0) break;
      if (timeAt(view, chunk + CHUNK_MAX_TIME) < this.minTime) {
        Atomics.store(u32, (newer >>> 2) + Chunk.previous, 0);
        this.retireChain(chunk);
        break;
      }
      newer = chunk;
    }
    if (u32[newer >>> 2] !== 0) {
      this.oldest = Math.min(this.oldest, timeAt(view, newer + CHUNK_MIN_TIME));
    }
  }

  private retireChain(first: number): void {
    const { shared, store } = this.host;
    const { u32 } = shared;
    for (let chunk = first; chunk !== 0; ) {
      const previous = u32[(chunk >>> 2) + Chunk.previous]!;
      store.retire(chunk, CHUNK_HEADER_BYTES + chunkStreamBytes(u32, chunk));
      this.chunksRemoved++;
      u32[Control.closedChunks] = u32[Control.closedChunks]! - 1;
      chunk = previous;
    }
  }

  // ---- postings -----------------------------------------------------------------------------------

  private markGone(): void {
    this.goneFirst = this.gone[0]!;
    this.goneLast = this.gone.at(-1)!;
    this.goneBits = new Uint32Array(((this.goneLast - this.goneFirst) >>> 5) + 1);
    for (const id of this.gone) {
      const bit = id - this.goneFirst;
      this.goneBits[bit >>> 5]! |= 1 << (bit & 31);
    }
  }

  /** Ids of a list that stay, as a new list header; 0 when none does, `list` itself when all do. */
  private filtered(list: number): number {
    const { shared, store } = this.host;
    const ids = listView(shared, list);
    const { goneBits, goneFirst, goneLast } = this;
    const kept = keptIds(ids, goneBits, goneFirst, goneLast);
    if (kept === ids.length) return list;
    const fresh = kept === 0 ? 0 : store.newList(Math.max(2, kept));
    if (fresh !== 0) {
      const at = fresh >>> 2;
      copyKept(
        ids,
        goneBits,
        goneFirst,
        goneLast,
        shared.u32,
        shared.u32[at + List.address]! >>> 2,
      );
      shared.u32[at + List.count] = kept;
    }
    this.retireList(list);
    return fresh;
  }

  private retireList(list: number): void {
    const { shared, store } = this.host;
    const at = list >>> 2;
    store.retire(shared.u32[at + List.address]!, shared.u32[at + List.capacity]! * 4);
    store.retire(list, LIST_BYTES);
  }

  /** Every pair of the table; the table may be replaced during a rest, then it starts over. */
  private async filterPairs(): Promise<void> {
    const { u32 } = this.host.shared;
    let entries = 0;
    for (let slot = 0, table = u32[Control.pairTable]!; ; slot++) {
      if (slot > u32[(table >>> 2) + Table.mask]!) return;
      entries += 1 + this.filterPair((table >>> 2) + Table.slots + slot * PAIR_WORDS);
      if (entries < ENTRIES_PER_GO) continue;
      entries = 0;
      await this.rest();
      if (u32[Control.pairTable] !== table) {
        table = u32[Control.pairTable]!;
        slot = -1;
      }
    }
  }

  /** Filters the list in a slot; returns the entries looked at. */
  private filterPair(at: number): number {
    const { u32 } = this.host.shared;
    const name = u32[at]!;
    const value = u32[at + 1]!;
    if (name === 0 || name === PAIR_GONE || value === NAME_VALUES) return 0;
    const list = u32[at + 2]!;
    const entries = u32[(list >>> 2) + List.count]!;
    const fresh = this.filtered(list);
    if (fresh === list) return entries;
    if (fresh !== 0) {
      Atomics.store(u32, at + 2, fresh);
    } else {
      Atomics.store(u32, at, PAIR_GONE);
      this.host.store.pairRemoved();
      let dead = this.deadValues.get(name);
      if (dead === undefined) {
        dead = new Set();
        this.deadValues.set(name, dead);
      }
      dead.add(value);
    }
    return entries;
  }

  private async filterAllSeries(): Promise<void> {
    const { shared, store } = this.host;
    const list = shared.u32[Control.allSeries]!;
    const fresh = this.filtered(list);
    Atomics.store(shared.u32, Control.allSeries, fresh === 0 ? store.newList(64) : fresh);
    await this.rest();
  }

  // ---- values and names -----------------------------------------------------------------------------

  private async removeValues(): Promise<void> {
    const deadNames = new Set<number>();
    for (const [name, dead] of this.deadValues) {
      if (dead.delete(NAME_SERIES)) deadNames.add(name);
      const removed = dead.size;
      this.rebuildValues(name, dead);
      if (removed > SERIES_PER_GO) await this.rest();
    }
    if (deadNames.size > 0) this.rebuildNames(deadNames);
    // Only now can nobody who starts reach the texts any more.
    this.host.store.advance();
    for (const [name, dead] of this.deadValues) {
      for (const value of dead) this.releaseSymbol(value);
      if (deadNames.has(name)) this.releaseSymbol(name);
    }
    await this.rest();
  }

  /**
   * Takes dead values out of a label's list of values. One that came back meanwhile stands there twice and
   * stays once.
   */
  private rebuildValues(name: number, dead: ReadonlySet<number>): void {
    const { shared, store } = this.host;
    const slot = store.pairSlot(name, NAME_VALUES);
    if (slot === 0) return;
    const list = shared.u32[slot + 2]!;
    const seen = new Set<number>();
    const kept = listView(shared, list).filter((value) => {
      if (!dead.has(value)) return true;
      if (seen.has(value) || findPair(shared, name, value) === 0) return false;
      seen.add(value);
      return true;
    });
    if (kept.length > 0) {
      Atomics.store(shared.u32, slot + 2, this.listOf(kept));
    } else {
      Atomics.store(shared.u32, slot, PAIR_GONE);
      store.pairRemoved();
    }
    this.retireList(list);
  }

  private rebuildNames(dead: ReadonlySet<number>): void {
    const { shared } = this.host;
    const list = shared.u32[Control.labelNames]!;
    const seen = new Set<number>();
    const kept = listView(shared, list).filter((name) => {
      if (!dead.has(name)) return true;
      if (seen.has(name) || findPair(shared, name, NAME_SERIES) === 0) return false;
      seen.add(name);
      return true;
    });
    Atomics.store(shared.u32, Control.labelNames, this.listOf(kept));
    this.retireList(list);
  }

  private listOf(ids: Uint32Array): number {
    const { shared, store } = this.host;
    const list = store.newList(Math.max(4, ids.length));
    shared.u32.set(ids, shared.u32[(list >>> 2) + List.address]! >>> 2);
    shared.u32[(list >>> 2) + List.count] = ids.length;
    return list;
  }

  private releaseSymbol(id: number): void {
    const length = this.host.store.releaseSymbol(id);
    if (length >= 0) this.host.symbolRemoved(length);
  }

  // ---- records --------------------------------------------------------------------------------------

  private async retireSeries(): Promise<void> {
    const { shared, store } = this.host;
    const { u32 } = shared;
    this.removedRefs = new Float64Array(this.gone.length);
    for (let i = 0; i < this.gone.length; i++) {
      const id = this.gone[i]!;
      const record = directoryGet(shared, u32[Control.seriesDirectory]!, id);
      assert(record !== 0, 'a series that is gone has its record until here');
      const at = record >>> 2;
      this.removedRefs[i] = u32[at + Series.walRefLow]! + u32[at + Series.walRefHigh]! * 4294967296;
      const open = u32[at + Series.openChunk]!;
      if (open !== 0) {
        this.retireChain(u32[(open >>> 2) + Chunk.previous]!);
        store.retire(open, CHUNK_HEADER_BYTES + u32[(open >>> 2) + Chunk.bytes]!);
        this.chunksRemoved++;
        u32[Control.openChunks] = u32[Control.openChunks]! - 1;
      }
      const side = u32[at + Series.side]!;
      if (side !== 0) this.host.sides.retire(side);
      this.host.starts.retire(record);
      store.retire(u32[at + Series.labels]!, Math.max(8, 8 * u32[at + Series.labelCount]!));
      store.defer(Deferred.seriesEntry, id);
      store.retire(record, SERIES_BYTES);
      if (i % SERIES_PER_GO === SERIES_PER_GO - 1) await this.rest();
    }
    await this.rest();
  }
}

const isGone = (id: number, bits: Uint32Array, first: number): boolean =>
  (bits[(id - first) >>> 5]! & (1 << ((id - first) & 31))) !== 0;

function keptIds(ids: Uint32Array, bits: Uint32Array, first: number, last: number): number {
  let kept = ids.length;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id >= first && id <= last && isGone(id, bits, first)) kept--;
  }
  return kept;
}

function copyKept(
  ids: Uint32Array,
  bits: Uint32Array,
  first: number,
  last: number,
  out: Uint32Array,
  start: number,
): void {
  let at = start;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id < first || id > last || !isGone(id, bits, first)) out[at++] = id;
  }
}
