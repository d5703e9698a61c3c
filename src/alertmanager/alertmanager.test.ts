// SPDX-License-Identifier: Apache-2.0
// The whole on a clock that the test turns, with receivers that write down what they are told.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { seededPrng, silentLogger } from '../base/index.ts';
import { Registry, writeText } from '../metrics/index.ts';
import { labelsFrom, labelValue, type Matcher, matcherText } from '../model/index.ts';
import { createNodeFileSystem } from '../platform/index.ts';
import { alertHash, fingerprint, xxHash64 } from './hash.ts';
import {
  Alertmanager,
  AlertmanagerApi,
  type AlertmanagerOptions,
  type AlertmanagerParts,
  type Integration,
  type Notification,
  type NotifyOutcome,
  parseMatcher,
  parseMatchers,
  type RouteOptions,
  SnapshotError,
} from './index.ts';
import { TimeInterval } from './route/time-interval.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

let clock: ManualClock;
let told: { at: number; receiver: string; reason: string; alerts: string[] }[];
let outcome: (notification: Notification, type: string) => Promise<NotifyOutcome> | NotifyOutcome;
let directory: string;
let registry: Registry;
let manager: Alertmanager;
let ids: number;

const integration = (type: string, sendResolved: boolean): Integration => ({
  type,
  index: 0,
  sendResolved,
  notify: async (notification) => {
    const result = await outcome(notification, type);
    if (result.ok) {
      told.push({
        at: clock.now(),
        receiver: notification.receiver,
        reason: notification.reason,
        alerts: notification.alerts.map(
          ({ labels, endsAtMs }) =>
            labelValue(labels, 'alertname') + (endsAtMs > 0 ? ' resolved' : ''),
        ),
      });
    }
    return result;
  },
});

const route = (options: Partial<RouteOptions> = {}): RouteOptions => ({
  receiver: undefined,
  groupBy: undefined,
  groupByAll: false,
  matchers: [],
  continues: false,
  routes: [],
  groupWaitMs: undefined,
  groupIntervalMs: undefined,
  repeatIntervalMs: undefined,
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  labels: {},
  ...options,
});
const options = (changes: Partial<AlertmanagerOptions> = {}): AlertmanagerOptions => ({
  resolveTimeoutMs: 5 * MINUTE,
  route: route({ receiver: 'a' }),
  inhibitRules: [],
  timeIntervals: new Map(),
  receivers: new Map(
    ['a', 'b', 'quiet'].map((name) => [
      name,
      { name, labels: {}, integrations: [integration('webhook', name !== 'quiet')] },
    ]),
  ),
  original: '',
  ...changes,
});

const parts = (changes: Partial<AlertmanagerParts> = {}): AlertmanagerParts => ({
  clock,
  files: createNodeFileSystem(),
  logger: silentLogger,
  registry,
  prng: seededPrng(1),
  newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
  directory,
  retentionMs: 120 * HOUR,
  maintenanceIntervalMs: 15 * MINUTE,
  alertsGcIntervalMs: 30 * MINUTE,
  silencesMax: 0,
  silenceSizeMaxBytes: 0,
  perAlertnameMax: 0,
  ...changes,
});

function fire(name: string, more: Record<string, string> = {}, lastsMs = 24 * HOUR): void {
  manager.receive([
    {
      labels: labelsFrom({ alertname: name, ...more }),
      annotations: {},
      startsAtMs: clock.now(),
      endsAtMs: clock.now() + lastsMs,
      generatorUrl: '',
      updatedAtMs: clock.now(),
      timesOut: false,
    },
  ]);
}
const resolve = (name: string, more: Record<string, string> = {}): void => {
  manager.receive([
    {
      labels: labelsFrom({ alertname: name, ...more }),
      annotations: {},
      startsAtMs: clock.now() - SECOND,
      endsAtMs: clock.now(),
      generatorUrl: '',
      updatedAtMs: clock.now(),
      timesOut: false,
    },
  ]);
};
const equal = (name: string, value: string): Matcher => ({ name, type: '=', value });
const silence = (matchers: readonly Matcher[], startsMs = 0, lastsMs = HOUR): string =>
  manager.silences.set({
    id: '',
    matchers,
    startsAtMs: clock.now() + startsMs,
    endsAtMs: clock.now() + startsMs + lastsMs,
    updatedAtMs: 0,
    createdBy: 'me',
    comment: 'c',
    annotations: {},
  });
