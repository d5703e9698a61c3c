// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRig, group, jobOptions, type Rig } from '../../test/scrape/rig.ts';
import { createNodeFileSystem } from '../platform/index.ts';
import { labelsFrom, labelsToObject, relabelRule } from '../model/index.ts';
import { globalUrl, type ScrapeOptions } from './index.ts';
import { makeTarget } from './target.ts';
import { fnv1a64, scrapeOffsetMs, targetUrl } from './target-url.ts';

const INTERVAL = 15_000;

/** A rig whose targets answer `a 1`, with `addresses` found for the job. */
async function started(addresses: string[], options: Partial<ScrapeOptions> = {}): Promise<Rig> {
  const rig = createRig();
  rig.client.answer = () => ({ body: 'a 1\n' });
  rig.manager.applyConfig([jobOptions(options)], { identity: 'test' });
  rig.manager.updateTargets('job', [group(...addresses)]);
  await rig.clock.advance(0);
  return rig;
}

const active = (rig: Rig) => rig.manager.activeTargets().get('job') ?? [];
const urls = (rig: Rig) => active(rig).map(({ scrapeUrl }) => scrapeUrl);

const made = (labels: Record<string, string>, options: Partial<ScrapeOptions> = {}) =>
  makeTarget(labelsFrom(labels), [], jobOptions(options));

test('a target starts from its labels and the defaults of the job', () => {
  const outcome = made(
    { __address__: 'h:1', __meta_x: 'y' },
    { params: { module: ['a b', 'c'] }, scrapeTimeoutMs: 5000, scheme: 'https', metricsPath: '/p' },
  );
  if (outcome.kind !== 'target') throw new Error(outcome.kind);
  expect(outcome.target.url).toBe('https://h:1/p?module=a+b&module=c');
  expect(labelsToObject(outcome.target.labels)).toEqual({ instance: 'h:1', job: 'job' });
  expect(labelsToObject(outcome.target.discoveredLabels)).toEqual({
    __address__: 'h:1',
    __meta_x: 'y',
    __metrics_path__: '/p',
    __param_module: 'a b',
    __scheme__: 'https',
    __scrape_interval__: '15s',
    __scrape_timeout__: '5s',
    __scrape_native_histograms__: 'false',
    __always_scrape_classic_histograms__: 'false',
    __convert_classic_histograms_to_nhcb__: 'false',
    job: 'job',
  });
});

test('labels of the target win over those of its group', () => {
  const outcome = makeTarget(
    labelsFrom({ __address__: 'h:1', env: 'own' }),
    labelsFrom({ env: 'group', team: 'x' }),
    jobOptions(),
  );
  if (outcome.kind !== 'target') throw new Error(outcome.kind);
  expect(labelsToObject(outcome.target.labels)).toMatchObject({ env: 'own', team: 'x' });
});

test('relabelling may change address, path, parameter, interval and instance', () => {
  const set = (targetLabel: string, replacement: string) =>
    relabelRule({ targetLabel, replacement });
  const outcome = made(
    { __address__: 'h:1' },
    {
      params: { x: ['1'] },
      relabelRules: [
        set('__address__', 'other:2'),
        set('__metrics_path__', 'q x'),
        set('__param_x', 'changed'),
        set('__scrape_interval__', '1m'),
        set('__scrape_timeout__', '30s'),
        set('instance', 'name'),
        set('__tmp_y', 'gone'),
      ],
    },
  );
  if (outcome.kind !== 'target') throw new Error(outcome.kind);
  const { target } = outcome;
  expect(target.url).toBe('http://other:2/q%20x?x=changed');
  expect([target.intervalMs, target.timeoutMs]).toEqual([60_000, 30_000]);
  expect(labelsToObject(target.labels)).toEqual({ instance: 'name', job: 'job' });
});

const invalid = (labels: Record<string, string>, message: string): void =>
  test(`no target: ${message}`, () =>
    expect(made({ __address__: 'h:1', ...labels })).toMatchObject({ kind: 'invalid', message }));
invalid({ __address__: 'h:1/x' }, '"h:1/x" is not a valid hostname');
invalid({ __scheme__: 'ftp' }, 'invalid scheme: "ftp"');
invalid({ __scrape_interval__: '0s' }, 'scrape interval cannot be 0');
invalid(
  { __scrape_interval__: 'x' },
  'error parsing scrape interval: not a valid duration string: "x"',
);
invalid(
  { __scrape_timeout__: '1m' },
  'scrape timeout cannot be greater than scrape interval ("1m" > "15s")',
);

