// SPDX-License-Identifier: Apache-2.0
// prometheus_http_*: every request by the route that answered it.

import type { Clock, ServerResponse } from '../base/index.ts';
import type { Registry } from '../metrics/index.ts';

const durationBuckets = [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120];
const sizeBuckets = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export class HttpMetrics {
  private readonly requests;
  private readonly durations;
  private readonly sizes;
  private readonly clock: Clock;

  constructor(registry: Registry, clock: Clock) {
    this.clock = clock;
    this.requests = registry.counterVec(
      'prometheus_http_requests_total',
      'Counter of HTTP requests.',
      ['handler', 'code'],
    );
    this.durations = registry.histogramVec(
      'prometheus_http_request_duration_seconds',
      'Histogram of latencies for HTTP requests.',
      ['handler'],
      { buckets: durationBuckets },
    );
    this.sizes = registry.histogramVec(
      'prometheus_http_response_size_bytes',
      'Histogram of response size for HTTP requests.',
      ['handler'],
      { buckets: sizeBuckets },
    );
  }

  /** Shows a route before its first request. */
  announce(handler: string): void {
    this.requests.with(handler, '200');
  }

  /** Counts one answer; sizes are those before compression. */
  observe(handler: string, startedMs: number, response: ServerResponse): void {
    this.requests.with(handler, String(response.status)).inc();
    this.durations.with(handler).observe((this.clock.monotonicMs() - startedMs) / 1000);
    this.sizes.with(handler).observe(response.body.length);
  }
}
