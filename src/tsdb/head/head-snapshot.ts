// SPDX-License-Identifier: Apache-2.0
// What of the head goes into a snapshot of its memory, and back: labels, open chunks, deletions, exemplars.
// Closed chunks are in files by then, histograms and late samples, too.

import {
  ChunkEncoding,
  chunkSampleCount,
  decodeChunk,
  isFloatEncoding,
  newChunkSamples,
} from '../../chunks/index.ts';
import { DecodeError } from '../../encoding/index.ts';
import type { SharedHeap, SharedMemory } from '../../kernels/index.ts';
import type { Labels } from '../../model/index.ts';
import type { SampleBatch } from '../../storage/index.ts';
import type { LoggedExemplar, LoggedTombstone } from '../wal/records-other.ts';
import type { ChunkMapper } from './chunk-mapper.ts';
import type { ExemplarRing } from './exemplars.ts';
import type { HeadKernel } from './kernel.ts';
import {
  CHUNK_HEADER_BYTES,
  CHUNK_MAX_TIME,
  CHUNK_MIN_TIME,
  Chunk,
  Control,
  isOnDisk,
  Series,
} from './layout.ts';
import type { SeriesTable } from './series-table.ts';
import type { SideWriter } from './side.ts';
import type { SideStore } from './side-store.ts';
import {
  encodeSnapshotSeries,
  type SnapshotChunk,
  type SnapshotSeries,
} from './snapshot-records.ts';
import { directoryGet, listView } from './tables.ts';
import { timeAt } from './times.ts';

/** The head holds something that files and a snapshot would not have: none can be made. */
export class SnapshotImpossibleError extends Error {
  override name = 'SnapshotImpossibleError';
}

/** What of the head is used. */
export interface SnapshotHead {
  readonly heap: SharedHeap;
  readonly sideStore: SideStore;
  readonly exemplars: ExemplarRing;
  newBatch(capacity: number): SampleBatch;
  releaseBatch(batch: SampleBatch): void;
  restoreSeries(walRef: number, labels: Labels): number;
  restoreSamples(batch: SampleBatch): number;
  seriesLabels(ref: number): Labels | undefined;
}

/** What the snapshot works on. */
export interface HeadSnapshotParts {
  readonly head: SnapshotHead;
  readonly shared: SharedMemory;
  readonly view: DataView;
  readonly kernel: HeadKernel;
  readonly series: SeriesTable;
  readonly sides: SideWriter;
  readonly mapper: ChunkMapper;
  /** Series that no record of the log names. */
  readonly unlogged: ReadonlySet<number>;
  /** No series of the log has this ref or a higher one. */
  readonly nextRef: number;
  /** Receives {@link nextRef} of a snapshot. */
  readonly onNextRef: (ref: number) => void;
}

const BATCH_SAMPLES = 1 << 16;
/** Byte offset of the value of the newest sample in a series record. */
const SERIES_LAST_VALUE = 64;
/** The kernel loads whole words, also at the end of a chunk. */
const PADDING_BYTES = 16;

export class HeadSnapshot {
  private readonly parts: HeadSnapshotParts;
  private readonly samples = newChunkSamples(128);
  private batch: SampleBatch | undefined;
  private stream = { address: 0, sizeBytes: 0 };

  constructor(parts: HeadSnapshotParts) {
    this.parts = parts;
  }

  private get ids(): Uint32Array {
    const { shared } = this.parts;
    return listView(shared, shared.u32[Control.allSeries]!);
  }

  private record(id: number): number {
    const { shared } = this.parts;
    return directoryGet(shared, shared.u32[Control.seriesDirectory]!, id);
  }

  /** Before a snapshot: what is not an open chunk of floats goes to files. @throws SnapshotImpossibleError */
  settle(): void {
    const { shared, sides, mapper } = this.parts;
    for (const id of this.ids) {
      const side = shared.u32[(this.record(id) >>> 2) + Series.side]!;
      if (side === 0) continue;
      sides.makeChunks(side);
      mapper.sideChanged(id);
    }
    if (!mapper.flush()) throw new SnapshotImpossibleError('head chunks cannot be written');
  }

