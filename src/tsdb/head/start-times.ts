// SPDX-License-Identifier: Apache-2.0
// Start times of the float samples in a series' chain: since when its counter counts. They change when a
// process starts anew, seldom, so a series has a list of changes: from this time on, the start time is
// that. A series that never had one has no list, and costs nothing.
//
//   node (32 bytes)  0 batch number   4 node before it   8 time f64   16 start time f64
//                    24 nodes of one change in a row, down to this one; of a packed node its bytes of data
//                    28 changes in it
//   packed           8, 16 tell its oldest change; data: for each later one  uvarint time - the one before,
//                    varint start time - the one before
//
// The newest node always holds one change. A node never changes but for the pointer to the one before it:
// readers leave out nodes of later batches, as they do samples. What lies before the floor is not asked for.

import { ByteReader, ByteWriter } from '../../encoding/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import type { SampleBatch } from '../../storage/index.ts';
import { AppendStatus } from '../../storage/index.ts';
import { encodeSamplesWithStartRecord, newReplayColumns } from '../wal/records.ts';
import { Control, Series } from './layout.ts';
import { type HeadStore, MemoryFullError } from './store.ts';
import { directoryGet } from './tables.ts';

const NODE_BYTES = 32;
const Node = { batch: 0, previous: 1, run: 6, bytes: 6, count: 7 } as const;
/** Nodes of one change that are packed together, once all readers see them. */
const PACK = 32;

const nodeBytes = (u32: Uint32Array, node: number): number =>
  u32[(node >>> 2) + Node.count] === 1 ? NODE_BYTES : NODE_BYTES + u32[(node >>> 2) + Node.bytes]!;

/** The writer's hand on the lists. One object for the writing thread. */
export class StartTimes {
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  /** Series that have a list. While there are none, batches without start times pass at once. */
  private lists = 0;
  /** Nodes for the batch being applied. */
  private spare: number[] = [];

  constructor(shared: SharedMemory, store: HeadStore) {
    this.shared = shared;
    this.store = store;
  }

  private concerns(batch: SampleBatch): boolean {
    return this.lists > 0 || batch.startTimes !== undefined;
  }

  private list(id: number): number {
    const { u32 } = this.shared;
    const record = directoryGet(this.shared, u32[Control.seriesDirectory]!, id);
    return (record >>> 2) + Series.starts;
  }

  /** Start time that the newest sample has. */
  private newest(list: number): number {
    const node = this.shared.u32[list]!;
    return node === 0 ? 0 : this.shared.f64[(node >>> 3) + 2]!;
  }

  /**
   * Before the accepted samples of a batch are appended: memory for what `note` will add. A sample for
   * which there is none becomes `full`.
   */
  reserve(batch: SampleBatch): void {
    if (!this.concerns(batch)) return;
    const { refs, startTimes, status, count } = batch;
    for (let i = 0; i < count; i++) {
      if (status[i] !== AppendStatus.accepted) continue;
      if ((startTimes?.[i] ?? 0) === this.newest(this.list(refs[i]!))) continue;
      try {
        // A change to it and one back: a series may be there more than once.
        this.spare.push(this.store.allocate(NODE_BYTES));
        this.spare.push(this.store.allocate(NODE_BYTES));
      } catch (error) {
        if (!(error instanceof MemoryFullError)) throw error;
        status[i] = AppendStatus.full;
      }
    }
  }

  /** After the samples of a batch were appended to their chains: adds the changes under its number. */
  note(batch: SampleBatch, number: number): void {
    if (!this.concerns(batch)) return;
    const { refs, times, startTimes, status, count } = batch;
    for (let i = 0; i < count; i++) {
      if (status[i] !== AppendStatus.accepted) continue;
      const list = this.list(refs[i]!);
      const start = startTimes?.[i] ?? 0;
      if (start !== this.newest(list)) this.add(list, number, times[i]!, start);
    }
    for (const node of this.spare.splice(0)) this.store.heap.free(node, NODE_BYTES);
  }

