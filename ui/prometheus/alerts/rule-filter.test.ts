// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { RuleGroupData } from '../../../src/apitypes/index.ts';
import {
  type AlertState,
  countStates,
  filterGroups,
  isAlerting,
  type Rule,
} from './rule-filter.ts';

const base = {
  query: 'up == 0',
  labels: {},
  health: 'ok',
  evaluationTime: 0,
  lastEvaluation: '',
} as const;
const alerting = (name: string, state: AlertState): Rule => ({
  ...base,
  type: 'alerting',
  name,
  state,
  duration: 0,
  keepFiringFor: 0,
  labels: { severity: 'page' },
  annotations: {},
  alerts: [],
});
const group = (name: string, rules: readonly Rule[]): RuleGroupData => ({
  name,
  file: 'rules.yml',
  rules,
  interval: 60,
  limit: 0,
  evaluationTime: 0,
  lastEvaluation: '',
});
const groups = [
  group('nodes', [alerting('Down', 'firing'), { ...base, type: 'recording', name: 'job:up:sum' }]),
  group('apps', [alerting('Slow', 'inactive')]),
];
const names = (search: string): string[] =>
  filterGroups(groups, search, isAlerting).map(
    ({ group: { name }, rules }) => `${name}: ${rules.map((rule) => rule.name)}`,
  );

test('rules of a kind, found by their texts', () => {
  expect(names('')).toEqual(['nodes: Down', 'apps: Slow']);
  expect(names('PAGE nodes')).toEqual(['nodes: Down']);
  expect(names('job:up')).toEqual([]);
});

test('states', () => {
  expect(countStates(groups)).toEqual({ firing: 1, pending: 0, inactive: 1, unknown: 0 });
});
