// SPDX-License-Identifier: Apache-2.0
// What blew up: the biggest metrics, labels and pairs of the head, counted from the index alone.

import type { SharedMemory } from '../../kernels/index.ts';
import { METRIC_NAME } from '../../model/index.ts';
import { Control, ControlTime, List } from './layout.ts';
import type { HeadSymbols } from './symbols.ts';
import { findPair, listView, NAME_VALUES } from './tables.ts';

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** Counts of the head; the lists are the largest `limit` of their kind, in descending order. */
export interface HeadStatistics {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs: number;
    readonly chunkCount: number;
    readonly minTime: number;
    readonly maxTime: number;
  };
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  /** Bytes of all values of a label, each counted once for every series that has it. */
  readonly memoryInBytesByLabelName: readonly NamedCount[];
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}

/** The largest entries seen, as a min-heap would keep them; limits are small. */
class Largest {
  private readonly limit: number;
  private readonly kept: NamedCount[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** `name` is asked for only when the entry is kept. */
  add(value: number, name: () => string): void {
    const { kept, limit } = this;
    if (kept.length === limit && value <= kept[limit - 1]!.value) return;
    let low = 0;
    let high = kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (kept[middle]!.value >= value) low = middle + 1;
      else high = middle;
    }
    kept.splice(low, 0, { name: name(), value });
    if (kept.length > limit) kept.pop();
  }

  list(): readonly NamedCount[] {
    return this.kept;
  }
}

/**
 * Counts what the head holds. `limit` > 0 bounds each list.
 * Cost: one visit of every (label, value) pair.
 */
export function headStatistics(
  shared: SharedMemory,
  symbols: HeadSymbols,
  limit: number,
): HeadStatistics {
  const { u32, f64 } = shared;
  const metrics = new Largest(limit);
  const labels = new Largest(limit);
  const bytes = new Largest(limit);
  const pairs = new Largest(limit);
  let pairCount = 0;
  for (const nameId of listView(shared, u32[Control.labelNames]!)) {
    const name = symbols.text(nameId);
    const values = listView(shared, findPair(shared, nameId, NAME_VALUES));
    let size = 0;
    for (const valueId of values) {
      const list = findPair(shared, nameId, valueId);
      const series = list === 0 ? 0 : Atomics.load(u32, (list >>> 2) + List.count);
      if (name === METRIC_NAME) metrics.add(series, () => symbols.text(valueId));
      pairs.add(series, () => `${name}=${symbols.text(valueId)}`);
      size += series * symbols.byteLength(valueId);
    }
    pairCount += values.length;
    labels.add(values.length, () => name);
    bytes.add(size, () => name);
  }
  return {
    headStats: {
      numSeries: listView(shared, u32[Control.allSeries]!).length,
      numLabelPairs: pairCount,
      chunkCount: u32[Control.closedChunks]! + u32[Control.openChunks]!,
      minTime: f64[ControlTime.min]!,
      maxTime: f64[ControlTime.max]!,
    },
    seriesCountByMetricName: metrics.list(),
    labelValueCountByLabelName: labels.list(),
    memoryInBytesByLabelName: bytes.list(),
    seriesCountByLabelValuePair: pairs.list(),
  };
}
