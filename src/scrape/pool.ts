// SPDX-License-Identifier: Apache-2.0
// The targets of one job: made from what discovery finds, each with a loop of its own.

import type { HttpClient, HttpClientOptions } from '../base/index.ts';
import type { TargetGroup } from '../discovery/index.ts';
import { formatDuration, type Labels } from '../model/index.ts';
import { StorageError } from '../storage/index.ts';
import { TargetIngest } from './ingest.ts';
import { type LoopContext, ScrapeLoop, type StopMode } from './loop.ts';
import type { MetricMetadata } from './metadata.ts';
import type { ScrapeOptions } from './options.ts';
import { makeTargets, type Target } from './target.ts';
import type { Seed64 } from './target-url.ts';

/** Makes a client; throws an Error when its options cannot work. */
export type HttpClientFactory = (options: HttpClientOptions) => HttpClient;

/** Equal for options that mean the same. Compiled patterns show their source. */
export const optionsKey = (options: ScrapeOptions): string => JSON.stringify(options);

/** The options on which the meaning of a cached series rests. */
const cacheKey = (options: ScrapeOptions): string => {
  const { scrapeIntervalMs, scrapeTimeoutMs, sampleLimit, httpClient, ...others } = options;
  return JSON.stringify(others);
};

export class ScrapePool {
  options: ScrapeOptions;
  /** Label sets that relabelling dropped, at most `keepDroppedTargets` of them. */
  dropped: Labels[] = [];
  droppedCount = 0;
  private readonly context: LoopContext;
  private readonly createHttpClient: HttpClientFactory;
  private client: HttpClient;
  private seed: Seed64;
  private groups: readonly TargetGroup[] = [];
  private readonly loops = new Map<string, ScrapeLoop>();
  /** Loops of gone targets that still have markers to write. */
  private readonly ending = new Set<ScrapeLoop>();

  /** @throws Error from `createHttpClient` */
  constructor(
    context: LoopContext,
    createHttpClient: HttpClientFactory,
    options: ScrapeOptions,
    seed: Seed64,
  ) {
    this.context = context;
    this.createHttpClient = createHttpClient;
    this.options = options;
    this.seed = seed;
    this.client = createHttpClient(options.httpClient);
    this.tellTargetLimit();
  }

  targets(): Target[] {
    return Array.from(this.loops.values(), ({ target }) => target);
  }

  metadata(): { readonly target: Target; readonly metadata: MetricMetadata[] }[] {
    return Array.from(this.loops.values(), ({ target, ingest }) => ({
      target,
      metadata: ingest.metadata.list(),
    }));
  }

  metadataSize(): { entries: number; bytes: number } {
    let entries = 0;
    let bytes = 0;
    for (const { ingest } of this.loops.values()) {
      entries += ingest.metadata.size;
      bytes += ingest.metadata.sizeBytes;
    }
    return { entries, bytes };
  }

  /** Starts loops for new targets, stops those of vanished ones, leaves the others alone. */
  sync(groups: readonly TargetGroup[]): void {
    const { context, options } = this;
    const started = context.clock.monotonicMs();
    this.groups = groups;
    const found = this.makeTargets();
    for (const [key, loop] of this.loops) {
      const target = found.get(key);
      if (target === undefined) this.retire(key, loop);
      else loop.target.discoveredLabels = target.discoveredLabels;
    }
    const fresh: ScrapeLoop[] = [];
    for (const [key, target] of found) {
      if (this.loops.has(key)) continue;
      const loop = this.newLoop(target, undefined);
      if (loop === undefined) continue;
      this.loops.set(key, loop);
      fresh.push(loop);
    }
    this.forceTargetLimit();
    for (const loop of fresh) loop.start(this.seed);
    const { metrics } = context;
    metrics.poolTargets.with(options.jobName).set(this.loops.size);
    metrics.poolSyncs.with(options.jobName).inc();
    const seconds = (context.clock.monotonicMs() - started) / 1000;
    metrics.syncLength.with(options.jobName).observe(seconds);
  }

