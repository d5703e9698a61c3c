// SPDX-License-Identifier: Apache-2.0
// alertmanager_http_*: requests by the place that answered them.

import type { Clock, ServerResponse } from '../base/index.ts';
import type { Registry } from '../metrics/index.ts';

const durationBuckets = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 20, 60];
const sizeBuckets = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

const known =
  /^\/(?:metrics|-\/(?:healthy|ready|reload)|api\/v2\/(?:status|receivers|alerts|alerts\/groups|silences))$/;

/** A few names for all paths: whoever asks for a thousand different ones makes no thousand series. */
export function handlerOf(path: string): string {
  if (known.test(path)) return path;
  if (path.startsWith('/api/v2/silence/')) return '/api/v2/silence/{silenceID}';
  if (/^\/api\/v1\/alerts\/[^/]+\/trace$/.test(path)) return '/api/v1/alerts/{fingerprint}/trace';
  if (path === '/api/v1/what-if') return path;
  if (path.startsWith('/api/')) return '/api/';
  return path.startsWith('/assets/') ? '/assets/' : '/';
}

const methods: ReadonlySet<string> = new Set(['get', 'head', 'post', 'put', 'delete', 'options']);

export class AlertmanagerHttpMetrics {
  private readonly clock: Clock;
  private readonly durations;
  private readonly sizes;
  readonly inFlight;
  readonly limited;

  constructor(registry: Registry, clock: Clock) {
    this.clock = clock;
    this.durations = registry.histogramVec(
      'alertmanager_http_request_duration_seconds',
      'Histogram of latencies for HTTP requests.',
      ['handler', 'method', 'code'],
      { buckets: durationBuckets },
    );
    this.sizes = registry.histogramVec(
      'alertmanager_http_response_size_bytes',
      'Histogram of response size for HTTP requests.',
      ['handler', 'method'],
      { buckets: sizeBuckets },
    );
    this.inFlight = registry
      .gaugeVec(
        'alertmanager_http_requests_in_flight',
        'Current number of HTTP requests being processed.',
        ['method'],
      )
      .with('get');
    this.limited = registry
      .counterVec(
        'alertmanager_http_concurrency_limit_exceeded_total',
        'Total number of times an HTTP request failed because the concurrency limit was reached.',
        ['method'],
      )
      .with('get');
  }

  /** Counts one answer; sizes are those before compression. */
  observe(method: string, path: string, startedMs: number, response: ServerResponse): void {
    const handler = handlerOf(path);
    const lower = method.toLowerCase();
    const name = methods.has(lower) ? lower : 'unknown';
    const seconds = (this.clock.monotonicMs() - startedMs) / 1000;
    this.durations.with(handler, name, String(response.status)).observe(seconds);
    this.sizes.with(handler, name).observe(response.body.length);
  }
}
