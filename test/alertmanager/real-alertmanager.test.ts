// SPDX-License-Identifier: Apache-2.0
// Ours beside the real Alertmanager: the same configuration, the same alerts, the same notifications; and
// the real amtool on ours.
//
// Known differences of 0.25 (the packaged one) to 0.34 (what we are): webhook bodies have no
// notification_reason and no routeLabels there.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { built, eventually, freePort, sleep, Stage } from '../e2e/program.ts';
import { peerPath } from '../peers.ts';

const stage = new Stage();
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) server.close();
  await stage.close();
});

const realPath = peerPath('prometheus-alertmanager');
const amtoolPath = peerPath('amtool');

interface Recorded {
  readonly path: string;
  readonly body: Record<string, unknown> & {
    alerts: { labels: Record<string, string>; status: string }[];
  };
}

async function recorder(): Promise<{ url: string; requests: Recorded[] }> {
  const requests: Recorded[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      requests.push({ path: request.url ?? '', body: JSON.parse(text) as Recorded['body'] });
      response.end();
    });
  });
  servers.push(server);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${port}`, requests };
}

const configText = (url: string): string => `
route:
  receiver: default
  group_by: [dc]
  group_wait: 300ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - matchers: [team="db"]
    receiver: db
    continue: true
  - matchers: [alertname=~"Muted.*"]
    receiver: db
    mute_time_intervals: [always]
receivers:
- name: default
  webhook_configs: [{url: '${url}/default'}]
- name: db
  webhook_configs: [{url: '${url}/db', send_resolved: false, max_alerts: 1}]
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity="warning"]
  equal: [dc]
time_intervals:
- name: always
  time_intervals: [{years: ['2000:3000']}]
`;

interface Running {
  readonly api: string;
  readonly requests: Recorded[];
  readonly address: string;
}

async function start(kind: 'ours' | 'real'): Promise<Running> {
  const { url, requests } = await recorder();
  const directory = stage.directory();
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'am.yml');
  writeFileSync(config, configText(url));
  const args = [
    `--config.file=${config}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--web.external-url=http://am.example/x',
    '--web.route-prefix=/',
    '--cluster.listen-address=',
  ];
  if (kind === 'ours') stage.hearth(['alertmanager', ...args]);
  else stage.run(realPath ?? '', args);
  await eventually(`${kind} is ready`, async () => {
    const response = await fetch(`http://${address}/-/ready`).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  });
  return { api: `http://${address}/api/v2`, requests, address };
}

/** In the future, so that every group waits: the real inhibitor needs a moment to see its sources. */
const soon = (): string => new Date(Date.now() + 1000).toISOString();

