// SPDX-License-Identifier: Apache-2.0
// Rules of the real server: recorded series, alerts with templates that ask queries, reload, restart.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ApiClient, built, eventually, freePort, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

const ruleText = (summary: string): string => `
groups:
- name: example
  interval: 200ms
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {kind: recorded}
  - alert: ManyUp
    expr: job:up:sum{kind="recorded"} > 0
    labels: {severity: '{{ if gt $value 0.5 }}high{{ else }}low{{ end }}'}
    annotations:
      summary: '${summary} {{ $labels.job }} {{ with query "up" }}{{ . | first | value }}{{ end }}'
  - alert: Broken
    expr: up{job="a"} + on() up{job="a"}
  - record: bad
    expr: up * on() group_left() (up or label_replace(up, "x", "1", "", ""))
`;

describe.runIf(built)('rules', () => {
  test('record, alert, show their state, and are read again', async () => {
    const directory = stage.directory();
    const self = `127.0.0.1:${await freePort()}`;
    const config = join(directory, 'prometheus.yml');
    const rules = join(directory, 'first.rules.yml');
    writeFileSync(rules, ruleText('up:'));
    writeFileSync(
      config,
      `global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nrule_files: ['*.rules.yml']\nscrape_configs:\n- job_name: self\n  static_configs: [{targets: ['${self}']}]\n`,
    );
    const flags = [
      'server',
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${self}`,
      '--web.enable-lifecycle',
    ];
    const program = stage.hearth(flags);
    const api = new ApiClient(`http://${self}`);
    await api.ready();
    const firing = await eventually('the alert fires', async () => {
      const { data } = await api.get('/query', { query: 'ALERTS{alertname="ManyUp"}' });
      return (data as { result: unknown[] }).result[0];
    });
    expect(firing).toMatchObject({
      metric: { alertstate: 'firing', job: 'self', kind: 'recorded', severity: 'high' },
    });
    const { data: alerts } = await api.get('/alerts');
    expect(alerts).toMatchObject({
      alerts: [
        {
          labels: { alertname: 'ManyUp', job: 'self' },
          annotations: { summary: 'up: self 1' },
          state: 'firing',
          value: '1e+00',
        },
      ],
    });
    const { data } = await api.get('/rules');
    const [group] = (data as { groups: { rules: Record<string, unknown>[] }[] }).groups;
    expect(group).toMatchObject({ name: 'example', file: rules, interval: 0.2, limit: 0 });
    expect(
      group?.rules.map(({ name, type, health, state }) => [name, type, health, state]),
    ).toEqual([
      ['job:up:sum', 'recording', 'ok', undefined],
      ['ManyUp', 'alerting', 'ok', 'firing'],
      ['Broken', 'alerting', 'ok', 'inactive'],
      ['bad', 'recording', 'err', undefined],
    ]);
    expect(group?.rules[0]?.query).toBe('sum by (job) (up)');
    expect(String(group?.rules[3]?.lastError)).toContain('found duplicate series');
    expect((await api.get('/rules', { type: 'record', 'rule_name[]': 'bad' })).data).toMatchObject({
      groups: [{ rules: [{ name: 'bad' }] }],
    });
    expect(await api.get('/rules', { type: 'x' })).toMatchObject({ httpStatus: 400 });

    // A bad file changes nothing; a good one does.
    writeFileSync(rules, 'groups: [{name: x, rules: [{record: a, expr: "sum("}]}]');
    const refused = await fetch(`http://${self}/-/reload`, { method: 'POST' });
    expect([refused.status, await refused.text()]).toEqual([
      500,
      expect.stringContaining('could not parse expression'),
    ]);
    expect((await api.get('/rules')).data).toMatchObject({ groups: [{ name: 'example' }] });
    writeFileSync(rules, ruleText('now:'));
    expect((await fetch(`http://${self}/-/reload`, { method: 'POST' })).status).toBe(200);
    await eventually('the new annotation is there', async () => {
      const { data: now } = await api.get('/alerts');
      return JSON.stringify(now).includes('now: self 1') || undefined;
    });
    program.process.kill('SIGTERM');
    expect(await program.exit()).toBe(0);
  });
});
