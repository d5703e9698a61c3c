// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { errorPlace } from './error-place.ts';

test('points at the word', () => {
  const message = 'invalid parameter "query": 1:5: parse error: unexpected identifier "what"';
  expect(errorPlace(message, 'sum what')).toEqual({ line: 'sum what', column: 4, width: 4 });
});

test('lines count', () => {
  const place = errorPlace('2:3: parse error: unexpected ")"', 'sum(\n  )');
  expect(place).toEqual({ line: '  )', column: 2, width: 1 });
});

test('the end of the expression', () => {
  const place = errorPlace('1:5: parse error: unclosed left parenthesis', 'sum(');
  expect(place).toEqual({ line: 'sum(', column: 4, width: 1 });
});

test('nowhere', () => {
  expect(errorPlace('query timed out', 'up')).toBeUndefined();
  expect(errorPlace('7:1: parse error: x', 'up')).toBeUndefined();
  expect(errorPlace('1:99: parse error: x', 'up')).toBeUndefined();
});
