// SPDX-License-Identifier: Apache-2.0
// The table of functions: the type checker, the pages and the documentation read it.

import type { ValueType } from '../ast/nodes.ts';

export interface FunctionSignature {
  readonly name: string;
  readonly argTypes: readonly ValueType[];
  /** 0: as many arguments as types; n > 0: the last type up to n times, or not at all; -1: any number. */
  readonly variadic: number;
  readonly returnType: ValueType;
  /** Only with the experimental functions switched on. */
  readonly experimental: boolean;
  readonly description: string;
}

type Types = readonly ValueType[];

const rows: FunctionSignature[] = [];

function add(
  name: string,
  argTypes: Types,
  returnType: ValueType,
  description: string,
  variadic = 0,
  experimental = false,
): void {
  rows.push({ name, argTypes, variadic, returnType, experimental, description });
}

function addAll(
  names: string,
  argTypes: Types,
  description: string,
  returnType: ValueType = 'vector',
  variadic = 0,
): void {
  for (const entry of names.split(' ')) add(entry, argTypes, returnType, description, variadic);
}

const V: Types = ['vector'];
const M: Types = ['matrix'];
const S: ValueType = 'scalar';

add('rate', M, 'vector', 'Average per-second increase of counters over the range.');
add('increase', M, 'vector', 'Increase of counters over the range, extrapolated to its ends.');
add('irate', M, 'vector', 'Per-second increase between the last two samples.');
add('delta', M, 'vector', 'Difference between the first and last value of gauges over the range.');
add('idelta', M, 'vector', 'Difference between the last two samples.');
add('deriv', M, 'vector', 'Per-second derivative by simple linear regression.');
add('predict_linear', ['matrix', S], 'vector', 'Value in t seconds by simple linear regression.');
add('resets', M, 'vector', 'Number of counter resets in the range.');
add('changes', M, 'vector', 'Number of times the value changed in the range.');
addAll(
  'avg_over_time min_over_time max_over_time sum_over_time count_over_time last_over_time present_over_time stddev_over_time stdvar_over_time first_over_time',
  M,
  'Aggregates the samples of each series over the range.',
);
add('quantile_over_time', [S, 'matrix'], 'vector', 'The φ-quantile of the values in the range.');
add('absent_over_time', M, 'vector', '1 when the range holds no samples at all.');
add('histogram_quantile', [S, 'vector'], 'vector', 'The φ-quantile of histograms.');
addAll(
  'histogram_count histogram_sum histogram_avg histogram_stddev histogram_stdvar',
  V,
  'A property of native histograms.',
);
add(
  'histogram_fraction',
  [S, S, 'vector'],
  'vector',
  'Estimated fraction of observations between two bounds.',
);
addAll('abs ceil floor exp sqrt ln log2 log10 sgn', V, 'The mathematical function of each value.');
addAll(
  'sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg rad',
  V,
  'The trigonometric function of each value.',
);
add(
  'round',
  ['vector', S],
  'vector',
  'Rounds to the nearest multiple of the second argument; ties up.',
  1,
);
add('clamp', ['vector', S, S], 'vector', 'Limits values to an interval.');
addAll('clamp_min clamp_max', ['vector', S], 'Limits values on one side.');
add('pi', [], 'scalar', 'The number π.');
add(
  'label_replace',
  ['vector', 'string', 'string', 'string', 'string'],
  'vector',
  'Sets a label from a match of another.',
);
add('label_join', ['vector', 'string', 'string', 'string'], 'vector', 'Joins labels into one.', -1);
add('absent', V, 'vector', '1 when the vector is empty.');
add('scalar', V, 'scalar', 'The value of a vector with one element, else NaN.');
add('vector', [S], 'vector', 'A vector with one element without labels.');
addAll('sort sort_desc', V, 'Sorts by value.');
add('timestamp', V, 'vector', 'The time of each sample, in seconds.');
add('time', [], 'scalar', 'The evaluation time, in seconds since the epoch.');
addAll(
  'year month day_of_month day_of_week day_of_year days_in_month hour minute',
  V,
  'A part of the date, in UTC; of now without an argument.',
  'vector',
  1,
);

const experimental = (
  name: string,
  argTypes: Types,
  returnType: ValueType,
  description: string,
  variadic = 0,
): void => add(name, argTypes, returnType, description, variadic, true);

experimental(
  'double_exponential_smoothing',
  ['matrix', S, S],
  'vector',
  'Smoothed value by double exponential smoothing.',
);
experimental('mad_over_time', M, 'vector', 'Median absolute deviation over the range.');
experimental('ts_of_min_over_time', M, 'vector', 'Time of the last smallest sample in the range.');
experimental('ts_of_max_over_time', M, 'vector', 'Time of the last largest sample in the range.');
experimental('ts_of_first_over_time', M, 'vector', 'Time of the first sample in the range.');
experimental('ts_of_last_over_time', M, 'vector', 'Time of the last sample in the range.');
experimental(
  'sort_by_label',
  ['vector', 'string'],
  'vector',
  'Sorts by labels in natural order.',
  -1,
);
experimental(
  'sort_by_label_desc',
  ['vector', 'string'],
  'vector',
  'Sorts by labels in reverse natural order.',
  -1,
);
experimental(
  'info',
  ['vector', 'vector'],
  'vector',
  'Adds labels of info series such as target_info.',
  1,
);
experimental(
  'histogram_quantiles',
  ['vector', 'string', S, S],
  'vector',
  'Several quantiles of histograms at once.',
  9,
);
experimental('start', [], 'scalar', 'Start of the query, in seconds since the epoch.');
experimental('end', [], 'scalar', 'End of the query, in seconds since the epoch.');
experimental('range', [], 'scalar', 'Length of the query, in seconds.');
experimental('step', [], 'scalar', 'Step of the query, in seconds.');
experimental('max_of', [S, S], 'scalar', 'The larger of two scalars.');
experimental('min_of', [S, S], 'scalar', 'The smaller of two scalars.');
experimental('start_timestamp', V, 'vector', 'Start time of each sample, in seconds.');

/** Every function by name. */
export const functionSignatures: ReadonlyMap<string, FunctionSignature> = new Map(
  rows.map((row) => [row.name, row]),
);
