// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import zlib from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import {
  type BodySink,
  defaultHttpClientOptions,
  type HttpClient,
  type HttpClientOptions,
  HttpError,
  type HttpRequest,
  type HttpResponse,
} from '../base/index.ts';
import { createHttpClient, type HttpClientDependencies } from './http-client.ts';

/** Self-signed for localhost and 127.0.0.1, valid 2020 to 2120, used by these tests only. */
const testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEeRA1IBk13odFZn5
aLPnrkil5yr0Jf7uFCE8tcHijRqhRANCAASk91iX+l7Ql57zD12lx9MTv0WMn0kp
7kfOPcxy4xVmj7H14RMnsQS3Z87ESr0kHa5qB+dL6+rU5LbcbQzaYtNQ
-----END PRIVATE KEY-----
`;
const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBSzCB8qADAgECAgEBMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC2hlYXJ0aC10
ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAWMRQwEgYDVQQD
DAtoZWFydGgtdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKT3WJf6XtCX
nvMPXaXH0xO/RYyfSSnuR849zHLjFWaPsfXhEyexBLdnzsRKvSQdrmoH50vr6tTk
ttxtDNpi01CjLzAtMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDFoqoBEaVhXAvSV+OEolv+Vsc8
EIo/mbXuPnIKpuM3wgIgGar3AcpINy+pGg70OPK3tSaSzAQ0nOiRyMGBUIZg+Zo=
-----END CERTIFICATE-----
`;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function clientWith(
  options: Partial<HttpClientOptions> = {},
  dependencies?: HttpClientDependencies,
): HttpClient {
  const client = createHttpClient({ ...defaultHttpClientOptions, ...options }, dependencies);
  cleanups.push(() => client.close());
  return client;
}

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return (server.address() as AddressInfo).port;
}

/** Starts a server and returns its URL without a path. */
const serve = async (handler: http.RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listen(http.createServer(handler))}`;

const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  timeoutMs: 10_000,
  bodyLimitBytes: 0,
  ...more,
});
const text = (response: HttpResponse): string => Buffer.from(response.body).toString();

async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof HttpError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('expected a failure');
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'hearth-http-'));
  cleanups.push(() => rmSync(path, { recursive: true }));
  return path;
}

test('a plain answer, with headers, status and URL', async () => {
  const base = await serve((incoming, answer) => {
    answer.writeHead(404, 'Gone Fishing', { 'X-Seen': `${incoming.method} ${incoming.url}` });
    answer.end('hello');
  });
  const response = await clientWith().request(request(`${base}/a?b=c`));
  expect(response.status).toBe(404);
  expect(response.statusText).toBe('Gone Fishing');
  expect(response.headers['x-seen']).toBe('GET /a?b=c');
  expect(text(response)).toBe('hello');
  expect(response.url).toBe(`${base}/a?b=c`);
});

test('posts a body and keeps the connection', async () => {
  let connections = 0;
  const server = http.createServer((incoming, answer) => incoming.pipe(answer));
  server.on('connection', () => connections++);
  const base = `http://127.0.0.1:${await listen(server)}`;
  const client = clientWith();
  for (let i = 0; i < 5; i++) {
    const response = await client.request(request(base, { method: 'POST', body: `n${i}` }));
    expect(text(response)).toBe(`n${i}`);
  }
  expect(connections).toBe(1);
});

const encodings: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  'raw deflate': zlib.deflateRawSync,
};
for (const [name, encode] of Object.entries(encodings)) {
  for (const size of [10, 200_000, 9_000_000]) {
    test(`${name} of ${size} bytes`, async () => {
      const bytes = Buffer.alloc(size);
      for (let i = 0; i < size; i++) bytes[i] = (i * i * 31) >> 5;
      const base = await serve((_, answer) => {
        answer.setHeader('content-encoding', name.split(' ').at(-1) ?? '');
        answer.end(encode(bytes));
      });
      const received: Buffer[] = [];
      const sink: BodySink = { write: (chunk) => received.push(Buffer.from(chunk)) };
      const response = await clientWith().request(request(base), sink);
      expect(response.body.length).toBe(0);
      expect(Buffer.concat(received).equals(bytes)).toBe(true);
    });
  }
}

