// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { allPairs, microReport, runMicro } from './micro.ts';

test.each(allPairs())('both sides do the same work: $name', ({ items, kernel, twin }) => {
  expect(items).toBeGreaterThan(0);
  for (let i = 0; i < 3; i++) expect(kernel()).toBe(twin());
});

test('the table has a row for each item', () => {
  const results = runMicro({ rounds: 1, roundMs: 0.01, filter: 'a sample' });
  expect(results.length).toBe(3);
  for (const { kernelNs, twinNs } of results) {
    expect(kernelNs).toBeGreaterThan(0);
    expect(twinNs).toBeGreaterThan(0);
  }
  const lines = microReport(results).split('\n');
  expect(lines[0]).toMatch(/^item +kernel ns +twin ns +ratio +twin$/);
  expect(lines.slice(1).map((line) => line.split(/ {2,}/)[0])).toEqual([
    'XOR encode, a sample appended',
    'XOR decode, a sample',
    'samples record decode, a sample',
  ]);
});
