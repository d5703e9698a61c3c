// SPDX-License-Identifier: Apache-2.0
// hot

import { AssertionError, assert } from '../base/index.ts';
import type { Histogram } from '../model/index.ts';
import { NAN_HIGH, NAN_LOW, setStale } from '../model/index.ts';
import { type Appender, type SampleBatch, StorageError } from '../storage/index.ts';

/** A batch that moves to a larger one when it is full: one scrape is stored in one piece. */
export class ScrapeBatch {
  private current: SampleBatch;
  private readonly appender: Appender;

  constructor(appender: Appender, capacity: number) {
    this.appender = appender;
    this.current = ScrapeBatch.allocate(appender, capacity);
  }

  private static allocate(appender: Appender, capacity: number): SampleBatch {
    let batch: SampleBatch;
    try {
      batch = appender.newBatch(capacity);
    } catch (error) {
      if (error instanceof StorageError || error instanceof AssertionError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new StorageError('full', `cannot take the scrape in: ${why}`, { cause: error });
    }
    assert(
      batch.refsAddress !== 0,
      'scraping needs an appender whose batches are in shared memory',
    );
    batch.count = 0;
    return batch;
  }

  /** The columns; replaced by {@link reserve}. */
  get columns(): SampleBatch {
    return this.current;
  }

  get count(): number {
    return this.current.count;
  }

  set count(value: number) {
    this.current.count = value;
  }

  /** Puts a native histogram beside the sample at place `i`, whose value is its sum. */
  setHistogram(i: number, histogram: Histogram): void {
    const batch = this.current;
    batch.histograms ??= [];
    batch.histograms[i] = histogram;
  }

  /** Tells since when the sample at place `i` counts. */
  setStartTime(i: number, timeMs: number): void {
    const batch = this.current;
    batch.startTimes ??= new Float64Array(batch.capacity);
    batch.startTimes[i] = timeMs;
  }

  forgetStartTimes(): void {
    this.current.startTimes = undefined;
  }

  /** Forgets all samples. */
  clear(): void {
    this.current.count = 0;
    this.current.startTimes = undefined;
    this.current.histograms = undefined;
  }

  /** Makes room for `capacity` samples in all. @throws StorageError when there is no memory */
  reserve(capacity: number): void {
    if (capacity <= this.current.capacity) return;
    const old = this.current;
    const larger = ScrapeBatch.allocate(this.appender, Math.max(capacity, old.capacity * 2));
    const { count } = old;
    larger.refs.set(old.refs.subarray(0, count));
    larger.times.set(old.times.subarray(0, count));
    // As words: a staleness marker must not pass through a number.
    larger.valueBits.set(old.valueBits.subarray(0, 2 * count));
    larger.count = count;
    larger.histograms = old.histograms;
    if (old.startTimes !== undefined) {
      larger.startTimes = new Float64Array(larger.capacity);
      larger.startTimes.set(old.startTimes.subarray(0, count));
    }
    this.current = larger;
    this.appender.releaseBatch(old);
  }

  /** Fills place `i`. */
  put(i: number, ref: number, timeMs: number, value: number): void {
    const batch = this.current;
    batch.refs[i] = ref;
    batch.times[i] = timeMs;
    batch.values[i] = value;
    if (Number.isNaN(value)) {
      batch.valueBits[2 * i] = NAN_LOW;
      batch.valueBits[2 * i + 1] = NAN_HIGH;
    }
  }

  add(ref: number, timeMs: number, value: number): void {
    this.reserve(this.current.count + 1);
    this.put(this.current.count++, ref, timeMs, value);
  }

  addStale(ref: number, timeMs: number): void {
    this.add(ref, timeMs, 0);
    setStale(this.current.valueBits, this.current.count - 1);
  }

  release(): void {
    this.appender.releaseBatch(this.current);
  }
}
