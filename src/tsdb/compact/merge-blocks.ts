// SPDX-License-Identifier: Apache-2.0
// hot
// Several blocks (or one with deletions) into one. All sides are sorted, so one pass is enough: memory goes
// with the number of symbols and series, not with samples. Chunks that stand alone are copied as they are.

import type { FileSystem } from '../../base/index.ts';
import { chunkSampleCount } from '../../chunks/index.ts';
import type { BlockReader } from '../block/block-reader.ts';
import { BlockWriter } from '../block/block-writer.ts';
import { ChunkCursor } from '../block/chunk-files.ts';
import { PlainChunkMemory } from '../block/chunk-memory.ts';
import type { BlockMeta } from '../block/meta.ts';
import { covers, type Intervals, touches } from '../block/tombstones.ts';
import type { SeriesEntry } from '../index/reader.ts';
import { newSeriesEntry } from '../index/reader.ts';
import { SampleBuffer } from './sample-buffer.ts';
import { mergeSymbols } from './symbol-merge.ts';

/** One block of the merge: its series one after the other, with the merged numbers of their symbols. */
class Source {
  readonly entry: SeriesEntry = newSeriesEntry();
  readonly cursor: ChunkCursor;
  deleted: Intervals | undefined;
  done = false;
  private readonly block: BlockReader;
  private readonly refs: Uint32Array;
  private readonly numbers: Uint32Array;
  private next = 0;

  constructor(block: BlockReader, numbers: Uint32Array) {
    this.block = block;
    this.numbers = numbers;
    this.refs = block.index.allSeries();
    this.cursor = new ChunkCursor(block.chunks, new PlainChunkMemory());
    this.advance();
  }

  advance(): void {
    if (this.next >= this.refs.length) {
      this.done = true;
      return;
    }
    const ref = this.refs[this.next++]!;
    const { entry, numbers } = this;
    this.block.index.readSeries(ref, entry);
    for (let i = 0; i < 2 * entry.labelCount; i++) entry.pairs[i] = numbers[entry.pairs[i]!]!;
    this.deleted = this.block.tombstones.of(ref);
  }
}

function comparePairs(a: SeriesEntry, b: SeriesEntry): number {
  const n = 2 * Math.min(a.labelCount, b.labelCount);
  for (let i = 0; i < n; i++) {
    const order = a.pairs[i]! - b.pairs[i]!;
    if (order !== 0) return order;
  }
  return a.labelCount - b.labelCount;
}

/** A chunk of the series that is being written. */
interface Piece {
  readonly source: Source;
  readonly ref: number;
  readonly minTime: number;
  readonly maxTime: number;
}

class SeriesMerge {
  private readonly writer: BlockWriter;
  private readonly buffer = new SampleBuffer();

  constructor(writer: BlockWriter) {
    this.writer = writer;
  }

  /** Writes the series that all `members` stand at. */
  write(members: readonly Source[]): void {
    const pieces = this.pieces(members);
    for (let from = 0; from < pieces.length; ) {
      let to = from + 1;
      let maxTime = pieces[from]!.maxTime;
      while (to < pieces.length && pieces[to]!.minTime <= maxTime) {
        maxTime = Math.max(maxTime, pieces[to]!.maxTime);
        to++;
      }
      this.writeCluster(pieces.slice(from, to));
      from = to;
    }
    const { entry } = members[0]!;
    this.writer.endSeries(entry.pairs, entry.labelCount);
  }

  /** Chunks that are not deleted whole, by time. */
  private pieces(members: readonly Source[]): Piece[] {
    const pieces: Piece[] = [];
    for (const source of members) {
      const { minTimes, maxTimes, chunkRefs, chunkCount } = source.entry;
      for (let i = 0; i < chunkCount; i++) {
        const [minTime, maxTime] = [minTimes[i]!, maxTimes[i]!];
        if (source.deleted !== undefined && covers(source.deleted, minTime, maxTime)) continue;
        pieces.push({ source, ref: chunkRefs[i]!, minTime, maxTime });
      }
    }
    if (members.length > 1) pieces.sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime);
    return pieces;
  }

  /** Chunks that overlap, each with the next. */
  private writeCluster(pieces: readonly Piece[]): void {
    const [first] = pieces;
    if (first === undefined) return;
    const { deleted } = first.source;
    const isWhole = deleted === undefined || !touches(deleted, first.minTime, first.maxTime);
    if (pieces.length === 1 && isWhole) {
      const { cursor } = first.source;
      cursor.load(first.ref);
      const { bytes } = cursor.window;
      const { at, length, encoding } = cursor;
      const samples = chunkSampleCount(encoding, bytes, at);
      const { minTime, maxTime } = first;
      this.writer.addChunk(encoding, bytes, at, at + length, minTime, maxTime, samples);
      return;
    }
    this.buffer.clear();
    for (const { source, ref } of pieces) {
      const { cursor } = source;
      cursor.load(ref);
      const bytes = cursor.window.bytes.subarray(cursor.at, cursor.at + cursor.length);
      this.buffer.addChunk(cursor.encoding, bytes, source.deleted);
    }
    this.buffer.flush(this.writer);
  }
}

export interface MergeBlocksOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly ulid: string;
  /** At least one, in ascending order of time. */
  readonly blocks: readonly BlockReader[];
  readonly meta: Omit<BlockMeta, 'ulid' | 'stats' | 'others'>;
}

/**
 * Writes the samples of all blocks, without what is deleted, as one. Undefined: nothing is left.
 * @throws FileError, BlockError; nothing is left behind then
 */
export function mergeBlocks(options: MergeBlocksOptions): BlockMeta | undefined {
  const { blocks } = options;
  const writer = new BlockWriter(options);
  try {
    const numbers = mergeSymbols(
      blocks.map(({ index }) => index),
      (text) => writer.addSymbol(text),
    );
    const sources = blocks.map((block, i) => new Source(block, numbers[i]!));
    const merge = new SeriesMerge(writer);
    for (;;) {
      const members = leastOf(sources);
      if (members.length === 0) break;
      merge.write(members);
      for (const source of members) source.advance();
    }
    return writer.finish(options.meta);
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

/** The sources that stand at the first series of all. */
function leastOf(sources: readonly Source[]): Source[] {
  let members: Source[] = [];
  for (const source of sources) {
    if (source.done) continue;
    const order = members.length === 0 ? -1 : comparePairs(source.entry, members[0]!.entry);
    if (order < 0) members = [source];
    else if (order === 0) members.push(source);
  }
  return members;
}

/** The meta of a compaction of `blocks`, as upstream makes it. */
export function compactedMeta(
  blocks: readonly BlockMeta[],
): Omit<BlockMeta, 'ulid' | 'stats' | 'others'> {
  const sources = new Set<string>();
  let level = 0;
  for (const { compaction } of blocks) {
    level = Math.max(level, compaction.level);
    for (const source of compaction.sources) sources.add(source);
  }
  return {
    minTime: blocks.reduce((min, block) => Math.min(min, block.minTime), Number.MAX_SAFE_INTEGER),
    maxTime: blocks.reduce((max, block) => Math.max(max, block.maxTime), Number.MIN_SAFE_INTEGER),
    compaction: {
      level: level + 1,
      sources: [...sources].sort(byBytes),
      parents: blocks.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
      deletable: false,
      failed: false,
      hints: [],
    },
  };
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
