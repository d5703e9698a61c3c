// SPDX-License-Identifier: Apache-2.0
// A database of plain arrays: for tests, for embedding, and for evaluating what isn't stored anywhere.

import {
  type Histogram,
  type Labels,
  METRIC_NAME,
  type Matcher,
  RegexpError,
  type SampleColumns,
  compileRegexp,
  compareText,
  labelValue,
  labelsKey,
  newSampleColumns,
  setStale,
} from '../model/index.ts';
import {
  MatcherError,
  type Querier,
  type Queryable,
  type SeriesSet,
  type SymbolSpace,
} from './contracts.ts';

/** One series; samples 0..count-1 ascending by time. */
interface MemorySeries {
  readonly labels: Labels;
  /** (name id, value id) pairs, sorted by name. */
  readonly ids: Uint32Array;
  columns: SampleColumns;
  count: number;
  /** By sample; undefined while all are floats. */
  histograms: (Histogram | undefined)[] | undefined;
  /** By sample, 0 = none; undefined while none has one. */
  startTimes: number[] | undefined;
}

class MemorySymbols implements SymbolSpace {
  private readonly texts: string[] = [''];
  private readonly ids = new Map<string, number>();

  text(id: number): string {
    return this.texts[id] ?? '';
  }

  id(text: string): number {
    return this.ids.get(text) ?? 0;
  }

  intern(text: string): number {
    let id = this.ids.get(text);
    if (id === undefined) {
      id = this.texts.length;
      this.texts.push(text);
      this.ids.set(text, id);
    }
    return id;
  }
}

