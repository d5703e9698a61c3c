// SPDX-License-Identifier: Apache-2.0

import type { MetricType } from '../exposition/index.ts';
import { METADATA_SCRAPES_KEPT } from './limits.ts';

/** What a target says about one metric family. */
export interface MetricMetadata {
  readonly metric: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
}

interface Entry {
  type: MetricType;
  help: string;
  unit: string;
  /** The last scrape that named the family; for those of the current set, the one that parsed it. */
  lastScrape: number;
}

/**
 * Metadata of one target's families. It is parsed only when the comments of a body change; families of
 * the last parsed set count as named by every scrape since.
 */
export class MetadataStore {
  private readonly entries = new Map<string, Entry>();
  private scrape = 0;
  private parsedAt = 0;

  get size(): number {
    return this.entries.size;
  }

  /** Bytes of texts kept, roughly: lengths of type, help and unit, as upstream counts. */
  get sizeBytes(): number {
    let bytes = 0;
    for (const { type, help, unit } of this.entries.values())
      bytes += type.length + help.length + unit.length;
    return bytes;
  }

  /** A scrape is about to be taken in. */
  beginScrape(): void {
    this.scrape++;
  }

  /** The comments changed: the calls to `set` that follow make the new current set. */
  beginParse(): void {
    for (const entry of this.entries.values())
      if (entry.lastScrape === this.parsedAt) entry.lastScrape = this.scrape - 1;
    this.parsedAt = this.scrape;
  }

  set(metric: string, change: Partial<Omit<MetricMetadata, 'metric'>>): void {
    let entry = this.entries.get(metric);
    if (entry === undefined) {
      entry = { type: 'unknown', help: '', unit: '', lastScrape: this.scrape };
      this.entries.set(metric, entry);
    }
    Object.assign(entry, change);
    entry.lastScrape = this.scrape;
  }

  /** A scrape was taken in whole: families unnamed for long are forgotten. */
  endScrape(): void {
    for (const [metric, { lastScrape }] of this.entries) {
      const current = lastScrape === this.parsedAt;
      if (!current && this.scrape - lastScrape > METADATA_SCRAPES_KEPT) this.entries.delete(metric);
    }
  }

  get(metric: string): MetricMetadata | undefined {
    const entry = this.entries.get(metric);
    return entry && { metric, type: entry.type, help: entry.help, unit: entry.unit };
  }

  list(): MetricMetadata[] {
    return Array.from(this.entries, ([metric, { type, help, unit }]) => ({
      metric,
      type,
      help,
      unit,
    }));
  }
}
