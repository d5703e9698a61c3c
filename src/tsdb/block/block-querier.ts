// SPDX-License-Identifier: Apache-2.0
// hot
// One block as a query sees it.

import type { ChunkSamples } from '../../chunks/index.ts';
import {
  ChunkEncoding,
  chunkSampleCount,
  decodeChunk,
  newChunkSamples,
  UnknownEncodingError,
} from '../../chunks/index.ts';
import type { Histogram, Matcher, SampleColumns } from '../../model/index.ts';
import { compareText, newSampleColumns } from '../../model/index.ts';
import type { Querier, SeriesSet, SymbolSpace } from '../../storage/index.ts';
import { intersect } from '../head/id-set.ts';
import type { SeriesEntry } from '../index/reader.ts';
import { newSeriesEntry } from '../index/reader.ts';
import { selectRefs } from '../index/select.ts';
import { Selection, type SelectionCache } from '../index/selections.ts';
import type { BlockReader } from './block-reader.ts';
import { ChunkCursor } from './chunk-files.ts';
import type { ChunkMemory, DecodeTarget } from './chunk-memory.ts';
import { BlockError } from './errors.ts';
import type { Intervals } from './tombstones.ts';
import { covers } from './tombstones.ts';

/** What most writers put into a chunk; for estimates. */
const SAMPLES_PER_CHUNK = 120;

export class BlockQuerier implements Querier {
  private readonly block: BlockReader;
  private readonly memory: ChunkMemory;
  private readonly selections: SelectionCache | undefined;

  /** @param selections remembers what was selected; without it nothing is */
  constructor(block: BlockReader, memory: ChunkMemory, selections?: SelectionCache) {
    this.block = block;
    this.memory = memory;
    this.selections = selections;
  }

  /** @throws MatcherError, BlockError */
  select(matchers: readonly Matcher[], minTime: number, maxTime: number): SeriesSet {
    const { block, memory, selections } = this;
    if (selections === undefined || !block.overlaps(minTime, maxTime)) {
      return new BlockSeriesSet(block, memory, this.refs(matchers, minTime, maxTime));
    }
    const selected = selections.select(block.index, matchers);
    if (!(selected instanceof Selection)) {
      return new BlockSeriesSet(block, memory, this.inRange(selected, minTime, maxTime));
    }
    if (this.takesWhole(minTime, maxTime)) {
      return new BlockSeriesSet(block, memory, selected.refs, selected);
    }
    const rows = new Uint32Array(selected.refs.length);
    const entry = newSeriesEntry();
    let n = 0;
    for (let i = 0; i < rows.length; i++) {
      selected.point(i, entry);
      const deleted = block.tombstones.of(selected.refs[i]!);
      if (hasChunk(entry, minTime, maxTime, deleted)) rows[n++] = i;
    }
    if (n === rows.length) return new BlockSeriesSet(block, memory, selected.refs, selected);
    const kept = rows.slice(0, n);
    const refs = kept.map((i) => selected.refs[i]!);
    return new BlockSeriesSet(block, memory, refs, selected, kept);
  }

  private takesWhole(minTime: number, maxTime: number): boolean {
    const { meta, tombstones } = this.block;
    const whole = minTime <= meta.minTime && maxTime >= meta.maxTime - 1;
    return whole && tombstones.seriesCount === 0;
  }

  /** Refs of series that match and have a chunk in range that is not deleted whole. */
  private refs(matchers: readonly Matcher[], minTime: number, maxTime: number): Uint32Array {
    const { block } = this;
    if (!block.overlaps(minTime, maxTime)) return new Uint32Array(0);
    return this.inRange(selectRefs(block.index, matchers), minTime, maxTime);
  }

  private inRange(refs: Uint32Array, minTime: number, maxTime: number): Uint32Array {
    const { block } = this;
    if (this.takesWhole(minTime, maxTime)) return refs;
    const entry = newSeriesEntry();
    return refs.filter((ref) => {
      block.index.readSeries(ref, entry);
      return hasChunk(entry, minTime, maxTime, block.tombstones.of(ref));
    });
  }

