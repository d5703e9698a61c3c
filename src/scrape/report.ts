// SPDX-License-Identifier: Apache-2.0
// The series that a scrape writes about itself: `up` and `scrape_*`.

import type { Labels } from '../model/index.ts';
import type { Appender } from '../storage/index.ts';
import { reportLabels } from './sample-labels.ts';
import type { ScrapeBatch } from './scrape-batch.ts';

const standard = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;
const extra = ['scrape_timeout_seconds', 'scrape_sample_limit', 'scrape_body_size_bytes'] as const;

type ReportName = (typeof standard)[number] | (typeof extra)[number];

/** One value for each report series. */
export type ReportValues = Readonly<Record<ReportName, number>>;

/** Report series of one target. */
export class ReportSeries {
  private readonly appender: Appender;
  private readonly labels: Labels;
  private readonly refs = new Map<ReportName, number>();

  constructor(appender: Appender, targetLabels: Labels) {
    this.appender = appender;
    this.labels = targetLabels;
  }

  /** Adds the report to `batch`; without `values`, staleness markers. */
  add(batch: ScrapeBatch, timeMs: number, values: ReportValues | undefined, extras: boolean): void {
    for (const name of extras ? [...standard, ...extra] : standard) {
      const ref = this.ref(name);
      if (values === undefined) batch.addStale(ref, timeMs);
      else batch.add(ref, timeMs, values[name]);
    }
  }

  /** The refs are resolved anew at the next report. */
  forget(): void {
    this.refs.clear();
  }

  private ref(name: ReportName): number {
    let ref = this.refs.get(name);
    if (ref === undefined) {
      ref = this.appender.seriesRef(reportLabels(name, this.labels));
      if (ref !== 0) this.refs.set(name, ref);
    }
    return ref;
  }
}
