// SPDX-License-Identifier: Apache-2.0
// Every answer that upstream's description of API v2 has, from ours, against its schema.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Alertmanager, AlertmanagerApi } from '../../src/alertmanager/index.ts';
import { seededPrng, silentLogger } from '../../src/base/index.ts';
import { parseAlertmanagerConfig } from '../../src/config/index.ts';
import { Registry } from '../../src/metrics/index.ts';
import { createNodeFileSystem } from '../../src/platform/index.ts';
import { conformanceFolder } from '../conformance.ts';
import { ManualClock } from '../manual-clock.ts';
import { OpenApi, type SeenAnswer } from './openapi.ts';

const file = conformanceFolder('alertmanager-openapi-v2.yaml');

const configuration = `
route:
  receiver: people
  group_by: [dc]
  routes:
  - matchers: [alertname="Muted"]
    mute_time_intervals: [always]
    labels: {team: db}
receivers:
- name: people
  labels: {owner: ops}
- name: nobody
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity="warning"]
time_intervals:
- name: always
  time_intervals: [{years: ['2000:3000']}]
`;

const unknownId = '00000000-0000-4000-8000-999999999999';
let directory: string;
let manager: Alertmanager;
let api: AlertmanagerApi;
const clock = new ManualClock(Date.UTC(2026, 0, 5, 12));

/** What the directory holds, configured. */
function open(): void {
  let ids = 0;
  manager = new Alertmanager({
    clock,
    files: createNodeFileSystem(),
    logger: silentLogger,
    registry: new Registry({ clock }),
    prng: seededPrng(1),
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    directory,
    retentionMs: 3_600_000,
    maintenanceIntervalMs: 900_000,
    alertsGcIntervalMs: 900_000,
    silencesMax: 0,
    silenceSizeMaxBytes: 0,
    perAlertnameMax: 0,
  });
  const config = parseAlertmanagerConfig(configuration, 'am.yml');
  const receivers = new Map(
    config.receivers.map(({ name, labels }) => [name, { name, labels, integrations: [] }]),
  );
  manager.apply({ ...config, receivers });
  const build = { revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' };
  api = new AlertmanagerApi({
    manager,
    clock,
    logger: silentLogger,
    startedMs: clock.now(),
    versionInfo: { version: '0.34.0', ...build },
  });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-api-'));
  open();
});

afterEach(() => {
  vi.restoreAllMocks();
  manager.stop();
  rmSync(directory, { recursive: true });
});

function ask(method: string, path: string, sent?: unknown): SeenAnswer {
  const url = new URL(`http://x/api/v2${path}`);
  const answer = api.handle({
    method,
    path: url.pathname,
    params: url.searchParams,
    headers: {},
    body: new TextEncoder().encode(typeof sent === 'string' ? sent : JSON.stringify(sent ?? '')),
    remoteAddress: '',
    signal: new AbortController().signal,
  } as unknown as Parameters<AlertmanagerApi['handle']>[0]);
  const type = answer?.headers['content-type'];
  const body = String(answer?.body);
  if (body !== '') expect(type).toBe('application/json');
  return { method, path: `${url.pathname}${url.search}`, status: answer?.status ?? 0, body };
}

const silenceBody = (more: Record<string, unknown> = {}) => ({
  matchers: [{ name: 'alertname', value: 'Quiet|Other', isRegex: true, isEqual: true }],
  startsAt: '2026-01-05T12:00:00Z',
  endsAt: '2026-01-05T14:00:00.5+01:00',
  createdBy: 'me',
  comment: 'why',
  ...more,
});

const alerts = [
  {
    labels: { alertname: 'Big', severity: 'critical', dc: 'x' },
    annotations: { a: 'b' },
    generatorURL: 'http://prom.example/graph?g0.expr=up',
    startsAt: '2026-01-05T11:00:00.123456789Z',
    endsAt: '2026-01-05T15:00:00+01:00',
  },
  { labels: { alertname: 'Small', severity: 'warning' } },
  { labels: { alertname: 'Quiet' } },
  { labels: { alertname: 'Muted', dc: 'y' } },
];