const metric = (name: string): string[] =>
  new TextDecoder()
    .decode(writeText(registry.gather()))
    .split('\n')
    .filter((line) => line.startsWith(name));

beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 0, 5, 12, 0, 0));
  told = [];
  ids = 0;
  outcome = () => ({ ok: true });
  directory = mkdtempSync(join(tmpdir(), 'hearth-am-'));
  registry = new Registry({ clock });
  manager = new Alertmanager(parts());
  manager.apply(options());
});
afterEach(() => {
  manager.stop();
  rmSync(directory, { recursive: true });
});

describe('hashes', () => {
  const hash = (text: string): string => xxHash64(new TextEncoder().encode(text));
  test('xxHash64 of known texts', () => {
    expect([hash(''), hash('a'), hash('abc')]).toEqual([
      'ef46db3751d8e999',
      'd24ec4f1a98c6e5b',
      '44bc2cf5ad770999',
    ]);
    expect(hash('Nobody inspects the spammish repetition')).toBe('fbcea83c8a378bf1');
  });
  test('fingerprints are FNV-1a of the labels', () => {
    expect(fingerprint([])).toBe('cbf29ce484222325');
    expect(fingerprint(labelsFrom({ a: 'b' }))).not.toBe(fingerprint(labelsFrom({ a: 'c' })));
    expect(alertHash(labelsFrom({ a: 'b' }))).toHaveLength(16);
  });
});

describe('groups', () => {
  test('wait, are told whole, and at intervals only when something changed', async () => {
    fire('One');
    await clock.advance(29 * SECOND);
    expect(told).toEqual([]);
    fire('Two');
    await clock.advance(SECOND);
    expect(told).toMatchObject([{ alerts: ['One', 'Two'], reason: 'first notification' }]);
    await clock.advance(15 * MINUTE);
    expect(told).toHaveLength(1);
    fire('Three');
    await clock.advance(5 * MINUTE);
    expect(told[1]).toMatchObject({ alerts: ['One', 'Three', 'Two'], reason: 'new alerts added' });
    resolve('One');
    await clock.advance(5 * MINUTE);
    expect(told[2]).toMatchObject({
      alerts: ['One resolved', 'Three', 'Two'],
      reason: 'some alerts resolved',
    });
    resolve('Two');
    resolve('Three');
    await clock.advance(5 * MINUTE);
    expect(told[3]).toMatchObject({
      alerts: ['Three resolved', 'Two resolved'],
      reason: 'all alerts resolved',
    });
    expect([...manager.dispatcher!.groups()]).toEqual([]);
    expect(metric('alertmanager_dispatcher_aggregation_groups')[0]).toMatch(/ 0$/);
  });

  test('repeat after the repeat interval', async () => {
    fire('One');
    await clock.advance(4 * HOUR + 2 * MINUTE);
    expect(told).toHaveLength(1);
    await clock.advance(5 * MINUTE);
    expect(told[1]).toMatchObject({ reason: 'repeat interval elapsed' });
  });

  test('an alert that has waited elsewhere is told at once', async () => {
    manager.receive([
      {
        labels: labelsFrom({ alertname: 'Old' }),
        annotations: {},
        startsAtMs: clock.now() - HOUR,
        endsAtMs: clock.now() + HOUR,
        generatorUrl: '',
        updatedAtMs: clock.now(),
        timesOut: true,
      },
    ]);
    await clock.advance(0);
    expect(told).toHaveLength(1);
  });

  test('group_by, and routes by matchers with continue', async () => {
    manager.apply(
      options({
        route: route({
          receiver: 'a',
          groupBy: ['dc'],
          routes: [
            route({ receiver: 'b', matchers: parseMatchers('team=db'), continues: true }),
            route({ matchers: parseMatchers('team=~"db|web"'), groupByAll: true }),
          ],
        }),
      }),
    );
    fire('One', { team: 'db', dc: 'x' });
    fire('Two', { team: 'web', dc: 'x' });
    fire('Three', { dc: 'x' });
    fire('Four', { dc: 'x' });
    await clock.advance(30 * SECOND);
    expect(told.map(({ receiver, alerts }) => [receiver, ...alerts]).sort()).toEqual([
      ['a', 'Four', 'Three'],
      ['a', 'One'],
      ['a', 'Two'],
      ['b', 'One'],
    ]);
    const keys = [...manager.dispatcher!.groups()].map(({ key }) => key).sort();
    expect(keys).toContain('{}/{team="db"}:{dc="x"}');
    expect(keys).toContain('{}:{dc="x"}');
  });

  test('a receiver without send_resolved hears of firing alerts only', async () => {
    manager.apply(options({ route: route({ receiver: 'quiet' }) }));
    fire('One');
    await clock.advance(30 * SECOND);
    resolve('One');
    await clock.advance(5 * MINUTE);
    expect(told).toHaveLength(1);
    fire('One');
    await clock.advance(5 * MINUTE);
    expect(told).toHaveLength(2);
  });
});

