// SPDX-License-Identifier: Apache-2.0
// Which alerts are silent because another one fires. Every rule keeps its firing source alerts by the
// values of its `equal` labels, so a check is one look-up for each rule, however many alerts fire.

import { CompiledMatchers, type Matcher } from '../../model/index.ts';
import type { Alert } from '../alert.ts';
import { isResolved } from '../alert.ts';
import { labelMap } from '../label-map.ts';

export interface InhibitRuleOptions {
  /** '' when it has none. */
  readonly name: string;
  readonly sourceMatchers: readonly Matcher[];
  readonly targetMatchers: readonly Matcher[];
  readonly equal: readonly string[];
}

/** Why an alert is inhibited. */
export interface Inhibition {
  /** Index of the rule in the configuration. */
  readonly rule: number;
  readonly ruleName: string;
  /** Fingerprint of the alert that inhibits. */
  readonly source: string;
}

type LabelMap = ReadonlyMap<string, string>;

/** Source alerts that agree in the `equal` labels. */
type Sources = Map<string, { readonly alert: Alert; readonly isTarget: boolean }>;

class InhibitRule {
  readonly options: InhibitRuleOptions;
  readonly source: CompiledMatchers;
  readonly target: CompiledMatchers;
  private readonly bySameLabels = new Map<string, Sources>();

  constructor(options: InhibitRuleOptions) {
    this.options = options;
    this.source = new CompiledMatchers(options.sourceMatchers);
    this.target = new CompiledMatchers(options.targetMatchers);
  }

  private keyOf(labels: LabelMap): string {
    const { equal } = this.options;
    if (equal.length === 1) return labels.get(equal[0]!) ?? '';
    return equal.map((name) => labels.get(name) ?? '').join('\xff');
  }

  /** Takes an alert in, or its end. */
  update(alert: Alert, labels: LabelMap): void {
    if (!this.source.match(labels)) return;
    const key = this.keyOf(labels);
    let sources = this.bySameLabels.get(key);
    if (sources === undefined) {
      sources = new Map();
      this.bySameLabels.set(key, sources);
    }
    sources.set(alert.fingerprint, { alert, isTarget: this.target.match(labels) });
  }

  remove(alert: Alert, labels: LabelMap): void {
    const key = this.keyOf(labels);
    const sources = this.bySameLabels.get(key);
    if (sources?.delete(alert.fingerprint) === true && sources.size === 0)
      this.bySameLabels.delete(key);
  }

  /** The fingerprint of a firing source for these labels. */
  inhibitor(labels: LabelMap, nowMs: number): string | undefined {
    const sources = this.bySameLabels.get(this.keyOf(labels));
    if (sources === undefined || !this.target.match(labels)) return undefined;
    // What is both source and target is not inhibited by its like.
    const isSource = this.source.match(labels);
    for (const [fingerprint, { alert, isTarget }] of sources) {
      if (isResolved(alert, nowMs) || (isSource && isTarget)) continue;
      return fingerprint;
    }
    return undefined;
  }
}

export class Inhibitor {
  private readonly rules: readonly InhibitRule[];

  constructor(options: readonly InhibitRuleOptions[], alerts: Iterable<Alert> = []) {
    this.rules = options.map((each) => new InhibitRule(each));
    for (const alert of alerts) this.update(alert);
  }

  get ruleCount(): number {
    return this.rules.length;
  }

  update(alert: Alert): void {
    const labels = labelMap(alert.labels);
    for (const rule of this.rules) rule.update(alert, labels);
  }

  /** For an alert that is forgotten. */
  remove(alert: Alert): void {
    const labels = labelMap(alert.labels);
    for (const rule of this.rules) rule.remove(alert, labels);
  }

  /** One source for each rule that inhibits these labels; none: they are free. */
  inhibitedBy(labels: LabelMap, nowMs: number): readonly Inhibition[] {
    const found: Inhibition[] = [];
    for (let rule = 0; rule < this.rules.length; rule++) {
      const source = this.rules[rule]!.inhibitor(labels, nowMs);
      if (source !== undefined)
        found.push({ rule, ruleName: this.rules[rule]!.options.name, source });
    }
    return found;
  }
}
