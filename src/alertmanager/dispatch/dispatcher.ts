// SPDX-License-Identifier: Apache-2.0
// Alerts into groups, groups to the pipeline at their times.

import type { Clock, Logger, Timer } from '../../base/index.ts';
import { compareText, type Labels, labelsKey } from '../../model/index.ts';
import type { Alert } from '../alert.ts';
import { isResolved } from '../alert.ts';
import { labelMap } from '../label-map.ts';
import type { AlertmanagerMetrics } from '../metrics.ts';
import type { Pipeline } from '../notify/pipeline.ts';
import { groupKeyOf, type Route } from '../route/route.ts';

/** A flush may take at least this long. */
const FLUSH_TIMEOUT_MIN_MS = 10_000;

export interface DispatcherContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AlertmanagerMetrics;
  readonly pipeline: Pipeline;
}

/** Fewer labels first; then by the first name in which they differ, one that is missing first. */
function compareLabelSets(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): number {
  if (a.size !== b.size) return a.size - b.size;
  for (const name of [...new Set([...a.keys(), ...b.keys()])].sort(compareText)) {
    const mine = a.get(name);
    const theirs = b.get(name);
    if (mine === undefined) return -1;
    if (theirs === undefined) return 1;
    const order = compareText(mine, theirs);
    if (order !== 0) return order;
  }
  return 0;
}

/** Alerts by job, then by instance (those without come last), then by all labels. */
function compareAlerts(first: Alert, second: Alert): number {
  const a = labelMap(first.labels);
  const b = labelMap(second.labels);
  for (const name of ['job', 'instance']) {
    const mine = a.get(name);
    const theirs = b.get(name);
    if (mine === theirs) continue;
    if (mine === undefined) return 1;
    if (theirs === undefined) return -1;
    return compareText(mine, theirs);
  }
  return compareLabelSets(a, b);
}

/** Alerts of one route that are told of together. */
export class AggregationGroup {
  readonly route: Route;
  readonly labels: Labels;
  readonly key: string;
  readonly alerts = new Map<string, Alert>();
  nextFlushMs = 0;
  private readonly context: DispatcherContext;
  private readonly onEmpty: () => void;
  private readonly abort = new AbortController();
  private timer: Timer | undefined;
  private flushing = false;
  private flushed = false;

  constructor(route: Route, labels: Labels, context: DispatcherContext, onEmpty: () => void) {
    this.route = route;
    this.labels = labels;
    this.key = groupKeyOf(route, labels);
    this.context = context;
    this.onEmpty = onEmpty;
    this.schedule(route.groupWaitMs);
  }

  private schedule(delayMs: number): void {
    const { clock } = this.context;
    this.timer?.cancel();
    this.nextFlushMs = clock.now() + delayMs;
    this.timer = clock.setTimer(delayMs, () => void this.flush());
  }

  insert(alert: Alert): void {
    this.alerts.set(alert.fingerprint, alert);
    // Before the first flush only: what waited elsewhere long enough does not wait again.
    const waited = alert.startsAtMs + this.route.groupWaitMs < this.context.clock.now();
    if (!this.flushed && !this.flushing && waited) this.schedule(0);
  }

  private async flush(): Promise<void> {
    const { clock, pipeline, logger } = this.context;
    const nowMs = clock.now();
    const started = clock.monotonicMs();
    const { groupIntervalMs } = this.route;
    this.flushing = true;
    this.nextFlushMs = nowMs + groupIntervalMs;
    const alerts = [...this.alerts.values()].sort(compareAlerts);
    let ok = false;
    try {
      ok = await pipeline.flush(
        {
          route: this.route,
          groupKey: this.key,
          groupLabels: this.labels,
          alerts,
          nowMs,
          timeoutMs: Math.max(FLUSH_TIMEOUT_MIN_MS, groupIntervalMs),
        },
        this.abort.signal,
      );
    } catch (error) {
      logger.error('Flushing a group failed', {
        group: this.key,
        err: error instanceof Error ? error : new Error(String(error)),
      });
    }
    this.flushing = false;
    this.flushed = true;
    if (this.abort.signal.aborted) return;
    if (ok) this.forgetResolved(alerts, nowMs);
    if (this.alerts.size === 0) {
      this.stop();
      this.onEmpty();
    } else {
      // By the monotonic clock: the wall clock may have been set back by hours meanwhile.
      this.schedule(Math.max(0, groupIntervalMs - (clock.monotonicMs() - started)));
    }
  }

  /** What was resolved when it was told of, and has not been heard of since. */
  private forgetResolved(told: readonly Alert[], nowMs: number): void {
    for (const alert of told) {
      const now = this.alerts.get(alert.fingerprint);
      if (isResolved(alert, nowMs) && now?.updatedAtMs === alert.updatedAtMs)
        this.alerts.delete(alert.fingerprint);
    }
  }

  stop(): void {
    this.timer?.cancel();
    this.abort.abort();
  }
}

/** One routing tree's groups. A reload makes a new dispatcher and stops this one. */
export class Dispatcher {
  readonly route: Route;
  private readonly context: DispatcherContext;
  private readonly byRoute = new Map<Route, Map<string, AggregationGroup>>();
  private stopped = false;

  constructor(route: Route, context: DispatcherContext) {
    this.route = route;
    this.context = context;
  }

  /** All groups, in no order. */
  *groups(): Generator<AggregationGroup> {
    for (const groups of this.byRoute.values()) yield* groups.values();
  }

  /** Routes an alert to its groups. */
  dispatch(alert: Alert): void {
    if (this.stopped) return;
    const { clock, metrics } = this.context;
    const started = clock.monotonicMs();
    for (const route of this.route.match(labelMap(alert.labels))) this.insert(route, alert);
    metrics.processing.observe((clock.monotonicMs() - started) / 1000);
  }

  private insert(route: Route, alert: Alert): void {
    let groups = this.byRoute.get(route);
    if (groups === undefined) {
      groups = new Map();
      this.byRoute.set(route, groups);
    }
    const labels = route.groupLabels(alert.labels);
    const key = labelsKey(labels);
    let group = groups.get(key);
    if (group === undefined) {
      // An alert that is over makes no group: nobody was told of it.
      if (isResolved(alert, this.context.clock.now())) return;
      const own = groups;
      group = new AggregationGroup(route, labels, this.context, () => {
        own.delete(key);
        this.context.metrics.groups.dec();
      });
      groups.set(key, group);
      this.context.metrics.groups.inc();
    }
    group.insert(alert);
  }

  stop(): void {
    this.stopped = true;
    for (const group of this.groups()) group.stop();
    for (const groups of this.byRoute.values()) this.context.metrics.groups.dec(groups.size);
    this.byRoute.clear();
  }
}
