// SPDX-License-Identifier: Apache-2.0
// The queue before one Alertmanager: bounded, oldest dropped first, sent in batches.

import type { Clock, HttpClient, Logger } from '../base/index.ts';
import type { OutgoingAlert } from './alert.ts';
import { alertsBody } from './alert.ts';
import type { NotifierMetrics } from './metrics.ts';

export interface SendLoopContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NotifierMetrics;
  readonly userAgent: string;
  readonly queueCapacity: number;
  readonly batchSize: number;
}

/** The headers to send with a request, a signature among them. */
export type RequestSigner = (
  request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  },
  signal: AbortSignal,
) => Promise<Readonly<Record<string, string>>>;

/** What a set has for its requests now: a reload may change it. */
export interface Sending {
  readonly client: HttpClient;
  readonly timeoutMs: number;
  readonly sign: RequestSigner | undefined;
}

const RESPONSE_LIMIT_BYTES = 1 << 20;

export class SendLoop {
  readonly url: string;
  private readonly context: SendLoopContext;
  private readonly sending: () => Sending;
  private readonly logger: Logger;
  private queue: OutgoingAlert[] = [];
  private running: Promise<void> | undefined;
  private stopped = false;
  private readonly abort = new AbortController();

  /** @param sending asked for each request */
  constructor(url: string, sending: () => Sending, context: SendLoopContext) {
    this.url = url;
    this.sending = sending;
    this.context = context;
    this.logger = context.logger.child({ alertmanager: url });
    const { metrics } = context;
    for (const vec of [metrics.errors, metrics.sent, metrics.dropped]) vec.with(url);
    metrics.queueLength.with(url).set(0);
  }

  add(alerts: readonly OutgoingAlert[]): void {
    if (this.stopped || alerts.length === 0) return;
    const { queueCapacity, metrics } = this.context;
    this.queue = this.queue.concat(alerts);
    const excess = this.queue.length - queueCapacity;
    if (excess > 0) {
      this.queue = this.queue.slice(excess);
      metrics.dropped.with(this.url).inc(excess);
      this.logger.warn('Alert notification queue full, dropping alerts', { count: excess });
    }
    this.tellLength();
    this.running ??= this.run();
  }

  private tellLength(): void {
    this.context.metrics.queueLength.with(this.url).set(this.queue.length);
  }

  private async run(): Promise<void> {
    // One turn later: what arrives in the same turn goes out together.
    await Promise.resolve();
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, this.context.batchSize);
      this.queue = this.queue.slice(batch.length);
      this.tellLength();
      await this.send(batch);
    }
    this.running = undefined;
  }

  private async send(batch: readonly OutgoingAlert[]): Promise<void> {
    const { clock, metrics, userAgent } = this.context;
    const started = clock.monotonicMs();
    const { url } = this;
    metrics.sent.with(url).inc(batch.length);
    try {
      const { client, timeoutMs, sign } = this.sending();
      const { signal } = this.abort;
      const body = alertsBody(batch);
      const plain = { 'content-type': 'application/json' };
      const headers =
        sign === undefined
          ? plain
          : await sign({ method: 'POST', url, headers: plain, body }, signal);
      const { status, statusText } = await client.request({
        method: 'POST',
        url,
        headers: { ...headers, 'user-agent': userAgent },
        body,
        timeoutMs,
        signal,
        bodyLimitBytes: RESPONSE_LIMIT_BYTES,
      });
      if (status < 200 || status > 299)
        throw new Error(`bad response status ${status} ${statusText ?? ''}`.trimEnd());
    } catch (error) {
      metrics.errors.with(url).inc(batch.length);
      metrics.dropped.with(url).inc(batch.length);
      this.logger.error('Error sending alerts', {
        count: batch.length,
        err: error instanceof Error ? error : new Error(String(error)),
      });
    }
    metrics.latency.with(url).observe((clock.monotonicMs() - started) / 1000);
  }

  /** `drain`: what is queued is still sent. Resolves when nothing is on its way any more. */
  async stop(drain: boolean): Promise<void> {
    this.stopped = true;
    if (!drain) {
      if (this.queue.length > 0) {
        this.context.metrics.dropped.with(this.url).inc(this.queue.length);
        this.logger.warn('Alerts remain in the queue and are dropped', {
          count: this.queue.length,
        });
      }
      this.queue = [];
      this.abort.abort();
    }
    await this.running;
    const { metrics } = this.context;
    for (const vec of [metrics.errors, metrics.sent, metrics.dropped]) vec.remove(this.url);
    metrics.queueLength.remove(this.url);
    metrics.latency.remove(this.url);
  }
}
