// SPDX-License-Identifier: Apache-2.0
// Programs that push to the real thing push to ours: prom-client, curl as upstream's README has it,
// Debian's Python client. And ours as a process: killed, behind TLS and a password.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import bcrypt from 'bcryptjs';
import { Counter, Gauge, Histogram, Pushgateway, Registry, Summary } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../tools/tidy.ts';
import { freePort, type RunningPeer, startPeer, waitForUrl } from '../peers.ts';
import { ask, type GatewayUnderTest, scrape, startGateway } from './gateway-under-test.ts';
import { inDirectory } from './rig.ts';

const run = promisify(execFile);
const inCi = process.env.CI === 'true';

let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGateway(['--web.enable-admin-api']);
});
afterAll(() => under.close());

const wipe = () => ask(under.url, { method: 'PUT', path: '/api/v1/admin/wipe' });
const sampleLines = async (): Promise<string[]> =>
  (await scrape(under.url)).split('\n').filter((line) => line !== '' && !/^#|^push_/.test(line));

test('prom-client pushes, adds and deletes', async () => {
  await wipe();
  const registry = new Registry();
  const counter = new Counter({
    name: 'jobs_total',
    help: 'Jobs.',
    labelNames: ['kind'],
    registers: [registry],
  });
  const gauge = new Gauge({ name: 'depth', help: 'Depth.', registers: [registry] });
  const histogram = new Histogram({
    name: 'took',
    help: 'Took.',
    buckets: [0.1, 1],
    registers: [registry],
  });
  const summary = new Summary({
    name: 'size',
    help: 'Size.',
    percentiles: [0.5],
    registers: [registry],
  });
  counter.inc({ kind: 'a"b' }, 3);
  gauge.set(-1.5);
  for (const seconds of [0.05, 0.5, 5]) histogram.observe(seconds);
  summary.observe(7);
  const client = new Pushgateway(under.url, {}, registry);
  const where = { jobName: 'node', groupings: { path: 'x y+ü' } };
  await client.push(where);
  expect(await sampleLines()).toEqual([
    'depth{instance="",job="node",path="x y+ü"} -1.5',
    'jobs_total{instance="",job="node",kind="a\\"b",path="x y+ü"} 3',
    'size{instance="",job="node",path="x y+ü",quantile="0.5"} 7',
    'size_sum{instance="",job="node",path="x y+ü"} 7',
    'size_count{instance="",job="node",path="x y+ü"} 1',
    'took_bucket{instance="",job="node",path="x y+ü",le="0.1"} 1',
    'took_bucket{instance="",job="node",path="x y+ü",le="1"} 2',
    'took_bucket{instance="",job="node",path="x y+ü",le="+Inf"} 3',
    'took_sum{instance="",job="node",path="x y+ü"} 5.55',
    'took_count{instance="",job="node",path="x y+ü"} 3',
  ]);
  counter.inc({ kind: 'b' });
  await client.pushAdd(where);
  expect((await sampleLines()).filter((line) => line.startsWith('jobs_total'))).toHaveLength(2);
  await client.delete(where);
  expect(await sampleLines()).toEqual([]);
});

test.skipIf(!existsSync('/usr/bin/curl') && !inCi)(
  'curl, as upstream’s README has it',
  async () => {
    await wipe();
    const curl = (args: string): Promise<unknown> =>
      run('/bin/sh', ['-c', args.replaceAll('http://pushgateway.example.org:9091', under.url)]);
    await curl(
      'echo "some_metric 3.14" | curl -sS --fail --data-binary @- http://pushgateway.example.org:9091/metrics/job/some_job',
    );
    await curl(`cat <<EOF | curl -sS --fail --data-binary @- http://pushgateway.example.org:9091/metrics/job/some_job/instance/some_instance
# TYPE some_metric counter
some_metric_x{label="val1"} 42
# TYPE another_metric gauge
# HELP another_metric Just an example.
another_metric 2398.283
EOF`);
    expect(await sampleLines()).toEqual([
      'another_metric{instance="some_instance",job="some_job"} 2398.283',
      'some_metric{instance="",job="some_job"} 3.14',
      'some_metric_x{instance="some_instance",job="some_job",label="val1"} 42',
    ]);
    await curl(
      'curl -sS --fail -X DELETE http://pushgateway.example.org:9091/metrics/job/some_job/instance/some_instance',
    );
    await curl(
      'curl -sS --fail -X DELETE http://pushgateway.example.org:9091/metrics/job/some_job',
    );
    await curl(
      `echo 'some_metric{foo="bar"} 3.14' | curl -sS --fail --data-binary @- http://pushgateway.example.org:9091/metrics/job/titan/name@base64/zqDPgc6_zrzOt864zrXPjc-C`,
    );
    await curl(
      `echo 'some_metric{foo="bar"} 3.14' | gzip | curl -sS --fail -H 'Content-Encoding: gzip' --data-binary @- http://pushgateway.example.org:9091/metrics/job/directory_cleaner/path@base64/L3Zhci90bXA`,
    );
    expect(await sampleLines()).toEqual([
      'some_metric{foo="bar",instance="",job="directory_cleaner",path="/var/tmp"} 3.14',
      'some_metric{foo="bar",instance="",job="titan",name="Προμηθεύς"} 3.14',
    ]);
    await curl('curl -sS --fail -X PUT http://pushgateway.example.org:9091/api/v1/admin/wipe');
    expect(await sampleLines()).toEqual([]);
  },
);

const python = '/usr/lib/python3/dist-packages/prometheus_client/__init__.py';

test.skipIf(!existsSync(python) && !inCi)('Debian’s Python client', async () => {
  await wipe();
  const { hostname, port } = new URL(under.url);
  const script = `
from prometheus_client import CollectorRegistry, Gauge, Histogram, Counter, push_to_gateway, pushadd_to_gateway, delete_from_gateway
where = '${hostname}:${port}'
registry = CollectorRegistry()
Gauge('last_success', 'When it went well', ['step'], registry=registry).labels('a').set(1.5)
Histogram('duration', 'How long', buckets=(1, 2), registry=registry).observe(1.5)
push_to_gateway(where, job='python', registry=registry, grouping_key={'path': '/a b', 'empty': ''})
more = CollectorRegistry()
Counter('more', 'More', registry=more).inc(2)
pushadd_to_gateway(where, job='python', registry=more, grouping_key={'path': '/a b', 'empty': ''})
push_to_gateway(where, job='gone', registry=more)
delete_from_gateway(where, job='gone')
`;
  await run('/usr/bin/python3', ['-c', script]);
  const lines = (await sampleLines()).filter((line) => !line.includes('_created'));
  expect(lines).toEqual([
    'duration_bucket{empty="",instance="",job="python",path="/a b",le="1"} 0',
    'duration_bucket{empty="",instance="",job="python",path="/a b",le="2"} 1',
    'duration_bucket{empty="",instance="",job="python",path="/a b",le="+Inf"} 1',
    'duration_sum{empty="",instance="",job="python",path="/a b"} 1.5',
    'duration_count{empty="",instance="",job="python",path="/a b"} 1',
    'last_success{empty="",instance="",job="python",path="/a b",step="a"} 1.5',
    'more_total{empty="",instance="",job="python",path="/a b"} 2',
  ]);
});

const entry = join(repositoryRoot, 'dist/targets/cli.js');

async function startProcess(args: readonly string[]): Promise<{ url: string; peer: RunningPeer }> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const peer = startPeer(process.execPath, [
    entry,
    'pushgateway',
    `--web.listen-address=${address}`,
    ...args,
  ]);
  return { url: `http://${address}`, peer };
}

