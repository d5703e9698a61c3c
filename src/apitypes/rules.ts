// SPDX-License-Identifier: Apache-2.0
// /rules and /alerts.

import type { TimeText } from './envelope.ts';

export interface AlertData {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing' | 'inactive';
  readonly activeAt?: TimeText;
  readonly keepFiringSince?: TimeText;
  /** `1e+00`. */
  readonly value: string;
}

interface RuleBase {
  readonly name: string;
  readonly query: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError?: string;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastEvaluation: TimeText;
}

export interface AlertingRuleData extends RuleBase {
  readonly type: 'alerting';
  readonly state: 'unknown' | 'inactive' | 'pending' | 'firing';
  /** Seconds. */
  readonly duration: number;
  /** Seconds. */
  readonly keepFiringFor: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly alerts: readonly AlertData[];
}

export interface RecordingRuleData extends RuleBase {
  readonly type: 'recording';
}

export interface RuleGroupData {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly (AlertingRuleData | RecordingRuleData)[];
  /** Seconds. */
  readonly interval: number;
  readonly limit: number;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastEvaluation: TimeText;
}

export interface RulesData {
  readonly groups: readonly RuleGroupData[];
  readonly groupNextToken?: string;
}

export interface AlertsData {
  readonly alerts: readonly AlertData[];
}
