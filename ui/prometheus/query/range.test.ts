// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { longerRange, queryRange, shiftedEnd, shorterRange, stepOf, zoomed } from './range.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('the ladder, also from between its steps and at its ends', () => {
  expect(shorterRange(HOUR)).toBe(30 * MINUTE);
  expect(longerRange(HOUR)).toBe(2 * HOUR);
  expect(shorterRange(HOUR + 1)).toBe(HOUR);
  expect(longerRange(HOUR - 1)).toBe(HOUR);
  expect(shorterRange(1000)).toBe(1000);
  expect(longerRange(9e12)).toBe(730 * 24 * HOUR);
});

test('automatic steps are whole seconds', () => {
  expect(stepOf({ type: 'auto', density: 'medium' }, HOUR)).toBe(14_000);
  expect(stepOf({ type: 'auto', density: 'low' }, HOUR)).toBe(36_000);
  expect(stepOf({ type: 'auto', density: 'high' }, HOUR)).toBe(4000);
  expect(stepOf({ type: 'auto', density: 'high' }, MINUTE)).toBe(1000);
  expect(stepOf({ type: 'custom', stepMs: 500 }, HOUR)).toBe(500);
});

test('a range ends where it says, or now', () => {
  const settings = { rangeMs: HOUR, resolution: { type: 'fixed', stepMs: MINUTE } } as const;
  const now = 10 * HOUR;
  expect(queryRange({ ...settings, endMs: undefined }, now)).toEqual({
    startMs: 9 * HOUR,
    endMs: now,
    stepMs: MINUTE,
  });
  expect(queryRange({ ...settings, endMs: 5 * HOUR }, now).endMs).toBe(5 * HOUR);
});

test('half a range back and forth', () => {
  const now = 10 * HOUR;
  const back = shiftedEnd({ endMs: undefined, rangeMs: HOUR }, -1, now);
  expect(back).toBe(9.5 * HOUR);
  expect(shiftedEnd({ endMs: back, rangeMs: HOUR }, -1, now)).toBe(9 * HOUR);
  expect(shiftedEnd({ endMs: 9 * HOUR, rangeMs: HOUR }, 1, now)).toBe(9.5 * HOUR);
  expect(shiftedEnd({ endMs: back, rangeMs: HOUR }, 1, now)).toBeUndefined();
});

test('zooming takes whole seconds around the piece', () => {
  expect(zoomed(10_400, 20_600)).toEqual({ endMs: 21_000, rangeMs: 11_000 });
  expect(zoomed(20_600, 10_400)).toEqual({ endMs: 21_000, rangeMs: 11_000 });
  expect(zoomed(10_000, 10_000)).toEqual({ endMs: 11_000, rangeMs: 1000 });
});
