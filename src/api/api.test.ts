// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Clock, FileSystem, ServerRequest, ServerResponse } from '../base/index.ts';
import { FileError, silentLogger } from '../base/index.ts';
import { Registry } from '../metrics/index.ts';
import { labelsFrom } from '../model/index.ts';
import type { TargetMetadata, TargetStatus } from '../scrape/index.ts';
import { ApiError, statusOfError } from './answers.ts';
import { Api } from './api.ts';
import { EngineMetrics } from './engine-metrics.ts';
import type { QueryAnswer, QueryJob } from './query-job.ts';
import type { ApiServices } from './services.ts';

const NOW = 1_700_000_000_123;
const clock: Clock = {
  now: () => NOW,
  monotonicMs: () => 0,
  setTimer: () => ({ cancel: () => undefined }),
};

const pageFiles: Record<string, string> = {
  '/ui/index.html': '<base href="__HEARTH_BASE__"><script>s=__HEARTH_SETTINGS__</script>',
  '/ui/assets/app-1.js': 'code',
  '/ui/favicon.svg': '<svg/>',
  '/user/logo.png': 'png',
  '/etc/passwd': 'secret',
};
const files = {
  readFile: async (path: string) => {
    const text = pageFiles[path];
    if (text === undefined) throw new FileError('ENOENT', path, 'no such file');
    return new TextEncoder().encode(text);
  },
  existsSync: (path: string) => pageFiles[path] !== undefined,
  statSync: (path: string) => {
    const isDirectory = Object.keys(pageFiles).some((name) => name.startsWith(`${path}/`));
    const text = pageFiles[path];
    if (text === undefined && !isDirectory) throw new FileError('ENOENT', path, 'no such file');
    return { sizeBytes: text?.length ?? 0, modifiedMs: 0, isDirectory, isFile: !isDirectory };
  },
  listSync: (path: string) =>
    Object.keys(pageFiles)
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1).split('/')[0] ?? ''),
} as unknown as FileSystem;

const target = (over: Partial<TargetStatus> = {}): TargetStatus => ({
  scrapePool: 'node',
  discoveredLabels: labelsFrom({ __address__: 'localhost:9100', job: 'node' }),
  labels: labelsFrom({ instance: 'localhost:9100', job: 'node' }),
  scrapeUrl: 'http://localhost:9100/metrics',
  health: 'up',
  lastError: '',
  lastScrapeMs: NOW,
  lastScrapeDurationSeconds: 0.0125,
  scrapeInterval: '15s',
  scrapeTimeout: '10s',
  ...over,
});

const metadata: TargetMetadata = {
  scrapePool: 'node',
  labels: target().labels,
  metadata: [
    { metric: 'up_total', type: 'counter', help: 'Up.', unit: '' },
    { metric: 'b', type: 'gauge', help: 'B.', unit: 'bytes' },
  ],
};

interface Harness {
  readonly api: Api;
  readonly jobs: { job: QueryJob; timeoutMs: number }[];
  readonly calls: string[];
}

