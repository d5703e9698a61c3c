// SPDX-License-Identifier: Apache-2.0
// What a rule file says, with all defaults filled in. `config/` reads the files.

export interface RecordingRuleOptions {
  readonly kind: 'recording';
  /** Name of the recorded series. */
  readonly name: string;
  readonly expression: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface AlertingRuleOptions {
  readonly kind: 'alerting';
  /** Becomes the label `alertname`. */
  readonly name: string;
  readonly expression: string;
  /** `for`: how long an alert is pending before it fires. */
  readonly holdMs: number;
  readonly keepFiringMs: number;
  /** Templates. */
  readonly labels: Readonly<Record<string, string>>;
  /** Templates. */
  readonly annotations: Readonly<Record<string, string>>;
}

export type RuleOptions = RecordingRuleOptions | AlertingRuleOptions;

export interface RuleGroupOptions {
  /** Unique in its file. */
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  /** Rules are evaluated this long in the past. */
  readonly queryOffsetMs: number;
  /** Series or alerts that one rule may give; 0 = any number. */
  readonly limit: number;
  readonly rules: readonly RuleOptions[];
}

/** The same group in another reading of the files. */
export const groupKey = (group: { readonly file: string; readonly name: string }): string =>
  `${group.file};${group.name}`;
