// SPDX-License-Identifier: Apache-2.0
// Discovery feeding the scrape manager.

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { TargetsSource } from '../api/index.ts';
import type { Clock, FileSystem, Logger, Prng } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { DiscoveryMetrics } from '../discovery/index.ts';
import { DiscoveryManager } from '../discovery/index.ts';
import type { Registry } from '../metrics/index.ts';
import { HeapInflater } from '../kernels/index.ts';
import { labelsKey } from '../model/index.ts';
import { createHttpClient, READ_BUFFER_BYTES } from '../platform/index.ts';
import { ScrapeManager } from '../scrape/index.ts';
import { buildInfo } from './build-info.ts';
import { startTimeUse } from './feature-flags.ts';
import type { ServerSettings } from './server-settings.ts';
import type { Storage } from './server-storage.ts';

export interface Scraping {
  readonly targets: TargetsSource;
  /** Takes a new configuration. @throws Error naming the jobs that could not be set up */
  apply(config: Config): void;
  stop(): Promise<void>;
}

export interface ScrapingParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly settings: ServerSettings;
}

/** What is scraped before anything is. */
export const noTargets: TargetsSource = {
  pools: () => [],
  activeTargets: () => new Map(),
  droppedTargets: () => new Map(),
  targetMetadata: () => [],
};

/** Keys the hash of series: a target must not be able to guess it. */
function secretPrng(): Prng {
  const next = (): number => randomBytes(4).readUInt32LE() / 2 ** 32;
  return { next, below: (bound) => Math.floor(next() * bound) };
}

/** One buffer for all connections, in the shared memory, where the bodies go. */
function scrapeReadBuffer({ heap }: Storage): { readBuffer?: Uint8Array } {
  const address = heap.allocate(READ_BUFFER_BYTES);
  if (address === 0) return {};
  return { readBuffer: heap.shared.u8.subarray(address, address + READ_BUFFER_BYTES) };
}

/** Ready to scrape into `storage`; nothing is scraped before the first `apply`. */
export function startScraping(
  parts: ScrapingParts,
  storage: Storage,
  discoveryMetrics: DiscoveryMetrics,
): Scraping {
  const { clock, files, logger, registry, settings } = parts;
  const userAgent = `Prometheus/${buildInfo().version}`;
  const memory = {
    ...scrapeReadBuffer(storage),
    inflater: new HeapInflater(storage.heap),
  };
  const manager = new ScrapeManager({
    appender: storage.appender,
    exemplars: storage.exemplarAppender,
    startTimes: startTimeUse(settings.features),
    heap: storage.heap,
    clock,
    logger,
    registry,
    prng: secretPrng(),
    createHttpClient: (options) => createHttpClient(options, memory),
    userAgent,
    files,
    timestampToleranceMs: settings.timestampToleranceMs,
  });
  const discovery = new DiscoveryManager({
    clock,
    files,
    logger: logger.child({ component: 'discovery manager scrape' }),
    metrics: discoveryMetrics,
    createHttpClient,
    userAgent,
    name: 'scrape',
    onUpdate: (job, groups) => manager.updateTargets(job, groups),
  });
  return {
    targets: manager,
    apply: ({ jobs, global }) => {
      const identity = `${hostname()}\xff${labelsKey(global.externalLabels)}`;
      try {
        manager.applyConfig(
          jobs.map(({ scrape }) => scrape),
          { identity },
        );
      } finally {
        // As upstream: one part that fails does not keep the others from the new configuration.
        discovery.applyConfig(
          new Map(jobs.map(({ scrape, discovery: found }) => [scrape.jobName, found])),
        );
      }
    },
    stop: async () => {
      await discovery.stop();
      await manager.stop();
    },
  };
}
