// SPDX-License-Identifier: Apache-2.0
// Times of the day, the week and the year, in a zone.

/** Inclusive. */
export interface NumberRange {
  readonly begin: number;
  readonly end: number;
}

/** Empty lists mean "always". */
export interface TimeIntervalOptions {
  /** Minutes of the day, end exclusive. */
  readonly times: readonly NumberRange[];
  /** 0 = Sunday. */
  readonly weekdays: readonly NumberRange[];
  /** 1..31, or negative from the end of the month. */
  readonly daysOfMonth: readonly NumberRange[];
  /** 1..12. */
  readonly months: readonly NumberRange[];
  readonly years: readonly NumberRange[];
  /** IANA name, `UTC` or `Local`. */
  readonly location: string;
}

interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly minuteOfDay: number;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

function formatterFor(location: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    ...(location === 'Local' ? {} : { timeZone: location === '' ? 'UTC' : location }),
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
  });
}

function wallClock(format: Intl.DateTimeFormat, ms: number): WallClock {
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type) ?? 0);
  return {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    weekday: weekdays.indexOf(parts.get('weekday') ?? ''),
    minuteOfDay: number('hour') * 60 + number('minute'),
  };
}

const within = (ranges: readonly NumberRange[], value: number): boolean =>
  ranges.length === 0 || ranges.some(({ begin, end }) => value >= begin && value <= end);

const daysIn = (year: number, month: number): number =>
  new Date(Date.UTC(year, month, 0)).getUTCDate();

function isDayOfMonth(ranges: readonly NumberRange[], { year, month, day }: WallClock): boolean {
  if (ranges.length === 0) return true;
  const days = daysIn(year, month);
  const fromStart = (n: number): number => (n < 0 ? days + n + 1 : n);
  return ranges.some(({ begin, end }) => {
    const first = fromStart(begin);
    const last = fromStart(end);
    // A range that lies beyond the end of a short month has no day in it.
    if (first > days || last < 1) return false;
    return day >= Math.max(1, first) && day <= Math.min(days, last);
  });
}

/** One entry of a named interval. */
export class TimeInterval {
  private readonly options: TimeIntervalOptions;
  private readonly format: Intl.DateTimeFormat;

  /** @throws RangeError for an unknown zone */
  constructor(options: TimeIntervalOptions) {
    this.options = options;
    this.format = formatterFor(options.location);
  }

  contains(ms: number): boolean {
    const wall = wallClock(this.format, ms);
    const { times, weekdays: days, daysOfMonth, months, years } = this.options;
    const inTime =
      times.length === 0 ||
      times.some(({ begin, end }) => wall.minuteOfDay >= begin && wall.minuteOfDay < end);
    return (
      inTime &&
      within(days, wall.weekday) &&
      isDayOfMonth(daysOfMonth, wall) &&
      within(months, wall.month) &&
      within(years, wall.year)
    );
  }
}

/** Named intervals; entries of one name are alternatives. */
export type TimeIntervals = ReadonlyMap<string, readonly TimeInterval[]>;

/** The names among `names` whose interval `ms` lies in. */
export const containing = (
  intervals: TimeIntervals,
  names: readonly string[],
  ms: number,
): string[] =>
  names.filter((name) => intervals.get(name)?.some((interval) => interval.contains(ms)) === true);
