// SPDX-License-Identifier: Apache-2.0
// Alertmanager's API as its page reads it: upstream's v2, and ours that say why. Times are RFC 3339.

type Texts = Readonly<Record<string, string>>;

export interface ShownAlert {
  readonly fingerprint: string;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly updatedAt: string;
  readonly generatorURL?: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly status: {
    readonly state: 'unprocessed' | 'active' | 'suppressed';
    readonly silencedBy: readonly string[];
    readonly inhibitedBy: readonly string[];
    readonly mutedBy: readonly string[];
  };
}

/** One of /api/v2/alerts/groups. */
export interface ShownAlertGroup {
  readonly labels: Texts;
  readonly receiver: { readonly name: string };
  readonly alerts: readonly ShownAlert[];
}

export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

export interface PostedSilence {
  readonly id?: string;
  readonly matchers: readonly SilenceMatcher[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations?: Texts;
}

export interface ShownSilence extends PostedSilence {
  readonly id: string;
  readonly status: { readonly state: 'active' | 'pending' | 'expired' };
  readonly updatedAt: string;
}

export interface AlertmanagerStatus {
  readonly cluster: {
    readonly name?: string;
    readonly status: string;
    readonly peers: readonly { readonly name: string; readonly address: string }[];
  };
  readonly config: { readonly original: string };
  /** When it was started. */
  readonly uptime: string;
  readonly versionInfo: Texts;
}

/** A node of the routing tree and what became of the alert there. */
export interface RouteDecision {
  readonly matchers: readonly string[];
  readonly receiver: string;
  readonly outcome: 'taken' | 'passed on' | 'not matched' | 'not reached';
  /** The matcher that failed. */
  readonly failed?: string;
  readonly routes: readonly RouteDecision[];
}

export interface InhibitedBy {
  readonly rule: number;
  readonly ruleName: string;
  /** Fingerprint of the alert that inhibits. */
  readonly source: string;
}

export interface IntegrationNow {
  readonly type: string;
  readonly index: number;
  readonly sendResolved: boolean;
  /** Why it would be told; absent: it knows already. */
  readonly wouldSend?: string;
  readonly lastNotified?: string;
  readonly repeatDue?: string;
}

export interface AlertDestination {
  readonly receiver: string;
  readonly groupLabels: Texts;
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly mutedBy: readonly string[];
  readonly outsideOf: readonly string[];
  readonly integrations: readonly IntegrationNow[];
}

/** What becomes of an alert at a moment: the answer of /api/v1/what-if. */
export interface AlertExplanation {
  readonly time: string;
  readonly route: RouteDecision;
  readonly inhibitedBy: readonly InhibitedBy[];
  readonly silencedBy: readonly string[];
  readonly destinations: readonly AlertDestination[];
  readonly notifies: boolean;
}

export interface FlushedIntegration {
  readonly type: string;
  readonly index: number;
  /** `sending`: being tried now, or again at `nextAttempt`. */
  readonly outcome: 'sending' | 'sent' | 'failed' | 'deduplicated' | 'nothing to send';
  readonly reason?: string;
  readonly attempts: number;
  readonly durationMs: number;
  readonly failure?: { readonly reason: string; readonly message: string };
  readonly nextAttempt?: string;
  readonly lastNotified?: string;
  readonly repeatDue?: string;
}

/** One flush of a group that had the alert. */
export interface AlertFlush {
  readonly time: string;
  readonly groupKey: string;
  readonly receiver: string;
  readonly state: 'firing' | 'resolved';
  readonly inhibitedBy: readonly InhibitedBy[];
  readonly silencedBy: readonly string[];
  readonly mutedBy: readonly string[];
  readonly outsideOf: readonly string[];
  readonly integrations: readonly FlushedIntegration[];
}

/** /api/v1/alerts/<fingerprint>/trace */
export interface AlertTrace {
  readonly fingerprint: string;
  /** Absent when the alert itself is gone. */
  readonly labels?: Texts;
  readonly now?: AlertExplanation;
  readonly groups: readonly {
    readonly groupKey: string;
    readonly receiver: string;
    readonly nextFlush: string;
  }[];
  readonly flushes: readonly AlertFlush[];
}
