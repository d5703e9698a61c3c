// SPDX-License-Identifier: Apache-2.0
// What whoever looks at the pages should know of the server, upstream's texts.

import type { Notification } from '../api/index.ts';
import type { Clock } from '../base/index.ts';

export const notificationTexts = {
  reloadFailed: 'Configuration reload has failed.',
  starting: 'Prometheus is starting and replaying the write-ahead log (WAL).',
  stopping: 'Prometheus is shutting down and gracefully stopping all operations.',
} as const;

/** The notifications that hold now, each with the time since when. */
export class Notifications {
  private readonly since = new Map<string, number>();
  private readonly clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.clock = clock;
  }

  /** Begins or ends one; the time of one that holds already stays. */
  set(kind: keyof typeof notificationTexts, holds: boolean): void {
    const text = notificationTexts[kind];
    if (!holds) this.since.delete(text);
    else if (!this.since.has(text)) this.since.set(text, this.clock.now());
  }

  /** The oldest first. */
  list(): Notification[] {
    return [...this.since].map(([text, ms]) => ({
      text,
      date: new Date(ms).toISOString(),
      active: true,
    }));
  }
}
