// SPDX-License-Identifier: Apache-2.0
// Runs the discovery of all jobs and passes on what it finds, not more often than need be.

import type {
  Clock,
  FileSystem,
  HttpClient,
  HttpClientOptions,
  Logger,
  Timer,
} from '../base/index.ts';
import { FileProvider } from './file-provider.ts';
import { HttpProvider } from './http-provider.ts';
import type { DiscoveryMetrics } from './metrics.ts';
import type { SdConfigs, TargetGroup } from './options.ts';
import type { Provider, ProviderContext } from './provider.ts';
import { StaticProvider } from './static-provider.ts';

/** Between two updates of one job, doubled while changes keep coming. */
const UPDATE_INTERVAL_MIN_MS = 100;
const UPDATE_INTERVAL_MAX_MS = 5000;
/** A job whose discovery changed waits this long for first answers, to not drop targets in between. */
const SETTLE_MAX_MS = 5000;

export interface DiscoveryDependencies {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly metrics: DiscoveryMetrics;
  readonly createHttpClient: (options: HttpClientOptions) => HttpClient;
  /** Sent by HTTP discovery: `Prometheus/3.14.0`. */
  readonly userAgent: string;
  /** The `name` in metrics: `scrape` or `notify`. */
  readonly name: string;
  /**
   * Everything known about one job now: groups of all its providers, none without targets. Called
   * after each `applyConfig` and after changes; never from within `applyConfig` for a removed job.
   */
  readonly onUpdate: (job: string, groups: readonly TargetGroup[]) => void;
}

/** A running provider, shared by all jobs that ask for exactly the same. */
interface Running {
  readonly provider: Provider;
  readonly groups: Map<string, TargetGroup>;
  readonly jobs: Set<string>;
  settled: boolean;
}

/** One job's side of it. */
interface JobState {
  running: readonly Running[];
  /** Pending update. */
  timer: Timer | undefined;
  /** Bound on waiting for first answers. */
  settleTimer: Timer | undefined;
  waits: boolean;
  intervalMs: number;
  lastUpdateMs: number;
}

interface Wanted {
  readonly key: string;
  readonly create: (context: ProviderContext) => Provider;
}

/** The providers a job asks for. Equal keys mean equal providers. */
function wantedProviders(configs: SdConfigs): Wanted[] {
  const wanted: Wanted[] = [];
  if (configs.staticConfigs.length > 0) {
    const { staticConfigs } = configs;
    const key = `static ${JSON.stringify(staticConfigs)}`;
    wanted.push({ key, create: () => new StaticProvider(staticConfigs) });
  }
  for (const options of configs.fileSdConfigs) {
    const key = `file ${JSON.stringify(options)}`;
    wanted.push({ key, create: (context) => new FileProvider(options, context) });
  }
  for (const options of configs.httpSdConfigs) {
    const key = `http ${JSON.stringify(options)}`;
    wanted.push({ key, create: (context) => new HttpProvider(options, context) });
  }
  return wanted;
}

/**
 * Jobs ask for targets, providers find them. Equal requests of several jobs share one provider. Changes
 * are passed on job by job: at once after a quiet time, else at growing intervals up to five seconds.
 */
export class DiscoveryManager {
  private readonly dependencies: DiscoveryDependencies;
  private running = new Map<string, Running>();
  private readonly jobs = new Map<string, JobState>();

  constructor(dependencies: DiscoveryDependencies) {
    this.dependencies = dependencies;
    dependencies.metrics.failedConfigs.with(dependencies.name).set(0);
  }

  /**
   * Makes `configs` (job → its discovery) the whole of what runs. Providers whose settings did not
   * change go on undisturbed. A job whose targets are known at once is updated before this returns.
   */
  applyConfig(configs: ReadonlyMap<string, SdConfigs>): void {
    const next = new Map<string, Running>();
    const started: Running[] = [];
    for (const running of this.running.values()) running.jobs.clear();
    for (const job of this.jobs.keys()) if (!configs.has(job)) this.forget(job);
    for (const [job, jobConfigs] of configs) {
      const own = wantedProviders(jobConfigs).map(({ key, create }) => {
        const known = next.get(key) ?? this.running.get(key);
        const running = known ?? this.create(create, job);
        if (!known) started.push(running);
        running.jobs.add(job);
        next.set(key, running);
        return running;
      });
      this.jobState(job).running = own;
    }
    for (const [key, running] of this.running) if (!next.has(key)) void this.retire(running);
    this.running = next;
    for (const running of started) this.begin(running);
    for (const [job, state] of this.jobs) this.updateNowOrWait(job, state);
  }

