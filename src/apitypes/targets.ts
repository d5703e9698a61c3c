// SPDX-License-Identifier: Apache-2.0
// Answers about what is scraped and what the scraped metrics are.

import type { LabelObject, TimeText } from './envelope.ts';

export type TargetHealth = 'up' | 'down' | 'unknown';

export interface ActiveTarget {
  /** As discovered, before relabelling. */
  readonly discoveredLabels: LabelObject;
  readonly labels: LabelObject;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  /** `scrapeUrl` with localhost replaced by the name under which the server is reached. */
  readonly globalUrl: string;
  /** '' when the last scrape went well. */
  readonly lastError: string;
  readonly lastScrape: TimeText;
  /** Seconds. */
  readonly lastScrapeDuration: number;
  readonly health: TargetHealth;
  /** Duration text such as `15s`. */
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}

export interface DroppedTarget {
  readonly discoveredLabels: LabelObject;
  readonly scrapePool: string;
}

/** /targets */
export interface TargetsData {
  readonly activeTargets: readonly ActiveTarget[];
  readonly droppedTargets: readonly DroppedTarget[];
  /** Scrape pool to the number of all its dropped targets, kept or not. */
  readonly droppedTargetCounts: Readonly<Record<string, number>>;
}

/** /scrape_pools */
export interface ScrapePoolsData {
  readonly scrapePools: readonly string[];
}

export interface MetadataEntry {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** /metadata: metric name to the different metadata seen for it. */
export type MetadataData = Readonly<Record<string, readonly MetadataEntry[]>>;

/** /targets/metadata */
export interface TargetMetadata extends MetadataEntry {
  readonly target: LabelObject;
  /** Left out when the request named the metric. */
  readonly metric?: string;
}

/** /alertmanagers. */
export interface AlertmanagersData {
  readonly activeAlertmanagers: readonly { readonly url: string }[];
  readonly droppedAlertmanagers: readonly { readonly url: string }[];
}
