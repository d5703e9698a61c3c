// SPDX-License-Identifier: Apache-2.0
// hot
// Writes an index of version 2, as upstream lays it out. What it keeps in memory is bounded: postings are
// made from the series section of the file itself, a few labels at a time.
//
//   symbols → series → label values → postings → label table → postings table → contents

import { assert, type FileHandle } from '../../base/index.ts';
import { crc32c } from '../../encoding/index.ts';
import { OutputFile } from '../block/output-file.ts';
import { INDEX_MAGIC, INDEX_VERSION, SERIES_ALIGNMENT } from './format.ts';

/** Entries of postings that are gathered in one pass over the series. */
const POSTINGS_PER_PASS = 4 << 20;
const READ_BYTES = 1 << 18;

export interface ChunkPlaces {
  readonly minTimes: Float64Array;
  readonly maxTimes: Float64Array;
  readonly refs: Float64Array;
  readonly count: number;
}

/** Postings of one label while they are gathered. */
interface Gathered {
  readonly values: Uint32Array;
  readonly refs: Uint32Array;
  count: number;
}

/** Tables of the pairs (name, value, place), written at the end. */
interface TableRow {
  readonly name: number;
  readonly values: Uint32Array;
  readonly places: Float64Array;
  labelIndex: number;
}

/** Series come in ascending order of their labels; symbols before them, in ascending order. */
export class IndexWriter {
  private readonly out: OutputFile;
  private readonly handle: FileHandle;
  private readonly encoder = new TextEncoder();
  private symbolsStart = 0;
  private symbolCount = 0;
  /** Offset of each symbol's length in the file. */
  private symbolOffsets = new Float64Array(1024);
  private seriesStart = 0;
  private seriesEnd = 0;
  private seriesCount = 0;
  /** Series that have the label: by symbol of its name. */
  private readonly nameCounts = new Map<number, number>();
  private entry = new Uint8Array(4096);
  private at = 0;

  /** `handle` is empty and open for reading and writing; the caller closes it. */
  constructor(handle: FileHandle) {
    this.handle = handle;
    this.out = new OutputFile(handle);
    this.out.u32(INDEX_MAGIC);
    this.out.u8(INDEX_VERSION);
  }

  /** Before the first symbol. */
  beginSymbols(): void {
    this.symbolsStart = this.out.position;
    // Length and count, known at the end.
    this.out.u32(0);
    this.out.u32(0);
  }

  /** Its number is how many came before it. */
  addSymbol(text: string): void {
    if (this.symbolCount === this.symbolOffsets.length) {
      const grown = new Float64Array(2 * this.symbolCount);
      grown.set(this.symbolOffsets);
      this.symbolOffsets = grown;
    }
    this.symbolOffsets[this.symbolCount++] = this.out.position;
    const bytes = this.encoder.encode(text);
    this.out.uvarint(bytes.length);
    this.out.raw(bytes, 0, bytes.length);
  }

  /** After the last symbol: closes the section. */
  endSymbols(): void {
    const end = this.out.position;
    this.out.flush();
    const header = new Uint8Array(8);
    const view = new DataView(header.buffer);
    view.setUint32(0, end - this.symbolsStart - 4);
    view.setUint32(4, this.symbolCount);
    this.handle.writeSync(header, 0, 8, this.symbolsStart);
    this.out.u32(this.checksum(this.symbolsStart + 4, end));
    // As upstream: before the padding in front of the first series.
    this.seriesStart = this.out.position;
    this.seriesEnd = this.seriesStart;
  }

  /** CRC-32C of what is in the file. */
  private checksum(start: number, end: number): number {
    const buffer = new Uint8Array(READ_BYTES);
    let sum = 0;
    for (let at = start; at < end; ) {
      const got = this.handle.readSync(buffer, 0, Math.min(READ_BYTES, end - at), at);
      assert(got > 0, 'what was written can be read');
      sum = crc32c(buffer, 0, got, sum);
      at += got;
    }
    return sum;
  }

  private uvarint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.entry[this.at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.entry[this.at++] = rest;
  }

