// SPDX-License-Identifier: Apache-2.0
// The query workload: the same questions about the same data, to all systems in turn.

import http from 'node:http';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DrainingClient } from '../harness/draining-client.ts';
import { geometricMean, median, short, table } from '../harness/statistics.ts';
import { Stage, sleep, usageOf } from '../harness/processes.ts';
import type { RunningSystem, SystemName } from '../harness/systems.ts';
import { startSystem } from '../harness/systems.ts';
import type { QueryAnswer } from './answers.ts';
import { difference, sampleCount } from './answers.ts';
import type { FleetOptions, FleetSeries } from './fleet.ts';
import { generateFleet } from './fleet.ts';
import { createBlocks, createWal, importText } from './load-fleet.ts';
import type { BenchQuery } from './queries.ts';
import { benchQueries } from './queries.ts';

export interface QueryOptions {
  readonly fleet: FleetOptions;
  readonly rounds: number;
  /** Passes over all queries before anything is measured: code is compiled, files are in memory. */
  readonly warmUpRounds: number;
  readonly systems: readonly SystemName[];
  /** Only queries whose name contains this. */
  readonly filter: string;
  /** Where blocks are kept from run to run. */
  readonly cacheDirectory: string;
  readonly nodeArguments: readonly string[];
  readonly flags: readonly string[];
}

export interface QueryResult {
  readonly name: string;
  readonly samples: number;
  /** Median over the rounds, ms, for each system. */
  readonly latencies: ReadonlyMap<SystemName, number>;
  /** How ours differs from Prometheus; undefined when it does not, or when either was not asked. */
  readonly difference: string | undefined;
  /** Whether all answers were successes: the latency of an error says nothing. */
  readonly answered: boolean;
}

/** Steps between samples and off the minute: nothing lies on the edge of a subquery's window. */
const STEP_OFFSET_MS = 17_000;
const STEP_MS = 60_000;

const agent = new http.Agent({ keepAlive: true });

/** The whole body of an answer, to compare it. Latencies are taken by a client that costs less. */
function get(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

/** URL path of a range query over the whole data set. */
export function rangePath(query: BenchQuery, { startMs, hours }: FleetOptions): string {
  const parameters = new URLSearchParams({
    query: query.text,
    start: String((startMs + STEP_OFFSET_MS) / 1000),
    end: String((startMs + hours * 3_600_000 - STEP_MS + STEP_OFFSET_MS) / 1000),
    step: String(STEP_MS / 1000),
  });
  return `/api/v1/query_range?${parameters}`;
}

/** Blocks stay as they are: merging them would work against the measuring. */
const keepBlocks = ['--storage.tsdb.min-block-duration=2h', '--storage.tsdb.max-block-duration=2h'];

/** Starts a system that has the data set. */
export async function startWithFleet(
  stage: Stage,
  root: string,
  name: SystemName,
  fleet: readonly FleetSeries[],
  options: Pick<QueryOptions, 'fleet' | 'cacheDirectory' | 'nodeArguments' | 'flags'>,
  config?: string,
): Promise<RunningSystem> {
  const { instances, hours, stepMs } = options.fleet;
  const dataDirectory = join(stage.directory, `${name}-data`);
  mkdirSync(dataDirectory);
  const settings = { dataDirectory, ...(config === undefined ? {} : { config }) };
  if (name === 'victoria') {
    const system = await startSystem(stage, root, name, settings);
    await importText(fleet, system.url);
    return system;
  }
  const blocks = join(options.cacheDirectory, `blocks-${instances}-${hours}h-${stepMs}`);
  const hasBlocks = createBlocks(fleet, blocks);
  if (hasBlocks) cpSync(blocks, dataDirectory, { recursive: true });
  if (name === 'prometheus') {
    if (!hasBlocks) throw new Error('promtool is not installed');
    return startSystem(stage, root, name, { ...settings, flags: keepBlocks });
  }
  // The very same blocks; where nobody can make them, a log of the same samples.
  if (!hasBlocks) createWal(fleet, options.fleet, dataDirectory);
  const { nodeArguments } = options;
  const flags = [...keepBlocks, ...options.flags];
  return startSystem(stage, root, name, { ...settings, nodeArguments, flags });
}

const pathOf = ({ name }: RunningSystem, path: string): string =>
  `${path}${name === 'victoria' ? '&nocache=1' : ''}`;

type Clients = ReadonlyMap<SystemName, DrainingClient>;

async function ask(
  query: BenchQuery,
  systems: readonly RunningSystem[],
  clients: Clients,
  options: QueryOptions,
): Promise<QueryResult> {
  const path = rangePath(query, options.fleet);
  const times = new Map<SystemName, number[]>(systems.map(({ name }) => [name, []]));
  const answers = new Map<SystemName, QueryAnswer>();
  for (const system of systems) {
    const body = await get(system.url + pathOf(system, path));
    answers.set(system.name, JSON.parse(body.toString()) as QueryAnswer);
  }
  for (let round = 0; round < options.rounds; round++) {
    // Each goes first in turn.
    for (let i = 0; i < systems.length; i++) {
      const system = systems[(round + i) % systems.length];
      if (system === undefined) continue;
      const started = performance.now();
      await clients.get(system.name)?.get(pathOf(system, path));
      times.get(system.name)?.push(performance.now() - started);
    }
  }
  const ours = answers.get('hearth');
  const theirs = answers.get('prometheus');
  const any = ours ?? theirs ?? answers.get('victoria');
  return {
    name: query.name,
    samples: any === undefined ? 0 : sampleCount(any),
    latencies: new Map([...times].map(([name, list]) => [name, median(list)])),
    answered: [...answers.values()].every(({ status }) => status === 'success'),
    difference: ours === undefined || theirs === undefined ? undefined : difference(ours, theirs),
  };
}

export interface QueryRun {
  readonly results: readonly QueryResult[];
  /** Resident memory after all queries. */
  readonly residentBytes: ReadonlyMap<SystemName, number>;
  /** Of all threads, for all queries: says more than latencies where the machine does other work too. */
  readonly cpuSeconds: ReadonlyMap<SystemName, number>;
}

export async function runQueries(root: string, options: QueryOptions): Promise<QueryRun> {
  const stage = new Stage();
  try {
    mkdirSync(options.cacheDirectory, { recursive: true });
    const fleet = generateFleet(options.fleet);
    const systems: RunningSystem[] = [];
    for (const name of options.systems)
      systems.push(await startWithFleet(stage, root, name, fleet, options));
    await sleep(1000);
    const cpuOf = (): Map<SystemName, number> =>
      new Map(systems.map(({ name, program }) => [name, usageOf(program.pid).cpuSeconds]));
    const wanted = benchQueries.filter(({ name }) => name.includes(options.filter));
    for (let round = 0; round < options.warmUpRounds; round++)
      for (const query of wanted)
        for (const system of systems)
          await get(system.url + pathOf(system, rangePath(query, options.fleet)));
    const before = cpuOf();
    const clients = new Map(systems.map(({ name, url }) => [name, new DrainingClient(url)]));
    const results: QueryResult[] = [];
    for (const query of wanted) results.push(await ask(query, systems, clients, options));
    for (const client of clients.values()) client.close();
    const residentBytes = new Map(
      systems.map(({ name, program }) => [name, usageOf(program.pid).residentBytes]),
    );
    const cpuSeconds = new Map(
      [...cpuOf()].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)]),
    );
    return { results, residentBytes, cpuSeconds };
  } finally {
    await stage.close();
    agent.destroy();
  }
}

