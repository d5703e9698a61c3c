// SPDX-License-Identifier: Apache-2.0
// Receivers and configurations at their worst: they cost themselves, and nobody else.

import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { built, eventually, freePort, type Program, Stage } from '../e2e/program.ts';

const stage = new Stage();
const servers: (Server | ReturnType<typeof createHttpServer>)[] = [];
afterAll(async () => {
  await stage.close();
  for (const server of servers) server.close();
});

async function listen(server: Server | ReturnType<typeof createHttpServer>): Promise<string> {
  servers.push(server);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return `http://127.0.0.1:${port}/`;
}

async function start(
  config: string,
  more: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
) {
  const directory = stage.directory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const address = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(directory, 'am.yml'), config);
  const program = stage.hearth([
    'alertmanager',
    `--config.file=${join(directory, 'am.yml')}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
    ...more,
  ]);
  return { program, url: `http://${address}` };
}

async function ready(program: Program, url: string): Promise<void> {
  await eventually('it is ready', async () => {
    if (program.process.exitCode !== null) throw new Error(program.stderr);
    const response = await fetch(`${url}/-/ready`).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  });
}

const post = (url: string, path: string, body: unknown): Promise<Response> =>
  fetch(`${url}/api/v2${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

interface Traced {
  readonly flushes: readonly {
    readonly integrations: readonly {
      readonly type: string;
      readonly index: number;
      readonly outcome: string;
      readonly attempts: number;
      readonly failure?: { readonly reason: string; readonly message: string };
    }[];
  }[];
}

describe.runIf(built)('receivers at their worst', () => {
  test('none of them delays the one that works', async () => {
    const told: string[] = [];
    const good = await listen(
      createHttpServer((request, response) => {
        request.setEncoding('utf8').on('data', (chunk: string) => told.push(chunk));
        request.on('end', () => response.end());
      }),
    );
    const hangs = await listen(createHttpServer(() => undefined));
    const refuses = await listen(
      createHttpServer((request, response) => {
        request.resume();
        response.statusCode = 500;
        response.end('broken');
      }),
    );
    const nonsense = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => socket.end('\u0000\u0001 what? \r\n\r\n'.repeat(50)));
      }),
    );
    const closes = await listen(createServer((socket) => socket.destroy()));
    const endless = await listen(
      createHttpServer((request, response) => {
        request.resume();
        const timer = setInterval(() => response.write('x'.repeat(100_000)), 5);
        response.on('error', () => undefined);
        response.on('close', () => clearInterval(timer));
      }),
    );
    const webhook = (url: string): string => `  - {url: '${url}'}\n`;
    const { program, url } = await start(
      `route: {receiver: all, group_wait: 100ms, group_interval: 10m}
receivers:
- name: all
  webhook_configs:
${[hangs, refuses, nonsense, closes, endless].map(webhook).join('')}  - {url: '${good}'}
  slack_configs:
  - {api_url: '${good}', text: '{{ range .Alerts }}{{ template "loop" . }}{{ end }}'}
  - {api_url: '${good}', text: '{{ define "a" }}{{ range 100000 }}{{ range 100000 }}xxxxxxxxxx{{ end }}{{ end }}{{ end }}{{ template "a" . }}'}
  - {api_url: '${good}', text: '{{ .Nothing.At.All }}'}
  - {api_url: '${good}', text: '{{ index .Alerts 99 }}'}
templates: ['*.tmpl']
`,
      [],
      { 'loop.tmpl': '{{ define "loop" }}{{ template "loop" . }}{{ end }}' },
    );
    await ready(program, url);
    await post(url, '/alerts', [{ labels: { alertname: 'One' } }]);
    await eventually('the good one is told', () => told.find((text) => text.includes('groupKey')));
    const [alert] = (await (await fetch(`${url}/api/v2/alerts`)).json()) as {
      fingerprint: string;
    }[];
    const outcomes = await eventually('each has its story', async () => {
      const trace = (await (
        await fetch(`${url}/api/v1/alerts/${alert?.fingerprint}/trace`)
      ).json()) as Traced;
      const all = trace.flushes[0]?.integrations ?? [];
      const tried = all.filter(({ attempts, outcome, failure }) =>
        outcome === 'sending' ? failure !== undefined && attempts > 1 : true,
      );
      // All but the one that hangs, which has no answer to show.
      return tried.length >= all.length - 1 && all.length === 10 ? all : undefined;
    });
    const story = outcomes.map(({ type, index, outcome, failure }) => [
      `${type}[${index}] ${outcome}`,
      failure?.reason ?? '',
    ]);
    expect(story).toContainEqual(['webhook[0] sending', '']);
    expect(story).toContainEqual(['webhook[1] sending', 'serverError']);
    expect(story).toContainEqual(['webhook[2] sending', 'other']);
    expect(story).toContainEqual(['webhook[3] sending', 'other']);
    expect(story).toContainEqual(['webhook[5] sent', '']);
    for (const index of [0, 1, 2, 3])
      expect(story).toContainEqual([`slack[${index}] failed`, 'clientError']);
    // It answers all the while, and each failure is counted and logged.
    expect((await fetch(`${url}/-/healthy`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(
      'alertmanager_notifications_failed_total{integration="slack",reason="clientError"} 4\n',
    );
    expect(program.stderr).toMatch(/Notify for alerts failed.*slack\[0\]/);
    expect(program.stderr).toMatch(/Notify attempt failed, will retry later.*webhook\[1\]/);
    // Those that are being told do not hold up the end either.
    expect(await program.end()).toBe(0);
  }, 60_000);
});

describe.runIf(built)('configurations and silences at their worst', () => {
  test('a silence of everything is refused, whatever it is written as', async () => {
    const { program, url } = await start('route: {receiver: a}\nreceivers: [{name: a}]\n');
    await ready(program, url);
    const times = {
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
      createdBy: 'me',
      comment: 'all of it',
    };
    for (const matcher of [
      { name: 'alertname', value: '.*', isRegex: true },
      { name: 'alertname', value: '', isRegex: false },
      { name: 'alertname', value: '.+', isRegex: true, isEqual: false },
      { name: 'x', value: 'never', isRegex: false, isEqual: false },
    ]) {
      const answer = await post(url, '/silences', { ...times, matchers: [matcher] });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('at least one matcher must not match the empty string');
    }
    const bad = { name: 'a', value: '(', isRegex: true };
    expect((await post(url, '/silences', { ...times, matchers: [bad] })).status).toBe(400);
    expect(await (await fetch(`${url}/api/v2/silences`)).text()).toBe('[]\n');
    expect(await program.end()).toBe(0);
  }, 30_000);

  test('unknown receivers and routes that contain themselves end the start with the place', async () => {
    const ends = async (config: string, why: RegExp): Promise<void> => {
      const { program } = await start(config);
      expect(await program.exit()).toBe(1);
      expect(program.stderr).toMatch(why);
    };
    await ends(
      'route: {receiver: nobody}\nreceivers: [{name: a}]\n',
      /am\.yml:1:\d+.*undefined receiver/,
    );
    await ends('route: &r {receiver: a, routes: [*r]}\nreceivers: [{name: a}]\n', /am\.yml:1/);
  }, 30_000);

  test('alerts over the limit by name are counted and logged, the others stay', async () => {
    const { program, url } = await start('route: {receiver: a}\nreceivers: [{name: a}]\n', [
      '--alerts.per-alertname-limit=2',
    ]);
    await ready(program, url);
    const alerts = Array.from({ length: 5 }, (_, i) => ({
      labels: { alertname: 'Same', i: String(i) },
    }));
    await post(url, '/alerts', [...alerts, { labels: { alertname: 'Other' } }]);
    const listed = (await (await fetch(`${url}/api/v2/alerts`)).json()) as unknown[];
    expect(listed).toHaveLength(3);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('alertmanager_alerts_limited_total 3\n');
    expect(metrics).toContain('alertmanager_alerts_per_alert_limit 2\n');
    expect(program.stderr).toMatch(/per-alertname-limit are dropped.*dropped=3/);
  }, 30_000);
});