test('clients may share a buffer in shared memory', async () => {
  const readBuffer = new Uint8Array(new SharedArrayBuffer(4096), 100, 1000);
  const body = 'x'.repeat(20_000);
  const base = await serve((incoming, answer) => {
    if (incoming.url === '/gzip') {
      answer.setHeader('Content-Encoding', 'gzip');
      answer.end(zlib.gzipSync(body + incoming.url));
    } else answer.end(body + incoming.url);
  });
  const clients = [clientWith({}, { readBuffer }), clientWith({}, { readBuffer })];
  const paths = ['/a', '/b', '/gzip', '/c'];
  const answers = await Promise.all(
    paths.map((path, i) => clients[i % 2]!.request(request(base + path))),
  );
  expect(answers.map(text)).toEqual(paths.map((path) => body + path));
});

test('the body limit counts decoded bytes and accepts exactly itself', async () => {
  const bytes = Buffer.alloc(1000, 'x');
  const base = await serve((incoming, answer) => {
    const zipped = incoming.url === '/zip';
    if (zipped) answer.setHeader('content-encoding', 'gzip');
    answer.end(zipped ? zlib.gzipSync(bytes) : bytes);
  });
  const client = clientWith();
  for (const path of ['/plain', '/zip']) {
    const fits = await client.request(request(base + path, { bodyLimitBytes: 1000 }));
    expect(fits.body.length).toBe(1000);
    expect(await failure(client.request(request(base + path, { bodyLimitBytes: 999 })))).toEqual({
      code: 'body_too_large',
      message: expect.stringContaining('body size limit exceeded'),
    });
  }
});

test('a body that compression made longer than the limit is fine', async () => {
  const bytes = Buffer.from('0123456789');
  const zipped = zlib.gzipSync(bytes);
  const base = await serve((_, answer) => {
    answer.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length });
    answer.end(zipped);
  });
  const response = await clientWith().request(request(base, { bodyLimitBytes: 10 }));
  expect(text(response)).toBe('0123456789');
});

test('a time limit of years is no time limit of nothing', async () => {
  const base = await serve((_, answer) => answer.end('ok'));
  expect(text(await clientWith().request(request(base, { timeoutMs: 1e11 })))).toBe('ok');
});

/** 16 MiB of zeros behind gzip, 64 times over: a gzip file may have many members. */
function bomb(): Buffer {
  const member = zlib.gzipSync(Buffer.alloc(16 << 20));
  return Buffer.concat(Array.from({ length: 64 }, () => member));
}

test('a gzip bomb of a gigabyte ends at the limit', async () => {
  const bytes = bomb();
  const base = await serve((_, answer) => {
    answer.setHeader('content-encoding', 'gzip');
    answer.end(bytes);
  });
  let written = 0;
  const sink: BodySink = {
    write: (chunk) => {
      written += chunk.length;
    },
  };
  const limit = 10_000_000;
  const result = await failure(
    clientWith().request(request(base, { bodyLimitBytes: limit }), sink),
  );
  expect(result.code).toBe('body_too_large');
  expect(written).toBeLessThanOrEqual(limit);
});

test('broken compression is an error', async () => {
  const good = zlib.gzipSync(Buffer.alloc(100, 'x'));
  const damaged = Buffer.from(good);
  damaged[good.length - 6] = (good[good.length - 6] ?? 0) ^ 0xff;
  const bodies: Record<string, Buffer> = {
    '/text': Buffer.from('not gzip at all'),
    '/short': good.subarray(0, good.length - 9),
    '/sum': damaged,
    '/empty': Buffer.alloc(0),
  };
  const base = await serve((incoming, answer) => {
    answer.setHeader('content-encoding', 'gzip');
    answer.end(bodies[incoming.url ?? '']);
  });
  const client = clientWith();
  const messages = [];
  for (const path of Object.keys(bodies))
    messages.push(await failure(client.request(request(base + path))));
  expect(messages).toEqual([
    { code: 'decode', message: 'gzip: invalid header' },
    { code: 'decode', message: 'unexpected EOF' },
    { code: 'decode', message: 'gzip: invalid checksum' },
    { code: 'decode', message: 'EOF' },
  ]);
});

test('a sink that throws ends the request with its error', async () => {
  const base = await serve((_, answer) => answer.end('x'));
  const sink: BodySink = {
    write: () => {
      throw new HttpError('body_too_large', 'full');
    },
  };
  expect(await failure(clientWith().request(request(base), sink))).toEqual({
    code: 'body_too_large',
    message: 'full',
  });
});

