// SPDX-License-Identifier: Apache-2.0
// Targets that misbehave, over real connections: each fails with the error that upstream's users know,
// and a good target beside it is scraped all the while.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { createHttpClient, createNodeClock } from '../../src/platform/index.ts';
import { SAMPLES_PER_SCRAPE_MAX, type ScrapeOptions } from '../../src/scrape/index.ts';
import { type Clock, defaultHttpClientOptions } from '../../src/base/index.ts';
import { createRig, group, jobOptions } from './rig.ts';

/** The node's clock, but the wait for a first place in a long interval is cut short. */
function hurriedClock(): Clock {
  const clock = createNodeClock();
  let waits = 0;
  const hurried = (delayMs: number): number => (delayMs > 1000 && waits++ === 0 ? 10 : delayMs);
  return { ...clock, setTimer: (delayMs, fire) => clock.setTimer(hurried(delayMs), fire) };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(handler: Handler): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const text = { 'Content-Type': 'text/plain; version=0.0.4' };

/** Scrapes a bad target and a good one every `intervalMs` until the bad one has failed. */
async function scrapeBeside(
  bad: Handler,
  options: Partial<ScrapeOptions> = {},
  memoryBytes = 64 << 20,
) {
  const good = await serve((_, response) => void response.writeHead(200, text).end('good 1\n'));
  const target = await serve(bad);
  const client = createHttpClient(defaultHttpClientOptions);
  const rig = createRig({ clock: hurriedClock(), client, memoryBytes });
  closers.push(() => rig.manager.stop());
  const common = { scrapeIntervalMs: 200, scrapeTimeoutMs: 200 };
  rig.manager.applyConfig(
    [
      jobOptions({ ...common, jobName: 'good' }),
      jobOptions({ ...common, jobName: 'bad', ...options }),
    ],
    { identity: 'test' },
  );
  rig.manager.updateTargets('good', [group(good)]);
  rig.manager.updateTargets('bad', [group(target)]);
  const status = (pool: string) => rig.manager.activeTargets().get(pool)?.[0];
  while (status('bad')?.health === 'unknown' || status('good')?.health === 'unknown')
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(status('good')).toMatchObject({ health: 'up', lastError: '' });
  const upOf = (job: string) => {
    const up = rig.appender.dump(true).filter((line) => /^up\{/.test(line));
    return up
      .filter((line) => line.includes(`job="${job}"`))
      .map((line) => line.split(' ')[1]?.split('@')[0]);
  };
  return { rig, target, bad: status('bad'), upOf };
}

const fails = (
  name: string,
  handler: Handler,
  message: (address: string) => string | RegExp,
  options: Partial<ScrapeOptions> = {},
): void =>
  test(`${name} fails in known words`, async () => {
    const { bad, target, upOf, rig } = await scrapeBeside(handler, options);
    const expected = message(target);
    if (typeof expected === 'string') expect(bad?.lastError).toBe(expected);
    else expect(bad?.lastError).toMatch(expected);
    expect(bad?.health).toBe('down');
    expect(upOf('bad')).toContain('0');
    expect(upOf('bad')).not.toContain('1');
    expect(rig.appender.dump().some((line) => line.startsWith('good'))).toBe(true);
  });

fails(
  'a malformed exposition',
  (_, response) => void response.writeHead(200, text).end('fine 1\n<html>no</html>\n'),
  () => 'expected a valid start token, got "<" ("INVALID") while parsing: "<"',
);
fails(
  'a target that hangs',
  () => undefined,
  (address) => `Get "http://${address}/metrics": context deadline exceeded`,
);
fails(
  'a target that hangs in its body',
  (_, response) => void response.writeHead(200, text).write('fine 1\n'),
  () => 'context deadline exceeded',
);
fails(
  'a target that closes mid-body',
  (_, response) => {
    response.writeHead(200, { ...text, 'Content-Length': '1000' }).write('fine 1\n');
    setTimeout(() => response.destroy(), 20);
  },
  () => 'unexpected EOF',
);
fails(
  'a target that redirects for ever',
  (_, response) => void response.writeHead(302, { Location: '/metrics' }).end(),
  () => /^Get ".*\/metrics": stopped after 10 redirects$/,
);
fails(
  'a wrong content type',
  (_, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('fine 1\n'),
  () =>
    'received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target',
);
fails(
  'an error status',
  (_, response) => void response.writeHead(404, text).end('no'),
  () => 'server returned HTTP status 404 Not Found',
);

const bomb = gzipSync(Buffer.alloc(50 << 20, 'a 1\n'));
fails(
  'a gzip bomb',
  (_, response) => void response.writeHead(200, { ...text, 'Content-Encoding': 'gzip' }).end(bomb),
  () => 'body size limit exceeded',
  { bodySizeLimitBytes: 1 << 20, scrapeIntervalMs: 60_000, scrapeTimeoutMs: 60_000 },
);

/** Writes `lines` lines of distinct series as fast as they are taken. */
const manySeries =
  (lines: number): Handler =>
  (_, response) => {
    response.writeHead(200, text);
    let next = 0;
    const more = (): void => {
      while (next < lines) {
        let chunk = '';
        for (const end = Math.min(lines, next + 2000); next < end; next++)
          chunk += `s{a="${next}"} 1\n`;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  };

test('400,000 series against a sample limit of 1000: refused whole, counted, in little memory', async () => {
  const options = {
    sampleLimit: 1000,
    bodySizeLimitBytes: 0,
    scrapeIntervalMs: 60_000,
    scrapeTimeoutMs: 60_000,
  };
  const { bad, rig } = await scrapeBeside(manySeries(400_000), options, 256 << 20);
  expect(bad?.lastError).toBe('sample limit exceeded');
  expect(rig.appender.report('up').length).toBeGreaterThan(0);
  const counted = rig.appender
    .dump(true)
    .find((line) => /^scrape_samples_scraped.*job="bad"/.test(line));
  expect(counted).toContain(' 400000@');
  // The limit's series and one go of slow lines at most were made.
  expect(rig.appender.series.size).toBeLessThan(2000);
}, 60_000);

test('more series than memory takes: an error, and the others go on', async () => {
  const options = { scrapeIntervalMs: 60_000, scrapeTimeoutMs: 60_000 };
  const { bad, rig, upOf } = await scrapeBeside(manySeries(600_000), options, 24 << 20);
  expect(bad?.lastError).toMatch(/^out of memory/);
  expect(new Set(upOf('bad'))).toEqual(new Set(['0']));
  const before = upOf('good').length;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(upOf('good').length).toBeGreaterThan(before);
  expect(rig.heap.usedBytes).toBeLessThan(20 << 20);
}, 60_000);

test('a hundred megabytes are taken in slices, and others are scraped meanwhile', async () => {
  const line = 'a_metric_that_is_sent_over_and_over_again{with="some",labels="in it"} 123456789\n';
  const chunk = Buffer.from(line.repeat(1000));
  const handler: Handler = (_, response) => {
    response.writeHead(200, text);
    let sent = 0;
    const more = (): void => {
      while (sent < 100 << 20) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  };
  const options = { scrapeIntervalMs: 60_000, scrapeTimeoutMs: 60_000 };
  const { bad, rig } = await scrapeBeside(handler, options, 512 << 20);
  expect(bad).toMatchObject({ health: 'up', lastError: '' });
  const counted = rig.appender
    .dump(true)
    .find((entry) => /^scrape_samples_scraped.*job="bad"/.test(entry));
  const lines = Math.ceil((100 << 20) / chunk.length) * 1000;
  expect(counted).toContain(` ${lines}@`);
  expect(SAMPLES_PER_SCRAPE_MAX).toBeGreaterThan(1_000_000);
}, 60_000);
