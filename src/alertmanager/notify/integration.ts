// SPDX-License-Identifier: Apache-2.0
// What a way of telling people must do.

import type { Labels } from '../../model/index.ts';
import type { Alert } from '../alert.ts';
import type { ReceiverValue } from '../nflog/log-entry.ts';

export type NotificationReason =
  | 'first notification'
  | 'new alerts added'
  | 'some alerts resolved'
  | 'all alerts resolved'
  | 'repeat interval elapsed';

export type FailureReason =
  | 'other'
  | 'clientError'
  | 'serverError'
  | 'authError'
  | 'rateLimited'
  | 'contextCanceled'
  | 'contextDeadlineExceeded';

export const failureReasons: readonly FailureReason[] = [
  'other',
  'clientError',
  'serverError',
  'authError',
  'rateLimited',
  'contextCanceled',
  'contextDeadlineExceeded',
];

/** One group of alerts on its way to one integration. */
export interface Notification {
  readonly groupKey: string;
  readonly groupLabels: Labels;
  readonly receiver: string;
  readonly routeLabels: Readonly<Record<string, string>>;
  readonly reason: NotificationReason;
  readonly nowMs: number;
  /** Sorted; `endsAtMs` of those that still fire is {@link NO_END_MS}. At least one. */
  readonly alerts: readonly Alert[];
  /** What this integration remembered after the last notification of the group; it may change it. */
  readonly receiverData: Map<string, ReceiverValue>;
}

/** Go's zero time: an alert that has not ended. */
export const NO_END_MS = -62_135_596_800_000;

export type NotifyOutcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** Worth trying again within this flush. */
      readonly retry: boolean;
      readonly reason: FailureReason;
      readonly message: string;
    };

export interface Integration {
  /** `webhook`, `email`, …: as in metrics and in the notification log. */
  readonly type: string;
  /** Its place among the receiver's integrations of that type. */
  readonly index: number;
  readonly sendResolved: boolean;
  /** Tells of the alerts. Never throws. */
  notify(notification: Notification, signal: AbortSignal): Promise<NotifyOutcome>;
}

export interface Receiver {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly integrations: readonly Integration[];
}
