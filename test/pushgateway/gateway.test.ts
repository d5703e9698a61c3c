// SPDX-License-Identifier: Apache-2.0
// What the real gateway of this machine is too old to be asked about, what is ours, and bodies that want
// to do harm.

import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseProtobufFamilies } from '../../src/exposition/index.ts';
import { writeProtobuf } from '../../src/metrics/index.ts';
import type { Distribution, MetricFamily } from '../../src/model/index.ts';
import { createSnappy } from '../../src/platform/index.ts';
import { frameSnappy } from './frame-snappy.ts';
import { Rig, textOf } from './rig.ts';

const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const native = (count: number, deltas: readonly number[]): Distribution => ({
  count,
  sum: 4.5,
  points: [],
  native: {
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 1,
    negativeSpans: [1, 1],
    negativeBuckets: [2],
    positiveSpans: [0, deltas.length],
    positiveBuckets: deltas,
    exemplars: [],
  },
});

const histogram = (distribution: Distribution): MetricFamily => ({
  name: 'sizes',
  help: 'S.',
  type: 'histogram',
  metrics: [{ labels: ['a', 'b'], value: 0, distribution }],
});

test('native histograms come in and go out as protobuf, and show their buckets in the API', async () => {
  const rig = new Rig();
  const family = histogram(native(6, [1, 1]));
  const headers = { 'Content-Type': PROTOBUF };
  expect(await rig.push('PUT', '/metrics/job/n', writeProtobuf([family]).slice(), headers)).toBe(
    '200',
  );
  const { headers: answered, body } = await rig.ask({
    path: '/metrics',
    headers: { Accept: PROTOBUF },
  });
  expect(answered['content-type']).toBe(`${PROTOBUF}; escaping=underscores`);
  const families = parseProtobufFamilies(body as Uint8Array);
  expect(families.find(({ name }) => name === 'sizes')).toEqual({
    ...family,
    metrics: [{ ...family.metrics[0], labels: ['a', 'b', 'instance', '', 'job', 'n'] }],
  });
  const api = JSON.parse(textOf((await rig.ask({ path: '/api/v1/metrics' })).body)) as {
    data: { sizes: { metrics: unknown[] } }[];
  };
  expect(api.data[0]?.sizes.metrics).toEqual([
    {
      labels: { a: 'b', instance: '', job: 'n' },
      count: '6',
      sum: '4.5',
      buckets: [
        [1, '-2', '-1', '2'],
        [3, '-0.001', '0.001', '1'],
        [0, '0.5', '1', '1'],
        [0, '1', '2', '2'],
      ],
    },
  ]);
});

test('two groups of one native family are mixed in output order', async () => {
  const rig = new Rig();
  for (const [job, value] of [
    ['b', '2'],
    ['a', '1'],
    ['a', '3'],
  ] as const) {
    const body = `m{x="${value}"} 1\n`;
    expect(await rig.push('POST', `/metrics/job/${job}/k/${value}`, body)).toBe('200');
  }
  await rig.push('POST', '/metrics/job/a', 'm{k="2",x="0"} 1\n');
  const { body } = await rig.ask({ path: '/metrics', headers: { Accept: PROTOBUF } });
  const family = parseProtobufFamilies(body as Uint8Array).find(({ name }) => name === 'm');
  const text = (await rig.samples('m{')).map((line) =>
    /k="(\d)".*x="(\d)"/.exec(line)?.slice(1).join(''),
  );
  expect(family?.metrics.map(({ labels }) => `${labels[5]}${labels[7]}`)).toEqual(text);
  expect(text).toEqual(['11', '20', '33', '22']);
});

test('framed snappy is taken, damaged frames are not', async () => {
  const rig = new Rig();
  const body = frameSnappy('a 1\nb 2\n'.repeat(1), createSnappy());
  const headers = { 'Content-Encoding': 'snappy' };
  expect(await rig.push('PUT', '/metrics/job/s', body, headers)).toBe('200');
  expect(await rig.samples('b')).toEqual(['b{instance="",job="s"} 2']);
  const damaged = body.slice();
  damaged[damaged.length - 1]! ^= 1;
  expect(await rig.push('PUT', '/metrics/job/s', damaged, headers)).toBe(
    '400 snappy: corrupt input',
  );
  expect(await rig.push('PUT', '/metrics/job/s', body.subarray(0, -3), headers)).toMatch(/^400 /);
  expect(await rig.samples('b')).toEqual(['b{instance="",job="s"} 2']);
});

