// SPDX-License-Identifier: Apache-2.0
// Answers of /query and /query_range.

import type { LabelObject } from './envelope.ts';

/** Unix time in seconds with milliseconds, and the value as text: `NaN`, `+Inf`, `1.5`. */
export type SamplePair = readonly [seconds: number, value: string];

/** Bounds rule (0 open left, 1 open right, 2 both open, 3 both closed), lower, upper, count. */
export type HistogramBucket = readonly [
  rule: 0 | 1 | 2 | 3,
  lower: string,
  upper: string,
  count: string,
];

export interface HistogramValue {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly HistogramBucket[];
}

export type HistogramPair = readonly [seconds: number, histogram: HistogramValue];

export interface VectorSample {
  readonly metric: LabelObject;
  readonly value?: SamplePair;
  readonly histogram?: HistogramPair;
}

export interface MatrixSeries {
  readonly metric: LabelObject;
  readonly values?: readonly SamplePair[];
  readonly histograms?: readonly HistogramPair[];
}

/** Only with the parameter `stats`. Times are seconds. */
export interface QueryStats {
  readonly timings: {
    readonly evalTotalTime: number;
    readonly resultSortTime: number;
    readonly queryPreparationTime: number;
    readonly innerEvalTime: number;
    readonly execQueueTime: number;
    readonly execTotalTime: number;
  };
  readonly samples: {
    readonly totalQueryableSamples: number;
    readonly samplesRead?: number;
    readonly peakSamples: number;
    readonly totalQueryableSamplesPerStep?: readonly (readonly [number, number])[];
  };
}

export type QueryData = { readonly stats?: QueryStats } & (
  | { readonly resultType: 'vector'; readonly result: readonly VectorSample[] }
  | { readonly resultType: 'matrix'; readonly result: readonly MatrixSeries[] }
  | { readonly resultType: 'scalar'; readonly result: SamplePair }
  | { readonly resultType: 'string'; readonly result: SamplePair }
);
