// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import type { ResponseStream, ServerRequest, ServerResponse } from '../base/index.ts';
import { silentLogger } from '../base/index.ts';
import type { HttpServer, HttpServerOptions } from './http-server.ts';
import { splitAddress, startHttpServer } from './http-server.ts';

const open: HttpServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(0);
});

async function serve(
  handle: (request: ServerRequest) => Promise<ServerResponse> | ServerResponse,
  options: Partial<HttpServerOptions> = {},
): Promise<string> {
  const server = await startHttpServer({
    addresses: ['127.0.0.1:0'],
    readTimeoutMs: 5000,
    connectionsMax: 16,
    bodyLimitBytes: 1000,
    logger: silentLogger,
    handle: async (request) => handle(request),
    ...options,
  });
  open.push(server);
  return `http://${server.addresses[0]}`;
}

const text = (body: string): ServerResponse => ({
  status: 200,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body,
});

test('hands the request over whole: form parameters before those of the query', async () => {
  let seen: ServerRequest | undefined;
  const url = await serve((request) => {
    seen = request;
    return text('ok');
  });
  const body = new URLSearchParams([
    ['query', 'up{a="b c"}'],
    ['match[]', 'x'],
  ]);
  const answer = await fetch(`${url}/a%2Fb/c?query=second&time=1`, { method: 'POST', body });
  expect(await answer.text()).toBe('ok');
  expect(seen?.method).toBe('POST');
  expect(seen?.path).toBe('/a%2Fb/c');
  expect(seen?.params.getAll('query')).toEqual(['up{a="b c"}', 'second']);
  expect(seen?.params.get('time')).toBe('1');
  expect(seen?.remoteAddress).toBe('127.0.0.1');
});

test('sends bytes untouched and compresses what is worth it', async () => {
  const bytes = new TextEncoder().encode('x'.repeat(5000));
  const url = await serve((request) =>
    request.path === '/image'
      ? { status: 200, headers: { 'content-type': 'image/png' }, body: bytes }
      : { status: 200, headers: { 'content-type': 'application/json' }, body: bytes },
  );
  const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
  expect(plain.headers.get('content-encoding')).toBe(null);
  expect(plain.headers.get('vary')).toBe('Accept-Encoding');
  expect((await plain.arrayBuffer()).byteLength).toBe(5000);
  const raw = await new Promise<Buffer>((resolve) => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n');
  });
  const head = raw.subarray(0, raw.indexOf('\r\n\r\n')).toString();
  expect(head).toMatch(/content-encoding: gzip/);
  expect(gunzipSync(raw.subarray(raw.indexOf('\r\n\r\n') + 4)).toString()).toBe('x'.repeat(5000));
  expect((await fetch(`${url}/image`)).headers.get('content-encoding')).toBe(null);
});

test('an answer without a body has none', async () => {
  const url = await serve(() => ({ status: 302, headers: { location: '/x' }, body: '' }));
  const answer = await fetch(url, { redirect: 'manual' });
  expect(answer.headers.get('location')).toBe('/x');
  expect(answer.headers.get('content-type')).toBe(null);
  expect(await answer.text()).toBe('');
});

test('refuses bodies over the limit and answers a failing handler with 500', async () => {
  const url = await serve(() => {
    throw new Error('broken');
  });
  expect((await fetch(url, { method: 'POST', body: 'x'.repeat(2000) })).status).toBe(413);
  const failed = await fetch(url);
  expect(failed.status).toBe(500);
  expect(await failed.text()).toBe('broken\n');
});

test('HEAD and every method reach the handler', async () => {
  const url = await serve((request) => text(request.method));
  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    expect(await (await fetch(url, { method })).text()).toBe(method);
  }
  const head = await fetch(url, { method: 'HEAD' });
  expect(head.status).toBe(200);
  expect(await head.text()).toBe('');
});

test('tells the handler when the client has gone', async () => {
  let noticed = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    noticed = resolve;
  });
  const url = await serve(
    (request) =>
      new Promise((resolve) => {
        request.signal.addEventListener('abort', () => {
          noticed();
          resolve(text(''));
        });
      }),
  );
  const controller = new AbortController();
  const request = fetch(url, { signal: controller.signal });
  request.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  controller.abort();
  await gone;
});

