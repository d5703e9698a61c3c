// SPDX-License-Identifier: Apache-2.0
// hot
// How many samples a query looked at, as its statistics report them: once for each step that needs them. What
// a subquery reads doesn't count, only what of its results the outer steps look at.

import { type Histogram, histogramSampleWeight } from '../../model/index.ts';
import type { Cells } from './batch.ts';
import type { Windows } from './windows.ts';

export class SampleCounter {
  total = 0;
  /** By step; undefined unless somebody asked for it. */
  readonly perStep: Float64Array | undefined;

  constructor(stepsToCount?: number) {
    this.perStep = stepsToCount === undefined ? undefined : new Float64Array(stepsToCount);
  }

  /** The cells of a selector's row; `found` is their number, histograms by size. */
  addRow(cells: Cells, offset: number, found: number): void {
    this.total += found;
    const { perStep } = this;
    if (perStep === undefined) return;
    for (let k = 0; k < perStep.length; k++) {
      if (cells.present[offset + k] !== 0) perStep[k] = perStep[k]! + 1;
    }
  }

  /** The windows of a row; `inAll` is the number of samples in all of them. */
  addWindows(
    { lo, hi }: Windows,
    inAll: number,
    histograms: readonly (Histogram | undefined)[] | undefined,
  ): void {
    const { perStep } = this;
    this.total += inAll;
    if (perStep === undefined && histograms === undefined) return;
    const before = histograms === undefined ? undefined : weightsBefore(histograms);
    for (let k = 0; k < lo.length; k++) {
      const samples = hi[k]! - lo[k]!;
      const weight = before === undefined ? samples : before[hi[k]!]! - before[lo[k]!]!;
      this.total += weight - samples;
      if (perStep !== undefined) perStep[k] = perStep[k]! + weight;
    }
  }

  /** What was looked at once and serves every one of `steps` steps. */
  addEverywhere(samples: number, steps: number): void {
    this.total += samples * steps;
    const { perStep } = this;
    if (perStep === undefined) return;
    for (let k = 0; k < perStep.length; k++) perStep[k] = perStep[k]! + samples;
  }
}

/** Samples before each index, histograms by their size. */
function weightsBefore(histograms: readonly (Histogram | undefined)[]): Float64Array {
  const before = new Float64Array(histograms.length + 1);
  for (let i = 0; i < histograms.length; i++) {
    const histogram = histograms[i];
    before[i + 1] = before[i]! + (histogram === undefined ? 1 : histogramSampleWeight(histogram));
  }
  return before;
}
