// SPDX-License-Identifier: Apache-2.0
// Compressed bodies with an inflater: what it takes, and what goes to zlib as without it.

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import zlib from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import type { BodyInflater, HttpError, HttpRequest } from '../base/index.ts';
import { defaultHttpClientOptions } from '../base/index.ts';
import { createMemory, HeapInflater, SharedHeap } from '../kernels/index.ts';
import { createHttpClient } from './http-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const heap = new SharedHeap(createMemory(64 << 20));

/** An inflater that counts the bodies it undid. */
class Counting implements BodyInflater {
  inflated = 0;
  private readonly inner = new HeapInflater(heap);

  hold() {
    const body = this.inner.hold();
    const inflate = body.inflate.bind(body);
    body.inflate = (start, sizeBytes) => {
      const result = inflate(start, sizeBytes);
      if (result !== undefined) this.inflated++;
      return result;
    };
    return body;
  }
}

/** Asks for `body` with and without an inflater, which must come to the same. */
async function ask(body: Uint8Array, limit = 0, encoding = 'gzip', pieces = 1) {
  const server = http.createServer((_incoming, answer) => {
    answer.writeHead(200, { 'Content-Encoding': encoding });
    const size = Math.max(1, Math.ceil(body.length / pieces));
    const send = (at: number): void => {
      if (at >= body.length) answer.end();
      else answer.write(body.subarray(at, at + size), () => setImmediate(send, at + size));
    };
    send(0);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => new Promise((done) => server.close(done)));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const request: HttpRequest = {
    method: 'GET',
    url,
    headers: {},
    timeoutMs: 10_000,
    bodyLimitBytes: limit,
  };
  const outcome = async (inflater: BodyInflater | undefined): Promise<string> => {
    const client = createHttpClient(defaultHttpClientOptions, inflater && { inflater });
    try {
      const response = await client.request(request);
      return Buffer.from(response.body).toString('latin1');
    } catch (error) {
      return `${(error as HttpError).code}: ${(error as HttpError).message}`;
    } finally {
      await client.close();
    }
  };
  const counting = new Counting();
  const before = heap.usedBytes;
  const text = await outcome(counting);
  expect(text).toBe(await outcome(undefined));
  // The room for the output stays.
  expect(heap.usedBytes - before).toBeLessThan(5 << 20);
  return { text, inflated: counting.inflated };
}

const page = Array.from({ length: 500 }, (_, i) => `metric{i="${i}"} ${i * 7}\n`).join('');
const gzip = zlib.gzipSync(page);

test('a small body is inflated, in one piece or many', async () => {
  expect(await ask(gzip)).toEqual({ text: page, inflated: 1 });
  expect(await ask(gzip, 0, 'x-gzip', 20)).toEqual({ text: page, inflated: 1 });
  expect(await ask(zlib.gzipSync(''))).toEqual({ text: '', inflated: 1 });
});

test('a limit of just the size is kept', async () => {
  expect(await ask(gzip, page.length)).toEqual({ text: page, inflated: 1 });
  const { text, inflated } = await ask(gzip, page.length - 1);
  expect(text).toBe('body_too_large: body size limit exceeded');
  expect(inflated).toBe(0);
});

test('several members, names and large bodies go to zlib', async () => {
  const two = Buffer.concat([gzip, zlib.gzipSync('more')]);
  expect((await ask(two)).text).toBe(`${page}more`);
  const named = Buffer.concat([gzip.subarray(0, 10), Buffer.from('name\0'), gzip.subarray(10)]);
  named[3] = 8;
  expect(await ask(named)).toEqual({ text: page, inflated: 0 });
  const large = 'x'.repeat(5 << 20);
  expect(await ask(zlib.gzipSync(large))).toEqual({ text: large, inflated: 0 });
  const random = Buffer.from(
    Array.from({ length: 300_000 }, (_, i) => (i * i * 2654435761) >>> 24),
  );
  const { text, inflated } = await ask(zlib.gzipSync(random, { level: 0 }), 0, 'gzip', 10);
  expect(text).toBe(random.toString('latin1'));
  expect(inflated).toBe(0);
});

test('damage reads as upstream has it', async () => {
  const changed = (at: number): Buffer => {
    const bytes = Buffer.from(gzip);
    bytes[at < 0 ? bytes.length + at : at]! ^= 0xff;
    return bytes;
  };
  expect((await ask(changed(0))).text).toBe('decode: gzip: invalid header');
  expect((await ask(changed(-7))).text).toBe('decode: gzip: invalid checksum');
  expect((await ask(changed(-3))).text).toContain('decode: ');
  expect((await ask(gzip.subarray(0, 200))).text).toBe('decode: unexpected EOF');
  expect((await ask(gzip.subarray(0, 4))).text).toBe('decode: unexpected EOF');
  expect((await ask(new Uint8Array(0))).text).toBe('decode: EOF');
  expect((await ask(changed(300))).text).toContain('decode: ');
});

test('a connection that dies within a body leaves nothing held', async () => {
  const server = http.createServer((_incoming, answer) => {
    answer.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': gzip.length });
    answer.write(gzip.subarray(0, 300), () => setImmediate(() => answer.destroy()));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => new Promise((done) => server.close(done)));
  const inflater = new HeapInflater(heap);
  const client = createHttpClient(defaultHttpClientOptions, { inflater });
  cleanups.push(() => client.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const before = heap.usedBytes;
  const request = {
    method: 'GET',
    url,
    headers: {},
    timeoutMs: 10_000,
    bodyLimitBytes: 0,
  } as const;
  await expect(client.request(request)).rejects.toThrow();
  expect(heap.usedBytes).toBe(before);
});
