// SPDX-License-Identifier: Apache-2.0
// /debug/pprof and the go_* metrics of every program that has them upstream.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodePprof } from '../../src/encoding/index.ts';
import { gzipSync } from 'node:zlib';
import { built, freePort, Stage } from './program.ts';
import type { ReadProfile } from './read-pprof.ts';
import { readPprof } from './read-pprof.ts';

const stage = new Stage();
afterAll(() => stage.close());

async function start(target: string, ...flags: string[]): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const program = stage.hearth([target, `--web.listen-address=${address}`, ...flags]);
  await program.logs('Listening on');
  return `http://${address}`;
}

async function profileOf(url: string): Promise<ReadProfile> {
  const answer = await fetch(url);
  expect([url, answer.status]).toEqual([url, 200]);
  return readPprof(new Uint8Array(await answer.arrayBuffer()));
}

const everyFrame = ({ samples }: ReadProfile): string =>
  samples.flatMap(({ stack }) => stack).join('\n');

/** Pushes until told to stop. */
function pushing(url: string): () => Promise<void> {
  const body = Array.from({ length: 3000 }, (_, i) => `pushed_${i} 1\n`).join('');
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      const answer = await fetch(`${url}/metrics/job/x`, { method: 'PUT', body });
      await answer.text();
    }
  })();
  return () => {
    stopped = true;
    return loop;
  };
}

test('a profile is read back as it was written', () => {
  const frames = [
    { name: 'inner', file: 'a.js', line: 7 },
    { name: 'outer', file: 'a.js', line: 1 },
  ];
  const bytes = encodePprof({
    valueTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_000_000,
    startMs: 1_700_000_000_000,
    durationMs: 1000,
    samples: [
      { frames, values: [3, 30_000_000], thread: 'main' },
      { frames: frames.slice(1), values: [1, 9_000_000_000], thread: 'worker' },
    ],
  });
  expect(readPprof(gzipSync(bytes))).toEqual({
    valueTypes: ['samples/count', 'cpu/nanoseconds'],
    periodType: 'cpu/nanoseconds',
    timeSeconds: 1_700_000_000,
    samples: [
      {
        stack: ['inner a.js:7', 'outer a.js:1'],
        values: [3, 30_000_000],
        labels: { thread: 'main' },
      },
      { stack: ['outer a.js:1'], values: [1, 9_000_000_000], labels: { thread: 'worker' } },
    ],
  });
});

describe.runIf(built)('/debug/pprof', () => {
  test('of the Pushgateway says where time and memory go, one profile at a time', async () => {
    const url = await start('pushgateway', '--web.route-prefix=/pushed');
    const stop = pushing(`${url}/pushed`);
    const pprof = `${url}/pushed/debug/pprof`;
    const [cpu, second] = await Promise.all([
      profileOf(`${pprof}/profile?seconds=1`),
      new Promise((resolve) => setTimeout(resolve, 300)).then(() => fetch(`${pprof}/heap`)),
    ]);
    expect(second.status).toBe(500);
    expect(await second.text()).toContain('already in use');
    expect(cpu.valueTypes).toEqual(['samples/count', 'cpu/nanoseconds']);
    expect(everyFrame(cpu)).toMatch(/\/pushgateway\/store\.js:\d+/);
    expect(everyFrame(cpu)).not.toContain('(idle)');
    const allocs = await profileOf(`${pprof}/allocs?seconds=1`);
    expect(allocs.valueTypes).toEqual(['alloc_space/bytes']);
    expect(everyFrame(allocs)).toMatch(/\/pushgateway\/\w+\.js:\d+/);
    const heap = await profileOf(`${pprof}/heap?seconds=1`);
    expect(heap.valueTypes).toEqual(['inuse_space/bytes']);
    await stop();
    const answers = await Promise.all(
      ['', 'cmdline', 'symbol', 'goroutine', 'block', 'mutex', 'threadcreate', 'nothing'].map(
        async (name) => (await fetch(`${pprof}/${name}`)).status,
      ),
    );
    expect(answers).toEqual([200, 200, 200, 200, 200, 200, 200, 404]);
    expect((await fetch(`${pprof}/profile?seconds=9999`)).status).toBe(400);
    expect((await fetch(`${url}/debug/pprof/`)).status).toBe(404);
  });

  test('a client that goes away ends its profile', async () => {
    const url = await start('node-exporter');
    const leaving = new AbortController();
    const long = fetch(`${url}/debug/pprof/profile?seconds=100`, { signal: leaving.signal });
    const gone = expect(long).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await fetch(`${url}/debug/pprof/profile?seconds=0.1`)).status).toBe(500);
    leaving.abort();
    await gone;
    for (let i = 0; i < 50; i++) {
      const { status } = await fetch(`${url}/debug/pprof/profile?seconds=0.1`);
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the profile did not end');
  });

  test('of the server has its workers', async () => {
    const directory = stage.directory();
    const config = join(directory, 'prometheus.yml');
    writeFileSync(config, '');
    const url = await start(
      'server',
      `--config.file=${config}`,
      `--storage.tsdb.path=${directory}/data`,
    );
    for (let i = 0; i < 100 && (await fetch(`${url}/-/ready`)).status !== 200; i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const taken = profileOf(`${url}/debug/pprof/profile?seconds=1.5`);
    const query = 'sum(sum_over_time(vector(1)[50000s:1s]))';
    const end = Date.now() + 1200;
    while (Date.now() < end) await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
    const threads = new Set((await taken).samples.map(({ labels }) => labels.thread));
    expect(threads.has('main')).toBe(true);
    expect([...threads].some((name) => /worker/i.test(name ?? ''))).toBe(true);
  });
});

describe.runIf(built)('go_* metrics', () => {
  const twins = [
    'go_gc_duration_seconds',
    'go_gc_duration_seconds_count',
    'go_gc_duration_seconds_sum',
    'go_gc_gomemlimit_bytes',
    'go_goroutines',
    'go_info',
    'go_memstats_alloc_bytes',
    'go_memstats_heap_alloc_bytes',
    'go_memstats_heap_idle_bytes',
    'go_memstats_heap_inuse_bytes',
    'go_memstats_heap_sys_bytes',
    'go_memstats_last_gc_time_seconds',
    'go_memstats_sys_bytes',
    'go_threads',
  ];

  test('of the node exporter are what Node has, and go with the flag', async () => {
    const page = await (await fetch(`${await start('node-exporter')}/metrics`)).text();
    const names = page.match(/^go_\w+(?=[ {])/gm) ?? [];
    expect([...new Set(names)].sort()).toEqual(twins);
    expect(page).toContain(`go_info{version="node ${process.version}"} 1\n`);
    expect(page).toMatch(/^go_threads [1-9]\d*$/m);
    expect(page).toMatch(/^go_memstats_alloc_bytes \d\.\d+e\+0[67]$/m);
    expect(page).toMatch(/^process_network_receive_bytes_total \d/m);
    const without = await start('node-exporter', '--web.disable-exporter-metrics');
    const bare = await (await fetch(`${without}/metrics`)).text();
    expect(bare).toContain('node_exporter_build_info');
    expect(bare).not.toMatch(/^(?:go|process|promhttp)_/m);
  });

  test('of the Pushgateway keep pushes from taking their names', async () => {
    const url = await start('pushgateway');
    const push = (body: string): Promise<Response> =>
      fetch(`${url}/metrics/job/x`, { method: 'PUT', body });
    const refused = await push('# TYPE go_goroutines counter\ngo_goroutines 1\n');
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('should have GAUGE');
  });
});