function harness(over: Partial<ApiServices> = {}, answer?: QueryAnswer): Harness {
  const jobs: Harness['jobs'] = [];
  const calls: string[] = [];
  const registry = new Registry({ clock });
  const services: ApiServices = {
    clock,
    logger: silentLogger,
    files,
    registry,
    workers: {
      run: async (job, { timeoutMs }) => {
        jobs.push({ job, timeoutMs });
        return answer ?? { ok: true, body: new TextEncoder().encode('{"status":"success"}') };
      },
    },
    queryTimeoutMs: 120_000,
    routePrefix: '',
    externalUrl: 'http://mon.example.com:9090',
    listenAddress: () => '0.0.0.0:9090',
    allowedOrigin: (origin) => (origin.endsWith('.example.com') ? origin : undefined),
    lifecycleEnabled: true,
    phase: () => 'ready',
    targets: () => ({
      pools: () => ['app', 'node'],
      activeTargets: () =>
        new Map([
          ['node', [target()]],
          ['self', [target({ scrapeUrl: 'http://127.0.0.1:9090/metrics', scrapePool: 'self' })]],
        ]),
      droppedTargets: () =>
        new Map([
          ['app', { discoveredLabels: [labelsFrom({ __address__: 'x' })], count: 5 }],
          ['node', { discoveredLabels: [], count: 0 }],
        ]),
      targetMetadata: () => [metadata, { ...metadata, scrapePool: 'self' }],
    }),
    alertmanagers: () => ({ active: [], dropped: [] }),
    ruleGroups: () => [],
    configYaml: () => 'global: {}\n',
    flags: { 'config.file': 'x.yml' },
    buildInfo: {
      version: '3.14.0+hearth.1',
      revision: 'r',
      branch: 'b',
      buildUser: 'u',
      buildDate: 'd',
      goVersion: 'v20',
    },
    runtimeInfo: () => {
      throw new Error('broken');
    },
    walReplay: () => ({ min: 0, max: 3, current: 2 }),
    reload: async () => void calls.push('reload'),
    quit: () => void calls.push('quit'),
    uiSettings: {
      pathPrefix: '',
      title: '</script>',
      agentMode: false,
      lookbackDelta: '5m',
      version: '1',
    },
    uiDirectory: '/ui',
    userAssets: '/user',
    ...over,
  };
  return { api: new Api(services, new EngineMetrics(registry, 20)), jobs, calls };
}

function request(method: string, url: string, headers: Record<string, string> = {}): ServerRequest {
  const question = url.indexOf('?');
  return {
    method,
    path: question < 0 ? url : url.slice(0, question),
    params: new URLSearchParams(question < 0 ? '' : url.slice(question + 1)),
    headers,
    body: new Uint8Array(),
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  };
}

const textOf = ({ body }: ServerResponse): string =>
  typeof body === 'string' ? body : new TextDecoder().decode(body);
const jsonOf = (response: ServerResponse) => JSON.parse(textOf(response));
const get = (url: string, over: Partial<ApiServices> = {}) =>
  harness(over).api.handle(request('GET', url));
const v1 = (path: string) => `/api/v1${path}`;

const refuses = (path: string, error: string, status = 400, errorType = 'bad_data') =>
  test(`${path}: ${error}`, async () => {
    const response = await get(v1(path));
    expect(response.status).toBe(status);
    expect(jsonOf(response)).toEqual({ status: 'error', errorType, error });
  });
refuses(
  '/query?query=up&time=x',
  `invalid parameter "time": invalid time value for 'time': cannot parse "x" to a valid timestamp`,
);
refuses(
  '/query?query=up&timeout=x',
  'invalid parameter "timeout": cannot parse "x" to a valid duration',
);
refuses('/query?query=up&limit=-1', 'invalid parameter "limit": limit must be non-negative');
refuses(
  '/query?query=up&limit=x',
  'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax',
);
refuses(
  '/query?query=up&lookback_delta=x',
  'error parsing lookback delta duration: cannot parse "x" to a valid duration',
);
refuses('/query_range?query=up', 'invalid parameter "start": cannot parse "" to a valid timestamp');
refuses(
  '/query_range?start=10&end=9&step=1',
  'invalid parameter "end": end timestamp must not be before start time',
);
refuses(
  '/query_range?start=1&end=9&step=0',
  'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
);
refuses(
  '/query_range?start=1&end=9&step=1e300',
  'invalid parameter "step": cannot parse "1e300" to a valid duration. It overflows int64',
);
refuses(
  '/query_range?start=0&end=11001&step=1',
  'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
);
refuses('/series', 'no match[] parameter provided');
refuses(
  '/labels?start=x',
  `invalid parameter "start": invalid time value for 'start': cannot parse "x" to a valid timestamp`,
);
refuses('/metadata?limit=x', 'limit must be a number');
refuses('/status/tsdb?limit=0', 'limit must be a positive number');
refuses('/status/runtimeinfo', 'broken', 500, 'internal');
refuses('/targets/metadata?metric=none', 'specified metadata not found', 404, 'not_found');

