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
      const path = request.url ?? '';
      requests.push({ path, body: (text === '' ? {} : JSON.parse(text)) as Recorded['body'] });
      response.setHeader('content-type', 'application/json');
      // Enough of an answer for every service; the real program dies of a Telegram answer without a chat.
      response.end(
        '{"ok":true,"errcode":0,"access_token":"t","result":{"message_id":1,"chat":{"id":42}}}',
      );
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

async function start(
  kind: 'ours' | 'real',
  text: (url: string) => string = configText,
): Promise<Running> {
  const { url, requests } = await recorder();
  const directory = stage.directory();
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'am.yml');
  writeFileSync(config, text(url));
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

/** Names of 0.25 that 0.34 has no more, those of a cluster, and those of Go. */
const notOurs =
  /^(?:alertmanager_(?:marked_alerts|cluster_|peer_|oversized?_)|go_|promhttp_metric_handler_)/;

describe.runIf(built && realPath !== undefined)('metrics', () => {
  test('every name of the real one, and requests by handler', async () => {
    const [ours, real] = await Promise.all([start('ours', bareText), start('real', bareText)]);
    const metrics = async ({ api, address }: Running): Promise<string> => {
      await fetch(`${api}/silence/00000000-0000-4000-8000-000000000000`);
      await fetch(`${api}/no/such/place`);
      return (await fetch(`http://${address}/metrics`)).text();
    };
    const names = (text: string): string[] =>
      [...text.matchAll(/^# TYPE (\S+ \S+)$/gm)].map(([, name = '']) => name);
    const [mine, theirs] = await Promise.all([metrics(ours), metrics(real)]);
    const own = new Set(names(mine));
    expect(names(theirs).filter((name) => !notOurs.test(name) && !own.has(name))).toEqual([]);
    expect(mine).toContain(
      'alertmanager_http_request_duration_seconds_count{code="404",handler="/api/v2/silence/{silenceID}",method="get"} 1\n',
    );
    expect(mine).toContain(
      'alertmanager_http_response_size_bytes_count{handler="/api/",method="get"} 1\n',
    );
    expect(mine).toContain('alertmanager_http_requests_in_flight{method="get"} 1\n');
  }, 40_000);
});

const servicesText = (url: string): string => `
global:
  slack_api_url: '${url}/slack'
  pagerduty_url: '${url}/pagerduty'
  opsgenie_api_url: '${url}/opsgenie/'
  opsgenie_api_key: key
  victorops_api_url: '${url}/victorops/'
  victorops_api_key: key
  telegram_api_url: '${url}/telegram'
  wechat_api_url: '${url}/wechat/'
  wechat_api_secret: secret
  wechat_api_corp_id: corp
route: {receiver: all, group_by: [dc], group_wait: 500ms, group_interval: 1s}
receivers:
- name: all
  slack_configs:
  - {channel: '#a', send_resolved: true}
  - channel: '#b {{ .Status }}'
    title: '{{ .CommonLabels.alertname | title }}'
    text: '{{ range .Alerts }}{{ .Annotations.summary }};{{ end }}'
    fields: [{title: t, value: '{{ len .Alerts }}', short: true}, {title: u, value: v}]
    actions: [{type: button, text: go, url: 'http://x/{{ .GroupLabels.dc }}', confirm: {text: sure}}]
    short_fields: true
    send_resolved: true
  pagerduty_configs:
  - {routing_key: key, images: [{src: 's', alt: a}], links: [{href: h, text: '{{ .Status }}'}], details: {more: '{{ .ExternalURL }}'}}
  opsgenie_configs:
  - {tags: 'a, b', responders: [{name: team, type: team}], priority: P1, details: {k: '{{ .Receiver }}'}, note: n}
  victorops_configs: [{routing_key: r, custom_fields: {c: '{{ .Status }}'}}]
  telegram_configs: [{bot_token: token, chat_id: 42}]
  discord_configs: [{webhook_url: '${url}/discord'}]
  webex_configs:
  - {api_url: '${url}/webex', room_id: room, http_config: {authorization: {credentials: c}}}
  wechat_configs: [{to_user: u, send_resolved: true}]
`;

describe.runIf(built && realPath !== undefined)('services beside the real Alertmanager', () => {
  test('the same payloads', async () => {
    const [ours, real] = await Promise.all([
      start('ours', servicesText),
      start('real', servicesText),
    ]);
    const starts = soon();
    const run = async (running: Running): Promise<Record<string, unknown>[]> => {
      await post(running, '/alerts', [
        alert(starts, 'Disk', { dc: 'x', instance: 'a', severity: 'page' }),
        alert(starts, 'Disk', { dc: 'x', instance: 'b <i>', severity: 'page' }),
      ]);
      await eventually('all are told', () => (running.requests.length >= 10 ? true : undefined));
      await sleep(700);
      const now = new Date().toISOString();
      await post(running, '/alerts', [
        alert(starts, 'Disk', { dc: 'x', instance: 'a', severity: 'page' }, now),
        alert(starts, 'Disk', { dc: 'x', instance: 'b <i>', severity: 'page' }, now),
      ]);
      await eventually('all are told that it is over', () =>
        running.requests.length >= 19 ? true : undefined,
      );
      await sleep(300);
      const text = (value: unknown): string => JSON.stringify(value);
      return running.requests
        .map(({ path, body }) => ({ path, body }))
        .sort((a, b) => (text(a) < text(b) ? -1 : 1));
    };
    const [mine, theirs] = await Promise.all([run(ours), run(real)]);
    expect(mine.map(({ path }) => path)).toEqual(theirs.map(({ path }) => path));
    expect(mine).toEqual(theirs);
  }, 40_000);
});

/** Ours shows webhook URLs as `<secret>`, as 0.34 does; amtool 0.25 cannot read that, so there are none. */
const bareText = (): string => `
route: {receiver: default, group_by: [dc], routes: [{matchers: [team="db"], receiver: db}]}
receivers: [{name: default}, {name: db}]
`;

describe.runIf(built && amtoolPath !== undefined)('the real amtool on ours', () => {
  test('silences, alerts and routes', async () => {
    const ours = await start('ours', bareText);
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
