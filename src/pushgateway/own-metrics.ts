// SPDX-License-Identifier: Apache-2.0
// The gateway's metrics about itself, under upstream's names, and some of ours.

import type { Registry } from '../metrics/index.ts';

export interface BuildLabels {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly goVersion: string;
  readonly architecture: string;
}

const quantiles = { quantiles: [0.1, 0.5, 0.9] };

export class GatewayMetrics {
  private readonly requests;
  private readonly pushSize;
  private readonly pushDuration;
  private readonly scrapes;
  private scrapesInFlight = 0;

  constructor(registry: Registry, build: BuildLabels, counts: { groups(): number }) {
    this.requests = registry.counterVec(
      'pushgateway_http_requests_total',
      'Total HTTP requests processed by the Pushgateway, excluding scrapes.',
      ['handler', 'code', 'method'],
    );
    this.pushSize = registry.summaryVec(
      'pushgateway_http_push_size_bytes',
      'HTTP request size for pushes to the Pushgateway.',
      ['method'],
      quantiles,
    );
    this.pushDuration = registry.summaryVec(
      'pushgateway_http_push_duration_seconds',
      'HTTP request duration for pushes to the Pushgateway.',
      ['method'],
      quantiles,
    );
    registry.gaugeFunction(
      'pushgateway_build_info',
      "A metric with a constant '1' value labeled by version, revision, branch, goversion from which pushgateway was built, and the goos and goarch for the build.",
      () => 1,
      {
        branch: build.branch,
        goarch: build.architecture,
        goos: 'linux',
        goversion: build.goVersion,
        revision: build.revision,
        tags: 'unknown',
        version: build.version,
      },
    );
    registry.gaugeFunction('hearth_pushgateway_groups', 'Groups of pushed metrics.', counts.groups);
    this.scrapes = registry.counterVec(
      'promhttp_metric_handler_requests_total',
      'Total number of scrapes by HTTP status code.',
      ['code'],
    );
    for (const code of ['200', '500', '503']) this.scrapes.with(code);
    registry.gaugeFunction(
      'promhttp_metric_handler_requests_in_flight',
      'Current number of scrapes being served.',
      () => this.scrapesInFlight,
    );
  }

  answered(handler: string, code: number, method: string): void {
    this.requests.with(handler, String(code), method.toLowerCase()).inc();
  }

  pushed(method: string, sizeBytes: number, seconds: number): void {
    const label = method.toLowerCase();
    this.pushSize.with(label).observe(sizeBytes);
    this.pushDuration.with(label).observe(seconds);
  }

  /** Runs one scrape. */
  scraped<Result>(scrape: () => Result): Result {
    this.scrapesInFlight++;
    try {
      const result = scrape();
      this.scrapes.with('200').inc();
      return result;
    } catch (error) {
      this.scrapes.with('500').inc();
      throw error;
    } finally {
      this.scrapesInFlight--;
    }
  }
}