test('a query becomes a job: seconds to milliseconds, the shorter timeout', async () => {
  const { api, jobs } = harness();
  await api.handle(request('GET', v1('/query?query=up&time=1.5&timeout=5s&stats=all&limit=3')));
  await api.handle(request('POST', v1('/query?query=up&timeout=1h&lookback_delta=1m')));
  expect(jobs).toEqual([
    {
      timeoutMs: 5000,
      job: {
        kind: 'instant',
        query: 'up',
        timeMs: 1500,
        limit: 3,
        lookbackDeltaMs: 0,
        stats: 'all',
      },
    },
    {
      timeoutMs: 120_000,
      job: {
        kind: 'instant',
        query: 'up',
        timeMs: NOW,
        limit: 0,
        lookbackDeltaMs: 60_000,
        stats: '',
      },
    },
  ]);
});

test('explain takes what a query takes, and whether to run it', async () => {
  const { api, jobs } = harness();
  await api.handle(request('POST', v1('/explain?query=up&time=1.5&analyze=true')));
  await api.handle(request('GET', v1('/explain?query=up&start=0&end=60&step=15')));
  const plain = { query: 'up', limit: 0, lookbackDeltaMs: 0, stats: '' };
  expect(jobs.map(({ job }) => job)).toEqual([
    { kind: 'explain', request: { kind: 'instant', ...plain, timeMs: 1500 }, analyze: true },
    {
      kind: 'explain',
      request: { kind: 'range', ...plain, startMs: 0, endMs: 60_000, stepMs: 15_000 },
      analyze: false,
    },
  ]);
});

test('times may be RFC 3339, and upstream’s own bounds', async () => {
  const { api, jobs } = harness();
  const at = '2023-11-14T22:13:20.1239Z';
  await api.handle(
    request(
      'GET',
      v1(`/query_range?query=up&start=2023-11-15T00:13:20%2B02:00&end=${at}&step=15s`),
    ),
  );
  expect(jobs[0]?.job).toMatchObject({ startMs: 1_700_000_000_000, endMs: NOW });
});

test('fractions of a step are cut off as upstream cuts them', async () => {
  const { api, jobs } = harness();
  for (const step of ['33.361', '0.1', '1.0019']) {
    await api.handle(request('GET', v1(`/query_range?query=up&start=0&end=1&step=${step}`)));
  }
  // 33.361 s are 33360999999.999996 ns.
  expect(jobs.map(({ job }) => ('stepMs' in job ? job.stepMs : 0))).toEqual([33_360, 100, 1001]);
});

test('label lookups take selectors, ranges and escaped names', async () => {
  const { api, jobs } = harness();
  const range = 'start=-292273086-05-16T16:47:06Z&end=10';
  await api.handle(
    request('GET', v1(`/label/U__http_2e_code/values?${range}&match[]=up&match[]=a`)),
  );
  await api.handle(request('GET', v1('/label/a%20b/values')));
  expect(jobs[0]?.job).toEqual({
    kind: 'labelValues',
    name: 'http.code',
    selectors: ['up', 'a'],
    startMs: Number.MIN_SAFE_INTEGER,
    endMs: 10_000,
    limit: 0,
  });
  expect(jobs[1]?.job).toMatchObject({ name: 'a b' });
});

test('answers of workers: bytes untouched, errors with their status', async () => {
  const body = new TextEncoder().encode('{"status":"success","data":1}');
  const good = harness({}, { ok: true, body });
  expect((await good.api.handle(request('GET', v1('/query?query=1')))).body).toBe(body);
  const failing = harness(
    {},
    {
      ok: false,
      errorType: 'execution',
      message: 'query processing would load too many samples into memory in query execution',
    },
  );
  const response = await failing.api.handle(request('GET', v1('/query?query=1')));
  expect(response.status).toBe(422);
  expect(jsonOf(response)).toMatchObject({ errorType: 'execution' });
  const timedOut = harness({
    workers: {
      run: () => Promise.reject(new ApiError('timeout', 'query timed out in query queue')),
    },
  });
  expect((await timedOut.api.handle(request('GET', v1('/query?query=1')))).status).toBe(503);
});

test('every error type has its status', () => {
  expect(statusOfError).toEqual({
    bad_data: 400,
    execution: 422,
    canceled: 499,
    timeout: 503,
    internal: 500,
    unavailable: 500,
    not_found: 404,
    not_acceptable: 406,
  });
});