/** Everything that can be asked, good and bad. */
function conversation(): SeenAnswer[] {
  const seen: SeenAnswer[] = [];
  const say = (method: string, path: string, sent?: unknown): SeenAnswer => {
    const answer = ask(method, path, sent);
    seen.push(answer);
    return answer;
  };
  const idOf = ({ body }: SeenAnswer): string =>
    (JSON.parse(body) as { silenceID: string }).silenceID;
  say('GET', '/status');
  say('GET', '/receivers');
  say('GET', '/receivers?receiver_matchers=owner%3D%22ops%22');
  say('GET', '/receivers?receiver_matchers=owner');
  say('GET', '/alerts');
  say('POST', '/alerts', alerts);
  say('POST', '/alerts', [{ labels: {} }]);
  const active = idOf(say('POST', '/silences', silenceBody({ annotations: { ticket: '1' } })));
  const pending = idOf(
    say(
      'POST',
      '/silences',
      silenceBody({
        matchers: [{ name: 'a', value: 'b', isRegex: false }],
        startsAt: '2026-01-05T12:30:00Z',
      }),
    ),
  );
  say('POST', '/silences', silenceBody({ endsAt: '2026-01-05T11:00:00Z' }));
  say('POST', '/silences', silenceBody({ id: unknownId }));
  say('DELETE', `/silence/${pending}`);
  say('DELETE', `/silence/${unknownId}`);
  say('GET', `/silence/${active}`);
  say('GET', `/silence/${unknownId}`);
  say('GET', '/silences');
  say('GET', '/silences?filter=nonsense');
  for (const path of ['/alerts', '/alerts/groups']) {
    say('GET', path);
    say('GET', `${path}?filter=nonsense`);
    say('GET', `${path}?receiver=(`);
    say('GET', `${path}?active=false&silenced=false&inhibited=true`);
  }
  // What only a fault inside brings.
  vi.spyOn(manager.alerts, 'values').mockImplementation(() => {
    throw new Error('a fault');
  });
  say('GET', '/alerts');
  vi.spyOn(manager, 'dispatcher', 'get').mockImplementation(() => {
    throw new Error('a fault');
  });
  say('GET', '/alerts/groups');
  vi.spyOn(manager, 'receive').mockImplementation(() => {
    throw new Error('a fault');
  });
  say('POST', '/alerts', alerts);
  vi.spyOn(manager.silences, 'expire').mockImplementation(() => {
    throw new Error('no space left on device');
  });
  say('DELETE', `/silence/${active}`);
  // As it may stand in a snapshot.
  const merged = manager.silences.get(active);
  if (merged === undefined) throw new Error('BUG: it was just made');
  const sets = { moreMatcherSets: [[{ name: 'b', type: '=', value: 'c' } as const]] };
  manager.silences.merge({ ...merged, ...sets, updatedAtMs: clock.now() + 1 }, clock.now() + 1e6);
  say('GET', '/silences');
  say('GET', `/silence/${active}`);
  return seen;
}

describe.runIf(file !== undefined)('API v2 and its description', () => {
  let description: OpenApi;
  beforeAll(() => {
    description = new OpenApi(file ?? '');
  });

  test('every described answer is given, as described', () => {
    const seen = conversation();
    const problems = seen.flatMap((answer) => {
      const checked = description.check(answer);
      return checked.problems.map((problem) => `${answer.path} ${checked.name}: ${problem}`);
    });
    expect(problems).toEqual([]);
    const given = new Set(seen.map((answer) => description.check(answer).name));
    expect([...given].sort()).toEqual([...description.answers].sort());
  });

  test('a silence of several matcher sets silences by any of them', () => {
    const { body } = ask('POST', '/silences', silenceBody());
    const { silenceID } = JSON.parse(body) as { silenceID: string };
    const silence = manager.silences.get(silenceID);
    if (silence === undefined) throw new Error('BUG: it was just made');
    const sets = { moreMatcherSets: [[{ name: 'b', type: '=', value: 'c' } as const]] };
    manager.silences.merge(
      { ...silence, ...sets, updatedAtMs: clock.now() + 1 },
      clock.now() + 1e9,
    );
    const silencing = (labels: Record<string, string>): string[] =>
      manager.silences.silencing(new Map(Object.entries(labels)), clock.now());
    const check = (): void => {
      expect(silencing({ alertname: 'Quiet' })).toEqual([silenceID]);
      expect(silencing({ b: 'c' })).toEqual([silenceID]);
      expect(silencing({ b: 'd' })).toEqual([]);
    };
    check();
    manager.stop();
    open();
    check();
  });

  /** What is wrong when `change` was done to the groups' answer. */
  const broken = (change: (groups: Record<string, unknown>[]) => void): readonly string[] => {
    ask('POST', '/alerts', alerts);
    const answer = ask('GET', '/alerts/groups');
    const groups = JSON.parse(answer.body) as Record<string, unknown>[];
    change(groups);
    return description.check({ ...answer, body: JSON.stringify(groups) }).problems;
  };
  // biome-ignore lint/suspicious/noExplicitAny: the test breaks the answer wherever it likes
  const alertOf = (groups: Record<string, unknown>[]): any =>
    ((groups[0]?.alerts ?? []) as Record<string, unknown>[])[0];

  test('canary: wrong answers are found', () => {
    expect(broken(() => undefined)).toEqual([]);
    expect(broken((groups) => delete groups[0]?.receiver)).toEqual(['body[0].receiver is missing']);
    expect(broken((groups) => delete alertOf(groups).status.state)).toHaveLength(1);
    expect(broken((groups) => (alertOf(groups).status.state = 'fine'))[0]).toMatch(/none of/);
    expect(broken((groups) => (alertOf(groups).startsAt = 'noon'))[0]).toMatch(/no time/);
    expect(broken((groups) => (alertOf(groups).startsAt = 17))[0]).toMatch(/is number, not string/);
    expect(broken((groups) => (alertOf(groups).labels.x = 1))[0]).toMatch(/labels.x is number/);
    expect(broken((groups) => (alertOf(groups).extra = 1))[0]).toMatch(/extra is not described/);
    expect(broken((groups) => (alertOf(groups).generatorURL = '::'))[0]).toMatch(/no URI/);
    const other = { method: 'GET', path: '/api/v2/alerts', body: '' };
    expect(description.check({ ...other, status: 204 }).problems).toHaveLength(1);
    expect(description.check({ ...other, status: 200 }).problems[0]).toMatch(/no JSON/);
    const matchers = { ...silenceBody(), matchers: [], id: '', updatedAt: '', annotations: {} };
    const empty = JSON.stringify([{ ...matchers, status: { state: 'active' } }]);
    const silences = { method: 'GET', path: '/api/v2/silences', status: 200, body: empty };
    expect(description.check(silences).problems.join()).toMatch(/fewer than 1/);
  });
});
