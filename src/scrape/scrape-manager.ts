// SPDX-License-Identifier: Apache-2.0
// All scraping of a server: a pool for each job, fed with options by the configuration and with targets by
// discovery; and what the API wants to know of it.

import type { Clock, FileSystem, Logger, Prng, Timer } from '../base/index.ts';
import type { TargetGroup } from '../discovery/index.ts';
import { bytesKernel, type ScanKernel, type SharedHeap, scanKernel } from '../kernels/index.ts';
import type { MetricFamily, Registry } from '../metrics/index.ts';
import { formatDuration, type Labels } from '../model/index.ts';
import type { Appender, ExemplarAppender } from '../storage/index.ts';
import { FailureLogs } from './failure-log.ts';
import { allocateLineLists } from './ingest-context.ts';
import type { LoopContext } from './loop.ts';
import type { MetricMetadata } from './metadata.ts';
import { createScrapeMetrics } from './metrics.ts';
import type { ScrapeOptions } from './options.ts';
import { type HttpClientFactory, ScrapePool } from './pool.ts';
import type { StartTimeUse } from './start-times.ts';
import type { Target, TargetHealth } from './target.ts';
import { fnv1a64, type Seed64 } from './target-url.ts';

/** Changes of a job's targets are applied at once when the last ones are this old, else after it. */
const TARGETS_THROTTLE_MS = 5000;
const TIMESTAMP_TOLERANCE_MS = 2;

export interface ScrapeManagerOptions {
  /** Its batches must be in the memory of `heap`. */
  readonly appender: Appender;
  readonly heap: SharedHeap;
  /** What is done with start times; without it they are not read. */
  readonly startTimes?: StartTimeUse | undefined;
  /** Where exemplars go; without it they are left where they are. */
  readonly exemplars?: ExemplarAppender | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly prng: Prng;
  readonly createHttpClient: HttpClientFactory;
  /** `Prometheus/<version>`. */
  readonly userAgent: string;
  /** For `scrape_failure_log_file`; without it those logs are not written. */
  readonly files?: FileSystem;
  /** The compiled one unless given. */
  readonly kernel?: ScanKernel;
  /** `--scrape.timestamp-tolerance`; 0 stores all timestamps as they are. 2 unless given. */
  readonly timestampToleranceMs?: number;
}

/** Things that concern all jobs. */
export interface ScrapeGlobals {
  /**
   * What tells this server from others that scrape the same targets: host name and external labels. Moves
   * its scrapes to another place in the interval.
   */
  readonly identity: string;
}

/** A target as `/api/v1/targets` shows it. */
export interface TargetStatus {
  readonly discoveredLabels: Labels;
  readonly labels: Labels;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly lastError: string;
  /** Milliseconds since the epoch; undefined before the first scrape. */
  readonly lastScrapeMs: number | undefined;
  readonly lastScrapeDurationSeconds: number;
  readonly health: TargetHealth;
  /** Durations as the field writes them. */
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}

/** Targets that relabelling dropped. */
export interface DroppedTargets {
  /** At most `keep_dropped_targets` of them. */
  readonly discoveredLabels: readonly Labels[];
  /** All of them. */
  readonly count: number;
}

/** What one target says about its families. */
export interface TargetMetadata {
  readonly scrapePool: string;
  readonly labels: Labels;
  readonly metadata: readonly MetricMetadata[];
}

interface PendingTargets {
  groups: readonly TargetGroup[];
  appliedMs: number | undefined;
  timer: Timer | undefined;
}

export class ScrapeManager {
  private readonly context: LoopContext;
  private readonly createHttpClient: HttpClientFactory;
  private readonly poolsByName = new Map<string, ScrapePool>();
  private readonly pending = new Map<string, PendingTargets>();
  private seed: Seed64 = fnv1a64('');
  private stopped = false;

  /** @throws StorageError when the shared memory is exhausted */
  constructor(options: ScrapeManagerOptions) {
    const { heap, prng, clock, files, registry } = options;
    const logger = options.logger.child({ component: 'scrape manager' });
    const word = (): number => prng.below(4294967296);
    this.createHttpClient = options.createHttpClient;
    this.context = {
      appender: options.appender,
      exemplars: options.exemplars,
      startTimes: options.startTimes,
      heap,
      clock,
      logger,
      kernel: options.kernel ?? scanKernel(heap.shared),
      bytes: bytesKernel(heap.shared),
      hashKey: [word(), word(), word(), word()],
      metrics: createScrapeMetrics(registry),
      userAgent: options.userAgent,
      failureLogs: files && new FailureLogs(files, clock, logger),
      timestampToleranceMs: options.timestampToleranceMs ?? TIMESTAMP_TOLERANCE_MS,
      ...allocateLineLists(heap),
    };
    registry.collector(() => this.metadataFamilies());
  }

  /**
   * Takes the jobs of a configuration: pools that are not in it stop, changed ones restart their loops,
   * unchanged ones go on untouched. A job that cannot be set up does not keep the others from it.
   *
   * @throws Error that names the jobs whose HTTP client could not be made
   */
  applyConfig(jobs: readonly ScrapeOptions[], globals: ScrapeGlobals): void {
    this.seed = fnv1a64(globals.identity);
    const wanted = new Set(jobs.map(({ jobName }) => jobName));
    for (const [name, pool] of this.poolsByName) {
      if (wanted.has(name)) continue;
      this.poolsByName.delete(name);
      this.forgetTargets(name);
      void pool.stop();
    }
    const failures: string[] = [];
    for (const job of jobs) {
      try {
        this.applyJob(job);
      } catch (error) {
        const err = error instanceof Error ? error : new Error(String(error));
        this.context.logger.error('error creating new scrape pool', {
          scrape_pool: job.jobName,
          err,
        });
        failures.push(`${job.jobName}: ${err.message}`);
      }
    }
    this.context.failureLogs?.keepOnly(new Set(jobs.map((job) => job.scrapeFailureLogFile)));
    if (failures.length > 0) throw new Error(`cannot set up scrape jobs: ${failures.join('; ')}`);
  }

