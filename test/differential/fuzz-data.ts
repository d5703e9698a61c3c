// SPDX-License-Identifier: Apache-2.0
// Seeded series for the differential test, for us (memory storage and head) and for the real Prometheus
// (remote write). Samples lie at odd millisecond offsets, so that none is on the edge of a window: 2.x has
// closed windows where 3.x is left-open.

import { createPlainSnappy } from '../../src/encoding/index.ts';
import type { Prng } from '../../src/base/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { type Labels, labelsFrom, setStale } from '../../src/model/index.ts';
import { MemoryStorage } from '../../src/storage/index.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head, HeadReader } from '../../src/tsdb/index.ts';

export interface FuzzSeries {
  readonly labels: Labels;
  readonly times: readonly number[];
  /** 'stale' = a staleness marker. */
  readonly values: readonly (number | 'stale')[];
}

export const DATA_START_MS = 1_700_000_000_000;
export const DATA_MINUTES = 100;
const INTERVAL_MS = 15_000;
/**
 * Far above what counters grow by: near zero, 3.x limits the extrapolation of rates in another order than
 * 2.x.
 */
const COUNTER_START = 200_000;
const RESET_TO = 0.8;

type NextValue = (previous: number, i: number) => number | 'stale' | undefined;

/** How a series goes on: undefined leaves the sample out. */
function shapeOf(prng: Prng, kind: string): NextValue {
  const rate = 0.5 + prng.below(40) / 8;
  const gap = prng.below(4) === 0;
  const gapStart = prng.below(200);
  return (previous, i) => {
    if (gap && i > gapStart && i < gapStart + 60) return i === gapStart + 1 ? 'stale' : undefined;
    if (prng.below(25) === 0) return undefined;
    if (kind === 'counter') {
      if (prng.below(90) === 0) return Math.floor(previous * RESET_TO);
      return previous + Math.round(rate * prng.below(9));
    }
    const odd = prng.below(120);
    if (odd === 0) return Number.NaN;
    if (odd === 1) return prng.below(2) === 0 ? Infinity : -Infinity;
    if (odd === 2) return 'stale';
    if (odd < 20) return previous;
    return Math.round((Number.isFinite(previous) ? previous : 0) * 4 + prng.below(41) - 20) / 4;
  };
}

function seriesOf(prng: Prng, labels: Record<string, string>, kind: string): FuzzSeries {
  const times: number[] = [];
  const values: (number | 'stale')[] = [];
  const shape = shapeOf(prng, kind);
  const offset = 1 + 2 * prng.below(4000);
  const steps = (DATA_MINUTES * 60_000) / INTERVAL_MS;
  const churns = prng.below(3) === 0;
  const first = churns ? prng.below(steps / 2) : 0;
  const last = churns ? first + prng.below(steps / 2) : steps - 1;
  let previous = prng.below(20) + (kind === 'counter' ? COUNTER_START : 0);
  for (let i = first; i <= last; i++) {
    const value = shape(previous, i);
    if (value === undefined) continue;
    if (value !== 'stale' && Number.isFinite(value)) previous = value;
    // Odd: the offset is, and the interval and the start are even.
    times.push(DATA_START_MS + i * INTERVAL_MS + offset + 2 * prng.below(200));
    values.push(value);
  }
  return { labels: labelsFrom(labels), times, values };
}

/** Cumulative buckets of one histogram. */
function histogramOf(prng: Prng, labels: Record<string, string>): FuzzSeries[] {
  const bounds = ['0.1', '0.5', '1', '5', '+Inf'];
  const steps = (DATA_MINUTES * 60_000) / INTERVAL_MS;
  const counts = bounds.map(() => COUNTER_START);
  const offset = 1 + 2 * prng.below(4000);
  const reset = (count: number, b: number): void => {
    counts[b] = Math.floor(count * RESET_TO);
  };
  const times: number[] = [];
  const values: number[][] = bounds.map(() => []);
  for (let i = 0; i < steps; i++) {
    if (prng.below(300) === 0) counts.forEach(reset);
    const seen = prng.below(12);
    for (let n = 0; n < seen; n++) {
      const from = prng.below(bounds.length);
      for (let b = from; b < bounds.length; b++) counts[b]!++;
    }
    times.push(DATA_START_MS + i * INTERVAL_MS + offset);
    counts.forEach((count, b) => {
      values[b]!.push(count);
    });
  }
  return bounds.map((le, b) => ({
    labels: labelsFrom({ ...labels, le }),
    times,
    values: values[b]!,
  }));
}

