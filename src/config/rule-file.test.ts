// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { conformanceFolder } from '../../test/conformance.ts';
import { ConfigError, parseRuleFile, type RuleFile } from './index.ts';

const defaults = { evaluationIntervalMs: 60_000, queryOffsetMs: 0, names: 'utf8' } as const;
const read = (text: string): RuleFile => parseRuleFile(text, 'r.yml', defaults);

const group = (rules: string, head = ''): string =>
  `groups:\n- name: g\n${head}  rules:\n${rules.replace(/^/gm, '  ')}\n`;

test('a group with everything', () => {
  const text = group(
    '- record: a:b\n  expr: sum(x)\n  labels: {k: v}\n' +
      '- alert: Down\n  expr: up == 0\n  for: 5m\n  keep_firing_for: 1m\n  labels: {team: a, severity: page}\n' +
      '  annotations: {summary: "{{ $labels.job }} is down"}',
    '  interval: 15s\n  query_offset: 1s\n  limit: 3\n  labels: {team: b, dc: x}\n',
  );
  expect(read(text).groups).toEqual([
    {
      name: 'g',
      file: 'r.yml',
      intervalMs: 15_000,
      queryOffsetMs: 1000,
      limit: 3,
      rules: [
        {
          kind: 'recording',
          name: 'a:b',
          expression: 'sum(x)',
          labels: { team: 'b', dc: 'x', k: 'v' },
        },
        {
          kind: 'alerting',
          name: 'Down',
          expression: 'up == 0',
          holdMs: 300_000,
          keepFiringMs: 60_000,
          labels: { team: 'a', dc: 'x', severity: 'page' },
          annotations: { summary: '{{ $labels.job }} is down' },
        },
      ],
    },
  ]);
});

const refuses = (text: string, message: string): void =>
  test(`refuses: ${message}`, () => {
    let error: unknown;
    try {
      read(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toContain(message);
    expect((error as ConfigError).message).toMatch(/^r\.yml:\d+:\d+: /);
  });

const rule = (text: string): string => group(`- ${text.replaceAll('\n', '\n  ')}`);
const where = 'group "g", rule 1, "a": ';

refuses(
  rule('record: a\nalert: b\nexpr: x'),
  `${where}only one of 'record' and 'alert' must be set`,
);
refuses(rule('expr: x'), `group "g", rule 1, "": one of 'record' or 'alert' must be set`);
refuses(rule('record: a'), `${where}field 'expr' must be set in rule`);
refuses(rule('record: a\nexpr: sum(x'), `${where}could not parse expression: `);
refuses(rule('record: a\nexpr: x\nfor: 1m'), `${where}invalid field 'for' in recording rule`);
refuses(
  rule('record: a\nexpr: x\nkeep_firing_for: 1m'),
  `${where}invalid field 'keep_firing_for' in recording rule`,
);
refuses(
  rule('record: a\nexpr: x\nannotations: {a: b}'),
  `${where}invalid field 'annotations' in recording rule`,
);
refuses(
  rule('record: "a{b}"\nexpr: x'),
  'braces present in the recording rule name; should it be in expr?: a{b}',
);
refuses(rule('alert: a\nexpr: x\nlabels: {__name__: b}'), `${where}invalid label name: __name__`);
refuses(
  rule('alert: a\nexpr: x\nlabels: {b: "{{ nope }}"}'),
  `${where}label "b": template: __alert_a:1: function "nope" not defined`,
);
refuses(
  rule('alert: a\nexpr: x\nannotations: {b: "{{ .X"}'),
  `${where}annotation "b": template: __alert_a:1: `,
);
refuses(rule('alert: a\nexpr: x\nanotations: {}'), 'unknown key (did you mean "annotations"?)');
refuses('groups:\n- name: g\n- name: g\n', 'groupname: "g" is repeated in the same file');
refuses('groups:\n- rules: []\n', 'Groupname must not be empty');
refuses('group: []\n', 'unknown key (did you mean "groups"?)');

const folder = conformanceFolder('rules');
test.skipIf(folder === undefined)('upstream’s rule files get upstream’s verdicts', () => {
  const bad: string[] = [];
  const names = readdirSync(folder ?? '');
  for (const name of names) {
    try {
      parseRuleFile(readFileSync(join(folder ?? '', name), 'utf8'), name, defaults);
    } catch {
      bad.push(name);
    }
  }
  expect(names.length).toBeGreaterThan(10);
  expect(bad).toEqual(['invalid_rules.yaml']);
});

test('expressions may use what is switched on', () => {
  const text = 'groups: [{name: g, rules: [{record: a, expr: "limitk(1, x)"}]}]';
  expect(() => read(text)).toThrow('limitk() is experimental and must be enabled');
  const features = { experimentalFunctions: true };
  const [group] = parseRuleFile(text, 'r.yml', { ...defaults, features }).groups;
  expect(group?.rules).toHaveLength(1);
});
