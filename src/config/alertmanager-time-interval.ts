// SPDX-License-Identifier: Apache-2.0
// `time_intervals`: times of the day, the week, the month and the year.

import type { NumberRange, TimeIntervalOptions } from '../alertmanager/index.ts';
import { quote } from '../model/index.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** `HH:MM` in minutes; 24:00 is the end of the day. */
function readMinutes(value: YamlValue | undefined, mapping: YamlMapping, key: string): number {
  const text = value?.text();
  if (value === undefined || text === undefined) {
    mapping.fail(`both start and end times must be provided: ${key} is missing`);
    return 0;
  }
  const match = /^((?:[01][0-9])|(?:2[0-3])):([0-5][0-9])$|^(24):(00)$/.exec(text);
  if (match === null) {
    value.fail(`couldn't parse timestamp ${text}, invalid format`);
    return 0;
  }
  return Number(match[1] ?? match[3]) * 60 + Number(match[2] ?? match[4]);
}

function readTimes(value: YamlValue): NumberRange {
  const mapping = new YamlMapping(value);
  const begin = readMinutes(mapping.get('start_time'), mapping, 'start_time');
  const end = readMinutes(mapping.get('end_time'), mapping, 'end_time');
  if (begin >= end && begin + end > 0)
    mapping.fail('start time cannot be equal or greater than end time');
  mapping.finish();
  return { begin, end };
}

/** `a` or `a:b`; `read` gives undefined after reporting. */
function readRange(
  item: YamlValue,
  read: (text: string, item: YamlValue) => number | undefined,
): NumberRange | undefined {
  const text = item.text();
  if (text === undefined) return undefined;
  const [first = '', last = first] = text
    .toLowerCase()
    .split(':')
    .map((part) => part.trim());
  const begin = read(first, item);
  const end = read(last, item);
  return begin === undefined || end === undefined ? undefined : { begin, end };
}

const named =
  (names: readonly string[], offset: number, what: string) =>
  (text: string, item: YamlValue): number | undefined => {
    const index = names.indexOf(text);
    if (index >= 0) return index + offset;
    const number = /^\d+$/.test(text) && offset > 0 ? Number(text) : Number.NaN;
    if (number >= 1 && number <= names.length) return number;
    return item.fail(`${quote(text)} is not a valid ${what}`);
  };

function readDay(text: string, item: YamlValue): number | undefined {
  const day = /^-?\d+$/.test(text) ? Number(text) : 0;
  if (day >= -31 && day <= 31 && day !== 0) return day;
  return item.fail(`${quote(text)} is not a valid day of the month: out of range`);
}

function readYear(text: string, item: YamlValue): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : item.fail(`${quote(text)} is not a valid year`);
}

function ordered(range: NumberRange, item: YamlValue, what: string): NumberRange {
  if (range.begin > range.end) item.fail(`start ${what} cannot be after end ${what}`);
  return range;
}

/** Days that count from different ends of the month can only be compared when the month is known. */
function orderedDays(range: NumberRange, item: YamlValue): NumberRange {
  const { begin, end } = range;
  if (begin < 0 && end > 0) item.fail('end day must be negative if start day is negative');
  else if (begin < 0 === end < 0 && begin > end)
    item.fail(`end day ${end} is always before start day ${begin}`);
  return range;
}

function ranges(
  mapping: YamlMapping,
  key: string,
  read: (text: string, item: YamlValue) => number | undefined,
  check: (range: NumberRange, item: YamlValue) => NumberRange,
): NumberRange[] {
  return (mapping.get(key)?.items() ?? []).flatMap((item) => {
    const range = readRange(item, read);
    return range === undefined ? [] : [check(range, item)];
  });
}

function readLocation(value: YamlValue | undefined): string {
  const location = value?.text() ?? 'UTC';
  if (location === 'Local' || location === '') return location;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: location });
  } catch {
    value?.fail(`unknown time zone ${location}`);
    return 'UTC';
  }
  return location;
}

function readEntry(value: YamlValue): TimeIntervalOptions {
  const mapping = new YamlMapping(value);
  const sorted =
    (what: string) =>
    (range: NumberRange, item: YamlValue): NumberRange =>
      ordered(range, item, what);
  const options: TimeIntervalOptions = {
    times: (mapping.get('times')?.items() ?? []).map(readTimes),
    weekdays: ranges(mapping, 'weekdays', named(weekdays, 0, 'weekday'), sorted('day')),
    daysOfMonth: ranges(mapping, 'days_of_month', readDay, orderedDays),
    months: ranges(mapping, 'months', named(months, 1, 'month'), sorted('month')),
    years: ranges(mapping, 'years', readYear, sorted('year')),
    location: readLocation(mapping.get('location')),
  };
  mapping.finish();
  return options;
}

/** The named intervals under both keys: the old one is an alias. */
export function readTimeIntervals(
  mapping: YamlMapping,
): ReadonlyMap<string, readonly TimeIntervalOptions[]> {
  const intervals = new Map<string, readonly TimeIntervalOptions[]>();
  for (const key of ['mute_time_intervals', 'time_intervals']) {
    for (const item of mapping.get(key)?.items() ?? []) {
      const entry = new YamlMapping(item);
      const name = entry.text('name') ?? '';
      if (name === '')
        entry.fail(
          `missing name in ${key.replace(/_intervals$/, ' interval').replaceAll('_', ' ')}`,
        );
      if (intervals.has(name)) entry.fail(`time interval ${quote(name)} is not unique`);
      intervals.set(name, (entry.get('time_intervals')?.items() ?? []).map(readEntry));
      entry.finish();
    }
  }
  return intervals;
}
