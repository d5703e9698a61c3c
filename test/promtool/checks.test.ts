// SPDX-License-Identifier: Apache-2.0
// `promtool check web-config|metrics|service-discovery|healthy|ready` and `debug`, beside the real
// program where 2.42 has the command and says the same as 3.14.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { built, entry } from '../e2e/program.ts';
import { newDirectory } from '../new-directory.ts';
import { peerPath } from '../peers.ts';

const real = peerPath('promtool');

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

function run(command: string, args: readonly string[], cwd: string, input = ''): Outcome {
  const script = ['-c', 'exec "$0" "$@" 2>&1', command, ...args];
  const done = spawnSync('sh', script, { cwd, input, encoding: 'utf8' });
  return { code: done.status, text: done.stdout };
}

const ours = (args: readonly string[], cwd: string, input = ''): Outcome =>
  run(process.execPath, [resolve(entry), 'promtool', ...args], cwd, input);

/** As {@link ours}, while this process answers requests. */
function oursMeanwhile(args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn(process.execPath, [resolve(entry), 'promtool', ...args], { cwd });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
  return new Promise((done) => child.on('close', (code) => done({ code, text })));
}

const metrics = `# HELP x_total help
# TYPE x_total gauge
x_total 1
# TYPE fooBar counter
fooBar{le="1"} 2
# TYPE a_milliseconds gauge
a_milliseconds 1
# HELP b_gauge Gauge.
# TYPE b_gauge gauge
b_gauge{camelCase="a",quantile="0.5"} 1
# HELP c:d_ms_count C.
# TYPE c:d_ms_count gauge
c:d_ms_count 1
# HELP memory_kibibits_bucket M.
# TYPE memory_kibibits_bucket counter
memory_kibibits_bucket 1
# HELP untyped_total U.
untyped_total{le="1"} 1
`;

const goodMetrics = `# HELP h_seconds H.
# TYPE h_seconds histogram
h_seconds_bucket{le="1"} 1
h_seconds_bucket{le="2"} 1
h_seconds_bucket{le="+Inf"} 1
h_seconds_sum 1
h_seconds_count 1
# HELP s_seconds S.
# TYPE s_seconds summary
s_seconds{quantile="0.5"} 1
s_seconds{quantile="0.9"} 1
s_seconds_sum 1
s_seconds_count 1
# HELP c_total C.
# TYPE c_total counter
c_total{a="1"} 1
c_total{a="2"} 1
c_total{a="3"} 1
`;

const hash = '$2y$10$CwTycUXWue0Thq9StjUM0uJ8ZCL6cTqq4K8mI2GuZbWdE5Tqzk7mK';

/** Files and, where 2.42 says otherwise or nothing, what 3.14 says. */
const webConfigs: Readonly<Record<string, readonly [text: string, said?: string]>> = {
  'empty.yml': [''],
  'good.yml': [`basic_auth_users: {a: '${hash}'}\nhttp_server_config: {http2: false}`],
  'hash.yml': ['basic_auth_users: {a: b}'],
  'prefix.yml': [`basic_auth_users: {a: 'x${hash.slice(1)}'}`],
  'field.yml': ['\n\nfoo: 1'],
  'tls-field.yml': ['tls_server_config:\n  cert_file: x\n  foo: 1'],
  'header.yml': ['http_server_config: {headers: {X-Foo: bar}}'],
  'frame.yml': ['http_server_config: {headers: {X-Frame-Options: x}}'],
  'version.yml': ['tls_server_config: {min_version: TLS9}'],
  'cipher.yml': ['tls_server_config: {cert_file: a, key_file: b, cipher_suites: [X]}'],
  'curve.yml': ['tls_server_config: {cert_file: a, key_file: b, curve_preferences: [X]}'],
  'pair.yml': ['tls_server_config: {cert_file: none, key_file: none}'],
  'key.yml': ['tls_server_config: {cert_file: none}', 'missing one of key or key_file'],
  'auth.yml': [
    'tls_server_config: {cert_file: a, key_file: b, client_auth_type: X}',
    'Invalid ClientAuth: X',
  ],
  'broken.yml': ['[', 'yaml: '],
};

