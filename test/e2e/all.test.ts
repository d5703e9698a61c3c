// SPDX-License-Identifier: Apache-2.0
// Plain `hearth`: everything in one process, and the way from a pushed metric to Alertmanager's page.

import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../tools/tidy.ts';
import {
  ApiClient,
  available,
  built,
  eventually,
  freePort,
  type Program,
  Stage,
} from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

const chromiumPath = '/usr/bin/chromium';

interface All {
  readonly program: Program;
  readonly directory: string;
  /** host:port of each part. */
  readonly server: string;
  readonly pushgateway: string;
  readonly alertmanager: string;
}

async function startAll(more: readonly string[] = []): Promise<All> {
  const directory = stage.directory();
  const [server, exporter, pushgateway, alertmanager] = [
    `127.0.0.1:${await freePort()}`,
    `127.0.0.1:${await freePort()}`,
    `127.0.0.1:${await freePort()}`,
    `127.0.0.1:${await freePort()}`,
  ];
  const program = stage.hearth(
    [
      `--web.listen-address=${server}`,
      `--node-exporter.listen-address=${exporter}`,
      `--pushgateway.listen-address=${pushgateway}`,
      `--alertmanager.listen-address=${alertmanager}`,
      ...more,
    ],
    directory,
  );
  await new ApiClient(`http://${server}`).ready();
  return { program, directory, server, pushgateway, alertmanager };
}

const push = async ({ pushgateway }: All, method: 'POST' | 'DELETE'): Promise<void> => {
  const body = method === 'POST' ? { body: 'try_alert 1\n' } : {};
  const answer = await fetch(`http://${pushgateway}/metrics/job/try`, { method, ...body });
  expect(answer.ok).toBe(true);
};

interface ShownAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly generatorURL: string;
}

const alerts = async ({ alertmanager }: All): Promise<readonly ShownAlert[]> =>
  (await (await fetch(`http://${alertmanager}/api/v2/alerts`)).json()) as ShownAlert[];

describe.runIf(built)('everything in one process', () => {
  test('a pushed metric becomes an alert on the page, and ends', async () => {
    const all = await startAll();
    await eventually('the lines are printed', () =>
      all.program.stdout.includes('Ctrl+C') ? true : undefined,
    );
    expect(all.program.stdout).toContain(`Alerts                   http://${all.alertmanager}/`);
    expect(all.program.stdout).toContain(
      `echo 'try_alert 1' | curl --data-binary @- http://${all.pushgateway}/metrics/job/try`,
    );
    await push(all, 'POST');
    const [alert] = await eventually('the alert is there', async () => {
      const now = await alerts(all);
      return now.length > 0 ? now : undefined;
    });
    expect(alert?.labels).toEqual({ alertname: 'Tried', job: 'try', severity: 'none' });
    // The link back leads to where the server listens.
    expect(alert?.generatorURL).toMatch(new RegExp(`^http://${all.server}/graph\\?`));
    expect((await fetch(alert?.generatorURL ?? '')).status).toBe(200);

    if (available(chromiumPath)) {
      const browser = await chromium.launch({
        executablePath: chromiumPath,
        args: ['--no-sandbox'],
      });
      try {
        const page = await browser.newPage({ viewport: { width: 1200, height: 700 } });
        await page.goto(`http://${all.alertmanager}/`);
        await page.getByText('somebody pushed try_alert with the value 1').first().waitFor();
        const shots = process.env.HEARTH_SCREENSHOTS;
        if (shots !== undefined) await page.screenshot({ path: join(shots, 'all-alerts.png') });
      } finally {
        await browser.close();
      }
    }

    await push(all, 'DELETE');
    await eventually('the alert is over', async () =>
      (await alerts(all)).length === 0 ? true : undefined,
    );
    const { data } = await new ApiClient(`http://${all.server}`).get('/targets');
    const jobs = data.activeTargets.map(({ scrapePool }: { scrapePool: string }) => scrapePool);
    expect(jobs.sort()).toEqual(['alertmanager', 'node', 'prometheus', 'pushgateway']);
    expect(await all.program.end()).toBe(0);
    expect(existsSync(join(all.directory, 'data/alertmanager/silences'))).toBe(true);
  }, 60_000);

  test("a configuration of Alertmanager of one's own tells somebody; the examples are right", async () => {
    const told: string[] = [];
    const receiver = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (chunk: string) => told.push(chunk));
      request.on('end', () => response.end());
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const address = receiver.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const directory = stage.directory();
    const config = join(directory, 'am.yml');
    writeFileSync(
      config,
      `route: {receiver: me, group_wait: 100ms}\nreceivers: [{name: me, webhook_configs: [{url: 'http://127.0.0.1:${port}/'}]}]\n`,
    );
    try {
      const all = await startAll([`--alertmanager.config.file=${config}`]);
      await push(all, 'POST');
      await eventually('somebody is told', () => told[0]);
      expect(JSON.parse(told.join(''))).toMatchObject({ status: 'firing', receiver: 'me' });
      expect(await all.program.end()).toBe(0);
    } finally {
      receiver.closeAllConnections();
      receiver.close();
    }
    const examples = join(repositoryRoot, 'examples');
    for (const args of [
      ['promtool', 'check', 'rules', join(examples, 'rules.yml')],
      ['amtool', 'check-config', join(examples, 'alertmanager.yml')],
    ]) {
      const tool = stage.hearth(args);
      expect(await tool.exit(), tool.stdout + tool.stderr).toBe(0);
    }
  }, 60_000);

  test('a taken port is said in one line, with the flag that moves it', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const program = stage.hearth(
      [
        '--web.listen-address=127.0.0.1:0',
        '--node-exporter.listen-address=127.0.0.1:0',
        '--pushgateway.listen-address=127.0.0.1:0',
        `--alertmanager.listen-address=127.0.0.1:${port}`,
      ],
      stage.directory(),
    );
    expect(await program.exit()).toBe(1);
    expect(program.stderr).toBe(
      `hearth: cannot listen on 127.0.0.1:${port}: the address is already in use; --alertmanager.listen-address=HOST:PORT gives another\n`,
    );
    taken.close();
  }, 30_000);
});
