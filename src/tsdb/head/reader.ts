// SPDX-License-Identifier: Apache-2.0
// hot
// The head as a query worker reads it. A querier marks the newest batch it may see in the worker's slot;
// from then on the writer frees nothing that this batch could reach.

import { assert } from '../../base/index.ts';
import { ChunkEncoding, decodeChunk, newChunkSamples } from '../../chunks/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import type { Histogram, Matcher, SampleColumns } from '../../model/index.ts';
import { compareText } from '../../model/index.ts';
import type { Querier, Queryable, SeriesSet, SharedView } from '../../storage/index.ts';
import type { HeadChunkSource } from './disk-chunks.ts';
import { DiskChunks } from './disk-chunks.ts';
import type { HeadKernel } from './kernel.ts';
import { headKernel } from './kernel.ts';
import {
  CHUNK_HEADER_BYTES,
  CHUNK_MAX_TIME,
  CHUNK_MIN_TIME,
  Chunk,
  chunkStreamBytes,
  Control,
  ControlTime,
  isOnDisk,
  ON_DISK,
  Series,
  Slot,
  slotOf,
} from './layout.ts';
import { selectIds } from './select.ts';
import { SideReader } from './side.ts';
import { readStartTimes } from './start-times.ts';
import { type HeadStatistics, headStatistics } from './stats.ts';
import { HeadSymbols } from './symbols.ts';
import { directoryGet, findPair, listView, NAME_VALUES } from './tables.ts';

/** A query that needs more scratch memory than its worker has. */
export class QueryMemoryError extends Error {
  override name = 'QueryMemoryError';
}

/** Bytes a sample takes in the columns of a read. */
const SAMPLE_COLUMN_BYTES = 16;

/** Reads one head from one thread; one querier is open at a time. */
export class HeadReader implements Queryable {
  readonly symbols: HeadSymbols;
  private readonly shared: SharedMemory;
  private readonly kernel: HeadKernel;
  private readonly slot: number;
  private readonly disk: DiskChunks | undefined;

  /**
   * `worker` is the slot of this thread, for which the head reserved scratch memory. `chunks`: where the
   * head writes closed chunks, when it does.
   */
  constructor(shared: SharedMemory, worker: number, chunks?: HeadChunkSource) {
    this.shared = shared;
    this.kernel = headKernel(shared);
    this.symbols = new HeadSymbols(shared);
    this.slot = slotOf(worker);
    const region = shared.u32[this.slot + Slot.chunkBlocks]!;
    if (chunks !== undefined && region !== 0) this.disk = new DiskChunks(shared, chunks, region);
  }

  /** Lets go of open files. */
  close(): void {
    this.disk?.close();
  }

  /** Times of the oldest and newest sample in the head. */
  get timeRange(): { minTime: number; maxTime: number } {
    const { f64 } = this.shared;
    return { minTime: f64[ControlTime.min]!, maxTime: f64[ControlTime.max]! };
  }

  /** Counts of the index; see {@link headStatistics}. `limit` > 0. */
  stats(limit: number): HeadStatistics {
    const querier = this.querier();
    try {
      return headStatistics(this.shared, this.symbols, limit);
    } finally {
      querier.close();
    }
  }

  querier(): HeadQuerier {
    const { u32 } = this.shared;
    assert(Atomics.load(u32, this.slot + Slot.active) === 0, 'one querier for a worker at a time');
    let batch = Atomics.load(u32, Control.committed);
    for (;;) {
      Atomics.store(u32, this.slot + Slot.batch, batch);
      Atomics.store(u32, this.slot + Slot.active, 1);
      // Between the load and the store the writer may have freed what the older batch could reach.
      const now = Atomics.load(u32, Control.committed);
      if (now === batch) break;
      batch = now;
    }
    return new HeadQuerier(this.parts(this.shared.f64[ControlTime.floor]!), this.slot, batch);
  }

