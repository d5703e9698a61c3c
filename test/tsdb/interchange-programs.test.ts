// SPDX-License-Identifier: Apache-2.0
// Whole programs, both ways: what one server scraped and was killed over, the other opens with the same
// answers. Late samples, native histograms, exemplars, deletions; then blocks of several levels.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { writeProtobuf } from '../../src/metrics/index.ts';
import {
  ApiClient,
  built,
  eventually,
  freePort,
  type Program,
  Stage,
  sleep,
} from '../e2e/program.ts';
import { newDirectory } from '../new-directory.ts';
import { peerPath } from '../peers.ts';

const prometheus = peerPath('prometheus');
const promtool = peerPath('promtool');
const canRun = built && prometheus !== undefined && promtool !== undefined;
const stage = new Stage();
afterAll(() => stage.close());

const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Who = 'hearth' | 'prometheus';

interface Target {
  readonly address: string;
  /** Scrapes answered with something, by path. */
  readonly steps: ReadonlyMap<string, number>;
}

/** Answers the first `count` scrapes of a path with `body`, and later ones with nothing. */
async function startTarget(
  count: number,
  body: (path: string, step: number) => { type: string; bytes: Uint8Array | string },
): Promise<Target> {
  const steps = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    const step = steps.get(path) ?? 0;
    if (step >= count) {
      response.writeHead(200, { 'content-type': OPEN_METRICS }).end('# EOF\n');
      return;
    }
    steps.set(path, step + 1);
    const { type, bytes } = body(path, step);
    response.writeHead(200, { 'content-type': type }).end(bytes);
  });
  onTestFinished(() => void server.close());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${port}`, steps };
}

interface Running {
  readonly api: ApiClient;
  readonly program: Program;
}

/** Starts a server over a directory; it scrapes where a target is given. */
async function start(
  who: Who,
  data: string,
  options: {
    target?: Target;
    paths?: readonly string[];
    flags?: readonly string[];
    outOfOrder?: string;
  } = {},
): Promise<Running> {
  const { target, paths = [], flags = [], outOfOrder = '2h' } = options;
  const config = join(newDirectory(), 'p.yml');
  const native = who === 'hearth' ? ', scrape_native_histograms: true' : '';
  const job = (path: string): string =>
    `  - {job_name: '${path}', metrics_path: ${path}, static_configs: [{targets: ['${target?.address}']}]${native}}\n`;
  const jobs = target === undefined ? '' : `scrape_configs:\n${paths.map(job).join('')}`;
  const window = `storage: {tsdb: {out_of_order_time_window: ${outOfOrder}}, exemplars: {max_exemplars: 5000}}`;
  writeFileSync(
    config,
    `global: {scrape_interval: 50ms, scrape_timeout: 50ms}\n${window}\n${jobs}`,
  );
  const listen = `127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=${listen}`,
    '--storage.tsdb.retention.time=10y',
    '--web.enable-admin-api',
    '--enable-feature=exemplar-storage,native-histograms',
    ...flags,
  ];
  const program =
    who === 'hearth' ? stage.hearth(['server', ...args]) : stage.run(prometheus!, args);
  const api = new ApiClient(`http://${listen}`);
  await api.ready();
  return { api, program };
}

/** Deletes through the API, which answers 204. */
async function admin(api: ApiClient, path: string): Promise<void> {
  const response = await fetch(`${api.url}/api/v1/admin/tsdb/${path}`, { method: 'POST' });
  expect([response.status, await response.text()]).toEqual([204, '']);
}

