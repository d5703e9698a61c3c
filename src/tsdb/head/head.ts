// SPDX-License-Identifier: Apache-2.0
// hot
// The head's writer: series, chunks and batches. One object of it exists for a memory, on the thread that
// scrapes; readers are in reader.ts.

import { assert } from '../../base/index.ts';
import type { ChunkFormats } from '../../chunks/index.ts';
import type { SharedHeap, SharedMemory } from '../../kernels/index.ts';
import { bytesKernel } from '../../kernels/index.ts';
import type { Labels, Matcher } from '../../model/index.ts';
import type { Appender, SampleBatch, SeriesExemplar } from '../../storage/index.ts';
import { AppendStatus, ExemplarStatus, StorageError } from '../../storage/index.ts';
import type { LateSink, LoggedSeries, TextPlaces, WalSink } from '../wal/records.ts';
import { encodeSeriesRecord } from '../wal/records.ts';
import type { LoggedExemplar, MmapMarker } from '../wal/records-other.ts';
import {
  encodeExemplarsRecord,
  encodeMetadataRecord,
  encodeMmapMarkersRecord,
  encodeTombstonesRecord,
} from '../wal/records-other.ts';
import type { HeadChunkOptions, LoadedChunks } from './chunk-files.ts';
import { HeadChunkWriter, loadHeadChunks, removeSetAside } from './chunk-files.ts';
import { ChunkMapper, type MapperCounters } from './chunk-mapper.ts';
import { type HeadCounters, newHeadCounters } from './counters.ts';
import { DISK_CHUNK_BYTES } from './disk-chunks.ts';
import { ExemplarRing } from './exemplars.ts';
import { FoundChains } from './found-chains.ts';
import { HeadSnapshot } from './head-snapshot.ts';
import type { HeadKernel } from './kernel.ts';
import { headKernel } from './kernel.ts';
import {
  CHUNK_MIN_TIME,
  Chunk,
  Control,
  ControlTime,
  HEAD_MAGIC,
  SERIES_LAST_TIME,
  SERIES_NEXT_CUT,
  Series,
  Slot,
  slotOf,
} from './layout.ts';
import { OpenChunks } from './open-chunks.ts';
import { selectIds } from './select.ts';
import { MetadataTable, type SeriesMetadata } from './metadata.ts';
import { SeriesTable } from './series-table.ts';
import { SideWriter } from './side.ts';
import { SideBatch, type SideCounters, SKIPPED } from './side-batch.ts';
import { SideStore } from './side-store.ts';
import { encodeStartTimes, StartTimes } from './start-times.ts';
import { HeadSymbols } from './symbols.ts';
import { HeadStore, MemoryFullError } from './store.ts';
import type { Pause, TruncateHost, TruncateResult } from './truncate.ts';
import { Truncation } from './truncate.ts';
import { setTimeAt, timeAt } from './times.ts';
import { directoryGet, listView, PAIR_WORDS } from './tables.ts';

export interface HeadOptions {
  /** Chunks never cross a multiple of this. */
  readonly chunkRangeMs: number;
  /** Where batches are logged before they are visible; undefined: nowhere (tests, replay tools). */
  readonly wal: WalSink | undefined;
  /** The same for samples out of order. */
  readonly wbl?: LateSink;
}

export const DEFAULT_CHUNK_RANGE_MS = 7_200_000;

/** Series in one WAL record: records are buffered and compressed whole. */
const SERIES_PER_RECORD = 500;
/** Series that {@link Head.visitWalRefs} visits in one go. */
const SERIES_PER_GO = 4096;
/** Beyond what a millisecond time may be in our files. */
const TIME_MAX = 9e15;
/** What a varint of the log can hold, and long before any sample. */
const LOGGED_TIME_MIN = -4e15;

interface OwnedBatch extends SampleBatch {
  readonly address: number;
  readonly statusAddress: number;
}

