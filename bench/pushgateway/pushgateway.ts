// SPDX-License-Identifier: Apache-2.0
// Our Pushgateway beside Debian's: pushes of a small body over kept connections, scrapes of many pushed
// series. The systems take turns, round by round, in one run.

import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { freePort, type Program, Stage, usageOf } from '../harness/processes.ts';
import { median, short, table } from '../harness/statistics.ts';
import { installed } from '../harness/systems.ts';
import { pushFor, pushRequest } from './push-client.ts';

export interface PushgatewaySettings {
  readonly connections: number;
  /** Groups that are pushed in turn. */
  readonly groups: number;
  readonly rounds: number;
  readonly roundSeconds: number;
  /** Series of the scrape, in groups of a thousand. */
  readonly series: number;
  readonly scrapes: number;
  /** With a persistence file, so that each push goes to disk before it is answered (ours) or not (theirs). */
  readonly persist: boolean;
  readonly nodeArguments: readonly string[];
}

export interface PushgatewayResult {
  readonly name: string;
  readonly pushesPerSecond: number;
  readonly cpuMicrosPerPush: number;
  /** Nothing was pushed since the last. */
  readonly quietScrapeMs: number;
  /** After a push of one of the groups. */
  readonly scrapeMs: number;
  readonly pageBytes: number;
  readonly residentMegabytes: number;
}

interface Running {
  readonly name: string;
  readonly program: Program;
  readonly port: number;
}

/** Twenty metrics (series) of six families, as a batch job has them; a line each. */
function smallBody(value: number): string {
  let text = '# HELP job_duration_seconds How long it took.\n# TYPE job_duration_seconds gauge\n';
  text += `job_duration_seconds ${value / 7}\n`;
  text += '# HELP job_records_total Records by kind.\n# TYPE job_records_total counter\n';
  for (let i = 0; i < 10; i++) text += `job_records_total{kind="kind-${i}"} ${value + i}\n`;
  text += '# TYPE job_step_seconds histogram\n';
  for (const le of ['0.1', '1', '10', '+Inf'])
    text += `job_step_seconds_bucket{le="${le}"} ${value}\n`;
  text += `job_step_seconds_sum ${value}\njob_step_seconds_count ${value}\n`;
  for (let i = 0; i < 3; i++) text += `# TYPE job_value_${i} gauge\njob_value_${i} ${value * i}\n`;
  return text;
}

const FAMILIES = 20;
const GROUP_SERIES = 1000;

/** A thousand series in twenty families. */
function largeBody(group: number, round: number): string {
  let text = '';
  for (let family = 0; family < FAMILIES; family++) {
    text += `# HELP fleet_metric_${family} One of many.\n# TYPE fleet_metric_${family} gauge\n`;
    for (let i = 0; i < GROUP_SERIES / FAMILIES; i++)
      text += `fleet_metric_${family}{device="disk-${i}",state="ok"} ${group * i + round / 3}\n`;
  }
  return text;
}

async function start(
  stage: Stage,
  root: string,
  name: string,
  settings: PushgatewaySettings,
): Promise<Running> {
  const port = await freePort();
  const file = settings.persist ? join(stage.directory, `${name}.metrics`) : '';
  const flags = [
    `--web.listen-address=127.0.0.1:${port}`,
    `--persistence.file=${file}`,
    '--log.level=error',
  ];
  const theirs = installed('prometheus-pushgateway');
  const ours = [...settings.nodeArguments, join(root, 'dist/targets/cli.js'), 'pushgateway'];
  const program =
    name === 'hearth'
      ? stage.run(process.execPath, [...ours, ...flags])
      : stage.run(theirs ?? '', flags);
  await program.ready(`http://127.0.0.1:${port}/-/ready`);
  return { name, program, port };
}

function scrape(agent: Agent, port: number): Promise<{ ms: number; bytes: number }> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const call = get({ agent, host: '127.0.0.1', port, path: '/metrics' }, (reply) => {
      let bytes = 0;
      reply.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      reply.on('end', () => resolve({ ms: performance.now() - begin, bytes }));
      reply.on('error', reject);
    });
    call.on('error', reject);
  });
}

const onePush = (port: number, request: Buffer): Promise<unknown> =>
  pushFor({ host: '127.0.0.1', port, connections: 1, seconds: 0, requests: [request] });

/** Installed systems, ours first. */
const systems = (): string[] =>
  installed('prometheus-pushgateway') === undefined ? ['hearth'] : ['hearth', 'pushgateway'];

