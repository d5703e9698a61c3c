// SPDX-License-Identifier: Apache-2.0
// The life of an alert beside the original: alerts taken per second, the list of ten thousand, a check for
// inhibition, and rule groups that keep their schedule while people ask.

import { Agent, get } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newAlert } from '../../src/alertmanager/alert.ts';
import { Inhibitor } from '../../src/alertmanager/inhibit/inhibitor.ts';
import { labelMap } from '../../src/alertmanager/label-map.ts';
import { labelsFrom, MatchType } from '../../src/model/index.ts';
import { freePort, type Program, sleep, Stage, usageOf } from '../harness/processes.ts';
import { median, quantile, short, table } from '../harness/statistics.ts';
import { installed, type RunningSystem, startSystem, type SystemName } from '../harness/systems.ts';
import { pushFor, pushRequest } from '../pushgateway/push-client.ts';

export interface AlertsSettings {
  /** Active alerts, all different. */
  readonly alerts: number;
  /** Alerts in one request; Prometheus sends up to 256. */
  readonly batch: number;
  readonly connections: number;
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly reads: number;
  readonly groups: number;
  readonly rulesPerGroup: number;
  readonly intervalSeconds: number;
  /** How long rules are watched, without and with queries. */
  readonly watchSeconds: number;
  readonly clients: number;
  readonly systems: readonly SystemName[];
  readonly nodeArguments: readonly string[];
}

interface Manager {
  readonly name: string;
  readonly program: Program;
  readonly port: number;
}

export interface ManagerResult {
  readonly name: string;
  readonly alertsPerSecond: number;
  readonly cpuMicrosPerAlert: number;
  readonly listMs: number;
  readonly listBytes: number;
  /** The same alerts in their groups. */
  readonly groupsMs: number;
  readonly groupsBytes: number;
  readonly residentMegabytes: number;
}

export interface ScheduleResult {
  readonly name: string;
  readonly idleDelaysMs: readonly number[];
  readonly busyDelaysMs: readonly number[];
  readonly missed: number;
}

export interface AlertsResult {
  readonly managers: readonly ManagerResult[];
  /** Of one check among as many firing sources as there are alerts. */
  readonly inhibitionMicros: number;
  readonly schedules: readonly ScheduleResult[];
}

const managerConfig = `
route:
  receiver: nobody
  group_by: [alertname, cluster]
  group_wait: 1s
  group_interval: 10s
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity="warning"]
  equal: [alertname, cluster]
receivers:
- name: nobody
`;

const labelsOf = (i: number): Record<string, string> => ({
  alertname: `Alert${i % 100}`,
  cluster: `c${Math.floor(i / 100) % 10}`,
  instance: `host-${i}:9100`,
  job: 'node',
  severity: i % 3 === 0 ? 'critical' : 'warning',
});

/** Requests of `batch` alerts each that together name all alerts, as Prometheus would send them. */
function alertRequests({ alerts, batch }: AlertsSettings): Buffer[] {
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  const requests: Buffer[] = [];
  for (let first = 0; first < alerts; first += batch) {
    const size = Math.min(batch, alerts - first);
    const list = Array.from({ length: size }, (_, i) => ({
      labels: labelsOf(first + i),
      annotations: {
        summary: `Host ${first + i} is not well`,
        runbook: 'https://runbooks.example/x',
      },
      startsAt,
      endsAt,
      generatorURL: 'http://prometheus.example:9090/graph?g0.expr=up+%3D%3D+0',
    }));
    const request = pushRequest('POST', '/api/v2/alerts', JSON.stringify(list)).toString();
    requests.push(
      Buffer.from(request.replace(/Content-Type: [^\r]*/, 'Content-Type: application/json')),
    );
  }
  return requests;
}