test('targets', async () => {
  const all = jsonOf(await get(v1('/targets'))).data;
  expect(all.activeTargets[0]).toEqual({
    discoveredLabels: { __address__: 'localhost:9100', job: 'node' },
    labels: { instance: 'localhost:9100', job: 'node' },
    scrapePool: 'node',
    scrapeUrl: 'http://localhost:9100/metrics',
    globalUrl: 'http://mon.example.com:9100/metrics',
    lastError: '',
    lastScrape: '2023-11-14T22:13:20.123Z',
    lastScrapeDuration: 0.0125,
    health: 'up',
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
  });
  expect(all.activeTargets[1].globalUrl).toBe('http://mon.example.com:9090/metrics');
  expect(all.droppedTargets).toEqual([
    { discoveredLabels: { __address__: 'x' }, scrapePool: 'app' },
  ]);
  expect(all.droppedTargetCounts).toEqual({ app: 5, node: 0 });
  const active = jsonOf(await get(v1('/targets?state=active&scrapePool=self'))).data;
  expect(active.activeTargets).toHaveLength(1);
  expect(active.droppedTargets).toEqual([]);
  const dropped = jsonOf(await get(v1('/targets?state=dropped'))).data;
  expect(dropped.activeTargets).toEqual([]);
  expect(jsonOf(await get(v1('/scrape_pools'))).data).toEqual({ scrapePools: ['app', 'node'] });
});

test('metadata, by metric and by target', async () => {
  expect(jsonOf(await get(v1('/metadata'))).data).toEqual({
    up_total: [{ type: 'counter', help: 'Up.', unit: '' }],
    b: [{ type: 'gauge', help: 'B.', unit: 'bytes' }],
  });
  expect(Object.keys(jsonOf(await get(v1('/metadata?limit=1'))).data)).toEqual(['up_total']);
  expect(Object.keys(jsonOf(await get(v1('/metadata?metric=b'))).data)).toEqual(['b']);
  const matchers = {
    status: 'success',
    data: [{ name: 'instance', type: '=~', value: 'local.*' }],
  };
  const { api } = harness(
    {},
    { ok: true, body: new TextEncoder().encode(JSON.stringify(matchers)) },
  );
  const of = v1('/targets/metadata?match_target=%7Binstance%3D~%22local.*%22%7D&metric=b');
  expect(jsonOf(await api.handle(request('GET', of))).data[0]).toEqual({
    target: { instance: 'localhost:9100', job: 'node' },
    type: 'gauge',
    help: 'B.',
    unit: 'bytes',
  });
});

test('a bad match_target is named', async () => {
  const { api } = harness({}, { ok: false, errorType: 'bad_data', message: '1:1: parse error: x' });
  const response = await api.handle(request('GET', v1('/targets/metadata?match_target=%7B')));
  expect(jsonOf(response).error).toBe('invalid parameter "match_target": 1:1: parse error: x');
});

test('status', async () => {
  expect(jsonOf(await get(v1('/status/config'))).data).toEqual({ yaml: 'global: {}\n' });
  expect(jsonOf(await get(v1('/status/flags'))).data).toEqual({ 'config.file': 'x.yml' });
  expect(jsonOf(await get(v1('/status/buildinfo'))).data.version).toBe('3.14.0+hearth.1');
  expect(jsonOf(await get('/version')).version).toBe('3.14.0+hearth.1');
  expect(jsonOf(await get(v1('/rules'))).data).toEqual({ groups: [] });
});

test('not ready: 503 for what needs the database, the rest answers', async () => {
  const starting = { phase: () => 'starting' as const };
  const response = await get(v1('/query?query=up'), starting);
  expect(response.status).toBe(503);
  expect(textOf(response)).toBe('Service Unavailable');
  expect(response.headers['x-prometheus-stopping']).toBe('false');
  expect((await get('/-/ready', starting)).status).toBe(503);
  expect((await get('/-/healthy', starting)).status).toBe(200);
  expect((await get('/metrics', starting)).status).toBe(200);
  expect(jsonOf(await get(v1('/status/walreplay'), starting)).data).toEqual({
    min: 0,
    max: 3,
    current: 2,
  });
  const stopping = await get('/-/ready', { phase: () => 'stopping' });
  expect(stopping.headers['x-prometheus-stopping']).toBe('true');
});

