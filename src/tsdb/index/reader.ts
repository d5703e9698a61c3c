// SPDX-License-Identifier: Apache-2.0
// hot
// An index as the field writes it, read with little memory: of symbols and of each label's values only
// every 32nd place is kept; everything else is looked at in the file's pages.

import type { FileSystem } from '../../base/index.ts';
import { crc32c } from '../../encoding/index.ts';
import { compareText } from '../../model/index.ts';
import { BlockError } from '../block/errors.ts';
import { Cursor } from './cursor.ts';
import type { IndexToc } from './format.ts';
import {
  CHECKSUM_BYTES,
  INDEX_HEADER_BYTES,
  INDEX_MAGIC,
  INDEX_VERSION,
  SERIES_ALIGNMENT,
  TOC_BYTES,
} from './format.ts';
import type { PageCache } from './paged-file.ts';
import { PagedFile } from './paged-file.ts';

const SAMPLE_EVERY = 32;
/** Decoded symbols that are remembered; when there are more, all are forgotten. */
const REMEMBERED_MAX = 100_000;
const CHECKSUM_STEP = 1 << 16;

/**
 * One series of the index: what `readSeries` fills from the start of each column. The caller owns it and
 * uses it again.
 */
export interface SeriesEntry {
  /** (name, value) symbol numbers, sorted by name text. */
  pairs: Uint32Array;
  /** Where they begin in `pairs`. */
  pairAt: number;
  labelCount: number;
  /** Inclusive. */
  minTimes: Float64Array;
  maxTimes: Float64Array;
  chunkRefs: Float64Array;
  /** Where they begin in their columns. */
  chunkAt: number;
  chunkCount: number;
}

export const newSeriesEntry = (): SeriesEntry => ({
  pairs: new Uint32Array(64),
  pairAt: 0,
  labelCount: 0,
  minTimes: new Float64Array(16),
  maxTimes: new Float64Array(16),
  chunkRefs: new Float64Array(16),
  chunkAt: 0,
  chunkCount: 0,
});

/** The values of one label in the postings table. */
interface LabelPlace {
  readonly count: number;
  /** Offsets of every 32nd entry, the first one included. */
  readonly samples: Float64Array;
  /** Offset behind the last entry. */
  readonly end: number;
}

interface TableEntry {
  value: string;
  postings: number;
}

/** Reads one index. Not for several threads. */
export class IndexReader {
  readonly path: string;
  readonly toc: IndexToc;
  readonly symbolCount: number;
  /** Names in ascending order. */
  readonly labelNames: readonly string[];
  private readonly file: PagedFile;
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Offsets of every 32nd symbol. */
  private readonly symbolSamples: Float64Array;
  private readonly labels = new Map<string, LabelPlace>();
  private allPostings = 0;
  private remembered = new Map<number, string>();

