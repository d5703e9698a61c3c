// SPDX-License-Identifier: Apache-2.0
// Mail into a real SMTP dialogue: from ours, and from the real Alertmanager for comparison.

import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { built, eventually, freePort, Stage } from '../e2e/program.ts';
import { peerPath } from '../peers.ts';

const stage = new Stage();
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) server.close();
  await stage.close();
});

interface Mail {
  readonly from: string;
  readonly to: string[];
  readonly login: string;
  readonly data: string;
}

/** A mail server that takes everything; the first message is refused once with "later". */
async function sink(
  refusals: number,
): Promise<{ port: number; mails: Mail[]; tries: () => number }> {
  const mails: Mail[] = [];
  let tries = 0;
  const server = createServer((socket) => {
    let buffer = '';
    let data: string | undefined;
    let mail = { from: '', to: [] as string[], login: '' };
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    const command = (line: string): void => {
      const verb = line.split(' ')[0]?.toUpperCase();
      if (verb === 'EHLO') socket.write('250-sink\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n');
      else if (verb === 'AUTH') {
        mail.login = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
        say('235 ok');
      } else if (verb === 'MAIL') {
        tries++;
        if (tries <= refusals) {
          say('451 later');
          return;
        }
        mail.from = /<(.*?)>/.exec(line)?.[1] ?? '';
        say('250 ok');
      } else if (verb === 'RCPT') {
        mail.to.push(/<(.*?)>/.exec(line)?.[1] ?? '');
        say('250 ok');
      } else if (verb === 'DATA') {
        data = '';
        say('354 go on');
      } else if (verb === 'QUIT') socket.end('221 bye\r\n');
      else say('250 ok');
    };
    say('220 sink');
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      buffer += chunk.toString('utf8');
      for (;;) {
        const end = buffer.indexOf('\r\n');
        if (end < 0) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data === undefined) command(line);
        else if (line === '.') {
          mails.push({ ...mail, data });
          mail = { from: '', to: [], login: '' };
          data = undefined;
          say('250 taken');
        } else data += `${line.startsWith('..') ? line.slice(1) : line}\n`;
      }
    });
  });
  servers.push(server);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port, mails, tries: () => tries };
}

const config = (port: number): string => `
global: {smtp_smarthost: '127.0.0.1:${port}', smtp_from: 'Ops <ops@example.org>', smtp_require_tls: false, smtp_hello: me.example, smtp_auth_username: user, smtp_auth_password: pass}
route: {receiver: mail, group_by: [dc], group_wait: 100ms}
receivers:
- name: mail
  email_configs:
  - to: 'a@example.org, "B, C" <b@example.org>'
    headers: {x-team: 'Bär {{ .GroupLabels.dc }}'}
    text: 'Größe: {{ range .Alerts }}{{ .Labels.alertname }} = {{ .Annotations.summary }}{{ end }}'
`;