async function startManager(
  stage: Stage,
  root: string,
  name: string,
  settings: AlertsSettings,
): Promise<Manager> {
  const port = await freePort();
  const config = join(stage.directory, 'alertmanager.yml');
  writeFileSync(config, managerConfig);
  const flags = [
    `--config.file=${config}`,
    `--storage.path=${join(stage.directory, name)}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
    '--log.level=error',
  ];
  const ours = [...settings.nodeArguments, join(root, 'dist/targets/cli.js'), 'alertmanager'];
  const program =
    name === 'hearth'
      ? stage.run(process.execPath, ['--max-semi-space-size=4', ...ours, ...flags])
      : stage.run(installed('prometheus-alertmanager') ?? '', flags);
  await program.ready(`http://127.0.0.1:${port}/-/ready`);
  return { name, program, port };
}

const agent = new Agent({ keepAlive: true });

/** Alertmanager 0.25 can lock itself up for good when it is asked for its groups. */
const PATIENCE_MS = 30_000;

/** Not a number where no answer comes. */
function fetchBody(port: number, path: string): Promise<{ ms: number; bytes: number }> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const timeout = PATIENCE_MS;
    const request = get({ agent, host: '127.0.0.1', port, path, timeout }, (reply) => {
      let bytes = 0;
      reply.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      reply.on('end', () => resolve({ ms: performance.now() - begin, bytes }));
      reply.on('error', reject);
    });
    request.on('error', reject);
    request.on('timeout', () => {
      request.off('error', reject);
      request.on('error', () => undefined);
      request.destroy();
      resolve({ ms: Number.NaN, bytes: Number.NaN });
    });
  });
}

async function runManagers(root: string, settings: AlertsSettings): Promise<ManagerResult[]> {
  const stage = new Stage();
  try {
    const managers = [await startManager(stage, root, 'hearth', settings)];
    if (installed('prometheus-alertmanager') !== undefined)
      managers.push(await startManager(stage, root, 'alertmanager', settings));
    const requests = alertRequests(settings);
    const { connections, roundSeconds, rounds, reads, batch } = settings;
    const rates = managers.map((): number[] => []);
    const micros = managers.map((): number[] => []);
    const reading = (path: string) => ({
      path,
      times: managers.map((): number[] => []),
      bytes: managers.map(() => 0),
    });
    const list = reading('/api/v2/alerts');
    const groups = reading('/api/v2/alerts/groups');
    // The first round of each warms up and brings all alerts in.
    for (let round = 0; round <= rounds; round++) {
      for (const [i, { program, port }] of managers.entries()) {
        const before = usageOf(program.pid).cpuSeconds;
        const { pushes, seconds } = await pushFor({
          host: '127.0.0.1',
          port,
          connections,
          seconds: roundSeconds,
          requests,
        });
        const alerts = pushes * batch;
        if (round === 0) continue;
        rates[i]?.push(alerts / seconds);
        micros[i]?.push(((usageOf(program.pid).cpuSeconds - before) / alerts) * 1e6);
      }
    }
    const silent = new Set<number>();
    for (const { path, times, bytes } of [list, groups]) {
      for (let read = 0; read <= reads; read++) {
        for (const [i, { port }] of managers.entries()) {
          if (silent.has(i)) continue;
          const answer = await fetchBody(port, path);
          bytes[i] = answer.bytes;
          if (Number.isNaN(answer.ms)) silent.add(i);
          else if (read > 0) times[i]?.push(answer.ms);
        }
      }
    }
    return managers.map(({ name, program }, i) => ({
      name,
      alertsPerSecond: median(rates[i] ?? []),
      cpuMicrosPerAlert: median(micros[i] ?? []),
      listMs: median(list.times[i] ?? []),
      listBytes: list.bytes[i] ?? 0,
      groupsMs: median(groups.times[i] ?? []),
      groupsBytes: groups.bytes[i] ?? 0,
      residentMegabytes: usageOf(program.pid).residentBytes / 1e6,
    }));
  } finally {
    await stage.close();
  }
}