  /**
   * The same for samples from the log. Those count, too, that are in files of chunks already, which know
   * no start times. @throws MemoryFullError
   */
  restore(batch: SampleBatch, number: number): void {
    if (!this.concerns(batch)) return;
    const { u32, f64 } = this.shared;
    const { refs, times, startTimes, status, count } = batch;
    for (let i = 0; i < count; i++) {
      if (refs[i] === 0 || status[i] === AppendStatus.unknownSeries) continue;
      const list = this.list(refs[i]!);
      const start = startTimes?.[i] ?? 0;
      if (start === this.newest(list)) continue;
      const node = u32[list]!;
      if (node === 0 || times[i]! > f64[(node >>> 3) + 1]!) {
        this.add(list, number, times[i]!, start);
      }
    }
  }

  /**
   * At a start: changes (time, start time in turns, ascending) of a series without any.
   * @throws MemoryFullError
   */
  load(record: number, number: number, changes: readonly number[]): void {
    const list = (record >>> 2) + Series.starts;
    for (let i = 0; i < changes.length; i += 2) {
      const start = changes[i + 1]!;
      if (start !== this.newest(list)) this.add(list, number, changes[i]!, start);
    }
  }

  private add(list: number, number: number, time: number, start: number): void {
    const { u32, f64 } = this.shared;
    const previous = u32[list]!;
    const node = this.spare.pop() ?? this.store.allocate(NODE_BYTES);
    const at = node >>> 2;
    const before = previous >>> 2;
    const run = previous === 0 || u32[before + Node.count] !== 1 ? 1 : u32[before + Node.run]! + 1;
    u32[at + Node.batch] = number;
    u32[at + Node.previous] = previous;
    f64[(node >>> 3) + 1] = time;
    f64[(node >>> 3) + 2] = start;
    u32[at + Node.run] = run;
    u32[at + Node.count] = 1;
    Atomics.store(u32, list, node);
    if (previous === 0) this.lists++;
    if (run > PACK && run % PACK === 1) this.pack(node);
  }

  /** Makes one node of those of one change before `newest`, if every reader sees them and memory is left. */
  private pack(newest: number): void {
    const { u32, f64, u8 } = this.shared;
    const seen = this.store.oldestReader(u32[Control.committed]!);
    const nodes: number[] = [];
    let node = u32[(newest >>> 2) + Node.previous]!;
    while (node !== 0 && u32[(node >>> 2) + Node.count] === 1) {
      if (((u32[(node >>> 2) + Node.batch]! - seen) | 0) > 0) return;
      nodes.push(node);
      node = u32[(node >>> 2) + Node.previous]!;
    }
    const writer = new ByteWriter(12 * nodes.length);
    for (let i = nodes.length - 2; i >= 0; i--) {
      const one = nodes[i]! >>> 3;
      const before = nodes[i + 1]! >>> 3;
      writer.uvarint(f64[one + 1]! - f64[before + 1]!);
      writer.varint(f64[one + 2]! - f64[before + 2]!);
    }
    const data = writer.bytes();
    if (nodes.length < 2) return;
    const packed = this.store.heap.allocate(NODE_BYTES + data.length);
    // No memory: they stay as they are.
    if (packed === 0) return;
    const oldest = nodes.at(-1)!;
    u8.copyWithin(packed, oldest, oldest + NODE_BYTES);
    u32[(packed >>> 2) + Node.batch] = u32[(nodes[0]! >>> 2) + Node.batch]!;
    u32[(packed >>> 2) + Node.bytes] = data.length;
    u32[(packed >>> 2) + Node.count] = nodes.length;
    u8.set(data, packed + NODE_BYTES);
    u32[(newest >>> 2) + Node.run] = 1;
    Atomics.store(u32, (newest >>> 2) + Node.previous, packed);
    for (const gone of nodes) this.store.retire(gone, NODE_BYTES);
  }

  /** Drops what samples at `minTime` and later don't need. `record` is the series'. */
  truncate(record: number, minTime: number): void {
    const { u32, f64 } = this.shared;
    const list = (record >>> 2) + Series.starts;
    const newest = u32[list]!;
    if (newest === 0) return;
    if (f64[(newest >>> 3) + 1]! <= minTime && this.newest(list) === 0) {
      this.retire(record);
      return;
    }
    let node = newest;
    while (node !== 0 && f64[(node >>> 3) + 1]! > minTime) {
      node = u32[(node >>> 2) + Node.previous]!;
    }
    if (node === 0) return;
    const old = u32[(node >>> 2) + Node.previous]!;
    Atomics.store(u32, (node >>> 2) + Node.previous, 0);
    this.retireFrom(old);
  }