async function serve(answers: Readonly<Record<string, Buffer | string>>): Promise<string> {
  const server: Server = createServer((request, reply) => {
    const answer = answers[request.url ?? ''];
    reply.statusCode = answer === undefined ? 404 : 200;
    reply.end(answer ?? 'not found');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Names and bodies of the files in an archive. */
function filesOf(archive: Buffer): Record<string, string> {
  const files: Record<string, string> = {};
  for (let at = 0; archive[at] !== 0; ) {
    const name = archive.toString('latin1', at, at + 100).replace(/\0.*/s, '');
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8);
    files[name] = archive.toString('utf8', at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

describe.runIf(built && real !== undefined)('promtool check', () => {
  const theirs = (args: readonly string[], cwd: string, input = ''): Outcome =>
    run(real ?? '', args, cwd, input);

  test('web-config', () => {
    const directory = newDirectory();
    for (const [name, [text, said]] of Object.entries(webConfigs)) {
      writeFileSync(join(directory, name), text);
      const args = ['check', 'web-config', name];
      const mine = ours(args, directory);
      if (said === undefined) expect(mine, name).toEqual(theirs(args, directory));
      else expect(mine.text, name).toContain(`${name} FAILED: ${said}`);
    }
    const none = ['check', 'web-config', 'good.yml', 'none.yml'];
    expect(ours(none, directory)).toEqual(theirs(none, directory));
  }, 60_000);

  test('metrics', () => {
    const directory = newDirectory();
    for (const input of [metrics, goodMetrics, 'a{ 1', '# TYPE a x\na 1', '', 'a 1'])
      for (const args of [
        ['check', 'metrics'],
        ['check', 'metrics', '--extended'],
      ])
        expect(ours(args, directory, input), input).toEqual(theirs(args, directory, input));
    const plain = ['check', 'metrics', '--lint=none'];
    expect(ours(plain, directory, metrics)).toEqual({ code: 0, text: '' });
    expect(ours(['check', 'metrics'], directory, 'a{b="1"} 1\na{b="1"} 2\n').text).toContain(
      'a metric not unique',
    );
  }, 60_000);

  test('service-discovery', () => {
    const directory = newDirectory();
    writeFileSync(
      join(directory, 'sd.yml'),
      `scrape_configs:
- job_name: a
  static_configs: [{targets: ["x:1", "y:2", "x:1"], labels: {foo: "<&>"}}]
  file_sd_configs: [{files: [sd.json]}]
  relabel_configs: [{source_labels: [__address__], regex: "y.*", action: drop}, {source_labels: [foo], target_label: bar}]
- job_name: bad
  static_configs: [{targets: ["z:1"]}]
  relabel_configs: [{target_label: __scrape_interval__, replacement: bogus}]
`,
    );
    writeFileSync(join(directory, 'sd.json'), '[{"targets":["f:1"]}]');
    const check = (job: string): string[] => ['check', 'service-discovery', 'sd.yml', job];
    const { code, text } = ours(check('a'), directory);
    expect(code).toBe(0);
    expect(text).toContain('"foo": "\\u003c\\u0026\\u003e"');
    const found = JSON.parse(text) as Record<string, Record<string, string>>[];
    const short = found.map(({ discoveredLabels, labels }) => [
      discoveredLabels?.__address__,
      labels?.bar,
      labels?.instance,
    ]);
    expect(short).toEqual([
      ['x:1', '<&>', 'x:1'],
      ['y:2', undefined, undefined],
      ['f:1', undefined, 'f:1'],
    ]);
    expect(JSON.parse(ours(check('bad'), directory).text)).toMatchObject([
      {
        discoveredLabels: { __address__: 'z:1' },
        labels: {},
        error: expect.stringContaining('bogus'),
      },
    ]);
    expect(ours(check('none'), directory)).toEqual(theirs(check('none'), directory));
  }, 60_000);

  test('healthy and ready', async () => {
    const directory = newDirectory();
    const url = await serve({ '/-/healthy': 'Fine.\n' });
    expect(await oursMeanwhile(['check', 'healthy', `--url=${url}`], directory)).toEqual({
      code: 0,
      text: '  SUCCESS:  Fine.\n\n',
    });
    expect(await oursMeanwhile(['check', 'ready', `--url=${url}`], directory)).toEqual({
      code: 1,
      text: `check failed: URL=${url}, status=404\n`,
    });
  });

  test('debug', async () => {
    const directory = newDirectory();
    const profiles = ['profile?seconds=30', 'block', 'goroutine', 'heap', 'mutex', 'threadcreate'];
    const url = await serve({
      '/metrics': 'up 1\n',
      '/debug/pprof/trace?seconds=30': 'trace',
      ...Object.fromEntries(profiles.map((name) => [`/debug/pprof/${name}`, gzipSync(name)])),
    });
    const all = await oursMeanwhile(['debug', 'all', url], directory);
    expect(all.code).toBe(0);
    expect(all.text).toContain(
      'Compiling debug information complete, all files written in "debug.tar.gz".',
    );
    const archive = join(directory, 'debug.tar.gz');
    expect(filesOf(gunzipSync(readFileSync(archive)))).toEqual({
      'cpu.pb': 'profile?seconds=30',
      'block.pb': 'block',
      'goroutine.pb': 'goroutine',
      'heap.pb': 'heap',
      'mutex.pb': 'mutex',
      'threadcreate.pb': 'threadcreate',
      'trace.pb': 'trace',
      'metrics.txt': 'up 1\n',
    });
    const listed = spawnSync('tar', ['tzf', archive], { encoding: 'utf8' });
    expect(listed.stdout.split('\n')).toContain('metrics.txt');

    const plain = await serve({ '/debug/pprof/profile?seconds=30': 'no profile' });
    mkdirSync(join(directory, 'sub'));
    const failed = await oursMeanwhile(['debug', 'pprof', plain], join(directory, 'sub'));
    expect(failed.code).toBe(1);
    expect(failed.text).toContain('error completing debug command: error post-processing');
  }, 60_000);
});
