// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { parseExpression, selectorsOf } from '../promql/index.ts';
import { EvaluationSlots, evaluationBatches } from './dependencies.ts';

const batches = (...rules: readonly [name: string, expression: string][]) =>
  evaluationBatches(
    rules.map(([name, expression]) => ({
      name,
      selectors: selectorsOf(parseExpression(expression)),
    })),
  );

test('rules that read nothing of the group run together', () => {
  expect(batches(['a', 'x'], ['b', 'rate(y[5m])'], ['c', '1'])).toEqual([[0, 1, 2]]);
});

test('what is read comes first, what nobody reads last', () => {
  expect(
    batches(
      ['a', 'x'],
      ['b', 'sum(a)'],
      ['c', 'b + a'],
      ['d', 'max_over_time(c[5m:1m])'],
      ['e', 'y'],
    ),
  ).toEqual([[0, 4], [1], [2], [3]]);
  expect(batches(['b', 'sum(a)'], ['d', 'min(a)'], ['a', 'x'])).toEqual([[2], [0, 1]]);
});

test('a rule that reads itself runs alone', () => {
  expect(batches(['a', 'a + 1'], ['b', 'x'])).toEqual([[1], [0]]);
});

test('two rules of one name are both read', () => {
  expect(batches(['a', 'x'], ['a', 'y'], ['b', 'a'])).toEqual([[0, 1], [2]]);
});

test('names by expression', () => {
  expect(batches(['a:x', 'x'], ['b', 'y'], ['c', '{__name__=~"a:.*"}'])).toEqual([[0, 1], [2]]);
});

test('what cannot be told runs one after the other', () => {
  expect(batches(['a', 'x'], ['b', '{job="y"}'])).toEqual([[0], [1]]);
  expect(batches(['a', 'x'], ['b', 'ALERTS{alertname="A"}'])).toEqual([[0], [1]]);
  expect(batches(['a', 'x'], ['b', 'ALERTS_FOR_STATE'])).toEqual([[0], [1]]);
  expect(batches(['a', 'x'], ['b', '{__name__!="x",job="y"}'])).toEqual([[0], [1]]);
});

test('slots', () => {
  const slots = new EvaluationSlots(1);
  expect([slots.tryAcquire(), slots.tryAcquire()]).toEqual([true, false]);
  slots.release();
  expect(slots.tryAcquire()).toBe(true);
});