/** Microseconds of one check: every alert fires and inhibits another one, and both kinds are asked about. */
function measureInhibition(count: number): number {
  const now = Date.now();
  const alertOf = (labels: Record<string, string>) =>
    newAlert({
      labels: labelsFrom(labels),
      annotations: {},
      startsAtMs: now - 1000,
      endsAtMs: now + 3_600_000,
      generatorUrl: '',
      updatedAtMs: now,
      timesOut: false,
    });
  const sources = Array.from({ length: count }, (_, i) =>
    alertOf({ alertname: 'HostDown', instance: `host-${i}`, severity: 'critical' }),
  );
  const inhibitor = new Inhibitor(
    [
      {
        name: '',
        sourceMatchers: [{ type: MatchType.equal, name: 'severity', value: 'critical' }],
        targetMatchers: [{ type: MatchType.equal, name: 'severity', value: 'warning' }],
        equal: ['instance'],
      },
    ],
    sources,
  );
  const asked = Array.from({ length: count }, (_, i) =>
    // Every other one is free.
    labelMap(labelsFrom({ alertname: 'Slow', instance: `host-${i * 2}`, severity: 'warning' })),
  );
  const rounds = Array.from({ length: 9 }, () => {
    const begin = performance.now();
    let inhibited = 0;
    for (const labels of asked) inhibited += inhibitor.inhibitedBy(labels, now).length;
    if (inhibited !== Math.ceil(count / 2)) throw new Error(`${inhibited} alerts are inhibited`);
    return ((performance.now() - begin) * 1000) / count;
  });
  return median(rounds);
}

function ruleFile({ groups, rulesPerGroup, intervalSeconds }: AlertsSettings): string {
  let text = 'groups:\n';
  for (let group = 0; group < groups; group++) {
    text += `- name: g${group}\n  interval: ${intervalSeconds}s\n  rules:\n`;
    for (let rule = 0; rule < rulesPerGroup; rule++)
      text += `  - {record: 'bench:rule', expr: 'sum(scrape_samples_scraped) + ${rule}', labels: {group: g${group}, rule: r${rule}}}\n`;
  }
  return text;
}

interface RulesAnswer {
  readonly data: { readonly groups: readonly { name: string; lastEvaluation: string }[] };
}
interface SlotsAnswer {
  readonly data: {
    readonly result: readonly { metric: { group: string }; value: [number, string] }[];
  };
}

/** How late the last evaluation of each group began: its start against the time its samples carry. */
async function delaysOf({ url }: RunningSystem): Promise<number[]> {
  const query = encodeURIComponent('max by (group) (timestamp(bench:rule{rule="r0"}))');
  const slots = (await (await fetch(`${url}/api/v1/query?query=${query}`)).json()) as SlotsAnswer;
  const rules = (await (await fetch(`${url}/api/v1/rules`)).json()) as RulesAnswer;
  const started = new Map(
    rules.data.groups.map(({ name, lastEvaluation }) => [name, Date.parse(lastEvaluation)]),
  );
  const delays: number[] = [];
  for (const { metric, value } of slots.data.result) {
    const delay = (started.get(metric.group) ?? Number.NaN) - Number(value[1]) * 1000;
    // An evaluation that ended between the two answers belongs to another slot.
    if (delay > -1000 && delay < 10_000) delays.push(delay);
  }
  return delays;
}

async function missedBy({ url }: RunningSystem): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  let missed = 0;
  const pattern = /^prometheus_rule_group_iterations_missed_total\{[^}]*\} (\S+)$/gm;
  for (const [, value] of text.matchAll(pattern)) missed += Number(value);
  return missed;
}

