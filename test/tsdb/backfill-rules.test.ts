// SPDX-License-Identifier: Apache-2.0
// `hearth promtool tsdb create-blocks-from rules` against the real server, and the real promtool beside it.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newDirectory } from '../new-directory.ts';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';

const prometheus = peerPath('prometheus');
const promtool = peerPath('promtool');
const hearth = new URL('../../hearth', import.meta.url).pathname;
const START = 1_700_006_400;

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(path: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn(path, args, { cwd });
  let out = '';
  let err = '';
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** Seconds since the start, and value, of each sample of a series. */
function samplesOf(dump: string, series: string): [number, number][] {
  const lines = dump.split('\n').filter((line) => line.startsWith(`${series} `));
  return lines.map((line) => {
    const [value = '', time = ''] = line.slice(series.length + 1).split(' ');
    return [Number(time) / 1000 - START, Number(value)];
  });
}

const input = (): string => {
  const lines = ['# TYPE m gauge'];
  for (let i = 0; i < 400; i++) lines.push(`m{s="a"} ${i} ${START + 30 * i}`);
  return `${lines.join('\n')}\n# EOF\n`;
};

const rules = `
groups:
  - name: g
    interval: 60s
    rules:
      - { record: doubled, expr: m * 2, labels: { s: b } }
      - { alert: High, expr: m > 100 }
`;

test.runIf(prometheus !== undefined && promtool !== undefined)(
  'rules are evaluated by a server and become blocks; mistakes end as with the real one',
  async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'in.om'), input());
    writeFileSync(join(directory, 'rules.yml'), rules);
    writeFileSync(join(directory, 'p.yml'), 'global: {}\n');
    spawnSync(promtool!, ['tsdb', 'create-blocks-from', 'openmetrics', 'in.om', 'data'], {
      cwd: directory,
    });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = startPeer(
      prometheus!,
      [
        '--config.file=p.yml',
        '--storage.tsdb.path=data',
        '--storage.tsdb.retention.time=20y',
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      directory,
    );
    const words = ['tsdb', 'create-blocks-from', 'rules'];
    try {
      await waitForUrl(`${url}/-/ready`, server);
      const range = [`--start=${START}`, `--end=${START + 11_600}`, '--output-dir=out'];
      const args = [...words, `--url=${url}`, ...range, 'rules.yml'];
      expect(await run(hearth, ['promtool', ...args], directory)).toMatchObject({
        code: 0,
        out: '',
      });
    } finally {
      await server.stop();
    }
    mkdirSync(join(directory, 'out/wal'));
    const dump = await run(promtool!, ['tsdb', 'dump', 'out'], directory);
    const samples = samplesOf(dump.out, '{__name__="doubled", s="b"}');
    expect(samples.length).toBeGreaterThan(190);
    for (const [seconds, value] of samples) expect(value).toBe(2 * Math.floor(seconds / 30));
    expect(dump.out).not.toContain('High');
    for (const wrong of [
      ['--start=abc', 'rules.yml'],
      [`--start=${START}`, '--end=1', 'rules.yml'],
      [`--start=${START}`, 'none.yml'],
      ['--url=http://127.0.0.1:1', `--start=${START}`, `--end=${START + 60}`, 'rules.yml'],
    ]) {
      const mine = await run(hearth, ['promtool', ...words, ...wrong], directory);
      const theirs = await run(promtool!, [...words, ...wrong], directory);
      expect([wrong, mine.code, mine.out]).toEqual([wrong, theirs.code, theirs.out]);
      const last = (text: string): string => text.trimEnd().split('\n').at(-1)!;
      expect(last(mine.err)).toBe(last(theirs.err));
    }
  },
  120_000,
);
