// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { alertParameters, readAlertFilter, regroup } from './alerts/alert-filter.ts';
import { failureText } from './alertmanager-api.ts';
import {
  filterText,
  matchEverything,
  matcherFromApi,
  matchersOf,
  matcherToApi,
  newSilencePath,
  readMatchers,
  withMatchers,
} from './matchers.ts';

test('matchers read, written and read again stay the same', () => {
  const read = readMatchers('{team=~"db|web", env!=dev, "odd name"="a\\"b"}');
  if (typeof read === 'string') throw new Error(read);
  expect(read.map(({ type }) => type)).toEqual(['=~', '!=', '=']);
  expect(readMatchers(filterText(read))).toEqual(read);
  expect(read.map(matcherToApi).map(matcherFromApi)).toEqual(read);
  expect(withMatchers(read, read)).toEqual(read);
  expect(readMatchers('')).toEqual([]);
  expect(readMatchers('a=~"("')).toMatch(/error parsing regexp/);
  expect(readMatchers('nonsense')).toMatch(/bad matcher format/);
});

test('a silence of everything is seen', () => {
  const of = (text: string) =>
    readMatchers(text) as Exclude<ReturnType<typeof readMatchers>, string>;
  expect(matchEverything(of('a=~".*", b=""'))).toBe(true);
  expect(matchEverything(of('a=~".*", b="x"'))).toBe(false);
});

test("upstream's addresses say what to ask for", () => {
  const filter = readAlertFilter(
    new URLSearchParams(
      'silenced=true&inhibited=false&active=true&filter=%7Balertname%3D%22Down%22%7D&receiver=a.b&group=dc,%20job',
    ),
  );
  expect(filter.groupBy).toEqual(['dc', 'job']);
  expect(alertParameters(filter)).toEqual([
    ['filter', 'alertname="Down"'],
    ['silenced', 'true'],
    ['inhibited', 'false'],
    ['muted', 'false'],
    ['active', 'true'],
    ['receiver', 'a\\.b'],
  ]);
  expect(readAlertFilter(new URLSearchParams({ filter: '{a' })).problem).toBeDefined();
  const path = newSilencePath(matchersOf({ b: 'x y', a: '"' }));
  expect(new URLSearchParams(path.split('?')[1]).get('filter')).toBe('{a="\\"",b="x y"}');
});

test('alerts grouped by other labels stand once', () => {
  const alert = (fingerprint: string, labels: Record<string, string>) => ({
    fingerprint,
    labels,
    annotations: {},
    startsAt: '',
    endsAt: '',
    updatedAt: '',
    receivers: [],
    status: { state: 'active' as const, silencedBy: [], inhibitedBy: [], mutedBy: [] },
  });
  const [a, b, c] = [alert('1', { dc: 'x' }), alert('2', { dc: 'y' }), alert('3', { dc: 'x' })];
  const groups = [
    { labels: {}, receiver: { name: 'r' }, alerts: [a, b] },
    { labels: {}, receiver: { name: 's' }, alerts: [a, c] },
  ];
  expect(regroup(groups, ['dc', 'job'])).toEqual([
    { labels: { dc: 'x' }, receiver: { name: '' }, alerts: [a, c] },
    { labels: { dc: 'y' }, receiver: { name: '' }, alerts: [b] },
  ]);
});

test('failures say what Alertmanager said', () => {
  expect(failureText(400, '"bad matcher format: x"\n')).toBe('bad matcher format: x');
  expect(failureText(422, '{"code":602,"message":"labels in body is required"}')).toBe(
    'labels in body is required',
  );
  expect(failureText(503, 'Limit reached\n')).toBe('503: Limit reached');
  expect(failureText(502, '<html>')).toBe('Answered 502.');
  expect(failureText(404, '')).toMatch(/404/);
});