test('follows redirects, ten at most, unless told not to', async () => {
  const base = await serve((incoming, answer) => {
    const left = Number(incoming.url?.slice(1));
    if (left === 0) answer.end('there');
    else {
      answer.writeHead(302, { location: `/${left - 1}` });
      answer.end('not this');
    }
  });
  const client = clientWith();
  const response = await client.request(request(`${base}/9`));
  expect(text(response)).toBe('there');
  expect(response.url).toBe(`${base}/0`);
  expect(await failure(client.request(request(`${base}/10`)))).toEqual({
    code: 'redirect',
    message: `Get "${base}/0": stopped after 10 redirects`,
  });
  const odd = await serve((_, answer) => {
    answer.writeHead(302, { location: 'ftp://x/' });
    answer.end();
  });
  expect(await failure(client.request(request(odd)))).toEqual({
    code: 'redirect',
    message: 'Get "ftp://x/": unsupported protocol scheme "ftp"',
  });
  const still = await clientWith({ followRedirects: false }).request(request(`${base}/3`));
  expect(still.status).toBe(302);
  expect(text(still)).toBe('not this');
});

test('a redirected POST becomes a GET, except for 307 and 308', async () => {
  const base = await serve((incoming, answer) => {
    const status = Number(incoming.url?.slice(1));
    if (status) {
      answer.writeHead(status, { location: '/' });
      answer.end();
      return;
    }
    const type = incoming.headers['content-type'];
    answer.write(`${incoming.method} ${type} `);
    incoming.pipe(answer);
  });
  const post = { method: 'POST', body: 'b', headers: { 'content-type': 'x' } } as const;
  const client = clientWith();
  expect(text(await client.request(request(`${base}/303`, post)))).toBe('GET undefined ');
  expect(text(await client.request(request(`${base}/307`, post)))).toBe('POST x b');
});

test('credentials and custom headers stay with the host that was asked', async () => {
  const seen: http.IncomingHttpHeaders[] = [];
  let elsewhere = '';
  const base = await serve((incoming, answer) => {
    seen.push(incoming.headers);
    if (incoming.url === '/away') answer.writeHead(302, { location: elsewhere });
    if (incoming.url === '/near') answer.writeHead(302, { location: '/end' });
    answer.end();
  });
  // Another name for the same server is another host.
  elsewhere = base.replace('127.0.0.1', 'localhost');
  const client = clientWith({
    basicAuth: { username: { value: 'u' }, password: { value: 'p' } },
    httpHeaders: { 'X-Tenant': { values: ['a'], secrets: ['b'], files: [] } },
  });
  const headers = { accept: 'text/plain' };
  await client.request(request(`${base}/near`, { headers }));
  await client.request(request(`${base}/away`, { headers }));
  const shown = seen.map((got) => [got.accept, got.authorization, got['x-tenant']]);
  const full = ['text/plain', 'Basic dTpw', 'a, b'];
  expect(shown).toEqual([full, full, full, ['text/plain', undefined, undefined]]);
});

const authorizationSeen = async (
  options: Partial<HttpClientOptions>,
  change: (base: string) => string = (base) => base,
): Promise<string | undefined> => {
  const base = await serve((incoming, answer) => answer.end(incoming.headers.authorization));
  return text(await clientWith(options).request(request(change(base))));
};

test('the kinds of authorization', async () => {
  const file = join(directory(), 'secret');
  writeFileSync(file, 's3cret\n');
  const basic = { username: { value: 'ü' }, password: { file } };
  expect(await authorizationSeen({ basicAuth: basic })).toBe(
    `Basic ${Buffer.from('ü:s3cret').toString('base64')}`,
  );
  const bearer = { type: 'Bearer', credentials: { value: 'tok' } };
  expect(await authorizationSeen({ authorization: bearer })).toBe('Bearer tok');
  const custom = { type: 'ApiKey', credentials: { file } };
  expect(await authorizationSeen({ authorization: custom })).toBe('ApiKey s3cret');
  const inUrl = (base: string): string => base.replace('http://', 'http://me:pw%21@');
  expect(await authorizationSeen({}, inUrl)).toBe(
    `Basic ${Buffer.from('me:pw!').toString('base64')}`,
  );
});

