// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { diagnose } from './promql-lint.ts';

test('good and empty expressions', () => {
  expect(diagnose('sum by (job) (rate(up[5m]))')).toEqual([]);
  expect(diagnose('  ')).toEqual([]);
});

test('a mistake, where it is', () => {
  expect(diagnose('rate(up)')).toEqual([
    {
      from: 5,
      to: 7,
      severity: 'error',
      message: 'expected type range vector in call to function "rate", got instant vector',
    },
  ]);
});

test('a mistake at the end stays inside', () => {
  const [found] = diagnose('sum(up');
  expect(found?.message).toBe('unclosed left parenthesis');
  expect(found!.to).toBeLessThanOrEqual(6);
});
