// SPDX-License-Identifier: Apache-2.0
// What a simulated database must, may and must not hold: a map of samples for each series, naive on purpose.

import type { Prng } from '../../src/base/index.ts';
import { Histogram, isStale } from '../../src/model/index.ts';
import { bucketsOf } from '../../src/model/histogram/buckets.ts';
import type { SeriesSet } from '../../src/storage/index.ts';

/** What a sample may be; the higher, the more it survives. */
export const Fate = {
  /** Deleted: may not be seen. */
  gone: 0,
  may: 1,
  /** Acknowledged: survives the death of the process. */
  must: 2,
  /** Synced: survives a power cut. */
  safe: 3,
} as const;
export type Fate = (typeof Fate)[keyof typeof Fate];

/** A float, or the text of a histogram or a staleness marker. */
export type Value = number | string;

export interface Sample {
  readonly value: Value;
  readonly startTime: number;
  /** Number of the batch it came with. */
  readonly batch: number;
  fate: Fate;
  /** What is not seen now may be seen again after a crash: of a deletion that got lost, of a log. */
  mayReturn: boolean;
}

/** A run found the database wrong. */
export class SimulationError extends Error {
  override name = 'SimulationError';
}

export const STALE = 'stale';

/** Kinds of series: what number `i` holds. Mixed ones turn from floats to histograms and back. */
export const SeriesKind = { float: 0, integer: 1, floatHistogram: 2, custom: 3, mixed: 4 } as const;
export type SeriesKind = (typeof SeriesKind)[keyof typeof SeriesKind];

export function seriesKind(series: number, withCustom: boolean): SeriesKind {
  const place = series % 8;
  if (place < 4) return SeriesKind.float;
  const kind = (place - 3) as SeriesKind;
  return kind === SeriesKind.custom && !withCustom ? SeriesKind.integer : kind;
}

/** A histogram whose counts grow with `seed`, with a layout that changes now and then. */
export function randomHistogram(prng: Prng, seed: number, kind: SeriesKind): Histogram {
  const isFloat = kind === SeriesKind.floatHistogram;
  const isCustom = kind === SeriesKind.custom;
  const extra = isFloat ? 0.5 : 0;
  const gap = prng.below(12) === 0 ? 2 : 0;
  // The counts of a reset are small again.
  const base = prng.below(15) === 0 ? prng.below(3) : seed;
  const buckets = Float64Array.of(base, base + 1 + extra);
  return new Histogram({
    schema: isCustom ? -53 : prng.below(20) === 0 ? 1 : 2,
    zeroThreshold: isCustom ? 0 : 0.001,
    zeroCount: isCustom ? 0 : base,
    count: (isCustom ? 2 : 5) * base + 1 + extra + (isCustom ? 0 : 2),
    sum: seed * 1.25,
    positiveSpans: gap === 0 || isCustom ? Int32Array.of(0, 2) : Int32Array.of(-1, 1, gap, 1),
    positiveBuckets: buckets,
    negativeSpans: isCustom ? new Int32Array(0) : Int32Array.of(3, 1),
    negativeBuckets: isCustom ? new Float64Array(0) : Float64Array.of(2 * base + 2),
    customValues: isCustom
      ? Float64Array.of(0.5, prng.below(20) === 0 ? 3 : 2)
      : new Float64Array(0),
    isFloat,
  });
}

function bucketsText(spans: Int32Array, counts: Float64Array): string {
  const { indexes, counts: values } = bucketsOf(spans, counts);
  let text = '';
  for (let i = 0; i < indexes.length; i++) {
    if (values[i] !== 0) text += ` ${indexes[i]}:${values[i]}`;
  }
  return text;
}

/** Everything of a histogram but its layout and its hint. */
export function histogramText(h: Histogram): string {
  const zero = h.usesCustomBuckets ? '' : `${h.zeroThreshold}:${h.zeroCount}`;
  const positive = bucketsText(h.positiveSpans, h.positiveBuckets);
  const negative = bucketsText(h.negativeSpans, h.negativeBuckets);
  const kind = h.isFloat ? 'float' : 'integer';
  return `${kind} ${h.schema} ${h.count} ${h.sum} ${zero} +${positive} -${negative} ${[...h.customValues]}`;
}

/** Value of sample `i` of the last read. */
function readValue(set: SeriesSet, i: number): Value {
  if (isStale(set.columns.valueBits, i)) return STALE;
  const histogram = set.histograms?.[i];
  return histogram === undefined ? set.columns.values[i]! : histogramText(histogram);
}

interface Exemplar {
  readonly time: number;
  readonly value: number;
  fate: Fate;
}

interface Pending {
  fate: Fate;
  readonly mayReturn?: boolean;
}

/** One series. */
export class SeriesModel {
  readonly samples = new Map<number, Sample>();
  /** Deleted intervals, in turns from and to. */
  readonly deleted: number[] = [];
  readonly exemplars: Exemplar[] = [];
  /** Newest time that was ever tried. */
  newest = Number.NEGATIVE_INFINITY;

  isDeleted(time: number): boolean {
    for (let i = 0; i < this.deleted.length; i += 2) {
      if (this.deleted[i]! <= time && time <= this.deleted[i + 1]!) return true;
    }
    return false;
  }

  delete(from: number, to: number): void {
    this.deleted.push(from, to);
    for (const [time, sample] of this.samples) {
      if (time < from || time > to) continue;
      sample.fate = Fate.may;
      sample.mayReturn = true;
    }
  }

  /** The deletion is done: nothing of it may be seen. */
  confirmDeletion(from: number, to: number): void {
    for (const [time, sample] of this.samples) {
      if (time >= from && time <= to) sample.fate = Fate.gone;
    }
  }