test('a secret file is read again when it changes', async () => {
  const file = join(directory(), 'secret');
  writeFileSync(file, 'one');
  const base = await serve((incoming, answer) => answer.end(incoming.headers.authorization));
  const client = clientWith({ authorization: { type: 'Bearer', credentials: { file } } });
  expect(text(await client.request(request(base)))).toBe('Bearer one');
  writeFileSync(file, 'two');
  utimesSync(file, 1_000_000, 1_000_000);
  expect(text(await client.request(request(base)))).toBe('Bearer two');
  rmSync(file);
  const why = await failure(client.request(request(base)));
  expect(why).toEqual({
    code: 'auth',
    message: `Get "${base}": unable to read authorization credentials: unable to read file ${file}: open ${file}: no such file or directory`,
  });
});

test('a refused connection reads as upstream has it', async () => {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  const url = `http://127.0.0.1:${port}/metrics`;
  expect(await failure(clientWith().request(request(url)))).toEqual({
    code: 'connection',
    message: `Get "${url}": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
});

test('an unknown host and an impossible URL', async () => {
  const unknown = await failure(clientWith().request(request('http://nowhere.invalid:1/')));
  expect(unknown.message).toMatch(
    /^Get "http:\/\/nowhere.invalid:1\/": dial tcp: lookup nowhere.invalid: /,
  );
  const invalid = await failure(clientWith().request(request('http://a b/')));
  expect(invalid.code).toBe('connection');
});

test('a server that hangs before or within its answer', async () => {
  const base = await serve((incoming, answer) => {
    if (incoming.url === '/body') answer.write('half');
  });
  const client = clientWith();
  expect(await failure(client.request(request(`${base}/head`, { timeoutMs: 30 })))).toEqual({
    code: 'timeout',
    message: `Get "${base}/head": context deadline exceeded`,
  });
  expect(await failure(client.request(request(`${base}/body`, { timeoutMs: 200 })))).toEqual({
    code: 'timeout',
    message: 'context deadline exceeded',
  });
});

test('the caller can cancel, before and while', async () => {
  const controller = new AbortController();
  const base = await serve(() => controller.abort());
  const canceled = { code: 'canceled', message: `Get "${base}": context canceled` };
  const { signal } = controller;
  expect(await failure(clientWith().request(request(base, { signal })))).toEqual(canceled);
  expect(await failure(clientWith().request(request(base, { signal })))).toEqual(canceled);
});

test('a server that closes early, garbles or cuts its answer short', async () => {
  const answers: Record<string, string> = {
    '/eof': '',
    '/cut': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
    '/chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    '/noise': 'SSH-2.0-OpenSSH_9\r\n',
    '/length': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhel',
  };
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => socket.end(answers[bytes.toString().split(' ')[1] ?? ''] ?? ''));
  });
  const base = `http://127.0.0.1:${await listen(server)}`;
  const client = clientWith();
  const ends = async (path: string): Promise<string> =>
    (await failure(client.request(request(base + path)))).message;
  expect(await ends('/eof')).toBe(`Get "${base}/eof": EOF`);
  expect(await ends('/cut')).toBe('unexpected EOF');
  expect(await ends('/chunk')).toBe('unexpected EOF');
  expect(await ends('/noise')).toBe(
    `Get "${base}/noise": net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH_9"`,
  );
  expect(await ends('/length')).toBe('invalid byte in chunk length');
});

test('asks again when a kept connection was closed', async () => {
  let count = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      // The first connection answers once and then drops the second request on it.
      if (++count === 2) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  const base = `http://127.0.0.1:${await listen(server)}`;
  const client = clientWith();
  expect(text(await client.request(request(base)))).toBe('ok');
  expect(text(await client.request(request(base)))).toBe('ok');
  expect(count).toBe(3);
});

test('speaks to Unix sockets', async () => {
  const socketPath = join(directory(), 's');
  const server = http.createServer((incoming, answer) => answer.end(incoming.headers.host));
  await new Promise<void>((done) => server.listen(socketPath, done));
  cleanups.push(() => server.close());
  const client = clientWith();
  const url = 'http://exporter:9100/metrics';
  expect(text(await client.request(request(url, { socketPath })))).toBe('exporter:9100');
  const missing = join(directory(), 'none');
  expect(await failure(client.request(request(url, { socketPath: missing })))).toEqual({
    code: 'connection',
    message: `Get "${url}": dial unix ${missing}: connect: no such file or directory`,
  });
});

const serveTls = async (options: https.ServerOptions = {}): Promise<string> => {
  const server = https.createServer(
    { key: testKey, cert: testCertificate, ...options },
    (incoming, answer) => {
      const { socket } = incoming;
      const peer = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
      answer.end(`secure ${peer?.subject?.CN}`);
    },
  );
  server.on('tlsClientError', () => undefined);
  return `https://127.0.0.1:${await listen(server)}`;
};

test('TLS: authority, name, skipped verification', async () => {
  const base = await serveTls();
  const ca = { value: testCertificate };
  const untrusted = await failure(clientWith().request(request(base)));
  expect(untrusted).toEqual({
    code: 'tls',
    message: `Get "${base}": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  });
  const trusting = clientWith({ tls: { ca, insecureSkipVerify: false } });
  expect(text(await trusting.request(request(base)))).toMatch(/^secure/);
  const misnamed = clientWith({ tls: { ca, insecureSkipVerify: false, serverName: 'other.org' } });
  expect((await failure(misnamed.request(request(base)))).message).toMatch(
    /x509: certificate is valid for localhost, 127\.0\.0\.1, not other\.org$/,
  );
  const careless = clientWith({ tls: { insecureSkipVerify: true } });
  expect(text(await careless.request(request(base)))).toMatch(/^secure/);
});

test('TLS: versions', async () => {
  const base = await serveTls({ maxVersion: 'TLSv1.2' });
  const tls = { insecureSkipVerify: true, minVersion: 'TLS13' } as const;
  const result = await failure(clientWith({ tls }).request(request(base)));
  expect(result.code).toBe('tls');
  expect(result.message).toMatch(/protocol version/);
});

test('TLS: a client certificate from files, picked up when it appears', async () => {
  const base = await serveTls({ requestCert: true, ca: testCertificate });
  const folder = directory();
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const tls = {
    insecureSkipVerify: true,
    cert: { file: certFile },
    key: { file: keyFile },
  };
  const client = clientWith({ tls, enableHttp2: false });
  expect((await failure(client.request(request(base)))).message).toMatch(/unable to read file/);
  writeFileSync(certFile, testCertificate);
  writeFileSync(keyFile, testKey);
  expect(text(await client.request(request(base)))).toBe('secure hearth-test');
});

test('TLS against a server that speaks plain HTTP', async () => {
  const base = await serve((_, answer) => answer.end());
  const url = base.replace('http:', 'https:');
  expect(await failure(clientWith().request(request(url)))).toEqual({
    code: 'tls',
    message: `Get "${url}": http: server gave HTTP response to HTTPS client`,
  });
});

test('HTTP/2 where the server offers it, unless switched off', async () => {
  const server = http2.createSecureServer(
    { key: testKey, cert: testCertificate, allowHTTP1: true },
    (incoming, answer) => {
      if (incoming.url === '/hang') return;
      answer.setHeader('content-encoding', 'gzip');
      answer.end(zlib.gzipSync(`version ${incoming.httpVersion}`));
    },
  );
  const base = `https://127.0.0.1:${await listen(server)}`;
  const tls = { insecureSkipVerify: true };
  const modern = clientWith({ tls });
  for (let i = 0; i < 3; i++) expect(text(await modern.request(request(base)))).toBe('version 2.0');
  const old = clientWith({ tls, enableHttp2: false });
  expect(text(await old.request(request(base)))).toBe('version 1.1');
});

test('a proxy: whole URLs for http, a tunnel for https, exceptions', async () => {
  const seen: string[] = [];
  const proxy = http.createServer((incoming, answer) => {
    seen.push(`${incoming.method} ${incoming.url} ${incoming.headers['proxy-authorization']}`);
    answer.end('from the proxy');
  });
  proxy.on('connect', (incoming, socket: net.Socket) => {
    seen.push(`CONNECT ${incoming.headers['x-why']}`);
    const [host = '', port] = (incoming.url ?? '').split(':');
    const onward = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  const proxyUrl = `http://u:p@127.0.0.1:${await listen(proxy)}`;
  const tls = { insecureSkipVerify: true };
  const client = clientWith({
    proxyUrl,
    noProxy: '127.0.0.2,direct.test',
    proxyConnectHeader: { 'X-Why': ['because'] },
    tls,
  });
  expect(text(await client.request(request('http://some.test/m?x=1')))).toBe('from the proxy');
  const secure = await serveTls();
  expect(text(await client.request(request(secure)))).toMatch(/^secure/);
  expect(seen).toEqual([
    `GET http://some.test/m?x=1 Basic ${Buffer.from('u:p').toString('base64')}`,
    'CONNECT because',
  ]);
  const direct = await failure(client.request(request('http://127.0.0.2:1/')));
  expect(direct.message).toMatch(/dial tcp 127\.0\.0\.2:1: connect: connection refused/);
  const environment = { HTTP_PROXY: proxyUrl, no_proxy: '.excluded.test' };
  const fromEnvironment = clientWith({ proxyFromEnvironment: true }, { environment });
  expect(text(await fromEnvironment.request(request('http://x.test/')))).toBe('from the proxy');
  const excluded = await failure(fromEnvironment.request(request('http://y.excluded.test/')));
  expect(excluded.message).toMatch(/lookup y\.excluded\.test/);
});

interface TokenServer {
  readonly base: string;
  readonly forms: URLSearchParams[];
  readonly authorizations: (string | undefined)[];
}

/** Hands out tok1, tok2 … for 100 seconds each; refuses secrets in the header if told to. */
async function tokenServer(refuseHeader = false): Promise<TokenServer> {
  const forms: URLSearchParams[] = [];
  const authorizations: (string | undefined)[] = [];
  let issued = 0;
  const base = await serve((incoming, answer) => {
    if (incoming.url !== '/token') {
      answer.end(incoming.headers.authorization);
      return;
    }
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      forms.push(new URLSearchParams(body));
      authorizations.push(incoming.headers.authorization);
      if (refuseHeader && incoming.headers.authorization) answer.writeHead(401);
      const token = { access_token: `tok${++issued}`, token_type: 'bearer', expires_in: 100 };
      answer.end(JSON.stringify(token));
    });
  });
  return { base, forms, authorizations };
}

const oauth2 = (base: string) => ({
  grantType: 'client_credentials' as const,
  clientId: 'me',
  clientSecret: { value: 'sec ret' },
  tokenUrl: `${base}/token`,
  scopes: ['a', 'b'],
  endpointParams: { audience: 'x' },
});

test('OAuth 2.0: a token is fetched once, kept and renewed', async () => {
  const server = await tokenServer();
  let now = 0;
  const client = clientWith({ oauth2: oauth2(server.base) }, { now: () => now });
  const ask = async (): Promise<string> => text(await client.request(request(server.base)));
  expect(await Promise.all([ask(), ask()])).toEqual(['Bearer tok1', 'Bearer tok1']);
  now = 89_000;
  expect(await ask()).toBe('Bearer tok1');
  now = 91_000;
  expect(await ask()).toBe('Bearer tok2');
  expect(server.forms.map(String)).toEqual(
    Array(2).fill('grant_type=client_credentials&scope=a+b&audience=x'),
  );
  const expected = `Basic ${Buffer.from('me:sec%20ret').toString('base64')}`;
  expect(server.authorizations).toEqual([expected, expected]);
});

test('OAuth 2.0: the secret goes into the body where the header is refused', async () => {
  const server = await tokenServer(true);
  const client = clientWith({ oauth2: oauth2(server.base) });
  expect(text(await client.request(request(server.base)))).toBe('Bearer tok2');
  expect(server.forms[1]?.get('client_id')).toBe('me');
  expect(server.forms[1]?.get('client_secret')).toBe('sec ret');
});

test('OAuth 2.0: a refusal is told', async () => {
  const base = await serve((_, answer) => {
    answer.writeHead(401);
    answer.end('no');
  });
  const result = await failure(clientWith({ oauth2: oauth2(base) }).request(request(base)));
  expect(result).toEqual({
    code: 'auth',
    message: `Get "${base}": oauth2: cannot fetch token: 401 Unauthorized\nResponse: no`,
  });
});

test('OAuth 2.0: signed assertions', async () => {
  const server = await tokenServer();
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const client = clientWith(
    {
      oauth2: {
        ...oauth2(server.base),
        grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        clientCertificateKey: { value: pem },
        clientCertificateKeyId: 'k1',
        claims: { extra: 1 },
      },
    },
    { now: () => 1_000_000 },
  );
  expect(text(await client.request(request(server.base)))).toBe('Bearer tok1');
  const [header = '', claims = '', signature = ''] = (
    server.forms[0]?.get('assertion') ?? ''
  ).split('.');
  const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect(decoded(header)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
  expect(decoded(claims)).toMatchObject({
    iss: 'me',
    scope: 'a b',
    iat: 1000,
    exp: 4600,
    extra: 1,
  });
  const signed = Buffer.from(`${header}.${claims}`);
  const key = createPublicKey(pair.privateKey);
  expect(verify('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true);
});
