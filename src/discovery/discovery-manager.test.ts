// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import {
  defaultHttpClientOptions,
  type FileSystem,
  type HttpClient,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  silentLogger,
} from '../base/index.ts';
import { Registry } from '../metrics/index.ts';
import { labelsFrom } from '../model/index.ts';
import { createNodeClock, createNodeFileSystem } from '../platform/index.ts';
import { createDiscoveryMetrics, DiscoveryManager, type SdConfigs } from './index.ts';

/** Lets promises finish. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((done) => setImmediate(done));
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Answer = Partial<HttpResponse> | HttpError | 'hang';

function setUp(answers: Map<string, () => Answer> = new Map()) {
  const clock = new ManualClock();
  const registry = new Registry({ clock });
  const updates: [string, string[]][] = [];
  const requests: HttpRequest[] = [];
  const watched = new Set<readonly [string, () => void]>();
  const disk = createNodeFileSystem();
  const files: FileSystem = {
    ...disk,
    // Off no thread, so that a few turns of the loop are enough.
    readFile: async (path) => disk.readFileSync(path),
    watch: (directory, changed) => {
      const watcher = [directory, changed] as const;
      watched.add(watcher);
      return { close: () => void watched.delete(watcher) };
    },
  };
  let clients = 0;
  const client: HttpClient = {
    request: async (request) => {
      requests.push(request);
      const answer = answers.get(request.url)?.();
      if (answer === 'hang') return new Promise<never>(() => undefined);
      if (!answer || answer instanceof HttpError)
        throw answer ?? new HttpError('connection', 'connection refused');
      const headers = { 'content-type': 'application/json' };
      const body = new Uint8Array(0);
      return { status: 200, headers, url: request.url, body, ...answer };
    },
    close: async () => void clients--,
  };
  const manager = new DiscoveryManager({
    clock,
    files,
    logger: silentLogger,
    metrics: createDiscoveryMetrics(registry),
    createHttpClient: () => {
      clients++;
      return client;
    },
    userAgent: 'Prometheus/test',
    name: 'scrape',
    onUpdate: (job, groups) => {
      const addresses = groups.flatMap(({ targets }) => targets.map((target) => target[0]?.value));
      updates.push([job, addresses.map(String)]);
    },
  });
  cleanups.push(() => manager.stop());
  const metric = (name: string): number =>
    registry
      .gather()
      .find((family) => family.name === `prometheus_sd_${name}`)
      ?.metrics.reduce((sum, { value }) => sum + value, 0) ?? 0;
  const poke = (directory: string): void => {
    for (const [watchedDirectory, changed] of watched)
      if (watchedDirectory === directory) changed();
  };
  return { clock, manager, updates, requests, poke, metric, clients: () => clients };
}

const job = (more: Partial<SdConfigs>): SdConfigs => ({
  staticConfigs: [],
  fileSdConfigs: [],
  httpSdConfigs: [],
  ...more,
});
const staticJob = (...targets: string[]): SdConfigs =>
  job({ staticConfigs: [{ targets, labels: labelsFrom({ env: 'test' }) }] });
const httpJob = (url: string, refreshIntervalMs = 60_000): SdConfigs =>
  job({ httpSdConfigs: [{ url, refreshIntervalMs, httpClient: defaultHttpClientOptions }] });
const json = (value: unknown): Partial<HttpResponse> => ({
  body: new TextEncoder().encode(JSON.stringify(value)),
});

test('static targets are there at once', () => {
  const { manager, updates, metric } = setUp();
  manager.applyConfig(
    new Map([
      ['a', staticJob('x:1', 'y:2')],
      ['b', job({})],
    ]),
  );
  expect(updates).toEqual([
    ['a', ['x:1', 'y:2']],
    ['b', []],
  ]);
  expect(metric('discovered_targets')).toBe(2);
  expect(metric('updates_total')).toBe(2);
  updates.length = 0;
  manager.applyConfig(new Map([['a', staticJob('z:3')]]));
  expect(updates).toEqual([['a', ['z:3']]]);
  expect(metric('discovered_targets')).toBe(1);
});

function fileSetUp() {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-sd-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const write = (name: string, ...targets: string[]): void =>
    writeFileSync(join(folder, name), JSON.stringify([{ targets }]));
  const fileJob = (pattern: string): SdConfigs =>
    job({ fileSdConfigs: [{ files: [join(folder, pattern)], refreshIntervalMs: 300_000 }] });
  return { ...setUp(), folder, write, fileJob };
}

test('files are read, watched, and read again at intervals', async () => {
  const { manager, clock, updates, poke, folder, write, fileJob, metric } = fileSetUp();
  write('a.json', 'x:1');
  writeFileSync(join(folder, 'b.yml'), '- targets: ["y:2"]\n');
  const both: SdConfigs = job({
    fileSdConfigs: ['*.json', '*.yml'].flatMap((name) => fileJob(name).fileSdConfigs),
  });
  manager.applyConfig(new Map([['f', both]]));
  await settle();
  await clock.advance(0);
  expect(updates).toEqual([['f', ['x:1', 'y:2']]]);
  expect(metric('file_mtime_seconds')).toBeGreaterThan(0);

  write('a.json', 'x:1', 'z:3');
  poke(folder);
  await settle();
  await clock.advance(5000);
  expect(updates.at(-1)).toEqual(['f', ['x:1', 'z:3', 'y:2']]);

  write('c.json', 'new:1');
  await clock.advance(300_000);
  await settle();
  await clock.advance(5000);
  expect(updates.at(-1)?.[1]).toContain('new:1');

  rmSync(join(folder, 'c.json'));
  await clock.advance(300_000);
  await settle();
  await clock.advance(5000);
  expect(updates.at(-1)).toEqual(['f', ['x:1', 'z:3', 'y:2']]);
});

test('a file that breaks keeps its last targets', async () => {
  const { manager, clock, updates, poke, folder, write, fileJob, metric } = fileSetUp();
  write('a.json', 'x:1');
  manager.applyConfig(new Map([['f', fileJob('a.json')]]));
  await settle();
  await clock.advance(0);
  writeFileSync(join(folder, 'a.json'), '[{"targets": [');
  poke(folder);
  await settle();
  expect(metric('file_read_errors_total')).toBe(1);
  await clock.advance(10_000);
  expect(updates).toEqual([['f', ['x:1']]]);
  // Still known after another job is added.
  manager.applyConfig(
    new Map([
      ['f', fileJob('a.json')],
      ['g', staticJob('s:1')],
    ]),
  );
  expect(updates.slice(1)).toEqual([
    ['f', ['x:1']],
    ['g', ['s:1']],
  ]);
});

test('many changes become few updates', async () => {
  const { manager, clock, updates, poke, folder, write, fileJob, metric } = fileSetUp();
  write('a.json', 'x:0');
  manager.applyConfig(new Map([['f', fileJob('a.json')]]));
  await settle();
  await clock.advance(0);
  for (let i = 1; i <= 200; i++) {
    write('a.json', `x:${i}`);
    poke(folder);
    await settle();
    await clock.advance(50);
  }
  await clock.advance(10_000);
  expect(updates.at(-1)).toEqual(['f', ['x:200']]);
  // Ten seconds of changes: at 0.1, 0.3, 0.7, 1.5, 3.1, 6.3 s and so on, not two hundred times.
  expect(updates.length).toBeGreaterThan(4);
  expect(updates.length).toBeLessThan(12);
  expect(metric('updates_delayed_total')).toBeGreaterThan(4);
});

test('HTTP: asks as upstream does, keeps the last good answer', async () => {
  const answers = new Map<string, () => Answer>();
  const url = 'http://sd.test/targets';
  const { manager, clock, updates, requests, metric } = setUp(answers);
  answers.set(url, () => json([{ targets: ['a:1'] }, { targets: ['b:2'], labels: { x: 'y' } }]));
  manager.applyConfig(new Map([['h', httpJob(url)]]));
  await settle();
  await clock.advance(0);
  expect(updates).toEqual([['h', ['a:1', 'b:2']]]);
  expect(requests[0]).toMatchObject({
    method: 'GET',
    url,
    headers: {
      accept: 'application/json',
      'user-agent': 'Prometheus/test',
      'x-prometheus-refresh-interval-seconds': '60',
    },
  });
  const failures: Answer[] = [
    { status: 503, statusText: 'Service Unavailable' },
    { headers: { 'content-type': 'text/html' } },
    new HttpError('timeout', 'context deadline exceeded'),
    json({ not: 'a list' }),
  ];
  for (const answer of failures) {
    answers.set(url, () => answer);
    await clock.advance(60_000);
    await settle();
  }
  expect(metric('http_failures_total')).toBe(4);
  expect(metric('refresh_failures_total')).toBe(4);
  expect(updates.length).toBe(1);
  answers.set(url, () => json([{ targets: ['a:1'] }]));
  await clock.advance(60_000);
  await settle();
  await clock.advance(5000);
  expect(updates.at(-1)).toEqual(['h', ['a:1']]);
});

test('unchanged providers survive a reload, changed ones end', async () => {
  const answers = new Map<string, () => Answer>();
  answers.set('http://one/', () => json([{ targets: ['a:1'] }]));
  answers.set('http://two/', () => json([{ targets: ['b:2'] }]));
  const { manager, clock, updates, requests, clients } = setUp(answers);
  manager.applyConfig(
    new Map([
      ['h', httpJob('http://one/')],
      ['i', httpJob('http://one/')],
    ]),
  );
  await settle();
  await clock.advance(0);
  // The same question is asked once for both jobs.
  expect(requests.length).toBe(1);
  expect(updates).toEqual([
    ['h', ['a:1']],
    ['i', ['a:1']],
  ]);
  manager.applyConfig(new Map([['h', httpJob('http://one/')]]));
  expect(requests.length).toBe(1);
  expect(updates.at(-1)).toEqual(['h', ['a:1']]);
  const before = updates.length;
  manager.applyConfig(new Map([['h', httpJob('http://two/')]]));
  // Nothing is taken away before the new server has answered.
  expect(updates.length).toBe(before);
  await settle();
  await clock.advance(0);
  expect(updates.slice(before)).toEqual([['h', ['b:2']]]);
  expect(clients()).toBe(1);
});

test('a server that does not answer does not hold up other targets for long', async () => {
  const answers = new Map<string, () => Answer>();
  answers.set('http://slow/', () => 'hang');
  const { manager, clock, updates } = setUp(answers);
  const { staticConfigs } = staticJob('s:1');
  manager.applyConfig(new Map([['m', { ...httpJob('http://slow/'), staticConfigs }]]));
  await settle();
  await clock.advance(4999);
  expect(updates).toEqual([]);
  await clock.advance(1);
  expect(updates).toEqual([['m', ['s:1']]]);
});

test('a change on a real disk is seen without waiting for the interval', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-sd-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const clock = createNodeClock();
  const path = join(folder, 'a.json');
  writeFileSync(path, '[{"targets": ["x:1"]}]');
  const updates: number[] = [];
  const seen = (count: number): Promise<void> =>
    new Promise((done) => {
      const look = (): void => {
        if (updates.includes(count)) done();
        else clock.setTimer(5, look);
      };
      look();
    });
  const manager = new DiscoveryManager({
    clock,
    files: createNodeFileSystem(),
    logger: silentLogger,
    metrics: createDiscoveryMetrics(new Registry({ clock })),
    createHttpClient: () => {
      throw new Error('no HTTP here');
    },
    userAgent: '',
    name: 'scrape',
    onUpdate: (_, groups) => updates.push(groups[0]?.targets.length ?? 0),
  });
  cleanups.push(() => manager.stop());
  const fileSdConfigs = [{ files: [path], refreshIntervalMs: 3_600_000 }];
  manager.applyConfig(new Map([['f', job({ fileSdConfigs })]]));
  await seen(1);
  // As careful writers do: the new file takes the old one's place.
  writeFileSync(`${path}.new`, '[{"targets": ["x:1", "y:2"]}]');
  renameSync(`${path}.new`, path);
  await seen(2);
});
