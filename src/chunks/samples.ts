// SPDX-License-Identifier: Apache-2.0
// hot
// Samples of one series, of any kind.

import type { Histogram, SampleColumns } from '../model/index.ts';
import { newSampleColumns } from '../model/index.ts';

/** Columns that grow; `histograms` and `startTimes` are there once a sample has one. */
export class ChunkSamples implements SampleColumns {
  times: Float64Array;
  values: Float64Array;
  valueBits: Uint32Array;
  histograms: (Histogram | undefined)[] | undefined;
  startTimes: Float64Array | undefined;

  constructor(capacity: number) {
    const { times, values, valueBits } = newSampleColumns(capacity);
    this.times = times;
    this.values = values;
    this.valueBits = valueBits;
  }

  /** Makes room for `capacity` samples, of which the first `kept` stay; forgets the rest. */
  reserve(capacity: number, kept: number): void {
    if (kept === 0) {
      this.histograms = undefined;
      this.startTimes = undefined;
    }
    if (this.times.length >= capacity) return;
    const grown = newSampleColumns(2 * capacity);
    grown.times.set(this.times.subarray(0, kept));
    grown.valueBits.set(this.valueBits.subarray(0, 2 * kept));
    if (this.startTimes !== undefined) {
      const startTimes = new Float64Array(2 * capacity);
      startTimes.set(this.startTimes.subarray(0, kept));
      this.startTimes = startTimes;
    }
    this.times = grown.times;
    this.values = grown.values;
    this.valueBits = grown.valueBits;
  }

  setHistogram(i: number, histogram: Histogram | undefined): void {
    if (this.histograms === undefined) {
      if (histogram === undefined) return;
      this.histograms = new Array<Histogram | undefined>(i).fill(undefined);
    }
    this.histograms[i] = histogram;
  }

  setStartTime(i: number, startTime: number): void {
    if (this.startTimes === undefined) {
      if (startTime === 0) return;
      this.startTimes = new Float64Array(this.times.length);
    }
    this.startTimes[i] = startTime;
  }

  /** Sample `i` becomes what sample `k` of `from` is. */
  copy(i: number, from: ChunkSamples, k: number): void {
    this.times[i] = from.times[k]!;
    this.valueBits[2 * i] = from.valueBits[2 * k]!;
    this.valueBits[2 * i + 1] = from.valueBits[2 * k + 1]!;
    this.setHistogram(i, from.histograms?.[k]);
    this.setStartTime(i, from.startTimes?.[k] ?? 0);
  }

  /** Removes those of the first `count` samples that are in one of the intervals (min, max in turns). */
  drop(count: number, intervals: readonly number[]): number {
    return this.keep(count, (time) => !within(intervals, time));
  }

  /** Keeps those of the first `count` samples whose time passes; returns how many. */
  keep(count: number, passes: (time: number) => boolean): number {
    let n = 0;
    for (let i = 0; i < count; i++) {
      if (!passes(this.times[i]!)) continue;
      if (n !== i) this.copy(n, this, i);
      n++;
    }
    return n;
  }
}

function within(intervals: readonly number[], time: number): boolean {
  for (let i = 0; i < intervals.length; i += 2) {
    if (intervals[i]! <= time && time <= intervals[i + 1]!) return true;
  }
  return false;
}

export const newChunkSamples = (capacity: number): ChunkSamples => new ChunkSamples(capacity);
