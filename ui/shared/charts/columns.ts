// SPDX-License-Identifier: Apache-2.0
// Series of a range query as columns over one grid of steps: column[k] is the value at grid time k, NaN
// where there is none. This is what charts draw.

import type { DecodedSeries } from '../api/decode-result.ts';

export interface Grid {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface Columns {
  /** [n] seconds since the epoch, the unit of the chart's axis. */
  readonly times: Float64Array;
  /** One [n] per series. */
  readonly columns: readonly Float64Array[];
}

/** Puts each sample on its step. Infinite values cannot be drawn and are gaps. */
export function alignSeries(series: readonly DecodedSeries[], grid: Grid): Columns {
  const count = Math.max(1, Math.floor((grid.endMs - grid.startMs) / grid.stepMs) + 1);
  const times = Float64Array.from(
    { length: count },
    (_, k) => (grid.startMs + k * grid.stepMs) / 1000,
  );
  const columns = series.map((one) => {
    const column = new Float64Array(count).fill(Number.NaN);
    for (let i = 0; i < one.times.length; i++) {
      const k = Math.round(((one.times[i] as number) - grid.startMs) / grid.stepMs);
      const value = one.values[i] as number;
      if (k >= 0 && k < count && Number.isFinite(value)) column[k] = value;
    }
    return column;
  });
  return { times, columns };
}

export interface Stack {
  /** Upper edge of each column; NaN where the column has no value. */
  readonly tops: readonly Float64Array[];
  /** Lower edge. */
  readonly bottoms: readonly Float64Array[];
}

/** Stacks the columns that are not hidden, the first at the bottom; negative values grow downwards. */
export function stackColumns(
  columns: readonly Float64Array[],
  isHidden: (index: number) => boolean,
): Stack {
  const count = columns[0]?.length ?? 0;
  const above = new Float64Array(count);
  const below = new Float64Array(count);
  const tops: Float64Array[] = [];
  const bottoms: Float64Array[] = [];
  columns.forEach((column, s) => {
    const top = new Float64Array(count).fill(Number.NaN);
    const bottom = new Float64Array(count).fill(Number.NaN);
    tops.push(top);
    bottoms.push(bottom);
    if (isHidden(s)) return;
    for (let k = 0; k < count; k++) {
      const value = column[k] as number;
      if (Number.isNaN(value)) continue;
      const sum = value < 0 ? below : above;
      bottom[k] = sum[k] as number;
      sum[k] = (sum[k] as number) + value;
      top[k] = sum[k] as number;
    }
  });
  return { tops, bottoms };
}

/** Least and greatest value of the columns that are not hidden; undefined when there is none. */
export function extentOf(
  columns: readonly Float64Array[],
  isHidden: (index: number) => boolean,
): readonly [min: number, max: number] | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  columns.forEach((column, s) => {
    if (isHidden(s)) return;
    for (let k = 0; k < column.length; k++) {
      const value = column[k] as number;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  });
  return min <= max ? [min, max] : undefined;
}

/** The axis around an extent: some air, zero where it is near, never empty. */
export function axisRange(
  extent: readonly [min: number, max: number] | undefined,
  min: number | undefined,
): [number, number] {
  let [low, high] = extent ?? [0, 1];
  if (min !== undefined) low = Math.min(min, high);
  if (low === high) {
    const air = low === 0 ? 1 : Math.abs(low) * 0.1;
    return min === undefined ? [low - air, high + air] : [low, high + air];
  }
  const air = (high - low) * 0.06;
  if (min === undefined) low = low >= 0 && low - air < 0 ? 0 : low - air;
  high = high <= 0 && high + air > 0 ? 0 : high + air;
  return [low, high];
}

export interface Summary {
  readonly last: number;
  readonly min: number;
  readonly max: number;
}

/** NaN where a column has no value at all. */
export function summarize(column: Float64Array): Summary {
  const [min, max] = extentOf([column], () => false) ?? [Number.NaN, Number.NaN];
  let last = Number.NaN;
  for (let k = column.length - 1; k >= 0 && Number.isNaN(last); k--) last = column[k] as number;
  return { last, min, max };
}

/** Index of the time nearest to `seconds`; times ascend at equal distances. */
export function nearestIndex(times: Float64Array, seconds: number): number {
  const first = times[0] ?? 0;
  const step = times.length > 1 ? (times[1] as number) - first : 1;
  return Math.max(0, Math.min(times.length - 1, Math.round((seconds - first) / step)));
}