  /** Ends all discovery. */
  async stop(): Promise<void> {
    for (const job of this.jobs.keys()) this.forget(job);
    const all = [...this.running.values()];
    this.running.clear();
    await Promise.all(all.map(({ provider }) => provider.stop()));
  }

  private create(create: Wanted['create'], job: string): Running {
    const { clock, files, logger, metrics, createHttpClient, userAgent } = this.dependencies;
    const context: ProviderContext = {
      clock,
      files,
      metrics,
      createHttpClient,
      userAgent,
      config: job,
      logger: logger.child({ config: job }),
    };
    return { provider: create(context), groups: new Map(), jobs: new Set(), settled: false };
  }

  /** From here on the provider reports by itself, static ones at once. */
  private begin(running: Running): void {
    const { metrics, name } = this.dependencies;
    running.provider.start({
      update: (groups) => {
        metrics.receivedUpdates.with(name).inc();
        for (const group of groups) {
          if (group.targets.length > 0) running.groups.set(group.source, group);
          else running.groups.delete(group.source);
        }
        for (const job of running.jobs) this.changed(job);
      },
      settled: () => {
        running.settled = true;
        for (const job of running.jobs) this.changed(job);
      },
    });
  }

  private async retire(running: Running): Promise<void> {
    try {
      await running.provider.stop();
    } catch (error) {
      const err = error instanceof Error ? error : new Error(String(error));
      this.dependencies.logger.warn('cannot stop service discovery cleanly', { err });
    }
  }

  private jobState(job: string): JobState {
    const known = this.jobs.get(job);
    if (known) return known;
    const state: JobState = {
      running: [],
      timer: undefined,
      settleTimer: undefined,
      waits: true,
      intervalMs: UPDATE_INTERVAL_MIN_MS,
      lastUpdateMs: -Infinity,
    };
    this.jobs.set(job, state);
    return state;
  }

  private forget(job: string): void {
    const state = this.jobs.get(job);
    state?.timer?.cancel();
    state?.settleTimer?.cancel();
    this.jobs.delete(job);
    this.dependencies.metrics.discoveredTargets.remove(this.dependencies.name, job);
  }

  /** Tells what is known, unless a provider of the job is new and has not answered yet. */
  private updateNowOrWait(job: string, state: JobState): void {
    state.settleTimer?.cancel();
    state.waits = !state.running.every(({ settled }) => settled);
    if (!state.waits) {
      this.update(job, state);
      return;
    }
    state.settleTimer = this.dependencies.clock.setTimer(SETTLE_MAX_MS, () => {
      if (!state.waits) return;
      state.waits = false;
      this.update(job, state);
    });
  }

  /** Something about a job changed: an update follows soon, together with what changes until then. */
  private changed(job: string): void {
    const state = this.jobs.get(job);
    if (!state) return;
    const isFirst = state.waits;
    if (isFirst) {
      if (!state.running.every(({ settled }) => settled)) return;
      state.waits = false;
      state.settleTimer?.cancel();
    }
    if (state.timer) return;
    const { clock, metrics, name } = this.dependencies;
    const sinceMs = clock.monotonicMs() - state.lastUpdateMs;
    // Quiet for a while: back to the shortest interval.
    if (sinceMs > 2 * state.intervalMs) state.intervalMs = UPDATE_INTERVAL_MIN_MS;
    const delayMs = isFirst ? 0 : Math.max(0, state.intervalMs - sinceMs);
    if (delayMs > 0) {
      metrics.delayedUpdates.with(name).inc();
      state.intervalMs = Math.min(2 * state.intervalMs, UPDATE_INTERVAL_MAX_MS);
    }
    state.timer = clock.setTimer(delayMs, () => this.update(job, state));
  }

  private update(job: string, state: JobState): void {
    const { clock, metrics, name, onUpdate } = this.dependencies;
    state.timer?.cancel();
    state.timer = undefined;
    state.lastUpdateMs = clock.monotonicMs();
    const groups: TargetGroup[] = [];
    let targets = 0;
    for (const running of state.running) {
      for (const group of running.groups.values()) {
        groups.push(group);
        targets += group.targets.length;
      }
    }
    metrics.discoveredTargets.with(name, job).set(targets);
    metrics.sentUpdates.with(name).inc();
    metrics.lastUpdate.with(name).set(clock.now() / 1000);
    onUpdate(job, groups);
  }
}
