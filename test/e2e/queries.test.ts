// SPDX-License-Identifier: Apache-2.0
// Queries of the real server: listed, ended, limited, logged, and told after a crash.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ApiClient, built, entry, eventually, freePort, SLOW_QUERY, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

interface Entry {
  readonly id: string;
  readonly state: string;
  readonly query: string;
}

async function start(options: { config?: string; directory?: string; flags?: string[] } = {}) {
  const directory = options.directory ?? stage.directory();
  const self = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'prometheus.yml');
  const writeConfig = (text: string): void => {
    writeFileSync(
      config,
      `${text}\nscrape_configs:\n- job_name: self\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n  static_configs: [{targets: ['${self}']}]\n`,
    );
  };
  writeConfig(options.config ?? '');
  const program = stage.hearth([
    'server',
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${self}`,
    '--web.enable-lifecycle',
    '--web.enable-admin-api',
    ...(options.flags ?? []),
  ]);
  const api = new ApiClient(`http://${self}`);
  await api.ready();
  const queries = async (): Promise<readonly Entry[]> =>
    (await api.get('/status/queries')).data.queries;
  const running = (query: string): Promise<Entry> =>
    eventually(`${query} runs`, async () =>
      (await queries()).find((entry) => entry.query === query && entry.state === 'running'),
    );
  const reload = async (): Promise<void> => {
    const { status } = await fetch(`${api.url}/-/reload`, { method: 'POST' });
    expect(status).toBe(200);
  };
  return { directory, program, api, queries, running, writeConfig, reload };
}

const lines = (path: string) =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : [];

describe.runIf(built)('queries', () => {
  test('are listed, and one that is ended is canceled while the next runs', async () => {
    const { api, queries, running } = await start({ flags: ['--query.max-concurrency=1'] });
    const answer = api.get('/query', { query: SLOW_QUERY });
    const entry = await running(SLOW_QUERY);
    expect(entry).toMatchObject({ kind: 'instant', client: '127.0.0.1' });
    const waiting = api.get('/query_range', { query: '1', start: '1', end: '2', step: '1' });
    await eventually('the second waits', async () =>
      (await queries()).find(({ query, state }) => query === '1' && state === 'waiting'),
    );
    const counted = await eventually('its use is told', async () =>
      (await queries()).find((each) => 'used' in each),
    );
    expect(counted).toMatchObject({ estimated: { samples: 0 }, used: { samples: 0 } });
    const ended = await fetch(`${api.url}/api/v1/admin/queries/${entry.id}/cancel`, {
      method: 'PUT',
    });
    expect(ended.status).toBe(204);
    expect(await answer).toMatchObject({
      httpStatus: 499,
      errorType: 'canceled',
      error: 'query was canceled in expression evaluation',
    });
    expect((await waiting).status).toBe('success');
    expect(await queries()).toEqual([]);
    const gone = await api.post(`/admin/queries/${entry.id}/cancel`, {});
    expect(gone).toMatchObject({ httpStatus: 404, errorType: 'not_found' });
  });

  test('are logged while the configuration says so, those of rules with their group', async () => {
    const directory = stage.directory();
    const rules = join(directory, 'a.rules.yml');
    writeFileSync(
      rules,
      'groups:\n- name: g\n  interval: 100ms\n  rules: [{record: r, expr: sum(up)}]\n',
    );
    const config = (file: string): string =>
      `global: {query_log_file: '${file}'}\nrule_files: [${rules}]`;
    const server = await start({ directory, config: config('first.log') });
    const { api } = server;
    await api.result('up');
    const first = join(directory, 'first.log');
    await api.get('/query_range', { query: 'sum(up)', start: '10', end: '20', step: '5' });
    await api.get('/query', { query: 'up(' });
    await api.get('/query', { query: 'up{a=~".*"} + on() (up or vector(1))', time: '20' });
    const range = lines(first).find(({ params }) => params.step === 5);
    expect(range).toMatchObject({
      msg: 'promql query logged',
      params: {
        query: 'sum(up)',
        start: '1970-01-01T00:00:10.000Z',
        end: '1970-01-01T00:00:20.000Z',
      },
      stats: { timings: { evalTotalTime: expect.any(Number) }, samples: { peakSamples: 0 } },
      httpRequest: { clientIP: '127.0.0.1', method: 'GET', path: '/api/v1/query_range' },
    });
    expect(lines(first).filter(({ params }) => params.query === 'up(')).toEqual([]);
    const rule = await eventually('a rule is logged', () =>
      lines(first).find(({ ruleGroup, stats }) => ruleGroup && stats.samples.peakSamples > 0),
    );
    expect(rule).toMatchObject({
      params: { query: 'sum(up)', step: 0 },
      ruleGroup: { name: 'g', file: rules },
    });
    const state = async () => (await (await fetch(`${api.url}/metrics`)).text()).split('\n');
    expect(await state()).toContain('prometheus_engine_query_log_enabled 1');
    // Rotated: moved away, and reloaded.
    renameSync(first, `${first}.1`);
    await server.reload();
    await api.get('/query', { query: 'up' });
    expect(lines(first).some(({ params }) => params.query === 'up')).toBe(true);
    server.writeConfig(config(''));
    await server.reload();
    const before = lines(first).length;
    await api.get('/query', { query: 'up' });
    expect(lines(first)).toHaveLength(before);
    expect(await state()).toContain('prometheus_engine_query_log_enabled 0');
  });

  test('that were running at a crash are told at the next start', async () => {
    const first = await start();
    const answer = first.api.get('/query', { query: SLOW_QUERY }).catch(() => undefined);
    await first.running(SLOW_QUERY);
    await first.program.end('SIGKILL');
    await answer;
    const second = await start({ directory: first.directory });
    await second.program.logs("These queries didn't finish in prometheus' last run:");
    expect(second.program.stderr).toContain('[{\\"query\\":\\"quantile_over_time(');
    await second.program.end();
    const third = await start({ directory: first.directory });
    expect(third.program.stderr).not.toContain("didn't finish");
  });

  test('are refused, or wait, by what they are estimated to read', async () => {
    const flags = ['--query.max-estimated-samples=1000', '--query.max-total-estimated-samples=100'];
    const { api } = await start({ flags });
    await api.result('up');
    const big = '{__name__=~".+"}';
    await eventually('there is much to read', async () => {
      const { data } = await api.get('/explain', { query: big });
      return data.estimated.samples > 1000 ? true : undefined;
    });
    expect(await api.get('/query', { query: big })).toMatchObject({
      httpStatus: 422,
      errorType: 'execution',
      error: expect.stringMatching(/^query would read some \d+ samples, more than the 1000/),
    });
    const explain = (...args: string[]): string =>
      execFileSync(process.execPath, [entry, 'promtool', 'promql', 'explain', ...args], {
        encoding: 'utf8',
      });
    const plan = explain(api.url, 'sum(up) + sum(up)');
    expect(plan).toMatch(/^Estimated: 1 series, \d+ samples, \d+ cells\n\nSTEPS +EST SERIES/);
    expect(plan).toMatch(/\n1 +1 +1 +join: join \+/);
    expect(plan).toContain('(shared)\n');
    const range = ['--start=10', '--end=20', '--step=5s', '--analyze'];
    expect(explain(...range, api.url, 'sum(up)')).toMatch(
      /\nActual: 0 samples, peak 0 samples.*\n\nSTEPS.* SELF +NODE\n3 /,
    );
    const analyzed = JSON.parse(explain('-o', 'json', '--analyze', api.url, 'up'));
    expect(analyzed.actual.totalQueryableSamples).toBe(1);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.get('/query', { query: 'count(up)' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 'success'));
  });
});
