// SPDX-License-Identifier: Apache-2.0
// `hearth` with no target: the server, the node exporter, the Pushgateway and the Alertmanager in one
// process, already configured to watch this machine and themselves.

import { join, resolve } from 'node:path';
import type { Clock, FileSystem, Logger } from '../base/index.ts';
import type { HttpServer, HttpServerOptions } from '../platform/index.ts';
import {
  createNodeClock,
  createNodeFileSystem,
  ListenError,
  onSignals,
} from '../platform/index.ts';
import type { RunningAlertmanager } from './alertmanager.ts';
import { alertmanagerServerOptions, createAlertmanager } from './alertmanager.ts';
import { alertmanagerFlags } from './alertmanager-flags.ts';
import { readyAlertmanagerConfig, readyServerConfig } from './all-config.ts';
import { EXIT_FAILURE, EXIT_OK, loggerFor, readFlags, warnUnsupported } from './command-line.ts';
import type { ConfigSource } from './config-source.ts';
import { fileConfig, textConfig } from './config-source.ts';
import type { FlagDefinition, FlagValues } from './flags.ts';
import { parseFlags, UsageError } from './flags.ts';
import { listen } from './listen.ts';
import { createNodeExporter, exporterServerOptions } from './node-exporter.ts';
import { nodeExporterFlags } from './node-exporter-flags.ts';
import type { RunningGateway } from './pushgateway.ts';
import { createPushgateway, pushgatewayServerOptions } from './pushgateway.ts';
import { pushgatewayFlags } from './pushgateway-flags.ts';
import type { MonitoringServer } from './server.ts';
import { StartError, startServer } from './server.ts';
import { serverFlags } from './server-flags.ts';
import type { ServerSettings } from './server-settings.ts';
import { serverSettings } from './server-settings.ts';

const summary =
  'Watches this machine: server, node exporter, Pushgateway and Alertmanager in one process, ready to use.';

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
  {
    name: 'alertmanager.listen-address',
    kind: 'text',
    byDefault: '127.0.0.1:9093',
    help: 'Address of the Alertmanager.',
  },
  {
    name: 'alertmanager.config.file',
    kind: 'text',
    byDefault: '',
    help: 'Alertmanager configuration file. Without one alerts show on its page and nobody is told.',
  },
];

const PART_STOP_GRACE_MS = 1000;

/** What a program's flags are when only `args` are given. */
function flagsOf(definitions: readonly FlagDefinition[], args: readonly string[] = []): FlagValues {
  const parsed = parseFlags(definitions, args);
  if (parsed.kind !== 'values') throw new UsageError('BUG: the defaults are no command line');
  return parsed.values;
}

/** Where others reach what listens here; '' where the address names no host. */
function urlOf(address: string): string {
  const host = address.slice(0, address.lastIndexOf(':'));
  return ['', '0.0.0.0', '[::]'].includes(host) ? '' : `http://${address}`;
}

/** The server's settings, with links that lead to where it listens, which here is rarely the host's name. */
function ownSettings(values: FlagValues): ServerSettings {
  const settings = serverSettings(values);
  const external = urlOf(settings.listenAddresses[0] ?? '');
  if (values.given.has('web.external-url') || external === '') return settings;
  return { ...settings, externalUrl: external };
}

interface Parts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
}

/** Everything beside the server. */
class Companions {
  readonly addresses = { exporter: '', pushgateway: '', alertmanager: '' };
  private readonly parts: Parts;
  private readonly listeners: HttpServer[] = [];
  private gateway: RunningGateway | undefined;
  private alertmanager: RunningAlertmanager | undefined;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** @throws ListenError: which flag moves what cannot be where it should */
  private async listen(options: HttpServerOptions, flag: string): Promise<string> {
    try {
      const listener = await listen(options, { configFile: '' });
      this.listeners.push(listener);
      return listener.addresses[0] ?? '';
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      throw new ListenError(`${error.message}; --${flag}=HOST:PORT gives another`, {
        cause: error,
      });
    }
  }

