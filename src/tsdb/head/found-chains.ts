// SPDX-License-Identifier: Apache-2.0
// At a start: chunks found in files, by the WAL ref of their series, until replay asks for them.

import { ChunkEncoding, isFloatEncoding } from '../../chunks/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import type { FoundChunk } from './chunk-files.ts';
import { CHUNK_HEADER_BYTES, CHUNK_MAX_TIME, CHUNK_MIN_TIME, Chunk, ON_DISK } from './layout.ts';
import type { SideChunkInFile } from './side.ts';
import type { HeadStore } from './store.ts';
import { setTimeAt, timeAt } from './times.ts';

/** Float chunks of one series, newest first. */
interface Chain {
  newest: number;
  samples: number;
  maxTime: number;
  /** Changes of the start time: time, start time in turns, by chunk. */
  starts: number[];
}

/** Chunks of one series beside its chain. */
interface FoundSide {
  readonly chunks: SideChunkInFile[];
  /** Newest time of those in order. */
  lastTime: number;
  /** Those in order overlap: the WAL has them all. */
  isBroken: boolean;
}

/** A chunk's place as one number: files are smaller than 2^28 bytes. */
const placeOf = (file: number, offsetBytes: number): number => file * 2 ** 28 + offsetBytes;

const OVERLAPS = -1;

/** Chains of chunks found in files, by the WAL ref of their series, until replay asks for them. */
export class FoundChains {
  /** By ref; null: its chunks overlap and are left to the WAL. */
  private readonly chains = new Map<number, Chain | null>();
  private readonly sides = new Map<number, FoundSide>();
  /** Places of chunks of late samples whose series were named. */
  private readonly latePlaces = new Set<number>();
  private readonly shared: SharedMemory;
  private readonly store: HeadStore;
  private readonly view: DataView;
  private readonly floor: number;
  /** Refs whose chunks overlap. */
  overlapping = 0;
  /** Chunks of encodings that this version does not know. */
  unknown = 0;
  refMax = 0;

  constructor(shared: SharedMemory, store: HeadStore, view: DataView, floor: number) {
    this.shared = shared;
    this.store = store;
    this.view = view;
    this.floor = floor;
  }

  /** @throws MemoryFullError */
  add(chunk: FoundChunk): void {
    const { ref, minTime, maxTime, count } = chunk;
    if (ref > this.refMax) this.refMax = ref;
    if (count === 0 || (maxTime < this.floor && !chunk.isOutOfOrder)) return;
    if (chunk.encoding < ChunkEncoding.xor || chunk.encoding > ChunkEncoding.floatHistogramStart) {
      // Of the future: what it holds comes from the log.
      this.unknown++;
      return;
    }
    if (chunk.isOutOfOrder || !isFloatEncoding(chunk.encoding)) {
      this.addToSide(chunk);
      return;
    }
    const chain = this.chains.get(ref);
    if (chain === null) return;
    const newer = chain === undefined ? 0 : this.place(chain.newest, minTime, maxTime);
    if (newer === OVERLAPS) {
      this.overlapping++;
      // One of them is wrong, or both are the same: the WAL has the samples of all.
      this.release(chain!.newest);
      this.chains.set(ref, null);
      return;
    }
    const node = this.store.allocateZeroed(CHUNK_HEADER_BYTES);
    const { u32 } = this.shared;
    const at = node >>> 2;
    u32[at + Chunk.count] = count;
    u32[at + Chunk.bytes] = ON_DISK + chunk.file;
    u32[at + Chunk.first] = chunk.offsetBytes;
    setTimeAt(this.view, node + CHUNK_MIN_TIME, minTime);
    setTimeAt(this.view, node + CHUNK_MAX_TIME, maxTime);
    if (chain === undefined) {
      const starts = [...(chunk.startChanges ?? [])];
      this.chains.set(ref, { newest: node, samples: count, maxTime, starts });
      return;
    }
    if (chunk.startChanges !== undefined) chain.starts = chain.starts.concat(chunk.startChanges);
    else if (chain.starts.length > 0) chain.starts.push(minTime, 0);
    chain.samples += count;
    if (newer === 0) {
      u32[at + Chunk.previous] = chain.newest;
      chain.newest = node;
      chain.maxTime = maxTime;
    } else {
      u32[at + Chunk.previous] = u32[(newer >>> 2) + Chunk.previous]!;
      u32[(newer >>> 2) + Chunk.previous] = node;
    }
  }

  private addToSide(chunk: FoundChunk): void {
    let side = this.sides.get(chunk.ref);
    if (side === undefined) {
      side = { chunks: [], lastTime: Number.NEGATIVE_INFINITY, isBroken: false };
      this.sides.set(chunk.ref, side);
    }
    if (!chunk.isOutOfOrder) {
      if (side.isBroken) return;
      if (chunk.minTime <= side.lastTime) {
        this.overlapping++;
        side.isBroken = true;
        const late = side.chunks.filter(({ isOutOfOrder }) => isOutOfOrder);
        side.chunks.splice(0, side.chunks.length, ...late);
        return;
      }
      side.lastTime = chunk.maxTime;
    }
    side.chunks.push(chunk);
  }

  /** Chunks of a ref beside its chain, oldest first; they are the caller's from then on. */
  takeSide(ref: number): readonly SideChunkInFile[] {
    const side = this.sides.get(ref);
    if (side === undefined) return [];
    this.sides.delete(ref);
    for (const { isOutOfOrder, file, offsetBytes } of side.chunks) {
      if (isOutOfOrder) this.latePlaces.add(placeOf(file, offsetBytes));
    }
    return side.chunks;
  }

  /** Whether a chunk of late samples at this place belongs to a series that was named. */
  hasLate(file: number, offsetBytes: number): boolean {
    return this.latePlaces.has(placeOf(file, offsetBytes));
  }

  /** The node after which (towards the older ones) a chunk belongs; 0: it is the newest. */
  private place(newest: number, minTime: number, maxTime: number): number {
    const { u32 } = this.shared;
    let newer = 0;
    for (let node = newest; node !== 0; node = u32[(node >>> 2) + Chunk.previous]!) {
      if (timeAt(this.view, node + CHUNK_MAX_TIME) < minTime) return newer;
      if (timeAt(this.view, node + CHUNK_MIN_TIME) <= maxTime) return OVERLAPS;
      newer = node;
    }
    return newer;
  }

  /** The chain of a ref, which is the caller's from then on. */
  take(ref: number): Chain | undefined {
    const chain = this.chains.get(ref) ?? undefined;
    if (chain !== undefined) this.chains.delete(ref);
    return chain;
  }

  /** Gives back the chains that no series asked for; returns their number. */
  drop(): number {
    let left = 0;
    for (const ref of this.sides.keys()) if ((this.chains.get(ref) ?? null) === null) left++;
    for (const chain of this.chains.values()) {
      if (chain === null) continue;
      left++;
      this.release(chain.newest);
    }
    this.chains.clear();
    this.sides.clear();
    return left;
  }

  private release(newest: number): void {
    for (let node = newest; node !== 0; ) {
      const previous = this.shared.u32[(node >>> 2) + Chunk.previous]!;
      this.store.retire(node, CHUNK_HEADER_BYTES);
      node = previous;
    }
  }
}
