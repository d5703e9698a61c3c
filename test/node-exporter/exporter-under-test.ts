// SPDX-License-Identifier: Apache-2.0

import { silentLogger } from '../../src/base/index.ts';
import { Registry } from '../../src/metrics/index.ts';
import type {
  CollectorOptions,
  ExporterPaths,
  NodeExporterParts,
} from '../../src/node-exporter/index.ts';
import {
  collectorNames,
  defaultCollectorOptions,
  NodeExporter,
} from '../../src/node-exporter/index.ts';
import {
  createNetwork,
  createNodeClock,
  createNodeFileSystem,
  createOperatingSystem,
} from '../../src/platform/index.ts';

export const machinePaths: ExporterPaths = {
  procfs: '/proc',
  sysfs: '/sys',
  rootfs: '/',
  udevData: '/run/udev/data',
};

/** An exporter on real files, without HTTP. */
export function newExporter(setup: {
  readonly paths?: ExporterPaths;
  /** Names of the collectors; upstream's defaults when left out. */
  readonly only?: readonly string[];
  readonly without?: readonly string[];
  readonly options?: (defaults: CollectorOptions) => CollectorOptions;
  readonly maxRequests?: number;
  readonly withoutOwnMetrics?: boolean;
  /** Parts of the surroundings that are not the machine's. */
  readonly parts?: Partial<NodeExporterParts>;
}): NodeExporter {
  const clock = createNodeClock();
  const byDefault = collectorNames
    .filter(({ enabledByDefault }) => enabledByDefault)
    .map(({ name }) => name);
  const enabled = (setup.only ?? byDefault).filter(
    (name) => setup.without?.includes(name) !== true,
  );
  return new NodeExporter(
    {
      paths: setup.paths ?? machinePaths,
      collectorOptions: (setup.options ?? ((defaults) => defaults))(defaultCollectorOptions()),
      enabled: new Set(enabled),
      telemetryPath: '/metrics',
      maxRequests: setup.maxRequests ?? 40,
      exporterMetrics: setup.withoutOwnMetrics !== true,
      version: '1.12.1',
      revision: 'unknown',
      goVersion: 'unknown',
      architecture: 'amd64',
    },
    {
      files: createNodeFileSystem(),
      clock,
      logger: silentLogger,
      system: createOperatingSystem(),
      network: createNetwork(),
      registry: new Registry({ clock }),
      ...setup.parts,
    },
  );
}

/** One GET of a path with its query. */
export async function scrape(
  exporter: NodeExporter,
  url = '/metrics',
): Promise<{ status: number; page: string }> {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const response = await exporter.handle({
    method: 'GET',
    path: pathname,
    params: searchParams,
    headers: {},
    body: new Uint8Array(),
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  const { body } = response;
  return {
    status: response.status,
    page: typeof body === 'string' ? body : new TextDecoder().decode(body),
  };
}