export class Head implements Appender {
  readonly heap: SharedHeap;
  readonly counters: HeadCounters = newHeadCounters();
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly kernel: HeadKernel;
  private readonly options: HeadOptions;
  private readonly series: SeriesTable;
  private readonly chunks: OpenChunks;
  private readonly sides: SideWriter;
  private readonly starts: StartTimes;
  private readonly sideBatch: SideBatch;
  /** For replay. */
  readonly sideStore: SideStore;
  readonly exemplars = new ExemplarRing(0);
  readonly metadata = new MetadataTable();
  /** How late samples may come; 0: they may not. May be changed at any time. */
  outOfOrderWindowMs = 0;
  private chunkFormats: ChunkFormats = {};
  /** 64-bit words of the memory as two halves, for times. */
  private readonly view: DataView;
  /** Ids of series that no WAL record names yet. */
  private unlogged: number[] = [];
  private nextWalRef = 1;
  private truncating = false;
  /** Oldest time that came in since the truncation under way began. */
  private appendedMin = Number.POSITIVE_INFINITY;
  private mapper: ChunkMapper | undefined;
  private found: FoundChains | undefined;
  /** Refs of the log, beside their own, of series that it names more than once. */
  private otherRefs: number[] = [];
  private record: { address: number; sizeBytes: number };

  constructor(heap: SharedHeap, options: HeadOptions) {
    this.heap = heap;
    this.shared = heap.shared;
    this.options = options;
    this.kernel = headKernel(heap.shared);
    this.store = new HeadStore(heap);
    this.view = new DataView(heap.shared.u8.buffer);
    this.series = new SeriesTable(heap.shared, this.store, this.counters);
    this.chunks = new OpenChunks({
      shared: heap.shared,
      store: this.store,
      view: this.view,
      bytes: bytesKernel(heap.shared),
      counters: this.counters,
      chunkRangeMs: options.chunkRangeMs,
      onClosed: (id, chunk, size) => this.mapper?.closed(id, chunk, size),
    });
    this.sides = new SideWriter(heap.shared, this.store);
    this.starts = new StartTimes(heap.shared, this.store);
    this.sideBatch = new SideBatch(heap.shared, this.view, this.sides);
    this.sideStore = new SideStore(heap.shared, this.store, this.sides, this.sideBatch, (id) =>
      this.mapper?.sideChanged(id),
    );
    this.record = { address: this.store.allocate(1 << 16), sizeBytes: 1 << 16 };
    const { u32, f64 } = this.shared;
    assert(u32[Control.magic] === 0, 'one head for a memory');
    this.store.newDirectory(Control.seriesDirectory);
    this.store.newDirectory(Control.symbolDirectory);
    this.store.newTable(Control.symbolTable, 1024, 1);
    this.store.newTable(Control.pairTable, 1024, PAIR_WORDS);
    u32[Control.allSeries] = this.store.newList(64);
    u32[Control.labelNames] = this.store.newList(16);
    f64[ControlTime.min] = Number.POSITIVE_INFINITY;
    f64[ControlTime.max] = Number.NEGATIVE_INFINITY;
    f64[ControlTime.floor] = Number.NEGATIVE_INFINITY;
    f64[ControlTime.sideMin] = Number.POSITIVE_INFINITY;
    u32[Control.magic] = HEAD_MAGIC;
  }

  get seriesCount(): number {
    return this.counters.seriesCreated - this.counters.seriesRemoved;
  }

  get chunkCount(): number {
    return this.shared.u32[Control.closedChunks]! + this.shared.u32[Control.openChunks]!;
  }

  /** Times of the oldest and newest sample; +Infinity and -Infinity while there is none. */
  get minTime(): number {
    return this.shared.f64[ControlTime.min]!;
  }

  get maxTime(): number {
    return this.shared.f64[ControlTime.max]!;
  }

  /** Samples older than this are refused. */
  get minValidTime(): number {
    const floor = Math.max(-TIME_MAX, this.shared.f64[ControlTime.floor]!);
    return this.maxTime === Number.NEGATIVE_INFINITY
      ? floor
      : Math.max(floor, this.maxTime - this.options.chunkRangeMs / 2);
  }

  /**
   * Samples before `minTime` are in blocks: they are refused, and readers that start from now on look at
   * nothing older. For start-up, before replay; {@link truncate} does it too.
   */
  setFloor(minTime: number): void {
    const { f64 } = this.shared;
    f64[ControlTime.floor] = Math.max(f64[ControlTime.floor]!, minTime);
  }