  /** `pairs` holds (name, value) symbol numbers. Returns the series' ref. */
  addSeries(pairs: Uint32Array, labelCount: number, chunks: ChunkPlaces): number {
    const { out } = this;
    out.align(SERIES_ALIGNMENT);
    const ref = out.position / SERIES_ALIGNMENT;
    assert(ref < 4294967296, 'an index holds at most 64 GiB of series');
    const most = 16 + 10 * labelCount + 30 * chunks.count;
    if (this.entry.length < most) this.entry = new Uint8Array(2 * most);
    this.at = 0;
    this.uvarint(labelCount);
    for (let i = 0; i < 2 * labelCount; i++) this.uvarint(pairs[i]!);
    for (let i = 0; i < labelCount; i++) {
      const name = pairs[2 * i]!;
      this.nameCounts.set(name, (this.nameCounts.get(name) ?? 0) + 1);
    }
    this.uvarint(chunks.count);
    for (let i = 0; i < chunks.count; i++) {
      const min = chunks.minTimes[i]!;
      const chunk = chunks.refs[i]!;
      if (i === 0) this.uvarint(zigzag(min));
      else this.uvarint(min - chunks.maxTimes[i - 1]!);
      this.uvarint(chunks.maxTimes[i]! - min);
      this.uvarint(i === 0 ? chunk : zigzag(chunk - chunks.refs[i - 1]!));
    }
    out.uvarint(this.at);
    out.raw(this.entry, 0, this.at);
    out.u32(crc32c(this.entry, 0, this.at));
    this.seriesCount++;
    this.seriesEnd = out.position;
    return ref;
  }

  /** Writes the rest and syncs. Returns the size of the file. */
  finish(): number {
    const { out } = this;
    out.flush();
    const rows = this.labelRows();
    const labelIndices = out.position;
    this.writeLabelIndices(rows);
    const postings = out.position;
    const all = this.writeAllPostings();
    this.writePostings(rows);
    const labelTable = out.position;
    this.writeLabelTable(rows);
    const postingsTable = out.position;
    this.writePostingsTable(rows, all);
    out.flush();
    const toc = new Uint8Array(48);
    const view = new DataView(toc.buffer);
    [
      this.symbolsStart,
      this.seriesStart,
      labelIndices,
      labelTable,
      postings,
      postingsTable,
    ].forEach((offset, i) => {
      view.setUint32(8 * i, Math.floor(offset / 4294967296));
      view.setUint32(8 * i + 4, offset >>> 0);
    });
    out.raw(toc, 0, toc.length);
    out.u32(crc32c(toc, 0, toc.length));
    out.flush();
    this.handle.syncSync();
    return out.position;
  }

  // ---- postings ---------------------------------------------------------------------------------------

  /** Labels in order (symbol numbers are in the order of their texts), each with its distinct values. */
  private labelRows(): TableRow[] {
    const names = [...this.nameCounts.keys()].sort((a, b) => a - b);
    const seen = new Map<number, Uint32Array>();
    for (const name of names) seen.set(name, new Uint32Array((this.symbolCount + 31) >>> 5));
    // A bitmap of symbols for each name; names are few.
    this.eachSeries((_ref, name, value) => {
      const bits = seen.get(name)!;
      bits[value >>> 5]! |= 1 << (value & 31);
    });
    return names.map((name) => {
      const values = setBits(seen.get(name)!);
      seen.delete(name);
      return { name, values, places: new Float64Array(values.length), labelIndex: 0 };
    });
  }

  /** Visits the pairs of all series in the order in which they were written. */
  private eachSeries(visit: (ref: number, name: number, value: number) => void): void {
    const scan = new SeriesScan(this.handle, this.seriesStart, this.seriesEnd);
    while (scan.next()) {
      const { ref, labelCount } = scan;
      for (let i = 0; i < labelCount; i++) {
        const name = scan.uvarint();
        visit(ref, name, scan.uvarint());
      }
    }
  }

  private writeLabelIndices(rows: readonly TableRow[]): void {
    for (const row of rows) {
      this.out.align(4);
      row.labelIndex = this.out.position;
      this.out.u32(8 + 4 * row.values.length);
      this.out.beginChecksum();
      this.out.u32(1);
      this.out.u32(row.values.length);
      for (const value of row.values) this.out.u32(value);
      this.out.endChecksum();
    }
  }

