// SPDX-License-Identifier: Apache-2.0
// What reaches sides other than through a batch: samples from logs, and deletions.

import type { SharedMemory } from '../../kernels/index.ts';
import { Control, ControlTime, Series } from './layout.ts';
import { type SideChunk, type SideChunkInFile, SideKind, type SideWriter } from './side.ts';
import type { SideBatch } from './side-batch.ts';
import { type HeadStore, MemoryFullError } from './store.ts';
import { directoryGet } from './tables.ts';

export class SideStore {
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly sides: SideWriter;
  private readonly batch: SideBatch;
  /** Told of each series whose side got chunks. */
  private readonly onChunks: (id: number) => void;

  constructor(
    shared: SharedMemory,
    store: HeadStore,
    sides: SideWriter,
    batch: SideBatch,
    onChunks: (id: number) => void,
  ) {
    this.shared = shared;
    this.store = store;
    this.sides = sides;
    this.batch = batch;
    this.onChunks = onChunks;
  }

  private record(id: number): number {
    return directoryGet(this.shared, this.shared.u32[Control.seriesDirectory]!, id);
  }

  /**
   * A sample read from a log: a histogram of the WAL, or anything of the WBL. False: it is in a block, or
   * there already. @throws MemoryFullError
   */
  restore(
    id: number,
    kind: number,
    isOutOfOrder: boolean,
    time: number,
    data: Uint8Array,
    startTime = 0,
  ): boolean {
    const { u32, f64 } = this.shared;
    const record = this.record(id);
    if (record === 0) return false;
    const side = u32[(record >>> 2) + Series.side]!;
    if (!isOutOfOrder) {
      if (time < f64[ControlTime.floor]!) return false;
      if (side !== 0 && time <= this.sides.lastTime(side)) return false;
      f64[ControlTime.min] = Math.min(f64[ControlTime.min]!, time);
    }
    const number = this.store.nextBatch();
    if (!this.batch.add(record, number, kind, isOutOfOrder, time, time, data, startTime)) {
      throw new MemoryFullError('no room for a sample of the log');
    }
    f64[ControlTime.max] = Math.max(f64[ControlTime.max]!, time);
    this.publish(number);
    return true;
  }

  /** At a start: chunks of a series that files have, oldest first. @throws MemoryFullError */
  addFromFiles(id: number, chunks: readonly SideChunkInFile[]): void {
    if (chunks.length === 0) return;
    const { u32, f64 } = this.shared;
    const at = (this.record(id) >>> 2) + Series.side;
    if (u32[at] === 0) Atomics.store(u32, at, this.sides.newSide(id));
    const number = this.store.nextBatch();
    const floor = f64[ControlTime.floor]!;
    for (const chunk of chunks) {
      this.sides.addFromFile(u32[at]!, number, chunk);
      const { maxTime, isOutOfOrder } = chunk;
      const minTime = Math.max(chunk.minTime, floor);
      if (!isOutOfOrder) f64[ControlTime.min] = Math.min(f64[ControlTime.min]!, minTime);
      f64[ControlTime.max] = Math.max(f64[ControlTime.max]!, maxTime);
    }
    this.publish(number);
  }

  /**
   * At a start: the newest histograms of a series, unless files or blocks have them.
   * @throws MemoryFullError
   */
  addChunk(
    id: number,
    chunk: Pick<SideChunk, 'encoding' | 'minTime' | 'maxTime' | 'data'>,
    count: number,
  ): void {
    const { u32, f64 } = this.shared;
    if (chunk.maxTime < f64[ControlTime.floor]! || count === 0) return;
    const at = (this.record(id) >>> 2) + Series.side;
    if (u32[at] === 0) Atomics.store(u32, at, this.sides.newSide(id));
    if (chunk.minTime <= this.sides.lastTime(u32[at]!)) return;
    const number = this.store.nextBatch();
    this.sides.addChunk(u32[at]!, number, { ...chunk, count });
    f64[ControlTime.min] = Math.min(f64[ControlTime.min]!, chunk.minTime);
    f64[ControlTime.max] = Math.max(f64[ControlTime.max]!, chunk.maxTime);
    this.publish(number);
    this.onChunks(id);
  }

  /** Forgets the samples of a series that came out of order, apart from those in files. */
  dropLate(id: number): void {
    const record = this.record(id);
    const side = record === 0 ? 0 : this.shared.u32[(record >>> 2) + Series.side]!;
    if (side !== 0) this.sides.dropLateInMemory(side);
  }

  /** Marks samples in [minTime, maxTime] of a series as deleted. @throws MemoryFullError */
  delete(ids: Iterable<number>, minTime: number, maxTime: number): void {
    const number = this.store.nextBatch();
    const nothing = new Uint8Array(0);
    const { tombstone } = SideKind;
    for (const id of ids) {
      const record = this.record(id);
      if (record === 0) continue;
      if (!this.batch.add(record, number, tombstone, false, minTime, maxTime, nothing)) {
        throw new MemoryFullError('no room to delete: the shared memory is full');
      }
    }
    this.publish(number);
  }

  private publish(number: number): void {
    Atomics.store(this.shared.u32, Control.committed, number);
    this.sides.settle(this.onChunks);
    this.store.reclaim();
  }
}
