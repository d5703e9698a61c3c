// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { allSyntaxFeatures, parseExpression } from '../../../src/promql/index.ts';
import { explain } from './explain.ts';
import { countMatches, matchGroups } from './match-groups.ts';

const of = (query: string) => explain(parseExpression(query, allSyntaxFeatures), '5m');

test('selectors', () => {
  const found = of('http_requests{job="api",code=~"5..",zone!=""} offset 1h');
  expect(found.kind).toBe('Instant vector selector');
  expect(found.points).toEqual(['job is "api"', 'code matches "5.."', 'zone is there']);
  expect(found.sentences.join(' ')).toBe(
    'Selects the series called http_requests with these labels. For each, its newest sample at the time of evaluation, if that is less than 5m old. Everything as it was 1h earlier.',
  );
  expect(of('up[10m] @ 1700000000').sentences.join(' ')).toContain(
    'all samples of the last 10m up to the time of evaluation. Always at 2023-11-14 22:13:20 UTC',
  );
});

test('functions say their types', () => {
  expect(of('rate(x[5m])').form).toBe('rate(range vector) → instant vector');
  expect(of('round(x, 5)')).toMatchObject({
    form: 'round(instant vector, [scalar]) → instant vector',
    points: ['with 5'],
  });
  expect(of('rate(x[5m])').sentences[0]?.length).toBeGreaterThan(10);
});

test('aggregations say their groups', () => {
  expect(of('sum(up)').sentences[0]).toBe('All series are one group.');
  expect(of('max by (a, b, c) (up)').sentences[0]).toBe(
    'Series with the same a, b and c are one group.',
  );
  expect(of('topk without (a) (3, up)')).toMatchObject({
    sentences: ['Series that differ in a only are one group.', expect.any(String)],
    points: ['parameter: 3'],
  });
});

test('operations say who meets whom', () => {
  expect(of('a / on (x) group_left (y) b').sentences).toEqual([
    'Calculates left / right, value by value.',
    'Partners have the same x.',
    'Several series of the left side may share one of the right, whose y the result takes over.',
  ]);
  expect(of('a > bool 2').sentences).toEqual([
    'Compares: 1 where the left side > the right side, otherwise 0.',
  ]);
  expect(of('a unless b').kind).toBe('Set operation');
});

test('every kind has words', () => {
  for (const query of ['1', '"a"', '-up', '(up)', 'max_over_time(up[1h:1m])', 'up[1h:1m]'])
    expect(of(query).kind).not.toBe('');
});

const one = { on: true, labels: ['job'], cardinality: 'one-to-one' } as const;
const a = { __name__: 'a', job: 'x', i: '1' };
const b = { __name__: 'b', job: 'x', i: '2' };
const c = { __name__: 'b', job: 'y' };
const statuses = (...args: Parameters<typeof matchGroups>) =>
  matchGroups(...args).map(({ status }) => status);

test('matches', () => {
  expect(statuses([a], [b, c], one)).toEqual(['right', 'matched']);
  expect(statuses([a, a], [b], one)).toEqual(['manyLeft']);
  expect(statuses([a], [b, b], one)).toEqual(['manyRight']);
  expect(statuses([a, a], [b], { ...one, cardinality: 'many-to-one' })).toEqual(['matched']);
  expect(statuses([a, a], [b], { ...one, cardinality: 'one-to-many' })).toEqual(['manyLeft']);
  expect(statuses([a, a], [b, b], { ...one, cardinality: 'many-to-many' })).toEqual(['matched']);
});

test('ignored labels and the name do not count', () => {
  const ignoring = { on: false, labels: ['i'], cardinality: 'one-to-one' } as const;
  const groups = matchGroups([a], [b, c], ignoring);
  expect(groups.map(({ labels }) => labels)).toEqual([{ job: 'y' }, { job: 'x' }]);
  expect(countMatches(groups)).toEqual({
    matched: 1,
    left: 0,
    right: 1,
    manyLeft: 0,
    manyRight: 0,
  });
});