  private parts(floor: number): ReadParts {
    const { shared, kernel, symbols, disk } = this;
    disk?.forgetBefore(shared.u32[Control.oldestChunkFile]!);
    return { shared, kernel, symbols, floor, disk };
  }

  /** See {@link Queryable.join}; `view` is what {@link HeadQuerier.share} made. */
  join(view: SharedView): HeadQuerier | undefined {
    const { u32 } = this.shared;
    const [slot = 0, batch = 0, floor = 0, address = 0, count = 0] = view;
    assert(Atomics.load(u32, this.slot + Slot.active) === 0, 'one querier for a worker at a time');
    Atomics.store(u32, this.slot + Slot.batch, batch);
    Atomics.store(u32, this.slot + Slot.active, 1);
    // While that one is open, nothing that it may read was freed: from here on it is not for us, either.
    const open = Atomics.load(u32, slot + Slot.active) === 1;
    if (!open || Atomics.load(u32, slot + Slot.batch) !== batch) {
      Atomics.store(u32, this.slot + Slot.active, 0);
      return undefined;
    }
    const querier = new HeadQuerier(this.parts(floor), this.slot, batch);
    try {
      querier.adopt(address, count);
    } catch (error) {
      querier.close();
      throw error;
    }
    return querier;
  }
}

/** How often a querier takes a newer view because the writer was faster. */
const RENEWALS_MAX = 20;

export class HeadQuerier implements Querier {
  private readonly parts: ReadParts;
  private readonly shared: SharedMemory;
  private readonly symbols: HeadSymbols;
  private readonly slot: number;
  private batch: number;
  /** Something was selected: the view is that of its batch from then on. */
  private isFixed = false;
  /** What is older is in blocks: the head gives it back while this querier is open. */
  private readonly floor: number;
  /** Scratch handed out so far by this querier. */
  private scratchUsed = 0;
  /** A copy of what another thread selected; undefined: this one selects itself. */
  private adopted: { readonly address: number; readonly count: number } | undefined;

  constructor(parts: ReadParts, slot: number, batch: number) {
    this.parts = parts;
    this.shared = parts.shared;
    this.symbols = parts.symbols;
    this.floor = parts.floor;
    this.slot = slot;
    this.batch = batch;
  }

  select(matchers: readonly Matcher[], minTime: number, maxTime: number): HeadSeriesSet {
    const scratch = (bytes: number): number => this.scratch(bytes);
    const { adopted } = this;
    if (adopted !== undefined) {
      const sides = new SideReader(this.shared, this.batch, this.floor, this.parts.disk);
      return new HeadSeriesSet(this.parts, sides, adopted.count, adopted.address, scratch);
    }
    const used = this.scratchUsed;
    let found = this.selectRows(matchers, minTime, maxTime);
    // A thread that had to wait for its turn takes a newer view, as long as nobody has seen the old one.
    for (let i = 0; i < RENEWALS_MAX && this.isOverrun(found) && this.renew(); i++) {
      this.scratchUsed = used;
      found = this.selectRows(matchers, minTime, maxTime);
    }
    this.isFixed = true;
    const sides = new SideReader(this.shared, this.batch, this.floor, this.parts.disk);
    return new HeadSeriesSet(this.parts, sides, found.count, found.columns, scratch);
  }

  /** Ids, newest visible chunks and their visible counts, as columns of the scratch. */
  private selectRows(
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
  ): { columns: number; count: number } {
    const ids = this.overlaps(minTime, maxTime)
      ? selectIds(this.symbols, matchers)
      : new Uint32Array(0);
    const count = ids.length;
    const columns = this.scratch(Math.max(16, 12 * count));
    const chunks = columns + 4 * count;
    const counts = chunks + 4 * count;
    this.shared.u32.set(ids, columns >>> 2);
    this.parts.kernel.snapshot(columns, count, this.batch, chunks, counts);
    return { columns, count };
  }

