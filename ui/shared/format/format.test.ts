// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatShort, formatTicks, formatValue } from './numbers.ts';
import { formatSeries } from './series.ts';
import { formatAgo, formatSpan, formatTime, parseTimeText } from './times.ts';

describe('short numbers', () => {
  const is = (value: number, text: string): void =>
    test(`${value} is ${text}`, () => expect(formatShort(value)).toBe(text));
  is(0, '0');
  is(1234567, '1.235M');
  is(999_999, '1M');
  is(0.05, '0.05');
  is(0.0012, '0.0012');
  is(0.000012, '1.2e-5');
  is(-1536, '-1.536k');
  is(Number.NaN, 'NaN');
  is(Number.NEGATIVE_INFINITY, '-Inf');
  is(1e40, '1e+40');
});

describe('values', () => {
  const is = (value: number, text: string): void =>
    test(`${value} is ${text}`, () => expect(formatValue(value)).toBe(text));
  is(0, '0');
  is(123456789012, '123456789012');
  is(0.1 + 0.2, '0.3');
  is(1 / 3, '0.333333333');
  is(123456789.4567, '123456789.457');
  is(1e-9, '1e-9');
});

test('ticks share a prefix and their decimals', () => {
  expect(formatTicks([0, 500_000, 1_000_000, 1_500_000])).toEqual(['0', '0.5M', '1.0M', '1.5M']);
  expect(formatTicks([0, 0.25, 0.5])).toEqual(['0', '0.25', '0.50']);
  expect(formatTicks([100, 200, 300])).toEqual(['100', '200', '300']);
  expect(formatTicks([0, 0.001, 0.002])).toEqual(['0', '0.001', '0.002']);
});

test('bytes and counts', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(1536)).toBe('1.5 KiB');
  expect(formatBytes(1024 ** 3 * 12.34)).toBe('12.3 GiB');
  expect(formatCount(1234567)).toBe('1\u202f234\u202f567');
});

describe('times', () => {
  const at = Date.UTC(2026, 10, 24, 22, 4, 5);
  test('written', () => {
    expect(formatTime(at)).toBe('2026-11-24 22:04:05');
    expect(formatTime(at + 7)).toBe('2026-11-24 22:04:05.007');
    expect(formatTime(Number.NaN)).toBe('–');
  });
  const reads = (text: string, ms: number | undefined): void =>
    test(`reads ${text}`, () => expect(parseTimeText(text)).toBe(ms));
  reads('2026-11-24 22:04:05', at);
  reads('2026-11-24T22:04:05Z', at);
  reads('2026-11-24 22:04', at - 5000);
  reads('2026-11-24 22:04:05.25', at + 250);
  reads('2026-11-24', Date.UTC(2026, 10, 24));
  reads('2026-02-30 00:00:00', undefined);
  reads('2026-11-24 25:00:00', undefined);
  reads('yesterday', undefined);
});

describe('spans', () => {
  const is = (ms: number, text: string): void =>
    test(`${ms} ms is ${text}`, () => expect(formatSpan(ms)).toBe(text));
  is(0, '0s');
  is(0.25, '250µs');
  is(4.216, '4.22ms');
  is(35.4, '35ms');
  is(4216, '4.22s');
  is(59_960, '1m');
  is(725_000, '12m 5s');
  is(3_600_000, '1h');
  is(86_400_000 * 3 + 3_600_000 * 4, '3d 4h');
  is(-1500, '-1.5s');
});

test('ago', () => {
  expect(formatAgo(1000, 5234)).toBe('4.2s ago');
  expect(formatAgo(65_000, 5000)).toBe('in 1m');
  expect(formatAgo(Date.parse('0001-01-01T00:00:00Z'), 0)).toBe('never');
});

test('series', () => {
  expect(formatSeries({ __name__: 'up', job: 'a"b' })).toBe('up{job="a\\"b"}');
  expect(formatSeries({ __name__: 'up' })).toBe('up');
  expect(formatSeries({})).toBe('{}');
  expect(formatSeries({ 'k8s.pod': 'x' })).toBe('{"k8s.pod"="x"}');
  expect(formatSeries({ __name__: 'http.requests', job: 'a' })).toBe('{"http.requests", job="a"}');
});
