// SPDX-License-Identifier: Apache-2.0
// What rules ask of whoever runs queries: the worker pool, or a test.

import type { Histogram, Labels } from '../model/index.ts';
import type { QueryStatistics } from '../promql/index.ts';

/** The templates of an alerting rule, expanded where the query runs so that `query` works in them. */
export interface AlertTemplates {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
}

export interface RuleQuery {
  readonly expression: string;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Expand these for each element; undefined for recording rules. */
  readonly alert: AlertTemplates | undefined;
  /** Whose rule it is, for the query log. */
  readonly group?: { readonly file: string; readonly name: string };
}

/** One element of the answer. */
export interface RuleSample {
  /** As the query gave them, or, for an alert, the alert's own with `alertname`. */
  readonly labels: Labels;
  readonly value: number;
  readonly histogram?: Histogram | undefined;
  /** Of an alert. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleAnswer {
  readonly samples: readonly RuleSample[];
  /** Templates that failed; the alert carries the message in their place. */
  readonly templateErrors: readonly string[];
  /** Of the rule's own query. */
  readonly stats?: QueryStatistics;
}

/** The last sample of a series in a window. */
export interface LastSample {
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number;
}

export interface RuleEvaluator {
  /** Runs an instant query. @throws Error with upstream's message */
  evaluate(query: RuleQuery): Promise<RuleAnswer>;
  /**
   * The newest sample of each series that `selector` matches, no older than `windowMs` before `timeMs`.
   * @throws Error
   */
  lastSamples(selector: string, timeMs: number, windowMs: number): Promise<readonly LastSample[]>;
}
