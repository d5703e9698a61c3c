// SPDX-License-Identifier: Apache-2.0
// `hearth node-exporter`: metrics of this machine.

import type { Clock, FileSystem, Logger } from '../base/index.ts';
import { registerProcessMetrics, registerRuntimeMetrics, Registry } from '../metrics/index.ts';
import type { ExporterPaths, NodeExporterOptions } from '../node-exporter/index.ts';
import { collectorNames, NodeExporter } from '../node-exporter/index.ts';
import type { HttpServerOptions } from '../platform/index.ts';
import {
  createKernelFileSystem,
  createNodeClock,
  createNetwork,
  createNodeFileSystem,
  createOperatingSystem,
  createRuntime,
  keepHeapSmall,
  onSignals,
} from '../platform/index.ts';
import { buildInfo } from './build-info.ts';
import { cannotStart, EXIT_OK, loggerFor, readFlags, warnUnsupported } from './command-line.ts';
import type { FlagValues } from './flags.ts';
import { nodeExporterFlags } from './node-exporter-flags.ts';
import { collectorOptions } from './node-exporter-options.ts';
import { listen, listenSettings } from './listen.ts';

const summary = 'Metrics of this machine, under the names of the Prometheus node exporter';
const STOP_GRACE_MS = 5000;
const CONNECTIONS_MAX = 512;
const READ_TIMEOUT_MS = 300_000;
const BODY_LIMIT_BYTES = 65_536;

function exporterOptions(values: FlagValues): NodeExporterOptions {
  const { version, revision, goVersion } = buildInfo('node_exporter');
  const enabled = collectorNames.filter(({ name }) => {
    const flag = `collector.${name}`;
    const byDefault = !values.flag('collector.disable-defaults');
    return values.given.has(flag) ? values.flag(flag) : byDefault && values.flag(flag);
  });
  return {
    paths: {
      procfs: values.text('path.procfs'),
      sysfs: values.text('path.sysfs'),
      rootfs: values.text('path.rootfs'),
      udevData: values.text('path.udev.data'),
    },
    collectorOptions: collectorOptions(values),
    enabled: new Set(enabled.map(({ name }) => name)),
    telemetryPath: values.text('web.telemetry-path'),
    maxRequests: values.number('web.max-requests'),
    exporterMetrics: !values.flag('web.disable-exporter-metrics'),
    version,
    revision,
    goVersion,
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  };
}

/**
 * The machine's files, those of /proc and /sys kept open. Directories of processes come and go, and text
 * files of the textfile collector are replaced by renaming: these are opened each time.
 */
function kernelFiles(paths: ExporterPaths): FileSystem {
  const [procfs, sysfs] = [`${paths.procfs}/`, `${paths.sysfs}/`];
  const isProcess = (path: string): boolean => /^\d/.test(path.slice(procfs.length));
  return createKernelFileSystem({
    keeps: (path) => path.startsWith(sysfs) || (path.startsWith(procfs) && !isProcess(path)),
    isAttribute: (path) => path.startsWith(sysfs),
  });
}

/** The exporter of these flags. @throws RegexpError for a pattern that doesn't compile */
export function createNodeExporter(
  values: FlagValues,
  parts: { readonly clock: Clock; readonly logger: Logger },
): NodeExporter {
  const registry = new Registry({ clock: parts.clock });
  const options = exporterOptions(values);
  const files = kernelFiles(options.paths);
  if (options.exporterMetrics) {
    registerProcessMetrics(registry, files);
    registerRuntimeMetrics(registry, createRuntime());
  }
  const system = createOperatingSystem();
  const network = createNetwork();
  return new NodeExporter(options, { ...parts, files, system, network, registry });
}

/** How to serve an exporter over HTTP. */
export function exporterServerOptions(
  addresses: readonly string[],
  logger: Logger,
  exporter: NodeExporter,
): HttpServerOptions {
  return {
    addresses,
    readTimeoutMs: READ_TIMEOUT_MS,
    connectionsMax: CONNECTIONS_MAX,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    logger,
    handle: (request) => exporter.handle(request),
  };
}

/** @returns the exit code, when stopped */
export async function runNodeExporter(args: readonly string[]): Promise<number> {
  keepHeapSmall();
  const values = readFlags('node_exporter', summary, nodeExporterFlags, args);
  if (typeof values === 'number') return values;
  const logger = loggerFor(values);
  const parts = { clock: createNodeClock(), files: createNodeFileSystem(), logger };
  try {
    logger.info('Starting node_exporter', { version: buildInfo('node_exporter').version });
    warnUnsupported(nodeExporterFlags, values, logger);
    const exporter = createNodeExporter(values, parts);
    const server = await listen(
      exporterServerOptions(values.list('web.listen-address'), logger, exporter),
      listenSettings(values),
    );
    const stopped = new Promise<void>((resolve) => {
      onSignals({ reload: () => undefined, stop: () => resolve() });
    });
    await stopped;
    await server.close(STOP_GRACE_MS);
    return EXIT_OK;
  } catch (error) {
    return cannotStart(error, logger);
  }
}
