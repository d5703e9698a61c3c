// SPDX-License-Identifier: Apache-2.0
// What each node of a plan does while it runs, for analyze. Only there when asked for: nothing else pays.

import type { SeriesList, StepBatch } from './batch.ts';
import { countPresent } from './batch.ts';
import type { ScalarOperator, VectorOperator } from './context.ts';
import type { LabelNeed } from './label-sets.ts';
import type { SampleSource } from './sample-source.ts';

/** Measures of one node at one set of steps. Times include those of its inputs. */
export interface NodeProfile {
  series: number;
  /** Samples handed on, over all steps; of a range the samples read. */
  samples: number;
  /** Evaluations: more than one where a result was too big to keep. */
  opens: number;
  seconds: number;
}

/** Collects the profiles of one query. */
export class Profiler {
  private readonly now: () => number;
  private readonly profiles = new Map<string, NodeProfile>();

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.now = now;
  }

  profile(key: string): NodeProfile | undefined {
    return this.profiles.get(key);
  }

  private entry(key: string): NodeProfile {
    let entry = this.profiles.get(key);
    if (entry === undefined) {
      entry = { series: 0, samples: 0, opens: 0, seconds: 0 };
      this.profiles.set(key, entry);
    }
    return entry;
  }

  private timed<Result>(entry: NodeProfile, work: () => Result): Result {
    const started = this.now();
    try {
      return work();
    } finally {
      entry.seconds += (this.now() - started) / 1000;
    }
  }

  vector(key: string, operator: VectorOperator): VectorOperator {
    const entry = this.entry(key);
    return {
      open: (need: LabelNeed): SeriesList => {
        const list = this.timed(entry, () => operator.open(need));
        entry.opens++;
        entry.series = Math.max(entry.series, list.count);
        return list;
      },
      next: (out: StepBatch): number => {
        const rows = this.timed(entry, () => operator.next(out));
        entry.samples += countPresent(out, 0, rows * out.stepCount);
        return rows;
      },
    };
  }

  scalar(key: string, operator: ScalarOperator): ScalarOperator {
    const entry = this.entry(key);
    return () => {
      const column = this.timed(entry, operator);
      entry.opens++;
      entry.samples += column.length;
      return column;
    };
  }

  source(key: string, source: SampleSource): SampleSource {
    return new ProfiledSource(source, this.entry(key), (entry, work) => this.timed(entry, work));
  }
}

type Timed = <Result>(entry: NodeProfile, work: () => Result) => Result;

class ProfiledSource implements SampleSource {
  private readonly inner: SampleSource;
  private readonly entry: NodeProfile;
  private readonly timed: Timed;

  constructor(inner: SampleSource, entry: NodeProfile, timed: Timed) {
    this.inner = inner;
    this.entry = entry;
    this.timed = timed;
  }

  get times(): Float64Array {
    return this.inner.times;
  }

  get values(): Float64Array {
    return this.inner.values;
  }

  get histograms(): SampleSource['histograms'] {
    return this.inner.histograms;
  }

  get startTimes(): Float64Array | undefined {
    return this.inner.startTimes;
  }

  open(need: LabelNeed): SeriesList {
    const list = this.timed(this.entry, () => this.inner.open(need));
    this.entry.opens++;
    this.entry.series = Math.max(this.entry.series, list.count);
    return list;
  }

  next(): number {
    const n = this.timed(this.entry, () => this.inner.next());
    this.entry.samples += Math.max(0, n);
    return n;
  }

  metricName(): string {
    return this.inner.metricName();
  }

  label(name: string): string {
    return this.inner.label(name);
  }
}
