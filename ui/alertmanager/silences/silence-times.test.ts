// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import {
  readDuration,
  timeProblems,
  timesFrom,
  withDuration,
  withEnd,
  withStart,
} from './silence-times.ts';
import { timeZone } from '../times.ts';

const HOUR_MS = 3_600_000;
const start = Date.UTC(2026, 10, 24, 22, 0, 0, 123);
const times = timesFrom(start, start + 2 * HOUR_MS, timeZone(false));

test('the end follows start and duration, the duration follows the end', () => {
  expect(times).toMatchObject({
    start: '2026-11-24 22:00:00',
    duration: '2h',
    end: '2026-11-25 00:00:00',
  });
  expect(withDuration(times, '1d').end).toBe('2026-11-25 22:00:00');
  expect(withDuration(times, '2h 30m').end).toBe('2026-11-25 00:30:00');
  expect(withStart(times, '2026-11-24 23:00').end).toBe('2026-11-25 01:00:00');
  expect(withEnd(times, '2026-11-25 01:30:00').duration).toBe('3h30m');
});

test('what cannot be read changes nothing else, and is named', () => {
  expect(withDuration(times, '2 ho')).toEqual({ ...times, duration: '2 ho' });
  expect(withEnd(times, '2026-11-24 21:00:00')).toEqual({ ...times, end: '2026-11-24 21:00:00' });
  expect(timeProblems(times, start)).toEqual({});
  expect(timeProblems({ ...times, duration: '0' }, start)).toHaveProperty('duration');
  expect(timeProblems({ ...times, start: 'soon' }, start)).toHaveProperty('start');
  expect(timeProblems({ ...times, end: '2026-11-24 22:00:00' }, start).end).toMatch(/after/);
  expect(timeProblems(times, start + 3 * HOUR_MS).end).toMatch(/over/);
  expect(readDuration('')).toBeUndefined();
});
