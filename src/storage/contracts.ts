// SPDX-License-Identifier: Apache-2.0
// What the engine, the scrapers and the APIs know of a database. All bounds are inclusive
// milliseconds. Reading is synchronous: it happens in query workers, which may block.

import type { Histogram, Labels, Matcher, SampleColumns } from '../model/index.ts';

/** What a query will do with the series; advice only. */
export interface SelectHints {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly rangeMs: number;
  readonly func: string;
}

/**
 * Texts by number. Ids are positive; equal ids of one space are equal texts and the other way round.
 * A space lives as long as its storage, so per-space caches may outlive a query.
 */
export interface SymbolSpace {
  /** Text of an id that came from this space. Memoise: each call may decode. */
  text(id: number): string;
  /** The id of `text`, or 0 when no series uses it. */
  id(text: string): number;
}

/**
 * The series that a selector matched, in ascending order of `row` 0..count-1 (storage order, the same for
 * equal selections). All samples that `read` returns belong to one consistent view: a scrape is seen whole
 * or not at all. Valid until the querier is closed.
 */
export interface SeriesSet {
  readonly count: number;
  readonly symbols: SymbolSpace;
  /**
   * Writes row's labels to `out` as (name id, value id) pairs sorted by name text and returns the number of
   * pairs. `out` must hold 2 × {@link maxLabelCount}.
   */
  labelIds(row: number, out: Uint32Array): number;
  readonly maxLabelCount: number;
  /** The value id of label `nameId` of row; 0 when absent. */
  labelValueId(row: number, nameId: number): number;
  /**
   * Samples of `row` with minTime <= time <= maxTime, ascending, staleness markers included;
   * returns their number n. They stand in `columns` at 0..n-1 until the next read of this set. The
   * columns object may be replaced by a read (fetch `set.columns` after it).
   */
  read(row: number, minTime: number, maxTime: number): number;
  /**
   * As `read`, but appends to the `n` samples that `before`, another set of the same kind, read last: saves
   * copying. Returns how many there are then in the columns of `before`, or -1 when the row cannot be
   * appended (not only floats, samples not later than those, other memory); those `n` are there still.
   */
  readBehind?(before: SeriesSet, n: number, row: number, minTime: number, maxTime: number): number;
  readonly columns: SampleColumns;
  /**
   * After a read: undefined when all its samples are floats (the usual case, which costs nothing).
   * Else entry i belongs to sample i: its native histogram, or undefined where that is a float.
   * `values[i]` of a histogram is its sum, so that staleness markers are found in `valueBits` for both.
   * Valid as long as `columns`, but the histograms themselves may be kept.
   */
  readonly histograms: readonly (Histogram | undefined)[] | undefined;
  /**
   * After a read: since when the counter of sample i counts (its start timestamp, ms since the
   * epoch), 0 = unknown. Undefined when no sample of the read has one. Valid as long as `columns`.
   */
  readonly startTimes: Float64Array | undefined;
  /**
   * Puts the first `count` samples of `from`, floats without start times, behind the `n` that this set read
   * last, which stay. False where that cannot be: they are not later, or not only floats were read.
   */
  append?(n: number, from: SampleColumns, count: number): boolean;
  /** The sets whose series these are, where several were merged. */
  readonly sources?: readonly SeriesSet[];
  /** Upper estimate of the samples of `row` in the range, without decoding. For limits and plans. */
  estimateSamples(row: number, minTime: number, maxTime: number): number;
}

/** Numbers by which another thread with the same memory finds the same view; only its storage reads them. */
export type SharedView = readonly number[];

/** One consistent view of a database for one query. Close it: memory is held for it. */
export interface Querier {
  /** Series that match all `matchers` and may have samples in range. @throws MatcherError */
  select(
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
    hints?: SelectHints,
  ): SeriesSet;
  /** Sorted label names of the series that match (all series when there are no matchers). */
  labelNames(matchers: readonly Matcher[], minTime: number, maxTime: number): string[];
  /** Sorted values of one label. */
  labelValues(
    name: string,
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
  ): string[];
  /** For {@link Queryable.join} in another thread, to read `set`, one of this querier's. */
  share?(set: SeriesSet): SharedView;
  close(): void;
}

export interface Queryable {
  querier(): Querier;
  /**
   * A querier that sees what the one that shared `view` sees; `select`, with the same arguments, returns the
   * same series as the shared set. That one must be open during the call. Undefined when it cannot be done.
   */
  join?(view: SharedView): Querier | undefined;
}

