// SPDX-License-Identifier: Apache-2.0
// From a group that is due to receivers that were told: inhibition, time intervals, silences, then for
// each integration by itself: known already? told, again and again while it fails, noted in the log.

import type { Clock, Logger, Prng } from '../../base/index.ts';
import type { Labels } from '../../model/index.ts';
import type { Alert } from '../alert.ts';
import { isResolved } from '../alert.ts';
import type { Inhibitor } from '../inhibit/inhibitor.ts';
import { labelMap } from '../label-map.ts';
import type { AlertmanagerMetrics } from '../metrics.ts';
import type { LogEntry } from '../nflog/log-entry.ts';
import type { NotificationLog } from '../nflog/notification-log.ts';
import type { Route } from '../route/route.ts';
import type { TimeIntervals } from '../route/time-interval.ts';
import { containing } from '../route/time-interval.ts';
import type { Silences } from '../silence/silences.ts';
import type { StateMetrics } from '../state-metrics.ts';
import type { AlertSuppression, IntegrationTrace, TraceLog } from '../trace/trace.ts';
import { notificationReason } from './deduplicate.ts';
import type { Integration, Notification, NotifyOutcome, Receiver } from './integration.ts';
import { NO_END_MS } from './integration.ts';

export interface PipelineContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly metrics: AlertmanagerMetrics;
  readonly inhibitor: () => Inhibitor;
  readonly silences: Silences;
  readonly log: NotificationLog;
  readonly stateMetrics: Readonly<Record<'silences' | 'nflog', StateMetrics>>;
  readonly traces: TraceLog;
  readonly timeIntervals: TimeIntervals;
  readonly receivers: ReadonlyMap<string, Receiver>;
}

/** A group that is due. */
export interface Flush {
  readonly route: Route;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  /** Sorted. */
  readonly alerts: readonly Alert[];
  readonly nowMs: number;
  /** How long receivers may be tried. */
  readonly timeoutMs: number;
}

const RETRY_FIRST_MS = 500;
const RETRY_FACTOR = 1.5;
const RETRY_MAX_MS = 60_000;

/** What is left of the alerts after inhibition and silences, and what became of the rest. */
interface Filtered {
  readonly alerts: readonly Alert[];
  readonly suppressed: ReadonlyMap<string, AlertSuppression>;
}

/** Written on while an integration is being told. */
type Draft = { -readonly [Key in keyof IntegrationTrace]: IntegrationTrace[Key] };

export class Pipeline {
  private readonly context: PipelineContext;

  constructor(context: PipelineContext) {
    this.context = context;
  }

  /**
   * Tells the route's receiver of a group.
   * @returns whether all went well: only then may resolved alerts be forgotten
   */
  async flush(flush: Flush, signal: AbortSignal): Promise<boolean> {
    const { metrics, timeIntervals, receivers, traces } = this.context;
    const { route, nowMs } = flush;
    const { alerts, suppressed } = this.context.stateMetrics.silences.query(() =>
      this.filter(flush.alerts, nowMs),
    );
    const { activeTimeIntervals, muteTimeIntervals } = route;
    const active = containing(timeIntervals, activeTimeIntervals, nowMs);
    const outsideOf = active.length > 0 ? [] : activeTimeIntervals;
    const muted = containing(timeIntervals, muteTimeIntervals, nowMs);
    if (outsideOf.length > 0) metrics.suppressed.with('active_time_interval').inc(alerts.length);
    else if (muted.length > 0) metrics.suppressed.with('mute_time_interval').inc(alerts.length);
    const isMuted = outsideOf.length > 0 || muted.length > 0;
    const integrations = receivers.get(route.receiver)?.integrations ?? [];
    const tell = isMuted || alerts.length === 0 ? [] : integrations;
    const told = tell.map(({ type, index }): Draft => {
      return { type, index, outcome: 'sending', attempts: 0, durationMs: 0 };
    });
    // Before anybody is told: who asks why sees what is being tried.
    traces.add({
      timeMs: nowMs,
      routeId: route.id,
      groupKey: flush.groupKey,
      receiver: route.receiver,
      alerts: new Map(
        flush.alerts.map((alert) => [
          alert.fingerprint,
          isResolved(alert, nowMs) ? 'resolved' : 'firing',
        ]),
      ),
      suppressed,
      muted,
      outsideOf,
      integrations: told,
    });
    await Promise.all(
      tell.map((integration, i) => this.tell(flush, alerts, integration, told[i] as Draft, signal)),
    );
    return told.every(({ outcome }) => outcome !== 'failed');
  }

  private filter(alerts: readonly Alert[], nowMs: number): Filtered {
    const { silences, metrics } = this.context;
    const inhibitor = this.context.inhibitor();
    const suppressed = new Map<string, AlertSuppression>();
    const free: Alert[] = [];
    for (const alert of alerts) {
      const labels = labelMap(alert.labels);
      const inhibitedBy = inhibitor.inhibitedBy(labels, nowMs);
      const silencedBy = silences.silencing(labels, nowMs);
      if (inhibitedBy.length > 0) metrics.suppressed.with('inhibition').inc();
      else if (silencedBy.length > 0) metrics.suppressed.with('silence').inc();
      if (inhibitedBy.length === 0 && silencedBy.length === 0) free.push(alert);
      else suppressed.set(alert.fingerprint, { inhibitedBy, silencedBy });
    }
    return { alerts: free, suppressed };
  }

