// SPDX-License-Identifier: Apache-2.0
// The states of a rule's alerts: inactive -> pending -> firing, and back.

import type { Labels } from '../model/index.ts';
import { labelsFrom, labelsKey } from '../model/index.ts';
import type { AlertTemplates, LastSample, RuleEvaluator } from './evaluator.ts';
import type { AlertingRuleOptions } from './options.ts';
import type { OutputSample } from './output.ts';

export type AlertState = 'inactive' | 'pending' | 'firing';

/** How long a resolved alert is remembered, so that the resolution reaches every Alertmanager. */
export const RESOLVED_RETENTION_MS = 15 * 60_000;

const ALERTS = 'ALERTS';
const ALERTS_FOR_STATE = 'ALERTS_FOR_STATE';

/** One alert. Times are milliseconds since the epoch; undefined: not (yet). */
export interface Alert {
  readonly labels: Labels;
  annotations: Readonly<Record<string, string>>;
  state: AlertState;
  value: number;
  activeAtMs: number;
  firedAtMs: number | undefined;
  resolvedAtMs: number | undefined;
  keepFiringSinceMs: number | undefined;
  lastSentAtMs: number | undefined;
  /** When Alertmanager may take it as resolved, if nothing more is heard. */
  validUntilMs: number | undefined;
}

/** A rule's outcome that makes the whole rule fail. */
export class RuleError extends Error {
  override name = 'RuleError';
}

export interface RestoreWindow {
  /** `--rules.alert.for-outage-tolerance`. */
  readonly outageToleranceMs: number;
  /** `--rules.alert.for-grace-period`. */
  readonly gracePeriodMs: number;
}

/** One alerting rule with its alerts. */
export class AlertingRule {
  readonly options: AlertingRuleOptions;
  /** By label set. */
  active = new Map<string, Alert>();
  /** Whether the state before the last start has been looked for; nothing is written before. */
  restored = false;

  constructor(options: AlertingRuleOptions) {
    this.options = options;
  }

  /** The rule's state is that of its most advanced alert. */
  get state(): AlertState {
    let state: AlertState = 'inactive';
    for (const alert of this.active.values()) {
      if (alert.state === 'firing') return 'firing';
      if (alert.state === 'pending') state = 'pending';
    }
    return state;
  }

  /** Pending and firing alerts. */
  get activeAlerts(): readonly Alert[] {
    return [...this.active.values()].filter((alert) => alert.resolvedAtMs === undefined);
  }

  /**
   * Evaluates the rule and moves its alerts on.
   *
   * @param evaluatedMs time of the query; `nowMs` of the evaluation (they differ by the query offset)
   * @param expanded told how many labels and annotations were expanded, and of each that failed why
   * @returns the series ALERTS and ALERTS_FOR_STATE
   * @throws RuleError
   */
  async evaluate(
    evaluator: RuleEvaluator,
    nowMs: number,
    queryOffsetMs: number,
    limit: number,
    templates: Omit<AlertTemplates, 'name' | 'labels' | 'annotations'>,
    expanded: (texts: number, failures: readonly string[]) => void,
  ): Promise<readonly OutputSample[]> {
    const { name, labels, annotations, expression } = this.options;
    const timeMs = nowMs - queryOffsetMs;
    const alert = { ...templates, name, labels, annotations };
    const answer = await evaluator.evaluate({ expression, timeMs, alert });
    // Upstream counts a text without a template too.
    const texts = Object.keys(labels).length + Object.keys(annotations).length;
    expanded(answer.samples.length * texts, answer.templateErrors);
    const found = new Set<string>();
    for (const sample of answer.samples) {
      const key = labelsKey(sample.labels);
      if (found.has(key)) {
        throw new RuleError(
          'vector contains metrics with the same labelset after applying alert labels',
        );
      }
      found.add(key);
      this.take(key, sample.labels, sample.annotations ?? {}, sample.value, nowMs);
    }
    return this.advance(found, nowMs, queryOffsetMs, limit);
  }

  private take(
    key: string,
    labels: Labels,
    annotations: Readonly<Record<string, string>>,
    value: number,
    nowMs: number,
  ): void {
    const known = this.active.get(key);
    if (known !== undefined && known.state !== 'inactive') {
      known.value = value;
      known.annotations = annotations;
      return;
    }
    this.active.set(key, {
      labels,
      annotations,
      state: 'pending',
      value,
      activeAtMs: nowMs,
      firedAtMs: undefined,
      resolvedAtMs: undefined,
      keepFiringSinceMs: undefined,
      lastSentAtMs: undefined,
      validUntilMs: undefined,
    });
  }