test('UTF-8 names: taken when enabled, escaped as the scraper wants, refused by default', async () => {
  const rig = new Rig({ scheme: 'utf8' });
  const body = '# HELP "my.metric" M.\n# TYPE "my.metric" gauge\n{"my.metric","a.b"="c"} 1\n';
  const path = '/metrics/job/u/U__my_2e_label/v';
  expect(await rig.push('PUT', path, body)).toBe('200');
  const metric = async (escaping: string): Promise<string | undefined> =>
    (await rig.page(`text/plain; version=0.0.4; escaping=${escaping}`))
      .split('\n')
      .find((line) => line.startsWith('{"my') || line.startsWith('my') || line.startsWith('U__my'));
  expect(await metric('allow-utf-8')).toBe(
    '{"my.metric","a.b"="c",instance="",job="u","my.label"="v"} 1',
  );
  expect(await metric('underscores')).toBe('my_metric{a_b="c",instance="",job="u",my_label="v"} 1');
  expect(await metric('dots')).toBe(
    'my_dot_metric{a_dot_b="c",instance="",job="u",my_dot_label="v"} 1',
  );
  expect(await metric('values')).toBe(
    'U__my_2e_metric{U__a_2e_b="c",U__my_2e_label="v",instance="",job="u"} 1',
  );
  const strict = new Rig();
  expect(await strict.push('PUT', '/metrics/job/u', body)).toBe(
    '400 text format parsing error in line 1: invalid metric name "my.metric"',
  );
  expect(await strict.push('PUT', path, 'a 1\n')).toBe('200');
  expect(await strict.samples('a{')).toEqual(['a{U__my_2e_label="v",instance="",job="u"} 1']);
});

test('OpenMetrics is given to those who ask for it', async () => {
  const rig = new Rig();
  await rig.push(
    'PUT',
    '/metrics/job/o',
    '# TYPE c_total counter\nc_total 1\n# TYPE g gauge\ng 2\nu 3\n',
  );
  const page = await rig.page('application/openmetrics-text;version=1.0.0');
  expect(page).toContain('# TYPE c counter\nc_total{instance="",job="o"} 1.0\n');
  expect(page).toContain('# TYPE u unknown\nu{instance="",job="o"} 3.0\n');
  expect(page.endsWith('# EOF\n')).toBe(true);
});

test('without the consistency check pushes are accepted as they are', async () => {
  const rig = new Rig({ checkConsistency: false });
  expect(await rig.push('PUT', '/metrics/job/a', '# TYPE m counter\nm 1\nm 2\n')).toBe('202');
  expect(await rig.push('PUT', '/metrics/job/b', '# TYPE m gauge\nm 1\n')).toBe('202');
  expect((await rig.samples('m{')).length).toBe(3);
  expect(await rig.push('PUT', '/metrics/job/c', 'm 1 17\n')).toBe('202');
  expect(await rig.samples('push_failure_time_seconds{instance="",job="c"} 1.7')).toHaveLength(1);
});

test('a route prefix stands before every path, and the root leads to it', async () => {
  const rig = new Rig({ routePrefix: '/gw', enableLifecycle: true });
  expect(await rig.push('PUT', '/gw/metrics/job/a', 'm 1\n')).toBe('200');
  expect(await rig.push('PUT', '/metrics/job/a', 'm 1\n')).toBe('404 404 page not found');
  expect((await rig.ask({ path: '/gw/metrics' })).status).toBe(200);
  expect(await rig.ask({ path: '/' })).toMatchObject({
    status: 302,
    headers: { location: '/gw/' },
  });
  expect((await rig.ask({ path: '/gw/-/ready' })).status).toBe(200);
  expect((await rig.ask({ path: '/gw/api/v1/status' })).status).toBe(200);
  expect(await rig.ask({ path: '/-/quit' })).toMatchObject({ status: 405 });
  expect(rig.quits).toBe(0);
  expect(await rig.push('PUT', '/gw/-/quit', '')).toBe('200 Requesting termination... Goodbye!');
  expect(rig.quits).toBe(1);
});