  /** Tells one integration if it has to be; what becomes of it is written into `trace`. */
  private async tell(
    flush: Flush,
    alerts: readonly Alert[],
    integration: Integration,
    trace: Draft,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, clock } = this.context;
    const { route, groupKey, nowMs } = flush;
    const { type, index, sendResolved } = integration;
    const started = clock.monotonicMs();
    const resolved = new Set<string>();
    const firing = new Set<string>();
    for (const alert of alerts) (isResolved(alert, nowMs) ? resolved : firing).add(alert.hash);
    const where = { groupKey, receiver: route.receiver, integration: type, index };
    const entry = this.context.stateMetrics.nflog.query(() => log.find(where));
    const { repeatIntervalMs } = route;
    const input = { entry, firing, resolved, sendResolved, repeatIntervalMs, nowMs };
    const reason = notificationReason(input);
    if (reason === undefined) {
      Object.assign(trace, { outcome: 'deduplicated', ...due(entry, route) });
      return;
    }
    trace.reason = reason;
    const told = sendResolved ? alerts : alerts.filter((alert) => !isResolved(alert, nowMs));
    const receiverData = new Map(Object.entries(entry?.receiverData ?? {}));
    if (told.length > 0) {
      const notification: Notification = {
        groupKey,
        groupLabels: flush.groupLabels,
        receiver: route.receiver,
        routeLabels: route.labels,
        reason,
        nowMs,
        alerts: told.map((alert) =>
          isResolved(alert, nowMs) ? alert : { ...alert, endsAtMs: NO_END_MS },
        ),
        receiverData,
      };
      const isTold = await this.deliver(integration, notification, flush, trace, signal);
      trace.durationMs = clock.monotonicMs() - started;
      if (!isTold) {
        trace.outcome = 'failed';
        return;
      }
    }
    this.note(
      {
        ...where,
        firing: [...firing],
        resolved: [...resolved],
        receiverData: Object.fromEntries(receiverData),
      },
      route,
    );
    trace.outcome = told.length > 0 ? 'sent' : 'nothing to send';
    trace.repeatDueMs = nowMs + repeatIntervalMs;
  }

  private note(entry: Omit<LogEntry, 'timestampMs' | 'expiresAtMs'>, route: Route): void {
    const { log, logger } = this.context;
    try {
      log.log(entry, 2 * route.repeatIntervalMs);
    } catch (error) {
      // It was sent; at worst it is sent again after a restart.
      logger.error('Cannot write the notification log', {
        receiver: entry.receiver,
        err: error instanceof Error ? error : new Error(String(error)),
      });
    }
  }

  /** Tries until it works, cannot work, or time is up. @returns whether it worked */
  private async deliver(
    integration: Integration,
    notification: Notification,
    flush: Flush,
    trace: Draft,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, metrics, logger, prng } = this.context;
    const { type } = integration;
    const begun = clock.monotonicMs();
    const deadline = begun + flush.timeoutMs;
    const log = logger.child({
      receiver: notification.receiver,
      integration: `${type}[${integration.index}]`,
    });
    metrics.notifications.with(type).inc();
    let wait = RETRY_FIRST_MS;
    for (let attempts = 1; ; attempts++) {
      const started = clock.monotonicMs();
      trace.attempts = attempts;
      trace.nextAttemptMs = undefined;
      metrics.requests.with(type).inc();
      const outcome = await this.attempt(integration, notification, deadline, signal);
      metrics.latency.with(type).observe((clock.monotonicMs() - started) / 1000);
      if (outcome.ok) {
        if (attempts > 1) log.info('Notify success', { attempts });
        trace.failure = undefined;
        return true;
      }
      trace.failure = { reason: outcome.reason, message: outcome.message };
      trace.durationMs = clock.monotonicMs() - begun;
      metrics.requestsFailed.with(type).inc();
      const pause = wait * (0.5 + prng.next());
      const over = signal.aborted || clock.monotonicMs() + pause >= deadline;
      if (!outcome.retry || over) {
        metrics.failed.with(type, outcome.reason).inc();
        log.error('Notify for alerts failed', {
          group: notification.groupKey,
          num_alerts: notification.alerts.length,
          attempts,
          err: new Error(outcome.message),
        });
        return false;
      }
      log.warn('Notify attempt failed, will retry later', {
        attempts,
        err: new Error(outcome.message),
      });
      trace.nextAttemptMs = clock.now() + pause;
      await this.pause(pause, signal);
      wait = Math.min(RETRY_MAX_MS, wait * RETRY_FACTOR);
    }
  }

  /** One try, cut off at the deadline even where the integration hangs. */
  private async attempt(
    integration: Integration,
    notification: Notification,
    deadline: number,
    signal: AbortSignal,
  ): Promise<NotifyOutcome> {
    const { clock } = this.context;
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    signal.addEventListener('abort', stop);
    let late = (): void => undefined;
    const timeout = new Promise<NotifyOutcome>((resolve) => {
      late = () =>
        resolve({
          ok: false,
          retry: false,
          reason: signal.aborted ? 'contextCanceled' : 'contextDeadlineExceeded',
          message: signal.aborted ? 'context canceled' : 'context deadline exceeded',
        });
      abort.signal.addEventListener('abort', late);
    });
    const timer = clock.setTimer(Math.max(0, deadline - clock.monotonicMs()), stop);
    try {
      return await Promise.race([integration.notify(notification, abort.signal), timeout]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, retry: false, reason: 'other', message };
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', stop);
      abort.signal.removeEventListener('abort', late);
    }
  }

  private pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.context.clock.setTimer(ms, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      const stop = (): void => {
        timer.cancel();
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

const due = (
  entry: LogEntry | undefined,
  route: Route,
): Pick<IntegrationTrace, 'lastNotifiedMs' | 'repeatDueMs'> =>
  entry === undefined
    ? {}
    : {
        lastNotifiedMs: entry.timestampMs,
        repeatDueMs: entry.timestampMs + route.repeatIntervalMs,
      };