/** Latencies, ratios of ours to each of the others, and what differed. */
export function queryReport({ results, residentBytes, cpuSeconds }: QueryRun): string {
  const systems = [...residentBytes.keys()];
  const others = systems.filter((name) => name !== 'hearth' && systems.includes('hearth'));
  const ratio = ({ latencies }: QueryResult, other: SystemName): number =>
    (latencies.get('hearth') ?? Number.NaN) / (latencies.get(other) ?? Number.NaN);
  const header = [
    'query',
    'samples',
    ...systems.map((name) => `${name} ms`),
    ...others.map((name) => `/${name}`),
    'equal',
  ];
  const compared = systems.includes('hearth') && systems.includes('prometheus');
  const rows = results.map((result) => [
    result.name,
    String(result.samples),
    ...systems.map((name) => short(result.latencies.get(name) ?? Number.NaN)),
    ...others.map((other) => (result.answered ? short(ratio(result, other)) : '-')),
    !result.answered ? 'ERROR' : !compared ? '-' : result.difference === undefined ? 'yes' : 'NO',
  ]);
  const mean = (of: (result: QueryResult) => number): string =>
    short(geometricMean(results.filter(({ answered }) => answered).map(of)));
  rows.push([
    'geometric mean',
    '',
    ...systems.map((name) => mean(({ latencies }) => latencies.get(name) ?? Number.NaN)),
    ...others.map((other) => mean((result) => ratio(result, other))),
    '',
  ]);
  const lines = [table([header, ...rows])];
  for (const { name, difference: text } of results)
    if (text !== undefined) lines.push(`${name}: ${text}`);
  const cpu = [...cpuSeconds].map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s`);
  lines.push(`CPU for all queries: ${cpu.join(', ')}`);
  const memory = [...residentBytes].map(
    ([name, bytes]) => `${name} ${Math.round(bytes / (1 << 20))} MB`,
  );
  lines.push(`resident memory afterwards: ${memory.join(', ')}`);
  return lines.join('\n');
}