describe('failures', () => {
  test('are tried again while it makes sense, and do not delay others', async () => {
    let tries = 0;
    outcome = ({ receiver }) => {
      if (receiver === 'b') return { ok: true };
      tries++;
      return {
        ok: false,
        retry: true,
        reason: 'serverError',
        message: 'unexpected status code 500',
      };
    };
    manager.apply(
      options({
        route: route({
          receiver: 'a',
          routes: [
            route({ receiver: 'b', continues: true }),
            route({ receiver: 'a', continues: true }),
          ],
        }),
      }),
    );
    fire('One');
    await clock.advance(30 * SECOND);
    expect(told).toMatchObject([{ receiver: 'b' }]);
    await clock.advance(4 * MINUTE);
    expect(tries).toBeGreaterThan(5);
    outcome = () => ({ ok: true });
    await clock.advance(2 * MINUTE);
    expect(told.map(({ receiver }) => receiver)).toEqual(['b', 'a']);
  });

  test('that cannot be mended are counted and tried at the next flush', async () => {
    let tries = 0;
    outcome = () => {
      tries++;
      return {
        ok: false,
        retry: false,
        reason: 'clientError',
        message: 'unexpected status code 400',
      };
    };
    fire('One');
    await clock.advance(6 * MINUTE);
    expect(tries).toBe(2);
    expect(
      metric(
        'alertmanager_notifications_failed_total{integration="webhook",reason="clientError"}',
      )[0],
    ).toMatch(/ 2$/);
    resolve('One');
    await clock.advance(5 * MINUTE);
    // It was never told of, so nobody needs to hear that it is over.
    expect(tries).toBe(2);
  });

  test('a receiver that hangs is given up at the flush deadline', async () => {
    outcome = () => new Promise(() => undefined);
    fire('One');
    await clock.advance(30 * SECOND + 5 * MINUTE);
    expect(
      metric(
        'alertmanager_notifications_failed_total{integration="webhook",reason="contextDeadlineExceeded"}',
      )[0],
    ).toMatch(/ 1$/);
  });
});

describe('a clock that jumps', () => {
  test('back: groups keep their pace, nobody is told twice, a silence that ended stays ended', async () => {
    fire('One', {}, 1000 * HOUR);
    const id = silence([equal('alertname', 'Two')]);
    await clock.advance(30 * SECOND);
    expect(told).toHaveLength(1);
    // In the middle of a flush.
    outcome = () => {
      clock.wallOffsetMs = -2 * HOUR;
      return { ok: true };
    };
    fire('Other', {}, 1000 * HOUR);
    await clock.advance(5 * MINUTE);
    expect(told[1]?.alerts).toEqual(['One', 'Other']);
    fire('Third', {}, 1000 * HOUR);
    await clock.advance(5 * MINUTE);
    expect(told[2]?.alerts).toEqual(['One', 'Other', 'Third']);
    await clock.advance(HOUR);
    expect(told).toHaveLength(3);
    manager.silences.expire(id);
    expect(manager.silences.silencing(new Map([['alertname', 'Two']]), clock.now())).toEqual([]);
    const before = manager.silences.get(id);
    // As after kill -9: the journal is all there is.
    const again = new Alertmanager(parts({ registry: new Registry({ clock }) }));
    expect(again.silences.get(id)).toEqual(before);
    again.stop();
  });

  test('forward: what waits is told at its time, repeats come', async () => {
    fire('One', {}, 1000 * HOUR);
    clock.wallOffsetMs = 24 * HOUR;
    await clock.advance(30 * SECOND);
    expect(told).toMatchObject([{ reason: 'first notification', alerts: ['One'] }]);
    await clock.advance(5 * MINUTE);
    clock.wallOffsetMs = 30 * HOUR;
    await clock.advance(5 * MINUTE);
    expect(told[1]?.reason).toBe('repeat interval elapsed');
    await clock.advance(HOUR);
    expect(told).toHaveLength(2);
  });
});

