// SPDX-License-Identifier: Apache-2.0
// The ingest workload: the same targets, scraped by all systems at the same time.

import { median, short, table } from '../harness/statistics.ts';
import { diskBytes, Stage, sleep, usageOf } from '../harness/processes.ts';
import type { RunningSystem, SystemName } from '../harness/systems.ts';
import { startSystem } from '../harness/systems.ts';
import type { RemoteTargets } from './target-process.ts';
import type { TargetServerOptions } from './target-server.ts';

export interface IngestOptions {
  readonly targets: number;
  readonly seriesPerTarget: number;
  readonly intervalSeconds: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly gzip: boolean;
  readonly systems: readonly SystemName[];
  /** Arguments of Node itself for ours: profiling. */
  readonly nodeArguments: readonly string[];
}

/** Outcome for one system. */
export interface IngestResult {
  readonly name: SystemName;
  /** Of each round. */
  readonly cpuMicrosPerSample: readonly number[];
  readonly samples: number;
  readonly residentBytesPerSeries: number;
  readonly anonymousBytesPerSeries: number;
  readonly diskBytesPerSample: number;
  /** Late starts of scrapes, p99, ms. */
  readonly delayP99Ms: number;
}

/** Scrapes `ports`; each target has an instance of its own, as replicas have. */
export function scrapeConfig(
  scraper: string,
  ports: readonly number[],
  intervalSeconds: number,
): string {
  const targets = ports.map((port) => `'127.0.0.1:${port}'`).join(', ');
  return [
    `global: {scrape_interval: ${intervalSeconds}s, scrape_timeout: ${intervalSeconds}s}`,
    'scrape_configs:',
    `- job_name: load`,
    `  metrics_path: /${scraper}`,
    `  static_configs: [{targets: [${targets}]}]`,
    '',
  ].join('\n');
}

const FIRST_SCRAPE_TIMEOUT_MS = 60_000;

interface Tally {
  readonly scrapes: number;
  readonly cpuSeconds: number;
}

async function tally(
  systems: readonly RunningSystem[],
  targets: RemoteTargets,
): Promise<Map<SystemName, Tally>> {
  const stats = await targets.stats();
  return new Map(
    systems.map(({ name, program }) => [
      name,
      { scrapes: stats[name]?.scrapes ?? 0, cpuSeconds: usageOf(program.pid).cpuSeconds },
    ]),
  );
}

/** Runs the load. Round by round all systems do the same work in the same seconds. */
export async function runIngest(
  root: string,
  options: IngestOptions,
  openTargets: (options: TargetServerOptions) => Promise<RemoteTargets>,
): Promise<IngestResult[]> {
  const stage = new Stage();
  try {
    const seconds = options.warmUpSeconds + options.rounds * options.roundSeconds;
    const targets = await openTargets({
      targets: options.targets,
      seriesPerTarget: options.seriesPerTarget,
      intervalMs: options.intervalSeconds * 1000,
      variants: Math.min(64, Math.ceil(seconds / options.intervalSeconds) + 4),
      gzip: options.gzip,
    });
    stage.onClose(() => targets.close());
    const systems: RunningSystem[] = [];
    for (const name of options.systems) {
      const config = scrapeConfig(name, targets.ports, options.intervalSeconds);
      systems.push(
        await startSystem(stage, root, name, { config, nodeArguments: options.nodeArguments }),
      );
    }
    return await measure(systems, targets, options);
  } finally {
    await stage.close();
  }
}

/** Waits until all have begun: Prometheus takes five seconds to hear of its targets. */
async function allScrape(
  systems: readonly RunningSystem[],
  targets: RemoteTargets,
  options: IngestOptions,
): Promise<void> {
  const end = performance.now() + FIRST_SCRAPE_TIMEOUT_MS;
  for (;;) {
    const stats = await targets.stats();
    const late = systems.find(({ name }) => (stats[name]?.scrapes ?? 0) < options.targets);
    if (late === undefined) return;
    if (performance.now() > end)
      throw new Error(`${late.name} does not scrape:\n${late.program.output}`);
    await sleep(100);
  }
}

async function measure(
  systems: readonly RunningSystem[],
  targets: RemoteTargets,
  options: IngestOptions,
): Promise<IngestResult[]> {
  await allScrape(systems, targets, options);
  await sleep(options.warmUpSeconds * 1000);
  await targets.resetDelays();
  const cpu = new Map<SystemName, number[]>(systems.map(({ name }) => [name, []]));
  const before = await tally(systems, targets);
  let last = before;
  for (let round = 0; round < options.rounds; round++) {
    await sleep(options.roundSeconds * 1000);
    const now = await tally(systems, targets);
    for (const [name, { scrapes, cpuSeconds }] of now) {
      const earlier = last.get(name) ?? { scrapes: 0, cpuSeconds: 0 };
      const samples = (scrapes - earlier.scrapes) * options.seriesPerTarget;
      if (samples > 0) cpu.get(name)?.push((1e6 * (cpuSeconds - earlier.cpuSeconds)) / samples);
    }
    last = now;
  }
  const stats = await targets.stats();
  const seriesCount = options.targets * options.seriesPerTarget;
  return systems.map(({ name, program, dataDirectory }) => {
    const { residentBytes, anonymousBytes } = usageOf(program.pid);
    const scrapes = stats[name]?.scrapes ?? 0;
    const delays = stats[name]?.delaysMs ?? [];
    return {
      name,
      cpuMicrosPerSample: cpu.get(name) ?? [],
      samples: scrapes * options.seriesPerTarget,
      residentBytesPerSeries: residentBytes / seriesCount,
      anonymousBytesPerSeries: anonymousBytes / seriesCount,
      diskBytesPerSample: diskBytes(dataDirectory) / (scrapes * options.seriesPerTarget),
      delayP99Ms: [...delays].sort((a, b) => a - b)[Math.floor(delays.length * 0.99)] ?? 0,
    };
  });
}

/** The results as a table with ratios of ours to each of the others. */
export function ingestReport(results: readonly IngestResult[]): string {
  const measures: readonly [string, (result: IngestResult) => number][] = [
    ['CPU µs/sample (median)', ({ cpuMicrosPerSample }) => median(cpuMicrosPerSample)],
    ['CPU µs/sample (least)', ({ cpuMicrosPerSample }) => Math.min(...cpuMicrosPerSample)],
    ['resident B/series', ({ residentBytesPerSeries }) => residentBytesPerSeries],
    ['anonymous B/series', ({ anonymousBytesPerSeries }) => anonymousBytesPerSeries],
    ['disk B/sample', ({ diskBytesPerSample }) => diskBytesPerSample],
    ['scrape delay p99 ms', ({ delayP99Ms }) => delayP99Ms],
    ['samples', ({ samples }) => samples],
  ];
  const ours = results.find(({ name }) => name === 'hearth');
  const others = results.filter(({ name }) => name !== 'hearth');
  const header = ['', ...results.map(({ name }) => name), ...others.map(({ name }) => `/${name}`)];
  const rows = measures.map(([title, of]) => [
    title,
    ...results.map((result) => short(of(result))),
    ...others.map((other) => (ours === undefined ? '-' : short(of(ours) / of(other)))),
  ]);
  return table([header, ...rows]);
}
