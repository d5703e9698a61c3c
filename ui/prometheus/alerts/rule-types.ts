// SPDX-License-Identifier: Apache-2.0
// Shapes of /rules as the pages read them.

import type { LabelObject, TimeText } from '../../../src/apitypes/index.ts';

export type AlertState = 'firing' | 'pending' | 'inactive' | 'unknown';

export interface Alert {
  readonly labels: LabelObject;
  readonly annotations: LabelObject;
  readonly state: AlertState;
  readonly activeAt: TimeText;
  readonly keepFiringSince?: TimeText;
  readonly value: string;
}

interface RuleBase {
  readonly name: string;
  readonly query: string;
  readonly labels?: LabelObject;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastEvaluation: TimeText;
}

export interface AlertingRule extends RuleBase {
  readonly type: 'alerting';
  readonly state: AlertState;
  /** Seconds. */
  readonly duration: number;
  readonly keepFiringFor: number;
  readonly annotations?: LabelObject;
  readonly alerts?: readonly Alert[];
}

export interface RecordingRule extends RuleBase {
  readonly type: 'recording';
}

export type Rule = AlertingRule | RecordingRule;

export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly Rule[];
  /** Seconds. */
  readonly interval: number;
  readonly evaluationTime: number;
  readonly lastEvaluation: TimeText;
}

export interface RuleGroups {
  readonly groups: readonly RuleGroup[];
}
