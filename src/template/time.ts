// SPDX-License-Identifier: Apache-2.0
// Go's time.Time and time.Duration as templates use them: layouts, methods, text forms.

import type { TemplateFunction, Value } from './values.ts';
import { Int, Struct } from './values.ts';

const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const two = (n: number): string => String(n).padStart(2, '0');

/** A moment as a clock on a wall of some zone shows it. */
interface WallClock {
  readonly date: Date;
  /** Minutes east of UTC. */
  readonly offsetMinutes: number;
  readonly abbreviation: string;
  /** Nanoseconds of the second. */
  readonly nanos: number;
}

/** Offset and abbreviation of an IANA zone at a moment. @throws RangeError for an unknown zone */
function zoneAt(ms: number, zone: string): { offsetMinutes: number; abbreviation: string } {
  if (zone === 'UTC') return { offsetMinutes: 0, abbreviation: 'UTC' };
  const part = (style: 'longOffset' | 'short'): string => {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: style });
    const parts = format.formatToParts(ms);
    return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  };
  const match = /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(part('longOffset'));
  const minutes = Number(match?.[2] ?? 0) * 60 + Number(match?.[3] ?? 0);
  const offsetMinutes = match?.[1] === '-' ? -minutes : minutes;
  const short = part('short');
  const abbreviation = /^GMT./.test(short)
    ? `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${minutes % 60 === 0 ? '' : two(minutes % 60)}`
    : short;
  return { offsetMinutes, abbreviation };
}

function wallClock(ms: number, zone: string): WallClock {
  const { offsetMinutes, abbreviation } = zoneAt(ms, zone);
  const whole = Math.floor(ms);
  const nanos = Math.round((ms - Math.floor(ms / 1000) * 1000) * 1e6);
  return { date: new Date(whole + offsetMinutes * 60_000), offsetMinutes, abbreviation, nanos };
}

