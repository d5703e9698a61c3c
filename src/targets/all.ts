// SPDX-License-Identifier: Apache-2.0
// `hearth` with no target: the server, the node exporter and the Pushgateway in one process, already
// configured to watch this machine and themselves.

import { join, resolve } from 'node:path';
import type { HttpServer } from '../platform/index.ts';
import { createNodeClock, createNodeFileSystem, onSignals } from '../platform/index.ts';
import { EXIT_FAILURE, EXIT_OK, loggerFor, readFlags, warnUnsupported } from './command-line.ts';
import type { ConfigSource } from './config-source.ts';
import { fileConfig, textConfig } from './config-source.ts';
import type { FlagDefinition, FlagValues } from './flags.ts';
import { UsageError } from './flags.ts';
import { listen } from './listen.ts';
import { createNodeExporter, exporterServerOptions } from './node-exporter.ts';
import { nodeExporterFlags } from './node-exporter-flags.ts';
import { parseFlags } from './flags.ts';
import type { RunningGateway } from './pushgateway.ts';
import { createPushgateway, pushgatewayServerOptions } from './pushgateway.ts';
import { pushgatewayFlags } from './pushgateway-flags.ts';
import type { MonitoringServer } from './server.ts';
import { StartError, startServer } from './server.ts';
import { serverFlags } from './server-flags.ts';
import { serverSettings } from './server-settings.ts';

const summary =
  'Watches this machine: server, node exporter and Pushgateway in one process, ready to use.';

/** What differs from `hearth server`: nothing is open to others unless asked for, and little is logged. */
const defaults: Readonly<Record<string, string>> = {
  'config.file': '',
  'web.listen-address': '127.0.0.1:9090',
  'log.level': 'warn',
};

const allFlags: readonly FlagDefinition[] = [
  ...serverFlags.map((flag) => {
    const byDefault = defaults[flag.name];
    return byDefault === undefined ? flag : { ...flag, byDefault };
  }),
  {
    name: 'node-exporter.listen-address',
    kind: 'text',
    byDefault: '127.0.0.1:9100',
    help: 'Address on which to expose the metrics of this machine.',
  },
  {
    name: 'pushgateway.listen-address',
    kind: 'text',
    byDefault: '127.0.0.1:9091',
    help: 'Address on which to take pushed metrics.',
  },
];

const EXPORTER_STOP_GRACE_MS = 1000;

/** Everything we know to scrape. */
function readyConfig(server: string, exporter: string, pushgateway: string): string {
  return `# The configuration of "hearth" with no target. Give --config.file to use your own.
global:
  scrape_interval: 5s
  scrape_timeout: 5s
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ['${server}']
  - job_name: node
    static_configs:
      - targets: ['${exporter}']
  - job_name: pushgateway
    honor_labels: true
    static_configs:
      - targets: ['${pushgateway}']
`;
}

/** What a program's flags are when only `args` are given. */
function flagsOf(definitions: readonly FlagDefinition[], args: readonly string[] = []): FlagValues {
  const parsed = parseFlags(definitions, args);
  if (parsed.kind !== 'values') throw new UsageError('BUG: the defaults are no command line');
  return parsed.values;
}

/** The gateway, which keeps what was pushed beside the server's data. */
function createGateway(
  dataPath: string,
  parts: Parameters<typeof createPushgateway>[1],
): RunningGateway {
  const directory = join(dataPath, 'pushgateway');
  parts.files.makeDirectorySync(directory);
  const file = join(directory, 'metrics');
  return createPushgateway(flagsOf(pushgatewayFlags, [`--persistence.file=${file}`]), parts);
}

function friendlyBlock(
  server: MonitoringServer,
  exporter: HttpServer,
  pushgateway: HttpServer,
  dataPath: string,
): string {
  const page = `http://${server.addresses[0]}${server.routePrefix}`;
  const rows = [
    ['Page', `${page}/`],
    ['Targets', `${page}/targets`],
    ['Metrics of this machine', `http://${exporter.addresses[0]}/metrics`],
    ['Push metrics to', `http://${pushgateway.addresses[0]}/metrics/job/JOB`],
    ['Data', resolve(dataPath)],
  ];
  const lines = rows.map(([name = '', value = '']) => `  ${name.padEnd(24)} ${value}`);
  return `\nHearth is running.\n\n${lines.join('\n')}\n\nA first query: rate(node_cpu_seconds_total[1m])\nCtrl+C stops it.\n\n`;
}

/** @returns the exit code, when stopped */
export async function runAll(args: readonly string[]): Promise<number> {
  const values = readFlags('prometheus', summary, allFlags, args);
  if (typeof values === 'number') return values;
  const logger = loggerFor(values);
  const parts = { clock: createNodeClock(), files: createNodeFileSystem(), logger };
  const listeners: HttpServer[] = [];
  try {
    warnUnsupported(allFlags, values, logger);
    const settings = serverSettings(values);
    const exporter = createNodeExporter(flagsOf(nodeExporterFlags), parts);
    const exporterServer = await listen(
      exporterServerOptions([values.text('node-exporter.listen-address')], logger, exporter),
      { configFile: '' },
    );
    listeners.push(exporterServer);
    const { gateway, close: closeGateway } = createGateway(settings.dataPath, parts);
    const gatewayServer = await listen(
      pushgatewayServerOptions([values.text('pushgateway.listen-address')], logger, gateway),
      { configFile: '' },
    );
    listeners.push(gatewayServer);
    const [exporterAddress = '', gatewayAddress = ''] = listeners.map(
      ({ addresses }) => addresses[0] ?? '',
    );
    const config: ConfigSource =
      settings.configFile === ''
        ? textConfig(
            '(built in)',
            (own) => readyConfig(own, exporterAddress, gatewayAddress),
            parts.files,
          )
        : fileConfig(settings.configFile, parts.files);
    const server = await startServer(settings, config, parts);
    process.stdout.write(friendlyBlock(server, exporterServer, gatewayServer, settings.dataPath));
    onSignals({ reload: () => void server.reload().catch(() => undefined), stop: server.stop });
    await server.stopped;
    await Promise.all(listeners.map((listener) => listener.close(EXPORTER_STOP_GRACE_MS)));
    await closeGateway();
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    await Promise.all(listeners.map((listener) => listener.close(0)));
    const { message } = error instanceof StartError ? error.cause : error;
    process.stderr.write(`hearth: ${message}\n`);
    return error instanceof StartError ? error.exitCode : EXIT_FAILURE;
  }
}
