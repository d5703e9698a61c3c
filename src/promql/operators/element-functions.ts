// SPDX-License-Identifier: Apache-2.0
// hot
// Functions of one number: math, trigonometry, calendar.

const DAY_SECONDS = 86_400;

/** Days since the epoch of a time in seconds. Upstream cuts fractions off, towards zero. */
const dayOf = (seconds: number): number => Math.floor(Math.trunc(seconds) / DAY_SECONDS);

const secondOfDay = (seconds: number): number => Math.trunc(seconds) - dayOf(seconds) * DAY_SECONDS;

/**
 * Days since the epoch → year × 512 + month × 32 + day: Howard Hinnant's civil_from_days, in which years
 * begin in March so that the leap day comes last.
 */
function civil(days: number): number {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return year * 512 + month * 32 + day;
}

const yearOf = (date: number): number => Math.floor(date / 512);
const monthOf = (date: number): number => Math.floor((date - yearOf(date) * 512) / 32);
const dayOfMonth = (date: number): number => date - Math.floor(date / 32) * 32;

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (monthDays[month - 1] ?? Number.NaN);
}

function dayOfYear(seconds: number): number {
  const date = civil(dayOf(seconds));
  let day = dayOfMonth(date);
  for (let month = 1; month < monthOf(date); month++) day += daysInMonth(yearOf(date), month);
  return day;
}

const int64Limit = 2 ** 63;

/** `part` of times that a 64-bit integer can hold; what upstream's conversion makes of all others. */
const calendar =
  (part: (seconds: number) => number, outside: number) =>
  (seconds: number): number =>
    seconds >= -int64Limit && seconds < int64Limit ? part(seconds) : outside;

/**
 * Of the value as a time in seconds, UTC. NaN, infinities and everything else that is no 64-bit integer
 * become the smallest one on upstream's most common platform, a Sunday in the year 292277026596.
 */
export const calendarFunctions: Readonly<Record<string, (seconds: number) => number>> = {
  minute: calendar((s) => Math.floor(secondOfDay(s) / 60) % 60, 30),
  hour: calendar((s) => Math.floor(secondOfDay(s) / 3600), 15),
  // The epoch was a Thursday; Sunday is 0.
  day_of_week: calendar((s) => (((dayOf(s) + 4) % 7) + 7) % 7, 0),
  day_of_month: calendar((s) => dayOfMonth(civil(dayOf(s))), 4),
  day_of_year: calendar(dayOfYear, 339),
  days_in_month: calendar((s) => {
    const date = civil(dayOf(s));
    return daysInMonth(yearOf(date), monthOf(date));
  }, 31),
  month: calendar((s) => monthOf(civil(dayOf(s))), 12),
  year: calendar((s) => yearOf(civil(dayOf(s))), 292_277_026_596),
};

/** Of the value alone. */
export const mathFunctions: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  rad: (v) => (v * Math.PI) / 180,
  deg: (v) => (v * 180) / Math.PI,
  sgn: (v) => (v < 0 ? -1 : v > 0 ? 1 : v),
  negate: (v) => -v,
  ...calendarFunctions,
};