  /** What they keep stands beside the server's data. @throws Error: `close` ends what had started */
  async start(values: FlagValues, dataPath: string): Promise<void> {
    const { parts, addresses } = this;
    const { logger, files } = parts;
    const exporter = createNodeExporter(flagsOf(nodeExporterFlags), parts);
    const at = (flag: string): string[] => [values.text(flag)];

    let flag = 'node-exporter.listen-address';
    addresses.exporter = await this.listen(exporterServerOptions(at(flag), logger, exporter), flag);

    flag = 'pushgateway.listen-address';
    const gatewayPath = join(dataPath, 'pushgateway');
    files.makeDirectorySync(gatewayPath);
    const kept = `--persistence.file=${join(gatewayPath, 'metrics')}`;
    this.gateway = createPushgateway(flagsOf(pushgatewayFlags, [kept]), parts);
    addresses.pushgateway = await this.listen(
      pushgatewayServerOptions(at(flag), logger, this.gateway.gateway),
      flag,
    );

    // Its links need the address, so it is made after its listener.
    flag = 'alertmanager.listen-address';
    addresses.alertmanager = await this.listen(
      alertmanagerServerOptions(at(flag), logger, async (request) =>
        this.alertmanager === undefined
          ? { status: 503, headers: {}, body: 'Service Unavailable\n' }
          : this.alertmanager.handle(request),
      ),
      flag,
    );
    this.alertmanager = this.createAlertmanager(values, join(dataPath, 'alertmanager'));
  }

  private createAlertmanager(values: FlagValues, directory: string): RunningAlertmanager {
    const file = values.text('alertmanager.config.file');
    const flags = flagsOf(alertmanagerFlags, [
      `--storage.path=${directory}`,
      `--web.external-url=${urlOf(this.addresses.alertmanager)}`,
      `--config.file=${file}`,
    ]);
    const builtIn = { name: '(built in)', read: () => readyAlertmanagerConfig };
    return createAlertmanager(flags, this.parts, file === '' ? builtIn : undefined);
  }

  /** Reads Alertmanager's configuration again; what is wrong with it is logged, and the old one stays. */
  reload(): void {
    try {
      this.alertmanager?.reload();
    } catch {
      // Logged where it happened.
    }
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.close(graceMs)));
    await this.gateway?.close();
    this.alertmanager?.stop();
  }
}

const TRY_IT = `  echo 'try_alert 1' | curl --data-binary @- http://PUSH/metrics/job/try
  curl -X DELETE http://PUSH/metrics/job/try`;

function friendlyBlock(
  server: MonitoringServer,
  { exporter, pushgateway, alertmanager }: Companions['addresses'],
  settings: ServerSettings,
): string {
  const page = `http://${server.addresses[0]}${server.routePrefix}`;
  const rows = [
    ['Page', `${page}/`],
    ['Targets', `${page}/targets`],
    ['Alerts', `http://${alertmanager}/`],
    ['Metrics of this machine', `http://${exporter}/metrics`],
    ['Push metrics to', `http://${pushgateway}/metrics/job/JOB`],
    ['Data', resolve(settings.dataPath)],
  ];
  const lines = rows.map(([name = '', value = '']) => `  ${name.padEnd(24)} ${value}`).join('\n');
  const alert =
    settings.configFile === ''
      ? `An alert, on the page of alerts within ten seconds, and its end:\n${TRY_IT.replaceAll('PUSH', pushgateway)}\n`
      : '';
  return `\nHearth is running.\n\n${lines}\n\nA first query: rate(node_cpu_seconds_total[1m])\n${alert}Ctrl+C stops it.\n\n`;
}

/** @returns the exit code, when stopped */
export async function runAll(args: readonly string[]): Promise<number> {
  const values = readFlags('prometheus', summary, allFlags, args);
  if (typeof values === 'number') return values;
  const logger = loggerFor(values);
  const parts = { clock: createNodeClock(), files: createNodeFileSystem(), logger };
  const companions = new Companions(parts);
  try {
    warnUnsupported(allFlags, values, logger);
    const settings = ownSettings(values);
    await companions.start(values, settings.dataPath);
    const { addresses } = companions;
    const ready = (own: string): string => readyServerConfig({ ...addresses, server: own });
    const config: ConfigSource =
      settings.configFile === ''
        ? textConfig('(built in)', ready, parts.files)
        : fileConfig(settings.configFile, parts.files);
    const server = await startServer(settings, config, parts);
    process.stdout.write(friendlyBlock(server, addresses, settings));
    const reload = (): void => {
      companions.reload();
      void server.reload().catch(() => undefined);
    };
    onSignals({ reload, stop: server.stop });
    await server.stopped;
    await companions.close(PART_STOP_GRACE_MS);
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    await companions.close(0);
    const { message } = error instanceof StartError ? error.cause : error;
    process.stderr.write(`hearth: ${message}\n`);
    return error instanceof StartError ? error.exitCode : EXIT_FAILURE;
  }
}