  private writeAllPostings(): number {
    const { out } = this;
    out.align(4);
    const place = out.position;
    out.u32(4 + 4 * this.seriesCount);
    out.beginChecksum();
    out.u32(this.seriesCount);
    const scan = new SeriesScan(this.handle, this.seriesStart, this.seriesEnd);
    while (scan.next()) out.u32(scan.ref);
    out.endChecksum();
    return place;
  }

  private writePostings(rows: readonly TableRow[]): void {
    for (let from = 0; from < rows.length; ) {
      let to = from;
      let entries = 0;
      const gathered = new Map<number, Gathered>();
      while (to < rows.length) {
        const { name } = rows[to]!;
        const count = this.nameCounts.get(name) ?? 0;
        if (to > from && entries + count > POSTINGS_PER_PASS) break;
        gathered.set(name, {
          values: new Uint32Array(count),
          refs: new Uint32Array(count),
          count: 0,
        });
        entries += count;
        to++;
      }
      this.eachSeries((ref, name, value) => {
        const into = gathered.get(name);
        if (into === undefined) return;
        into.values[into.count] = value;
        into.refs[into.count++] = ref;
      });
      for (; from < to; from++) {
        const row = rows[from]!;
        this.writeLabelPostings(row, gathered.get(row.name)!);
        gathered.delete(row.name);
      }
    }
  }

  /** Sorts the refs of one label by value (they stay ascending within one) and writes a list for each. */
  private writeLabelPostings(row: TableRow, { values, refs, count }: Gathered): void {
    const { out } = this;
    const starts = new Uint32Array(row.values.length + 1);
    const places = new Uint32Array(this.symbolCount);
    row.values.forEach((value, i) => {
      places[value] = i;
    });
    for (let i = 0; i < count; i++) starts[places[values[i]!]! + 1]!++;
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    const next = starts.slice();
    const sorted = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const place = places[values[i]!]!;
      sorted[next[place]!] = refs[i]!;
      next[place]!++;
    }
    for (let i = 0; i < row.values.length; i++) {
      out.align(4);
      row.places[i] = out.position;
      const size = starts[i + 1]! - starts[i]!;
      out.u32(4 + 4 * size);
      out.beginChecksum();
      out.u32(size);
      for (let k = starts[i]!; k < starts[i + 1]!; k++) out.u32(sorted[k]!);
      out.endChecksum();
    }
  }

  // ---- tables -----------------------------------------------------------------------------------------

  /** Bytes of a symbol with its length before them, as they stand in the file. */
  private copySymbol(symbol: number): void {
    const buffer = this.symbolBuffer;
    const offset = this.symbolOffsets[symbol]!;
    const next = symbol + 1 < this.symbolCount ? this.symbolOffsets[symbol + 1]! : offset + 5;
    let size = next - offset;
    let from = offset - this.bufferStart;
    if (from < 0 || from + size > this.bufferSize) from = this.fillSymbols(offset);
    if (symbol + 1 === this.symbolCount) {
      // The last one has none behind it that tells its end.
      let length = 0;
      let factor = 1;
      let header = 0;
      let byte = 128;
      while (byte >= 128) {
        byte = buffer[from + header++]!;
        length += (byte & 127) * factor;
        factor *= 128;
      }
      size = header + length;
    }
    if (size > this.bufferSize - from) {
      const whole = new Uint8Array(size);
      this.handle.readSync(whole, 0, size, offset);
      this.out.raw(whole, 0, size);
    } else {
      this.out.raw(buffer, from, from + size);
    }
  }

  private readonly symbolBuffer = new Uint8Array(READ_BYTES);
  private bufferStart = 0;
  private bufferSize = 0;

  private fillSymbols(offset: number): number {
    this.bufferSize = this.handle.readSync(this.symbolBuffer, 0, READ_BYTES, offset);
    this.bufferStart = offset;
    return 0;
  }

  private writeLabelTable(rows: readonly TableRow[]): void {
    const start = this.beginTable(rows.length);
    for (const { name, labelIndex } of rows) {
      this.out.uvarint(1);
      this.copySymbol(name);
      this.out.uvarint(labelIndex);
    }
    this.endTable(start);
  }

  private writePostingsTable(rows: readonly TableRow[], all: number): void {
    const count = rows.reduce((sum, { values }) => sum + values.length, 1);
    const start = this.beginTable(count);
    this.out.uvarint(2);
    this.out.uvarint(0);
    this.out.uvarint(0);
    this.out.uvarint(all);
    for (const { name, values, places } of rows) {
      const nameBytes = this.symbolBytes(name);
      for (let i = 0; i < values.length; i++) {
        this.out.uvarint(2);
        this.out.raw(nameBytes, 0, nameBytes.length);
        this.copySymbol(values[i]!);
        this.out.uvarint(places[i]!);
      }
    }
    this.endTable(start);
  }

  private symbolBytes(symbol: number): Uint8Array {
    const offset = this.symbolOffsets[symbol]!;
    const end = symbol + 1 < this.symbolCount ? this.symbolOffsets[symbol + 1]! : this.symbolsEnd();
    const bytes = new Uint8Array(end - offset);
    this.handle.readSync(bytes, 0, bytes.length, offset);
    return bytes;
  }

  private symbolsEnd(): number {
    const header = new Uint8Array(4);
    this.handle.readSync(header, 0, 4, this.symbolsStart);
    return this.symbolsStart + 4 + new DataView(header.buffer).getUint32(0);
  }

  private beginTable(count: number): number {
    const start = this.out.position;
    this.out.u32(0);
    this.out.beginChecksum();
    this.out.u32(count);
    return start;
  }

  private endTable(start: number): void {
    const length = this.out.position - start - 4;
    this.out.endChecksum();
    this.out.flush();
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, length);
    this.handle.writeSync(bytes, 0, 4, start);
  }
}

