// SPDX-License-Identifier: Apache-2.0
// npm run bench -- ingest | query | load | pushgateway | compaction | exporter | alerts | micro
// [--option=value …]; bench/README.md describes them.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { alertsReport, runAlerts } from './alerts/alerts.ts';
import { compactionReport, runCompaction } from './compaction/compaction.ts';
import { exporterReport, runExporters } from './exporter/exporter.ts';
import { Options } from './harness/options.ts';
import { allSystems, isInstalled, type SystemName } from './harness/systems.ts';
import { ingestReport, runIngest } from './ingest/ingest.ts';
import { forkTargets, serveTargets } from './ingest/target-process.ts';
import type { TargetServerOptions } from './ingest/target-server.ts';
import { loadReport, runLoad } from './load/load.ts';
import { fullFleet } from './query/fleet.ts';
import { microReport, runMicro } from './micro/micro.ts';
import { pushgatewayReport, runPushgateway } from './pushgateway/pushgateway.ts';
import { queryReport, runQueries } from './query/query.ts';

// The bundle lies in a folder of the repository.
const root = fileURLToPath(new URL('..', import.meta.url));

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** The systems asked for that are installed; the others are named and left out. */
function systemsOf(options: Options): SystemName[] {
  const wanted = options.text('systems', allSystems.join(',')).split(',');
  const chosen = allSystems.filter((name) => wanted.includes(name));
  for (const name of chosen) if (!isInstalled(name)) say(`${name} is not installed: left out`);
  return chosen.filter(isInstalled);
}

/** `--node=--cpu-prof,--cpu-prof-dir=…` */
const nodeArgumentsOf = (options: Options): string[] =>
  options
    .text('node', '')
    .split(',')
    .filter((argument) => argument !== '');

async function ingest(options: Options): Promise<void> {
  const settings = {
    targets: options.number('targets', 100),
    seriesPerTarget: options.number('series', 1000),
    intervalSeconds: options.number('interval', 1),
    warmUpSeconds: options.number('warm-up', 10),
    rounds: options.number('rounds', 6),
    roundSeconds: options.number('round', 10),
    gzip: options.flag('gzip'),
    systems: systemsOf(options),
    nodeArguments: nodeArgumentsOf(options),
  };
  options.refuseOthers();
  const { targets, seriesPerTarget, intervalSeconds, rounds, roundSeconds } = settings;
  say(
    `${targets} targets × ${seriesPerTarget} series at ${intervalSeconds} s, ` +
      `${rounds} rounds of ${roundSeconds} s`,
  );
  say(ingestReport(await runIngest(root, settings, forkTargets)));
}

async function query(options: Options): Promise<void> {
  const settings = {
    fleet: {
      ...fullFleet,
      instances: options.number('instances', fullFleet.instances),
      hours: options.number('hours', fullFleet.hours),
    },
    rounds: options.number('rounds', 7),
    warmUpRounds: options.number('warm-up', 3),
    filter: options.text('filter', ''),
    systems: systemsOf(options),
    cacheDirectory: join(root, '.cache/bench'),
    nodeArguments: nodeArgumentsOf(options),
    flags: [],
  };
  options.refuseOthers();
  say(queryReport(await runQueries(root, settings)));
}

async function load(options: Options): Promise<void> {
  const settings = {
    fleet: fullFleet,
    targets: options.number('targets', 100),
    seriesPerTarget: options.number('series', 1000),
    intervalSeconds: options.number('interval', 1),
    settleSeconds: options.number('settle', 10),
    seconds: options.number('seconds', 20),
    clients: options.number('clients', 20),
    cacheDirectory: join(root, '.cache/bench'),
    nodeArguments: nodeArgumentsOf(options),
  };
  options.refuseOthers();
  say(loadReport(await runLoad(root, settings, forkTargets)));
}

async function pushgateway(options: Options): Promise<void> {
  const settings = {
    connections: options.number('connections', 4),
    groups: options.number('groups', 10),
    rounds: options.number('rounds', 5),
    roundSeconds: options.number('round', 3),
    series: options.number('series', 100_000),
    scrapes: options.number('scrapes', 9),
    persist: options.flag('persist'),
    nodeArguments: nodeArgumentsOf(options),
  };
  options.refuseOthers();
  say(pushgatewayReport(await runPushgateway(root, settings)));
}

async function compaction(options: Options): Promise<void> {
  const settings = {
    series: options.number('series', 100_000),
    intervalSeconds: options.number('interval', 15),
    hours: options.number('hours', 3.1),
    patienceSeconds: options.number('patience', 170),
    systems: systemsOf(options),
  };
  options.refuseOthers();
  say(`${settings.series} series at ${settings.intervalSeconds} s, the first two hours to a block`);
  say(compactionReport(await runCompaction(root, settings)));
}

async function exporter(options: Options): Promise<void> {
  const settings = {
    warmUp: options.number('warm-up', 200),
    rounds: options.number('rounds', 7),
    scrapes: options.number('scrapes', 100),
    flags: options
      .text('flags', '')
      .split(',')
      .filter((flag) => flag !== ''),
    nodeArguments: nodeArgumentsOf(options),
  };
  options.refuseOthers();
  say(exporterReport(await runExporters(root, settings)));
}

async function alerts(options: Options): Promise<void> {
  const settings = {
    alerts: options.number('alerts', 10_000),
    batch: options.number('batch', 64),
    connections: options.number('connections', 4),
    rounds: options.number('rounds', 5),
    roundSeconds: options.number('round', 3),
    reads: options.number('reads', 15),
    groups: options.number('groups', 1000),
    rulesPerGroup: options.number('rules', 10),
    intervalSeconds: options.number('interval', 15),
    watchSeconds: options.number('watch', 30),
    clients: options.number('clients', 4),
    systems: systemsOf(options),
    nodeArguments: nodeArgumentsOf(options),
  };
  options.refuseOthers();
  say(`${settings.alerts} alerts; ${settings.groups} groups of ${settings.rulesPerGroup} rules`);
  say(alertsReport(await runAlerts(root, settings)));
}

function micro(options: Options): void {
  const settings = {
    rounds: options.number('rounds', 9),
    roundMs: options.number('round-ms', 40),
    filter: options.text('filter', ''),
  };
  options.refuseOthers();
  say(microReport(runMicro(settings)));
}

const [workload = '', ...args] = process.argv.slice(2);
if (workload === 'serve-targets') {
  await serveTargets(JSON.parse(args[0] ?? '{}') as TargetServerOptions);
} else {
  const options = new Options(args);
  if (workload === 'ingest') await ingest(options);
  else if (workload === 'query') await query(options);
  else if (workload === 'load') await load(options);
  else if (workload === 'pushgateway') await pushgateway(options);
  else if (workload === 'compaction') await compaction(options);
  else if (workload === 'exporter') await exporter(options);
  else if (workload === 'alerts') await alerts(options);
  else if (workload === 'micro') micro(options);
  else {
    process.stderr.write(
      'npm run bench -- ingest | query | load | pushgateway | compaction | exporter | alerts | micro: see bench/README.md\n',
    );
    process.exit(2);
  }
}
