// SPDX-License-Identifier: Apache-2.0
// From a rule of ours to the real Alertmanager.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { peerPath } from '../peers.ts';
import { ApiClient, built, eventually, freePort, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

const alertmanagerPath = peerPath('prometheus-alertmanager');

interface AmAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generatorURL: string;
  readonly startsAt: string;
  readonly endsAt: string;
}

describe.runIf(built && alertmanagerPath !== undefined)('alerting', () => {
  test('the real Alertmanager hears of what fires and what is over', async () => {
    const directory = stage.directory();
    const am = `127.0.0.1:${await freePort()}`;
    const self = `127.0.0.1:${await freePort()}`;
    writeFileSync(
      join(directory, 'am.yml'),
      'route: {receiver: none}\nreceivers: [{name: none}]\n',
    );
    stage.run(alertmanagerPath ?? '', [
      `--config.file=${join(directory, 'am.yml')}`,
      `--storage.path=${join(directory, 'am')}`,
      `--web.listen-address=${am}`,
      '--cluster.listen-address=',
    ]);
    const rules = join(directory, 'rules.yml');
    const rule = (expression: string): string =>
      `groups: [{name: g, interval: 200ms, rules: [{alert: Here, expr: '${expression}', labels: {region: rule}, annotations: {s: '{{ $value }}'}}]}]`;
    writeFileSync(rules, rule('vector(7) > 3'));
    const config = join(directory, 'prometheus.yml');
    writeFileSync(
      config,
      `global: {external_labels: {region: eu, dc: x}}\nrule_files: [rules.yml]\nalerting:\n  alert_relabel_configs: [{action: labeldrop, regex: dc}]\n  alertmanagers:\n  - timeout: 2s\n    static_configs: [{targets: ['${am}']}]\n`,
    );
    const program = stage.hearth([
      'server',
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${self}`,
      '--web.external-url=http://mon.example/p',
      '--rules.alert.resend-delay=200ms',
    ]);
    const api = new ApiClient(`http://${self}/p`);
    await api.ready();
    const ask = async (): Promise<AmAlert[]> => {
      const response = await fetch(`http://${am}/api/v2/alerts`).catch(() => undefined);
      return response?.ok === true ? ((await response.json()) as AmAlert[]) : [];
    };
    const alert = await eventually('the alert arrives', async () => (await ask())[0]);
    expect(alert).toMatchObject({
      labels: { alertname: 'Here', region: 'rule' },
      annotations: { s: '7' },
      generatorURL: 'http://mon.example/p/graph?g0.expr=vector%287%29+%3E+3&g0.tab=1',
    });
    expect(Object.keys(alert.labels)).toHaveLength(2);
    expect(Date.parse(alert.endsAt)).toBeGreaterThan(Date.parse(alert.startsAt));
    expect((await api.get('/alertmanagers')).data).toEqual({
      activeAlertmanagers: [{ url: `http://${am}/api/v2/alerts` }],
      droppedAlertmanagers: [],
    });

    writeFileSync(rules, rule('vector(1) > 3'));
    program.process.kill('SIGHUP');
    await eventually('the alert is resolved', async () =>
      (await ask()).length === 0 ? true : undefined,
    );
    const metrics = await (await fetch(`http://${self}/p/metrics`)).text();
    expect(metrics).toMatch(/prometheus_notifications_sent_total\{alertmanager="[^"]+"\} [1-9]/);
    expect(metrics).toMatch(/prometheus_notifications_errors_total\{alertmanager="[^"]+"\} 0/);
    program.process.kill('SIGTERM');
    expect(await program.exit()).toBe(0);
    expect(existsSync(join(directory, 'data'))).toBe(true);
  });
});