  /** One record for each series. @throws SnapshotImpossibleError */
  *seriesRecords(): IterableIterator<Uint8Array> {
    const { series, shared, unlogged, nextRef } = this.parts;
    const { u32 } = shared;
    for (const id of this.ids) {
      if (unlogged.has(id)) continue;
      const record = this.record(id);
      this.checkFiles(record);
      const labels = series.labels(id) ?? [];
      const chunk = this.openChunk(record);
      const last = (record + SERIES_LAST_VALUE) >>> 2;
      const ref = series.walRef(id);
      yield encodeSnapshotSeries({ ref, labels, nextRef, chunk }, [u32[last]!, u32[last + 1]!]);
    }
  }

  /** Everything but the open chunk is in files. @throws SnapshotImpossibleError */
  private checkFiles(record: number): void {
    const { shared, sides } = this.parts;
    const { u32 } = shared;
    const at = record >>> 2;
    const open = u32[at + Series.openChunk]!;
    let chunk = open === 0 ? 0 : u32[(open >>> 2) + Chunk.previous]!;
    for (; chunk !== 0; chunk = u32[(chunk >>> 2) + Chunk.previous]!) {
      if (!isOnDisk(u32, chunk)) throw new SnapshotImpossibleError('a closed chunk is in memory');
    }
    const side = u32[at + Series.side]!;
    if (side !== 0 && sides.hasInMemory(side)) {
      throw new SnapshotImpossibleError('histograms or late samples are in memory');
    }
  }

  private openChunk(record: number): SnapshotChunk | undefined {
    const { shared, view, mapper } = this.parts;
    const { u32, u8 } = shared;
    const at = record >>> 2;
    const open = u32[at + Series.openChunk]!;
    const count = open === 0 ? 0 : u32[open >>> 2]!;
    if (count === 0) return undefined;
    const start = open + CHUNK_HEADER_BYTES;
    const bits = u32[at + Series.bitPosition]!;
    const xor = u8.slice(start, start + ((bits + 7) >>> 3));
    xor[0] = count >>> 8;
    xor[1] = count;
    // Bits after the end of the stream are scratch.
    if ((bits & 7) !== 0) xor[xor.length - 1]! &= 0xff << (8 - (bits & 7));
    const withStarts = mapper.withStartTimes(record, xor, count);
    return {
      minTime: timeAt(view, open + CHUNK_MIN_TIME),
      maxTime: timeAt(view, open + CHUNK_MAX_TIME),
      encoding: withStarts === undefined ? ChunkEncoding.xor : ChunkEncoding.xor2,
      data: withStarts ?? xor,
    };
  }

  tombstones(): LoggedTombstone[] {
    const { shared, sides, series } = this.parts;
    const stones: LoggedTombstone[] = [];
    for (const id of this.ids) {
      const side = shared.u32[(this.record(id) >>> 2) + Series.side]!;
      if (side === 0) continue;
      for (const [minTime, maxTime] of sides.tombstones(side)) {
        stones.push({ ref: series.walRef(id), minTime, maxTime });
      }
    }
    return stones;
  }

  /** From old to new; those of series that are gone are left out. */
  exemplars(): LoggedExemplar[] {
    const { head, series } = this.parts;
    const found: LoggedExemplar[] = [];
    for (const { seriesLabels, labels, time, value } of head.exemplars.all()) {
      const id = series.find(seriesLabels);
      if (id !== 0) found.push({ ref: series.walRef(id), labels, time, value });
    }
    return found;
  }

  // ---- back -----------------------------------------------------------------------------------------

  private readonly refs = new Map<number, number>();

