// SPDX-License-Identifier: Apache-2.0
// Large pushes are prepared by a worker: answers, pages and files are those of the same push done here.

import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { built, freePort, Stage } from '../e2e/program.ts';
import { inDirectory, Rig, type RigOptions } from './rig.ts';

const stage = new Stage();
afterAll(() => stage.close());

/** Some 100 kB of text with `extra` at its end. */
function large(extra = '', value = 1): string {
  let text = '# HELP large_metric Many.\n# TYPE large_metric gauge\n';
  for (let i = 0; i < 1500; i++)
    text += `large_metric{device="disk-${(i * 7919) % 1500}",state="ok",zone="z"} ${value + i}\n`;
  text += '# TYPE large_histogram histogram\n';
  for (let i = 0; i < 300; i++) {
    text += `large_histogram_bucket{i="${i}",le="1"} 2\nlarge_histogram_bucket{i="${i}",le="+Inf"} 3\n`;
    text += `large_histogram_sum{i="${i}"} 4\nlarge_histogram_count{i="${i}"} 3\n`;
  }
  return text + extra;
}

type Step = readonly [method: string, path: string, body: string];

/** Does the steps on a gateway that prepares large pushes and on one that does not. */
async function alike(steps: readonly Step[], options: RigOptions = {}): Promise<Rig> {
  const here = new Rig({ ...options, clock: new ManualClock() });
  const there = new Rig({ ...options, clock: new ManualClock(), preparing: true });
  for (const [method, path, body] of steps) {
    const answer = await there.push(method, path, body);
    expect([path, answer]).toEqual([path, await here.push(method, path, body)]);
    for (const accept of ['', 'application/openmetrics-text']) {
      const pages = await Promise.all([here.page(accept), there.page(accept)]);
      const [a, b] = pages.map((page) => page.replace(/^(# \w+ )?pushgateway_http_push_.*$/gm, ''));
      expect(b).toBe(a);
    }
  }
  expect([here.prepared, there.prepared]).toEqual([
    0,
    steps.filter(([method, , body]) => method !== 'DELETE' && body.length > 65_536).length,
  ]);
  return there;
}

test('replaces, updates and removes', () =>
  alike([
    ['PUT', '/metrics/job/a', large()],
    ['POST', '/metrics/job/a', 'small 1\n'],
    ['POST', '/metrics/job/a', large('', 2)],
    ['PUT', '/metrics/job/b/instance/i', large('other 1\n', 3)],
    ['PUT', '/metrics/job/a', large('new_one 7\n', 4)],
    ['DELETE', '/metrics/job/a', ''],
    ['POST', '/metrics/job/c', large('', 5)],
    ['PUT', '/metrics/job/c', 'small 1\n'],
  ]));

test('mixes with groups of the same names, before and after', () =>
  alike([
    ['PUT', '/metrics/job/a/zone/z', large()],
    ['PUT', '/metrics/job/b', 'large_metric{device="disk-700",state="ok",zone="a"} 1\n'],
    ['PUT', '/metrics/job/b', '# TYPE large_metric gauge\nlarge_metric{device="disk-7"} 1\n'],
    ['PUT', '/metrics/job/c', large('', 9)],
    ['PUT', '/metrics/job/c', large('', 10)],
    ['PUT', '/metrics/job/b', '# TYPE large_metric gauge\nlarge_metric{device="x"} 1\n'],
  ]));

describe('what is wrong has the same text', () => {
  const cases: Record<string, string> = {
    'half a line': 'large_other{a="b',
    'a timestamp': 'stamped 1 1700000000000\n',
    'a series that comes twice': 'twice{a="b"} 1\ntwice{a="b"} 2\n',
    'another type than in another group': '# TYPE taken counter\ntaken 1\n',
    'another type than our own':
      '# TYPE pushgateway_build_info counter\npushgateway_build_info 1\n',
    'a name that a histogram owns': 'large_histogram_sum 1\nowned_sum 1\n',
    'a series of a group of other labels': 'rival{job="r",x="y"} 1\n',
    'a reserved family': 'push_time_seconds 1\npush_failure_time_seconds 2\n',
  };
  for (const check of [true, false]) {
    test.each(Object.entries(cases))(`%s, checked: ${check}`, async (_, extra) => {
      const steps: readonly Step[] = [
        ['PUT', '/metrics/job/t', '# TYPE taken gauge\ntaken 1\n'],
        ['PUT', '/metrics/job/t', '# TYPE owned histogram\nowned_count 1\nowned_sum 1\n'],
        ['PUT', '/metrics/job/r', 'rival{x="y"} 1\n'],
        ['PUT', '/metrics/job/r/x/y', large(extra)],
        ['PUT', '/metrics/job/r/x/y', large()],
        ['PUT', '/metrics/job/r/x/y', large(extra)],
      ];
      await alike(steps, { checkConsistency: check });
    });
  }
});

test('names of all of UTF-8', () =>
  alike([['PUT', '/metrics/job/a', large('{"my.name","my label"="ü"} 1\n')]], { scheme: 'utf8' }));

test('is there again from the log and from the file, byte for byte', () =>
  inDirectory(async (directory) => {
    const page = async (rig: Rig): Promise<string> =>
      (await rig.page()).replace(/^(# \w+ )?(hearth|pushgateway|promhttp)_.*\n/gm, '');
    const persistenceFile = join(directory, 'metrics');
    const first = new Rig({ persistenceFile, preparing: true });
    for (const job of ['a', 'b', 'a']) await first.push('PUT', `/metrics/job/${job}`, large());
    await first.push('POST', '/metrics/job/a', large('more 1\nmore 1\n'));
    expect(first.prepared).toBe(4);
    const fromLog = new Rig({ persistenceFile });
    expect(await page(fromLog)).toBe(await page(first));
    await first.persistence?.persist();
    const fromFile = new Rig({ persistenceFile });
    expect(await page(fromFile)).toBe(await page(first));
    expect(fromFile.logged.join('\n')).not.toContain('could not load');
  }));

test.runIf(built)(
  'the program prepares them in a worker, several in a row, and good ones only',
  async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const program = stage.hearth([
      'pushgateway',
      `--web.listen-address=${address}`,
      `--persistence.file=${stage.directory()}/metrics`,
    ]);
    await program.logs('Listening on');
    const push = (job: string, body: string): Promise<Response> =>
      fetch(`http://${address}/metrics/job/${job}`, { method: 'PUT', body });
    const answers = await Promise.all([
      push('a', large()),
      push('b', large('half{a="b')),
      push('c', large('', 2)),
      push('d', 'small 1\n'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200, 200]);
    expect(await answers[1]!.text()).toMatch(
      /^text format parsing error in line \d+: unexpected end/,
    );
    const page = await (await fetch(`http://${address}/metrics`)).text();
    expect(page.match(/^large_metric\{/gm)).toHaveLength(3000);
    expect(page).toMatch(/^small\{instance="",job="d"\} 1$/m);
    const sum = /^pushgateway_http_push_size_bytes_sum\{method="put"\} (\S+)$/m.exec(page)?.[1];
    expect(Number(sum)).toBeGreaterThan(300_000);
    expect(await program.end()).toBe(0);
  },
);