async function post(running: Running, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(running.api + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return text === '' ? undefined : JSON.parse(text);
}

const alert = (starts: string, name: string, labels: Record<string, string>, endsAt?: string) => ({
  labels: { alertname: name, ...labels },
  annotations: { summary: `about ${name}`, shared: 'yes' },
  startsAt: starts,
  generatorURL: 'http://prom.example/graph',
  ...(endsAt === undefined ? {} : { endsAt }),
});

/** What a body says, without what differs by version. */
function comparable({ path, body }: Recorded): unknown {
  const { notification_reason: _reason, routeLabels: _labels, ...rest } = body;
  const alerts = rest.alerts.map((each) => ({
    ...each,
    endsAt: each.status === 'firing' ? 'none' : 'some',
  }));
  return { path, ...rest, alerts };
}

async function scenario(running: Running, starts: string): Promise<unknown[]> {
  const { requests } = running;
  const until = (count: number, what: string) =>
    eventually(what, () => (requests.length >= count ? true : undefined));
  await post(running, '/silences', {
    matchers: [{ name: 'alertname', value: 'Quiet', isRegex: false, isEqual: true }],
    startsAt: new Date(Date.now() - 1000).toISOString(),
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    createdBy: 'test',
    comment: 'c',
  });
  await post(running, '/alerts', [
    alert(starts, 'Big', { dc: 'x', severity: 'critical', instance: 'b' }),
    alert(starts, 'Small', { dc: 'x', severity: 'warning', instance: 'a' }),
    alert(starts, 'Other', { dc: 'x', instance: 'a', team: 'db' }),
    alert(starts, 'Second', { dc: 'x', team: 'db', job: 'j' }),
    alert(starts, 'Quiet', { dc: 'x' }),
    alert(starts, 'MutedOne', { dc: 'z' }),
    alert(starts, 'Far', { dc: 'y', severity: 'warning' }),
  ]);
  await until(3, 'the first notifications');
  await sleep(1200);
  const now = new Date().toISOString();
  await post(running, '/alerts', [
    alert(starts, 'Far', { dc: 'y', severity: 'warning' }, now),
    alert(starts, 'Second', { dc: 'x', team: 'db', job: 'j' }, now),
  ]);
  await until(4, 'the resolved ones');
  await sleep(1500);
  const order = (recorded: unknown): string => JSON.stringify(recorded);
  return requests.map(comparable).sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

describe.runIf(built && realPath !== undefined)('beside the real Alertmanager', () => {
  test('the same notifications', async () => {
    const [ours, real] = await Promise.all([start('ours'), start('real')]);
    const starts = soon();
    const [mine, theirs] = await Promise.all([scenario(ours, starts), scenario(real, starts)]);
    expect(mine.length).toBeGreaterThanOrEqual(4);
    expect(mine).toEqual(theirs);
    const list = async ({ api }: Running) =>
      ((await (await fetch(`${api}/alerts`)).json()) as Record<string, unknown>[]).map(
        ({ fingerprint, labels, receivers, status }) => {
          const { state, silencedBy, inhibitedBy } = status as Record<string, unknown[] | string>;
          return {
            fingerprint,
            labels,
            receivers,
            state,
            silenced: silencedBy?.length,
            inhibitedBy,
          };
        },
      );
    expect(await list(ours)).toEqual(await list(real));
    expect(ours.requests[0]?.body.notification_reason).toBe('first notification');
  }, 40_000);
});

describe.runIf(built && amtoolPath !== undefined)('the real amtool on ours', () => {
  test('silences, alerts and routes', async () => {
    const ours = await start('ours');
    const amtool = (...args: string[]): string => {
      const done = spawnSync(
        amtoolPath ?? '',
        [`--alertmanager.url=http://${ours.address}`, ...args],
        {
          encoding: 'utf8',
        },
      );
      expect(done.status, done.stderr + done.stdout).toBe(0);
      return done.stdout;
    };
    amtool('alert', 'add', 'Disk', 'node=a', '--annotation=summary=full');
    expect(amtool('alert', 'query', '-o', 'extended')).toMatch(/alertname="Disk" node="a"/);
    const id = amtool(
      'silence',
      'add',
      'Disk',
      'node=~a|b',
      '--comment=c',
      '--author=me',
      '--duration=1h',
    ).trim();
    expect(amtool('silence', 'query', '-q')).toContain(id);
    expect(amtool('silence', 'query')).toMatch(/alertname="Disk" node=~"a\|b"/);
    expect(amtool('alert', 'query')).not.toContain('Disk');
    expect(amtool('alert', 'query', '-s')).toContain('Disk');
    amtool('silence', 'update', '--duration=2h', id);
    amtool('silence', 'expire', id);
    expect(amtool('silence', 'query', '-q')).not.toContain(id);
    expect(amtool('config', 'routes', 'test', 'team=db').trim()).toBe('db');
    expect(amtool('config', 'routes', 'show')).toContain('receiver: default');
    expect(amtool('config', 'show')).toContain('group_by');
    expect(amtool('cluster', 'show')).toContain('disabled');
  }, 40_000);
});