describe.skipIf(!existsSync(entry) && !inCi)('as a process', () => {
  test('an answered push survives kill -9, and a stop writes the file', () =>
    inDirectory(async (directory) => {
      const file = `--persistence.file=${join(directory, 'metrics')}`;
      const first = await startProcess([file]);
      try {
        await waitForUrl(`${first.url}/-/ready`, first.peer);
        const pushes = Array.from({ length: 40 }, (_, i) =>
          ask(first.url, { method: 'PUT', path: `/metrics/job/j${i}`, body: `m ${i}\n` }),
        );
        // Dead as soon as half of them were answered: those are kept, of the others any number.
        const answered = await Promise.all(pushes.slice(0, 20));
        first.peer.process.kill('SIGKILL');
        await Promise.allSettled(pushes);
        expect(answered.every(({ status }) => status === 200)).toBe(true);
      } finally {
        await first.peer.stop('SIGKILL');
      }
      const second = await startProcess([file]);
      try {
        await waitForUrl(`${second.url}/-/ready`, second.peer);
        const page = await scrape(second.url);
        for (let i = 0; i < 20; i++) expect(page).toContain(`m{instance="",job="j${i}"} ${i}\n`);
        await second.peer.stop('SIGTERM');
        expect(second.peer.process.exitCode).toBe(0);
        expect(readdirSync(directory)).toEqual(['metrics']);
      } finally {
        await second.peer.stop('SIGKILL');
      }
    }));

  test('lifecycle: quitting over HTTP ends it well', async () => {
    const { url, peer } = await startProcess(['--web.enable-lifecycle']);
    try {
      await waitForUrl(`${url}/-/ready`, peer);
      expect((await ask(url, { method: 'PUT', path: '/-/quit' })).text).toBe(
        'Requesting termination... Goodbye!',
      );
      await new Promise((resolve) => peer.process.once('exit', resolve));
      expect(peer.process.exitCode).toBe(0);
    } finally {
      await peer.stop('SIGKILL');
    }
  });

  test('a password of the web configuration is asked for', () =>
    inDirectory(async (directory) => {
      const config = join(directory, 'web.yml');
      writeFileSync(config, `basic_auth_users:\n  alice: ${await bcrypt.hash('secret', 4)}\n`);
      const { url, peer } = await startProcess([`--web.config.file=${config}`]);
      const push = { method: 'PUT', path: '/metrics/job/a', body: 'm 1\n' };
      try {
        await waitForAnswer(url);
        expect((await ask(url, push)).status).toBe(401);
        const right = `Basic ${Buffer.from('alice:secret').toString('base64')}`;
        expect((await ask(url, { ...push, headers: { Authorization: right } })).status).toBe(200);
      } finally {
        await peer.stop();
      }
    }));

  test('a path of ten thousand labels fits into a request', async () => {
    const { url, peer } = await startProcess([]);
    const path = Array.from({ length: 10_000 }, (_, i) => `/l${i}/v${i}`).join('');
    try {
      await waitForUrl(`${url}/-/ready`, peer);
      const answer = await ask(url, {
        method: 'PUT',
        path: `/metrics/job/x${path}`,
        body: 'm 1\n',
      });
      expect(answer.status).toBe(200);
    } finally {
      await peer.stop();
    }
  });
});

/** Whatever the answer is. */
async function waitForAnswer(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const came = await ask(url, { path: '/' }).then(
      () => true,
      () => false,
    );
    if (came) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}