function offsetText(minutes: number, colon: boolean, zulu: boolean): string {
  if (zulu && minutes === 0) return 'Z';
  const all = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(all / 60))}${colon ? ':' : ''}${two(all % 60)}`;
}

const dayOfYear = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;

/** The elements of a layout; the longest that fits comes first. */
const layoutPattern =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|__2|002|01|02|03|04|05|06|_2|15|PM|pm|Z07:00|Z0700|Z07|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

function element(token: string, wall: WallClock): string {
  const { date } = wall;
  const hour12 = date.getUTCHours() % 12 || 12;
  switch (token) {
    case 'January':
      return monthNames[date.getUTCMonth()]!;
    case 'Jan':
      return monthNames[date.getUTCMonth()]!.slice(0, 3);
    case 'Monday':
      return dayNames[date.getUTCDay()]!;
    case 'Mon':
      return dayNames[date.getUTCDay()]!.slice(0, 3);
    case 'MST':
      return wall.abbreviation;
    case '2006':
      return String(date.getUTCFullYear()).padStart(4, '0');
    case '06':
      return two(date.getUTCFullYear() % 100);
    case '01':
      return two(date.getUTCMonth() + 1);
    case '1':
      return String(date.getUTCMonth() + 1);
    case '02':
      return two(date.getUTCDate());
    case '_2':
      return String(date.getUTCDate()).padStart(2, ' ');
    case '2':
      return String(date.getUTCDate());
    case '002':
      return String(dayOfYear(date)).padStart(3, '0');
    case '__2':
      return String(dayOfYear(date)).padStart(3, ' ');
    case '15':
      return two(date.getUTCHours());
    case '03':
      return two(hour12);
    case '3':
      return String(hour12);
    case '04':
      return two(date.getUTCMinutes());
    case '4':
      return String(date.getUTCMinutes());
    case '05':
      return two(date.getUTCSeconds());
    case '5':
      return String(date.getUTCSeconds());
    case 'PM':
      return date.getUTCHours() >= 12 ? 'PM' : 'AM';
    case 'pm':
      return date.getUTCHours() >= 12 ? 'pm' : 'am';
    default:
      return zoneOrFraction(token, wall);
  }
}

function zoneOrFraction(token: string, wall: WallClock): string {
  if (token.startsWith('.') || token.startsWith(',')) {
    const digits = String(wall.nanos)
      .padStart(9, '0')
      .slice(0, token.length - 1);
    if (token.charAt(1) === '0') return token.charAt(0) + digits;
    const kept = digits.replace(/0+$/, '');
    return kept === '' ? '' : token.charAt(0) + kept;
  }
  const text = offsetText(wall.offsetMinutes, token.includes(':'), token.startsWith('Z'));
  return token.length <= 3 && text !== 'Z' ? text.slice(0, 3) : text;
}

/** A moment in Go's layout language: the reference time is Mon Jan 2 15:04:05 MST 2006. */
export function formatTime(ms: number, zone: string, layout: string): string {
  const wall = wallClock(ms, zone);
  return layout.replace(layoutPattern, (token) => element(token, wall));
}

/** Go's Duration.String: `1h2m3.5s`, `1.5ms`, `0s`. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const nanos = Math.round(Math.abs(ms) * 1e6);
  const decimal = (value: number): string => String(Number(value.toFixed(9)));
  if (nanos < 1e3) return `${sign}${nanos}ns`;
  if (nanos < 1e6) return `${sign}${decimal(nanos / 1e3)}µs`;
  if (nanos < 1e9) return `${sign}${decimal(nanos / 1e6)}ms`;
  const seconds = decimal((nanos % 60e9) / 1e9);
  const minutes = Math.floor(nanos / 60e9);
  if (minutes === 0) return `${sign}${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours > 0 ? `${hours}h` : ''}${minutes % 60}m${seconds}s`;
}

const method = (
  parameters: TemplateFunction['parameters'],
  call: TemplateFunction['call'],
): TemplateFunction => ({ parameters, call });

/** A time.Duration. */
export class DurationValue extends Struct {
  readonly ms: number;
  constructor(ms: number) {
    const give = (value: () => Value): TemplateFunction => method([], value);
    super(
      'time.Duration',
      {},
      {
        Hours: give(() => ms / 3_600_000),
        Minutes: give(() => ms / 60_000),
        Seconds: give(() => ms / 1000),
        Milliseconds: give(() => new Int(Math.trunc(ms))),
        Microseconds: give(() => new Int(Math.trunc(ms * 1e3))),
        Nanoseconds: give(() => new Int(Math.trunc(ms * 1e6))),
        Abs: give(() => new DurationValue(Math.abs(ms))),
        String: give(() => durationText(ms)),
      },
      () => durationText(ms),
    );
    this.ms = ms;
  }
}

function durationOf(value: Value): number {
  if (value instanceof DurationValue) return value.ms;
  if (value instanceof Int) return value.value / 1e6;
  throw new Error('expected a time.Duration');
}

function timeOf(value: Value): number {
  if (value instanceof TimeValue) return value.ms;
  throw new Error('expected a time.Time');
}

/** The zero time.Time, January 1 of year 1. */
export const ZERO_TIME_MS = -62_135_596_800_000;

const STRING_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST';

/** A time.Time: a moment, milliseconds since the epoch with fractions, and the zone it is shown in. */
export class TimeValue extends Struct {
  readonly ms: number;
  readonly zone: string;

  constructor(ms: number, zone = 'UTC') {
    const text = (): string => formatTime(ms, zone, STRING_LAYOUT);
    super(
      'time.Time',
      {},
      { ...clockMethods(ms, zone), ...momentMethods(ms, zone), String: method([], text) },
      text,
    );
    this.ms = ms;
    this.zone = zone;
  }
}

/** Methods that read the wall clock. */
function clockMethods(ms: number, zone: string): Record<string, TemplateFunction> {
  const read = (value: (date: Date) => Value): TemplateFunction =>
    method([], () => value(wallClock(ms, zone).date));
  return {
    Year: read((date) => new Int(date.getUTCFullYear())),
    Month: read((date) =>
      named('time.Month', date.getUTCMonth() + 1, monthNames[date.getUTCMonth()]!),
    ),
    Day: read((date) => new Int(date.getUTCDate())),
    Hour: read((date) => new Int(date.getUTCHours())),
    Minute: read((date) => new Int(date.getUTCMinutes())),
    Second: read((date) => new Int(date.getUTCSeconds())),
    Nanosecond: method([], () => new Int(wallClock(ms, zone).nanos)),
    Weekday: read((date) => named('time.Weekday', date.getUTCDay(), dayNames[date.getUTCDay()]!)),
    YearDay: read((date) => new Int(dayOfYear(date))),
  };
}

/** A number that prints as its name. */
const named = (type: string, value: number, text: string): Struct =>
  new Struct(type, { value: new Int(value) }, { String: method([], () => text) }, () => text);

/** Methods of the moment itself. */
function momentMethods(ms: number, zone: string): Record<string, TemplateFunction> {
  return {
    Format: method(['string'], ([layout]) => formatTime(ms, zone, String(layout))),
    Unix: method([], () => new Int(Math.floor(ms / 1000))),
    UnixMilli: method([], () => new Int(Math.floor(ms))),
    UnixMicro: method([], () => new Int(Math.floor(ms * 1e3))),
    UnixNano: method([], () => new Int(Math.floor(ms * 1e6))),
    UTC: method([], () => new TimeValue(ms)),
    Local: method(
      [],
      () => new TimeValue(ms, new Intl.DateTimeFormat().resolvedOptions().timeZone),
    ),
    IsZero: method([], () => ms === ZERO_TIME_MS),
    Add: method(['any'], ([by]) => new TimeValue(ms + durationOf(by), zone)),
    Sub: method(['any'], ([other]) => new DurationValue(ms - timeOf(other))),
    After: method(['any'], ([other]) => ms > timeOf(other)),
    Before: method(['any'], ([other]) => ms < timeOf(other)),
    Equal: method(['any'], ([other]) => ms === timeOf(other)),
    Compare: method(['any'], ([other]) => new Int(Math.sign(ms - timeOf(other)))),
    Truncate: method(['any'], ([by]) => new TimeValue(truncated(ms, durationOf(by)), zone)),
    AddDate: method(['int', 'int', 'int'], (args) => new TimeValue(addDate(ms, args), zone)),
  };
}

const truncated = (ms: number, unit: number): number =>
  unit <= 0 ? ms : ms - ((((ms - ZERO_TIME_MS) % unit) + unit) % unit);

function addDate(ms: number, args: readonly Value[]): number {
  const [years = 0, months = 0, days = 0] = args.map((arg) => (arg instanceof Int ? arg.value : 0));
  const date = new Date(ms);
  return Date.UTC(
    date.getUTCFullYear() + years,
    date.getUTCMonth() + months,
    date.getUTCDate() + days,
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    date.getUTCMilliseconds(),
  );
}

/** The time in zone `name`. @throws Error with Go's message for an unknown zone */
export function inZone(time: TimeValue, name: string): TimeValue {
  try {
    zoneAt(time.ms, name === '' ? 'UTC' : name);
  } catch (error) {
    throw new Error(`unknown time zone ${name}`, { cause: error });
  }
  return new TimeValue(time.ms, name === '' ? 'UTC' : name);
}

const parsers: Readonly<Record<string, string>> = {
  '2006': '(?<year>\\d{4})',
  '06': '(?<year2>\\d\\d)',
  '01': '(?<month>\\d\\d)',
  '1': '(?<month>\\d\\d?)',
  '02': '(?<day>\\d\\d)',
  _2: ' ?(?<day>\\d\\d?)',
  '2': '(?<day>\\d\\d?)',
  '15': '(?<hour>\\d\\d?)',
  '03': '(?<hour>\\d\\d)',
  '3': '(?<hour>\\d\\d?)',
  '04': '(?<minute>\\d\\d)',
  '4': '(?<minute>\\d\\d?)',
  '05': '(?<second>\\d\\d)(?<fraction>\\.\\d+)?',
  '5': '(?<second>\\d\\d?)(?<fraction>\\.\\d+)?',
  PM: '(?<half>AM|PM)',
  pm: '(?<half>am|pm)',
  January: `(?<monthName>${monthNames.join('|')})`,
  Jan: `(?<monthName>${monthNames.map((name) => name.slice(0, 3)).join('|')})`,
  Monday: `(?:${dayNames.join('|')})`,
  Mon: `(?:${dayNames.map((name) => name.slice(0, 3)).join('|')})`,
  MST: '(?<zone>[A-Z]{3,5})',
  'Z07:00': '(?<offset>Z|[+-]\\d\\d:\\d\\d)',
  Z0700: '(?<offset>Z|[+-]\\d{4})',
  '-07:00': '(?<offset>[+-]\\d\\d:\\d\\d)',
  '-0700': '(?<offset>[+-]\\d{4})',
  '-07': '(?<offset>[+-]\\d\\d)',
};

function offsetMinutes(text: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(text);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

function monthOf(groups: Readonly<Record<string, string | undefined>>): number {
  const name = groups.monthName;
  if (name === undefined) return Number(groups.month ?? 1);
  return monthNames.findIndex((month) => month.startsWith(name.slice(0, 3))) + 1;
}

/** Reads a time in a Go layout, milliseconds since the epoch; undefined when it does not fit. */
export function parseTime(layout: string, text: string): number | undefined {
  let pattern = '';
  let last = 0;
  const literal = (part: string): string => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  for (const match of layout.matchAll(layoutPattern)) {
    pattern += literal(layout.slice(last, match.index)) + (parsers[match[0]] ?? '(?:[.,]\\d+)?');
    last = match.index + match[0].length;
  }
  pattern += literal(layout.slice(last));
  const groups = new RegExp(`^${pattern}$`).exec(text)?.groups;
  if (groups === undefined) return undefined;
  const year = groups.year2 === undefined ? Number(groups.year ?? 0) : shortYear(groups.year2);
  const month = monthOf(groups);
  const day = Number(groups.day ?? 1);
  let hour = Number(groups.hour ?? 0);
  const half = groups.half?.toUpperCase();
  if (half === 'PM' && hour < 12) hour += 12;
  if (half === 'AM' && hour === 12) hour = 0;
  const [minute, second] = [Number(groups.minute ?? 0), Number(groups.second ?? 0)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = Number(`0${groups.fraction ?? ''}`) * 1000;
  const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
  return local - offsetMinutes(groups.offset ?? '') * 60_000;
}

const shortYear = (text: string): number => Number(text) + (Number(text) >= 69 ? 1900 : 2000);
