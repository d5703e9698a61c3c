// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { dateText, dayNames, weeksOf } from './month.ts';

test('a month in weeks that begin on any day', () => {
  // The first of November 2026 is a Sunday.
  const firstOf = (weekStart: number): string => {
    const [day] = weeksOf(2026, 10, weekStart)[0] ?? [];
    return day === undefined ? '' : dateText(day);
  };
  expect(firstOf(0)).toBe('2026-11-01');
  expect(firstOf(1)).toBe('2026-10-26');
  expect(firstOf(6)).toBe('2026-10-31');
  const days = weeksOf(2026, 10, 1).flat().map(dateText);
  expect(new Set(days).size).toBe(42);
  expect(days).toContain('2026-11-30');
  expect(weeksOf(2027, 0, 1).flat().map(dateText)).toContain('2026-12-31');
  expect(dayNames(1).join(' ')).toBe('Mo Tu We Th Fr Sa Su');
  expect(dayNames(6)[0]).toBe('Sa');
});
