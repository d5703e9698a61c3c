// SPDX-License-Identifier: Apache-2.0
// The same requests to ours and to Debian's pushgateway (1.5): the same status, body and resulting page.
// What differs between 1.5 and 1.11, which ours is, stands in `differences` with its reason.

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseProtobufFamilies, parseTextFamilies } from '../../src/exposition/index.ts';
import type { MetricFamily } from '../../src/model/index.ts';
import { freePort, peerPath, type RunningPeer, startPeer, waitForUrl } from '../peers.ts';
import type { Answer, Ask, GatewayUnderTest } from './gateway-under-test.ts';
import { ask, scrape, startGateway } from './gateway-under-test.ts';

/** Requests answered otherwise, by what they are → reason. Both answers are checked to be as they were. */
const differences: Readonly<Record<string, string>> = {
  'name inside of braces': 'since common 0.56 a name may stand in the braces, for UTF-8 names',
  'quote escaped in HELP': 'since common 0.48 \\" is an escape in HELP, as OpenMetrics writes it',
  'GZIP in capitals': 'codings are compared without case since 1.7',
  'gzip cut off': '1.5 took what it could read; since common 0.50 a read error is one',
  'snappy that is none': 'likewise: 1.5 saw an empty body, 1.11 the error of the decoder',
  'negative bucket': 'since common 0.67 counts of histograms may be floats but not negative',
  'fractional bucket': 'since common 0.67 counts of histograms may be floats',
};