  labelNames(matchers: readonly Matcher[], minTime: number, maxTime: number): string[] {
    const { index, symbols } = this.block;
    if (!this.block.overlaps(minTime, maxTime)) return [];
    if (matchers.length === 0) return [...index.labelNames];
    const found = new Set<number>();
    this.eachSeries(matchers, (entry) => {
      for (let i = 0; i < entry.labelCount; i++) found.add(entry.pairs[2 * i]! + 1);
    });
    return [...found].map((id) => symbols.text(id)).sort(compareText);
  }

  labelValues(
    name: string,
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
  ): string[] {
    const { index } = this.block;
    const values: string[] = [];
    if (!this.block.overlaps(minTime, maxTime)) return values;
    if (matchers.length === 0) {
      index.eachValue(name, (value) => values.push(value));
      return values;
    }
    const refs = selectRefs(index, matchers);
    // Few series: their labels; many: which of the values' postings meet them.
    if (refs.length < 4 * index.valueCount(name)) return this.valuesOf(name, refs);
    index.eachValue(name, (value, place) => {
      if (intersect(index.postings(place), refs).length > 0) values.push(value);
    });
    return values;
  }

  private valuesOf(name: string, refs: Uint32Array): string[] {
    const { index } = this.block;
    const nameIndex = index.symbolIndex(name);
    const found = new Set<number>();
    const entry = newSeriesEntry();
    for (const ref of refs) {
      index.readSeries(ref, entry, false);
      for (let i = 0; i < entry.labelCount; i++) {
        if (entry.pairs[2 * i] === nameIndex) found.add(entry.pairs[2 * i + 1]!);
      }
    }
    return [...found].map((id) => index.symbol(id)).sort(compareText);
  }

  private eachSeries(matchers: readonly Matcher[], visit: (entry: SeriesEntry) => void): void {
    const { index } = this.block;
    const entry = newSeriesEntry();
    for (const ref of selectRefs(index, matchers)) {
      index.readSeries(ref, entry, false);
      visit(entry);
    }
  }

  close(): void {}
}

function hasChunk(
  entry: SeriesEntry,
  minTime: number,
  maxTime: number,
  deleted: Intervals | undefined,
): boolean {
  const { chunkAt, chunkCount } = entry;
  for (let i = chunkAt; i < chunkAt + chunkCount; i++) {
    const min = entry.minTimes[i]!;
    const max = entry.maxTimes[i]!;
    if (min > maxTime || max < minTime) continue;
    if (deleted === undefined || !covers(deleted, min, max)) return true;
  }
  return false;
}

/** Removes the samples of columns[from, to) that are deleted; returns the new end. */
export function dropDeleted(
  { times, valueBits }: SampleColumns,
  from: number,
  to: number,
  deleted: Intervals,
): number {
  let n = from;
  let next = 0;
  for (let i = from; i < to; i++) {
    const time = times[i]!;
    while (next < deleted.length && deleted[next + 1]! < time) next += 2;
    if (next < deleted.length && deleted[next]! <= time) continue;
    times[n] = time;
    valueBits[2 * n] = valueBits[2 * i]!;
    valueBits[2 * n + 1] = valueBits[2 * i + 1]!;
    n++;
  }
  return n;
}

const noColumns = newSampleColumns(0);

export class BlockSeriesSet implements SeriesSet {
  readonly count: number;
  readonly symbols: SymbolSpace;
  histograms: (Histogram | undefined)[] | undefined;
  startTimes: Float64Array | undefined;
  private readonly block: BlockReader;
  private readonly memory: ChunkMemory;
  private readonly refs: Uint32Array;
  private readonly selection: Selection | undefined;
  private readonly rows: Uint32Array | undefined;
  private readonly entry = newSeriesEntry();
  /** The row whose series is in `entry`. */
  private entryRow = -1;
  private cursor: ChunkCursor | undefined;
  private target: DecodeTarget | undefined;
  private labelsMax: number | undefined;
  /** Chunks that the kernel does not know are decoded to here. */
  private readonly samples: ChunkSamples = newChunkSamples(16);