  private advance(
    found: ReadonlySet<string>,
    nowMs: number,
    queryOffsetMs: number,
    limit: number,
  ): OutputSample[] {
    const output: OutputSample[] = [];
    let count = 0;
    for (const [key, alert] of this.active) {
      if (found.has(key)) alert.keepFiringSinceMs = undefined;
      else if (!this.outlives(key, alert, nowMs)) continue;
      count++;
      if (alert.state === 'pending' && nowMs - alert.activeAtMs >= this.options.holdMs) {
        alert.state = 'firing';
        alert.firedAtMs = nowMs;
      }
      if (this.restored) this.write(alert, nowMs - queryOffsetMs, output);
    }
    if (limit > 0 && count > limit) {
      this.active.clear();
      throw new RuleError(`exceeded limit of ${limit} with ${count} alerts`);
    }
    return output;
  }

  /** What becomes of an alert whose series is gone; true while it goes on firing. */
  private outlives(key: string, alert: Alert, nowMs: number): boolean {
    const { keepFiringMs } = this.options;
    let keeps = false;
    if (alert.state === 'firing' && keepFiringMs > 0) {
      alert.keepFiringSinceMs ??= nowMs;
      keeps = nowMs - alert.keepFiringSinceMs < keepFiringMs;
    }
    const forgotten =
      alert.resolvedAtMs !== undefined && nowMs - alert.resolvedAtMs > RESOLVED_RETENTION_MS;
    if (alert.state === 'pending' || forgotten) this.active.delete(key);
    if (alert.state !== 'inactive' && !keeps) {
      alert.state = 'inactive';
      alert.resolvedAtMs = nowMs;
    }
    return keeps;
  }

  private write(alert: Alert, timeMs: number, output: OutputSample[]): void {
    const pairs = Object.fromEntries(alert.labels.map(({ name, value }) => [name, value]));
    const named = (name: string, extra: Readonly<Record<string, string>>): Labels =>
      labelsFrom({ ...pairs, ...extra, __name__: name, alertname: this.options.name });
    const value = Math.floor(alert.activeAtMs / 1000);
    output.push({ labels: named(ALERTS, { alertstate: alert.state }), timeMs, value: 1 });
    output.push({ labels: named(ALERTS_FOR_STATE, {}), timeMs, value });
  }

  /** The alerts that Alertmanagers should hear of now; marks them as sent. */
  alertsToSend(nowMs: number, resendDelayMs: number, intervalMs: number): Alert[] {
    const due: Alert[] = [];
    for (const alert of this.active.values()) {
      if (!needsSending(alert, nowMs, resendDelayMs)) continue;
      alert.lastSentAtMs = nowMs;
      alert.validUntilMs = nowMs + 4 * Math.max(intervalMs, resendDelayMs);
      due.push({ ...alert });
    }
    return due;
  }

  /** The selector of what this rule wrote before. */
  get stateSelector(): string {
    return `${ALERTS_FOR_STATE}{alertname=${JSON.stringify(this.options.name)}}`;
  }

  /**
   * Gives pending alerts the time that they had already waited before a restart.
   * @param before what the rule had written, newest first for each series
   */
  restore(before: readonly LastSample[], nowMs: number, gracePeriodMs: number): void {
    const { holdMs } = this.options;
    const byLabels = new Map(before.map((sample) => [restoreKey(sample.labels), sample]));
    for (const alert of this.active.values()) {
      const sample = byLabels.get(restoreKey(alert.labels));
      if (sample === undefined) continue;
      const activeAtMs = Math.floor(sample.value) * 1000;
      const remaining = holdMs - (sample.timeMs - activeAtMs);
      if (remaining <= 0) alert.activeAtMs = activeAtMs;
      else if (remaining < gracePeriodMs) alert.activeAtMs = nowMs + gracePeriodMs - holdMs;
      else alert.activeAtMs = activeAtMs + (nowMs - sample.timeMs);
    }
  }
}

const restoreKey = (labels: Labels): string =>
  labelsKey(labels.filter(({ name }) => name !== '__name__' && name !== 'alertname'));

function needsSending(alert: Alert, nowMs: number, resendDelayMs: number): boolean {
  if (alert.state === 'pending') return false;
  const sent = alert.lastSentAtMs ?? Number.NEGATIVE_INFINITY;
  if (alert.resolvedAtMs !== undefined && alert.resolvedAtMs > sent) return true;
  return sent + resendDelayMs < nowMs;
}
