// SPDX-License-Identifier: Apache-2.0

import { Extrapolated, LastTwo, Transitions } from './window-counters.ts';
import { Counted, EndOf, Extreme, MedianDeviation, Quantiles } from './window-order.ts';
import { Spread, Summed } from './window-sums.ts';
import { Derivative, DoubleExponential, Prediction } from './window-trend.ts';
import type { WindowFunction } from './windows.ts';

/** Functions of range vectors by name. Each call makes one with scratch space of its own. */
const makers: Readonly<Record<string, () => WindowFunction>> = {
  rate: () => new Extrapolated(true, true),
  increase: () => new Extrapolated(true, false),
  delta: () => new Extrapolated(false, false),
  irate: () => new LastTwo(true),
  idelta: () => new LastTwo(false),
  resets: () => new Transitions('resets'),
  changes: () => new Transitions('changes'),
  sum_over_time: () => new Summed('sum'),
  avg_over_time: () => new Summed('avg'),
  stddev_over_time: () => new Spread('stddev'),
  stdvar_over_time: () => new Spread('stdvar'),
  min_over_time: () => new Extreme('min', false),
  max_over_time: () => new Extreme('max', false),
  ts_of_min_over_time: () => new Extreme('min', true),
  ts_of_max_over_time: () => new Extreme('max', true),
  first_over_time: () => new EndOf('first', false),
  last_over_time: () => new EndOf('last', false),
  ts_of_first_over_time: () => new EndOf('first', true),
  ts_of_last_over_time: () => new EndOf('last', true),
  count_over_time: () => new Counted(false),
  present_over_time: () => new Counted(true),
  absent_over_time: () => new Counted(true),
  quantile_over_time: () => new Quantiles(),
  mad_over_time: () => new MedianDeviation(),
  deriv: () => new Derivative(),
  predict_linear: () => new Prediction(),
  double_exponential_smoothing: () => new DoubleExponential(),
};

export const isWindowFunction = (name: string): boolean => Object.hasOwn(makers, name);

export function newWindowFunction(name: string): WindowFunction | undefined {
  return makers[name]?.();
}

/** The functions whose result is one of the samples: they keep the metric's name. */
export const keepsName = (name: string): boolean =>
  name === 'last_over_time' || name === 'first_over_time';
