// SPDX-License-Identifier: Apache-2.0
// Whether a receiver has to be told, given what it was told last.

import type { LogEntry } from '../nflog/log-entry.ts';
import type { NotificationReason } from './integration.ts';

export interface DeduplicationInput {
  readonly entry: Pick<LogEntry, 'firing' | 'resolved' | 'timestampMs'> | undefined;
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
  readonly sendResolved: boolean;
  readonly repeatIntervalMs: number;
  readonly nowMs: number;
}

const isSubset = (part: ReadonlySet<string>, whole: readonly string[]): boolean => {
  const set = new Set(whole);
  for (const each of part) if (!set.has(each)) return false;
  return true;
};

/** Why the receiver is to be told now; undefined: it knows. */
export function notificationReason(input: DeduplicationInput): NotificationReason | undefined {
  const { entry, firing, resolved, sendResolved, repeatIntervalMs, nowMs } = input;
  // What came and went unnoticed needs no word.
  if (entry === undefined) return firing.size > 0 ? 'first notification' : undefined;
  if (!isSubset(firing, entry.firing)) return 'new alerts added';
  // Also without send_resolved, so that the log forgets what fired.
  if (firing.size === 0) return entry.firing.length > 0 ? 'all alerts resolved' : undefined;
  if (sendResolved && !isSubset(resolved, entry.resolved)) return 'some alerts resolved';
  return entry.timestampMs < nowMs - repeatIntervalMs ? 'repeat interval elapsed' : undefined;
}
