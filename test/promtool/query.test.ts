// SPDX-License-Identifier: Apache-2.0
// `promtool query` and `promtool promql` beside the real program, which are given the same server's answers.
//
// The packaged real program is 2.42: it does not read native histograms, and has no `promql` commands.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { built, entry } from '../e2e/program.ts';
import { peerPath } from '../peers.ts';

const real = peerPath('promtool');

const histogram = {
  count: '3',
  sum: '5.5',
  buckets: [
    [0, '1', '2', '1'],
    [3, '-0.001', '0.001', '2'],
    [1, '-4', '-2', '0.5'],
    [2, '0.25', '1e+21', '7'],
  ],
};
const json = 'application/json';
const ok = (data: unknown): [number, string, string] => [
  200,
  JSON.stringify({ status: 'success', data }),
  json,
];
const failed = (status: number, errorType: string): [number, string, string] => [
  status,
  JSON.stringify({ status: 'error', errorType, error: 'why' }),
  json,
];

/** Answers by the query, or by the path. */
const answers: Readonly<Record<string, readonly [number, string, string]>> = {
  odd: ok({
    resultType: 'vector',
    result: [
      { metric: { z: '<a&"b\n é\u2028', __name__: 'h' }, value: [1.5, '1e-07'] },
      { metric: { b: '1', a: '2' }, value: [2, '1e+30'] },
      { metric: { __name__: 'x' }, value: [0.001, 'NaN'] },
      { metric: {}, value: [1e9, '+Inf'] },
    ],
  }),
  matrix: ok({
    resultType: 'matrix',
    result: [
      {
        metric: { __name__: 'h', a: '2' },
        values: [
          [1, '2'],
          [2, '0.1'],
        ],
      },
      { metric: { __name__: 'h', a: '1' }, values: [[1, '3']] },
      { metric: { __name__: 'g', b: '1' }, values: [[1, '3']] },
      { metric: {}, values: [[1, '-Inf']] },
    ],
  }),
  native: ok({
    resultType: 'vector',
    result: [{ metric: { __name__: 'h', 'ü.x': 'a' }, histogram: [1.5, histogram] }],
  }),
  natives: ok({
    resultType: 'matrix',
    result: [{ metric: { __name__: 'a b' }, values: [[1, '2']], histograms: [[2, histogram]] }],
  }),
  'hot[1h0m0s]': ok({
    resultType: 'matrix',
    result: [
      ...[
        ['+Inf', '31', '32', '40'],
        ['0.5', '10', '11', '11'],
        ['10', '30', '31', '40'],
        ['2', '10', '26', '27'],
      ].map(([le = '', ...counts]) => ({
        metric: { __name__: 'hot_bucket', job: 'a', le },
        values: counts.map((count, i) => [i, count]),
      })),
      { metric: { __name__: 'hot_sum', job: 'a' }, values: [[0, '7']] },
      { metric: { __name__: 'hot', job: 'b' }, histograms: [[1, histogram]] },
      {
        metric: { __name__: 'hot', job: 'a' },
        histograms: [
          [1, { count: '1', sum: '1', buckets: [[0, '1', '2', '1']] }],
          [2, histogram],
          [3, { count: '0', sum: '0' }],
          [4, { count: '1', sum: '1', buckets: [[0, '2', '4', '1']] }],
        ],
      },
    ],
  }),
  'skewed[5m0s]': ok({
    resultType: 'matrix',
    result: ['1', '+Inf'].map((le, i) => ({
      metric: { __name__: 'skewed_bucket', le },
      values: [
        [i, '1'],
        [i + 10, '2'],
      ],
    })),
  }),
  'scalar[1h0m0s]': ok({ resultType: 'scalar', result: [1.25, '-0.5'] }),
  scalar: ok({ resultType: 'scalar', result: [1.25, '-0.5'] }),
  empty: ok({ resultType: 'vector', result: [] }),
  notFound: [404, 'not <here>\n', 'text/plain'],
  unavailable: failed(503, 'timeout'),
  internal: failed(500, 'internal'),
  nothing: [302, '', 'text/plain'],
  execution: failed(422, 'execution'),
  stillBad: failed(200, 'execution'),
  series: ok([{ job: 'a"<b', __name__: 'up' }, { a: '1' }, {}]),
  '/label/foo/values': ok(['a', 'b<']),
};

const seen: string[] = [];
let server: Server;
let url = '';
let directory = '';

