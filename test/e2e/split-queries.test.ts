// SPDX-License-Identifier: Apache-2.0
// Queries that the workers of the real server compute together: same answers, ended, and left for short ones.

import { availableParallelism } from 'node:os';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ApiClient, built, eventually, freePort, SLOW_QUERY, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

const everything = '{__name__=~".+"}';

async function start(directory: string, flags: readonly string[] = []) {
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'prometheus.yml');
  const jobs = ['a', 'b'].map(
    (name) =>
      `- {job_name: ${name}, scrape_interval: 50ms, scrape_timeout: 50ms, static_configs: [{targets: ['${address}']}]}`,
  );
  writeFileSync(config, `scrape_configs:\n${jobs.join('\n')}\n`);
  const program = stage.hearth([
    'server',
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--web.enable-admin-api',
    ...flags,
  ]);
  const api = new ApiClient(`http://${address}`);
  await api.ready();
  return { api, program };
}

async function metric(api: ApiClient, name: string): Promise<number> {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

describe.runIf(built && availableParallelism() > 1)('a query over several workers', () => {
  test('has the answer that one worker gives, is ended, and leaves short ones room', async () => {
    const directory = stage.directory();
    const { api, program } = await start(directory);
    const range = await eventually('there is a second of data', async () => {
      const { data } = await api.get('/query', {
        query: 'min_over_time(timestamp(up{job="a"})[1h:50ms])',
      });
      const first = Number(data.result[0]?.value[1]);
      return Date.now() / 1000 > first + 2
        ? { start: String(first), end: String(first + 1), step: '0.001' }
        : undefined;
    });
    // One worker was enough so far.
    expect(await metric(api, 'hearth_query_workers')).toBe(1);
    const buckets = 'prometheus_http_request_duration_seconds_bucket';
    const queries = [
      `sum by (__name__) (last_over_time(${everything}[500ms]))`,
      `topk(3, ${everything} > 7)`,
      `stddev by (job) (rate(${buckets}[500ms]))`,
      `${everything} offset 100ms`,
    ].map((query) => ({ query, ...range }));
    const answers: unknown[] = [];
    for (const query of queries) {
      const { data } = await eventually('others help', async () => {
        const before = await metric(api, 'hearth_query_helped_batches_total');
        const answer = await api.get('/query_range', query);
        expect(answer.status).toBe('success');
        const after = await metric(api, 'hearth_query_helped_batches_total');
        return after > before ? answer : undefined;
      });
      answers.push(data);
    }
    expect(await metric(api, 'hearth_query_workers')).toBe(availableParallelism());

    // What others compute of it, and a part that takes long.
    const long = `count(quantile_over_time(0.5, ${buckets}[1m])) + ${SLOW_QUERY}`;
    const asked = api.get('/query_range', {
      query: long,
      start: range.start,
      end: String(Number(range.start) + 10),
      step: '0.001',
    });
    const entry = await eventually('it runs', async () =>
      (await api.get('/status/queries')).data.queries.find(
        ({ query, used }: { query: string; used?: { samples: number } }) =>
          query === long && used !== undefined && used.samples > 0,
      ),
    );
    expect((await api.get('/query', { query: 'vector(1)' })).status).toBe('success');
    const still = (await api.get('/status/queries')).data.queries as { query: string }[];
    expect(still.map(({ query }) => query)).toEqual([long]);
    const cancel = `${api.url}/api/v1/admin/queries/${entry.id}/cancel`;
    expect((await fetch(cancel, { method: 'POST' })).status).toBe(204);
    expect(await asked).toMatchObject({ httpStatus: 499, errorType: 'canceled' });
    expect(await metric(api, 'hearth_query_workers_replaced_total')).toBe(0);
    expect((await api.get('/query_range', queries[0]!)).data).toEqual(answers[0]);
    await program.end();

    const alone = await start(directory, ['--query.max-concurrency=1']);
    for (const [i, query] of queries.entries()) {
      const { data } = await alone.api.get('/query_range', query);
      expect(data, query.query).toEqual(answers[i]);
    }
    expect(await metric(alone.api, 'hearth_query_helped_batches_total')).toBe(0);
  }, 60_000);
});
