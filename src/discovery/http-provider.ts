// SPDX-License-Identifier: Apache-2.0
// Targets from an HTTP server, asked at intervals.

import { type HttpClient, HttpError, type HttpResponse, type Timer } from '../base/index.ts';
import type { HttpSdOptions, TargetGroup } from './options.ts';
import {
  emptyGroup,
  type Provider,
  type ProviderContext,
  type ProviderListener,
} from './provider.ts';
import { decodeJsonGroups, TargetGroupError } from './target-groups.ts';

const BODY_BYTES_MAX = 64 * 1024 * 1024;
const jsonType = /^application\/json(?:;\s*charset=(?:"utf-8"|utf-8))?$/i;

/** Upstream takes only 200 with JSON in UTF-8. @throws TargetGroupError */
function decodeAnswer(response: HttpResponse, url: string): TargetGroup[] {
  if (response.status !== 200) {
    const status = `${response.status} ${response.statusText ?? ''}`.trim();
    throw new TargetGroupError(`server returned HTTP status ${status}`);
  }
  const type = response.headers['content-type'] ?? '';
  if (!jsonType.test(type.trim()))
    throw new TargetGroupError(`unsupported content type ${JSON.stringify(type)}`);
  return decodeJsonGroups(new TextDecoder().decode(response.body), url, '__meta_url');
}

/** Asks one URL; an answer that cannot be used changes nothing. */
export class HttpProvider implements Provider {
  private readonly options: HttpSdOptions;
  private readonly context: ProviderContext;
  private readonly client: HttpClient;
  private readonly abort = new AbortController();
  private listener: ProviderListener | undefined;
  private timer: Timer | undefined;
  private groupCount = 0;

  constructor(options: HttpSdOptions, context: ProviderContext) {
    this.options = options;
    this.context = context;
    this.client = context.createHttpClient(options.httpClient);
  }

  start(listener: ProviderListener): void {
    this.listener = listener;
    void this.refresh().finally(() => listener.settled());
  }

  async stop(): Promise<void> {
    this.listener = undefined;
    this.timer?.cancel();
    this.abort.abort();
    await this.client.close();
  }

  /** One round. Sets up the next one whatever comes of it. */
  private async refresh(): Promise<void> {
    const { clock, logger, metrics, config } = this.context;
    const start = clock.monotonicMs();
    // Rounds keep their distance from start to start, as long as an answer does not take longer.
    let groups: TargetGroup[] | undefined;
    try {
      groups = await this.ask();
    } catch (error) {
      if (!(error instanceof HttpError || error instanceof TargetGroupError)) throw error;
      if (!this.listener) return;
      metrics.httpFailures.inc();
      metrics.refreshFailures.with('http', config).inc();
      logger.error('Unable to refresh target groups', { url: this.options.url, err: error });
    }
    if (!this.listener) return;
    const tookMs = clock.monotonicMs() - start;
    metrics.refreshDuration.with('http', config).observe(tookMs / 1000);
    this.timer = clock.setTimer(
      Math.max(0, this.options.refreshIntervalMs - tookMs),
      () => void this.refresh(),
    );
    if (!groups) return;
    const updates = [...groups];
    for (let i = groups.length; i < this.groupCount; i++)
      updates.push(emptyGroup(`${this.options.url}:${i}`));
    this.groupCount = groups.length;
    this.listener.update(updates);
  }

  private async ask(): Promise<TargetGroup[]> {
    const { url, refreshIntervalMs } = this.options;
    const response = await this.client.request({
      method: 'GET',
      url,
      headers: {
        'user-agent': this.context.userAgent,
        accept: 'application/json',
        'x-prometheus-refresh-interval-seconds': String(refreshIntervalMs / 1000),
      },
      timeoutMs: refreshIntervalMs,
      bodyLimitBytes: BODY_BYTES_MAX,
      signal: this.abort.signal,
    });
    return decodeAnswer(response, url);
  }
}