async function measurePushes(
  running: readonly Running[],
  settings: PushgatewaySettings,
): Promise<Map<string, { rates: number[]; micros: number[] }>> {
  const measured = new Map(
    running.map(({ name }) => [name, { rates: [] as number[], micros: [] as number[] }]),
  );
  for (let round = 0; round <= settings.rounds; round++) {
    for (const { name, program, port } of running) {
      const requests = Array.from({ length: settings.groups * 3 }, (_, i) =>
        pushRequest(
          'PUT',
          `/metrics/job/batch/instance/i-${i % settings.groups}`,
          smallBody(round * 100 + i),
        ),
      );
      const before = usageOf(program.pid).cpuSeconds;
      const { connections, roundSeconds } = settings;
      const { pushes, seconds } = await pushFor({
        host: '127.0.0.1',
        port,
        connections,
        seconds: roundSeconds,
        requests,
      });
      // The first round warms up.
      if (round === 0) continue;
      const cpu = usageOf(program.pid).cpuSeconds - before;
      measured.get(name)?.rates.push(pushes / seconds);
      measured.get(name)?.micros.push((cpu / pushes) * 1e6);
    }
  }
  return measured;
}

/** Both systems in turn. */
export async function runPushgateway(
  root: string,
  settings: PushgatewaySettings,
): Promise<PushgatewayResult[]> {
  const stage = new Stage();
  try {
    const running: Running[] = [];
    for (const name of systems()) running.push(await start(stage, root, name, settings));
    const pushed = await measurePushes(running, settings);
    const groups = Math.ceil(settings.series / GROUP_SERIES);
    const agent = new Agent({ keepAlive: true });
    const times = new Map(
      running.map(({ name }) => [name, { quiet: [] as number[], busy: [] as number[], bytes: 0 }]),
    );
    for (const { port } of running) {
      for (let group = 0; group < groups; group++)
        await onePush(
          port,
          pushRequest('PUT', `/metrics/job/fleet/instance/host-${group}`, largeBody(group, 0)),
        );
      await scrape(agent, port);
    }
    for (let round = 0; round < settings.scrapes; round++) {
      for (const { name, port } of running) {
        const group = round % groups;
        await onePush(
          port,
          pushRequest('PUT', `/metrics/job/fleet/instance/host-${group}`, largeBody(group, round)),
        );
        const busy = await scrape(agent, port);
        const quiet = await scrape(agent, port);
        const at = times.get(name);
        at?.busy.push(busy.ms);
        at?.quiet.push(quiet.ms);
        if (at !== undefined) at.bytes = quiet.bytes;
      }
    }
    agent.destroy();
    return running.map(({ name, program }) => ({
      name,
      pushesPerSecond: median(pushed.get(name)?.rates ?? []),
      cpuMicrosPerPush: median(pushed.get(name)?.micros ?? []),
      quietScrapeMs: median(times.get(name)?.quiet ?? []),
      scrapeMs: median(times.get(name)?.busy ?? []),
      pageBytes: times.get(name)?.bytes ?? 0,
      residentMegabytes: usageOf(program.pid).residentBytes / 1e6,
    }));
  } finally {
    await stage.close();
  }
}

export function pushgatewayReport(results: readonly PushgatewayResult[]): string {
  const rows = [
    [
      '',
      'pushes/s',
      'CPU µs/push',
      'scrape ms',
      'scrape ms, nothing new',
      'page MB',
      'resident MB',
    ],
    ...results.map((result) => [
      result.name,
      short(result.pushesPerSecond),
      short(result.cpuMicrosPerPush),
      short(result.scrapeMs),
      short(result.quietScrapeMs),
      short(result.pageBytes / 1e6),
      short(result.residentMegabytes),
    ]),
  ];
  const [ours, theirs] = results;
  if (ours !== undefined && theirs !== undefined) {
    rows.push([
      'ratio',
      short(ours.pushesPerSecond / theirs.pushesPerSecond),
      short(ours.cpuMicrosPerPush / theirs.cpuMicrosPerPush),
      short(ours.scrapeMs / theirs.scrapeMs),
      short(ours.quietScrapeMs / theirs.quietScrapeMs),
      short(ours.pageBytes / theirs.pageBytes),
      short(ours.residentMegabytes / theirs.residentMegabytes),
    ]);
  }
  return table(rows);
}
