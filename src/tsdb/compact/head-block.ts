// SPDX-License-Identifier: Apache-2.0
// hot
// Writes a range of the head as a block. Runs on a thread of its own that reads the head as a query does:
// one view, nothing of it freed meanwhile. Closed chunks are copied as they are.

import type { FileSystem } from '../../base/index.ts';
import type { ChunkFormats } from '../../chunks/index.ts';
import {
  ChunkEncoding,
  encodeXorChunk,
  encodeChunks,
  newChunkSamples,
} from '../../chunks/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import { BlockWriter } from '../block/block-writer.ts';
import type { BlockMeta } from '../block/meta.ts';
import type { HeadReader, HeadSeriesSet } from '../head/reader.ts';
import type { HeadSymbols } from '../head/symbols.ts';

export interface HeadBlockOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly ulid: string;
  /** Inclusive. */
  readonly minTime: number;
  /** Exclusive. */
  readonly maxTime: number;
  readonly hints?: readonly string[];
  readonly formats?: ChunkFormats;
}

/** Samples in a chunk made from what was decoded. */
const SAMPLES_PER_CHUNK = 120;

/** As upstream: the empty text, the name of "all series", is the first symbol. */
const FIRST_SYMBOL = 1;

/** Texts in order, and the place of each of the head's symbols among them. */
interface SymbolOrder {
  readonly ids: Uint32Array;
  /** Place of symbol id; meaningful for ids in use. */
  readonly ranks: Uint32Array;
}

/** Symbols of all rows, in the order of their bytes. */
function orderSymbols(set: HeadSeriesSet, symbols: HeadSymbols): SymbolOrder {
  const used = new Uint8Array(symbols.idMax + 1);
  const pairs = new Uint32Array(2 * set.maxLabelCount);
  let count = 0;
  for (let row = 0; row < set.count; row++) {
    const words = 2 * set.labelIds(row, pairs);
    for (let i = 0; i < words; i++) {
      if (used[pairs[i]!] === 0) count++;
      used[pairs[i]!] = 1;
    }
  }
  const ids = new Uint32Array(count);
  for (let id = 1, n = 0; id < used.length; id++) if (used[id] === 1) ids[n++] = id;
  ids.sort((a, b) => symbols.compare(a, b));
  const ranks = new Uint32Array(used.length);
  for (let i = 0; i < count; i++) ranks[ids[i]!] = FIRST_SYMBOL + i;
  return { ids, ranks };
}

/** Rows in the order of their labels. */
function orderRows(set: HeadSeriesSet, ranks: Uint32Array): Uint32Array {
  const { count } = set;
  const starts = new Uint32Array(count + 1);
  const pairs = new Uint32Array(2 * set.maxLabelCount);
  for (let row = 0; row < count; row++)
    starts[row + 1] = starts[row]! + 2 * set.labelIds(row, pairs);
  const words = new Uint32Array(starts[count]!);
  for (let row = 0; row < count; row++) {
    const end = starts[row + 1]!;
    set.labelIds(row, pairs);
    for (let i = starts[row]!, k = 0; i < end; i++, k++) words[i] = ranks[pairs[k]!]!;
  }
  const rows = new Uint32Array(count);
  for (let row = 0; row < count; row++) rows[row] = row;
  return rows.sort((a, b) => {
    const aStart = starts[a]!;
    const bStart = starts[b]!;
    const n = Math.min(starts[a + 1]! - aStart, starts[b + 1]! - bStart);
    for (let i = 0; i < n; i++) {
      const order = words[aStart + i]! - words[bStart + i]!;
      if (order !== 0) return order;
    }
    return starts[a + 1]! - aStart - (starts[b + 1]! - bStart);
  });
}

/** Copies the chunks of one row; what cannot be copied is decoded and encoded anew. */
class RowCopy {
  private readonly writer: BlockWriter;
  private readonly shared: SharedMemory;
  private readonly set: HeadSeriesSet;
  private readonly formats: ChunkFormats;
  private stream = new Uint8Array(4096);
  private readonly samples = newChunkSamples(256);

  constructor(
    writer: BlockWriter,
    shared: SharedMemory,
    set: HeadSeriesSet,
    formats: ChunkFormats,
  ) {
    this.writer = writer;
    this.shared = shared;
    this.set = set;
    this.formats = formats;
  }