  /**
   * Takes other options: all loops start anew with them once the scrape under way is done, with their
   * caches where those stay right. Equal options change nothing.
   *
   * @throws Error from `createHttpClient`; the pool then goes on as before
   */
  reload(options: ScrapeOptions, seed: Seed64): void {
    this.seed = seed;
    if (optionsKey(options) === optionsKey(this.options)) return;
    const { metrics, clock } = this.context;
    const started = clock.monotonicMs();
    metrics.poolReloads.inc();
    const sameClient =
      JSON.stringify(options.httpClient) === JSON.stringify(this.options.httpClient);
    const oldClient = this.client;
    try {
      if (!sameClient) this.client = this.createHttpClient(options.httpClient);
    } catch (error) {
      metrics.poolReloadsFailed.inc();
      throw error;
    }
    const keepsCaches = cacheKey(options) === cacheKey(this.options);
    this.options = options;
    this.tellTargetLimit();
    const stopping: Promise<void>[] = [];
    for (const [key, loop] of this.loops) stopping.push(this.restart(key, loop, keepsCaches));
    if (!sameClient) void Promise.all(stopping).then(() => oldClient.close());
    this.forceTargetLimit();
    this.sync(this.groups);
    const seconds = (clock.monotonicMs() - started) / 1000;
    metrics.reloadLength.with(formatDuration(options.scrapeIntervalMs)).observe(seconds);
  }

  /** Ends all loops at once, without staleness markers. */
  async stop(): Promise<void> {
    const all = [...this.loops.values(), ...this.ending].map((loop) => loop.stop('drop'));
    this.loops.clear();
    this.ending.clear();
    await Promise.all(all);
    await this.client.close();
    const { metrics } = this.context;
    const { jobName } = this.options;
    metrics.poolTargets.remove(jobName);
    metrics.poolSyncs.remove(jobName);
    metrics.poolTargetLimit.remove(jobName);
    metrics.syncLength.remove(jobName);
    metrics.syncFailed.remove(jobName);
  }

  /** Targets by key; duplicates collapse, bad ones are logged, dropped ones remembered. */
  private makeTargets(): Map<string, Target> {
    const { context, options } = this;
    const found = new Map<string, Target>();
    this.dropped = [];
    this.droppedCount = 0;
    const failures = context.metrics.syncFailed.with(options.jobName);
    for (const group of this.groups) {
      for (const outcome of makeTargets(group, options)) {
        if (outcome.kind === 'target') {
          found.set(outcome.target.key, outcome.target);
        } else if (outcome.kind === 'invalid') {
          failures.inc();
          context.logger.error('Creating target failed', {
            scrape_pool: options.jobName,
            err: outcome.message,
          });
        } else {
          this.droppedCount++;
          const keeps = options.keepDroppedTargets;
          if (keeps === 0 || this.dropped.length < keeps)
            this.dropped.push(outcome.discoveredLabels);
        }
      }
    }
    return found;
  }

  private newLoop(target: Target, ingest: TargetIngest | undefined): ScrapeLoop | undefined {
    const { context, options } = this;
    try {
      const used = ingest ?? new TargetIngest(context, options, target.labels);
      return new ScrapeLoop(context, options, this.client, target, used);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      context.logger.error('Creating target failed', { scrape_pool: options.jobName, err: error });
      return undefined;
    }
  }

  private retire(key: string, loop: ScrapeLoop): void {
    this.loops.delete(key);
    void this.end(loop, 'mark');
  }

  private end(loop: ScrapeLoop, mode: StopMode): Promise<void> {
    this.ending.add(loop);
    const done = loop.stop(mode);
    void done.then(() => loop.ended).then(() => this.ending.delete(loop));
    return done;
  }

  /** Replaces a loop by one with the current options, which starts when the old one has stopped. */
  private restart(key: string, old: ScrapeLoop, keepsCache: boolean): Promise<void> {
    if (keepsCache) old.ingest.setOptions(this.options);
    const loop = this.newLoop(old.target, keepsCache ? old.ingest : undefined);
    if (loop === undefined) {
      this.loops.delete(key);
      return this.end(old, 'mark');
    }
    this.loops.set(key, loop);
    const done = this.end(old, keepsCache ? 'keep' : 'mark');
    loop.start(this.seed, { loop: old, done });
    return done;
  }

  private tellTargetLimit(): void {
    const { jobName, targetLimit } = this.options;
    this.context.metrics.poolTargetLimit.with(jobName).set(targetLimit);
  }

  private forceTargetLimit(): void {
    const { targetLimit } = this.options;
    const count = this.loops.size;
    const exceeded = targetLimit > 0 && count > targetLimit;
    if (exceeded) this.context.metrics.exceededTargetLimit.inc();
    const error = exceeded
      ? `target_limit exceeded (number of targets: ${count}, limit: ${targetLimit})`
      : '';
    for (const loop of this.loops.values()) loop.setForcedError(error);
  }
}