  exemplarLost(found: readonly (readonly [number, number])[], from: number): string | undefined {
    const seen = new Set(found.map(([time, value]) => `${time} ${value}`));
    const known = new Set<string>();
    for (const { time, value, fate } of this.exemplars) {
      const key = `${time} ${value}`;
      known.add(key);
      if (fate >= Fate.must && time >= from && !seen.has(key)) return `lost an exemplar at ${time}`;
    }
    const invented = [...seen].find((key) => !known.has(key));
    return invented === undefined ? undefined : `invented an exemplar: ${invented}`;
  }
}

export class Model {
  private readonly all: SeriesModel[] = [];
  /** What was tried and is not acknowledged yet. */
  private pending: Pending[] = [];

  series(i: number): SeriesModel {
    while (this.all.length <= i) this.all.push(new SeriesModel());
    return this.all[i]!;
  }

  get count(): number {
    return this.all.length;
  }

  /** A sample on its way in: whatever happens, it may be there from now on. */
  add(series: number, time: number, value: Value, startTime: number, batch: number): Sample {
    const model = this.series(series);
    const sample = { value, startTime, batch, fate: Fate.may, mayReturn: false };
    model.samples.set(time, sample);
    model.newest = Math.max(model.newest, time);
    this.pending.push(sample);
    return sample;
  }

  addExemplar(series: number, time: number, value: number): void {
    const exemplar = { time, value, fate: Fate.may };
    this.series(series).exemplars.push(exemplar);
    this.pending.push(exemplar);
  }

  /** Everything that was tried is on the log now. */
  promise(): void {
    for (const sample of this.pending) {
      if (sample.fate === Fate.may && sample.mayReturn !== true) sample.fate = Fate.must;
    }
    this.pending = [];
  }

  /** What was acknowledged is synced, too: all of it, or samples of a time and a batch. */
  synced(before = Number.POSITIVE_INFINITY, batchMax = Number.POSITIVE_INFINITY): void {
    for (const { samples } of this.all) {
      for (const [time, sample] of samples) {
        if (sample.fate === Fate.must && time < before && sample.batch <= batchMax) {
          sample.fate = Fate.safe;
        }
      }
    }
  }

  /** The process is dead: what was not acknowledged will not be. */
  kill(): void {
    this.pending = [];
  }

  /** Only what was synced is certain after a power cut; deletions may be undone. */
  cut(): void {
    this.pending = [];
    for (const { samples, exemplars } of this.all) {
      for (const sample of samples.values()) {
        if (sample.fate === Fate.safe) continue;
        sample.mayReturn ||= sample.fate === Fate.gone;
        sample.fate = Fate.may;
      }
      for (const exemplar of exemplars) exemplar.fate = Fate.may;
    }
  }

  /** After a start: what was found again of earlier batches is on the disk, after a power cut for good. */
  found(fate: Fate, batchMax: number): void {
    for (const { samples } of this.all) {
      for (const sample of samples.values()) {
        if (!sample.mayReturn && sample.fate !== Fate.gone && sample.batch <= batchMax) {
          sample.fate = Math.max(sample.fate, fate) as Fate;
        }
      }
    }
  }

  /** Retention: what is older may be there or not, at any time. */
  expire(before: number): void {
    for (const { samples } of this.all) {
      for (const [time, sample] of samples) {
        if (time >= before || sample.fate === Fate.gone) continue;
        sample.fate = Fate.may;
        sample.mayReturn = true;
      }
    }
  }

  /**
   * Everything that must be there is, and nothing else than what may be.
   * @param from older samples are not looked at
   * @param isPartial something cannot be read just now: what is missing proves nothing
   * @throws SimulationError
   */
  check(set: SeriesSet, from: number, now: number, isPartial: boolean): void {
    const key = set.symbols.id('i');
    const seen = new Set<number>();
    for (let row = 0; row < set.count; row++) {
      const series = Number(set.symbols.text(set.labelValueId(row, key)));
      if (seen.has(series)) throw new SimulationError(`series ${series} is there twice`);
      seen.add(series);
      this.checkSeries(series, set, set.read(row, from, 1e15), from, now, isPartial);
    }
    for (let i = 0; i < this.all.length; i++) {
      if (!seen.has(i)) this.checkSeries(i, set, 0, from, now, isPartial);
    }
  }

  private checkSeries(
    i: number,
    set: SeriesSet,
    n: number,
    from: number,
    now: number,
    isPartial: boolean,
  ): void {
    const { samples } = this.series(i);
    const found = new Set<number>();
    const fail = (what: string, time: number): SimulationError => {
      const hours = ((now - time) / 3_600_000).toFixed(1);
      return new SimulationError(`series ${i}: ${what} at ${time}, ${hours} h ago`);
    };
    const { times } = set.columns;
    for (let k = 0; k < n; k++) {
      const time = times[k]!;
      const sample = samples.get(time);
      if (k > 0 && time <= times[k - 1]!) throw fail('time goes back', time);
      if (sample === undefined) throw fail('invented sample', time);
      const value = readValue(set, k);
      if (sample.value !== value) throw fail(`${value} instead of ${sample.value}`, time);
      const start = set.startTimes?.[k] ?? 0;
      // Chunks of histograms in blocks have no place for start times.
      const forgotten = start === 0 && typeof value === 'string';
      if (start !== sample.startTime && !forgotten) {
        throw fail(`start time ${start} instead of ${sample.startTime}`, time);
      }
      if (sample.fate === Fate.gone) throw fail('a deleted sample is back', time);
      found.add(time);
    }
    if (isPartial) return;
    for (const [time, sample] of samples) {
      if (time < from || found.has(time) || sample.fate === Fate.gone) continue;
      if (sample.fate >= Fate.must) throw fail('lost a sample', time);
      if (!sample.mayReturn) samples.delete(time);
    }
  }
}
