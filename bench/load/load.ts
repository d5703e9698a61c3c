// SPDX-License-Identifier: Apache-2.0
// The load workload: do scrapes stay on time while people ask heavy queries?

import { quantile, short, table } from '../harness/statistics.ts';
import { Stage, sleep } from '../harness/processes.ts';
import { scrapeConfig } from '../ingest/ingest.ts';
import type { RemoteTargets } from '../ingest/target-process.ts';
import type { TargetServerOptions } from '../ingest/target-server.ts';
import type { FleetOptions } from '../query/fleet.ts';
import { generateFleet } from '../query/fleet.ts';
import { benchQueries } from '../query/queries.ts';
import { rangePath, startWithFleet } from '../query/query.ts';
import { loopDelaysOf } from '../harness/metrics.ts';

export interface LoadOptions {
  readonly fleet: FleetOptions;
  readonly targets: number;
  readonly seriesPerTarget: number;
  readonly intervalSeconds: number;
  /** New series are made in this time; not measured. */
  readonly settleSeconds: number;
  readonly seconds: number;
  readonly clients: number;
  readonly cacheDirectory: string;
  readonly nodeArguments: readonly string[];
}

/** One phase: how late scrapes started, and what the loop of the server says itself. */
export interface LoadPhase {
  readonly scrapes: number;
  readonly delaysMs: readonly number[];
  readonly answers: number;
  readonly loopDelay: Readonly<Record<string, number>>;
}

export interface LoadResult {
  readonly idle: LoadPhase;
  readonly busy: LoadPhase;
}

const heavyNames = ['rate of all', 'quantile of each', 'cpu by mode', 'error ratio', 'subquery'];

async function loopDelays(url: string): Promise<Record<string, number>> {
  return loopDelaysOf(await (await fetch(`${url}/metrics`)).text());
}

export async function runLoad(
  root: string,
  options: LoadOptions,
  openTargets: (options: TargetServerOptions) => Promise<RemoteTargets>,
): Promise<LoadResult> {
  const stage = new Stage();
  try {
    const targets = await openTargets({
      targets: options.targets,
      seriesPerTarget: options.seriesPerTarget,
      intervalMs: options.intervalSeconds * 1000,
      variants: 16,
      gzip: false,
    });
    stage.onClose(() => targets.close());
    const config = scrapeConfig('hearth', targets.ports, options.intervalSeconds);
    const fleet = generateFleet(options.fleet);
    const settings = { ...options, flags: [] };
    const { url } = await startWithFleet(stage, root, 'hearth', fleet, settings, config);
    const heavy = benchQueries.filter(({ name }) => heavyNames.includes(name));
    const paths = heavy.map((query) => rangePath(query, options.fleet));
    const phase = async (clients: number): Promise<LoadPhase> => {
      await targets.resetDelays();
      await loopDelays(url);
      const before = (await targets.stats()).hearth?.scrapes ?? 0;
      const end = performance.now() + options.seconds * 1000;
      let answers = 0;
      const client = async (number: number): Promise<void> => {
        for (let i = number; performance.now() < end; i++) {
          const response = await fetch(url + paths[i % paths.length]);
          await response.arrayBuffer();
          if (!response.ok) throw new Error(`a query failed: ${response.status}`);
          answers++;
        }
      };
      await Promise.all([
        sleep(options.seconds * 1000),
        ...Array.from({ length: clients }, (_, number) => client(number)),
      ]);
      const stats = (await targets.stats()).hearth;
      return {
        scrapes: (stats?.scrapes ?? 0) - before,
        delaysMs: stats?.delaysMs ?? [],
        answers,
        loopDelay: await loopDelays(url),
      };
    };
    await sleep(options.settleSeconds * 1000);
    const idle = await phase(0);
    const busy = await phase(options.clients);
    return { idle, busy };
  } finally {
    await stage.close();
  }
}

export function loadReport({ idle, busy }: LoadResult): string {
  const row = (title: string, of: (phase: LoadPhase) => number): string[] => [
    title,
    short(of(idle)),
    short(of(busy)),
  ];
  const quantiles = Object.keys(busy.loopDelay);
  return table([
    ['', 'no queries', 'with queries'],
    row('scrapes', ({ scrapes }) => scrapes),
    row('answers', ({ answers }) => answers),
    row('scrape start delay p50 ms', ({ delaysMs }) => quantile(delaysMs, 0.5)),
    row('scrape start delay p99 ms', ({ delaysMs }) => quantile(delaysMs, 0.99)),
    row('scrape start delay max ms', ({ delaysMs }) => quantile(delaysMs, 1)),
    ...quantiles.map((name) =>
      row(`event loop delay ${name} ms`, ({ loopDelay }) => 1000 * (loopDelay[name] ?? 0)),
    ),
  ]);
}
