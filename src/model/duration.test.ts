// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

const ok = (text: string, ms: number): void =>
  test(`parses ${text}`, () => expect(parseDuration(text)).toBe(ms));
const bad = (text: string, message: string): void =>
  test(`rejects ${JSON.stringify(text)}`, () =>
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ message })));
const prints = (ms: number, text: string): void =>
  test(`prints ${ms} as ${text}`, () => expect(formatDuration(ms)).toBe(text));

ok('0', 0);
ok('0w', 0);
ok('0s', 0);
ok('324ms', 324);
ok('3s', 3000);
ok('5m', 300_000);
ok('1h', 3_600_000);
ok('4d', 4 * 86_400_000);
ok('3w', 21 * 86_400_000);
ok('10y', 3650 * 86_400_000);
ok('1h30m', 5_400_000);
ok('4d1h', 97 * 3_600_000);
ok('1d2h3m4s5ms', 93_784_005);

bad('', 'empty duration string');
bad('1', 'not a valid duration string: "1"');
bad('-1w', 'not a valid duration string: "-1w"');
bad('1.5d', 'unknown unit "." in duration "1.5d"');
bad('d', 'not a valid duration string: "d"');
bad('30m1h', 'not a valid duration string: "30m1h"');
bad('1s1s', 'not a valid duration string: "1s1s"');
bad('1x', 'unknown unit "x" in duration "1x"');
bad('294y', 'duration out of range');

prints(0, '0s');
prints(300_000, '5m');
prints(90 * 86_400_000, '90d');
prints(7 * 86_400_000, '1w');
prints(365 * 86_400_000, '1y');
prints(5_400_000, '1h30m');
prints(1_500, '1s500ms');
prints(-60_000, '-1m');

test('what is printed parses back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9e12 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});