async function runSchedule(
  root: string,
  name: SystemName,
  settings: AlertsSettings,
): Promise<ScheduleResult> {
  const stage = new Stage();
  try {
    const rules = join(stage.directory, 'rules.yml');
    writeFileSync(rules, ruleFile(settings));
    const self = await freePort();
    const config =
      `global: {scrape_interval: 5s}\nrule_files: ['${rules}']\nscrape_configs:\n` +
      `- {job_name: self, static_configs: [{targets: ['127.0.0.1:${self}']}]}\n`;
    const { nodeArguments, intervalSeconds, watchSeconds, clients } = settings;
    const system = await startSystem(stage, root, name, { config, nodeArguments });
    const watch = async (): Promise<number[]> => {
      const delays: number[] = [];
      const end = Date.now() + watchSeconds * 1000;
      do {
        await sleep(Math.min(intervalSeconds * 1000, Math.max(0, end - Date.now())));
        delays.push(...(await delaysOf(system)));
      } while (Date.now() < end);
      return delays;
    };
    // Until each group has written something.
    const patience = Date.now() + 60_000 + intervalSeconds * 2000;
    while ((await delaysOf(system)).length < settings.groups) {
      if (Date.now() > patience) throw new Error(`${name}: some rule groups write nothing`);
      await sleep(Math.min(1000, intervalSeconds * 1000));
    }
    const idleDelaysMs = await watch();
    let asking = true;
    const query = encodeURIComponent('sum by (rule) (rate(bench:rule[1m])) + count(bench:rule)');
    const client = async (): Promise<void> => {
      while (asking) {
        const now = Date.now() / 1000;
        const range = `start=${now - 60}&end=${now}&step=1`;
        const response = await fetch(`${system.url}/api/v1/query_range?query=${query}&${range}`);
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`a query failed: ${response.status}`);
      }
    };
    const asked = Promise.all(Array.from({ length: clients }, client));
    const busyDelaysMs = await watch();
    asking = false;
    await asked;
    return { name, idleDelaysMs, busyDelaysMs, missed: await missedBy(system) };
  } finally {
    await stage.close();
  }
}

/** The managers take turns; the servers are watched one after the other. */
export async function runAlerts(root: string, settings: AlertsSettings): Promise<AlertsResult> {
  const managers = await runManagers(root, settings);
  agent.destroy();
  const inhibitionMicros = measureInhibition(settings.alerts);
  const schedules: ScheduleResult[] = [];
  for (const name of settings.systems)
    if (name !== 'victoria') schedules.push(await runSchedule(root, name, settings));
  return { managers, inhibitionMicros, schedules };
}

export function alertsReport({ managers, inhibitionMicros, schedules }: AlertsResult): string {
  const rows = [
    ['', 'alerts/s', 'CPU µs/alert', 'list ms', 'list MB', 'groups ms', 'groups MB', 'resident MB'],
    ...managers.map((each) => [
      each.name,
      short(each.alertsPerSecond),
      short(each.cpuMicrosPerAlert),
      short(each.listMs),
      short(each.listBytes / 1e6),
      short(each.groupsMs),
      short(each.groupsBytes / 1e6),
      short(each.residentMegabytes),
    ]),
  ];
  const [ours, theirs] = managers;
  if (ours !== undefined && theirs !== undefined)
    rows.push([
      'ratio',
      short(ours.alertsPerSecond / theirs.alertsPerSecond),
      short(ours.cpuMicrosPerAlert / theirs.cpuMicrosPerAlert),
      short(ours.listMs / theirs.listMs),
      short(ours.listBytes / theirs.listBytes),
      short(ours.groupsMs / theirs.groupsMs),
      short(ours.groupsBytes / theirs.groupsBytes),
      short(ours.residentMegabytes / theirs.residentMegabytes),
    ]);
  const rules = [
    ['rule groups', 'evaluations seen', 'start delay p50 ms', 'p99', 'p99 with queries', 'missed'],
    ...schedules.map(({ name, idleDelaysMs, busyDelaysMs, missed }) => [
      name,
      short(idleDelaysMs.length + busyDelaysMs.length),
      short(quantile(idleDelaysMs, 0.5)),
      short(quantile(idleDelaysMs, 0.99)),
      short(quantile(busyDelaysMs, 0.99)),
      short(missed),
    ]),
  ];
  return `${table(rows)}\n\none inhibition check: ${short(inhibitionMicros)} µs\n\n${table(rules)}`;
}