test('changes of silences are logged where that is wanted', () => {
  const lines: string[] = [];
  const info = (message: string, fields?: Record<string, unknown>): void =>
    void lines.push(`${message} ${String(fields?.state)} ${String(fields?.matchers)}`);
  manager.stop();
  const logging = { logger: { ...silentLogger, info }, registry: new Registry({ clock }) };
  manager = new Alertmanager(parts({ ...logging, logSilences: true }));
  const id = silence([equal('alertname', 'Two')]);
  manager.silences.expire(id);
  expect(lines).toEqual([
    'Silence changed active {alertname="Two"}',
    'Silence changed expired {alertname="Two"}',
  ]);
});

describe('metrics', () => {
  test('of silences and of the notification log', async () => {
    silence([equal('alertname', 'Two')]);
    fire('One');
    await clock.advance(15 * MINUTE);
    const value = (name: string): number => Number(metric(name)[0]?.split(' ').at(-1));
    expect(value('alertmanager_silences_queries_total')).toBe(3);
    expect(value('alertmanager_nflog_queries_total')).toBe(3);
    expect(value('alertmanager_nflog_query_duration_seconds_count')).toBe(3);
    for (const name of ['silences', 'nflog']) {
      expect(value(`alertmanager_${name}_maintenance_total`)).toBe(1);
      expect(value(`alertmanager_${name}_maintenance_errors_total`)).toBe(0);
      expect(value(`alertmanager_${name}_gc_duration_seconds_count`)).toBe(1);
      expect(value(`alertmanager_${name}_snapshot_duration_seconds_count`)).toBe(1);
      expect(value(`alertmanager_${name}_snapshot_size_bytes`)).toBeGreaterThan(50);
    }
    expect(value('alertmanager_silences_state_size')).toBe(1);
  });
});

describe('the trace of a flush', () => {
  const traced = () =>
    manager.traces.of(fingerprint(labelsFrom({ alertname: 'One' })))[0]?.integrations[0];

  test('is there while the receiver is still being told', async () => {
    outcome = () => new Promise(() => undefined);
    fire('One');
    await clock.advance(30 * SECOND);
    expect(traced()).toEqual({
      type: 'webhook',
      index: 0,
      outcome: 'sending',
      reason: 'first notification',
      attempts: 1,
      durationMs: 0,
    });
    await clock.advance(5 * MINUTE);
    const flushes = manager.traces.of(fingerprint(labelsFrom({ alertname: 'One' })));
    expect(flushes.map(({ integrations }) => integrations[0]?.outcome)).toEqual([
      'sending',
      'failed',
    ]);
  });

  test('shows each try as it happens', async () => {
    const later = { ok: false, retry: true, reason: 'serverError', message: 'status 500' } as const;
    outcome = () => later;
    fire('One');
    await clock.advance(30 * SECOND);
    const first = traced();
    expect(first).toMatchObject({ outcome: 'sending', attempts: 1 });
    expect(first?.failure).toEqual({ reason: 'serverError', message: 'status 500' });
    expect(first?.nextAttemptMs).toBeGreaterThan(clock.now());
    await clock.advance(MINUTE);
    expect(traced()?.attempts).toBeGreaterThan(3);
    outcome = () => ({ ok: true });
    await clock.advance(2 * MINUTE);
    const last = traced();
    expect(last).toMatchObject({ outcome: 'sent', failure: undefined, nextAttemptMs: undefined });
    expect(last?.durationMs).toBeGreaterThan(MINUTE);
  });

  test('keeps the alerts of equal flushes once', async () => {
    fire('One');
    await clock.advance(11 * MINUTE);
    const [last, before] = manager.traces.of(fingerprint(labelsFrom({ alertname: 'One' })));
    expect(last?.alerts).toBe(before?.alerts);
    fire('Two');
    await clock.advance(5 * MINUTE);
    expect(manager.traces.of(fingerprint(labelsFrom({ alertname: 'One' })))[0]?.alerts.size).toBe(
      2,
    );
  });
});