const zigzag = (value: number): number => (value >= 0 ? 2 * value : -2 * value - 1);

/** Numbers of the bits that are set, ascending. */
function setBits(bits: Uint32Array): Uint32Array {
  let count = 0;
  for (let w = 0; w < bits.length; w++) {
    for (let word = bits[w]!; word !== 0; word &= word - 1) count++;
  }
  const numbers = new Uint32Array(count);
  let n = 0;
  for (let w = 0; w < bits.length; w++) {
    for (let word = bits[w]!; word !== 0; word &= word - 1) {
      numbers[n++] = 32 * w + 31 - Math.clz32(word & -word);
    }
  }
  return numbers;
}

/** Walks over the series section that was just written. */
class SeriesScan {
  ref = 0;
  labelCount = 0;
  private readonly handle: FileHandle;
  private readonly end: number;
  private readonly buffer = new Uint8Array(READ_BYTES);
  /** Offset in the file of the buffer's first byte, and how many bytes it holds. */
  private start: number;
  private size = 0;
  private at = 0;
  private nextEntry: number;

  constructor(handle: FileHandle, start: number, end: number) {
    this.handle = handle;
    this.start = start;
    this.nextEntry = start;
    this.end = end;
  }

  /** Goes to the next series and reads its label count; its pairs follow by `uvarint`. */
  next(): boolean {
    const offset = Math.ceil(this.nextEntry / SERIES_ALIGNMENT) * SERIES_ALIGNMENT;
    if (offset >= this.end) return false;
    this.seek(offset, 10);
    const length = this.uvarint();
    const content = this.start + this.at;
    this.nextEntry = content + length + 4;
    this.seek(content, length);
    this.ref = offset / SERIES_ALIGNMENT;
    this.labelCount = this.uvarint();
    return true;
  }

  private seek(offset: number, length: number): void {
    if (offset + length > this.start + this.size || offset < this.start) {
      this.start = offset;
      this.size = this.handle.readSync(this.buffer, 0, READ_BYTES, offset);
      assert(length <= READ_BYTES || this.size === READ_BYTES, 'labels of a series fit the buffer');
    }
    this.at = offset - this.start;
  }

  uvarint(): number {
    let byte = this.buffer[this.at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    let factor = 128;
    do {
      byte = this.buffer[this.at++]!;
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte >= 128);
    return value;
  }
}