  /** Makes the series with its open chunk; returns its id. @throws MemoryFullError */
  restoreSeries({ ref, labels, nextRef, chunk }: SnapshotSeries): number {
    const { head, onNextRef } = this.parts;
    onNextRef(nextRef);
    const id = head.restoreSeries(ref, labels);
    this.refs.set(ref, id);
    if (chunk === undefined) return id;
    if (chunk.encoding === ChunkEncoding.xor) this.restoreXor(id, chunk.data);
    else if (isFloatEncoding(chunk.encoding)) this.restoreFloats(id, chunk);
    else head.sideStore.addChunk(id, chunk, chunkSampleCount(chunk.encoding, chunk.data));
    return id;
  }

  /** Rows for `count` samples of a series behind those that wait. */
  private rows(id: number, count: number): { readonly batch: SampleBatch; readonly from: number } {
    const { head } = this.parts;
    if (this.batch !== undefined && this.batch.count + count > this.batch.capacity) this.flush();
    if (this.batch !== undefined && this.batch.capacity < count) {
      head.releaseBatch(this.batch);
      this.batch = undefined;
    }
    this.batch ??= head.newBatch(Math.max(BATCH_SAMPLES, count));
    const { batch } = this;
    const from = batch.count;
    batch.refs.fill(id, from, from + count);
    batch.startTimes?.fill(0, from, from + count);
    batch.count = from + count;
    return { batch, from };
  }

  private restoreXor(id: number, data: Uint8Array): void {
    const { shared, kernel, head } = this.parts;
    const count = chunkSampleCount(ChunkEncoding.xor, data);
    if (count === 0) return;
    if (this.stream.sizeBytes < data.length + PADDING_BYTES) {
      if (this.stream.sizeBytes > 0) head.heap.free(this.stream.address, this.stream.sizeBytes);
      const sizeBytes = 2 * (data.length + PADDING_BYTES) + 4096;
      this.stream = { address: head.heap.allocate(sizeBytes), sizeBytes };
      if (this.stream.address === 0) throw new DecodeError('no memory for a chunk');
    }
    const { address } = this.stream;
    shared.u8.set(data, address);
    const { batch, from } = this.rows(id, count);
    kernel.decode(
      address,
      count,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      batch.timesAddress + 8 * from,
      batch.valuesAddress + 8 * from,
    );
  }

  private restoreFloats(id: number, { encoding, data }: SnapshotChunk): void {
    const { samples } = this;
    const count = decodeChunk(encoding, data, samples);
    const { batch, from } = this.rows(id, count);
    batch.times.set(samples.times.subarray(0, count), from);
    batch.valueBits.set(samples.valueBits.subarray(0, 2 * count), 2 * from);
    if (samples.startTimes === undefined) return;
    batch.startTimes ??= new Float64Array(batch.capacity);
    batch.startTimes.set(samples.startTimes.subarray(0, count), from);
  }

  private flush(): void {
    const { batch } = this;
    if (batch === undefined || batch.count === 0) return;
    this.parts.head.restoreSamples(batch);
    batch.count = 0;
    batch.startTimes = undefined;
  }

  restoreTombstones(stones: readonly LoggedTombstone[]): void {
    const { head } = this.parts;
    for (const { ref, minTime, maxTime } of stones) {
      const id = this.refs.get(ref);
      if (id !== undefined) head.sideStore.delete([id], minTime, maxTime);
    }
  }

  restoreExemplars(exemplars: readonly LoggedExemplar[]): void {
    const { head } = this.parts;
    for (const exemplar of exemplars) {
      const labels = head.seriesLabels(this.refs.get(exemplar.ref) ?? 0);
      // Whether its time was its own is not told; see replay.
      if (labels !== undefined) head.exemplars.add(labels, { ...exemplar, isTimeOfSample: true });
    }
  }

  /** After the last record. */
  endRestore(): void {
    const { head } = this.parts;
    this.flush();
    if (this.batch !== undefined) head.releaseBatch(this.batch);
    this.batch = undefined;
    if (this.stream.sizeBytes > 0) head.heap.free(this.stream.address, this.stream.sizeBytes);
    this.stream = { address: 0, sizeBytes: 0 };
    this.refs.clear();
  }
}
