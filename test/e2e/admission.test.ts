// SPDX-License-Identifier: Apache-2.0
// The real server with a limit of what all queries together may be estimated to read, and queries that fail.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ApiClient, built, eventually, freePort, SLOW_QUERY, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

async function start(directory: string, scrapes: boolean, flags: readonly string[] = []) {
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'prometheus.yml');
  const job = `{job_name: a, scrape_interval: 50ms, scrape_timeout: 50ms, static_configs: [{targets: ['${address}']}]}`;
  const log = join(directory, 'queries.log');
  writeFileSync(
    config,
    `global: {query_log_file: '${log}'}\nscrape_configs: [${scrapes ? job : ''}]\n`,
  );
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
  const logged = (query: string) =>
    (existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [])
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .find(({ params }) => params.query === query);
  return { api, program, logged };
}

describe.runIf(built)('among queries that read much', () => {
  test('the dearer waits or is refused, the next runs; what failed is logged with its figures', async () => {
    const directory = stage.directory();
    const first = await start(directory, true);
    await first.api.result('up');
    const time = String(Date.now() / 1000 + 1);
    await first.program.end();

    const everything = '{__name__=~".+"}';
    const quiet = await start(directory, false);
    const { data } = await quiet.api.get('/explain', { query: everything, time });
    const cost: number = data.estimated.samples;
    expect(cost).toBeGreaterThan(100);
    await quiet.program.end();

    const limit = `--query.max-total-estimated-samples=${Math.floor(1.5 * cost)}`;
    const flags = [limit, '--query.max-samples=2000000', '--query.timeout=60s'];
    const { api, logged } = await start(directory, false, flags);
    const states = async (): Promise<Map<string, string>> =>
      new Map(
        (await api.get('/status/queries')).data.queries.map(
          ({ query, state }: { query: string; state: string }) => [query, state],
        ),
      );
    const held = `${SLOW_QUERY} + count(${everything})`;
    const running = api.get('/query', { query: held, time });
    await eventually('it runs', async () => (await states()).get(held) === 'running' || undefined);
    const dear = `count(${everything})`;
    const waiting = api.get('/query', { query: dear, time });
    const refused = api.get('/query', { query: `${dear} * 2`, time, timeout: '500ms' });
    await eventually('both wait', async () => {
      const all = await states();
      return all.get(dear) === 'waiting' && all.get(`${dear} * 2`) === 'waiting' ? true : undefined;
    });
    // A cheap one fits beside the one that runs, where there is a worker left.
    expect(await refused).toMatchObject({
      httpStatus: 503,
      errorType: 'timeout',
      error: 'query timed out in query queue',
    });
    expect((await states()).get(dear)).toBe('waiting');
    const entry = (await api.get('/status/queries')).data.queries.find(
      ({ query }: { query: string }) => query === held,
    );
    const cancel = `${api.url}/api/v1/admin/queries/${entry.id}/cancel`;
    expect((await fetch(cancel, { method: 'POST' })).status).toBe(204);
    expect(await running).toMatchObject({ errorType: 'canceled' });
    expect(await waiting).toMatchObject({ status: 'success' });
    expect(await states()).toEqual(new Map());

    // Ends in the middle, for the samples it holds.
    const failing = `${everything} offset 1ms`;
    const end = String(Number(time) + 100);
    const range = { query: failing, start: time, end, step: '0.01' };
    const failed = await api.get('/query_range', range);
    expect(failed).toMatchObject({
      httpStatus: 422,
      error: 'query processing would load too many samples into memory in query execution',
    });
    const { error, stats } = await eventually('it is logged', () => logged(failing));
    expect(error).toBe(failed.error);
    expect(stats.timings).toEqual({
      evalTotalTime: expect.any(Number),
      resultSortTime: 0,
      queryPreparationTime: expect.any(Number),
      innerEvalTime: expect.any(Number),
      execQueueTime: expect.any(Number),
      execTotalTime: expect.any(Number),
    });
    for (const name of [
      'evalTotalTime',
      'queryPreparationTime',
      'innerEvalTime',
      'execTotalTime',
    ]) {
      expect(stats.timings[name], name).toBeGreaterThan(0);
    }
    expect(stats.samples.peakSamples).toBeGreaterThan(2_000_000);
    expect(stats.samples.totalQueryableSamples).toBeGreaterThan(0);
    expect(logged(held).stats.timings.innerEvalTime).toBeGreaterThan(0);
  }, 90_000);
});