/** All samples of a selector until `end` seconds, series sorted by their labels. */
async function samples(api: ApiClient, selector: string, end: number): Promise<unknown[]> {
  const { error, data } = await api.get('/query', {
    query: `${selector}[3d]`,
    time: String(end),
  });
  expect(error).toBe(undefined);
  const key = (series: { metric: object }): string =>
    JSON.stringify(Object.entries(series.metric).sort());
  const series: { metric: object; values?: unknown; histograms?: unknown }[] = data.result;
  return series
    .map((one) => [key(one), one.values, one.histograms])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

const DAMAGE = /corrupt|attempting repair|unknown series|level=error|damaged/i;

const STEPS = 160;
/** A scrape that takes more than its 50 ms on a busy machine is lost, and its step with it. */
const LOST_MAX = 20;

/** Every fourth sample is ten minutes and more late. */
const timeOf = (startMs: number, step: number): number =>
  startMs + 1000 * step - (step % 4 === 3 ? 600_500 : 0);

async function startHeadTarget(startMs: number): Promise<Target> {
  return startTarget(STEPS, (path, step) => {
    if (path === '/native') {
      const distribution = {
        count: 3 + 3 * step,
        sum: 1.5 * step,
        points: [],
        native: {
          schema: step < 100 ? 2 : 1,
          zeroThreshold: 0.001,
          zeroCount: 1 + step,
          negativeSpans: [1, 1],
          negativeBuckets: [1 + step],
          positiveSpans: [step < 50 ? 0 : -2, 1],
          positiveBuckets: [1 + step],
          exemplars: [],
        },
      };
      const metrics = [{ labels: ['x', 'é'], value: 0, distribution }];
      const bytes = writeProtobuf([{ name: 'h', help: 'H.', type: 'histogram', metrics }]).slice();
      return { type: PROTOBUF, bytes };
    }
    const time = timeOf(startMs, step) / 1000;
    let text = '# TYPE m gauge\n';
    for (let i = 0; i < 10; i++) text += `m{i="${i}"} ${Math.sqrt(step) * i} ${time}\n`;
    const inOrder = (startMs + 1000 * step) / 1000;
    text += `# TYPE c counter\nc_total ${step} ${inOrder} # {trace="t${step}"} 1 ${inOrder}\n`;
    return { type: OPEN_METRICS, bytes: `${text}# EOF\n` };
  });
}

/** What both must answer alike. */
async function headAnswers(api: ApiClient, startMs: number, end: number): Promise<unknown> {
  const exemplars = await api.get('/query_exemplars', {
    query: 'c_total',
    start: String(startMs / 1000),
    end: String(end),
  });
  const found: { exemplars: { labels: unknown; value: string; timestamp: number }[] }[] =
    exemplars.data;
  return {
    m: await samples(api, 'm', end),
    c: await samples(api, 'c_total', end),
    h: await samples(api, 'h', end),
    exemplars: found.map((one) => one.exemplars.map((x) => [x.labels, x.value, x.timestamp])),
  };
}

const pairs: [Who, Who][] = [
  ['hearth', 'prometheus'],
  ['prometheus', 'hearth'],
];

test.runIf(canRun).each(
  pairs.flatMap(([from, to]) => [
    { from, to, compression: '--storage.tsdb.wal-compression' },
    { from, to, compression: '--no-storage.tsdb.wal-compression' },
  ]),
)(
  'logs of $from ($compression) with late samples, native histograms, exemplars, deletions: $to answers the same',
  async ({ from, to, compression }) => {
    const data = join(newDirectory(), 'data');
    const startMs = Math.floor(Date.now() / 1000) * 1000 - 1_200_000;
    const target = await startHeadTarget(startMs);
    const flags = [compression];
    const first = await start(from, data, { target, paths: ['/text', '/native'], flags });
    await eventually('all was scraped', () =>
      ['/text', '/native'].every((path) => target.steps.get(path) === STEPS) ? true : undefined,
    );
    const range = `start=${startMs / 1000 + 20}&end=${startMs / 1000 + 59}`;
    await admin(first.api, `delete_series?match[]=m{i="3"}&${range}`);
    // The last answer is stored a moment after it was given.
    await sleep(1000);
    const end = Math.ceil(Date.now() / 1000) + 1;
    const expected = await headAnswers(first.api, startMs, end);
    await first.program.end('SIGKILL');
    const { m, h, exemplars } = expected as Record<string, unknown[][][]>;
    const counts = m?.map((series) => series[1]?.length ?? 0) ?? [];
    const count = counts[0] ?? 0;
    expect(counts).toEqual(Array.from({ length: 10 }, (_, i) => (i === 3 ? counts[3] : count)));
    expect(count).toBeGreaterThan(STEPS - LOST_MAX);
    // Thirty lay in the deleted range.
    expect(count - (counts[3] ?? 0)).toBeGreaterThan(30 - LOST_MAX);
    expect(h?.[0]?.[2]?.length).toBeGreaterThan(STEPS - LOST_MAX);
    expect(exemplars?.[0]?.length).toBeGreaterThan(STEPS - LOST_MAX);
    expect(readdirSync(join(data, 'wbl')).length).toBeGreaterThan(0);

    const second = await start(to, data, { flags });
    expect(await headAnswers(second.api, startMs, end)).toEqual(expected);
    expect(second.program.stderr).not.toMatch(DAMAGE);
    await second.program.end('SIGKILL');
    const third = await start(from, data, { flags });
    expect(await headAnswers(third.api, startMs, end)).toEqual(expected);
    expect(third.program.stderr).not.toMatch(DAMAGE);
    await third.program.end('SIGKILL');
  },
  60_000,
);

/** Output lines of a promtool command, in any order, blanks of columns taken together. */
async function tool(who: Who, args: readonly string[]): Promise<string[]> {
  const program =
    who === 'hearth' ? stage.hearth(['promtool', ...args]) : stage.run(promtool!, args);
  expect([await program.exit(), program.stderr]).toEqual([0, '']);
  return program.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' ').replace('Total Series', 'Series').trim())
    .sort();
}