describe('suppression', () => {
  test('silences, while they last', async () => {
    silence([equal('alertname', 'One')], 0, 10 * MINUTE);
    fire('One');
    fire('Two');
    await clock.advance(30 * SECOND);
    expect(told).toMatchObject([{ alerts: ['Two'] }]);
    await clock.advance(12 * MINUTE);
    expect(told[1]).toMatchObject({ alerts: ['One', 'Two'] });
    expect(metric('alertmanager_notifications_suppressed_total{reason="silence"}')[0]).not.toMatch(
      / 0$/,
    );
  });

  test('inhibition by firing alerts that agree in the equal labels', async () => {
    const rule = {
      name: 'r',
      sourceMatchers: parseMatchers('severity=critical'),
      targetMatchers: parseMatchers('severity=~"warning|critical"'),
      equal: ['dc'],
    };
    manager.apply(options({ inhibitRules: [rule] }));
    fire('Big', { severity: 'critical', dc: 'x' });
    fire('Small', { severity: 'warning', dc: 'x' });
    fire('Elsewhere', { severity: 'warning', dc: 'y' });
    await clock.advance(30 * SECOND);
    expect(told).toMatchObject([{ alerts: ['Big', 'Elsewhere'] }]);
    resolve('Big', { severity: 'critical', dc: 'x' });
    await clock.advance(5 * MINUTE);
    expect(told[1]).toMatchObject({ alerts: ['Big resolved', 'Elsewhere', 'Small'] });
  });

  test('mute and active time intervals', async () => {
    const noon = {
      times: [{ begin: 12 * 60, end: 13 * 60 }],
      weekdays: [],
      daysOfMonth: [],
      months: [],
      years: [],
      location: 'UTC',
    };
    manager.apply(
      options({
        timeIntervals: new Map([['noon', [noon]]]),
        route: route({
          receiver: 'a',
          routes: [
            route({ matchers: [equal('alertname', 'Muted')], muteTimeIntervals: ['noon'] }),
            route({ matchers: [equal('alertname', 'Active')], activeTimeIntervals: ['noon'] }),
          ],
        }),
      }),
    );
    fire('Muted');
    fire('Active');
    await clock.advance(30 * SECOND);
    expect(told.map(({ alerts }) => alerts)).toEqual([['Active']]);
    await clock.advance(HOUR + 5 * MINUTE);
    expect(told.map(({ alerts }) => alerts)).toEqual([['Active'], ['Muted']]);
  });
});

describe('time intervals', () => {
  const interval = {
    times: [],
    weekdays: [],
    daysOfMonth: [],
    months: [],
    years: [],
    location: 'UTC',
  };
  const has = (name: string, changes: object, yes: string, no: string): void =>
    test(name, () => {
      const each = new TimeInterval({ ...interval, ...changes });
      expect([each.contains(Date.parse(yes)), each.contains(Date.parse(no))]).toEqual([
        true,
        false,
      ]);
    });
  has('times', { times: [{ begin: 540, end: 1020 }] }, '2026-01-05T09:00Z', '2026-01-05T17:00Z');
  has('weekdays', { weekdays: [{ begin: 1, end: 5 }] }, '2026-01-05T09:00Z', '2026-01-04T09:00Z');
  has(
    'the last day of the month',
    { daysOfMonth: [{ begin: -1, end: -1 }] },
    '2024-02-29T00:00Z',
    '2024-02-28T00:00Z',
  );
  has(
    'days beyond a short month',
    { daysOfMonth: [{ begin: 30, end: 31 }] },
    '2026-03-30T00:00Z',
    '2026-02-28T00:00Z',
  );
  has(
    'months and years',
    { months: [{ begin: 6, end: 8 }], years: [{ begin: 2026, end: 2026 }] },
    '2026-07-01T00:00Z',
    '2027-07-01T00:00Z',
  );
  has(
    'zones',
    { times: [{ begin: 0, end: 60 }], location: 'Europe/Berlin' },
    '2026-01-04T23:30Z',
    '2026-01-05T00:30Z',
  );
});