  /**
   * Whether a series may have got more batches since the view's than it remembers: what it shows
   * is newer then, and the next one may be newer still.
   */
  private isOverrun({ columns, count }: { columns: number; count: number }): boolean {
    const { u32 } = this.shared;
    if (((Atomics.load(u32, Control.committed) - this.batch) | 0) < 2) return false;
    const directory = u32[Control.seriesDirectory]!;
    for (let row = 0; row < count; row++) {
      const record = directoryGet(this.shared, directory, u32[(columns >>> 2) + row]!);
      if (record === 0) continue;
      if (((u32[(record >>> 2) + Series.olderBatch]! - this.batch) | 0) > 1) return true;
    }
    return false;
  }

  /** Goes on with the newest batch. False: somebody saw the view already, or the head is being truncated. */
  private renew(): boolean {
    const { u32, f64 } = this.shared;
    if (this.isFixed) return false;
    const batch = Atomics.load(u32, Control.committed);
    // Blocks were listed for this floor. While it stands, the truncation that raises it waits for this batch.
    if (f64[ControlTime.floor] !== this.floor) return false;
    Atomics.store(u32, this.slot + Slot.batch, batch);
    this.batch = batch;
    return true;
  }

  /** Copies the columns of a set of another thread's querier: from now on `select` returns that set. */
  adopt(address: number, count: number): void {
    const copy = this.scratch(Math.max(16, 12 * count));
    this.shared.u8.copyWithin(copy, address, address + 12 * count);
    this.adopted = { address: copy, count };
  }

  /** Where `set`, or the part of it that is the head's, and what it may see stand in the shared memory. */
  share(all: SeriesSet): SharedView {
    const set = [all, ...(all.sources ?? [])].find((one) => one instanceof HeadSeriesSet);
    return [this.slot, this.batch, this.floor, set?.address ?? 0, set?.count ?? 0];
  }

  labelNames(matchers: readonly Matcher[], minTime: number, maxTime: number): string[] {
    if (!this.overlaps(minTime, maxTime)) return [];
    const { shared, symbols } = this;
    const names =
      matchers.length === 0
        ? listView(shared, shared.u32[Control.labelNames]!)
        : this.distinct(matchers, (pairs, i) => pairs + 2 * i);
    return [...names].map((id) => symbols.text(id)).sort(compareText);
  }

  labelValues(
    name: string,
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
  ): string[] {
    if (!this.overlaps(minTime, maxTime)) return [];
    const { shared, symbols } = this;
    const nameId = symbols.id(name);
    if (nameId === 0) return [];
    const values =
      matchers.length === 0
        ? listView(shared, findPair(shared, nameId, NAME_VALUES))
        : this.distinct(matchers, (pairs, i) =>
            shared.u32[pairs + 2 * i] === nameId ? pairs + 2 * i + 1 : 0,
          );
    return [...values].map((id) => symbols.text(id)).sort(compareText);
  }

  close(): void {
    Atomics.store(this.shared.u32, this.slot + Slot.active, 0);
  }

  /** Distinct symbols at the words that `wordOf` names (0 = none), over the labels of the matching series. */
  private distinct(
    matchers: readonly Matcher[],
    wordOf: (pairs: number, i: number) => number,
  ): Set<number> {
    const { u32 } = this.shared;
    const found = new Set<number>();
    for (const id of selectIds(this.symbols, matchers)) {
      const at = directoryGet(this.shared, u32[Control.seriesDirectory]!, id) >>> 2;
      const pairs = u32[at + Series.labels]! >>> 2;
      for (let i = 0; i < u32[at + Series.labelCount]!; i++) {
        const word = wordOf(pairs, i);
        if (word !== 0) found.add(u32[word]!);
      }
    }
    return found;
  }

  private overlaps(minTime: number, maxTime: number): boolean {
    const { f64 } = this.shared;
    return (
      minTime <= f64[ControlTime.max]! &&
      maxTime >= Math.min(Math.max(this.floor, f64[ControlTime.min]!), f64[ControlTime.sideMin]!)
    );
  }