test('dropped targets are counted, and remembered up to keep_dropped_targets', async () => {
  const relabelRules = [
    relabelRule({ sourceLabels: ['__address__'], regex: 'a.*', action: 'drop' }),
  ];
  const rig = await started(['a1', 'a2', 'b1', 'a3'], { relabelRules, keepDroppedTargets: 2 });
  const dropped = rig.manager.droppedTargets().get('job');
  expect(dropped?.count).toBe(3);
  expect(dropped?.discoveredLabels.map((labels) => labelsToObject(labels).__address__)).toEqual([
    'a1',
    'a2',
  ]);
  expect(urls(rig)).toEqual(['http://b1/metrics']);
});

test('equal targets collapse, invalid ones are logged and counted', async () => {
  const rig = await started(['h:1', 'h:1', 'x/y']);
  expect(urls(rig)).toEqual(['http://h:1/metrics']);
  expect(rig.metric('prometheus_target_sync_failed_total')).toMatch(/ 1$/);
  expect(rig.logger.lines).toContain(
    'error Creating target failed scrape_pool=job err=instance 2 in group test/0: "x/y" is not a valid hostname',
  );
});

test('target_limit fails all targets of the pool', async () => {
  const rig = await started(['h:1', 'h:2'], { targetLimit: 1 });
  await rig.clock.advance(INTERVAL);
  const message = 'target_limit exceeded (number of targets: 2, limit: 1)';
  expect(active(rig).map(({ lastError }) => lastError)).toEqual([message, message]);
  expect(rig.appender.dump()).toEqual([]);
  expect(rig.client.requests).toEqual([]);
  rig.manager.updateTargets('job', [group('h:1')]);
  await rig.clock.advance(5000 + INTERVAL);
  expect(active(rig).map(({ health }) => health)).toEqual(['up']);
});

test('targets change at once the first time, then at most every five seconds', async () => {
  const rig = await started(['h:1']);
  expect(urls(rig)).toEqual(['http://h:1/metrics']);
  rig.manager.updateTargets('job', [group('h:2')]);
  rig.manager.updateTargets('job', [group('h:3')]);
  await rig.clock.advance(4999);
  expect(urls(rig)).toEqual(['http://h:1/metrics']);
  await rig.clock.advance(1);
  expect(urls(rig)).toEqual(['http://h:3/metrics']);
});

test('a target that stays keeps its loop, and shows its newest discovered labels', async () => {
  const rig = await started(['h:1']);
  await rig.clock.advance(INTERVAL);
  rig.manager.updateTargets('job', [
    { source: 's', targets: [labelsFrom({ __address__: 'h:1', __meta_new: 'x' })], labels: [] },
  ]);
  await rig.clock.advance(INTERVAL);
  expect(active(rig)[0]).toMatchObject({ health: 'up' });
  const shown = labelsToObject(active(rig)[0]?.discoveredLabels ?? []);
  // Meta labels are no part of what a target is.
  expect(shown.__meta_new).toBe('x');
  expect(rig.appender.report('scrape_series_added')).toEqual([1, 0]);
});

test('a removed target is marked stale at its next planned time, two intervals and a tenth later', async () => {
  const rig = await started(['h:1']);
  await rig.clock.advance(INTERVAL);
  const [first] = rig.appender.dump();
  const scrapeMs = Number(first?.split('@')[1]);
  rig.manager.updateTargets('job', []);
  await rig.clock.advance(scrapeMs + 2 * INTERVAL + 1400 - rig.clock.now());
  expect(rig.appender.dump().filter((line) => line.includes('stale'))).toEqual([]);
  await rig.clock.advance(200);
  const stale = rig.appender.dump(true).filter((line) => line.includes('stale'));
  expect(stale).toHaveLength(6);
  for (const line of stale) expect(line.endsWith(`@${scrapeMs + INTERVAL}`)).toBe(true);
  const used = rig.heap.usedBytes;
  await rig.manager.stop();
  expect(rig.heap.usedBytes).toBe(used);
});

test('a target that comes back is not marked after its new samples', async () => {
  const rig = await started(['h:1']);
  await rig.clock.advance(INTERVAL);
  rig.manager.updateTargets('job', []);
  await rig.clock.advance(5000);
  rig.manager.updateTargets('job', [group('h:1')]);
  await rig.clock.advance(4 * INTERVAL);
  expect(rig.appender.dump().filter((line) => line.includes('stale'))).toEqual([]);
});

