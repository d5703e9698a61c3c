// SPDX-License-Identifier: Apache-2.0
// hot
// deriv, predict_linear and double_exponential_smoothing.

import { QueryError } from '../engine/errors.ts';
import type { WindowFunction, Windows } from './windows.ts';

/** Least squares over samples [first, end), x in seconds from `originMs`: out[0] slope, out[1] intercept. */
function regression(
  times: Float64Array,
  values: Float64Array,
  first: number,
  end: number,
  originMs: number,
  out: Float64Array,
): void {
  // Four compensated sums, written out: this is the whole cost of these functions.
  let sumX = 0;
  let cX = 0;
  let sumY = 0;
  let cY = 0;
  let sumXY = 0;
  let cXY = 0;
  let sumX2 = 0;
  let cX2 = 0;
  let constant = true;
  const firstValue = values[first]!;
  for (let i = first; i < end; i++) {
    const y = values[i]!;
    if (i > first && y !== firstValue) constant = false;
    const x = (times[i]! - originMs) / 1e3;
    let t = sumX + x;
    cX += Math.abs(sumX) >= Math.abs(x) ? sumX - t + x : x - t + sumX;
    sumX = t;
    t = sumY + y;
    if (t === Number.POSITIVE_INFINITY || t === Number.NEGATIVE_INFINITY) cY = 0;
    else cY += Math.abs(sumY) >= Math.abs(y) ? sumY - t + y : y - t + sumY;
    sumY = t;
    const xy = x * y;
    t = sumXY + xy;
    if (t === Number.POSITIVE_INFINITY || t === Number.NEGATIVE_INFINITY) cXY = 0;
    else cXY += Math.abs(sumXY) >= Math.abs(xy) ? sumXY - t + xy : xy - t + sumXY;
    sumXY = t;
    const x2 = x * x;
    t = sumX2 + x2;
    cX2 += Math.abs(sumX2) >= Math.abs(x2) ? sumX2 - t + x2 : x2 - t + sumX2;
    sumX2 = t;
  }
  if (constant) {
    const infinite = firstValue - firstValue !== 0 && !Number.isNaN(firstValue);
    out[0] = infinite ? Number.NaN : 0;
    out[1] = infinite ? Number.NaN : firstValue;
    return;
  }
  sumX += cX;
  sumY += cY;
  sumXY += cXY;
  sumX2 += cX2;
  const n = end - first;
  const covariance = sumXY - (sumX * sumY) / n;
  const varianceX = sumX2 - (sumX * sumX) / n;
  const slope = covariance / varianceX;
  out[0] = slope;
  out[1] = sumY / n - (slope * sumX) / n;
}

/** The slope, by seconds. */
export class Derivative implements WindowFunction {
  private readonly line = new Float64Array(2);

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { line } = this;
    const { times, values, lo, hi, refs, work } = windows;
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      present[cell] = end - first >= 2 ? 1 : 0;
      if (end - first < 2) continue;
      work.add(end - first);
      regression(times, values, first, end, times[first]!, line);
      out[cell] = line[0]!;
    }
  }
}

/** Where the line is so many seconds (the scalar argument) after the step. */
export class Prediction implements WindowFunction {
  private readonly line = new Float64Array(2);

  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { line } = this;
    const { times, values, lo, hi, refs, evalMs, evalStepMs, args, work } = windows;
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      present[cell] = end - first >= 2 ? 1 : 0;
      if (end - first < 2) continue;
      work.add(end - first);
      regression(times, values, first, end, evalMs + k * evalStepMs, line);
      out[cell] = line[0]! * args[0]![k]! + line[1]!;
    }
  }
}

function checkFactor(kind: 'smoothing' | 'trend', letters: string, factor: number): void {
  if (factor > 0 && factor < 1) return;
  if (Number.isNaN(factor)) return;
  throw new QueryError(
    'execution',
    `invalid ${kind} factor. Expected: 0 < ${letters} < 1, got: ${factor.toFixed(6)}`,
  );
}

/** Smoothing and trend factor are the scalar arguments. */
export class DoubleExponential implements WindowFunction {
  evaluate(windows: Windows, out: Float64Array, present: Uint8Array, offset: number): void {
    const { values, lo, hi, refs, args, work } = windows;
    for (let k = 0; k < refs.count; k++) {
      const first = lo[k]!;
      const end = hi[k]!;
      const cell = offset + k;
      present[cell] = 0;
      if (end <= first) continue;
      const smoothing = args[0]![k]!;
      const trend = args[1]![k]!;
      checkFactor('smoothing', 'sf', smoothing);
      checkFactor('trend', 'tf', trend);
      if (end - first < 2) continue;
      work.add(end - first);
      let previous = 0;
      let smoothed = values[first]!;
      let slope = values[first + 1]! - smoothed;
      for (let i = first + 1; i < end; i++) {
        if (i > first + 1) slope = trend * (smoothed - previous) + (1 - trend) * slope;
        const next = smoothing * values[i]! + (1 - smoothing) * (smoothed + slope);
        previous = smoothed;
        smoothed = next;
      }
      out[cell] = smoothed;
      present[cell] = 1;
    }
  }
}
