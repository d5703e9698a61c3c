// SPDX-License-Identifier: Apache-2.0

import type { Clock, FileSystem, HttpClient, HttpClientOptions, Logger } from '../base/index.ts';
import type { DiscoveryMetrics } from './metrics.ts';
import type { TargetGroup } from './options.ts';

/** What providers work with. */
export interface ProviderContext {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly metrics: DiscoveryMetrics;
  readonly createHttpClient: (options: HttpClientOptions) => HttpClient;
  readonly userAgent: string;
  /** The job it works for, as the metrics' `config`. */
  readonly config: string;
}

/** What a provider tells its manager. */
export interface ProviderListener {
  /** The groups whose sources are named here are new or changed; without targets: gone. */
  update(groups: readonly TargetGroup[]): void;
  /** The first attempt is over, whether it found anything or not. */
  settled(): void;
}

/** Finds targets by one mechanism until it is stopped. */
export interface Provider {
  start(listener: ProviderListener): void;
  stop(): Promise<void>;
}

/** A group that takes back what an earlier one with this source said. */
export const emptyGroup = (source: string): TargetGroup => ({ source, targets: [], labels: [] });
