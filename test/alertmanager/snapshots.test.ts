// SPDX-License-Identifier: Apache-2.0
// The files of one Alertmanager taken over by the other: silences are there, nobody is told twice.

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { built, eventually, freePort, type Program, sleep, Stage } from '../e2e/program.ts';
import { peerPath } from '../peers.ts';

const realPath = peerPath('prometheus-alertmanager');
const stage = new Stage();
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) server.close();
  await stage.close();
});

type Kind = 'ours' | 'real';

interface Told {
  readonly status: string;
  readonly names: string[];
}

async function recorder(): Promise<{ url: string; told: Told[] }> {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const { status, alerts } = JSON.parse(text) as {
        status: string;
        alerts: { labels: { alertname: string }; status: string }[];
      };
      const names = alerts.map((each) => `${each.labels.alertname} ${each.status}`);
      told.push({ status, names: names.sort() });
      response.end();
    });
  });
  servers.push(server);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${port}`, told };
}

interface Running {
  readonly program: Program;
  readonly api: string;
}

async function start(kind: Kind, directory: string): Promise<Running> {
  const address = `127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${join(directory, 'am.yml')}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ];
  const program =
    kind === 'ours' ? stage.hearth(['alertmanager', ...args]) : stage.run(realPath ?? '', args);
  await eventually(`${kind} is ready`, async () => {
    if (program.process.exitCode !== null) throw new Error(`it ended: ${program.stderr}`);
    const response = await fetch(`http://${address}/-/ready`).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  });
  return { program, api: `http://${address}/api/v2` };
}

async function post({ api }: Running, path: string, body: unknown): Promise<string> {
  const response = await fetch(api + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return text;
}

const startedAt = new Date(Date.now() - 60_000).toISOString();
const alert = (alertname: string, labels: Record<string, string> = {}) => ({
  labels: { alertname, ...labels },
  startsAt: startedAt,
  endsAt: new Date(Date.now() + 600_000).toISOString(),
});

const matcher = (name: string, value: string, isRegex: boolean, isEqual: boolean) => ({
  name,
  value,
  isRegex,
  isEqual,
});

/** One of every kind of matcher, in every state. */
const silenceBodies = (): Record<string, unknown>[] => {
  const now = Date.now();
  const body = (matchers: unknown[], startMs: number, endMs: number, comment: string) => ({
    matchers,
    startsAt: new Date(now + startMs).toISOString(),
    endsAt: new Date(now + endMs).toISOString(),
    createdBy: 'größe',
    comment,
  });
  return [
    body([matcher('alertname', 'Quiet', false, true)], 0, 3_600_000, 'one "line"\nand two'),
    body([matcher('alertname', 'Q.*|ü', true, true)], 0, 7_200_000, 'regex'),
    body(
      [matcher('alertname', 'Quiet', false, true), matcher('dc', 'x', false, false)],
      0,
      1_800_000,
      'negative',
    ),
    body(
      [matcher('alertname', 'Quiet', false, true), matcher('dc', 'a|b', true, false)],
      0,
      900_000,
      'negative regex',
    ),
    body([matcher('later', '1', false, true)], 1_800_000, 3_600_000, 'pending'),
    body([matcher('over', '1', false, true)], 0, 3_600_000, 'expired'),
  ];
};

/** Silences as either shows them, without what one of them does not know. */
async function silencesOf({ api }: Running): Promise<unknown[]> {
  const listed = (await (await fetch(`${api}/silences`)).json()) as { id: string }[];
  return listed
    .map((silence) => ({ ...silence, annotations: undefined }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

const alertsOf = async ({ api }: Running): Promise<Map<string, string[]>> => {
  const listed = (await (await fetch(`${api}/alerts`)).json()) as {
    labels: { alertname: string };
    status: { silencedBy: string[] };
  }[];
  return new Map(
    listed.map(({ labels, status }) => [labels.alertname, [...status.silencedBy].sort()]),
  );
};

async function handOver(from: Kind, to: Kind): Promise<void> {
  const { url, told } = await recorder();
  const directory = stage.directory();
  writeFileSync(
    join(directory, 'am.yml'),
    `route: {receiver: me, group_by: [g], group_wait: 100ms, group_interval: 700ms, repeat_interval: 1h}\nreceivers: [{name: me, webhook_configs: [{url: '${url}/'}]}]\n`,
  );
  const first = await start(from, directory);
  const ids: string[] = [];
  for (const body of silenceBodies())
    ids.push((JSON.parse(await post(first, '/silences', body)) as { silenceID: string }).silenceID);
  const gone = await fetch(`${first.api}/silence/${ids.at(-1)}`, { method: 'DELETE' });
  expect(gone.status).toBe(200);
  const alerts = (): unknown[] => [alert('Loud', { g: '1' }), alert('Quiet', { dc: 'y' })];
  await post(first, '/alerts', alerts());
  await eventually('the first one tells', () => told[0]);
  expect(told).toEqual([{ status: 'firing', names: ['Loud firing'] }]);
  const before = await silencesOf(first);
  expect(before).toHaveLength(6);
  const silencedBefore = await alertsOf(first);
  expect(silencedBefore.get('Quiet')).toEqual(ids.slice(0, 4).sort());
  expect(await first.program.end()).toBe(0);

  const second = await start(to, directory);
  expect(await silencesOf(second)).toEqual(before);
  await post(second, '/alerts', alerts());
  // Several flushes: the one that knows says nothing.
  await sleep(2000);
  expect(told).toHaveLength(1);
  expect(await alertsOf(second)).toEqual(silencedBefore);
  // What the other had told of is known one by one: a new one is news, its end too.
  await post(second, '/alerts', [alert('New', { g: '1' })]);
  await eventually('a new alert is told', () => told[1]);
  expect(told[1]?.names).toEqual(['Loud firing', 'New firing']);
  await post(second, '/alerts', [
    { ...alert('Loud', { g: '1' }), endsAt: new Date().toISOString() },
  ]);
  await eventually('the end is told', () => told[2]);
  expect(told[2]?.names).toEqual(['Loud resolved', 'New firing']);
  expect(await second.program.end()).toBe(0);
  // And back again: what the second wrote is whole for the first.
  const third = await start(from, directory);
  expect(await silencesOf(third)).toEqual(before);
  expect(await third.program.end()).toBe(0);
}

describe.runIf(built && realPath !== undefined)('files handed over', () => {
  test("the real Alertmanager's to ours", () => handOver('real', 'ours'), 60_000);
  test("ours to the real Alertmanager's", () => handOver('ours', 'real'), 60_000);

  test('annotations survive a restart of ours, and do not trouble the real one', async () => {
    const directory = stage.directory();
    writeFileSync(join(directory, 'am.yml'), 'route: {receiver: me}\nreceivers: [{name: me}]\n');
    const first = await start('ours', directory);
    const [body] = silenceBodies();
    const annotations = { ticket: 'OPS-1', 'ü.x': 'a "b"' };
    await post(first, '/silences', { ...body, annotations });
    expect(await first.program.end()).toBe(0);
    const bytes = readFileSync(join(directory, 'data/silences'));
    const second = await start('ours', directory);
    const [shown] = (await (await fetch(`${second.api}/silences`)).json()) as {
      annotations: unknown;
    }[];
    expect(shown?.annotations).toEqual(annotations);
    const before = await silencesOf(second);
    expect(await second.program.end()).toBe(0);
    expect(readFileSync(join(directory, 'data/silences'))).toEqual(bytes);
    const real = await start('real', directory);
    expect(await silencesOf(real)).toEqual(before);
    expect(await real.program.end()).toBe(0);
  }, 60_000);
});