interface Meta {
  readonly ulid: string;
  readonly compaction: { readonly level: number };
}

const ULID = /^[0-9A-Z]{26}$/;
const metas = (data: string): Meta[] =>
  readdirSync(data)
    .filter((name) => ULID.test(name))
    .map((name) => JSON.parse(readFileSync(join(data, name, 'meta.json'), 'utf8')) as Meta);

test.runIf(canRun).each(pairs)(
  'blocks of several levels made by %s, deletions before and after cleaning: %s answers the same',
  async (from, to) => {
    const data = join(newDirectory(), 'data');
    // Hearth scrapes them: ahead of the clock the head moves on with these times. The real server drops the
    // whole scrape then, as its report about it is too old: its blocks begin as promtool's.
    const scrapes = from === 'hearth';
    const startMs = scrapes ? Math.floor(Date.now() / 1000) * 1000 : 1_700_006_400_000;
    const stepMs = scrapes ? 4000 : 1_200_000;
    // So many that the last three minutes hold a block of a minute and one of twenty seconds.
    const missing = (180 + 120 - ((startMs / 1000 + 400) % 180)) % 180;
    // At most 145: with four seconds between them all are in the ten minutes a target may be ahead.
    const steps = scrapes ? 100 + Math.ceil(missing / 4) : 140;
    const body = (step: number): string =>
      Array.from({ length: 10 }, (_, i) => {
        const time = (startMs + stepMs * step) / 1000;
        return `m{i="${i}"} ${Math.sqrt(step) * i} ${time}\n`;
      }).join('');
    const text = (lines: string): string => `# TYPE m gauge\n${lines}# EOF\n`;
    const target = await startTarget(scrapes ? steps : 0, (_, step) => ({
      type: OPEN_METRICS,
      bytes: text(body(step)),
    }));
    const flags = scrapes
      ? ['--storage.tsdb.min-block-duration=20s', '--storage.tsdb.max-block-duration=3m']
      : [];
    const how = { flags, outOfOrder: '0s' };
    if (!scrapes) {
      const file = join(newDirectory(), 'in.om');
      writeFileSync(file, text(Array.from({ length: steps }, (_, k) => body(k)).join('')));
      await tool(from, ['tsdb', 'create-blocks-from', 'openmetrics', file, data]);
    }
    const first = await start(from, data, { ...how, target, paths: ['/text'] });
    const levels = (): number => new Set(metas(data).map((meta) => meta.compaction.level)).size;
    await eventually('all was scraped', () =>
      !scrapes || target.steps.get('/text') === steps ? true : undefined,
    );
    // It looks once a minute whether something is to be compacted.
    for (let i = 0; i < 300 && levels() < 3; i++) await sleep(300);
    expect(levels(), first.program.stderr.slice(-2000)).toBeGreaterThanOrEqual(3);
    const end = (startMs + stepMs * steps) / 1000;
    const range = `start=${(startMs + 50 * stepMs) / 1000}&end=${(startMs + 99 * stepMs) / 1000}`;
    await admin(first.api, `delete_series?match[]=m{i="3"}&${range}`);
    await sleep(500);
    const expected = await samples(first.api, 'm', end);
    await first.program.end('SIGKILL');
    const counts = expected.map((series) => (series as string[][])[1]?.length ?? 0);
    const count = counts[0] ?? 0;
    expect(counts).toEqual(Array.from({ length: 10 }, (_, i) => (i === 3 ? counts[3] : count)));
    expect(count).toBeGreaterThan(steps - (scrapes ? LOST_MAX : 1));
    expect(count - (counts[3] ?? 0)).toBeGreaterThan(50 - (scrapes ? LOST_MAX : 1));
    const sameTools = async (commands: readonly string[]): Promise<void> => {
      for (const command of commands) {
        const args = ['tsdb', command, data];
        expect(await tool('hearth', args)).toEqual(await tool('prometheus', args));
      }
    };
    await sameTools(['list', 'analyze']);
    const check = async (who: Who, use?: (api: ApiClient) => Promise<void>): Promise<void> => {
      const running = await start(who, data, how);
      await use?.(running.api);
      expect(await samples(running.api, 'm', end)).toEqual(expected);
      expect(running.program.stderr).not.toMatch(DAMAGE);
      await running.program.end('SIGKILL');
    };
    await check(to);
    await check(from, (api) => admin(api, 'clean_tombstones'));
    await check(to, (api) => admin(api, 'clean_tombstones'));
    await sameTools(['list', 'dump', 'analyze']);
    await check(from);
  },
  150_000,
);