test('stopping writes no markers and gives all memory back', async () => {
  const rig = await started(['h:1', 'h:2']);
  await rig.clock.advance(INTERVAL);
  const lines = rig.appender.dump(true);
  await rig.manager.stop();
  await rig.clock.advance(10 * INTERVAL);
  expect(rig.appender.dump(true)).toEqual(lines);
  expect(rig.appender.openBatches).toBe(0);
  expect(rig.client.closed).toBe(true);
  // What stays are the two lists that the manager itself holds.
  const fresh = createRig();
  expect(rig.heap.usedBytes).toBe(fresh.heap.usedBytes);
});

test('equal options change nothing, a new limit keeps the cache, a new rule starts a new one', async () => {
  const rig = await started(['h:1']);
  await rig.clock.advance(INTERVAL);
  rig.manager.applyConfig([jobOptions()], { identity: 'test' });
  await rig.clock.advance(INTERVAL);
  rig.manager.applyConfig([jobOptions({ sampleLimit: 10 })], { identity: 'test' });
  await rig.clock.advance(INTERVAL);
  expect(rig.appender.report('scrape_series_added')).toEqual([1, 0, 0]);
  expect(rig.metric('prometheus_target_scrape_pool_reloads_total')).toMatch(/ 1$/);
  const metricRelabelRules = [relabelRule({ targetLabel: 'x', replacement: 'y' })];
  rig.manager.applyConfig([jobOptions({ metricRelabelRules })], { identity: 'test' });
  await rig.clock.advance(INTERVAL * 4);
  expect(rig.appender.report('scrape_series_added').slice(0, 5)).toEqual([1, 0, 0, 1, 0]);
  const old = rig.appender.dump().filter((line) => !line.includes('x="y"'));
  // The series under the old rule ends with a marker, the one under the new rule goes on.
  expect(old.filter((line) => line.includes('stale'))).toHaveLength(1);
  expect(rig.appender.dump().filter((line) => /x="y".*stale/.test(line))).toEqual([]);
});

test('a job that is gone stops, a new one waits for its targets', async () => {
  const rig = await started(['h:1']);
  rig.manager.applyConfig([jobOptions({ jobName: 'b' }), jobOptions({ jobName: 'a' })], {
    identity: 'test',
  });
  expect(rig.manager.pools()).toEqual(['a', 'b']);
  const before = rig.client.requests.length;
  await rig.clock.advance(2 * INTERVAL);
  expect(rig.client.requests.length).toBe(before);
  rig.manager.updateTargets('a', [group('h:9')]);
  await rig.clock.advance(INTERVAL);
  expect(rig.client.requests.length).toBe(before + 1);
});

test('a job whose client cannot be made does not keep the others from starting', async () => {
  const rig = createRig();
  const manager = rig.manager;
  const poisoned = { followRedirects: true, enableHttp2: true, proxyUrl: 'bad' };
  const original = Reflect.get(manager, 'createHttpClient') as (options: object) => unknown;
  Reflect.set(manager, 'createHttpClient', (options: { proxyUrl?: string }) => {
    if (options.proxyUrl === 'bad') throw new Error('unusable proxy');
    return original(options);
  });
  expect(() =>
    manager.applyConfig([jobOptions({ httpClient: poisoned }), jobOptions({ jobName: 'good' })], {
      identity: '',
    }),
  ).toThrow('cannot set up scrape jobs: job: unusable proxy');
  expect(manager.pools()).toEqual(['good']);
  expect(rig.metric('prometheus_target_scrape_pools_failed_total')).toMatch(/ 1$/);
});

test('scrapes of one target never overlap, and a late one is made up for once', async () => {
  const rig = createRig();
  let open = 0;
  let overlaps = 0;
  rig.client.answer = async () => {
    if (open++ > 0) overlaps++;
    await new Promise<void>((resolve) => rig.clock.setTimer(INTERVAL * 2.5, resolve));
    open--;
    return { body: 'a 1\n' };
  };
  rig.manager.applyConfig([jobOptions()], { identity: 'test' });
  rig.manager.updateTargets('job', [group('h:1')]);
  await rig.clock.advance(INTERVAL * 10);
  expect(overlaps).toBe(0);
  expect(rig.client.requests.length).toBe(4);
});