/** Posts alerts as soon as it takes them. */
async function post(kind: string, address: string, alerts: unknown[]): Promise<void> {
  await eventually(`${kind} takes alerts`, async () => {
    const response = await fetch(`http://${address}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alerts),
    }).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  });
}

/** The default mails about one group: two fire, one is over, both are over; and of a group of no labels. */
async function defaultMails(kind: 'ours' | 'real'): Promise<Mail[]> {
  const { port, mails } = await sink(0);
  const directory = stage.directory();
  const address = `127.0.0.1:${await freePort()}`;
  writeFileSync(
    join(directory, 'am.yml'),
    `global: {smtp_smarthost: '127.0.0.1:${port}', smtp_from: 'o@example.org', smtp_require_tls: false}
route: {receiver: ma il, group_by: [dc, k], group_wait: 400ms, group_interval: 700ms}
receivers: [{name: ma il, email_configs: [{to: a@example.org, send_resolved: true}]}]
`,
  );
  const args = [
    `--config.file=${join(directory, 'am.yml')}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--web.external-url=http://am.example/p',
    '--web.route-prefix=/',
    '--cluster.listen-address=',
  ];
  if (kind === 'ours') stage.hearth(['alertmanager', ...args]);
  else stage.run(peerPath('prometheus-alertmanager') ?? '', args);
  const first = {
    labels: { alertname: 'Disk', dc: 'x', k: 'v <&> ü', instance: 'a' },
    annotations: { summary: 'a<b', url: 'http://x/?a=b&c="d"' },
    generatorURL: 'http://p/graph?g0.expr=up+%3E+1&g0.tab=1',
  };
  const second = { labels: { ...first.labels, instance: 'b' }, generatorURL: 'ftp://p/x' };
  const lone = { labels: { alertname: 'Solo' }, annotations: { one: "ü + 'q'" } };
  const fires = { endsAt: new Date(Date.now() + 600_000).toISOString() };
  const until = (count: number): Promise<unknown> =>
    eventually(`${kind} sent ${count} mails`, () => (mails.length >= count ? true : undefined));
  const ended = () => ({ endsAt: new Date().toISOString() });
  await post(kind, address, [
    { ...first, ...fires },
    { ...second, ...fires },
  ]);
  await until(1);
  await post(kind, address, [{ ...first, ...ended() }]);
  await until(2);
  await post(kind, address, [{ ...second, ...ended() }]);
  await until(3);
  await post(kind, address, [{ ...lone, ...fires }]);
  await until(4);
  return mails.slice(0, 4);
}

/** What stands below the headers, without the boundary, which is new in each. */
function lasting({ data }: Mail): string {
  const boundary = /boundary=(\S+)/.exec(data)?.[1] ?? '?';
  return data.slice(data.indexOf('\n\n')).replaceAll(boundary, 'BOUNDARY');
}

async function mailOf(kind: 'ours' | 'real', refusals = 0): Promise<{ mail: Mail; tries: number }> {
  const { port, mails, tries } = await sink(refusals);
  const directory = stage.directory();
  const address = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(directory, 'am.yml'), config(port));
  const args = [
    `--config.file=${join(directory, 'am.yml')}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--web.external-url=http://am.example',
    '--cluster.listen-address=',
  ];
  if (kind === 'ours') stage.hearth(['alertmanager', ...args]);
  else stage.run(peerPath('prometheus-alertmanager') ?? '', args);
  await post(kind, address, [
    {
      labels: { alertname: 'Disk', dc: 'zürich' },
      annotations: { summary: `a<b & ${'long '.repeat(40)}` },
    },
  ]);
  const mail = await eventually(`${kind} sends a mail`, () => mails[0]);
  return { mail, tries: tries() };
}

/** Header lines, unfolded, by name. */
function headersOf({ data }: Mail): Map<string, string> {
  const head = data.slice(0, data.indexOf('\n\n')).replace(/\n[ \t]+/g, ' ');
  return new Map(
    head
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
}

/** The parts by type, decoded. */
function partsOf(mail: Mail): Map<string, string> {
  const boundary = /boundary=(\S+)/.exec(headersOf(mail).get('Content-Type') ?? '')?.[1] ?? '?';
  const parts = mail.data.split(`--${boundary}`).slice(1, -1);
  return new Map(
    parts.map((part) => {
      const at = part.indexOf('\n\n');
      const encoded = part.slice(at + 2).replace(/=\n/g, '');
      const bytes = Buffer.from(
        encoded.replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
          String.fromCharCode(Number(`0x${hex}`)),
        ),
        'latin1',
      );
      return [
        /Content-Type: ([^;\n]+)/.exec(part)?.[1] ?? '',
        bytes.toString('utf8').trimEnd(),
      ] as const;
    }),
  );
}

describe.runIf(built)('mail', () => {
  test('a message in two parts, tried again when the server says "later"', async () => {
    const { mail, tries } = await mailOf('ours', 1);
    expect(tries).toBe(2);
    expect(mail).toMatchObject({
      from: 'ops@example.org',
      to: ['a@example.org', 'b@example.org'],
      login: '\0user\0pass',
    });
    const parts = partsOf(mail);
    expect(parts.get('text/plain')).toBe(`Größe: Disk = a<b & ${'long '.repeat(40)}`.trimEnd());
    expect(parts.get('text/html')).toContain('summary = a&lt;b &amp; long');
    expect(parts.get('text/html')).toContain('http://am.example/#/alerts?receiver=mail');
    for (const line of mail.data.split('\n')) expect(line.length).toBeLessThan(200);
  }, 30_000);

  test.skipIf(peerPath('prometheus-alertmanager') === undefined)(
    'headers and text as from the real one',
    async () => {
      const [ours, real] = await Promise.all([mailOf('ours'), mailOf('real')]);
      const [mine, theirs] = [headersOf(ours.mail), headersOf(real.mail)];
      expect([...mine.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const name of ['Subject', 'To', 'From', 'X-Team', 'Mime-Version', 'MIME-Version'])
        expect([name, mine.get(name)]).toEqual([name, theirs.get(name)]);
      expect(partsOf(ours.mail).get('text/plain')).toBe(partsOf(real.mail).get('text/plain'));
      expect([...partsOf(ours.mail).keys()]).toEqual([...partsOf(real.mail).keys()]);
      expect(partsOf(ours.mail).get('text/html')).toBe(partsOf(real.mail).get('text/html'));
      expect({ ...ours.mail, data: '' }).toEqual({ ...real.mail, data: '' });
    },
    30_000,
  );

  test.skipIf(peerPath('prometheus-alertmanager') === undefined)(
    'the default mails, byte for byte as from the real one',
    async () => {
      const [ours, real] = await Promise.all([defaultMails('ours'), defaultMails('real')]);
      for (const [i, mail] of ours.entries()) expect(lasting(mail)).toBe(lasting(real[i] as Mail));
      expect(ours.map((mail) => headersOf(mail).get('Subject'))).toEqual(
        real.map((mail) => headersOf(mail).get('Subject')),
      );
    },
    40_000,
  );
});
