// SPDX-License-Identifier: Apache-2.0
// The real server from the command line: scrape, store, query, reload, stop, and everything that is
// asked of it wrongly.

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Program } from './program.ts';
import {
  ApiClient,
  available,
  built,
  eventually,
  freePort,
  nodeExporterPath,
  Stage,
} from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

/** Configuration of one server: fast scrapes of `targets` by job. */
const configText = (jobs: Readonly<Record<string, string>>, rest = ''): string =>
  `global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n${rest}scrape_configs:\n` +
  Object.entries(jobs)
    .map(
      ([job, target]) => `  - job_name: ${job}\n    static_configs: [{targets: ['${target}']}]\n`,
    )
    .join('');

interface Running {
  readonly program: Program;
  readonly api: ApiClient;
  readonly url: string;
  readonly configFile: string;
}

async function startServer(
  jobs: (self: string) => Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Running> {
  const directory = stage.directory();
  const self = `127.0.0.1:${await freePort()}`;
  const configFile = join(directory, 'prometheus.yml');
  writeFileSync(configFile, configText(jobs(self)));
  const program = stage.hearth([
    'server',
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${self}`,
    '--web.enable-lifecycle',
    ...flags,
  ]);
  const api = new ApiClient(`http://${self}`);
  await Promise.race([
    api.ready(),
    program.exited.then((code) =>
      Promise.reject(new Error(`ended with ${code}: ${program.stderr}`)),
    ),
  ]);
  return { program, api, url: `http://${self}`, configFile };
}

describe.runIf(built)('hearth server', () => {
  let running: Running;
  beforeAll(async () => {
    running = await startServer((self) => ({ self }), ['--query.max-samples=20000']);
  });

  test('scrapes itself and answers instant and range queries, GET and POST', async () => {
    const { api } = running;
    const [up] = await api.result('up');
    expect(up.metric).toEqual({ __name__: 'up', instance: new URL(running.url).host, job: 'self' });
    expect(up.value[1]).toBe('1');
    await api.result('prometheus_tsdb_head_series > 100');
    const now = Date.now() / 1000;
    const range = await api.post('/query_range', {
      query: 'sum by (job) (up)',
      start: String(now - 60),
      end: String(now),
      step: '1',
    });
    expect(range).toMatchObject({ status: 'success', data: { resultType: 'matrix' } });
    expect(range.data.result[0].metric).toEqual({ job: 'self' });
    const scalar = await api.get('/query', { query: '1 + 1', time: '1.5' });
    expect(scalar.data).toEqual({ resultType: 'scalar', result: [1.5, '2'] });
  });

  test('labels, values, series, metadata, targets, status', async () => {
    const { api } = running;
    await api.result('prometheus_http_requests_total');
    const labels = await api.get('/labels');
    expect(labels.data).toEqual(expect.arrayContaining(['__name__', 'handler', 'instance', 'job']));
    expect((await api.get('/label/job/values')).data).toEqual(['self']);
    const series = await api.get('/series', { 'match[]': 'up' });
    expect(series.data).toHaveLength(1);
    const limited = await api.get('/series', { 'match[]': '{job="self"}', limit: '2' });
    expect(limited).toMatchObject({ warnings: ['results truncated due to limit'] });
    expect(limited.data).toHaveLength(2);
    const metadata = await api.get('/metadata', { metric: 'prometheus_build_info' });
    expect(metadata.data.prometheus_build_info[0].type).toBe('gauge');
    const targets = await eventually('the target is up', async () => {
      const answer = await api.get('/targets', { state: 'active' });
      return answer.data.activeTargets[0]?.health === 'up' ? answer.data : undefined;
    });
    expect(targets.activeTargets[0]).toMatchObject({
      scrapePool: 'self',
      scrapeUrl: `${running.url}/metrics`,
      lastError: '',
      scrapeInterval: '200ms',
    });
    expect((await api.get('/scrape_pools')).data).toEqual({ scrapePools: ['self'] });
    expect((await api.get('/status/buildinfo')).data.version).toMatch(/^3\.14\.0\+hearth\./);
    expect((await api.get('/status/config')).data.yaml).toContain('job_name: self');
    expect((await api.get('/status/flags')).data['query.max-samples']).toBe('20000');
    const runtime = (await api.get('/status/runtimeinfo')).data;
    expect(runtime.reloadConfigSuccess).toBe(true);
    const tsdb = (await api.get('/status/tsdb')).data;
    expect(tsdb.headStats.numSeries).toBeGreaterThan(100);
    expect(tsdb.seriesCountByMetricName[0].value).toBeGreaterThan(1);
    expect((await api.get('/format_query', { query: 'sum(up)by(job)' })).data).toBe(
      'sum by (job) (up)',
    );
    expect((await api.get('/parse_query', { query: '1' })).data).toEqual({
      type: 'numberLiteral',
      val: '1',
    });
  });

  const refused = (query: string, httpStatus: number, errorType: string, error: RegExp) =>
    test(`refuses ${query}`, async () => {
      const answer = await running.api.get('/query', { query, time: '1' });
      expect(answer).toMatchObject({ status: 'error', httpStatus, errorType });
      expect(answer.error).toMatch(error);
    });
  refused(
    'up{',
    400,
    'bad_data',
    /^invalid parameter "query": 1:4: parse error: unexpected end of input inside braces$/,
  );
  refused(
    'rate(up)',
    400,
    'bad_data',
    /^invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector$/,
  );
  refused('up{job=~"("}', 400, 'bad_data', /missing closing \)/);

  test('refuses a query that would need too many samples', async () => {
    await running.api.result('count({job="self"}) > 300');
    const now = Date.now() / 1000;
    const answer = await running.api.get('/query_range', {
      query: '{job="self"}',
      start: String(now - 10),
      end: String(now + 60),
      step: '0.01',
    });
    expect(answer).toMatchObject({
      httpStatus: 422,
      errorType: 'execution',
      error: 'query processing would load too many samples into memory in query execution',
    });
  });

  test('serves its own metrics under the field’s names', async () => {
    const page = await (await fetch(`${running.url}/metrics`)).text();
    for (const name of [
      'prometheus_build_info{',
      'prometheus_ready 1',
      'prometheus_config_last_reload_successful 1',
      'prometheus_engine_queries_concurrent_max 20',
      'prometheus_http_requests_total{code="200",handler="/api/v1/query"}',
      'prometheus_tsdb_head_series ',
      'prometheus_target_interval_length_seconds{interval="200ms",quantile="0.5"}',
      'process_resident_memory_bytes ',
      'hearth_event_loop_delay_seconds{stat="p99"}',
      'hearth_query_workers_running ',
    ])
      expect(page).toContain(name);
  });

  test('reloads: a good file is taken, a bad one leaves the running one', async () => {
    const { api, url, configFile, program } = running;
    const reload = () => fetch(`${url}/-/reload`, { method: 'POST' });
    const self = new URL(url).host;
    const twice = `localhost:${new URL(url).port}`;
    writeFileSync(configFile, configText({ self: `${self}', '${twice}`, again: self }));
    expect((await reload()).status).toBe(200);
    await api.result('up{job="again"} == 1');
    await api.result(`up{job="self", instance="${twice}"} == 1`);
    writeFileSync(configFile, 'scrape_configs: [{job_nam: x}]\n');
    const bad = await reload();
    expect(bad.status).toBe(500);
    expect(await bad.text()).toMatch(/^failed to reload config: .*job_nam/s);
    expect((await api.get('/status/runtimeinfo')).data.reloadConfigSuccess).toBe(false);
    expect((await api.get('/scrape_pools')).data.scrapePools).toEqual(['again', 'self']);
    writeFileSync(configFile, configText({ self }));
    program.process.kill('SIGHUP');
    await eventually('the pool is gone', async () => {
      const pools = (await api.get('/scrape_pools')).data.scrapePools;
      return pools.length === 1 ? true : undefined;
    });
    // The removed target's series end after a few intervals, not after the lookback delta.
    await eventually('its series are stale', async () => {
      const answer = await api.get('/query', { query: `up{job="self", instance="${twice}"}` });
      return answer.data.result.length === 0 ? true : undefined;
    });
    expect((await api.result(`up{job="self", instance="${self}"}`)).length).toBe(1);
  });

  test('SIGTERM ends it cleanly', async () => {
    expect(await running.program.end('SIGTERM')).toBe(0);
    expect(running.program.stderr).toContain('msg="See you next time!"');
    expect(running.program.stderr).toContain('msg="Server is ready to receive web requests."');
  });
});

describe.runIf(built)('queries that take too long', () => {
  test('end at their timeout, and the server goes on', async () => {
    const { api, program } = await startServer((self) => ({ self }));
    await api.result('up{job="self"}');
    const now = Date.now() / 1000;
    const heavy = (timeout: string) =>
      api.get('/query_range', {
        query: 'quantile_over_time(0.5, vector(time())[1h:10ms])',
        start: String(now),
        end: String(now + 100),
        step: '0.01',
        timeout,
      });
    expect(await heavy('20ms')).toMatchObject({
      httpStatus: 503,
      errorType: 'timeout',
      error: 'query timed out in expression evaluation',
    });
    // Those behind it in the queue run out of time there.
    const together = await Promise.all([heavy('100ms'), heavy('100ms'), heavy('100ms')]);
    for (const answer of together) expect(answer).toMatchObject({ errorType: 'timeout' });
    expect((await api.get('/query', { query: 'vector(1)' })).status).toBe('success');
    expect(await program.end()).toBe(0);
  });
});

describe.runIf(built && available(nodeExporterPath))(
  'hearth server and the real node exporter',
  () => {
    test('every metric of the exporter arrives with its value', async () => {
      const address = `127.0.0.1:${await freePort()}`;
      stage.run(nodeExporterPath, [`--web.listen-address=${address}`]);
      await eventually('the exporter answers', () =>
        fetch(`http://${address}/metrics`).catch(() => undefined),
      );
      const { api } = await startServer(() => ({ node: address }));
      const [uname] = await api.result('node_uname_info');
      expect(uname.metric.instance).toBe(address);
      await api.result('node_memory_MemTotal_bytes > 0');
      const page = await (await fetch(`http://${address}/metrics`)).text();
      const names = new Set([...page.matchAll(/^([a-zA-Z_:][\w:]*)/gm)].map((match) => match[1]));
      const stored: string[] = (await api.get('/label/__name__/values')).data;
      for (const name of names) expect(stored).toContain(name);
      const scraped = await api.result('scrape_samples_scraped');
      const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      expect(Math.abs(Number(scraped[0].value[1]) - lines.length)).toBeLessThan(5);
    });
  },
);

describe.runIf(built)('targets that behave badly', () => {
  test('each shows its error, the others go on', async () => {
    const bodies: Readonly<Record<string, string>> = {
      '/garbage': 'this is {not a metric\n',
      '/good': 'good 1\n',
    };
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      if (path === '/hangs') return;
      if (path === '/closes') {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' });
        response.write('closes 1\n');
        setTimeout(() => response.destroy(), 20);
        return;
      }
      if (path === '/forever') {
        response.writeHead(302, { location: '/forever' }).end();
        return;
      }
      if (path === '/error') {
        response.writeHead(500).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(bodies[path]);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const directory = stage.directory();
      const self = `127.0.0.1:${await freePort()}`;
      const paths = ['good', 'garbage', 'hangs', 'closes', 'forever', 'error'];
      const jobs = paths.map(
        (path) =>
          `  - job_name: ${path}\n    metrics_path: /${path}\n    static_configs: [{targets: ['127.0.0.1:${port}']}]\n`,
      );
      writeFileSync(
        join(directory, 'p.yml'),
        `global: {scrape_interval: 300ms, scrape_timeout: 200ms}\nscrape_configs:\n${jobs.join('')}`,
      );
      stage.hearth([
        'server',
        `--config.file=${directory}/p.yml`,
        `--storage.tsdb.path=${directory}/data`,
        `--web.listen-address=${self}`,
      ]);
      const api = new ApiClient(`http://${self}`);
      await api.ready();
      expect((await api.result('good')).length).toBe(1);
      for (const [job, error] of [
        ['garbage', /expected|invalid|unexpected|parse/],
        ['hangs', /context deadline exceeded/],
        ['closes', /EOF|closed|reset/i],
        ['forever', /stopped after 10 redirects/],
        ['error', /server returned HTTP status 500 Internal Server Error/],
      ] as const) {
        const target = await eventually(`${job} is down`, async () => {
          const { data } = await api.get('/targets');
          const found = data.activeTargets.find(
            (t: { scrapePool: string }) => t.scrapePool === job,
          );
          return found?.health === 'down' ? found : undefined;
        });
        expect(target.lastError).toMatch(error);
        expect((await api.result(`up{job="${job}"}`))[0].value[1]).toBe('0');
      }
      expect((await api.result('up{job="good"}'))[0].value[1]).toBe('1');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe.runIf(built)('command lines that cannot work', () => {
  const ends = async (args: readonly string[], code: number, stderr: RegExp): Promise<void> => {
    const program = stage.hearth(args);
    expect(await program.exit()).toBe(code);
    expect(program.stderr).toMatch(stderr);
  };

  test('unknown target, unknown flag, missing or bad configuration, agent flag', async () => {
    const directory = stage.directory();
    const bad = join(directory, 'bad.yml');
    writeFileSync(bad, 'global:\n  scrape_intervall: 5s\n');
    await Promise.all([
      ends(['nonsense'], 2, /unknown target "nonsense"/),
      ends(
        ['server', '--nonsense'],
        2,
        /Error parsing command line arguments: unknown long flag '--nonsense'/,
      ),
      ends(
        ['server', `--config.file=${directory}/none.yml`],
        2,
        /Error loading config \(--config\.file=.*none\.yml\)/,
      ),
      ends(['server', `--config.file=${bad}`], 2, /bad\.yml.*2.*scrape_intervall/s),
      ends(
        ['server', '--storage.agent.path=x'],
        3,
        /can only be used in agent mode: \["--storage\.agent\.path"\]/,
      ),
    ]);
  });

  test('a taken port and a locked directory', async () => {
    const running = await startServer(() => ({}));
    const address = new URL(running.url).host;
    const other = stage.directory();
    const config = join(other, 'p.yml');
    writeFileSync(config, '');
    const data = join(running.configFile, '../data');
    await ends(
      [
        'server',
        `--config.file=${config}`,
        `--storage.tsdb.path=${other}/data`,
        `--web.listen-address=${address}`,
      ],
      1,
      /already in use/,
    );
    await ends(
      [
        'server',
        `--config.file=${config}`,
        `--storage.tsdb.path=${data}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      1,
      /in use by process \d+/,
    );
    expect(await running.program.end()).toBe(0);
  });
});