  /** Address of `bytes` of scratch, until the querier is closed. @throws QueryMemoryError */
  private scratch(bytes: number): number {
    const size = this.shared.u32[this.slot + Slot.scratchBytes]!;
    const rounded = (bytes + 15) & ~15;
    if (this.scratchUsed + rounded > size) {
      throw new QueryMemoryError(
        `query needs more than the ${size >>> 20} MiB of its worker: select fewer series or a shorter range`,
      );
    }
    const address = this.shared.u32[this.slot + Slot.scratch]! + this.scratchUsed;
    this.scratchUsed += rounded;
    return address;
  }
}

interface ReadParts {
  readonly shared: SharedMemory;
  readonly kernel: HeadKernel;
  readonly symbols: HeadSymbols;
  readonly floor: number;
  /** Undefined: all chunks are in memory. */
  readonly disk: DiskChunks | undefined;
}

/**
 * A chunk as it stands in the memory: its first two bytes, the count, are not filled in. `bytes` is 0 where
 * it still changes: decode it by `read`.
 */
export interface ChunkStream {
  /** XOR, or of a chunk in a file XOR2. */
  readonly encoding: number;
  readonly address: number;
  readonly bytes: number;
  readonly count: number;
  readonly minTime: number;
  readonly maxTime: number;
}

export class HeadSeriesSet implements SeriesSet {
  readonly count: number;
  /** Of the snapshot's columns: ids, newest chunks, their visible counts. */
  readonly address: number;
  readonly symbols: HeadSymbols;
  columns: SampleColumns;
  histograms: readonly (Histogram | undefined)[] | undefined;
  startTimes: Float64Array | undefined;
  /** Room for those of floats. */
  private starts = new Float64Array(0);
  private capacity = 0;
  private columnsAddress = 0;
  private readonly shared: SharedMemory;
  private readonly kernel: HeadKernel;
  private readonly floor: number;
  private readonly disk: DiskChunks | undefined;
  private readonly sides: SideReader;
  /** What the last read of floats alone stands in. */
  private floats: SampleColumns;
  /** Word indexes of the snapshot's columns. */
  private readonly ids: number;
  private readonly chunks: number;
  private readonly counts: number;
  private readonly view: DataView;
  private readonly scratch: (bytes: number) => number;
  private labelsMax: number | undefined;
  /** Chunks of the series being read, newest first. */
  private readonly chain: number[] = [];
  private readonly samples = newChunkSamples(128);

  constructor(
    parts: ReadParts,
    sides: SideReader,
    count: number,
    address: number,
    scratch: (bytes: number) => number,
  ) {
    const { shared } = parts;
    this.shared = shared;
    this.kernel = parts.kernel;
    this.symbols = parts.symbols;
    this.floor = parts.floor;
    this.disk = parts.disk;
    this.sides = sides;
    this.count = count;
    this.address = address;
    this.ids = address >>> 2;
    this.chunks = this.ids + count;
    this.counts = this.chunks + count;
    this.scratch = scratch;
    this.view = new DataView(shared.u8.buffer);
    const values = new Float64Array(0);
    this.columns = { times: values, values, valueBits: new Uint32Array(0) };
    this.floats = this.columns;
  }

  private record(row: number): number {
    const { u32 } = this.shared;
    return directoryGet(this.shared, u32[Control.seriesDirectory]!, u32[this.ids + row]!) >>> 2;
  }

  get maxLabelCount(): number {
    if (this.labelsMax === undefined) {
      let most = 0;
      for (let row = 0; row < this.count; row++) {
        most = Math.max(most, this.shared.u32[this.record(row) + Series.labelCount]!);
      }
      this.labelsMax = most;
    }
    return this.labelsMax;
  }

  labelIds(row: number, out: Uint32Array): number {
    const { u32 } = this.shared;
    const at = this.record(row);
    const count = u32[at + Series.labelCount]!;
    const pairs = u32[at + Series.labels]! >>> 2;
    for (let i = 0; i < 2 * count; i++) out[i] = u32[pairs + i]!;
    return count;
  }

