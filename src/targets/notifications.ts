// SPDX-License-Identifier: Apache-2.0
// What whoever looks at the pages should know of the server, upstream's texts.

import type { Notification } from '../api/index.ts';
import type { Clock } from '../base/index.ts';
import type { Registry } from '../metrics/index.ts';

export const notificationTexts = {
  reloadFailed: 'Configuration reload has failed.',
  starting: 'Prometheus is starting and replaying the write-ahead log (WAL).',
  stopping: 'Prometheus is shutting down and gracefully stopping all operations.',
} as const;

/** Hears of each change; false when it could not take it. */
type Listener = (notification: Notification) => boolean;

/** The notifications that hold now, each with the time since when, and who wants to hear of changes. */
export class Notifications {
  private readonly since = new Map<string, number>();
  private readonly clock: Pick<Clock, 'now'>;
  private readonly subscribersMax: number;
  private readonly subscribers = new Set<Listener>();
  private readonly sent;
  private readonly dropped;

  constructor(clock: Pick<Clock, 'now'>, registry: Registry, subscribersMax: number) {
    this.clock = clock;
    this.subscribersMax = subscribersMax;
    registry.gaugeFunction(
      'prometheus_api_notification_active_subscribers',
      'The current number of active notification subscribers.',
      () => this.subscribers.size,
    );
    this.sent = registry.counter(
      'prometheus_api_notification_updates_sent_total',
      'Total number of notification updates sent.',
    );
    this.dropped = registry.counter(
      'prometheus_api_notification_updates_dropped_total',
      'Total number of notification updates dropped.',
    );
  }

  /** Begins or ends one; the time of one that holds already stays. */
  set(kind: keyof typeof notificationTexts, holds: boolean): void {
    const text = notificationTexts[kind];
    const since = this.since.get(text);
    if (holds === (since !== undefined)) return;
    const ms = since ?? this.clock.now();
    if (holds) this.since.set(text, ms);
    else this.since.delete(text);
    for (const listener of this.subscribers) this.tell(listener, text, ms, holds);
  }

  /** The oldest first. */
  list(): Notification[] {
    return [...this.since].map(([text, ms]) => notificationOf(text, ms, true));
  }

  /**
   * Tells `listener` what holds, then every change: one that has ended is no longer active.
   * @returns a function that ends it; undefined when there are too many subscribers
   */
  subscribe(listener: Listener): (() => void) | undefined {
    if (this.subscribers.size >= this.subscribersMax) return undefined;
    this.subscribers.add(listener);
    for (const [text, ms] of this.since) this.tell(listener, text, ms, true);
    return () => void this.subscribers.delete(listener);
  }

  private tell(listener: Listener, text: string, ms: number, active: boolean): void {
    const isTaken = listener(notificationOf(text, ms, active));
    (isTaken ? this.sent : this.dropped).inc();
  }
}

const notificationOf = (text: string, ms: number, active: boolean): Notification => ({
  text,
  date: new Date(ms).toISOString(),
  active,
});
