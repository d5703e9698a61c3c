// SPDX-License-Identifier: Apache-2.0
// `hearth promtool tsdb …` beside the real promtool: the same input, the same output.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededPrng, silentLogger } from '../../src/base/index.ts';
import type { CommandHost } from '../../src/commands/index.ts';
import { CommandError, parseCommand, promtool } from '../../src/commands/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { createNodeClock, createNodeFileSystem, createSnappy } from '../../src/platform/index.ts';
import { conformanceFolder } from '../conformance.ts';
import { peerPath } from '../peers.ts';

const real = peerPath('promtool');
let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-promtool-'));
  writeFileSync(join(directory, 'in.om'), input());
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Two metrics over four hours and a bit. */
function input(): string {
  const prng = seededPrng(3);
  let text = '# TYPE http_requests_total counter\n';
  const sample = (series: string, value: number, i: number): void => {
    text += `${series} ${value} ${1_700_000_000 + 60 * i}.${i % 10}\n`;
  };
  for (let s = 0; s < 40; s++) {
    let value = 0;
    for (let i = 0; i < 260; i++) {
      value += prng.below(1000);
      sample(`http_requests_total{job="j${s % 3}",instance="i${s}"}`, value, i);
    }
  }
  text += '# TYPE temp gauge\n';
  for (let i = 0; i < 260; i++) sample('temp{zone="ä\\"\\\\"}', prng.next() * 1e9 - 5, i);
  return `${text}# EOF\n`;
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const ours = (...args: string[]): Promise<Outcome> => oursAt(false, ...args);

async function oursAt(isTerminal: boolean, ...args: string[]): Promise<Outcome> {
  let out = '';
  let err = '';
  const host: CommandHost = {
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger: silentLogger,
    prng: seededPrng(11),
    snappy: createSnappy(),
    zstd: undefined,
    environment: {},
    processId: process.pid,
    createHttpClient: () => {
      throw new Error('not for this test');
    },
    readInput: () => Promise.resolve(undefined),
    userName: 'test',
    alertmanagerVersion: '0',
    newHeap: () => new SharedHeap(createMemory()),
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    gzip: (bytes) => bytes,
    gunzip: () => undefined,
    webConfigProblem: () => undefined,
    isTerminal,
  };
  const parsed = parseCommand(promtool, args);
  if (parsed.kind === 'error') return { code: 1, out, err: `${parsed.message}\n` };
  if (parsed.kind !== 'command') return { code: 0, out: parsed.kind, err };
  try {
    return { code: await parsed.command.run(parsed.values, host), out, err };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { code: 1, out, err: `${error.message}\n` };
  }
}

function theirs(...args: string[]): Outcome {
  const run = spawnSync(real!, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return { code: run.status ?? -1, out: run.stdout, err: run.stderr };
}

const sorted = (text: string): string[] => text.trimEnd().split('\n').sort();
const at = (name: string): string => join(directory, name);

test('blocks of a file hold its samples, and the commands show them', async () => {
  const made = await ours('tsdb', 'create-blocks-from', 'openmetrics', at('in.om'), at('own'));
  expect(made.code).toBe(0);
  const names = readdirSync(at('own')).sort();
  expect(names.length).toBe(3);
  const list = await ours('tsdb', 'list', at('own'));
  // The widths of columns go with the rows that are printed together.
  const cells = (text: string): string[] => sorted(text).map((line) => line.replace(/ +/g, ' '));
  expect(cells(list.out)).toEqual(cells(made.out));
  const back = await ours('tsdb', 'dump-openmetrics', at('own'));
  const lines = (text: string): string[] => sorted(text).filter((line) => !line.startsWith('# T'));
  // Labels are sorted and times have three digits in what comes back.
  const normal = input()
    .replace(/(job="[^"]*"),(instance="[^"]*")/g, '$2,$1')
    .replace(/(\.\d)$/gm, '$100');
  const value = (line: string): string =>
    line.replace(/\} (\S+) /, (_, text: string) => `} ${Number(text)} `);
  expect(lines(back.out).map(value)).toEqual(lines(normal).map(value));
});

test.skipIf(real === undefined)(
  'the same blocks as the real one makes, byte for byte',
  async () => {
    await ours('tsdb', 'create-blocks-from', 'openmetrics', at('in.om'), at('a'));
    theirs('tsdb', 'create-blocks-from', 'openmetrics', at('in.om'), at('b'));
    const blocks = (name: string): string[] =>
      readdirSync(at(name))
        .filter((entry) => entry.length === 26)
        .map((entry) => join(at(name), entry))
        .sort(
          (x, y) =>
            (JSON.parse(readFileSync(`${x}/meta.json`, 'utf8')) as { minTime: number }).minTime -
            (JSON.parse(readFileSync(`${y}/meta.json`, 'utf8')) as { minTime: number }).minTime,
        );
    const mine = blocks('a');
    const other = blocks('b');
    expect(mine.length).toBe(other.length);
    let same = 0;
    mine.forEach((path, i) => {
      const pair = (file: string): readonly [Buffer, Buffer] => [
        readFileSync(join(path, file)),
        readFileSync(join(other[i]!, file)),
      ];
      const [chunks, otherChunks] = pair('chunks/000001');
      const [index, otherIndex] = pair('index');
      // The real encoder leaves an empty byte behind a chunk that ends on a byte: ours are smaller then,
      // and what follows has other offsets.
      expect(chunks.length).toBeLessThanOrEqual(otherChunks.length);
      expect(index.length).toBeLessThanOrEqual(otherIndex.length);
      if (chunks.length < otherChunks.length) return;
      same++;
      expect(chunks.equals(otherChunks)).toBe(true);
      expect(index.equals(otherIndex)).toBe(true);
      const [tombstones, otherTombstones] = pair('tombstones');
      expect(tombstones.equals(otherTombstones)).toBe(true);
    });
    expect(same).toBeGreaterThan(0);
  },
);

test.skipIf(real === undefined)(
  'dump, list and analyze print what the real one prints',
  async () => {
    theirs('tsdb', 'create-blocks-from', 'openmetrics', at('in.om'), at('real'));
    for (const flags of [[], ['-r']]) {
      expect(await ours('tsdb', 'list', ...flags, at('real'))).toEqual(
        theirs('tsdb', 'list', ...flags, at('real')),
      );
    }
    mkdirSync(at('real/wal'), { recursive: true });
    for (const flags of [
      [],
      ['--match={job="j1"}', '--min-time=1700003000000', '--max-time=1700004000000'],
    ]) {
      const own = await ours('tsdb', 'dump', ...flags, at('real'));
      const other = theirs('tsdb', 'dump', ...flags, at('real'));
      expect(own.out.length).toBeGreaterThan(100);
      expect(sorted(own.out)).toEqual(sorted(other.out));
    }
    const analyze = ['tsdb', 'analyze', '--extended', '--limit=1000', at('real')];
    const other = theirs(...analyze).out.replace(/^Series: /m, 'Total Series: ');
    expect(sorted((await ours(...analyze)).out)).toEqual(sorted(other));
  },
);

const failing: readonly (readonly string[])[] = [
  ['tsdb'],
  ['tsdb', 'foo'],
  ['tsdb', 'list', '--nothing'],
  ['tsdb', 'list', '-x'],
  ['tsdb', 'list', 'a', 'b'],
  ['tsdb', 'list', '/does/not/exist'],
  ['tsdb', 'analyze', '--limit=x'],
  ['tsdb', 'analyze', '--limit'],
  ['tsdb', 'create-blocks-from', 'openmetrics'],
];

test.skipIf(real === undefined)('mistakes are told in the same words', async () => {
  for (const args of failing) {
    expect({ args, ...(await ours(...args)) }).toEqual({ args, ...theirs(...args) });
  }
  for (const [name, text] of [
    ['no-time.om', '# TYPE a counter\na_total 1\n# EOF\n'],
    ['no-end.om', 'a 1 1\na 2 2\n'],
    ['empty.om', '# EOF\n'],
  ] as const) {
    writeFileSync(at(name), text);
    const args = ['tsdb', 'create-blocks-from', 'openmetrics', at(name), at('none')];
    expect({ name, ...(await ours(...args)) }).toEqual({ name, ...theirs(...args) });
  }
});

const conformance = conformanceFolder('promtool');

test.skipIf(conformance === undefined)(
  'a file dumped as OpenMetrics becomes the same file again',
  async () => {
    const path = `${conformance}/dump-openmetrics-roundtrip-test.prom`;
    await ours('tsdb', 'create-blocks-from', 'openmetrics', path, at('roundtrip'));
    const { out } = await ours('tsdb', 'dump-openmetrics', at('roundtrip'));
    expect(sorted(out)).toEqual(sorted(readFileSync(path, 'utf8')));
  },
);

/** Series a line, 1500 of them; the last line names one again. */
function seriesFile(): string {
  let text = '';
  for (let i = 0; i <= 1500; i++) {
    const n = i % 1500;
    text += `{"__name__":"m${n % 10}","instance":"i${n}:9100","job":"a"}\n`;
  }
  return text;
}

/** Lines of a benchmark without what differs from run to run. */
const timeless = (text: string): string =>
  text.replace(/duration=[\dµ.hms]+/g, 'duration=').replace(/(samples\/sec:) [\d.e+]+/, '$1');

test('bench write stores whole hundreds of scrapes and shows a bar at a terminal', async () => {
  writeFileSync(at('series.json'), seriesFile());
  const flags = ['--metrics=1200', '--scrapes=150', `--out=${at('bench')}`];
  const run = await oursAt(true, 'tsdb', 'bench', 'write', ...flags, at('series.json'));
  expect(run.code).toBe(0);
  expect(timeless(run.out)).toBe(
    '>> start stage=readData\n>> completed stage=readData duration=\n' +
      '>> start stage=ingestScrapes\ningestion completed\n' +
      '>> completed stage=ingestScrapes duration=\n' +
      ' > total samples: 240000\n > samples/sec:\n' +
      '>> start stage=stopStorage\n>> completed stage=stopStorage duration=\n',
  );
  expect(run.err).toMatch(/^\r\[ *\] 0% {2}\d+ samples\/s/);
  expect(run.err.endsWith('\r\x1b[K')).toBe(true);
  const dump = await ours('tsdb', 'dump', '--match={instance="i7"}', at('bench/storage'));
  const lines = dump.out.trimEnd().split('\n');
  expect(lines.length).toBe(200);
  expect(lines[0]).toBe('{__name__="m7", instance="i7", job="a"} 1.23457789e+08 30000');
  expect(lines.at(-1)).toBe('{__name__="m7", instance="i7", job="a"} 1.23556789e+08 6000000');
});

test('bench write says what is wrong, and removes nothing that is not its own', async () => {
  const bench = (...args: string[]): Promise<Outcome> => ours('tsdb', 'bench', 'write', ...args);
  const missing = await bench(`--out=${at('none')}`, at('missing.json'));
  expect(missing.code).toBe(1);
  expect(missing.err).toBe(`open ${at('missing.json')}: no such file or directory\n`);
  writeFileSync(at('bad.json'), '{"__name__":"up"}\nnonsense\n');
  const bad = await bench(`--out=${at('none')}`, at('bad.json'));
  expect(bad.err).toContain('bad.json:2: expected labels');
  writeFileSync(at('one.json'), '{"__name__":"up"}\n');
  mkdirSync(at('precious'));
  writeFileSync(at('precious/photo'), 'x');
  const refused = await bench('--scrapes=1', `--out=${at('precious')}`, at('one.json'));
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('precious holds photo, which is no output of this benchmark');
  expect(readdirSync(at('precious'))).toEqual(['photo']);
});

test.skipIf(real === undefined)(
  'bench write: the real one prints and stores the same',
  async () => {
    writeFileSync(at('series.json'), seriesFile());
    const args = ['tsdb', 'bench', 'write', '--metrics=1100', '--scrapes=100'];
    const own = await ours(...args, `--out=${at('bench-own')}`, at('series.json'));
    const peer = theirs(...args, `--out=${at('bench-real')}`, at('series.json'));
    expect([own.code, peer.code]).toEqual([0, 0]);
    expect(timeless(own.out)).toBe(timeless(peer.out));
    const dumped = theirs('tsdb', 'dump', at('bench-real/storage')).out;
    expect(sorted(theirs('tsdb', 'dump', at('bench-own/storage')).out)).toEqual(sorted(dumped));
    expect(sorted((await ours('tsdb', 'dump', at('bench-own/storage'))).out)).toEqual(
      sorted(dumped),
    );
  },
);
