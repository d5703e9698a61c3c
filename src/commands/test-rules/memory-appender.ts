// SPDX-License-Identifier: Apache-2.0
// Rules writing into the in-memory storage of a test.

import { isStale, type Labels, labelsKey } from '../../model/index.ts';
import type { MemoryStorage } from '../../promql/index.ts';
import { type Appender, AppendStatus, type SampleBatch } from '../../storage/index.ts';

export class MemoryAppender implements Appender {
  private readonly storage: MemoryStorage;
  private readonly series: Labels[] = [];
  private readonly refs = new Map<string, number>();

  constructor(storage: MemoryStorage) {
    this.storage = storage;
  }

  newBatch(capacity: number): SampleBatch {
    const values = new Float64Array(capacity);
    return {
      capacity,
      count: 0,
      refs: new Uint32Array(capacity),
      times: new Float64Array(capacity),
      values,
      valueBits: new Uint32Array(values.buffer),
      status: new Uint8Array(capacity),
      refsAddress: 0,
      timesAddress: 0,
      valuesAddress: 0,
    };
  }

  releaseBatch(): void {}

  seriesRef(labels: Labels): number {
    const key = labelsKey(labels);
    const known = this.refs.get(key);
    if (known !== undefined) return known;
    const ref = this.series.push(labels);
    this.refs.set(key, ref);
    return ref;
  }

  seriesLabels(ref: number): Labels | undefined {
    return this.series[ref - 1];
  }

  append(batch: SampleBatch): number {
    for (let i = 0; i < batch.count; i++) {
      const labels = this.series[batch.refs[i]! - 1]!;
      const histogram = batch.histograms?.[i];
      if (isStale(batch.valueBits, i)) this.storage.addStale(labels, batch.times[i]!);
      else if (histogram !== undefined)
        this.storage.addHistogram(labels, batch.times[i]!, histogram);
      else this.storage.add(labels, batch.times[i]!, batch.values[i]!);
      batch.status[i] = AppendStatus.accepted;
    }
    return batch.count;
  }
}
