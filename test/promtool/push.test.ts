// SPDX-License-Identifier: Apache-2.0
// `promtool push metrics` into the real server.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { built, entry } from '../e2e/program.ts';
import { newDirectory } from '../new-directory.ts';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';

const real = peerPath('prometheus');

const metrics = `# HELP h_seconds H.
# TYPE h_seconds histogram
h_seconds_bucket{le="0.5"} 1
h_seconds_bucket{le="+Inf"} 2
h_seconds_sum 3
h_seconds_count 2
# TYPE s summary
s{quantile="0.9"} 4
s_sum 5
s_count 6
# TYPE c_total counter
c_total{job="own",x="y"} 7
`;

interface Answer {
  readonly data: {
    readonly result: readonly { readonly metric: object; readonly value: [number, string] }[];
  };
}

test.skipIf(!built || real === undefined)('push metrics', async () => {
  const directory = newDirectory();
  writeFileSync(join(directory, 'p.yml'), '');
  writeFileSync(join(directory, 'm.prom'), metrics);
  writeFileSync(join(directory, 'bad.prom'), 'a{ 1\n');
  const base = `http://127.0.0.1:${await freePort()}`;
  const peer = startPeer(real ?? '', [
    `--config.file=${join(directory, 'p.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${base.slice('http://'.length)}`,
    '--web.enable-remote-write-receiver',
  ]);
  const push = (args: readonly string[], input?: string) => {
    const all = [resolve(entry), 'promtool', 'push', 'metrics', ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, {
      cwd: directory,
      encoding: 'utf8',
      ...(input === undefined ? {} : { input }),
    });
    return { status, stdout, stderr };
  };
  try {
    await waitForUrl(`${base}/-/ready`, peer);
    const url = `${base}/api/v1/write`;
    expect(push([url, 'm.prom'])).toEqual({
      status: 0,
      stdout:
        'Parsing metrics file m.prom\n  SUCCESS: metrics file m.prom pushed to remote write.\n',
      stderr: '',
    });
    expect(push([url, '--label=job=in', '--label=team=x'], 'g 8\n')).toMatchObject({
      status: 0,
      stdout: 'Parsing standard input\n  SUCCESS: metrics pushed to remote write.\n',
    });
    const query = new URLSearchParams({ query: '{job=~".+"}' });
    const answer = (await (await fetch(`${base}/api/v1/query?${query}`)).json()) as Answer;
    const found = answer.data.result.map(({ metric, value }) => [metric, value[1]]);
    const job = 'promtool';
    expect(found).toHaveLength(9);
    expect(found).toEqual(
      expect.arrayContaining([
        [{ __name__: 'c_total', job: 'own', x: 'y' }, '7'],
        [{ __name__: 'h_seconds_bucket', job, le: '0.5' }, '1'],
        [{ __name__: 'h_seconds_bucket', job, le: '+Inf' }, '2'],
        [{ __name__: 'h_seconds_sum', job }, '3'],
        [{ __name__: 'h_seconds_count', job }, '2'],
        [{ __name__: 's', job, quantile: '0.9' }, '4'],
        [{ __name__: 's_sum', job }, '5'],
        [{ __name__: 's_count', job }, '6'],
        [{ __name__: 'g', job: 'in', team: 'x' }, '8'],
      ]),
    );
    const bad = push([url, 'bad.prom', 'none.prom']);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toContain('FAILED: text format parsing error in line 1');
    expect(bad.stderr).toContain('none.prom');
    expect(push([`${base}/nowhere`, 'm.prom']).stderr).toMatch(
      /FAILED: server returned HTTP status 40\d/,
    );
  } finally {
    await peer.stop('SIGKILL');
  }
});