/** First index in times[0, count) with times[i] >= time. */
function firstAtOrAfter(times: Float64Array, count: number, time: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

class MemorySeriesSet implements SeriesSet {
  readonly symbols: SymbolSpace;
  readonly maxLabelCount: number;
  columns: SampleColumns = newSampleColumns(0);
  histograms: readonly (Histogram | undefined)[] | undefined;
  startTimes: Float64Array | undefined;
  private readonly rows: readonly MemorySeries[];

  constructor(rows: readonly MemorySeries[], symbols: SymbolSpace) {
    this.rows = rows;
    this.symbols = symbols;
    this.maxLabelCount = rows.reduce((most, { labels }) => Math.max(most, labels.length), 0);
  }

  get count(): number {
    return this.rows.length;
  }

  labelIds(row: number, out: Uint32Array): number {
    const { ids } = this.rows[row]!;
    out.set(ids);
    return ids.length / 2;
  }

  labelValueId(row: number, nameId: number): number {
    const { ids } = this.rows[row]!;
    for (let i = 0; i < ids.length; i += 2) if (ids[i] === nameId) return ids[i + 1]!;
    return 0;
  }

  /** The columns are views of the series' own: no sample is copied. */
  read(row: number, minTime: number, maxTime: number): number {
    const { columns, count, histograms, startTimes } = this.rows[row]!;
    const from = firstAtOrAfter(columns.times, count, minTime);
    const to = firstAtOrAfter(columns.times, count, maxTime + 1);
    this.histograms = histograms?.slice(from, to);
    this.startTimes =
      startTimes === undefined ? undefined : Float64Array.from(startTimes.slice(from, to));
    this.columns = {
      times: columns.times.subarray(from, to),
      values: columns.values.subarray(from, to),
      valueBits: columns.valueBits.subarray(2 * from, 2 * to),
    };
    return to - from;
  }

  estimateSamples(row: number, minTime: number, maxTime: number): number {
    const { columns, count } = this.rows[row]!;
    const from = firstAtOrAfter(columns.times, count, minTime);
    return firstAtOrAfter(columns.times, count, maxTime + 1) - from;
  }
}

function setStart(series: MemorySeries, at: number, startMs: number): void {
  if (startMs === 0 && series.startTimes === undefined) return;
  series.startTimes ??= new Array<number>(series.count).fill(0);
  series.startTimes[at] = startMs;
}

/** Whether a label's value ('' when absent) passes. @throws MatcherError */
function valueTest({ type, value }: Matcher): (text: string) => boolean {
  if (type === '=') return (text) => text === value;
  if (type === '!=') return (text) => text !== value;
  try {
    const regexp = compileRegexp(value);
    return type === '=~' ? (text) => regexp.test(text) : (text) => !regexp.test(text);
  } catch (error) {
    if (error instanceof RegexpError) throw new MatcherError(error.message, { cause: error });
    throw error;
  }
}

class MemoryQuerier implements Querier {
  private readonly storage: MemoryStorage;

  constructor(storage: MemoryStorage) {
    this.storage = storage;
  }

  select(matchers: readonly Matcher[], minTime: number, maxTime: number): SeriesSet {
    const rows = this.storage.matching(matchers).filter(({ columns, count }) => {
      const from = firstAtOrAfter(columns.times, count, minTime);
      return from < count && columns.times[from]! <= maxTime;
    });
    return new MemorySeriesSet(rows, this.storage.symbols);
  }

  labelNames(matchers: readonly Matcher[]): string[] {
    const rows = this.storage.matching(matchers);
    const names = new Set(rows.flatMap(({ labels }) => labels.map(({ name }) => name)));
    return [...names].sort(compareText);
  }

  labelValues(name: string, matchers: readonly Matcher[]): string[] {
    const rows = this.storage.matching(matchers);
    const values = new Set(rows.map(({ labels }) => labelValue(labels, name)));
    values.delete('');
    return [...values].sort(compareText);
  }

  close(): void {}
}

/** Samples in memory. Queries see what was added before they select. */
export class MemoryStorage implements Queryable {
  readonly symbols: SymbolSpace;
  private readonly interned = new MemorySymbols();
  private readonly series = new Map<string, MemorySeries>();
  private readonly byName = new Map<string, MemorySeries[]>();

  constructor() {
    this.symbols = this.interned;
  }

  get seriesCount(): number {
    return this.series.size;
  }

  /**
   * Adds a sample; one at the same time is replaced, earlier ones are put in their place.
   *
   * @param startMs since when the counter counts, 0 = unknown
   */
  add(labels: Labels, timeMs: number, value: number, startMs = 0): void {
    const series = this.seriesOf(labels);
    const at = this.place(series, timeMs);
    series.columns.values[at] = value;
    if (series.histograms !== undefined) series.histograms[at] = undefined;
    setStart(series, at, startMs);
  }

  /** As {@link add}, for a native histogram. */
  addHistogram(labels: Labels, timeMs: number, histogram: Histogram, startMs = 0): void {
    const series = this.seriesOf(labels);
    const at = this.place(series, timeMs);
    series.columns.values[at] = histogram.sum;
    series.histograms ??= new Array<Histogram | undefined>(series.count).fill(undefined);
    series.histograms[at] = histogram;
    setStart(series, at, startMs);
  }

  /** Adds a staleness marker. */
  addStale(labels: Labels, timeMs: number): void {
    const series = this.seriesOf(labels);
    const at = this.place(series, timeMs);
    setStale(series.columns.valueBits, at);
    if (series.histograms !== undefined) series.histograms[at] = undefined;
    setStart(series, at, 0);
  }

  /** Forgets everything. */
  clear(): void {
    this.series.clear();
    this.byName.clear();
  }

  querier(): Querier {
    return new MemoryQuerier(this);
  }

  /** Series that pass all matchers, in the order in which they were added. */
  matching(matchers: readonly Matcher[]): MemorySeries[] {
    const tests = matchers.map((matcher) => ({ name: matcher.name, test: valueTest(matcher) }));
    const named = matchers.find(({ name, type }) => name === METRIC_NAME && type === '=');
    const candidates =
      named === undefined ? [...this.series.values()] : (this.byName.get(named.value) ?? []);
    return candidates.filter(({ labels }) =>
      tests.every(({ name, test }) => test(labelValue(labels, name))),
    );
  }

  private seriesOf(labels: Labels): MemorySeries {
    const key = labelsKey(labels);
    let series = this.series.get(key);
    if (series === undefined) {
      const ids = new Uint32Array(2 * labels.length);
      labels.forEach(({ name, value }, i) => {
        ids[2 * i] = this.interned.intern(name);
        ids[2 * i + 1] = this.interned.intern(value);
      });
      series = {
        labels,
        ids,
        columns: newSampleColumns(16),
        count: 0,
        histograms: undefined,
        startTimes: undefined,
      };
      this.series.set(key, series);
      const name = labelValue(labels, METRIC_NAME);
      const known = this.byName.get(name);
      if (known === undefined) this.byName.set(name, [series]);
      else known.push(series);
    }
    return series;
  }

  /** Makes room for a sample at `timeMs` and returns its index. */
  private place(series: MemorySeries, timeMs: number): number {
    const at = firstAtOrAfter(series.columns.times, series.count, timeMs);
    if (at < series.count && series.columns.times[at] === timeMs) return at;
    if (series.count === series.columns.times.length) {
      const larger = newSampleColumns(series.count * 2);
      larger.times.set(series.columns.times);
      larger.valueBits.set(series.columns.valueBits);
      series.columns = larger;
    }
    const { times, valueBits } = series.columns;
    times.copyWithin(at + 1, at, series.count);
    // As words: a staleness marker must keep its bits.
    valueBits.copyWithin(2 * at + 2, 2 * at, 2 * series.count);
    times[at] = timeMs;
    series.histograms?.splice(at, 0, undefined);
    series.startTimes?.splice(at, 0, 0);
    series.count++;
    return at;
  }
}