  /** Drops the whole list. */
  retire(record: number): void {
    const { u32 } = this.shared;
    const list = (record >>> 2) + Series.starts;
    const newest = u32[list]!;
    if (newest === 0) return;
    Atomics.store(u32, list, 0);
    this.retireFrom(newest);
    this.lists--;
  }

  private retireFrom(first: number): void {
    const { u32 } = this.shared;
    for (let node = first; node !== 0; ) {
      const previous = u32[(node >>> 2) + Node.previous]!;
      this.store.retire(node, nodeBytes(u32, node));
      node = previous;
    }
  }
}

/**
 * Writes the start times of the `n` samples at `times` (ascending) to `out`, as the list from node `newest`
 * on has them for readers of `batch`. Returns whether any sample has one.
 */
export function readStartTimes(
  shared: SharedMemory,
  newest: number,
  batch: number,
  times: Float64Array,
  n: number,
  out: Float64Array,
): boolean {
  const { u32, f64 } = shared;
  let left = n;
  let any = false;
  for (let node = newest; node !== 0 && left > 0; ) {
    const visible = ((u32[(node >>> 2) + Node.batch]! - batch) | 0) <= 0;
    if (visible && f64[(node >>> 3) + 1]! <= times[left - 1]!) {
      const changes = readNode(shared, node);
      for (let c = changes.length - 2; c >= 0; c -= 2) {
        const start = changes[c + 1]!;
        const from = left;
        while (left > 0 && times[left - 1]! >= changes[c]!) out[--left] = start;
        any ||= start !== 0 && left < from;
      }
    }
    node = Atomics.load(u32, (node >>> 2) + Node.previous);
  }
  out.fill(0, 0, left);
  return any;
}

/** Changes of a node, oldest first: time, start time in turns. */
function readNode({ u32, f64, u8 }: SharedMemory, node: number): Float64Array {
  const count = u32[(node >>> 2) + Node.count]!;
  const changes = new Float64Array(2 * count);
  changes[0] = f64[(node >>> 3) + 1]!;
  changes[1] = f64[(node >>> 3) + 2]!;
  if (count === 1) return changes;
  const end = node + NODE_BYTES + u32[(node >>> 2) + Node.bytes]!;
  const reader = new ByteReader(u8.subarray(node + NODE_BYTES, end));
  for (let c = 2; c < changes.length; c += 2) {
    changes[c] = changes[c - 2]! + reader.uvarint();
    changes[c + 1] = changes[c - 1]! + reader.varint();
  }
  return changes;
}

/**
 * The record of the accepted samples of a batch with start times; undefined when none has one. Samples
 * that an earlier one of the batch makes late are left out, as they will be refused.
 */
export function encodeStartTimes(
  batch: SampleBatch,
  walRef: (id: number) => number,
): Uint8Array | undefined {
  const { refs, times, valueBits, startTimes, status, count } = batch;
  if (startTimes === undefined) return undefined;
  const columns = newReplayColumns(count);
  const newest = new Map<number, number>();
  let n = 0;
  let any = false;
  for (let i = 0; i < count; i++) {
    if (status[i] !== AppendStatus.accepted) continue;
    const last = newest.get(refs[i]!);
    if (last !== undefined && times[i]! <= last) continue;
    newest.set(refs[i]!, times[i]!);
    columns.refs[n] = walRef(refs[i]!);
    columns.times[n] = times[i]!;
    columns.valueBits[2 * n] = valueBits[2 * i]!;
    columns.valueBits[2 * n + 1] = valueBits[2 * i + 1]!;
    columns.startTimes[n] = startTimes[i]!;
    any ||= startTimes[i] !== 0;
    n++;
  }
  return any ? encodeSamplesWithStartRecord(columns, n) : undefined;
}