describe('silences', () => {
  test('change in place where the past stays true, else end and begin anew', async () => {
    const id = silence([equal('a', 'b')]);
    await clock.advance(MINUTE);
    const known = manager.silences.get(id)!;
    expect(manager.silences.set({ ...known, endsAtMs: clock.now() + 2 * HOUR })).toBe(id);
    const next = manager.silences.set({
      ...manager.silences.get(id)!,
      matchers: [equal('a', 'c')],
    });
    expect(next).not.toBe(id);
    expect(manager.silences.get(id)!.endsAtMs).toBe(clock.now());
    manager.silences.expire(next);
    manager.silences.expire(next);
    expect(() => manager.silences.expire('nope')).toThrow('silence not found');
    await clock.advance(121 * HOUR);
    manager.maintain();
    expect(manager.silences.all()).toEqual([]);
  });

  const refuses = (name: string, matchers: readonly Matcher[], message: string): void =>
    test(name, () => expect(() => silence(matchers)).toThrow(message));
  refuses('no matchers', [], 'at least one matcher required');
  refuses(
    'everything',
    [{ name: 'a', type: '=~', value: '.*' }],
    'at least one matcher must not match the empty string',
  );
  refuses('a bad pattern', [{ name: 'a', type: '=~', value: '(' }], 'invalid regular expression');

  test('limits', () => {
    manager.stop();
    registry = new Registry({ clock });
    manager = new Alertmanager(parts({ silencesMax: 1, silenceSizeMaxBytes: 120 }));
    silence([equal('a', 'b')]);
    expect(() => silence([equal('a', 'b')])).toThrow(
      'exceeded maximum number of silences: 1 (limit: 1)',
    );
    expect(() => silence([equal('a', 'x'.repeat(100))])).toThrow(/exceeded maximum/);
  });
});

describe('what survives', () => {
  /** As after kill -9: nothing was written at the end. */
  function reopen(): void {
    registry = new Registry({ clock });
    manager = new Alertmanager(parts());
    manager.apply(options());
  }

  test('silences and the notification log, without a snapshot and with one', async () => {
    for (const snapshot of [false, true]) {
      const id = silence([{ name: 'a', type: '=~', value: 'ü.+' }]);
      fire(`One${snapshot}`);
      await clock.advance(30 * SECOND + 5 * MINUTE);
      const before = manager.silences.get(id);
      if (snapshot) manager.maintain();
      manager.dispatcher?.stop();
      reopen();
      expect(manager.silences.get(id)).toEqual(before);
      told = [];
      fire(`One${snapshot}`);
      await clock.advance(6 * MINUTE);
      expect(told).toEqual([]);
    }
  });

  test('a torn journal loses only what was not answered', () => {
    const id = silence([equal('a', 'b')]);
    const path = join(directory, 'silences.journal');
    const whole = readFileSync(path);
    silence([equal('c', 'd')]);
    writeFileSync(path, readFileSync(path).subarray(0, whole.length + 5));
    manager.dispatcher?.stop();
    reopen();
    expect(manager.silences.all().map((each) => each.id)).toEqual([id]);
    expect(readFileSync(path)).toEqual(whole);
  });

  test('a damaged snapshot is an error that names the file', () => {
    manager.stop();
    silence([equal('a', 'b')]);
    manager.maintain();
    const path = join(directory, 'silences');
    writeFileSync(path, readFileSync(path).subarray(0, 20));
    registry = new Registry({ clock });
    expect(() => new Alertmanager(parts())).toThrow(SnapshotError);
    rmSync(path);
    registry = new Registry({ clock });
    manager = new Alertmanager(parts());
  });
});

