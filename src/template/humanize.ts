// SPDX-License-Identifier: Apache-2.0
// Numbers for people, digit for digit as upstream prints them.

import { formatGeneral } from './float-format.ts';
import { DurationValue, TimeValue } from './time.ts';
import type { Value } from './values.ts';
import { Int, typeName } from './values.ts';

const four = (value: number): string => formatGeneral(value, 4);

const isOdd = (value: number): boolean => Number.isNaN(value) || !Number.isFinite(value);

/** Go's ParseFloat for what rules hold. */
function parseFloatText(text: string): number {
  const body = text.replace(/^[+-]/, '').toLowerCase();
  if (body === 'inf' || body === 'infinity')
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (body === 'nan') return Number.NaN;
  if (!/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$|^0x[0-9a-f]+$/.test(body))
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(body);
  return text.startsWith('-') ? -value : value;
}

/** A float of anything that is a number or says one. @throws Error */
export function toFloat(value: Value): number {
  if (typeof value === 'number') return value;
  if (value instanceof Int) return value.value;
  if (typeof value === 'string') return parseFloatText(value);
  if (value instanceof DurationValue) return value.ms / 1000;
  throw new Error(`can't convert ${typeName(value)} to float`);
}

export function humanize(value: Value): string {
  let v = toFloat(value);
  if (v === 0 || isOdd(v)) return four(v);
  let prefix = '';
  if (Math.abs(v) >= 1) {
    for (const next of 'kMGTPEZY') {
      if (Math.abs(v) < 1000) break;
      prefix = next;
      v /= 1000;
    }
    return four(v) + prefix;
  }
  for (const next of 'munpfazy') {
    if (Math.abs(v) >= 1) break;
    prefix = next;
    v *= 1000;
  }
  return four(v) + prefix;
}

export function humanize1024(value: Value): string {
  let v = toFloat(value);
  if (Math.abs(v) <= 1 || isOdd(v)) return four(v);
  let prefix = '';
  for (const next of ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi']) {
    if (Math.abs(v) < 1024) break;
    prefix = next;
    v /= 1024;
  }
  return four(v) + prefix;
}

/** Seconds as days, hours, minutes and seconds; small ones with a prefix. */
export function humanizeDuration(value: Value): string {
  let v = toFloat(value);
  if (isOdd(v)) return four(v);
  if (v === 0) return `${four(v)}s`;
  if (Math.abs(v) < 1) {
    let prefix = '';
    for (const next of 'munpfazy') {
      if (Math.abs(v) >= 1) break;
      prefix = next;
      v *= 1000;
    }
    return `${four(v)}${prefix}s`;
  }
  const sign = v < 0 ? '-' : '';
  v = Math.abs(v);
  const whole = Math.trunc(v);
  const seconds = whole % 60;
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600) % 24;
  const days = Math.floor(whole / 86_400);
  if (days !== 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours !== 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes !== 0) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${four(v)}s`;
}

export const humanizePercentage = (value: Value): string => `${four(toFloat(value) * 100)}%`;

/** Seconds since the epoch as a time. @throws Error beyond what nanoseconds in 64 bits reach */
function timeOfSeconds(seconds: number): TimeValue {
  if (Math.abs(seconds * 1e9) > 9.223372036854776e18) {
    throw new Error(
      `${formatGeneral(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`,
    );
  }
  return new TimeValue(seconds * 1000);
}

export function humanizeTimestamp(value: Value): string {
  const v = toFloat(value);
  return isOdd(v) ? four(v) : (timeOfSeconds(v).text?.() ?? '');
}

export function toTime(value: Value): TimeValue {
  const v = toFloat(value);
  if (isOdd(v)) throw new Error(`cannot convert ${four(v)} to a time`);
  return timeOfSeconds(v);
}

export const toDuration = (value: Value): DurationValue => new DurationValue(toFloat(value) * 1000);
