// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { ActiveTarget, TargetHealth } from '../../../src/apitypes/index.ts';
import { countHealth, groupDiscovered, groupTargets } from './pools.ts';

const target = (
  pool: string,
  instance: string,
  health: TargetHealth,
  error = '',
): ActiveTarget => ({
  discoveredLabels: { __address__: instance },
  labels: { instance, job: pool },
  scrapePool: pool,
  scrapeUrl: `http://${instance}/metrics`,
  globalUrl: `http://${instance}/metrics`,
  lastError: error,
  lastScrape: '2026-11-24T22:00:00Z',
  lastScrapeDuration: 0.1,
  health,
  scrapeInterval: '15s',
  scrapeTimeout: '10s',
});

const targets = [
  target('node', 'b:9100', 'up'),
  target('node', 'a:9100', 'down', 'connection refused'),
  target('app', 'c:80', 'unknown'),
];
const everything = { pool: '', health: [], search: '' };
const shown = (filter: Partial<typeof everything> & { health?: TargetHealth[] }) =>
  groupTargets(targets, { ...everything, ...filter }).map(
    ({ name, targets: found }) => `${name}: ${found.map(({ labels }) => labels.instance)}`,
  );

test('pools by name, what is down first', () => {
  expect(shown({})).toEqual(['app: c:80', 'node: a:9100,b:9100']);
});

test('filters', () => {
  expect(shown({ pool: 'node' })).toEqual(['node: a:9100,b:9100']);
  expect(shown({ health: ['up'] })).toEqual(['node: b:9100']);
  expect(shown({ search: 'REFUSED 9100' })).toEqual(['node: a:9100']);
  expect(shown({ search: 'job="app"' })).toEqual(['app: c:80']);
  expect(shown({ search: 'nothing' })).toEqual([]);
});

test('counts are of the whole pool', () => {
  const [pool] = groupTargets(targets, { ...everything, search: 'refused' });
  expect(pool).toMatchObject({ upCount: 1, totalCount: 2 });
  expect(countHealth(targets)).toEqual({ up: 1, down: 1, unknown: 1 });
});

test('what was discovered, dropped ones included', () => {
  const data = {
    activeTargets: targets,
    droppedTargets: [{ discoveredLabels: { __address__: 'd:1' }, scrapePool: 'gone' }],
    droppedTargetCounts: { gone: 7, node: 0 },
  };
  const all = groupDiscovered(data, { pool: '', state: '', search: '' });
  expect(
    all.map(({ name, activeCount, droppedCount }) => [name, activeCount, droppedCount]),
  ).toEqual([
    ['app', 1, 0],
    ['gone', 0, 7],
    ['node', 2, 0],
  ]);
  const dropped = groupDiscovered(data, { pool: '', state: 'dropped', search: '' });
  expect(dropped.map(({ name }) => name)).toEqual(['gone']);
  expect(dropped[0]?.targets).toEqual([
    { discoveredLabels: { __address__: 'd:1' }, labels: undefined },
  ]);
  expect(groupDiscovered(data, { pool: '', state: '', search: 'c:80' })).toHaveLength(1);
});