  labelValueId(row: number, nameId: number): number {
    const { u32 } = this.shared;
    const at = this.record(row);
    const end = (u32[at + Series.labels]! >>> 2) + 2 * u32[at + Series.labelCount]!;
    for (let pair = u32[at + Series.labels]! >>> 2; pair < end; pair += 2) {
      if (u32[pair] === nameId) return u32[pair + 1]!;
    }
    return 0;
  }

  private time(address: number): number {
    return this.view.getUint32(address, true) + this.view.getInt32(address + 4, true) * 4294967296;
  }

  /**
   * Collects the row's chunks that may have samples in range into `chain`, newest first, and returns how
   * many samples they hold.
   */
  private collect(row: number, minTime: number, maxTime: number): number {
    const { u32 } = this.shared;
    const { chain } = this;
    chain.length = 0;
    let total = 0;
    let chunk = u32[this.chunks + row]!;
    let visible = u32[this.counts + row]!;
    while (chunk !== 0 && this.time(chunk + CHUNK_MAX_TIME) >= minTime) {
      if (this.time(chunk + CHUNK_MIN_TIME) <= maxTime && visible > 0) {
        chain.push(chunk, visible);
        total += visible;
      }
      chunk = Atomics.load(u32, (chunk >>> 2) + Chunk.previous);
      visible = chunk === 0 ? 0 : u32[(chunk >>> 2) + Chunk.count]!;
    }
    return total;
  }

  estimateSamples(row: number, minTime: number, maxTime: number): number {
    const side = this.side(row);
    const floats = this.collect(row, Math.max(minTime, this.floor), maxTime);
    return side === 0 ? floats : floats + this.sides.count(side);
  }

  /** Address of the row's side (see side.ts); 0 for most. */
  private side(row: number): number {
    return Atomics.load(this.shared.u32, this.record(row) + Series.side);
  }

  /** Newest change of the row's start times (see start-times.ts); 0 for most. */
  private startList(row: number): number {
    return Atomics.load(this.shared.u32, this.record(row) + Series.starts);
  }

  /** Whether all of a row is in its chain of float chunks: no other samples, deletions or start times. */
  isPlain(row: number): boolean {
    return this.side(row) === 0 && this.startList(row) === 0;
  }

  read(row: number, minTime: number, maxTime: number): number {
    const n = this.readFloats(row, Math.max(minTime, this.floor), maxTime);
    const side = this.side(row);
    this.columns = this.floats;
    this.histograms = undefined;
    this.startTimes = this.readStarts(row, n);
    if (side === 0) return n;
    const floats = { ...this.floats, startTimes: this.startTimes };
    const count = this.sides.merge(side, floats, n, minTime, maxTime);
    this.columns = this.sides.merged;
    this.histograms = this.sides.merged.histograms;
    this.startTimes = this.sides.merged.startTimes;
    return count;
  }

  /** Start times of the `n` floats that were read; undefined when none has one. */
  private readStarts(row: number, n: number): Float64Array | undefined {
    const list = this.startList(row);
    if (list === 0 || n === 0) return undefined;
    if (this.starts.length < n) this.starts = new Float64Array(2 * n);
    const { shared, starts } = this;
    const { times } = this.floats;
    return readStartTimes(shared, list, this.sides.batch, times, n, starts) ? starts : undefined;
  }

  private readFloats(row: number, minTime: number, maxTime: number): number {
    const total = this.collect(row, minTime, maxTime);
    if (total === 0) return 0;
    if (total > this.capacity) this.grow(total);
    const { chain, columnsAddress } = this;
    const valuesAddress = columnsAddress + 8 * this.capacity;
    let n = 0;
    for (let i = chain.length - 2; i >= 0; i -= 2) {
      const address = this.streamOf(chain[i]!);
      if (this.encodingOf(chain[i]!) === ChunkEncoding.xor2) {
        n = this.readXor2(address, minTime, maxTime, n);
        continue;
      }
      n += this.kernel.decode(
        address,
        chain[i + 1]!,
        minTime,
        maxTime,
        columnsAddress + 8 * n,
        valuesAddress + 8 * n,
      );
    }
    return n;
  }