test('names of the gateway’s own metrics are taken, with their type', async () => {
  const rig = new Rig();
  const name = 'pushgateway_http_push_size_bytes';
  await rig.push('PUT', '/metrics/job/a', 'm 1\n');
  await rig.page();
  expect(await rig.push('PUT', '/metrics/job/a', `# TYPE ${name} gauge\n${name} 1\n`)).toBe(
    `400 pushed metrics are invalid or inconsistent with existing metrics: gathered metric family ${name} has type GAUGE but should have SUMMARY`,
  );
  const same = 'hearth_pushgateway_groups';
  expect(await rig.push('PUT', '/metrics/job/a', `# TYPE ${same} gauge\n${same} 7\n`)).toBe('200');
  expect(await rig.samples(same)).toEqual([`${same} 1`, `${same}{instance="",job="a"} 7`]);
  expect(
    (await rig.page()).split('\n').filter((line) => line.startsWith(`# TYPE ${same}`)),
  ).toHaveLength(1);
});

test('wiping is only there when enabled', async () => {
  const rig = new Rig({ enableAdminApi: false });
  await rig.push('PUT', '/metrics/job/a', 'm 1\n');
  expect(await rig.push('PUT', '/api/v1/admin/wipe', '')).toBe('404 404 page not found');
  expect((await rig.samples('m')).length).toBe(1);
});

test('a group goes away when its time has come, and each push says anew when that is', async () => {
  const rig = new Rig({ defaultTtlMs: 600_000 });
  await rig.push('PUT', '/metrics/job/flag', 'm 1\n');
  await rig.push('PUT', '/metrics/job/header', 'm 1\n', { 'Hearth-TTL': '90s' });
  await rig.push('PUT', '/metrics/job/query?ttl=30', 'm 1\n', { 'Hearth-TTL': '90s' });
  await rig.push('PUT', '/metrics/job/never?ttl=0', 'm 1\n');
  const jobs = async (): Promise<string[]> =>
    (await rig.samples('m{')).map((line) => /job="(\w+)"/.exec(line)?.[1] ?? '');
  expect(await jobs()).toEqual(['flag', 'header', 'never', 'query']);
  await rig.clock.advance(29_999);
  expect((await jobs()).length).toBe(4);
  await rig.clock.advance(1);
  expect(await jobs()).toEqual(['flag', 'header', 'never']);
  await rig.push('POST', '/metrics/job/header', 'n 1\n', { 'Hearth-TTL': '90s' });
  await rig.clock.advance(89_999);
  expect(await jobs()).toEqual(['flag', 'header', 'never']);
  await rig.clock.advance(1);
  expect(await jobs()).toEqual(['flag', 'never']);
  expect(await rig.samples('push_time_seconds{instance="",job="header"}')).toEqual([]);
  await rig.clock.advance(10 * 86_400_000);
  expect(await jobs()).toEqual(['never']);
  expect(rig.clock.pending).toBe(0);
  for (const ttl of ['x', '-1s', '200y'])
    expect(await rig.push('PUT', `/metrics/job/q?ttl=${ttl}`, 'm 1\n')).toMatch(
      /^400 invalid time to live/,
    );
});

test('a refused push does not prolong the life of its group', async () => {
  const rig = new Rig();
  await rig.push('PUT', '/metrics/job/a?ttl=60', 'm 1\n');
  await rig.clock.advance(30_000);
  expect(await rig.push('PUT', '/metrics/job/a?ttl=60', 'm 1\nm 1\n')).toMatch(/^400/);
  await rig.clock.advance(30_000);
  expect(await rig.samples('m')).toEqual([]);
});

test('merge=sum adds counters up over restarts of pushers, and sums their latest gauges', async () => {
  const rig = new Rig();
  const push = (pusher: string, counter: number, gauge: number): Promise<string> =>
    rig.push(
      'POST',
      `/metrics/job/m?merge=sum&pusher=${pusher}`,
      `# TYPE c counter\nc ${counter}\n# TYPE g gauge\ng ${gauge}\ng{own="${pusher}"} 1\n`,
    );
  for (const [pusher, counter, gauge] of [
    ['a', 10, 1],
    ['b', 5, 2],
    ['a', 12, 4],
  ] as const)
    expect(await push(pusher, counter, gauge)).toBe('200');
  expect(await rig.samples('c{')).toEqual(['c{instance="",job="m"} 17']);
  // a began anew: 3 more, not 9 less.
  await push('a', 3, 0);
  expect(await rig.samples('c{')).toEqual(['c{instance="",job="m"} 20']);
  expect(await rig.samples('g{')).toEqual([
    'g{instance="",job="m"} 2',
    'g{instance="",job="m",own="a"} 1',
    'g{instance="",job="m",own="b"} 1',
  ]);
});