  /** minTime and maxTime are inclusive. */
  copy(row: number, minTime: number, maxTime: number): void {
    if (this.formats.xor2 === true || !this.set.isPlain(row)) {
      this.encodeAll(row, minTime, maxTime);
      return;
    }
    for (const chunk of this.set.chunkStreams(row, minTime, maxTime)) {
      const { bytes, count, encoding } = chunk;
      const isKept = encoding === ChunkEncoding.xor || this.formats.xor2 !== false;
      if (bytes === 0 || !isKept || chunk.minTime < minTime || chunk.maxTime > maxTime) {
        this.encode(row, Math.max(minTime, chunk.minTime), Math.min(maxTime, chunk.maxTime));
        continue;
      }
      if (this.stream.length < bytes) this.stream = new Uint8Array(2 * bytes);
      const { stream } = this;
      stream.set(this.shared.u8.subarray(chunk.address, chunk.address + bytes));
      stream[0] = count >>> 8;
      stream[1] = count;
      this.writer.addChunk(encoding, stream, 0, bytes, chunk.minTime, chunk.maxTime, count);
    }
  }

  /** A row with histograms, late samples, deletions or start times: all is merged and encoded anew. */
  private encodeAll(row: number, minTime: number, maxTime: number): void {
    const { set, samples } = this;
    const n = set.read(row, minTime, maxTime);
    const { times, valueBits } = set.columns;
    samples.reserve(Math.max(1, n), 0);
    samples.times.set(times.subarray(0, n));
    samples.valueBits.set(valueBits.subarray(0, 2 * n));
    for (let i = 0; i < n; i++) {
      samples.setHistogram(i, set.histograms?.[i]);
      samples.setStartTime(i, set.startTimes?.[i] ?? 0);
    }
    const { times: kept } = samples;
    const add = (encoding: number, bytes: Uint8Array, from: number, to: number): void => {
      const [first, last] = [kept[from]!, kept[to - 1]!];
      this.writer.addChunk(encoding, bytes, 0, bytes.length, first, last, to - from);
    };
    encodeChunks(samples, n, add, this.formats);
  }

  private encode(row: number, minTime: number, maxTime: number): void {
    const n = this.set.read(row, minTime, maxTime);
    const { times, values, valueBits } = this.set.columns;
    for (let from = 0; from < n; from += SAMPLES_PER_CHUNK) {
      const to = Math.min(n, from + SAMPLES_PER_CHUNK);
      const part = {
        times: times.subarray(from, to),
        values: values.subarray(from, to),
        valueBits: valueBits.subarray(2 * from, 2 * to),
      };
      const chunk = encodeXorChunk(part, to - from);
      const { xor } = ChunkEncoding;
      this.writer.addChunk(xor, chunk, 0, chunk.length, times[from]!, times[to - 1]!, to - from);
    }
  }
}

/**
 * Writes the samples of [minTime, maxTime) as a block of level 1. Undefined: there are none.
 * @throws FileError, QueryMemoryError; nothing is left behind then
 */
export function writeHeadBlock(
  reader: HeadReader,
  options: HeadBlockOptions,
): BlockMeta | undefined {
  const { minTime, maxTime, ulid } = options;
  const querier = reader.querier();
  let writer: BlockWriter | undefined;
  try {
    const set = querier.select([], minTime, maxTime - 1);
    writer = new BlockWriter(options);
    const { ids, ranks } = orderSymbols(set, reader.symbols);
    writer.addSymbol('');
    for (const id of ids) writer.addSymbol(reader.symbols.decode(id));
    const rows = orderRows(set, ranks);
    const copy = new RowCopy(writer, reader.symbols.shared, set, options.formats ?? {});
    const pairs = new Uint32Array(2 * set.maxLabelCount);
    for (const row of rows) {
      copy.copy(row, minTime, maxTime - 1);
      const count = set.labelIds(row, pairs);
      for (let i = 0; i < 2 * count; i++) pairs[i] = ranks[pairs[i]!]!;
      writer.endSeries(pairs, count);
    }
    return writer.finish({
      minTime,
      maxTime,
      compaction: {
        level: 1,
        sources: [ulid],
        parents: [],
        deletable: false,
        failed: false,
        hints: options.hints ?? [],
      },
    });
  } catch (error) {
    writer?.abandon();
    throw error;
  } finally {
    querier.close();
  }
}