  /**
   * Drops all samples before `minTime` that stand in whole chunks, hides the rest, and removes series that
   * have nothing left. Their memory is used again once no reader holds it. Works in short goes; the head
   * is in use as always. One truncation at a time.
   * @param pause lets other work in (0) or waits
   * @param deletionsFrom the log of late samples still has some from here on: what is deleted of them would
   *   be back after a start from a snapshot
   * @param seenBatch late samples of batches after this one stay, however old: no block has them
   */
  async truncate(
    minTime: number,
    pause: Pause,
    seenBatch = this.committedBatch,
    deletionsFrom = minTime,
  ): Promise<TruncateResult> {
    assert(!this.truncating, 'one truncation at a time');
    this.truncating = true;
    this.appendedMin = Number.POSITIVE_INFINITY;
    const { counters } = this;
    counters.truncations++;
    try {
      const truncation = new Truncation(
        this.truncateHost(),
        minTime,
        seenBatch,
        deletionsFrom,
        pause,
      );
      const result = await truncation.run();
      counters.chunksRemoved += result.chunksRemoved;
      counters.seriesRemoved += result.removedRefs.length;
      if (result.removedRefs.length > 0) {
        this.metadata.retain((id) => this.seriesLabels(id) !== undefined);
      }
      // A reader that came meanwhile may be about to read late samples from a file.
      if (this.mapper !== undefined) await truncation.readersGone();
      this.mapper?.truncate(minTime);
      return result;
    } catch (error) {
      counters.truncationsFailed++;
      throw error;
    } finally {
      this.truncating = false;
    }
  }

  /** Number of the newest batch: a reader that starts now sees it and all before. */
  get committedBatch(): number {
    return this.shared.u32[Control.committed]!;
  }

  /** Calls `visit` with the ref in the log of each series that is there now. Not during a truncation. */
  async visitWalRefs(visit: (ref: number) => void, pause: Pause): Promise<void> {
    const { u32 } = this.shared;
    // A copy: the list moves when it grows.
    const ids = listView(this.shared, u32[Control.allSeries]!).slice();
    for (let from = 0; from < ids.length; from += SERIES_PER_GO) {
      const to = Math.min(ids.length, from + SERIES_PER_GO);
      for (let i = from; i < to; i++) visit(this.series.walRef(ids[i]!));
      await pause(0);
    }
  }

  private truncateHost(): TruncateHost {
    return {
      shared: this.shared,
      store: this.store,
      index: this.series.index,
      view: this.view,
      symbolRemoved: (lengthBytes) => {
        this.series.symbolBytes -= lengthBytes;
      },
      sides: this.sides,
      starts: this.starts,
      appendedMin: () => this.appendedMin,
    };
  }

  /** Bytes of symbols, for metrics. */
  get symbolBytes(): number {
    return this.series.symbolBytes;
  }

  /** Reserves the region of the memory in which worker `worker` keeps its columns; once is enough. */
  reserveScratch(worker: number, sizeBytes: number): void {
    const { u32 } = this.shared;
    const slot = slotOf(worker);
    if (this.mapper !== undefined && u32[slot + Slot.chunkBlocks] === 0) {
      u32[slot + Slot.chunkBlocks] = this.store.allocate(DISK_CHUNK_BYTES);
    }
    const reserved = u32[slot + Slot.scratchBytes]!;
    if (reserved >= sizeBytes) return;
    if (reserved > 0) this.heap.free(u32[slot + Slot.scratch]!, reserved);
    u32[slot + Slot.scratch] = this.store.allocate(sizeBytes);
    u32[slot + Slot.scratchBytes] = sizeBytes;
  }

  /** Frees the slot of a worker that died while it read. */
  abandonReader(worker: number): void {
    Atomics.store(this.shared.u32, slotOf(worker) + Slot.active, 0);
  }

  newBatch(capacity: number): SampleBatch {
    // Columns of 8-byte words first, so that all are aligned.
    const bytes = batchBytes(capacity);
    const address = this.store.allocate(bytes);
    const buffer = this.shared.u8.buffer;
    const times = address;
    const values = times + 8 * capacity;
    const refs = values + 8 * capacity;
    const statusAddress = refs + 4 * capacity;
    const batch: OwnedBatch = {
      capacity,
      count: 0,
      refs: new Uint32Array(buffer, refs, capacity),
      times: new Float64Array(buffer, times, capacity),
      values: new Float64Array(buffer, values, capacity),
      valueBits: new Uint32Array(buffer, values, 2 * capacity),
      status: new Uint8Array(buffer, statusAddress, capacity),
      refsAddress: refs,
      timesAddress: times,
      valuesAddress: values,
      address,
      statusAddress,
    };
    return batch;
  }