test('merge=sum adds histograms and summaries up, native ones too', async () => {
  const rig = new Rig();
  const classic = (count: number): string =>
    `# TYPE h histogram\nh_bucket{le="1"} ${count}\nh_bucket{le="+Inf"} ${count + 1}\nh_sum ${count}\nh_count ${count + 1}\n` +
    `# TYPE s summary\ns{quantile="0.5"} 3\ns_sum ${count}\ns_count ${count}\n`;
  for (const [pusher, count] of [
    ['a', 2],
    ['b', 3],
    ['a', 7],
    ['a', 1],
  ] as const)
    await rig.push('POST', `/metrics/job/m?merge=sum&pusher=${pusher}`, classic(count));
  expect(await rig.samples('h_')).toEqual([
    'h_bucket{instance="",job="m",le="1"} 11',
    'h_bucket{instance="",job="m",le="+Inf"} 14',
    'h_sum{instance="",job="m"} 11',
    'h_count{instance="",job="m"} 14',
  ]);
  expect(await rig.samples('s')).toEqual([
    's_sum{instance="",job="m"} 11',
    's_count{instance="",job="m"} 11',
  ]);
  const pushNative = (pusher: string, distribution: Distribution): Promise<string> =>
    rig.push(
      'POST',
      `/metrics/job/n?merge=sum&pusher=${pusher}`,
      writeProtobuf([histogram(distribution)]).slice(),
      { 'Content-Type': PROTOBUF },
    );
  await pushNative('a', native(6, [1, 1]));
  await pushNative('b', native(10, [1, 1, 2]));
  await pushNative('a', native(9, [2, 2]));
  const { body } = await rig.ask({ path: '/metrics', headers: { Accept: PROTOBUF } });
  const merged = parseProtobufFamilies(body as Uint8Array).find(({ name }) => name === 'sizes');
  expect(merged?.metrics[0]?.distribution).toMatchObject({
    count: 19,
    native: {
      zeroCount: 2,
      negativeBuckets: [4],
      positiveSpans: [0, 3],
      positiveBuckets: [3, 3, -2],
    },
  });
  const other = { ...native(1, [1]), native: { ...native(1, [1]).native!, schema: 3 } };
  expect(await pushNative('a', other)).toMatch(/^400 .*different schema/);
});

test('merge=max, min and last; names of modes and methods that cannot merge', async () => {
  const rig = new Rig();
  for (const mode of ['max', 'min', 'last']) {
    for (const [pusher, value] of [
      ['a', 3],
      ['b', 9],
      ['c', 5],
      ['b', 4],
    ] as const)
      await rig.push(
        'POST',
        `/metrics/job/${mode}?merge=${mode}&pusher=${pusher}`,
        `# TYPE g gauge\ng ${value}\n`,
      );
  }
  expect(await rig.samples('g{')).toEqual([
    'g{instance="",job="last"} 4',
    'g{instance="",job="max"} 5',
    'g{instance="",job="min"} 3',
  ]);
  expect(await rig.push('POST', '/metrics/job/x?merge=avg', 'g 1\n')).toBe(
    '400 unknown merge mode "avg": one of sum, max, min, last',
  );
  expect(await rig.push('PUT', '/metrics/job/x?merge=sum', 'g 1\n')).toMatch(
    /^400 merging is for POST/,
  );
});

/** A gigabyte of zeros as one gzip stream of a megabyte; made a piece at a time, each a member of its own. */
function gigabyteBomb(): Buffer {
  const member = gzipSync(new Uint8Array(100_000_000));
  return Buffer.concat(new Array<Buffer>(10).fill(member));
}

test('a bomb of 1 GB of zeros is stopped at the limit, with the parser’s message', async () => {
  const bomb = gigabyteBomb();
  const rig = new Rig({ bodyLimitBytes: 32 << 20 });
  const headers = { 'Content-Encoding': 'gzip' };
  const before = process.memoryUsage().rss;
  expect(await rig.push('PUT', '/metrics/job/z', bomb, headers)).toBe(
    '400 text format parsing error in line 1: invalid metric name',
  );
  // Pieces and the whole: twice the limit, and what the collector has not seen yet.
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  expect(await rig.samples('push_')).toEqual([]);
});

test('a body that grows beyond the limit is refused, whatever it says', async () => {
  const rig = new Rig({ bodyLimitBytes: 8_000_000 });
  const headers = { 'Content-Encoding': 'gzip' };
  const lines = gzipSync('a 1\n'.repeat(3_000_000), { level: 1 });
  expect(await rig.push('PUT', '/metrics/job/z', lines, headers)).toMatch(
    /^413 the body is too large/,
  );
  expect(await rig.samples('push_')).toEqual([]);
});
