// SPDX-License-Identifier: Apache-2.0
// The storages that the scripts run through.

import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { type Labels, setStale } from '../../src/model/index.ts';
import {
  addSeries,
  type LoadCommand,
  type SampleSink,
  withStoredHints,
} from '../../src/promql/index.ts';
import { AppendStatus, MemoryStorage, type Queryable } from '../../src/storage/index.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head, HeadReader } from '../../src/tsdb/index.ts';

/** A storage that `load` and `clear` fill and empty. */
export interface ScriptStorage {
  readonly queryable: Queryable;
  load(command: LoadCommand): void;
}

export type OpenStorage = () => ScriptStorage;

const epoch = (intervalMs: number): { startMs: number; intervalMs: number } => ({
  startMs: 0,
  intervalMs,
});

/** Plain arrays. */
export function openMemory(): ScriptStorage {
  const queryable = new MemoryStorage();
  const sink = withStoredHints(queryable);
  return {
    queryable,
    load: ({ series, intervalMs }) => {
      for (const one of series) addSeries(sink, one, epoch(intervalMs));
    },
  };
}

/** The real database's head, written as a scrape writes it. */
export function openHead(): ScriptStorage {
  const heap = new SharedHeap(createMemory(64 << 20));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  head.reserveScratch(0, 1 << 20);
  const append = (
    labels: Labels,
    timeMs: number,
    fill: (batch: ReturnType<Head['newBatch']>) => void,
  ): void => {
    const batch = head.newBatch(1);
    batch.refs[0] = head.seriesRef(labels);
    batch.times[0] = timeMs;
    batch.count = 1;
    fill(batch);
    head.append(batch);
    const status = batch.status[0];
    head.releaseBatch(batch);
    if (status !== AppendStatus.accepted && status !== AppendStatus.repeated) {
      throw new Error(`sample at ${timeMs} was not taken: status ${status}`);
    }
  };
  const startsAt = (startMs: number | undefined): Float64Array | undefined =>
    startMs === undefined || startMs === 0 ? undefined : Float64Array.of(startMs);
  const sink: SampleSink = {
    add: (labels, timeMs, value, startMs) =>
      append(labels, timeMs, (batch) => {
        batch.values[0] = value;
        batch.startTimes = startsAt(startMs);
      }),
    addStale: (labels, timeMs) => append(labels, timeMs, (batch) => setStale(batch.valueBits, 0)),
    addHistogram: (labels, timeMs, histogram, startMs) =>
      append(labels, timeMs, (batch) => {
        batch.values[0] = histogram.sum;
        batch.histograms = [histogram];
        batch.startTimes = startsAt(startMs);
      }),
  };
  return {
    queryable: new HeadReader(heap.shared, 0),
    load: ({ series, intervalMs }) => {
      for (const one of series) addSeries(sink, one, epoch(intervalMs));
    },
  };
}
