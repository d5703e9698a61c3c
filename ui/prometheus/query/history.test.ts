// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { createHistory, HISTORY_MAX } from './history.ts';

function storage(initial?: string) {
  const kept = new Map(initial === undefined ? [] : [['history', initial]]);
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test('the latest first, each once, never too many', () => {
  const history = createHistory(storage());
  for (const expr of ['a', 'b', 'a', ' ']) history.remember(expr);
  expect(history.read()).toEqual(['a', 'b']);
  for (let i = 0; i < 100; i++) history.remember(`q${i}`);
  expect(history.read()).toHaveLength(HISTORY_MAX);
  expect(history.read()[0]).toBe('q99');
});

test('what is no history is none', () => {
  expect(createHistory(storage('{{')).read()).toEqual([]);
  expect(createHistory(storage('{"a":1}')).read()).toEqual([]);
  expect(createHistory(storage('["a",2]')).read()).toEqual(['a']);
});