const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const put = (path: string, body = 'a 1\n'): Ask => ({ method: 'PUT', path, body });
const post = (path: string, body = 'a 1\n'): Ask => ({ method: 'POST', path, body });
const drop = (path: string): Ask => ({ method: 'DELETE', path });
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** One sequence each, from an empty gateway; the page is compared after every request. */
const sequences: Readonly<Record<string, readonly Ask[]>> = {
  'put, post, delete': [
    put('/metrics/job/x', 'a 1\nb 2\n'),
    post('/metrics/job/x', 'a 3\nc 4\n'),
    put('/metrics/job/x', 'd 5\n'),
    put('/metrics/job/x/instance/i', 'd 6\n'),
    post('/metrics/job/x', ''),
    put('/metrics/job/x', ''),
    drop('/metrics/job/x'),
    drop('/metrics/job/x'),
    drop('/metrics/job/x/instance/i'),
  ],
  'labels of a path': [
    put('/metrics/job/x/'),
    put('/metrics/job/x/a'),
    put('/metrics/job/x/a/'),
    put('/metrics/job/x/a/b/'),
    put('/metrics/job/x/b/1/a/2/c/3'),
    put('/metrics/job/x/a/1/a/2'),
    put('/metrics/job/x/job/y/a/z'),
    put('/metrics/job@base64/eC95/path@base64/L3Zhci90bXA'),
    put('/metrics/job@base64/eC95/path@base64/L3Zhci90bXA='),
    // Label sets that differ in names only have no order in upstream.
    drop('/metrics/job/x/a@base64/='),
    put('/metrics/job/x/e@base64/='),
    put('/metrics/job/x/job@base64/eA=='),
    put('/metrics/job/x/a@base64/b*'),
    put('/metrics/job/x/a@base64/YWJjZ*'),
    put('/metrics/job/x/a@base64/YWJjZ'),
    put('/metrics/job/x/__a/b'),
    put('/metrics/job/x/a-b/c'),
    put('/metrics/job/x/%C3%BC/c'),
    put('/metrics/job/%C3%BC%20x+y/c/d%3De'),
    put('/metrics/job/x%2Fa%2Fb'),
    put('/metrics/job/x/a%2Fb/c'),
    put('/metrics/job@base64/='),
    drop('/metrics/job/none/a'),
    drop('/metrics/job/none/a@base64/*'),
  ],
  'places that are none': [
    put('/metrics/job'),
    put('/metrics/job/'),
    put('/metrics/'),
    put('/metrics/jobs/x'),
    put('/metrics/job/x//a'),
    put('/metrics/job/x/../y'),
    put('/metrics/job/x/./y'),
    put('/metrics/job/x%zz'),
    { path: '/metrics/job/x' },
    { path: '/metrics/' },
    { method: 'PATCH', path: '/metrics/job/x' },
    { method: 'OPTIONS', path: '/metrics/job/x' },
    { method: 'POST', path: '/metrics' },
    { path: '/none' },
    { path: '/-/healthy' },
    { path: '/-/ready' },
    { method: 'POST', path: '/-/ready' },
    { path: '/-/quit' },
    { method: 'PUT', path: '/-/quit' },
    { method: 'POST', path: '/-/quit' },
    { method: 'DELETE', path: '/-/quit' },
    { path: '/api/v1' },
    { path: '/api/v1/none' },
    { method: 'OPTIONS', path: '/api/v1/none' },
    { method: 'POST', path: '/api/v1/status' },
    { method: 'POST', path: '/api/v1/admin/wipe' },
  ],
  'label sets': [
    post(
      '/metrics/job/t',
      '# HELP m Help.\n# TYPE m counter\nm{job="z",x="2",instance="i"} 1\nm{x="1"} 2\nm 3\n',
    ),
    post(
      '/metrics/job/t/instance/j',
      '# HELP m Help.\n# TYPE m counter\nm{instance="k"} 5\n# TYPE m2 gauge\nm2{ b = "\\\\\\n\\"" } NaN\n',
    ),
    post(
      '/metrics/job/t/instance/j',
      '# HELP m Help.\n# TYPE m counter\nm{instance="k"} 5\nm{y=""} +Inf\n',
    ),
    post('/metrics/job/s', '# HELP m Help.\n# TYPE m counter\nm 5\n'),
    post('/metrics/job/s/a/b', '# HELP m Help.\n# TYPE m counter\nm{c="d"} 1e+300\nm 0.00001\n'),
  ],
  'values of all types': [
    put(
      '/metrics/job/t',
      '# TYPE s summary\ns{quantile="0.5"} 1\ns{quantile="0.99"} NaN\ns_sum 3\ns_count 4\ns_count{a="b"} 1\n' +
        '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1.5\nh_count 2\n' +
        'h_bucket{a="b",le="0.5"} 7\nh_count{a="b"} 9\n' +
        '# TYPE c counter\nc 1e9\n# TYPE g gauge\ng -0.5\nu 17\n',
    ),
    { path: '/api/v1/metrics' },
  ],
  'bodies that are wrong': [
    ...[
      'a 1',
      'a',
      'a\n',
      'a x\n',
      '1a 3\n',
      'a 1_0\n',
      'a 0x10\n',
      'a{x=1} 1\n',
      'a{x="1} 1\n',
      'a{x="1",x="2"} 1\n',
      'a{x-y="1"} 1\n',
      'a{x="1" y="2"} 1\n',
      'a{x="\\q"} 1\n',
      'a{__name__="b"} 1\n',
      'a 17 \n',
      'a 1 x\n',
      'a 1 1 1\n',
      'a 1 123\n',
      '# TYPE b foo\n',
      '# HELP a \\x\n',
      '# HELP a x\n# HELP a y\n',
      '# TYPE a counter\n# TYPE a counter\n',
      'a 1\n# TYPE a gauge\n',
      '# TYPE s summary\ns{quantile="x"} 1\n',
      '# TYPE h histogram\nh_bucket{le="x"} 1\n',
      '\0\0\0\0',
      'a{__x="1"} 1\n',
      'a 1\na 1\n',
      'a{x="1"} 1\na{x="2"} 1\na{x="1"} 1\n',
      'a{job="x"} 1\na{job="y"} 1\n',
      '# TYPE h histogram\nh 1\nh_count 3\nh_count{a="b"} 1\n',
      '# HELP\n#\n# x\n# TYPE\n# HELP x\n',
      '\n \n\t\n',
    ].map((body) => post('/metrics/job/bad', body)),
    {
      ...post('/metrics/job/bad', ''),
      body: hex('61 7b 78 3d 22 ff 22 7d 20 31 0a'),
    },
  ],
  'groups that contradict each other': [
    put('/metrics/job/a', '# TYPE m counter\nm 1\n# TYPE h histogram\nh_count 1\n'),
    put('/metrics/job/b', '# TYPE m gauge\nm 1\n'),
    put('/metrics/job/b', 'h_count 1\n'),
    put('/metrics/job/b', 'h_bucket 1\nh_total 2\n'),
    put('/metrics/job/b', 'x_sum 1\n'),
    put('/metrics/job/c', '# TYPE x summary\nx_count 1\n'),
    put('/metrics/job/c', '# TYPE x histogram\nx_count 1\n'),
    post('/metrics/job/a', '# TYPE m gauge\nm 1\n'),
    put('/metrics/job/a', '# TYPE m gauge\nm{instance="q"} 1\n'),
    put('/metrics/job/a/instance/q', '# TYPE m gauge\nm 1\n'),
    put('/metrics/job/a/instance/r', '# TYPE m gauge\nm 1\n'),
    put('/metrics/job/b', '# TYPE process_open_fds counter\nprocess_open_fds 1\n'),
    put('/metrics/job/b', '# TYPE push_time_seconds counter\npush_time_seconds 1\n'),
    // With the text of the gateway's own: of groups with different HELP, upstream shows a random one's.
    put(
      '/metrics/job/b',
      '# HELP push_failure_time_seconds Last Unix time when changing this group in the Pushgateway failed.\n# TYPE push_failure_time_seconds gauge\npush_failure_time_seconds 1\n',
    ),
  ],
  compressed: [
    {
      ...put('/metrics/job/z'),
      headers: { 'Content-Encoding': 'gzip' },
      body: gzipSync('a 1\nb 2\n'),
    },
    { ...put('/metrics/job/z', 'abc'), headers: { 'Content-Encoding': 'gzip' } },
    { ...put('/metrics/job/z', 'abcdefghijklmnop'), headers: { 'Content-Encoding': 'gzip' } },
    { ...put('/metrics/job/z', ''), headers: { 'Content-Encoding': 'gzip' } },
    { ...put('/metrics/job/z', ''), headers: { 'Content-Encoding': 'snappy' } },
    { ...put('/metrics/job/z'), headers: { 'Content-Encoding': 'br' } },
  ],
  protobuf: [
    // metrics of a gauge "g", twice: the second replaces the first
    {
      ...put('/metrics/job/p'),
      headers: { 'Content-Type': PROTOBUF },
      body: hex(
        '14 0a 01 67 18 01 22 0d 12 0b 09 00 00 00 00 00 00 f0 3f 10 00 12 0a 01 67 18 01 22 0b 12 09 09 00 00 00 00 00 00 00 40',
      ),
    },
    {
      ...put('/metrics/job/p'),
      headers: { 'Content-Type': PROTOBUF },
      body: hex('03 0a 01 61'),
    },
    { ...put('/metrics/job/p'), headers: { 'Content-Type': PROTOBUF }, body: hex('00') },
    { ...put('/metrics/job/p'), headers: { 'Content-Type': PROTOBUF }, body: hex('05 0a') },
    { ...put('/metrics/job/p'), headers: { 'Content-Type': PROTOBUF }, body: hex('02 0a 05') },
    // a counter's value in a family of gauges
    {
      ...put('/metrics/job/p'),
      headers: { 'Content-Type': PROTOBUF },
      body: hex('12 0a 01 67 18 01 22 0b 1a 09 09 00 00 00 00 00 00 f0 3f'),
    },
    // with a timestamp
    {
      ...put('/metrics/job/p'),
      headers: { 'Content-Type': PROTOBUF },
      body: hex('14 0a 01 67 18 01 22 0d 12 09 09 00 00 00 00 00 00 f0 3f 30 01'),
    },
  ],
  wiping: [
    put('/metrics/job/a'),
    { method: 'PUT', path: '/api/v1/admin/wipe' },
    { path: '/api/v1/metrics' },
  ],
};