  /**
   * All targets that discovery now knows for a job. The first call takes effect at once, later ones at most
   * every 5 s. Targets of unknown jobs wait for their configuration.
   */
  updateTargets(jobName: string, groups: readonly TargetGroup[]): void {
    if (this.stopped) return;
    const { clock } = this.context;
    let pending = this.pending.get(jobName);
    if (pending === undefined) {
      pending = { groups, appliedMs: undefined, timer: undefined };
      this.pending.set(jobName, pending);
    }
    pending.groups = groups;
    if (pending.timer !== undefined) return;
    const since =
      pending.appliedMs === undefined ? Infinity : clock.monotonicMs() - pending.appliedMs;
    if (since >= TARGETS_THROTTLE_MS) this.applyTargets(jobName);
    else
      pending.timer = clock.setTimer(TARGETS_THROTTLE_MS - since, () => this.applyTargets(jobName));
  }

  /** Ends all scraping, without staleness markers: a restarted server goes on where this one was. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const name of [...this.pending.keys()]) this.forgetTargets(name);
    const pools = [...this.poolsByName.values()];
    this.poolsByName.clear();
    await Promise.all(pools.map((pool) => pool.stop()));
    this.context.failureLogs?.keepOnly(new Set());
  }

  /** Names of the pools, sorted. */
  pools(): string[] {
    return [...this.poolsByName.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Active targets by pool, sorted by pool name. */
  activeTargets(): Map<string, TargetStatus[]> {
    return this.byPool((pool, name) => pool.targets().map((target) => statusOf(target, name)));
  }

  droppedTargets(): Map<string, DroppedTargets> {
    return this.byPool(({ dropped, droppedCount }) => ({
      discoveredLabels: dropped,
      count: droppedCount,
    }));
  }

  /** Metadata of every active target, in the order of pools and targets. */
  targetMetadata(): TargetMetadata[] {
    const all: TargetMetadata[] = [];
    for (const [scrapePool, targets] of this.byPool((pool) => pool.metadata())) {
      for (const { target, metadata } of targets)
        all.push({ scrapePool, labels: target.labels, metadata });
    }
    return all;
  }

  private byPool<Value>(read: (pool: ScrapePool, name: string) => Value): Map<string, Value> {
    const values = new Map<string, Value>();
    for (const name of this.pools()) {
      const pool = this.poolsByName.get(name);
      if (pool !== undefined) values.set(name, read(pool, name));
    }
    return values;
  }

  private applyJob(job: ScrapeOptions): void {
    const { metrics } = this.context;
    const existing = this.poolsByName.get(job.jobName);
    if (existing !== undefined) {
      existing.reload(job, this.seed);
      return;
    }
    metrics.pools.inc();
    try {
      const pool = new ScrapePool(this.context, this.createHttpClient, job, this.seed);
      this.poolsByName.set(job.jobName, pool);
    } catch (error) {
      metrics.poolsFailed.inc();
      throw error;
    }
    if (this.pending.has(job.jobName)) this.applyTargets(job.jobName);
  }

  private applyTargets(jobName: string): void {
    const pending = this.pending.get(jobName);
    const pool = this.poolsByName.get(jobName);
    if (pending === undefined) return;
    pending.timer?.cancel();
    pending.timer = undefined;
    if (pool === undefined) return;
    pending.appliedMs = this.context.clock.monotonicMs();
    pool.sync(pending.groups);
  }

  private forgetTargets(jobName: string): void {
    this.pending.get(jobName)?.timer?.cancel();
    this.pending.delete(jobName);
  }

  private metadataFamilies(): MetricFamily[] {
    const sizes = [...this.byPool((pool) => pool.metadataSize())];
    const family = (name: string, help: string, value: (of: (typeof sizes)[number]) => number) => ({
      name,
      help,
      type: 'gauge' as const,
      metrics: sizes.map((size) => ({ labels: ['scrape_job', size[0]], value: value(size) })),
    });
    return [
      family(
        'prometheus_target_metadata_cache_entries',
        'Total number of metric metadata entries in the cache',
        ([, { entries }]) => entries,
      ),
      family(
        'prometheus_target_metadata_cache_bytes',
        'The number of bytes that are currently used for storing metric metadata in the cache',
        ([, { bytes }]) => bytes,
      ),
    ];
  }
}

function statusOf(target: Target, scrapePool: string): TargetStatus {
  return {
    discoveredLabels: target.discoveredLabels,
    labels: target.labels,
    scrapePool,
    scrapeUrl: target.url,
    lastError: target.lastError,
    lastScrapeMs: target.lastScrapeMs,
    lastScrapeDurationSeconds: target.lastScrapeDurationSeconds,
    health: target.health,
    scrapeInterval: formatDuration(target.intervalMs),
    scrapeTimeout: formatDuration(target.timeoutMs),
  };
}
