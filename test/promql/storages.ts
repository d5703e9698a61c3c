// SPDX-License-Identifier: Apache-2.0
// The storages that the scripts run through.

import { createMemory, QueryMemory, SharedHeap } from '../../src/kernels/index.ts';
import { type Labels, setStale } from '../../src/model/index.ts';
import {
  addSeries,
  type LoadCommand,
  type SampleSink,
  withStoredHints,
} from '../../src/promql/index.ts';
import { shareable } from './forced-split.ts';
import { AppendStatus, MemoryStorage, type Queryable } from '../../src/storage/index.ts';
import { Head, HeadReader } from '../../src/tsdb/index.ts';

/** A storage that `load` and `clear` fill and empty. */
export interface ScriptStorage {
  readonly queryable: Queryable;
  /** The same for two other threads. */
  readonly others: readonly Queryable[];
  load(command: LoadCommand): void;
  /** For the engine's columns; undefined where the samples are in ordinary arrays. */
  readonly memory?: QueryMemory;
}

export type OpenStorage = () => ScriptStorage;

const epoch = (intervalMs: number): { startMs: number; intervalMs: number } => ({
  startMs: 0,
  intervalMs,
});

/** Plain arrays. */
export function openMemory(): ScriptStorage {
  const storage = new MemoryStorage();
  const sink = withStoredHints(storage);
  const queryable = shareable(storage);
  return {
    queryable,
    others: [queryable, queryable],
    load: ({ series, intervalMs }) => {
      for (const one of series) addSeries(sink, one, epoch(intervalMs));
    },
  };
}

const DAY_MS = 86_400_000;
const COLUMN_BYTES = 8 << 20;

/** One sample on its way into the head. */
interface Write {
  readonly timeMs: number;
  readonly write: () => void;
}

/** The real database's head, written as scrapes write it: in the order of time. */
export function openHead(): ScriptStorage {
  const heap = new SharedHeap(createMemory(64 << 20));
  const head = new Head(heap, { chunkRangeMs: DAY_MS, wal: undefined });
  for (const worker of [0, 1, 2]) head.reserveScratch(worker, 1 << 20);
  let writes: Write[] = [];
  const append = (
    labels: Labels,
    timeMs: number,
    fill: (batch: ReturnType<Head['newBatch']>) => void,
  ): void => {
    const write = (): void => {
      const batch = head.newBatch(1);
      batch.refs[0] = head.seriesRef(labels);
      batch.times[0] = timeMs;
      batch.count = 1;
      fill(batch);
      head.append(batch);
      const status = batch.status[0];
      head.releaseBatch(batch);
      if (status === AppendStatus.accepted || status === AppendStatus.repeated) return;
      throw new Error(`sample at ${timeMs} was not taken: status ${status}`);
    };
    writes.push({ timeMs, write });
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
    others: [1, 2].map((worker) => new HeadReader(heap.shared, worker)),
    memory: new QueryMemory(heap.shared, heap.allocate(COLUMN_BYTES), COLUMN_BYTES),
    load: ({ series, intervalMs }) => {
      for (const one of series) addSeries(sink, one, epoch(intervalMs));
      for (const { write } of writes.sort((a, b) => a.timeMs - b.timeMs)) write();
      writes = [];
    },
  };
}