/** Outcome of one sample; numbers, because rejections come in bulk. */
export const AppendStatus = {
  accepted: 0,
  /** Older than the newest sample of the series. */
  outOfOrder: 1,
  /** Older than the out-of-order window. */
  tooOld: 2,
  /** Outside of what the head can still take, or too far in the future. */
  outOfBounds: 3,
  /** Same time as the newest sample, other value. */
  duplicate: 4,
  /** The ref names no series (any more): resolve it again by its labels. */
  unknownSeries: 5,
  /** No memory left for it. */
  full: 6,
  /** Same time and same value as the newest sample: nothing to store, not an error. */
  repeated: 7,
} as const;
export type AppendStatus = (typeof AppendStatus)[keyof typeof AppendStatus];

/**
 * Samples on their way in: columns in the database's memory that the owner fills at 0..count-1.
 * Refs of 0 are skipped.
 */
export interface SampleBatch {
  readonly capacity: number;
  count: number;
  /** Series refs. */
  readonly refs: Uint32Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** `values` as words (low first): write staleness markers here. */
  readonly valueBits: Uint32Array;
  /**
   * Native histograms: entry i belongs to sample i, undefined where it is a float. Undefined when the
   * batch has none. Write a histogram's sum, or the staleness marker, as `values[i]` too: a histogram
   * entry whose value bits are the marker is a stale histogram sample. `releaseBatch` forgets them.
   */
  histograms?: (Histogram | undefined)[] | undefined;
  /** Start timestamps (ms, 0 = none) for the samples of the same index; undefined = none. */
  startTimes?: Float64Array | undefined;
  /** {@link AppendStatus} of each sample, filled by `append`. */
  readonly status: Uint8Array;
  /** Addresses of the columns in the shared memory, for kernels; 0 where there is none. */
  readonly refsAddress: number;
  readonly timesAddress: number;
  readonly valuesAddress: number;
}

/** The one writer. Synchronous: a batch is logged, stored and visible, whole, when `append` returns. */
export interface Appender {
  /** A batch with room for `capacity` samples; give it back with `releaseBatch`. */
  newBatch(capacity: number): SampleBatch;
  releaseBatch(batch: SampleBatch): void;
  /**
   * Ref (not 0, never used again for another series of this process) of the series with exactly these labels,
   * created if new. 0 when the database is full.
   */
  seriesRef(labels: Labels): number;
  /**
   * As `append`, for zeros at which counters began: those that are not newer than all samples of their series
   * are left out and counted nowhere. Undefined: not kept. @throws StorageError
   */
  appendStartZeros?(batch: SampleBatch): number;
  /** Labels of a ref; undefined when it is gone. */
  seriesLabels(ref: number): Labels | undefined;
  /**
   * Logs the accepted samples, stores them and makes them visible at once.
   * @returns number of accepted samples
   * @throws StorageError when nothing of the batch was stored (disk full, …)
   */
  append(batch: SampleBatch): number;
}

/** One exemplar: a trace that stands for a sample. */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  /** ms since the epoch. */
  readonly time: number;
  /** It came without a time and got that of its sample: not told from one of another time. */
  readonly isTimeOfSample?: boolean;
}

/** An exemplar on its way in; `ref` as in a batch. */
export interface SeriesExemplar extends Exemplar {
  readonly ref: number;
}

/** Outcome of one exemplar. */
export const ExemplarStatus = {
  accepted: 0,
  /** The same as the newest of its series. */
  repeated: 1,
  outOfOrder: 2,
  /** Labels of more than 128 characters. */
  tooLong: 3,
  /** Exemplars are not stored. */
  off: 4,
} as const;
export type ExemplarStatus = (typeof ExemplarStatus)[keyof typeof ExemplarStatus];

/** Takes exemplars; on the writing thread. */
export interface ExemplarAppender {
  /**
   * Stores and logs those that are new; a status for each, `off` for refs that are gone.
   * @throws StorageError: nothing was stored then
   */
  appendExemplars(exemplars: readonly SeriesExemplar[]): readonly ExemplarStatus[];
}

/** Exemplars of one series, by time. */
export interface ExemplarSeries {
  readonly seriesLabels: Labels;
  readonly exemplars: readonly Exemplar[];
}

/** Answers for exemplars; it stands on the writing thread. */
export interface ExemplarQueryable {
  /**
   * Exemplars in [minTime, maxTime] of the series that match all matchers of one of the selectors, in the
   * order of their labels. @throws MatcherError
   */
  select(
    selectors: readonly (readonly Matcher[])[],
    minTime: number,
    maxTime: number,
  ): ExemplarSeries[];
}

export type StorageErrorCode = 'wal_write' | 'full' | 'closed' | 'not_ready';

/** A whole batch that could not be taken. */
export class StorageError extends Error {
  override name = 'StorageError';
  readonly code: StorageErrorCode;
  constructor(code: StorageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A matcher that cannot be compiled; the message is RE2's. */
export class MatcherError extends Error {
  override name = 'MatcherError';
}
