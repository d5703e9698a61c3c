// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { retentionLimits, retentionText } from './retention-limits.ts';

const DAY_MS = 86_400_000;
const none = { timeMs: undefined, sizeBytes: 0 };

test('15 days when nothing says anything', () => {
  expect(retentionText(retentionLimits(none, undefined))).toBe('15d');
  expect(retentionText(retentionLimits({ ...none, sizeBytes: 1024 ** 3 }, undefined))).toBe('1GiB');
  expect(retentionText(retentionLimits(none, { percentage: 80 }))).toBe('80%');
});

test('the file goes before the flags, key by key', () => {
  const flags = { timeMs: 30 * DAY_MS, sizeBytes: 1024 ** 3 };
  const text = (file: Parameters<typeof retentionLimits>[1]): string =>
    retentionText(retentionLimits(flags, file));
  expect(text(undefined)).toBe('30d or 1GiB');
  expect(text({ timeMs: DAY_MS })).toBe('1d or 1GiB');
  expect(text({ sizeBytes: 2 * 1024 ** 3 })).toBe('30d or 2GiB');
  expect(text({ timeMs: 0 })).toBe('1GiB');
  expect(text({ timeMs: 0, sizeBytes: 0 })).toBe('');
  // A share of the disk takes the place of the size.
  expect(text({ percentage: 0.5, sizeBytes: 5 })).toBe('30d or 0.5%');
});