test('an answer that goes on: sent as it comes, until either side ends it', async () => {
  const opened: ResponseStream[] = [];
  let ended = 0;
  const headers = { 'content-type': 'text/event-stream' };
  const url = await serve(({ path }) => ({
    status: 200,
    headers,
    body: '',
    ...(path === '/plain'
      ? {}
      : {
          stream: (stream) => {
            opened.push(stream);
            stream.write('one\n');
            return () => void ended++;
          },
        }),
  }));
  const canceled = new AbortController();
  const first = await fetch(`${url}/a`, { signal: canceled.signal });
  expect(first.headers.get('content-type')).toBe('text/event-stream');
  const reader = first.body!.getReader();
  const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  expect(await read()).toBe('one\n');
  expect(opened[0]?.write('two\n')).toBe(true);
  expect(await read()).toBe('two\n');
  canceled.abort();
  await reader.read().catch(() => undefined);
  await vi.waitFor(() => expect(ended).toBe(1));
  expect(opened[0]?.write('nobody')).toBe(false);

  const second = await fetch(`${url}/b`);
  opened[1]?.end();
  expect(await second.text()).toBe('one\n');
  await vi.waitFor(() => expect(ended).toBe(2));

  await fetch(`${url}/c`, { method: 'HEAD' });
  expect(opened).toHaveLength(2);

  const third = await fetch(`${url}/d`);
  const closed = open.pop()?.close(60_000);
  expect(await third.text()).toBe('one\n');
  await closed;
  expect(ended).toBe(3);
});

test('a client that does not read is told no more', async () => {
  let stream: ResponseStream | undefined;
  const url = await serve(() => ({
    status: 200,
    headers: {},
    body: '',
    stream: (opened) => {
      stream = opened;
      return () => undefined;
    },
  }));
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname, () => {
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  });
  await vi.waitFor(() => expect(stream).toBeDefined());
  const text = 'x'.repeat(100_000);
  let taken = 0;
  while (stream?.write(text) === true) {
    taken++;
    if (taken > 10_000) throw new Error('it takes everything');
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(taken).toBeGreaterThan(0);
  socket.destroy();
});

test('a taken address is one clear error, and the others are given back', async () => {
  const url = await serve(() => text(''));
  const taken = new URL(url).host;
  await expect(serve(() => text(''), { addresses: ['127.0.0.1:0', taken] })).rejects.toThrow(
    `cannot listen on ${taken}: the address is already in use`,
  );
});

test('listens on several addresses and limits connections over all of them', async () => {
  const server = await startHttpServer({
    addresses: ['127.0.0.1:0', '127.0.0.1:0'],
    readTimeoutMs: 5000,
    connectionsMax: 1,
    bodyLimitBytes: 1000,
    logger: silentLogger,
    handle: async () => text('ok'),
  });
  open.push(server);
  const [first, second] = server.addresses;
  const held = connect(Number(first?.split(':')[1]), '127.0.0.1');
  await new Promise((resolve) => held.once('connect', resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(fetch(`http://${second}`)).rejects.toThrow();
  held.destroy();
});

const split = (address: string, host: string, port: number) =>
  test(`splits ${address}`, () => expect(splitAddress(address)).toEqual({ host, port }));
split('0.0.0.0:9090', '0.0.0.0', 9090);
split(':9090', '', 9090);
split('[::1]:80', '::1', 80);
test('refuses what is no address', () => {
  expect(() => splitAddress('localhost')).toThrow('localhost is not host:port');
  expect(() => splitAddress('a:70000')).toThrow('a:70000 is not host:port');
});

test('closing waits for no connection that has asked nothing', async () => {
  const url = new URL(await serve(() => text('ok')));
  const socket = connect(Number(url.port), url.hostname);
  const ended = new Promise((resolve) => socket.on('close', resolve));
  const [server] = open.splice(0);
  await vi.waitFor(() => expect(server?.connections()).toBe(1));
  await server?.close(600_000);
  await ended;
});
