// SPDX-License-Identifier: Apache-2.0
// "Why was I (not) paged?": the decisions of each flush, kept for a bounded time.

import type { Inhibition } from '../inhibit/inhibitor.ts';
import type { FailureReason, NotificationReason } from '../notify/integration.ts';

/** What happened to one integration in a flush; the pipeline writes on while it is being told. */
export interface IntegrationTrace {
  readonly type: string;
  readonly index: number;
  readonly outcome: /** A try is under way, or the next one is waited for. */
    | 'sending'
    | 'sent'
    | 'failed'
    /** The receiver knows already. */
    | 'deduplicated'
    /** Only resolved alerts, and the integration does not want them. */
    | 'nothing to send';
  /** Why it was (or should have been) sent. */
  readonly reason?: NotificationReason;
  readonly attempts: number;
  readonly durationMs: number;
  /** Of the last try. */
  readonly failure?: { readonly reason: FailureReason; readonly message: string } | undefined;
  /** When the next try is due, between two. */
  readonly nextAttemptMs?: number | undefined;
  /** When the receiver was told last, for deduplicated ones. */
  readonly lastNotifiedMs?: number;
  /** When it will be told again if nothing changes. */
  readonly repeatDueMs?: number;
}

/** What kept one alert out of a flush; absent: it took part. */
export interface AlertSuppression {
  readonly inhibitedBy: readonly Inhibition[];
  readonly silencedBy: readonly string[];
}

export interface FlushTrace {
  readonly timeMs: number;
  readonly routeId: string;
  readonly groupKey: string;
  readonly receiver: string;
  /** Every alert of the group, with its state at the flush. */
  readonly alerts: ReadonlyMap<string, 'firing' | 'resolved'>;
  readonly suppressed: ReadonlyMap<string, AlertSuppression>;
  /** The whole flush was muted by these time intervals, or for being outside of these. */
  readonly muted: readonly string[];
  readonly outsideOf: readonly string[];
  readonly integrations: readonly IntegrationTrace[];
}

/** Flushes kept for one group. */
const FLUSHES_PER_GROUP = 20;
const GROUPS_MAX = 10_000;

function sameEntries<Value>(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** The last flushes of every group; the groups that were quiet longest go first. */
export class TraceLog {
  private readonly groups = new Map<string, FlushTrace[]>();

  add(trace: FlushTrace): void {
    const key = `${trace.routeId}\xff${trace.groupKey}`;
    const flushes = this.groups.get(key) ?? [];
    const last = flushes.at(-1)?.alerts;
    // Most flushes see the alerts of the one before: ten thousand of them are not kept twenty times.
    const alerts = last !== undefined && sameEntries(last, trace.alerts) ? last : trace.alerts;
    flushes.push({ ...trace, alerts });
    if (flushes.length > FLUSHES_PER_GROUP) flushes.shift();
    this.groups.delete(key);
    this.groups.set(key, flushes);
    if (this.groups.size <= GROUPS_MAX) return;
    const oldest = this.groups.keys().next();
    if (oldest.done !== true) this.groups.delete(oldest.value);
  }

  /** The flushes that had this alert in their group, newest first. */
  of(fingerprint: string): FlushTrace[] {
    const found: FlushTrace[] = [];
    for (const flushes of this.groups.values())
      for (const flush of flushes) if (flush.alerts.has(fingerprint)) found.push(flush);
    return found.sort((a, b) => b.timeMs - a.timeMs);
  }
}
