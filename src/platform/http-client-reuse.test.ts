// SPDX-License-Identifier: Apache-2.0
// What a client keeps between requests that have the same headers object or signal.

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  defaultHttpClientOptions,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
} from '../base/index.ts';
import { createHttpClient } from './http-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that answers with what it was asked, or never to /hang. */
async function echo(): Promise<string> {
  const server = http.createServer(({ method, url, headers, socket }, answer) => {
    if (url === '/hang') return;
    answer.end(JSON.stringify({ method, url, headers, port: socket.remotePort }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientWith(options: Partial<HttpClientOptions> = {}): HttpClient {
  const client = createHttpClient({ ...defaultHttpClientOptions, ...options });
  cleanups.push(() => client.close());
  return client;
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly port: number;
}

const headers = { Accept: 'text/plain', 'X-Scrape': '1' };

async function ask(client: HttpClient, url: string, more: Partial<HttpRequest> = {}) {
  const asked = { method: 'GET', url, headers, timeoutMs: 10_000, bodyLimitBytes: 0 } as const;
  const { body } = await client.request({ ...asked, ...more });
  return JSON.parse(Buffer.from(body).toString()) as Asked;
}

test('the same headers for other paths, hosts, methods and bodies', async () => {
  const client = clientWith();
  const [first, second] = [await echo(), await echo()];
  const asked = [
    await ask(client, `${first}/a`),
    await ask(client, `${first}/a`),
    await ask(client, `${first}/b?c=d`),
    await ask(client, `${second}/a`),
    await ask(client, `${second}/a`, { method: 'POST', body: 'four' }),
    await ask(client, `${second}/a`, { method: 'POST', body: 'eleven byte' }),
    await ask(client, `${second}/a`),
  ];
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /a',
    'GET /a',
    'GET /b?c=d',
    'GET /a',
    'POST /a',
    'POST /a',
    'GET /a',
  ]);
  const hosts = asked.map(({ headers: { host } }) => `http://${host}`);
  expect(hosts).toEqual([first, first, first, second, second, second, second]);
  expect(asked.map((one) => one.headers['content-length'])).toEqual([
    ...Array.from({ length: 4 }, () => undefined),
    '4',
    '11',
    undefined,
  ]);
  for (const one of asked) expect(one.headers).toMatchObject({ accept: 'text/plain' });
  expect(asked[1]?.port).toBe(asked[0]?.port);
});

test('names and passwords of URLs do not pass to other URLs', async () => {
  const client = clientWith();
  const base = await echo();
  const withUser = base.replace('http://', 'http://user:secret@');
  expect((await ask(client, base)).headers.authorization).toBe(undefined);
  expect((await ask(client, withUser)).headers.authorization).toBe('Basic dXNlcjpzZWNyZXQ=');
  expect((await ask(client, base)).headers.authorization).toBe(undefined);
});

test('clients with other credentials send their own', async () => {
  const base = await echo();
  const basic = (password: string) => ({
    basicAuth: { username: { value: 'u' }, password: { value: password } },
  });
  const [none, one, other] = [clientWith(), clientWith(basic('1')), clientWith(basic('2'))];
  const sent = async (client: HttpClient) => (await ask(client, base)).headers.authorization;
  const both = [await sent(none), await sent(one), await sent(other), await sent(one)];
  expect(both).toEqual([undefined, 'Basic dTox', 'Basic dToy', 'Basic dTox']);
  expect(await sent(none)).toBe(undefined);
});

test('a secret file that changes is read again for the same headers', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-http-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'token');
  writeFileSync(file, 'old');
  const client = clientWith({ authorization: { type: 'Bearer', credentials: { file } } });
  const base = await echo();
  expect((await ask(client, base)).headers.authorization).toBe('Bearer old');
  expect((await ask(client, base)).headers.authorization).toBe('Bearer old');
  writeFileSync(file, 'new');
  utimesSync(file, 2_000_000_000, 2_000_000_000);
  expect((await ask(client, base)).headers.authorization).toBe('Bearer new');
});

test('one signal ends all requests under way that have it, and only those', async () => {
  const client = clientWith();
  const base = await echo();
  const abort = new AbortController();
  const { signal } = abort;
  await ask(client, base, { signal });
  const outcome = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'answered',
      (error: Error) => error.message,
    );
  const hanging = [1, 2].map(() => outcome(ask(client, `${base}/hang`, { signal })));
  const other = new AbortController();
  const kept = outcome(ask(client, `${base}/hang`, { signal: other.signal }));
  await ask(client, base);
  abort.abort();
  const canceled = `Get "${base}/hang": context canceled`;
  expect(await Promise.all(hanging)).toEqual([canceled, canceled]);
  expect(await outcome(ask(client, base, { signal }))).toBe(`Get "${base}": context canceled`);
  expect(await outcome(ask(client, base, { signal: other.signal }))).toBe('answered');
  other.abort();
  expect(await kept).toBe(canceled);
});
