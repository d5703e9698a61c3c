// SPDX-License-Identifier: Apache-2.0
// What the Pushgateway's page asks for: ours, beside upstream's /api/v1/status and /api/v1/metrics.

/** One family of a group, without its metrics. */
export interface PushedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Milliseconds since the epoch. */
  readonly pushedMs: number;
  readonly metricCount: number;
}

/** One group, in /api/v1/groups. */
export interface PushedGroup {
  /** Sorted pairs, the job first. */
  readonly labels: readonly (readonly [string, string])[];
  /** Path of the group's push URL below the route prefix, in a form that needs no escaping. */
  readonly path: string;
  /** Milliseconds since the epoch; 0 = never. */
  readonly lastPushMs: number;
  readonly lastFailureMs: number;
  readonly lastPushSuccessful: boolean;
  /** When the group goes away by itself; 0 = never. */
  readonly expiresMs: number;
  readonly families: readonly PushedFamily[];
}

export interface PushedGroups {
  readonly groups: readonly PushedGroup[];
  /** Groups there are; more than are listed when a limit cut the list. */
  readonly total: number;
  /** The server's clock, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether everything may be deleted at once. */
  readonly canWipe: boolean;
}

/** A metric as upstream's API shows it: all numbers are texts. */
export interface PushedMetric {
  readonly labels: Readonly<Record<string, string>>;
  readonly value?: string;
  readonly count?: string;
  readonly sum?: string;
  readonly quantiles?: Readonly<Record<string, string>>;
  /** Classic: upper bound → cumulative count. Native: [boundary kind, lower, upper, count]. */
  readonly buckets?:
    | Readonly<Record<string, string>>
    | readonly (readonly [number, string, string, string])[];
}

/** The metrics of one family of a group, in /api/v1/family. */
export interface PushedMetrics {
  readonly metrics: readonly PushedMetric[];
  readonly total: number;
}

/** /api/v1/status. */
export interface PushgatewayStatus {
  readonly build_information: Readonly<Record<string, string>>;
  readonly flags: Readonly<Record<string, string>>;
  readonly start_time: string;
}