/** Requests for `differences`: ours and theirs are both pinned. */
const different: Readonly<Record<string, { ask: Ask; ours: string; theirs: string }>> = {
  'name inside of braces': {
    ask: put('/metrics/job/d', '{a} 1\n'),
    ours: '200 ',
    theirs: '400 text format parsing error in line 1: invalid metric name\n',
  },
  'quote escaped in HELP': {
    ask: put('/metrics/job/d', '# HELP a \\"\na 1\n'),
    ours: '200 ',
    theirs: `400 text format parsing error in line 1: invalid escape sequence '\\"'\n`,
  },
  'GZIP in capitals': {
    ask: {
      ...put('/metrics/job/d'),
      headers: { 'Content-Encoding': 'GZIP' },
      body: gzipSync('a 2\n'),
    },
    ours: '200 ',
    theirs: '400 text format parsing error in line 1: invalid metric name\n',
  },
  'gzip cut off': {
    ask: {
      ...put('/metrics/job/d'),
      headers: { 'Content-Encoding': 'gzip' },
      body: gzipSync('a 1\nb 2\n').subarray(0, 22),
    },
    ours: '400 unexpected EOF\n',
    theirs: '200 ',
  },
  'snappy that is none': {
    ask: { ...put('/metrics/job/d', 'abcdefgh'), headers: { 'Content-Encoding': 'snappy' } },
    ours: '400 snappy: corrupt input\n',
    theirs: '400 text format parsing error in line 1: unexpected end of input stream\n',
  },
  'negative bucket': {
    ask: put('/metrics/job/d', '# TYPE h histogram\nh_bucket{le="1"} -1\n'),
    ours: '400 text format parsing error in line 2: negative bucket population for histogram "h"\n',
    theirs: '200 ',
  },
  'fractional bucket': {
    ask: put('/metrics/job/d', '# TYPE h histogram\nh_bucket{le="1"} 1.5\nh_count 1.5\n'),
    ours: '200 ',
    theirs: '200 ',
  },
};

