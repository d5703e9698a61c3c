// SPDX-License-Identifier: Apache-2.0
// What was visible once is there after kill -9, and after a damaged end of the log too.

import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Program } from './program.ts';
import { ApiClient, built, freePort, Stage, sleep } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

/** Every sample of a selector, as `labels time value` lines. */
async function samples(api: ApiClient, selector: string, timeMs: number): Promise<string[]> {
  const answer = await api.get('/query', {
    query: `${selector}[10m]`,
    time: String(timeMs / 1000),
  });
  expect(answer.error).toBe(undefined);
  const lines: string[] = [];
  for (const { metric, values } of answer.data.result) {
    const labels = JSON.stringify(Object.entries(metric).sort());
    for (const [time, value] of values) lines.push(`${labels} ${time} ${value}`);
  }
  return lines;
}

describe.runIf(built)('after a crash', () => {
  const begin = async (): Promise<{ start: () => Program; api: ApiClient; data: string }> => {
    const directory = stage.directory();
    const self = `127.0.0.1:${await freePort()}`;
    const config = join(directory, 'p.yml');
    writeFileSync(
      config,
      `global: {scrape_interval: 100ms, scrape_timeout: 100ms}\nscrape_configs: [{job_name: self, static_configs: [{targets: ['${self}']}]}]\n`,
    );
    const data = join(directory, 'data');
    const start = () =>
      stage.hearth([
        'server',
        `--config.file=${config}`,
        `--storage.tsdb.path=${data}`,
        `--web.listen-address=${self}`,
      ]);
    return { start, api: new ApiClient(`http://${self}`), data };
  };

  test('kill -9 while scraping, three times: every sample that was visible is there', async () => {
    const { start, api } = await begin();
    let before: string[] = [];
    for (let round = 0; round < 3; round++) {
      const program = start();
      await api.ready();
      await api.result('up');
      const all = new Set(await samples(api, '{job="self"}', Date.now()));
      for (const line of before) expect(all.has(line)).toBe(true);
      await sleep(700);
      before = await samples(api, '{job="self"}', Date.now());
      expect(before.length).toBeGreaterThan(500);
      // No pause between the answer and the end: what was seen must already be safe.
      await program.end('SIGKILL');
    }
    const last = start();
    await api.ready();
    const all = new Set(await samples(api, '{job="self"}', Date.now()));
    expect(before.filter((line) => !all.has(line))).toEqual([]);
    expect(await last.end()).toBe(0);
  });

  test('a torn end of the log is cut off, with a word in the log', async () => {
    const { start, api, data } = await begin();
    const first = start();
    await api.ready();
    await api.result('up');
    await sleep(500);
    const before = await samples(api, '{job="self"}', Date.now());
    await first.end('SIGKILL');
    const wal = join(data, 'wal');
    const segment =
      readdirSync(wal)
        .filter((name) => /^\d+$/.test(name))
        .sort()
        .at(-1) ?? '';
    // A record's header that promises more than follows, and then nonsense.
    appendFileSync(join(wal, segment), Buffer.from([1, 0x7f, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const second = start();
    await api.ready();
    const all = new Set(await samples(api, '{job="self"}', Date.now()));
    expect(before.filter((line) => !all.has(line))).toEqual([]);
    expect(second.stderr).toMatch(/corrupt|repair|torn|truncat/i);
    await api.result('up');
    expect(await second.end()).toBe(0);
  });
});
