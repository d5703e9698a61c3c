// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { QueryStore } from './query-store.ts';

function open(search = ''): { store: QueryStore; urls: string[]; ids: () => number[] } {
  let now = 1000;
  const store = new QueryStore(() => now++);
  const urls: string[] = [];
  store.load(search);
  store.onUrl = (url) => urls.push(url);
  return { store, urls, ids: () => store.panels().map(({ id }) => id) };
}

test('starts with one empty panel', () => {
  const { store } = open();
  expect(store.panels()).toMatchObject([{ draft: '', settings: { expr: '', tab: 'table' } }]);
});

test('typing changes no URL, executing does', () => {
  const { store, urls } = open();
  const [panel] = store.panels();
  store.type(panel!.id, ' up ');
  expect(urls).toEqual([]);
  expect(store.panels()[0]).toMatchObject({ draft: ' up ', settings: { expr: '' } });
  const before = store.panels()[0]!.runAtMs;
  store.run(panel!.id);
  expect(urls).toEqual(['g0.expr=up&g0.tab=table&g0.range_input=1h']);
  expect(store.panels()[0]!.settings.expr).toBe('up');
  expect(store.panels()[0]!.runAtMs).toBeGreaterThan(before);
});

test('executing again is another run', () => {
  const { store } = open('?g0.expr=up');
  const [panel] = store.panels();
  store.run(panel!.id);
  expect(store.panels()[0]!.runAtMs).toBeGreaterThan(panel!.runAtMs);
});

test('another look at the same answer is no run', () => {
  const { store, urls } = open('?g0.expr=up');
  const [panel] = store.panels();
  store.change(panel!.id, { tab: 'graph', stacked: true });
  expect(store.panels()[0]!.runAtMs).toBe(panel!.runAtMs);
  expect(urls).toHaveLength(1);
  store.change(panel!.id, { rangeMs: 60_000 });
  expect(store.panels()[0]!.runAtMs).toBeGreaterThan(panel!.runAtMs);
});

test('panels keep their identity when others go', () => {
  const { store, ids } = open('?g0.expr=a&g1.expr=b');
  const [first, second] = ids();
  store.type(second!, 'being typed');
  store.remove(first!);
  expect(ids()).toEqual([second]);
  expect(store.panels()[0]!.draft).toBe('being typed');
  const copy = store.duplicate(second!);
  expect(ids()).toEqual([second, copy]);
  const added = store.add();
  expect(ids()).toEqual([second, copy, added]);
  for (const id of ids()) store.remove(id);
  expect(store.panels()).toMatchObject([{ draft: '' }]);
});

test('going back loses no draft of panels that stay as they are', () => {
  const { store, urls } = open('?g0.expr=a&g1.expr=b');
  const [first, second] = store.panels();
  store.type(second!.id, 'being typed');
  store.change(first!.id, { tab: 'graph' });
  store.load(urls[0]!);
  expect(store.panels()[1]!.draft).toBe('being typed');
  store.load('?g0.expr=a&g1.expr=b');
  expect(store.panels()[0]!.settings.tab).toBe('table');
  expect(store.panels()[1]!.draft).toBe('being typed');
  store.load('?g0.expr=a&g1.expr=c');
  expect(store.panels()[1]!.draft).toBe('c');
});

test('there is a limit to panels', () => {
  const { store } = open();
  for (let i = 0; i < 100; i++) store.add();
  expect(store.panels()).toHaveLength(64);
  expect(store.add()).toBeUndefined();
});