  /** @throws BlockError */
  constructor(files: FileSystem, path: string, cache: PageCache) {
    this.path = path;
    this.file = new PagedFile(path, files.openSync(path, 'read'), cache);
    try {
      this.toc = this.readToc();
      [this.symbolCount, this.symbolSamples] = this.sampleSymbols();
      this.labelNames = this.samplePostingsTable();
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  close(): void {
    this.file.close();
  }

  private fail(code: 'format' | 'version' | 'checksum_mismatch' | 'invalid', why: string): never {
    throw new BlockError(code, this.path, why);
  }

  private readToc(): IndexToc {
    const { file } = this;
    if (file.sizeBytes < INDEX_HEADER_BYTES + TOC_BYTES) {
      throw new BlockError('truncated', this.path, `an index of ${file.sizeBytes} bytes`);
    }
    if (file.u32(0) !== INDEX_MAGIC) this.fail('format', 'it does not begin as an index does');
    const version = file.bytes[file.seek(4, 1)]!;
    if (version !== INDEX_VERSION) {
      this.fail('version', `index version ${version}; only ${INDEX_VERSION} is known`);
    }
    const at = file.sizeBytes - TOC_BYTES;
    const start = file.seek(at, TOC_BYTES);
    const sum = crc32c(file.bytes, start, start + TOC_BYTES - CHECKSUM_BYTES);
    if (sum !== file.u32(at + TOC_BYTES - CHECKSUM_BYTES)) {
      this.fail('checksum_mismatch', 'its table of contents is damaged or cut off');
    }
    return {
      symbols: file.u64(at),
      series: file.u64(at + 8),
      labelIndices: file.u64(at + 16),
      labelIndexTable: file.u64(at + 24),
      postings: file.u64(at + 32),
      postingsTable: file.u64(at + 40),
    };
  }

  /** Range of the content of a section with its length before and its checksum behind it, checked. */
  private section(offset: number, what: string): { start: number; end: number } {
    const length = this.file.u32(offset);
    const start = offset + 4;
    const end = start + length;
    let sum = 0;
    for (let at = start; at < end; at += CHECKSUM_STEP) {
      const size = Math.min(CHECKSUM_STEP, end - at);
      const from = this.file.seek(at, size);
      sum = crc32c(this.file.bytes, from, from + size, sum);
    }
    if (sum !== this.file.u32(end)) {
      this.fail('checksum_mismatch', `the checksum of its ${what} at ${offset} is wrong`);
    }
    return { start, end };
  }

  private sampleSymbols(): [number, Float64Array] {
    const { start, end } = this.section(this.toc.symbols, 'symbols');
    const count = this.file.u32(start);
    const cursor = new Cursor(this.file, start + 4, end);
    const samples = new Float64Array(Math.ceil(count / SAMPLE_EVERY));
    for (let i = 0; i < count; i++) {
      if (i % SAMPLE_EVERY === 0) samples[i / SAMPLE_EVERY] = cursor.offset;
      cursor.skip(cursor.uvarint());
    }
    return [count, samples];
  }

  private samplePostingsTable(): string[] {
    const { start, end } = this.section(this.toc.postingsTable, 'postings table');
    const count = this.file.u32(start);
    const cursor = new Cursor(this.file, start + 4, end);
    const names: string[] = [];
    let samples: number[] = [];
    let inLabel = 0;
    let last = '';
    const finish = (labelEnd: number): void => {
      if (last === '') return;
      names.push(last);
      this.labels.set(last, {
        count: inLabel,
        samples: Float64Array.from(samples),
        end: labelEnd,
      });
    };
    for (let i = 0; i < count; i++) {
      const offset = cursor.offset;
      if (cursor.uvarint() !== 2) {
        this.fail('invalid', `the postings entry at ${offset} has not two keys`);
      }
      const name = cursor.text(this.decoder);
      if (name !== last) {
        finish(offset);
        if (this.labels.has(name)) this.fail('invalid', `label ${name} is in two places`);
        last = name;
        samples = [];
        inLabel = 0;
      }
      if (inLabel++ % SAMPLE_EVERY === 0) samples.push(offset);
      cursor.skip(cursor.uvarint());
      const postings = cursor.uvarint();
      if (name === '') this.allPostings = postings;
    }
    finish(cursor.offset);
    return names.sort(compareText);
  }

  // ---- symbols ----------------------------------------------------------------------------------------

  /** Text of symbol `index`, 0 … symbolCount - 1. */
  symbol(index: number): string {
    const known = this.remembered.get(index);
    if (known !== undefined) return known;
    if (index >= this.symbolCount) {
      this.fail('invalid', `symbol ${index} of ${this.symbolCount} is asked for`);
    }
    const cursor = this.symbolCursor(Math.floor(index / SAMPLE_EVERY));
    for (let i = index % SAMPLE_EVERY; i > 0; i--) cursor.skip(cursor.uvarint());
    const text = cursor.text(this.decoder);
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered = new Map();
    this.remembered.set(index, text);
    return text;
  }

  private symbolCursor(sample: number): Cursor {
    return new Cursor(this.file, this.symbolSamples[sample]!, this.file.sizeBytes);
  }

  /** Number of the symbol `text`, or -1. */
  symbolIndex(text: string): number {
    let low = 0;
    let high = this.symbolSamples.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareText(this.symbolCursor(middle).text(this.decoder), text) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return -1;
    const first = (low - 1) * SAMPLE_EVERY;
    const cursor = this.symbolCursor(low - 1);
    for (let i = first; i < Math.min(first + SAMPLE_EVERY, this.symbolCount); i++) {
      const order = compareText(cursor.text(this.decoder), text);
      if (order === 0) return i;
      if (order > 0) return -1;
    }
    return -1;
  }

  /** A function that returns one symbol after the other, in order, and undefined at the end. */
  symbolReader(): () => string | undefined {
    if (this.symbolCount === 0) return () => undefined;
    const cursor = this.symbolCursor(0);
    let next = 0;
    return () => (next++ < this.symbolCount ? cursor.text(this.decoder) : undefined);
  }

  // ---- postings ---------------------------------------------------------------------------------------

  /** Reads the table's entry at the cursor. */
  private entry(cursor: Cursor, out: TableEntry): void {
    cursor.uvarint();
    cursor.skip(cursor.uvarint());
    out.value = cursor.text(this.decoder);
    out.postings = cursor.uvarint();
  }

  /** Visits the values of a label in ascending order, with the place of their postings. */
  eachValue(name: string, visit: (value: string, postings: number) => void): void {
    const place = this.labels.get(name);
    if (place === undefined) return;
    const entry: TableEntry = { value: '', postings: 0 };
    const cursor = new Cursor(this.file, place.samples[0]!, place.end);
    for (let i = 0; i < place.count; i++) {
      this.entry(cursor, entry);
      visit(entry.value, entry.postings);
    }
  }

  valueCount(name: string): number {
    return this.labels.get(name)?.count ?? 0;
  }

  /** Place of the postings of a pair, or 0. */
  postingsOf(name: string, value: string): number {
    const place = this.labels.get(name);
    if (place === undefined) return 0;
    const entry: TableEntry = { value: '', postings: 0 };
    let low = 0;
    let high = place.samples.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      this.entry(new Cursor(this.file, place.samples[middle]!, place.end), entry);
      if (compareText(entry.value, value) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    const cursor = new Cursor(this.file, place.samples[low - 1]!, place.end);
    for (let i = 0; i < SAMPLE_EVERY && !cursor.done; i++) {
      this.entry(cursor, entry);
      const order = compareText(entry.value, value);
      if (order === 0) return entry.postings;
      if (order > 0) return 0;
    }
    return 0;
  }

  /** Place of the postings of all series. */
  get allPostingsPlace(): number {
    return this.allPostings;
  }

  /** The refs at a place, ascending; the caller's own array. */
  postings(place: number): Uint32Array {
    if (place === 0) return new Uint32Array(0);
    const length = this.file.u32(place);
    const count = this.file.u32(place + 4);
    if (length !== 4 + 4 * count)
      this.fail('invalid', `the postings at ${place} have no right size`);
    const at = this.file.seek(place + 4, length + CHECKSUM_BYTES);
    const { bytes } = this.file;
    const sum = crc32c(bytes, at, at + length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (sum !== view.getUint32(at + length)) {
      this.fail('checksum_mismatch', `the checksum of the postings at ${place} is wrong`);
    }
    const refs = new Uint32Array(count);
    for (let i = 0; i < count; i++) refs[i] = view.getUint32(at + 4 + 4 * i);
    return refs;
  }

  /** Number of refs at a place. */
  postingsCount(place: number): number {
    return place === 0 ? 0 : this.file.u32(place + 4);
  }

  // ---- series -----------------------------------------------------------------------------------------

  /**
   * Fills `out` with the series of a ref. @throws BlockError
   * @param chunks false: labels only
   */
  readSeries(ref: number, out: SeriesEntry, chunks = true): void {
    const { file } = this;
    const offset = ref * SERIES_ALIGNMENT;
    let at = file.seekUpTo(offset, 10);
    let bytes = file.bytes;
    let length = 0;
    let factor = 1;
    let byte = 128;
    let header = 0;
    while (byte >= 128 && header < 5) {
      byte = bytes[at + header++]!;
      length += (byte & 127) * factor;
      factor *= 128;
    }
    at = file.seek(offset + header, length + CHECKSUM_BYTES);
    bytes = file.bytes;
    const end = at + length;
    const stored =
      ((bytes[end]! << 24) | (bytes[end + 1]! << 16) | (bytes[end + 2]! << 8) | bytes[end + 3]!) >>>
      0;
    if (crc32c(bytes, at, end) !== stored) {
      this.fail('checksum_mismatch', `the checksum of the series at ${offset} is wrong`);
    }
    this.decodeLabels(bytes, at, out);
    out.chunkCount = 0;
    if (chunks) this.decodeChunks(bytes, out);
    if (this.position > end) this.fail('invalid', `the series at ${offset} is longer than it says`);
  }

  /** Where the decoders below are in the bytes they read. */
  private position = 0;

  private uvarint(bytes: Uint8Array): number {
    let byte = bytes[this.position++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    let factor = 128;
    do {
      byte = bytes[this.position++] ?? 0;
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte >= 128);
    return value;
  }

  private decodeLabels(bytes: Uint8Array, at: number, out: SeriesEntry): void {
    this.position = at;
    const count = this.uvarint(bytes);
    if (2 * count > out.pairs.length) {
      if (count > bytes.length) this.fail('invalid', `a series has ${count} labels`);
      out.pairs = new Uint32Array(4 * count);
    }
    for (let i = 0; i < 2 * count; i++) out.pairs[i] = this.uvarint(bytes);
    out.labelCount = count;
  }

  private decodeChunks(bytes: Uint8Array, out: SeriesEntry): void {
    const count = this.uvarint(bytes);
    if (count > out.minTimes.length) {
      if (count > bytes.length) this.fail('invalid', `a series has ${count} chunks`);
      out.minTimes = new Float64Array(2 * count);
      out.maxTimes = new Float64Array(2 * count);
      out.chunkRefs = new Float64Array(2 * count);
    }
    let time = 0;
    let ref = 0;
    for (let i = 0; i < count; i++) {
      const delta = this.uvarint(bytes);
      time = i === 0 ? unzigzag(delta) : time + delta;
      out.minTimes[i] = time;
      time += this.uvarint(bytes);
      out.maxTimes[i] = time;
      const step = this.uvarint(bytes);
      ref = i === 0 ? step : ref + unzigzag(step);
      out.chunkRefs[i] = ref;
    }
    out.chunkCount = count;
  }

  /** Refs of all series, in order. */
  allSeries(): Uint32Array {
    return this.postings(this.allPostings);
  }
}

const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