test('a scrape that starts late by a little keeps the planned time', async () => {
  const rig = await started(['h:1']);
  await rig.clock.advance(INTERVAL * 3);
  const times = rig.appender.dump().map((line) => Number(line.split('@')[1]));
  expect(new Set(times.map((time) => time % INTERVAL)).size).toBe(1);
});

test('places in the interval differ by target and by server, and stay', () => {
  const labels = labelsFrom({ instance: 'a', job: 'j' });
  const at = (url: string, seed: string, now: number) =>
    (now + scrapeOffsetMs(labels, url, fnv1a64(seed), INTERVAL, now)) % INTERVAL;
  const place = at('http://a/metrics', 's', 1_700_000_000_123);
  expect(at('http://a/metrics', 's', 1_700_000_777_456)).toBe(place);
  expect(at('http://b/metrics', 's', 1_700_000_000_123)).not.toBe(place);
  expect(at('http://a/metrics', 't', 1_700_000_000_123)).not.toBe(place);
  const spread = new Set<number>();
  for (let i = 0; i < 1000; i++) spread.add(Math.floor(at(`http://${i}/m`, 's', 0) / 1000));
  expect(spread.size).toBe(15);
});

test('FNV-1a has its published values', () => {
  const hex = (text: string) => {
    const { high, low } = fnv1a64(text);
    return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
  };
  expect(hex('')).toBe('cbf29ce484222325');
  expect(hex('a')).toBe('af63dc4c8601ec8c');
  expect(hex('foobar')).toBe('85944171f73967e8');
});

test('URLs are escaped as Go escapes them', () => {
  const params = new Map([
    ['b', ["x&y=z '(é)'"]],
    ['a', ['1', '2']],
  ]);
  expect(targetUrl('http', '[::1]:80', '/a b/%?', params)).toBe(
    'http://[::1]:80/a%20b/%25%3F?a=1&a=2&b=x%26y%3Dz+%27%28%C3%A9%29%27',
  );
});

test('the global URL puts the outer name in place of this machine', () => {
  const server = { listenAddress: '0.0.0.0:9090', externalUrl: 'https://prom.example:444/x' };
  expect(globalUrl('http://localhost:9090/metrics', server)).toBe(
    'https://prom.example:444/metrics',
  );
  expect(globalUrl('http://127.0.0.1:9100/metrics', server)).toBe(
    'http://prom.example:9100/metrics',
  );
  expect(globalUrl('http://other:9090/metrics', server)).toBe('http://other:9090/metrics');
});

test('failed scrapes are logged to their file, line by line, after what is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-scrape-'));
  try {
    const path = join(folder, 'failures.log');
    for (let run = 0; run < 2; run++) {
      const rig = createRig({ files: createNodeFileSystem() });
      rig.client.answer = () => ({ status: 500, statusText: 'Internal Server Error' });
      rig.manager.applyConfig([jobOptions({ scrapeFailureLogFile: path })], { identity: '' });
      rig.manager.updateTargets('job', [group('h:1')]);
      await rig.clock.advance(INTERVAL);
      await rig.manager.stop();
    }
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      level: 'ERROR',
      job_name: 'job',
      target: 'http://h:1/metrics',
      error: 'server returned HTTP status 500 Internal Server Error',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('__unix_socket__ is where the request goes', async () => {
  const rig = await started(['h:1'], {
    relabelRules: [relabelRule({ targetLabel: '__unix_socket__', replacement: '/run/x.sock' })],
  });
  await rig.clock.advance(INTERVAL);
  expect(rig.client.requests[0]).toMatchObject({
    socketPath: '/run/x.sock',
    url: 'http://h:1/metrics',
  });
});

test('the time between scrapes and their duration are measured', async () => {
  const rig = await started(['h:1']);
  await rig.clock.advance(INTERVAL * 3);
  expect(rig.metric('prometheus_target_interval_length_seconds_count{interval="15s"}')).toMatch(
    / 2$/,
  );
  expect(rig.metric('prometheus_target_interval_length_seconds_sum{interval="15s"}')).toMatch(
    / 30$/,
  );
  expect(rig.metric('prometheus_target_scrape_duration_seconds_count')).toMatch(/ 3$/);
  expect(rig.metric('prometheus_target_scrape_pool_targets')).toMatch(/ 1$/);
  expect(rig.metric('prometheus_target_scrape_pool_sync_total')).toMatch(/ 1$/);
});