/** Messages show metrics as protobuf text, which 1.5 writes in the old form; and 1.5's order is a map's. */
function normalBody(body: string): string {
  const text = body
    .replace(/(\w+):<((?:[^<>]|"[^"]*")*?) ?>/g, '$1:{$2}')
    .replace(/\{ /g, '{')
    .replace(/ \}/g, '}')
    .replace(
      /collected [a-z ]* named "(\w+)" collides with previously collected \w+ named "(\w+)"/g,
      (_, a: string, b: string) => `${[a, b].sort().join(' and ')} collide`,
    )
    // Of two types under one name upstream blames whichever comes second in its map.
    .replace(/\{label:[^\n]* is not a [A-Z]+/g, '{…} is not a …')
    .replace(/(push_(?:failure_)?time_seconds" \{.*?value:)[0-9.e+]+/g, '$1T');
  if (!/error\(s\) occurred/.test(text)) return text;
  const [head, ...faults] = text.split('\n');
  return [head, ...faults.filter((fault) => fault !== '').sort()].join('\n');
}

function normalApi(text: string): unknown {
  const parsed = JSON.parse(text) as { data: { labels: Record<string, string> }[] };
  const key = (group: { labels: Record<string, string> }): string => JSON.stringify(group.labels);
  parsed.data.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return JSON.parse(
    JSON.stringify(parsed, (name, value: unknown) => {
      if (name === 'time_stamp') return 'T';
      return name === 'value' &&
        typeof value === 'string' &&
        value.includes('e+09') &&
        value.length > 8
        ? 'T'
        : value;
    }),
  );
}

const described = ({ method = 'GET', path, body }: Ask): string =>
  `${method} ${path} ${body === undefined ? '' : JSON.stringify(Buffer.from(body).toString('latin1'))}`;

function compared(answer: Answer, path: string): unknown {
  const { status, headers, text } = answer;
  const isApi = path === '/api/v1/metrics' && status === 200;
  return {
    status,
    body: isApi ? normalApi(text) : normalBody(text),
    type: headers['content-type'],
    location: headers.location,
    allow: headers.allow,
    cors: headers['access-control-allow-origin'],
  };
}

function withoutLastBuckets(family: MetricFamily): MetricFamily {
  const metrics = family.metrics.map((metric) => {
    const { distribution } = metric;
    if (family.type !== 'histogram' || distribution === undefined) return metric;
    const points = distribution.points.filter(({ bound }) => bound !== Number.POSITIVE_INFINITY);
    return { ...metric, distribution: { ...distribution, points } };
  });
  return { ...family, metrics };
}

const path = peerPath('prometheus-pushgateway');

describe.skipIf(path === undefined)("beside Debian's pushgateway", () => {
  let theirs = '';
  let peer: RunningPeer;
  let ours: GatewayUnderTest;

  beforeAll(async () => {
    const port = await freePort();
    theirs = `http://127.0.0.1:${port}`;
    peer = startPeer(path!, [
      '--persistence.file=',
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-admin-api',
    ]);
    await waitForUrl(`${theirs}/-/ready`, peer);
    ours = await startGateway(['--web.enable-admin-api']);
  });

  afterAll(async () => {
    await peer?.stop();
    await ours?.close();
  });

  const wipe = async (): Promise<void> => {
    for (const url of [theirs, ours.url])
      await ask(url, { method: 'PUT', path: '/api/v1/admin/wipe' });
  };

  for (const [name, asks] of Object.entries(sequences)) {
    test(name, async () => {
      await wipe();
      for (const each of asks) {
        const [a, b] = await Promise.all([ask(ours.url, each), ask(theirs, each)]);
        expect(compared(a, each.path), described(each)).toEqual(compared(b, each.path));
        expect(await scrape(ours.url), `after ${described(each)}`).toBe(await scrape(theirs));
      }
    });
  }

  test('protobuf pages of both say the same, and what their text pages say', async () => {
    await wipe();
    for (const asked of [...sequences['values of all types']!, ...sequences['label sets']!]) {
      for (const url of [theirs, ours.url]) expect((await ask(url, asked)).status).toBe(200);
    }
    const families = async (url: string, accept: string): Promise<Map<string, MetricFamily>> => {
      const { body } = await ask(url, { path: '/metrics', headers: { Accept: accept } });
      const parsed =
        accept === PROTOBUF ? parseProtobufFamilies(body) : [...parseTextFamilies(body).values()];
      const pushed = parsed.filter(({ name }) => /^[a-z]\d?$/.test(name));
      // The text always has the last bucket, protobuf only where it was pushed.
      return new Map(pushed.map((family) => [family.name, withoutLastBuckets(family)]));
    };
    const real = await families(theirs, PROTOBUF);
    expect([...real.keys()].sort()).toEqual(['c', 'g', 'h', 'm', 'm2', 's', 'u']);
    expect(await families(ours.url, PROTOBUF)).toEqual(real);
    expect(await families(ours.url, 'text/plain')).toEqual(real);
    expect(await families(theirs, 'text/plain')).toEqual(real);
  });

  test('1.5 and 1.11 differ where the list says so, and nowhere else that was tried', async () => {
    expect(Object.keys(different)).toEqual(Object.keys(differences));
    for (const [name, { ask: each, ours: expectOurs, theirs: expectTheirs }] of Object.entries(
      different,
    )) {
      await wipe();
      const shown = ({ status, text }: Answer): string => `${status} ${text}`;
      expect(shown(await ask(ours.url, each)), name).toBe(expectOurs);
      expect(shown(await ask(theirs, each)), name).toBe(expectTheirs);
    }
  });
});
