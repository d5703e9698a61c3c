// SPDX-License-Identifier: Apache-2.0
// An alert as Alertmanager keeps it, and what becomes of two that are the same.

import type { Labels } from '../model/index.ts';
import { alertHash, fingerprint } from './hash.ts';

/** Immutable. Times are milliseconds since the epoch. */
export interface Alert {
  readonly fingerprint: string;
  /** In the notification log. */
  readonly hash: string;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly generatorUrl: string;
  readonly updatedAtMs: number;
  /** The end was not given: it is when we stop to believe in it. */
  readonly timesOut: boolean;
}

export type AlertParts = Omit<Alert, 'fingerprint' | 'hash'>;

/** With the hashes of `known`, and its very labels, when that is an alert of the same labels. */
export const newAlert = (parts: AlertParts, known?: Alert): Alert => ({
  labels: known?.labels ?? parts.labels,
  annotations: parts.annotations,
  startsAtMs: parts.startsAtMs,
  endsAtMs: parts.endsAtMs,
  generatorUrl: parts.generatorUrl,
  updatedAtMs: parts.updatedAtMs,
  timesOut: parts.timesOut,
  fingerprint: known?.fingerprint ?? fingerprint(parts.labels),
  hash: known?.hash ?? alertHash(parts.labels),
});

export const isResolved = (alert: Alert, nowMs: number): boolean => alert.endsAtMs <= nowMs;

/** Joins two alerts of the same labels whose intervals overlap. */
function merge(a: Alert, b: Alert): Alert {
  // The one that was updated later tells the annotations.
  if (b.updatedAtMs < a.updatedAtMs) return merge(b, a);
  const startsAtMs = Math.min(a.startsAtMs, b.startsAtMs);
  let { endsAtMs } = b;
  // A guess never shortens what is known; something explicit does.
  if (b.timesOut && a.endsAtMs > b.endsAtMs && !isResolvedAt(a)) endsAtMs = a.endsAtMs;
  return { ...b, startsAtMs, endsAtMs };
}

/** Whether an alert had ended when it was told of. */
const isResolvedAt = (alert: Alert): boolean => alert.endsAtMs <= alert.updatedAtMs;

const overlap = (a: Alert, b: Alert): boolean =>
  (b.endsAtMs > a.startsAtMs && b.endsAtMs < a.endsAtMs) ||
  (b.startsAtMs > a.startsAtMs && b.startsAtMs < a.endsAtMs) ||
  (a.endsAtMs > b.startsAtMs && a.endsAtMs < b.endsAtMs) ||
  (a.startsAtMs >= b.startsAtMs && a.startsAtMs < b.endsAtMs);

/** What is kept when `alert` arrives and `known` is there. */
export const joined = (known: Alert | undefined, alert: Alert): Alert =>
  known !== undefined && overlap(known, alert) ? merge(known, alert) : alert;
