// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { readDuration, readTime } from './time-input.ts';

const now = Date.UTC(2026, 10, 24, 22, 0, 0, 500);
const reads = (text: string, ms: number | undefined | 'unreadable'): void =>
  test(`reads ${JSON.stringify(text)}`, () => expect(readTime(text, now, false)).toBe(ms));

reads('', undefined);
reads('now', undefined);
reads('-2h', Date.UTC(2026, 10, 24, 20));
reads('2026-11-24 20:00', Date.UTC(2026, 10, 24, 20));
reads('1700000000', 1_700_000_000_000);
reads('-soon', 'unreadable');
reads('tomorrow', 'unreadable');

test('durations', () => {
  expect(readDuration(' 1h30m ')).toBe(5_400_000);
  expect(readDuration('0')).toBeUndefined();
  expect(readDuration('long')).toBeUndefined();
});