function answer(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const path = pathname.replace('/api/v1', '');
    const given = body === '' ? searchParams : new URLSearchParams(body);
    const query = given.get('query') ?? given.get('match[]') ?? path;
    const shown = decodeURIComponent(given.toString());
    const { authorization = '', 'x-a': extra = '' } = request.headers;
    seen.push(`${request.method} ${pathname} ${shown} ${authorization}${String(extra)}`.trim());
    const onlyGet = query === 'odd' && given.get('time') === '7' && request.method === 'POST';
    const [status, text, type] = onlyGet
      ? [405, 'no', 'text/plain']
      : (answers[query] ?? answers[path] ?? [501, 'what?', 'text/plain']);
    response.writeHead(status, { 'content-type': type }).end(text);
  });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-query-'));
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(command: string, args: readonly string[]): Promise<Outcome> {
  const words = args.map((arg) => arg.replace('URL', url));
  return new Promise((resolve) => {
    execFile(command, words, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}
const ours = (...args: string[]): Promise<Outcome> =>
  run(process.execPath, [entry, 'promtool', ...args]);

describe.runIf(built)('promtool query', () => {
  const same = (...args: string[]): void =>
    test.skipIf(real === undefined)(`${args.join(' ')}: as the real one`, async () => {
      const expected = await run(real ?? '', ['query', ...args]);
      const asked = seen.splice(0);
      expect(await ours('query', ...args)).toEqual(expected);
      expect(seen.splice(0)).toEqual(asked);
    });
  same('instant', 'URL', 'odd', '--time=7');
  same('instant', '-o', 'json', 'URL', 'odd', '--time', '2020-01-01T00:00:00.5+01:00');
  same('-o', 'json', 'instant', 'URL', 'matrix', '--time=1.5');
  same('instant', 'URL', 'matrix', '--time=1');
  same('instant', 'URL/', 'scalar', '--time=1');
  same('instant', 'URL', 'scalar', '--format=json', '--time=1');
  same('instant', 'URL', 'empty', '--time=1');
  for (const name of [
    'notFound',
    'unavailable',
    'internal',
    'nothing',
    'execution',
    'stillBad',
    'unknown',
  ]) {
    same('instant', 'URL', name, '--time=1');
  }
  same('instant', 'URL', 'up', '--time=abc');
  same('instant', '127.0.0.1:1', 'up');
  same('instant', 'http://127.0.0.1:1', 'up');
  same('instant', 'ftp://127.0.0.1:1', 'up');
  same('instant', 'URL');
  same('range', 'URL', 'matrix', '--start=1e3', '--end=5000', '--header=x-a=b=c');
  same('range', 'URL', 'matrix', '--start=1', '--end=5000', '--step=1m30.5s');
  same('range', 'URL', 'matrix', '--start=5', '--end=5');
  for (const step of ['5', '1d', '', '1.5m.5s']) {
    same('range', 'URL', 'matrix', '--start=5', '--end=50', `--step=${step}`);
  }
  same('range', 'URL', 'matrix', '--start=x');
  same('range', 'URL', 'matrix', '--header=x');
  same('series', 'URL/prefix', '--match=series', '--start=1', '--end=2.5');
  same('series', 'URL', '--match=series', '--match=b', '--start=1', '--end=2', '-o', 'json');
  same('series', 'URL', '--match=execution', '--start=1', '--end=2');
  same('labels', 'URL', 'foo', '--start=1', '--end=2');
  same('labels', 'URL', 'foo', '--start=1', '--end=2', '--match=foo', '-o', 'json');
  same('labels', 'URL', 'foo', '--start=y');

  test('shows native histograms, and names that need quotes', async () => {
    expect(await ours('query', 'instant', 'URL', 'native')).toEqual({
      code: 0,
      out: 'h{"ü.x"="a"} => Count: 3.000000, Sum: 5.500000, Buckets: [(1,2]:1 [-0.001,0.001]:2 [-4,-2):0.5 (0.25,1e+21):7] @[1.5]\n',
      err: '',
    });
    const { out } = await ours('query', 'range', 'URL', 'natives');
    expect(out).toMatch(/^\{"a b"\} =>\n2 @\[1\]\nCount: 3\.000000, Sum/);
    const asJson = await ours('query', 'instant', '-o', 'json', 'URL', 'native');
    expect(JSON.parse(asJson.out)[0].histogram).toEqual([
      1.5,
      {
        ...histogram,
        buckets: histogram.buckets.map((bucket) =>
          bucket.map((each) => (each === '1e+21' ? '1000000000000000000000' : each)),
        ),
      },
    ]);
  });

  test('takes a file with the HTTP client’s configuration', async () => {
    const file = join(directory, 'http.yml');
    writeFileSync(file, 'basic_auth: {username: u, password: p}\n');
    seen.splice(0);
    const flag = `--http.config.file=${file}`;
    expect(await ours('query', flag, 'instant', 'URL', 'scalar')).toMatchObject({ code: 0 });
    expect(seen.splice(0)[0]).toMatch(/ Basic dTpw$/);
    writeFileSync(file, 'basic: {}\n');
    const { code, err } = await ours('query', 'instant', flag, 'URL', 'scalar');
    expect(code).toBe(1);
    expect(err).toMatch(/^failed to load HTTP config file: .*http.yml:1:1: /);
  });
});

describe.runIf(built)('promtool query analyze', () => {
  const analyze = (...args: string[]): Promise<Outcome> =>
    ours('query', 'analyze', '--server=URL', ...args);

  test('counts the buckets in use of native and classic histograms', async () => {
    seen.splice(0);
    const { code, out, err } = await analyze('--type=histogram', '--match=hot', '--time=1000');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(seen).toEqual(['POST /api/v1/query query=hot[1h0m0s]&time=1000']);
    // Of +Inf: 1, 1, none; of 10: 20, 5, 13; of 2: none, 15, 16; of 0.5: 10, 11, 11.
    expect(out.slice(out.indexOf('- '))).toBe(
      [
        '- hot{job="a"} (native): 0/1.500/4/5',
        '- hot_bucket{job="a"} (classic): 3/3.333/4',
        '',
        'Aggregated bucket stats',
        '-----------------------',
        'min/avg/max over the series above.',
        '',
        'Native histogram series (1 in total):',
        '- min populated: 0/0.000/0',
        '- avg populated: 1/1.000/1',
        '- max populated: 4/4.000/4',
        '- total: 5/5.000/5',
        '',
        'Classic histogram series (1 in total):',
        '- min populated: 3/3.000/3',
        '- avg populated: 3/3.000/3',
        '- max populated: 4/4.000/4',
        '',
      ].join('\n'),
    );
    expect(out).toMatch(/^Bucket stats for each histogram series over time\n-+\n/);
  });

  const refuses = (message: string, ...args: string[]): void =>
    test(`${args.join(' ')} is refused`, async () => {
      expect(await analyze(...args)).toMatchObject({ code: 1, err: `${message}\n` });
    });
  refuses("analyze type is gauge, must be 'histogram'", '--type=gauge', '--match=hot');
  refuses('query of buckets resulted in non-Matrix', '--type=histogram', '--match=scalar');
  refuses(
    'matrix result is not time aligned',
    '--type=histogram',
    '--match=skewed',
    '--duration=5m',
  );
  refuses(
    `error parsing time 'noon': cannot parse "noon" to a valid timestamp`,
    '--type=histogram',
    '--match=hot',
    '--time=noon',
  );
});

describe.runIf(built)('promtool promql', () => {
  const gives = (out: string, ...args: string[]): void =>
    test(`${args.join(' ')} gives ${out}`, async () => {
      const outcome = await ours('--experimental', 'promql', ...args);
      expect(outcome).toEqual({ code: 0, out: `${out}\n`, err: '' });
    });
  const set = (...args: string[]): [string, string, ...string[]] => [
    'label-matchers',
    'set',
    ...args,
  ];
  gives('sum by (a) (up{b="c"})', 'format', 'sum(up{b="c"})by(a)');
  gives(
    'rate(up{a="b",job="x"}[5m] offset 1m) + on (a) max_over_time(sum(y{job="x"})[1h:])',
    ...set('rate(up{a="b"}[5m] offset 1m)+on(a) max_over_time(sum(y)[1h:])', 'job', 'x'),
  );
  gives(
    'topk(scalar(a{b!~"x"}), -(c{b!~"x"}))',
    ...set('-t', '!~', 'topk(scalar(a),-(c{b="1"}))', 'b', 'x'),
  );
  gives('{b="1"}', 'label-matchers', 'delete', '{b="1",a=~"2",a!="3"}', 'a');

  const fails = (message: string, ...args: string[]): void =>
    test(`${args.join(' ')} fails`, async () => {
      const outcome = await ours(...args);
      expect(outcome).toEqual({ code: 1, out: '', err: `${message}\n` });
    });
  fails(
    'This command is experimental and requires the --experimental flag to be set.',
    'promql',
    'format',
    'up',
  );
  fails('1:4: parse error: unclosed left parenthesis', '--experimental', 'promql', 'format', 'up(');
  fails(
    "promtool: error: enum value must be one of =,!=,=~,!~, got '~', try --help",
    '--experimental',
    'promql',
    ...set('-t', '~', 'a', 'b', 'c'),
  );
});
