// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { ServerRequest } from '../base/index.ts';
import { relabelRule } from '../model/index.ts';
import { PoolRoutes } from './pool-routes.ts';
import type { ApiServices } from './services.ts';

const rules = [
  relabelRule({ sourceLabels: ['a'], targetLabel: 'b', replacement: 'x$1' }),
  relabelRule({ sourceLabels: ['b'], regex: 'x2', action: 'drop' }),
].map((rule, i) => ({ rule, shown: { action: rule.action, at: i } }));
const routes = new PoolRoutes({
  scrapePoolConfig: (name: string) =>
    name === 'node' ? { yaml: () => 'job_name: node\n', rules } : undefined,
} as unknown as ApiServices);

const request = (params: Record<string, string>) =>
  ({ params: new URLSearchParams(params) }) as unknown as ServerRequest;
const steps = (labels: string) =>
  JSON.parse(String(routes.relabelSteps(request({ scrapePool: 'node', labels })).body)).data;

test('the configuration of a pool', () => {
  const { body } = routes.config(request({ scrapePool: 'node' }));
  expect(JSON.parse(String(body)).data).toEqual({ yaml: 'job_name: node\n' });
  expect(() => routes.config(request({}))).toThrow('no scrapePool parameter provided');
  expect(() => routes.config(request({ scrapePool: 'x' }))).toThrow('scrape pool "x" not found');
});

test('relabelling, rule by rule', () => {
  expect(steps('{"a":"1"}').steps).toEqual([
    { rule: { action: 'replace', at: 0 }, output: { a: '1', b: 'x1' }, keep: true },
    { rule: { action: 'drop', at: 1 }, output: { a: '1', b: 'x1' }, keep: true },
  ]);
  expect(steps('{"a":"2"}').steps[1]).toEqual({
    rule: { action: 'drop', at: 1 },
    output: {},
    keep: false,
  });
  expect(() => steps('')).toThrow('no labels parameter provided');
  for (const bad of ['{', '[]', 'null', '{"a":1}']) {
    expect(() => steps(bad)).toThrow('error parsing labels');
  }
});