  /**
   * @param selection where the series are decoded already
   * @param rows the rows of `selection` that are in it; undefined: all
   */
  constructor(
    block: BlockReader,
    memory: ChunkMemory,
    refs: Uint32Array,
    selection?: Selection,
    rows?: Uint32Array,
  ) {
    this.block = block;
    this.memory = memory;
    this.refs = refs;
    this.selection = selection;
    this.rows = rows;
    this.count = refs.length;
    this.symbols = block.symbols;
  }

  get columns(): SampleColumns {
    return this.target?.columns ?? noColumns;
  }

  private series(row: number): SeriesEntry {
    if (row !== this.entryRow) {
      this.entryRow = -1;
      const { selection, rows } = this;
      if (selection === undefined) this.block.index.readSeries(this.refs[row]!, this.entry);
      else selection.point(rows === undefined ? row : rows[row]!, this.entry);
      this.entryRow = row;
    }
    return this.entry;
  }

  get maxLabelCount(): number {
    if (this.selection !== undefined) return this.selection.maxLabelCount;
    if (this.labelsMax === undefined) {
      let most = 0;
      for (let row = 0; row < this.count; row++) {
        most = Math.max(most, this.series(row).labelCount);
      }
      this.labelsMax = most;
    }
    return this.labelsMax;
  }

  labelIds(row: number, out: Uint32Array): number {
    const { pairs, pairAt, labelCount } = this.series(row);
    for (let i = 0; i < 2 * labelCount; i++) out[i] = pairs[pairAt + i]! + 1;
    return labelCount;
  }

  labelValueId(row: number, nameId: number): number {
    const { pairs, pairAt, labelCount } = this.series(row);
    for (let i = pairAt; i < pairAt + 2 * labelCount; i += 2) {
      if (pairs[i] === nameId - 1) return pairs[i + 1]! + 1;
    }
    return 0;
  }

  estimateSamples(row: number, minTime: number, maxTime: number): number {
    const { minTimes, maxTimes, chunkAt, chunkCount } = this.series(row);
    let chunks = 0;
    for (let i = chunkAt; i < chunkAt + chunkCount; i++) {
      if (minTimes[i]! <= maxTime && maxTimes[i]! >= minTime) chunks++;
    }
    return chunks * SAMPLES_PER_CHUNK;
  }

  /** @throws BlockError */
  read(row: number, minTime: number, maxTime: number): number {
    const { minTimes, maxTimes, chunkRefs, chunkAt, chunkCount } = this.series(row);
    const deleted = this.block.tombstones.of(this.refs[row]!);
    this.histograms = undefined;
    this.startTimes = undefined;
    let n = 0;
    for (let i = chunkAt; i < chunkAt + chunkCount; i++) {
      if (minTimes[i]! > maxTime || maxTimes[i]! < minTime) continue;
      if (deleted !== undefined && covers(deleted, minTimes[i]!, maxTimes[i]!)) continue;
      n = this.decode(chunkRefs[i]!, minTime, maxTime, n, deleted);
    }
    return n;
  }

  readBehind(before: SeriesSet, n: number, row: number, minTime: number, maxTime: number): number {
    if (!(before instanceof BlockSeriesSet) || before.memory !== this.memory) return -1;
    if (before === this || before.histograms !== undefined || before.startTimes !== undefined) {
      return -1;
    }
    const { minTimes, maxTimes, chunkRefs, chunkAt, chunkCount } = this.series(row);
    const deleted = this.block.tombstones.of(this.refs[row]!);
    let end = n;
    for (let i = chunkAt; i < chunkAt + chunkCount; i++) {
      if (minTimes[i]! > maxTime || maxTimes[i]! < minTime) continue;
      if (deleted !== undefined && covers(deleted, minTimes[i]!, maxTimes[i]!)) continue;
      if (end > 0 && minTimes[i]! <= before.columns.times[end - 1]!) return -1;
      const cursor = this.load(chunkRefs[i]!);
      if (cursor.encoding !== ChunkEncoding.xor) return -1;
      end = this.decodeFloats(cursor, minTime, maxTime, end, deleted, before);
    }
    return end;
  }

  append(n: number, from: SampleColumns, count: number): boolean {
    if (this.histograms !== undefined || this.startTimes !== undefined) return false;
    if (n === 0 || from.times[0]! <= this.columns.times[n - 1]!) return false;
    const target = this.room(n + count, n);
    this.memory.copy(from, count, target, n);
    return true;
  }