  releaseBatch(batch: SampleBatch): void {
    batch.histograms = undefined;
    batch.startTimes = undefined;
    this.heap.free((batch as OwnedBatch).address, batchBytes(batch.capacity));
  }

  seriesRef(labels: Labels): number {
    try {
      const known = this.series.find(labels);
      if (known !== 0) return known;
      const id = this.series.create(labels, this.nextWalRef++);
      this.unlogged.push(id);
      return id;
    } catch (error) {
      if (!(error instanceof MemoryFullError)) throw error;
      this.counters.seriesRefused++;
      return 0;
    }
  }

  /**
   * Before replay: closed chunks go to files from now on, and those found there become chunks of their
   * series when replay names these. @throws FileError, MemoryFullError
   */
  async openChunkFiles(
    options: HeadChunkOptions,
    pause: () => Promise<void>,
  ): Promise<LoadedChunks> {
    removeSetAside(options);
    const floor = this.shared.f64[ControlTime.floor]!;
    const found = new FoundChains(this.shared, this.store, this.view, floor);
    const loaded = await loadHeadChunks(options, (chunk) => found.add(chunk), pause);
    const writer = new HeadChunkWriter(options, loaded.maxTimes);
    const { shared, store, view, sides } = this;
    const { logger } = options;
    const onLateWritten = (markers: readonly MmapMarker[]): void => this.logMarkers(markers);
    this.mapper = new ChunkMapper({ shared, store, view, sides, writer, logger, onLateWritten });
    this.mapper.formats = this.chunkFormats;
    this.found = found;
    if (found.refMax >= this.nextWalRef) this.nextWalRef = found.refMax + 1;
    return loaded;
  }

  /** Encodings in which chunks leave memory. May be changed at any time. */
  set formats(formats: ChunkFormats) {
    this.chunkFormats = formats;
    this.sides.formats = formats;
    if (this.mapper !== undefined) this.mapper.formats = formats;
  }