describe('matchers', () => {
  const reads = (text: string, ...expected: string[]): void =>
    test(text, () => expect(parseMatchers(text).map(matcherText)).toEqual(expected));
  reads('{a="b", c=~"d|e"}', 'a="b"', 'c=~"d|e"');
  reads('a=b', 'a="b"');
  reads('a!=b,c!~"x\\"y"', 'a!="b"', 'c!~"x\\"y"');
  reads('{"odd name"="v", ü=x}', '"odd name"="v"', 'ü="x"');
  reads('a="",', 'a=""');
  reads('{}');
  test('what is none is refused', () => {
    for (const bad of ['a', 'a=b,c', 'a=~"("', '=b', 'a="b'])
      expect(() => parseMatchers(bad), bad).toThrow();
    expect(() => parseMatcher('a=b,c=d', 'utf8')).toThrow();
    expect(() => parseMatcher('ü=b', 'classic')).toThrow('bad matcher format');
  });
});

describe('API', () => {
  const call = (method: string, path: string, body: unknown = undefined) => {
    const url = new URL(path, 'http://h');
    const api = new AlertmanagerApi({
      manager,
      clock,
      logger: silentLogger,
      startedMs: 0,
      versionInfo: {},
    });
    const answer = api.handle({
      method,
      path: url.pathname,
      params: url.searchParams,
      headers: {},
      body: new TextEncoder().encode(
        typeof body === 'string' ? body : (JSON.stringify(body) ?? ''),
      ),
      remoteAddress: '',
      signal: new AbortController().signal,
    })!;
    const text = String(answer.body);
    return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) };
  };

  test('alerts in and out', () => {
    const posted = call('POST', '/api/v2/alerts', [
      {
        labels: { alertname: 'One', empty: '' },
        annotations: { a: 'b' },
        generatorURL: 'http://g',
      },
    ]);
    expect(posted.status).toBe(200);
    const [alert] = call('GET', '/api/v2/alerts').json;
    expect(alert).toEqual({
      annotations: { a: 'b' },
      endsAt: '2026-01-05T12:05:00.000Z',
      fingerprint: fingerprint(labelsFrom({ alertname: 'One' })),
      receivers: [{ name: 'a' }],
      startsAt: '2026-01-05T12:00:00.000Z',
      status: { inhibitedBy: [], mutedBy: [], silencedBy: [], state: 'active' },
      updatedAt: '2026-01-05T12:00:00.000Z',
      generatorURL: 'http://g',
      labels: { alertname: 'One' },
    });
    const id = silence([equal('alertname', 'One')]);
    expect(call('GET', '/api/v2/alerts?silenced=false').json).toEqual([]);
    expect(call('GET', '/api/v2/alerts').json[0].status).toMatchObject({
      state: 'suppressed',
      silencedBy: [id],
    });
    expect(call('GET', '/api/v2/alerts?filter=alertname%3DTwo').json).toEqual([]);
    expect(call('GET', '/api/v2/alerts?receiver=b').json).toEqual([]);
    expect(call('GET', '/api/v2/alerts/groups').json).toMatchObject([
      { labels: {}, receiver: { name: 'a' }, alerts: [{ labels: { alertname: 'One' } }] },
    ]);
  });

  test('bad alerts are told of, good ones stay', () => {
    const labels = { alertname: 'Good' };
    const late = {
      labels: { a: 'b' },
      startsAt: '2026-01-05T13:00:00Z',
      endsAt: '2026-01-05T12:30:00Z',
    };
    expect(call('POST', '/api/v2/alerts', [{ labels }, late, { labels: {} }])).toEqual({
      status: 400,
      json: 'start time must be before end time; at least one label pair required',
    });
    expect(call('GET', '/api/v2/alerts').json).toHaveLength(1);
    expect(call('POST', '/api/v2/alerts', '{"x').status).toBe(400);
    expect(call('POST', '/api/v2/alerts', [{}])).toMatchObject({
      status: 422,
      json: { code: 602 },
    });
    expect(call('GET', '/api/v2/alerts?active=maybe')).toMatchObject({
      status: 422,
      json: { code: 601 },
    });
    expect(call('GET', '/api/v2/alerts?filter=x').status).toBe(400);
  });

  test('silences from making to ending', () => {
    const body = {
      matchers: [{ name: 'a', value: 'b', isRegex: false }],
      startsAt: '2026-01-05T12:00:00Z',
      endsAt: '2026-01-05T14:00:00Z',
      createdBy: 'me',
      comment: 'why',
    };
    const { silenceID } = call('POST', '/api/v2/silences', body).json;
    expect(call('GET', `/api/v2/silence/${silenceID}`).json).toMatchObject({
      id: silenceID,
      status: { state: 'active' },
      matchers: [{ name: 'a', value: 'b', isRegex: false, isEqual: true }],
    });
    expect(call('GET', '/api/v2/silences?filter=a%3Db').json).toHaveLength(1);
    expect(call('GET', '/api/v2/silences?filter=a%3Dc').json).toEqual([]);
    expect(call('DELETE', `/api/v2/silence/${silenceID}`).status).toBe(200);
    expect(call('GET', '/api/v2/silences?expired=false').json).toEqual([]);
    expect(call('GET', '/api/v2/silence/x').status).toBe(422);
    expect(call('GET', '/api/v2/silence/00000000-0000-4000-8000-999999999999').status).toBe(404);
    expect(call('POST', '/api/v2/silences', { ...body, endsAt: body.startsAt })).toEqual({
      status: 400,
      json: 'Failed to create silence: start time must be before end time',
    });
    expect(call('POST', '/api/v2/silences', { ...body, matchers: [] })).toMatchObject({
      status: 422,
      json: { code: 612 },
    });
    expect(
      call('POST', '/api/v2/silences', { ...body, id: '00000000-0000-4000-8000-999999999999' })
        .status,
    ).toBe(404);
  });

  test('v1 is gone, other paths are not there', () => {
    expect(call('GET', '/api/v1/alerts')).toMatchObject({
      status: 410,
      json: { status: 'deprecated' },
    });
    expect(call('GET', '/api/v2/nope').status).toBe(404);
    expect(call('DELETE', '/api/v2/alerts').status).toBe(405);
  });

  test('why, and what if', async () => {
    manager.apply(
      options({
        inhibitRules: [
          {
            name: 'big',
            sourceMatchers: [equal('alertname', 'Big')],
            targetMatchers: [equal('alertname', 'Small')],
            equal: [],
          },
        ],
        route: route({
          receiver: 'a',
          routes: [route({ receiver: 'b', matchers: [equal('team', 'db')] })],
        }),
      }),
    );
    fire('Big');
    fire('Small');
    await clock.advance(30 * SECOND + 5 * MINUTE);
    const trace = (name: string) =>
      call('GET', `/api/v1/alerts/${fingerprint(labelsFrom({ alertname: name }))}/trace`).json;
    expect(
      trace('Big').flushes.map(
        (flush: { integrations: { outcome: string }[] }) => flush.integrations[0]?.outcome,
      ),
    ).toEqual(['deduplicated', 'sent']);
    expect(trace('Big').groups[0]).toMatchObject({
      receiver: 'a',
      nextFlush: '2026-01-05T12:10:30.000Z',
    });
    const source = fingerprint(labelsFrom({ alertname: 'Big' }));
    expect(trace('Small').flushes[0]).toMatchObject({
      inhibitedBy: [{ rule: 0, ruleName: 'big', source }],
      integrations: [],
    });
    expect(trace('Small').now.notifies).toBe(false);
    const whatIf = call('POST', '/api/v1/what-if', {
      labels: { alertname: 'New', team: 'db' },
    }).json;
    expect(whatIf).toMatchObject({
      notifies: true,
      destinations: [
        {
          receiver: 'b',
          groupKey: '{}/{team="db"}:{}',
          integrations: [{ type: 'webhook', wouldSend: 'first notification' }],
        },
      ],
      route: { outcome: 'passed on', routes: [{ outcome: 'taken', matchers: ['team="db"'] }] },
    });
    expect(
      call('POST', '/api/v1/what-if', { labels: { alertname: 'New' } }).json.route.routes[0],
    ).toMatchObject({ outcome: 'not matched', failed: 'team="db"' });
    expect(told).toHaveLength(1);
  });
});
