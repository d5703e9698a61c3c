// SPDX-License-Identifier: Apache-2.0
// Parameters of the API v1: times, durations and limits, with upstream's messages.

import { DurationError, parseDuration as parseDurationText, quote } from '../model/index.ts';
import { ApiError, invalidParameter } from './answers.ts';

/** Bounds when a request names none. */
export const MIN_TIME_MS = Number.MIN_SAFE_INTEGER;
export const MAX_TIME_MS = Number.MAX_SAFE_INTEGER;

/** How upstream prints its own bounds; clients send them back. */
const minTimeText = '-292273086-05-16T16:47:06Z';
const maxTimeText = '292277025-08-18T07:12:54.999999999Z';

/** Points of one series that a range query may have. */
export const POINTS_MAX = 11_000;

const floatText = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Milliseconds of an RFC 3339 time; undefined when it is none, or names a day that doesn't exist. */
function parseRfc3339(text: string): number | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const part = (i: number): number => Number(match[i] ?? '0');
  const midnight = Date.UTC(part(1), part(2) - 1, part(3));
  if (new Date(midnight).toISOString().slice(0, 10) !== text.slice(0, 10)) return undefined;
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(9) > 23 || part(10) > 59)
    return undefined;
  const fraction = Math.floor(Number((match[7] ?? '').padEnd(3, '0').slice(0, 3)));
  const zone = (match[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10)) * 60_000;
  return midnight + ((part(4) * 60 + part(5)) * 60 + part(6)) * 1000 + fraction - zone;
}

/** Unix seconds (rounded to milliseconds) or RFC 3339, to milliseconds. @throws ApiError */
export function parseTime(text: string): number {
  if (floatText.test(text)) {
    const seconds = Number(text);
    const whole = Math.trunc(seconds);
    const ms = whole * 1000 + Math.round((seconds - whole) * 1000);
    return Math.min(MAX_TIME_MS, Math.max(MIN_TIME_MS, ms));
  }
  const ms = parseRfc3339(text);
  if (ms !== undefined) return ms;
  if (text === minTimeText) return MIN_TIME_MS;
  if (text === maxTimeText) return MAX_TIME_MS;
  throw new ApiError('bad_data', `cannot parse ${quote(text)} to a valid timestamp`);
}

/** Seconds as a float or a duration such as `5m`, to milliseconds with fractions. @throws ApiError */
export function parseDuration(text: string): number {
  if (floatText.test(text)) {
    const seconds = Number(text);
    if (Math.abs(seconds) * 1e9 > 2 ** 63) {
      const why = `cannot parse ${quote(text)} to a valid duration. It overflows int64`;
      throw new ApiError('bad_data', why);
    }
    // Whole nanoseconds, cut off as upstream cuts them: 33.361 s are 33360.999999 ms.
    return Math.trunc(seconds * 1e9) / 1e6;
  }
  try {
    return parseDurationText(text);
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new ApiError('bad_data', `cannot parse ${quote(text)} to a valid duration`);
  }
}

/** Runs `parse`, naming the parameter in its error. */
export function parameter<Value>(name: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ApiError) throw invalidParameter(name, error.message);
    throw error;
  }
}

/** A time parameter that may be left out. @throws ApiError */
export function timeParameter(params: URLSearchParams, name: string, absent: number): number {
  const text = params.get(name) ?? '';
  if (text === '') return absent;
  return parameter(name, () => {
    try {
      return parseTime(text);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new ApiError('bad_data', `invalid time value for '${name}': ${error.message}`);
    }
  });
}

/** A whole number as Go's Atoi reads it. @throws ApiError with Atoi's message */
function parseWhole(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new ApiError('bad_data', `strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new ApiError('bad_data', `strconv.Atoi: parsing ${quote(text)}: value out of range`);
  return value;
}

/** A whole number that must be one. @throws ApiError naming the parameter */
export const parseRequestInteger = (name: string, text: string): number =>
  parameter(name, () => parseWhole(text));

/** `limit` of queries and label lookups: 0 = no limit. @throws ApiError */
export function limitParameter(params: URLSearchParams): number {
  const text = params.get('limit') ?? '';
  if (text === '') return 0;
  return parameter('limit', () => {
    const limit = parseWhole(text);
    if (limit < 0) throw new ApiError('bad_data', 'limit must be non-negative');
    return limit;
  });
}

/** `limit` of metadata: negative = none. @throws ApiError */
export function countParameter(params: URLSearchParams, name: string): number {
  const text = params.get(name) ?? '';
  if (text === '') return -1;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new ApiError('bad_data', `${name} must be a number`);
  return Number(text);
}