/** All series of a seed: some 60. */
export function fuzzSeries(prng: Prng): FuzzSeries[] {
  const series: FuzzSeries[] = [];
  for (const job of ['api', 'db']) {
    for (const instance of ['a:1', 'b:1', 'c:1']) {
      for (const code of ['200', '404', '500']) {
        series.push(seriesOf(prng, { __name__: 'req_total', job, instance, code }, 'counter'));
      }
      series.push(seriesOf(prng, { __name__: 'mem', job, instance }, 'gauge'));
      series.push(seriesOf(prng, { __name__: 'temp', job, instance, zone: job[0]! }, 'gauge'));
      series.push(
        seriesOf(
          prng,
          { __name__: 'info', job, instance, version: `v${prng.below(3)}` },
          'counter',
        ),
      );
    }
    series.push(seriesOf(prng, { __name__: 'limit', job }, 'gauge'));
    for (const one of histogramOf(prng, { __name__: 'dur_bucket', job })) series.push(one);
  }
  series.push(seriesOf(prng, { __name__: 'lonely' }, 'gauge'));
  return series;
}

export function memoryOf(series: readonly FuzzSeries[]): MemoryStorage {
  const storage = new MemoryStorage();
  for (const { labels, times, values } of series) {
    times.forEach((time, i) => {
      const value = values[i]!;
      if (value === 'stale') storage.addStale(labels, time);
      else storage.add(labels, time, value);
    });
  }
  return storage;
}

/** The same in the real head: written as scrapes write it, in order of time. */
export const headOf = (series: readonly FuzzSeries[]): HeadReader => headReaders(series, 1)[0]!;

/** As {@link headOf}, for so many threads. */
export function headReaders(series: readonly FuzzSeries[], threads: number): HeadReader[] {
  const heap = new SharedHeap(createMemory(64 << 20));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  for (let worker = 0; worker < threads; worker++) head.reserveScratch(worker, 1 << 20);
  const samples = series.flatMap(({ labels, times, values }) => {
    const ref = head.seriesRef(labels);
    return times.map((time, i) => ({ ref, time, value: values[i]! }));
  });
  samples.sort((a, b) => a.time - b.time);
  const batch = head.newBatch(1);
  for (const { ref, time, value } of samples) {
    batch.refs[0] = ref;
    batch.times[0] = time;
    if (value === 'stale') setStale(batch.valueBits, 0);
    else batch.values[0] = value;
    batch.count = 1;
    if (head.append(batch) !== 1) throw new Error(`not taken: status ${batch.status[0]}`);
  }
  head.releaseBatch(batch);
  return Array.from({ length: threads }, (_, worker) => new HeadReader(heap.shared, worker));
}

/** Protobuf: a field with a length. */
function field(number: number, body: Uint8Array): Uint8Array[] {
  return [varint(number * 8 + 2), varint(body.length), body];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function sample(timeMs: number, value: number | 'stale'): Uint8Array {
  const float = new Float64Array([value === 'stale' ? 0 : value]);
  if (value === 'stale') setStale(new Uint32Array(float.buffer), 0);
  const body = [Uint8Array.of(9), new Uint8Array(float.buffer), Uint8Array.of(16), varint(timeMs)];
  return Buffer.concat(field(2, Buffer.concat(body)));
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Remote-write requests (1.0, compressed), each with the samples of some minutes, in order of time. */
export function writeRequests(series: readonly FuzzSeries[]): Uint8Array[] {
  const requests: Uint8Array[] = [];
  const slice = 10 * 60_000;
  for (
    let from = DATA_START_MS;
    from < DATA_START_MS + DATA_MINUTES * 60_000 + slice;
    from += slice
  ) {
    const parts: Uint8Array[] = [];
    for (const { labels, times, values } of series) {
      const samples = times.flatMap((time, i) =>
        time >= from && time < from + slice ? [sample(time, values[i]!)] : [],
      );
      if (samples.length === 0) continue;
      const names = labels.map(({ name, value }) =>
        Buffer.concat(field(1, Buffer.concat([...field(1, utf8(name)), ...field(2, utf8(value))]))),
      );
      parts.push(...field(1, Buffer.concat([...names, ...samples])));
    }
    if (parts.length > 0) requests.push(createPlainSnappy().compress(Buffer.concat(parts)));
  }
  return requests;
}
