// SPDX-License-Identifier: Apache-2.0
// hot
// What matchers select in a block never changes, and dashboards and rules ask for the same again and again:
// the selected series are kept decoded, in columns, for the next query.

import type { Matcher } from '../../model/index.ts';
import type { IndexReader, SeriesEntry } from './reader.ts';
import { newSeriesEntry } from './reader.ts';
import { selectRefs } from './select.ts';

/** Selections of more series are not kept: what they cost is mostly their samples. */
const SERIES_MAX = 16_384;

/** Array lengths double; the copy keeps what is there. */
function grown<T extends Uint32Array | Float64Array>(array: T, needed: number): T {
  if (needed <= array.length) return array;
  const length = Math.max(needed, 2 * array.length);
  const larger = array instanceof Uint32Array ? new Uint32Array(length) : new Float64Array(length);
  larger.set(array);
  return larger as T;
}

/** Decoded series of one selection, in the order of their refs. */
export class Selection {
  readonly refs: Uint32Array;
  maxLabelCount = 0;
  /** Ends of each series' pairs and chunks. */
  private readonly pairEnds: Uint32Array;
  private readonly chunkEnds: Uint32Array;
  private pairs: Uint32Array;
  private minTimes: Float64Array;
  private maxTimes: Float64Array;
  private chunkRefs: Float64Array;

  /** @throws BlockError */
  constructor(index: IndexReader, refs: Uint32Array) {
    const count = refs.length;
    this.refs = refs;
    this.pairEnds = new Uint32Array(count);
    this.chunkEnds = new Uint32Array(count);
    this.pairs = new Uint32Array(16 * count);
    this.minTimes = new Float64Array(2 * count);
    this.maxTimes = new Float64Array(2 * count);
    this.chunkRefs = new Float64Array(2 * count);
    const entry = newSeriesEntry();
    for (let i = 0; i < count; i++) {
      index.readSeries(refs[i]!, entry);
      this.add(i, entry);
    }
  }

  private add(i: number, { pairs, labelCount, minTimes, maxTimes, ...rest }: SeriesEntry): void {
    const { chunkRefs, chunkCount } = rest;
    const pair = i === 0 ? 0 : this.pairEnds[i - 1]!;
    const chunk = i === 0 ? 0 : this.chunkEnds[i - 1]!;
    this.pairs = grown(this.pairs, pair + 2 * labelCount);
    this.minTimes = grown(this.minTimes, chunk + chunkCount);
    this.maxTimes = grown(this.maxTimes, chunk + chunkCount);
    this.chunkRefs = grown(this.chunkRefs, chunk + chunkCount);
    for (let k = 0; k < 2 * labelCount; k++) this.pairs[pair + k] = pairs[k]!;
    for (let k = 0; k < chunkCount; k++) {
      this.minTimes[chunk + k] = minTimes[k]!;
      this.maxTimes[chunk + k] = maxTimes[k]!;
      this.chunkRefs[chunk + k] = chunkRefs[k]!;
    }
    this.pairEnds[i] = pair + 2 * labelCount;
    this.chunkEnds[i] = chunk + chunkCount;
    this.maxLabelCount = Math.max(this.maxLabelCount, labelCount);
  }

  get sizeBytes(): number {
    return 12 * this.refs.length + 4 * this.pairs.length + 24 * this.minTimes.length;
  }

  /**
   * Makes `out` series `i`. Its columns are those of the selection: `out` is not for
   * `IndexReader.readSeries` any more.
   */
  point(i: number, out: SeriesEntry): void {
    const pair = i === 0 ? 0 : this.pairEnds[i - 1]!;
    const chunk = i === 0 ? 0 : this.chunkEnds[i - 1]!;
    out.pairs = this.pairs;
    out.pairAt = pair;
    out.labelCount = (this.pairEnds[i]! - pair) / 2;
    out.minTimes = this.minTimes;
    out.maxTimes = this.maxTimes;
    out.chunkRefs = this.chunkRefs;
    out.chunkAt = chunk;
    out.chunkCount = this.chunkEnds[i]! - chunk;
  }
}

/** Selections of the blocks of one thread; the least recently used are forgotten. */
export class SelectionCache {
  private readonly bytesMax: number;
  private readonly kept = new Map<string, Selection>();
  private bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /**
   * What `matchers` select; only its refs where there are too many series to decode them all.
   * @throws MatcherError, BlockError
   */
  select(index: IndexReader, matchers: readonly Matcher[]): Selection | Uint32Array {
    const texts = matchers.map(({ name, type, value }) => [name, type, value]);
    const key = `${index.path} ${JSON.stringify(texts)}`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const refs = selectRefs(index, matchers);
    if (refs.length > SERIES_MAX) return refs;
    const selection = new Selection(index, refs);
    this.keep(key, selection);
    return selection;
  }

  private keep(key: string, selection: Selection): void {
    this.kept.set(key, selection);
    this.bytes += selection.sizeBytes;
    for (const [oldest, { sizeBytes }] of this.kept) {
      if (this.bytes <= this.bytesMax) return;
      this.kept.delete(oldest);
      this.bytes -= sizeBytes;
    }
  }

  /** Forgets everything: after blocks have changed. */
  clear(): void {
    this.kept.clear();
    this.bytes = 0;
  }
}
