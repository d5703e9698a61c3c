// SPDX-License-Identifier: Apache-2.0

import { countTransitions, extrapolated, lastTwo } from './window-counters.ts';
import { counted, endOf, extreme, medianDeviation, quantiles } from './window-order.ts';
import { spread, summed } from './window-sums.ts';
import { derivative, doubleExponential, prediction } from './window-trend.ts';
import type { WindowFunction } from './windows.ts';

/** Functions of range vectors by name. Each call makes one with scratch space of its own. */
const makers: Readonly<Record<string, () => WindowFunction>> = {
  rate: () => extrapolated(true, true),
  increase: () => extrapolated(true, false),
  delta: () => extrapolated(false, false),
  irate: () => lastTwo(true),
  idelta: () => lastTwo(false),
  resets: () => countTransitions('resets'),
  changes: () => countTransitions('changes'),
  sum_over_time: () => summed('sum'),
  avg_over_time: () => summed('avg'),
  stddev_over_time: () => spread('stddev'),
  stdvar_over_time: () => spread('stdvar'),
  min_over_time: () => extreme('min', false),
  max_over_time: () => extreme('max', false),
  ts_of_min_over_time: () => extreme('min', true),
  ts_of_max_over_time: () => extreme('max', true),
  first_over_time: () => endOf('first', false),
  last_over_time: () => endOf('last', false),
  ts_of_first_over_time: () => endOf('first', true),
  ts_of_last_over_time: () => endOf('last', true),
  count_over_time: () => counted(false),
  present_over_time: () => counted(true),
  absent_over_time: () => counted(true),
  quantile_over_time: quantiles,
  mad_over_time: medianDeviation,
  deriv: derivative,
  predict_linear: prediction,
  double_exponential_smoothing: doubleExponential,
};

export const isWindowFunction = (name: string): boolean => Object.hasOwn(makers, name);

export function newWindowFunction(name: string): WindowFunction | undefined {
  return makers[name]?.();
}

/** The functions whose result is one of the samples: they keep the metric's name. */
export const keepsName = (name: string): boolean =>
  name === 'last_over_time' || name === 'first_over_time';