test('lifecycle: enabled, disabled, wrong method, failing', async () => {
  const { api, calls } = harness();
  expect((await api.handle(request('POST', '/-/reload'))).status).toBe(200);
  expect(textOf(await api.handle(request('PUT', '/-/quit')))).toBe(
    'Requesting termination... Goodbye!',
  );
  expect(calls).toEqual(['reload', 'quit']);
  const wrong = await api.handle(request('GET', '/-/reload'));
  expect([wrong.status, textOf(wrong)]).toEqual([405, 'Only POST or PUT requests allowed']);
  const off = await get('/-/reload', { lifecycleEnabled: false });
  expect([off.status, textOf(off)]).toEqual([403, 'Lifecycle API is not enabled.']);
  const bad = harness({ reload: () => Promise.reject(new Error('couldn’t load')) });
  const failed = await bad.api.handle(request('POST', '/-/reload'));
  expect([failed.status, textOf(failed)]).toEqual([
    500,
    'failed to reload config: couldn’t load\n',
  ]);
});

test('the page, its assets and redirects', async () => {
  expect((await get('/')).headers.location).toBe('/query');
  expect((await get('/graph?g0.expr=up')).headers.location).toBe('/query?g0.expr=up');
  const page = textOf(await get('/targets'));
  expect(page).toContain('<base href="/">');
  expect(page).toContain(String.raw`"title":"\u003c/script>"`);
  const asset = await get('/assets/app-1.js');
  expect(asset.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  expect((await get('/favicon.svg')).headers['content-type']).toBe('image/svg+xml');
  expect((await get('/user/logo.png')).status).toBe(200);
  for (const path of [
    '/assets/../../etc/passwd',
    '/user/..%2f..%2fetc/passwd',
    '/assets/none.js',
    '/nothing',
  ])
    expect((await get(path)).status).toBe(404);
  expect((await get('/query', { uiDirectory: '/nowhere' })).status).toBe(404);
});

test('the page is read again when it has changed, and links to the consoles that are there', async () => {
  const consoles = { templates: '/consoles', libraries: '/libraries' };
  const { api } = harness({ consoles });
  const page = async (): Promise<string> => textOf(await api.handle(request('GET', '/query')));
  const before = pageFiles['/ui/index.html'] ?? '';
  try {
    expect(await page()).toContain('"consolesLink":""');
    pageFiles['/user/index.html'] = 'x';
    expect(await page()).toContain('"consolesLink":"/user/index.html"');
    pageFiles['/consoles/index.html'] = 'x';
    expect(await page()).toContain('"consolesLink":"/consoles/index.html"');
    pageFiles['/ui/index.html'] = 'another build';
    expect(await page()).toBe('another build');
  } finally {
    pageFiles['/ui/index.html'] = before;
    delete pageFiles['/user/index.html'];
    delete pageFiles['/consoles/index.html'];
  }
});

test('consoles', async () => {
  Object.assign(pageFiles, {
    '/consoles/a/b.html': '{{ 1 }}',
    '/libraries/x.lib': 'X',
    '/libraries/y.txt': 'no library',
  });
  const consoles = { templates: '/consoles', libraries: '/libraries' };
  const html = new TextEncoder().encode(' <p>text</p>');
  const { api, jobs } = harness(
    { consoles, externalLabels: () => labelsFrom({ region: 'eu' }) },
    { ok: true, body: html },
  );
  const ask = (path: string): Promise<ServerResponse> => api.handle(request('GET', path));
  const answer = await ask('/consoles/a/b.html?x=1&x=2&__proto__=y');
  expect([answer.status, answer.headers['content-type']]).toEqual([
    200,
    'text/html; charset=utf-8',
  ]);
  expect(jobs[0]?.job).toEqual({
    kind: 'console',
    source: { name: '/a/b.html', text: '{{ 1 }}', libraries: [{ name: 'x.lib', text: 'X' }] },
    data: {
      params: Object.fromEntries([
        ['x', ['1', '2']],
        ['__proto__', ['y']],
      ]),
      externalLabels: { region: 'eu' },
    },
    timeMs: NOW,
    externalUrl: 'http://mon.example.com:9090',
  });
  const told = async (path: string) => {
    const { status, body } = await ask(path);
    return [status, body];
  };
  expect(await told('/consoles/none.html')).toEqual([
    404,
    'open /consoles/none.html: no such file or directory\n',
  ]);
  expect(await told('/consoles/a')).toEqual([500, 'read /consoles/a: is a directory\n']);
  for (const path of ['/consoles/../etc/passwd', '/consoles/%2e%2e%2fetc%2fpasswd'])
    expect(await told(path)).toEqual([
      404,
      'open /consoles/etc/passwd: no such file or directory\n',
    ]);
  const failed = harness(
    { consoles },
    { ok: false, errorType: 'internal', message: 'error executing' },
  );
  const { status, body } = await failed.api.handle(request('GET', '/consoles/a/b.html'));
  expect([status, body]).toEqual([500, 'error executing\n']);
});

test('a route prefix', async () => {
  const under = { routePrefix: '/prom' };
  expect((await get('/', under)).headers.location).toBe('/prom');
  expect((await get('/prom', under)).headers.location).toBe('/prom/query');
  expect((await get('/prom/-/healthy', under)).status).toBe(200);
  expect((await get('/promx/-/healthy', under)).status).toBe(404);
  expect((await get('/-/healthy', under)).status).toBe(404);
});

test('CORS on the API only, for allowed origins only', async () => {
  const { api } = harness();
  const from = (origin: string, url: string, method = 'GET') =>
    api.handle(request(method, url, { origin }));
  const allowed = await from('https://a.example.com', v1('/status/flags'));
  expect(allowed.headers['access-control-allow-origin']).toBe('https://a.example.com');
  expect(allowed.headers.vary).toBe('Origin');
  const other = await from('https://evil.org', v1('/status/flags'));
  expect(other.headers['access-control-allow-origin']).toBe(undefined);
  expect((await from('https://a.example.com', '/metrics')).headers.vary).toBe(undefined);
  const options = await from('https://a.example.com', v1('/query'), 'OPTIONS');
  expect(options.status).toBe(204);
  expect(options.headers['access-control-allow-methods']).toBe('GET, POST, OPTIONS');
});

test('wrong methods and unknown paths', async () => {
  const { api } = harness();
  expect((await api.handle(request('POST', v1('/targets')))).status).toBe(405);
  expect((await api.handle(request('GET', v1('/nothing')))).status).toBe(404);
  expect(await api.handle(request('GET', '/nothing'))).toMatchObject({
    status: 404,
    body: '404 page not found\n',
  });
});

test('counts requests by route, and engine timings', async () => {
  const measures = {
    queueSeconds: 0.001,
    prepareSeconds: 0.002,
    innerEvalSeconds: 0.03,
    resultSortSeconds: 0,
    samples: 100,
    samplesRead: 200,
    peakSamples: 50,
  };
  const { api } = harness({}, { ok: true, body: new Uint8Array(10), measures });
  await api.handle(request('GET', v1('/query?query=1')));
  await api.handle(request('GET', v1('/label/a/values')));
  const page = textOf(await api.handle(request('GET', '/metrics')));
  expect(page).toContain('prometheus_http_requests_total{code="200",handler="/api/v1/query"} 1\n');
  expect(page).toContain(
    'prometheus_http_requests_total{code="200",handler="/api/v1/label/:name/values"} 1\n',
  );
  expect(page).toContain('prometheus_http_response_size_bytes_sum{handler="/api/v1/query"} 10\n');
  expect(page).toContain('prometheus_engine_query_samples_total 100\n');
  expect(page).toContain(
    'prometheus_engine_query_duration_seconds{slice="inner_eval",quantile="0.5"} 0.03\n',
  );
  expect(page).toContain('prometheus_engine_queries 0\n');
  expect(page).toContain('prometheus_engine_queries_concurrent_max 20\n');
});