  /** Encoding of the chunk whose stream was asked for last. */
  private encodingOf(chunk: number): number {
    return isOnDisk(this.shared.u32, chunk) ? this.disk!.encoding : ChunkEncoding.xor;
  }

  /** Reads the chunk with start times (of which `starts` knows) that was found in a file last. */
  private readXor2(address: number, minTime: number, maxTime: number, from: number): number {
    const { samples, floats } = this;
    const chunk = this.shared.u8.subarray(address, address + this.disk!.length);
    const count = decodeChunk(ChunkEncoding.xor2, chunk, samples);
    let n = from;
    for (let i = 0; i < count; i++) {
      const time = samples.times[i]!;
      if (time < minTime || time > maxTime) continue;
      floats.times[n] = time;
      floats.valueBits[2 * n] = samples.valueBits[2 * i]!;
      floats.valueBits[2 * n + 1] = samples.valueBits[2 * i + 1]!;
      n++;
    }
    return n;
  }

  /**
   * The chunks of a row that may have samples in range, oldest first, for writing a block: what is closed
   * can be copied as it is. Each is valid until the next is asked for.
   */
  *chunkStreams(row: number, from: number, maxTime: number): IterableIterator<ChunkStream> {
    this.collect(row, Math.max(from, this.floor), maxTime);
    // A copy: whoever visits them may read the row, too.
    const chain = [...this.chain];
    for (let i = chain.length - 2; i >= 0; i -= 2) {
      const chunk = chain[i]!;
      const count = chain[i + 1]!;
      const address = this.streamOf(chunk);
      yield {
        encoding: this.encodingOf(chunk),
        address,
        bytes: isOnDisk(this.shared.u32, chunk)
          ? this.disk!.length
          : this.streamBytes(row, chunk, count),
        count,
        minTime: this.time(chunk + CHUNK_MIN_TIME),
        maxTime: this.time(chunk + CHUNK_MAX_TIME),
      };
    }
  }

  /** Address of a chunk's stream; of one in a file valid until other chunks are asked for. */
  private streamOf(chunk: number): number {
    const { u32 } = this.shared;
    if (!isOnDisk(u32, chunk)) return chunk + CHUNK_HEADER_BYTES;
    assert(this.disk !== undefined, 'a reader of a head with chunk files knows where they are');
    const at = chunk >>> 2;
    return this.disk.find(u32[at + Chunk.bytes]! - ON_DISK, u32[at + Chunk.first]!);
  }

  /** Bytes of a chunk's stream when all of it is visible and it stays as it is; 0 otherwise. */
  private streamBytes(row: number, chunk: number, count: number): number {
    const { u32 } = this.shared;
    if (chunk !== u32[this.chunks + row]!) return chunkStreamBytes(u32, chunk);
    // The newest: it may be open. The bit position is stored before the count, so it covers the count.
    const record = this.record(row);
    const bits = Atomics.load(u32, record + Series.bitPosition);
    const same =
      Atomics.load(u32, record + Series.openChunk) === chunk &&
      Atomics.load(u32, (chunk >>> 2) + Chunk.count) === count;
    return same ? Math.min((bits + 7) >>> 3, u32[(chunk >>> 2) + Chunk.bytes]!) : 0;
  }

  private grow(samples: number): void {
    this.capacity = Math.max(1024, Math.ceil(samples * 1.5));
    this.columnsAddress = this.scratch(SAMPLE_COLUMN_BYTES * this.capacity);
    const { buffer } = this.shared.u8;
    const valuesAddress = this.columnsAddress + 8 * this.capacity;
    this.floats = {
      times: new Float64Array(buffer, this.columnsAddress, this.capacity),
      values: new Float64Array(buffer, valuesAddress, this.capacity),
      valueBits: new Uint32Array(buffer, valuesAddress, 2 * this.capacity),
    };
  }
}