  /** A marker that cannot be logged is missed by nobody: the samples are in both places. */
  private logMarkers(markers: readonly MmapMarker[]): void {
    try {
      this.options.wbl?.log([encodeMmapMarkersRecord(markers)], Number.POSITIVE_INFINITY);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  /** At replay: all samples of a series that came out of order until now are in files up to that chunk. */
  restoreMarker(id: number, file: number, offsetBytes: number): void {
    if (this.found?.hasLate(file, offsetBytes) === true) this.sideStore.dropLate(id);
  }

  /** After replay: chunks of series that it did not name are forgotten. Returns the number of such series. */
  endReplay(): number {
    const left = this.found?.drop() ?? 0;
    this.found = undefined;
    return left;
  }

  /** Refs by which the log names series beside {@link visitWalRefs}, until now; forgotten by the call. */
  takeOtherRefs(): Float64Array {
    const refs = Float64Array.from(this.otherRefs);
    this.otherRefs = [];
    return refs;
  }

  get mapperCounters(): MapperCounters | undefined {
    return this.mapper?.counters;
  }

  /** Whether the files of chunks that were found have all that was written to them. */
  get foundIsWhole(): boolean {
    return this.found !== undefined && this.found.overlapping === 0 && this.found.unknown === 0;
  }

  /** For writing all of the memory to a snapshot, or reading it back before replay. */
  snapshot(): HeadSnapshot {
    const { shared, view, kernel, series, sides, mapper, nextWalRef } = this;
    assert(mapper !== undefined, 'a snapshot goes with files of chunks');
    return new HeadSnapshot({
      head: this,
      shared,
      view,
      kernel,
      series,
      sides,
      mapper,
      unlogged: new Set(this.unlogged),
      nextRef: nextWalRef,
      onNextRef: (ref) => {
        this.nextWalRef = Math.max(this.nextWalRef, ref);
      },
    });
  }

  /** Writes closed chunks that wait. False: the disk takes none. */
  flushChunks(): boolean {
    return this.mapper?.flush() ?? true;
  }

  /** Writes and syncs closed chunks; false where it cannot. Nothing may be appended after it. */
  close(): boolean {
    return this.mapper?.close() ?? true;
  }

  private attachChain(id: number, walRef: number): void {
    const chain = this.found?.take(walRef);
    if (chain === undefined) return;
    const { u32, f64 } = this.shared;
    const record = directoryGet(this.shared, u32[Control.seriesDirectory]!, id);
    const at = record >>> 2;
    let chunks = 0;
    let oldest = chain.newest;
    for (let node = chain.newest; node !== 0; node = u32[(node >>> 2) + Chunk.previous]!) {
      oldest = node;
      chunks++;
    }
    this.chunks.open(record, chain.newest, chain.samples, chain.maxTime);
    // No cut is due before the first sample: it sets the next one.
    setTimeAt(this.view, record + SERIES_NEXT_CUT, Number.MIN_SAFE_INTEGER);
    setTimeAt(this.view, record + SERIES_LAST_TIME, chain.maxTime);
    u32[at + Series.sampleTotal] = chain.samples;
    u32[Control.openChunks] = u32[Control.openChunks]! + 1;
    u32[Control.closedChunks] = u32[Control.closedChunks]! + chunks;
    const minTime = timeAt(this.view, oldest + CHUNK_MIN_TIME);
    f64[ControlTime.min] = Math.min(f64[ControlTime.min]!, minTime);
    f64[ControlTime.max] = Math.max(f64[ControlTime.max]!, chain.maxTime);
    if (chain.starts.length > 0) this.starts.load(record, this.store.nextBatch(), chain.starts);
  }

  /** A series read from the WAL; known labels keep the ref they had. @throws MemoryFullError */
  restoreSeries(walRef: number, labels: Labels): number {
    const known = this.series.find(labels);
    const id = known === 0 ? this.series.create(labels, walRef) : known;
    if (known === 0) this.attachFiles(id, walRef);
    this.noteWalRef(id, walRef);
    return id;
  }

  /** The same of a series whose texts stand in a record of the log. @throws MemoryFullError */
  restoreLogged(walRef: number, record: Uint8Array, places: TextPlaces): number {
    const id = this.series.restore(record, places, walRef, (made) =>
      this.attachFiles(made, walRef),
    );
    this.noteWalRef(id, walRef);
    return id;
  }

  private noteWalRef(id: number, walRef: number): void {
    if (walRef >= this.nextWalRef) this.nextWalRef = walRef + 1;
    // Removed and made again before: samples in the log go by both refs.
    if (this.series.walRef(id) !== walRef) this.otherRefs.push(walRef);
  }

  /** Gives a new series what the files of chunks have of it. */
  private attachFiles(id: number, walRef: number): void {
    this.attachChain(id, walRef);
    if (this.found !== undefined) this.sideStore.addFromFiles(id, this.found.takeSide(walRef));
  }

  /** A ref that a log uses and no series has: it is given to none, or the samples would become that one's. */
  skipWalRef(walRef: number): void {
    if (walRef >= this.nextWalRef) this.nextWalRef = walRef + 1;
  }

  /** Appends samples read from the WAL, with no bound on their age. Returns the accepted ones. */
  restoreSamples(batch: SampleBatch): number {
    const owned = batch as OwnedBatch;
    this.check(owned, Math.max(-TIME_MAX, this.shared.f64[ControlTime.floor]!), true);
    const { outOfOrder, outOfBounds, duplicate } = this.counters;
    const accepted = this.apply(owned, true);
    // What files of chunks or blocks have already is left out, and is no error.
    Object.assign(this.counters, { outOfOrder, outOfBounds, duplicate });
    return accepted;
  }

  seriesLabels(ref: number): Labels | undefined {
    return this.series.labels(ref);
  }

  append(batch: SampleBatch): number {
    const owned = batch as OwnedBatch;
    const special = batch.histograms !== undefined || this.outOfOrderWindowMs > 0;
    if (special) this.sideBatch.begin(batch);
    let accepted = this.check(owned, this.minValidTime, false);
    if (special) {
      const judged = this.sideBatch.judge(batch, {
        minValidTime: this.minValidTime,
        outOfOrderFrom: this.outOfOrderFrom,
        timeMax: TIME_MAX,
      });
      if (judged > 0) return this.appendSpecial(owned);
      accepted += judged;
    }
    const { wal } = this.options;
    if (wal !== undefined && (accepted > 0 || this.unlogged.length > 0)) this.log(owned, wal, []);
    return accepted === 0 ? this.tally(owned) : this.apply(owned);
  }

  appendStartZeros(batch: SampleBatch): number {
    const owned = batch as OwnedBatch;
    this.sideBatch.begin(batch);
    this.check(owned, this.minValidTime, false);
    // Never as late samples: zeros among samples would be resets that did not happen.
    const bounds = { minValidTime: this.minValidTime, timeMax: TIME_MAX };
    this.sideBatch.judge(batch, { ...bounds, outOfOrderFrom: Number.POSITIVE_INFINITY });
    const { status, refs, count } = batch;
    for (let i = 0; i < count; i++) {
      const isHistogram = batch.histograms?.[i] !== undefined;
      if (status[i] !== (isHistogram ? SKIPPED : AppendStatus.accepted)) refs[i] = 0;
    }
    if (refs.subarray(0, count).every((ref) => ref === 0)) return 0;
    return this.appendSpecial(owned);
  }

  /** Of samples out of order, those from here on are taken. */
  private get outOfOrderFrom(): number {
    if (this.outOfOrderWindowMs <= 0) return Number.POSITIVE_INFINITY;
    return this.maxTime - this.outOfOrderWindowMs;
  }

  /** Time of the oldest sample out of order, which may be older than the rest; +Infinity: there is none. */
  get outOfOrderMinTime(): number {
    return this.shared.f64[ControlTime.sideMin]!;
  }

  get sideCounters(): SideCounters {
    return this.sideBatch.counters;
  }

  /** A batch that has rows for sides. */
  private appendSpecial(batch: OwnedBatch): number {
    const { wal, wbl } = this.options;
    const late = this.sideBatch.records(batch, true);
    // Both logs before anything is visible; the series first, of which the second one speaks.
    if (wal !== undefined) this.log(batch, wal, this.sideBatch.records(batch, false));
    if (late.length > 0) wbl?.log(late, this.sideBatch.lateMinTime(batch));
    return this.apply(batch);
  }

  /**
   * Deletes the samples in [minTime, maxTime], up to now, of the series that match a selector;
   * what comes late into that interval is not seen either. Logged like samples. Returns the number
   * of series. @throws MatcherError, StorageError
   */
  deleteSeries(
    selectors: readonly (readonly Matcher[])[],
    minTime: number,
    maxTime: number,
  ): number {
    const symbols = new HeadSymbols(this.shared);
    const ids = new Set<number>();
    for (const matchers of selectors) for (const id of selectIds(symbols, matchers)) ids.add(id);
    const until = Math.min(maxTime, this.maxTime);
    const from = Math.max(minTime, LOGGED_TIME_MIN);
    if (ids.size === 0 || until < from) return 0;
    const stones = [...ids].map((id) => ({
      ref: this.series.walRef(id),
      minTime: from,
      maxTime: until,
    }));
    this.options.wal?.log([encodeTombstonesRecord(stones)]);
    this.sideStore.delete(ids, from, until);
    return stones.length;
  }

  /**
   * Stores exemplars and logs those that are new. Refs as in batches. Returns a status for each.
   * @throws StorageError: nothing was stored then
   */
  appendExemplars(exemplars: readonly SeriesExemplar[]): ExemplarStatus[] {
    const { wal } = this.options;
    const accepted: LoggedExemplar[] = [];
    const labels = exemplars.map(({ ref }) => this.seriesLabels(ref));
    const statuses = exemplars.map((exemplar, i) => {
      const series = labels[i];
      if (series === undefined) return ExemplarStatus.off;
      const status = this.exemplars.check(series, exemplar);
      if (status === ExemplarStatus.accepted) {
        accepted.push({ ...exemplar, ref: this.series.walRef(exemplar.ref) });
      }
      return status;
    });
    if (accepted.length > 0) wal?.log([encodeExemplarsRecord(accepted)]);
    exemplars.forEach((exemplar, i) => {
      const series = labels[i];
      if (series !== undefined) statuses[i] = this.exemplars.add(series, exemplar);
    });
    return statuses;
  }

  /** Sets type, unit and help of a series, and logs them when they are new. @throws StorageError */
  setMetadata(ref: number, metadata: SeriesMetadata): void {
    if (!this.metadata.set(ref, metadata)) return;
    this.options.wal?.log([encodeMetadataRecord([{ ref: this.series.walRef(ref), ...metadata }])]);
  }

  private check(batch: OwnedBatch, minValidTime: number, isReplay: boolean): number {
    const { refsAddress, timesAddress, valuesAddress, statusAddress, count } = batch;
    assert(count <= batch.capacity, 'a batch holds no more than its capacity');
    return this.kernel.check(
      refsAddress,
      timesAddress,
      valuesAddress,
      statusAddress,
      count,
      minValidTime,
      TIME_MAX,
      // Files may have given newer histograms already, when the log comes.
      isReplay ? 0 : 1,
    );
  }

  /** One write for the new series and the samples. @throws StorageError: nothing was applied then */
  private log(batch: OwnedBatch, wal: WalSink, more: readonly Uint8Array[]): void {
    const records: Uint8Array[] = [];
    if (this.unlogged.length > 0) {
      for (let from = 0; from < this.unlogged.length; from += SERIES_PER_RECORD) {
        const part = this.unlogged.slice(from, from + SERIES_PER_RECORD);
        records.push(encodeSeriesRecord(part.map((id) => this.loggedSeries(id))));
      }
    }
    const samples =
      encodeStartTimes(batch, (id) => this.series.walRef(id)) ?? this.encodeSamples(batch);
    if (samples.length > 0) records.push(samples);
    if (records.length + more.length > 0) wal.log(records.concat(more));
    this.unlogged = [];
  }

  /** The samples record of a batch without start times, in the scratch of the head. */
  private encodeSamples(batch: OwnedBatch): Uint8Array {
    const needed = 17 + 28 * batch.count;
    if (this.record.sizeBytes < needed) {
      this.heap.free(this.record.address, this.record.sizeBytes);
      this.record = { address: this.store.allocate(2 * needed), sizeBytes: 2 * needed };
    }
    const { address } = this.record;
    const { refsAddress, timesAddress, valuesAddress, statusAddress, count } = batch;
    const length = this.kernel.encodeSamples(
      refsAddress,
      timesAddress,
      valuesAddress,
      statusAddress,
      count,
      address,
    );
    return this.shared.u8.subarray(address, address + length);
  }

  private loggedSeries(id: number): LoggedSeries {
    return { ...this.series.walRefOf(id), labels: this.seriesLabels(id) ?? [] };
  }

  /** `isReplay`: the samples come from the log. */
  private apply(batch: OwnedBatch, isReplay = false): number {
    const { refsAddress, timesAddress, valuesAddress, statusAddress, count } = batch;
    const number = this.store.nextBatch();
    let next = 0;
    if (!isReplay) this.starts.reserve(batch);
    while (next < count) {
      next = this.kernel.append(
        refsAddress,
        timesAddress,
        valuesAddress,
        statusAddress,
        next,
        count,
        number,
      );
      if (next < count && !this.chunks.makeRoom(batch.refs[next]!, batch.times[next]!)) {
        batch.status[next] = AppendStatus.full;
      }
    }
    if (isReplay) this.starts.restore(batch, number);
    else this.starts.note(batch, number);
    this.sideBatch.apply(batch, number);
    if (this.truncating) this.noteAppended(batch);
    Atomics.store(this.shared.u32, Control.committed, number);
    this.sides.settle((id) => this.mapper?.sideChanged(id));
    this.mapper?.work();
    this.store.reclaim();
    return this.tally(batch);
  }

  /** Truncation finds the oldest time anew and does not see what is appended behind its back. */
  private noteAppended({ status, times, count }: SampleBatch): void {
    for (let i = 0; i < count; i++) {
      if (status[i] !== AppendStatus.accepted) continue;
      this.appendedMin = Math.min(this.appendedMin, times[i]!);
    }
  }

  /** Skipped samples count as nothing. */
  private tally(batch: OwnedBatch): number {
    const { status, refs, count } = batch;
    const { counters } = this;
    let accepted = 0;
    for (let i = 0; i < count; i++) {
      const code = status[i]!;
      if (code === AppendStatus.accepted) accepted++;
      else if (refs[i] === 0) status[i] = AppendStatus.repeated;
      else if (code === AppendStatus.outOfOrder) counters.outOfOrder++;
      else if (code === AppendStatus.outOfBounds) counters.outOfBounds++;
      else if (code === AppendStatus.duplicate) counters.duplicate++;
    }
    counters.samplesAppended += accepted;
    return accepted;
  }
}

const batchBytes = (capacity: number): number => Math.max(16, 21 * capacity);
