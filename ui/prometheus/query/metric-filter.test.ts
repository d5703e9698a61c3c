// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { filterMetrics, metadataOf } from './metric-filter.ts';

const names = ['go_gc_seconds', 'http_requests_total', 'node_cpu_seconds_total', 'up'];

test('words in any order, letters in theirs', () => {
  expect(filterMetrics(names, '')).toEqual(names);
  expect(filterMetrics(names, 'total cpu')).toEqual(['node_cpu_seconds_total']);
  expect(filterMetrics(names, 'seconds')).toEqual(['go_gc_seconds', 'node_cpu_seconds_total']);
  expect(filterMetrics(names, 'htreq')).toEqual(['http_requests_total']);
  expect(filterMetrics(names, 'zzz')).toEqual([]);
});

test('the best first', () => {
  expect(filterMetrics(['a_node', 'anode', 'node'], 'node')).toEqual(['node', 'a_node', 'anode']);
});

test('metadata of parts', () => {
  const about = { type: 'histogram', help: 'h', unit: '' };
  expect(metadataOf({ x: [about] }, 'x_bucket')).toBe(about);
  expect(metadataOf({ x: [about] }, 'y')).toBeUndefined();
});
