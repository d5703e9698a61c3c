// SPDX-License-Identifier: Apache-2.0
// The days of a month in weeks. Days are numbers of the calendar, not moments: no zone comes into it.

export interface CalendarDay {
  readonly year: number;
  /** 0 to 11 */
  readonly month: number;
  readonly day: number;
}

const DAY_MS = 86_400_000;

/**
 * Six weeks that hold the whole month, with the days around it.
 * @param weekStart the first day of a week: 0 = Sunday
 */
export function weeksOf(year: number, month: number, weekStart: number): CalendarDay[][] {
  const first = Date.UTC(year, month, 1);
  const before = (new Date(first).getUTCDay() - weekStart + 7) % 7;
  return Array.from({ length: 6 }, (_, week) =>
    Array.from({ length: 7 }, (__, i) => {
      const date = new Date(first + (week * 7 + i - before) * DAY_MS);
      return { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate() };
    }),
  );
}

const names = ['Su', 'Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa'];

export const dayNames = (weekStart: number): string[] =>
  names.map((_, i) => names[(i + weekStart) % 7] ?? '');

const two = (number: number): string => String(number).padStart(2, '0');

/** `2026-11-24` */
export const dateText = ({ year, month, day }: CalendarDay): string =>
  `${String(year).padStart(4, '0')}-${two(month + 1)}-${two(day)}`;