  private load(ref: number): ChunkCursor {
    this.cursor ??= new ChunkCursor(this.block.chunks, this.memory);
    this.cursor.load(ref);
    return this.cursor;
  }

  /** Decodes the loaded XOR chunk to the columns of `to` from `n` on; returns the new end. */
  private decodeFloats(
    { window, at, length }: ChunkCursor,
    minTime: number,
    maxTime: number,
    n: number,
    deleted: Intervals | undefined,
    to: BlockSeriesSet,
  ): number {
    const { bytes } = window;
    const count = length < 2 ? 0 : (bytes[at]! << 8) | bytes[at + 1]!;
    if (count === 0) return n;
    const target = to.room(n + count, n);
    const end = n + this.memory.decodeXor(window, at, length, minTime, maxTime, target, n);
    return deleted === undefined ? end : dropDeleted(to.columns, n, end, deleted);
  }

  /** Decodes one chunk to the columns from `n` on; returns the new end. */
  private decode(
    ref: number,
    minTime: number,
    maxTime: number,
    n: number,
    deleted: Intervals | undefined,
  ): number {
    const cursor = this.load(ref);
    if (cursor.encoding !== ChunkEncoding.xor) {
      const empty =
        cursor.length < 2 ||
        chunkSampleCount(cursor.encoding, cursor.window.bytes, cursor.at) === 0;
      return empty ? n : this.decodeOther(ref, minTime, maxTime, n, deleted);
    }
    return this.decodeFloats(cursor, minTime, maxTime, n, deleted, this);
  }

  /** A chunk that is not only floats: decoded in ordinary memory, as its histograms are. */
  private decodeOther(
    ref: number,
    minTime: number,
    maxTime: number,
    n: number,
    deleted: Intervals | undefined,
  ): number {
    const { cursor, samples } = this;
    const from = cursor!.at;
    let count: number;
    try {
      const chunk = cursor!.window.bytes.slice(from, from + cursor!.length);
      count = decodeChunk(cursor!.encoding, chunk, samples);
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof UnknownEncodingError)) throw error;
      const path = this.block.chunks.path(Math.floor(ref / 4294967296));
      const code = error instanceof RangeError ? 'invalid' : 'version';
      const why = `the chunk at ${ref % 4294967296}: ${error.message}`;
      throw new BlockError(code, path, why, { cause: error });
    }
    count = samples.keep(count, (time) => time >= minTime && time <= maxTime);
    if (deleted !== undefined) count = samples.drop(count, deleted);
    this.room(n + count, n);
    const { times, valueBits } = this.columns;
    for (let i = 0; i < count; i++) {
      times[n + i] = samples.times[i]!;
      valueBits[2 * (n + i)] = samples.valueBits[2 * i]!;
      valueBits[2 * (n + i) + 1] = samples.valueBits[2 * i + 1]!;
    }
    this.addOthers(n, count);
    return n + count;
  }

  /** Histograms and start times of the `count` samples just added at `n`. */
  private addOthers(n: number, count: number): void {
    const { samples } = this;
    if (samples.histograms !== undefined || this.histograms !== undefined) {
      const histograms = this.histograms ?? [];
      for (let i = histograms.length; i < n; i++) histograms.push(undefined);
      for (let i = 0; i < count; i++) histograms.push(samples.histograms?.[i]);
      this.histograms = histograms;
    }
    if (samples.startTimes !== undefined || this.startTimes !== undefined) {
      const startTimes = new Float64Array(n + count);
      if (this.startTimes !== undefined) startTimes.set(this.startTimes);
      if (samples.startTimes !== undefined)
        startTimes.set(samples.startTimes.subarray(0, count), n);
      this.startTimes = startTimes;
    }
  }

  /** Columns with room for `capacity` samples, of which the first `kept` stay. */
  private room(capacity: number, kept: number): DecodeTarget {
    const old = this.target;
    if (old !== undefined && old.capacity >= capacity) return old;
    const target = this.memory.newColumns(Math.max(1024, 2 * capacity));
    if (old !== undefined && kept > 0) {
      this.memory.copy(old.columns, kept, target, 0);
    }
    this.target = target;
    return target;
  }
}
