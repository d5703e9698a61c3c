// SPDX-License-Identifier: Apache-2.0
// Alerts of the rules to every Alertmanager there is.

import type { Clock, HttpClient, HttpClientOptions, Logger } from '../base/index.ts';
import type { TargetGroup } from '../discovery/index.ts';
import type { OutgoingAlert } from './alert.ts';
import { withExternalLabels } from './alert.ts';
import { AlertmanagerSet } from './alertmanager-set.ts';
import type { NotifierMetrics } from './metrics.ts';
import type { NotifierOptions, SigV4Options } from './options.ts';
import type { RequestSigner } from './send-loop.ts';

export interface NotifierDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NotifierMetrics;
  readonly createHttpClient: (options: HttpClientOptions) => HttpClient;
  /** Signs requests for AWS; `client` is that of the requests. */
  readonly createSigner: (options: SigV4Options, client: HttpClient) => RequestSigner;
  readonly userAgent: string;
  /** `--alertmanager.notification-queue-capacity`: alerts that wait before each Alertmanager. */
  readonly queueCapacity: number;
  /** `--alertmanager.notification-batch-size`. */
  readonly batchSize: number;
  /** `--alertmanager.drain-notification-queue-on-shutdown`. */
  readonly drainOnStop: boolean;
}

const nothing: NotifierOptions = { alertRelabelRules: [], sets: new Map(), externalLabels: {} };

export class Notifier {
  private readonly dependencies: NotifierDependencies;
  private options: NotifierOptions = nothing;
  private readonly sets = new Map<string, AlertmanagerSet>();

  constructor(dependencies: NotifierDependencies) {
    this.dependencies = dependencies;
    dependencies.metrics.queueCapacity.set(dependencies.queueCapacity);
  }

  /** Alertmanagers that alerts go to, and those that relabelling dropped, as URLs. */
  get alertmanagers(): { readonly active: readonly string[]; readonly dropped: readonly string[] } {
    const sets = [...this.sets.values()];
    return {
      active: sets.flatMap(({ urls }) => urls),
      dropped: sets.flatMap(({ dropped }) => [...dropped]),
    };
  }

  /** Takes a new configuration; entries that stay keep their queues. @throws Error of the HTTP client */
  async applyConfig(options: NotifierOptions): Promise<void> {
    const { createHttpClient, createSigner } = this.dependencies;
    this.options = options;
    for (const [key, each] of options.sets) {
      const client = createHttpClient(each.httpClient);
      const { sigv4 } = each;
      const sign = sigv4 === undefined ? undefined : createSigner(sigv4, client);
      const known = this.sets.get(key);
      if (known === undefined)
        this.sets.set(key, new AlertmanagerSet(each, client, sign, this.dependencies));
      else await known.configure(each, client, sign);
    }
    const gone = [...this.sets].filter(([key]) => !options.sets.has(key));
    for (const [key, set] of gone) {
      this.sets.delete(key);
      await set.stop(false);
    }
    this.count();
  }

  /** Takes what discovery found for the entry `key`. */
  async updateTargets(key: string, groups: readonly TargetGroup[]): Promise<void> {
    await this.sets.get(key)?.update(groups);
    this.count();
  }

  private count(): void {
    this.dependencies.metrics.discovered.set(this.alertmanagers.active.length);
  }

  /** Queues alerts for all Alertmanagers; never waits. */
  send(alerts: readonly OutgoingAlert[]): void {
    const { externalLabels, alertRelabelRules } = this.options;
    const own = alerts.flatMap(
      (alert) => withExternalLabels(alert, externalLabels, alertRelabelRules) ?? [],
    );
    if (own.length === 0) return;
    for (const set of this.sets.values()) set.send(own);
  }

  async stop(): Promise<void> {
    const { drainOnStop } = this.dependencies;
    await Promise.all([...this.sets.values()].map((set) => set.stop(drainOnStop)));
    this.sets.clear();
  }
}
