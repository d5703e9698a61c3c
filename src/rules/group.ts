// SPDX-License-Identifier: Apache-2.0
// A rule group: its schedule, and what one evaluation does.

import type { Clock, Logger, Timer } from '../base/index.ts';
import { md5 } from '../encoding/index.ts';
import type { Matcher } from '../model/index.ts';
import type { Appender } from '../storage/index.ts';
import type { Alert, RestoreWindow } from './alerting-rule.ts';
import { AlertingRule } from './alerting-rule.ts';
import type { EvaluationSlots } from './dependencies.ts';
import { evaluationBatches } from './dependencies.ts';
import type { AlertTemplates, RuleEvaluator } from './evaluator.ts';
import type { RuleMetrics } from './metrics.ts';
import { forgetGroup } from './metrics.ts';
import type { RecordingRuleOptions, RuleGroupOptions } from './options.ts';
import { groupKey } from './options.ts';
import type { OutputSample, WrittenSeries } from './output.ts';
import { writeOutput } from './output.ts';
import { evaluateRecording } from './recording-rule.ts';

/** What all groups of one server share. */
export interface RuleContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly appender: Appender;
  readonly evaluator: RuleEvaluator;
  readonly metrics: RuleMetrics;
  readonly restore: RestoreWindow;
  /** `--rules.alert.resend-delay`. */
  readonly resendDelayMs: number;
  readonly externalUrl: string;
  /** Rules that do not depend on each other run side by side; undefined: one after the other. */
  readonly concurrency?: {
    readonly slots: EvaluationSlots;
    selectorsOf(expression: string): readonly (readonly Matcher[])[];
  };
  /** Hands alerts to the notifier; `expression` is the rule's, for the generator URL. */
  notify(alerts: readonly Alert[], expression: string): void;
}

export type RuleHealth = 'unknown' | 'ok' | 'err';

/** A rule in its group. */
export interface RuleEntry {
  readonly rule: AlertingRule | RecordingRuleOptions;
  health: RuleHealth;
  lastError: string;
  evaluationSeconds: number;
  lastEvaluationMs: number | undefined;
  written: WrittenSeries;
}

const noSeries: WrittenSeries = new Map();

/** Bits of the offset's hash that are used; enough for any interval, and exact. */
const HASH_BYTES = 6;

/** Where in its interval a group is evaluated, the same after every restart. */
export function hashedOffset(key: string, intervalMs: number): number {
  const digest = md5(new TextEncoder().encode(key));
  let hash = 0;
  for (let i = 0; i < HASH_BYTES; i++) hash = hash * 256 + digest[i]!;
  return hash % intervalMs;
}

/** One rule group. `start` it, `stop` it; a new reading of the files makes new groups. */
export class RuleGroup {
  readonly options: RuleGroupOptions;
  readonly key: string;
  readonly entries: readonly RuleEntry[];
  evaluationSeconds = 0;
  /** When it began, which may be later than the slot it was for. */
  lastEvaluationMs: number | undefined;
  private readonly context: RuleContext;
  /** The context's, told whose queries they are. */
  private readonly evaluator: RuleEvaluator;
  private readonly externalLabels: Readonly<Record<string, string>>;
  private readonly offsetMs: number;
  /** Indexes of rules: those of a batch may run at the same time. */
  private readonly batches: readonly (readonly number[])[];
  private timer: Timer | undefined;
  private stopped = false;
  private running: Promise<void> = Promise.resolve();
  private evaluationCount = 0;
  private restored: boolean;
  /** Series of rules that the group no longer has. */
  private orphans: WrittenSeries = noSeries;

  constructor(
    options: RuleGroupOptions,
    context: RuleContext,
    {
      externalLabels,
      restore,
    }: { externalLabels: Readonly<Record<string, string>>; restore: boolean },
  ) {
    this.options = options;
    this.context = context;
    this.externalLabels = externalLabels;
    this.key = groupKey(options);
    this.offsetMs = hashedOffset(this.key, options.intervalMs);
    this.restored = !restore;
    const { evaluator } = context;
    const group = { file: options.file, name: options.name };
    this.evaluator = {
      evaluate: (query) => evaluator.evaluate({ ...query, group }),
      lastSamples: evaluator.lastSamples.bind(evaluator),
    };
    this.entries = options.rules.map((rule) => ({
      rule: rule.kind === 'alerting' ? new AlertingRule(rule) : rule,
      health: 'unknown',
      lastError: '',
      evaluationSeconds: 0,
      lastEvaluationMs: undefined,
      written: noSeries,
    }));
    for (const { rule } of this.entries)
      if (rule instanceof AlertingRule) rule.restored = this.restored;
    this.batches = batchesOf(options, context);
    const { metrics } = context;
    metrics.interval.with(this.key).set(options.intervalMs / 1000);
    metrics.rules.with(this.key).set(options.rules.length);
    for (const vec of [
      metrics.iterations,
      metrics.iterationsMissed,
      metrics.evaluations,
      metrics.failures,
    ])
      vec.with(this.key);
  }

  /** The slot at or before `nowMs`. */
  private slotBefore(nowMs: number): number {
    const adjusted = nowMs - this.offsetMs;
    const { intervalMs } = this.options;
    return adjusted - (((adjusted % intervalMs) + intervalMs) % intervalMs) + this.offsetMs;
  }

  start(): void {
    const { clock } = this.context;
    this.schedule(this.slotBefore(clock.now()) + this.options.intervalMs);
  }

  private schedule(slotMs: number): void {
    if (this.stopped) return;
    const { clock } = this.context;
    this.timer = clock.setTimer(Math.max(0, slotMs - clock.now()), () => {
      this.running = this.iterate(slotMs);
    });
  }

  private async iterate(slotMs: number): Promise<void> {
    const { clock, metrics, logger } = this.context;
    const { intervalMs } = this.options;
    metrics.iterations.with(this.key).inc();
    try {
      await this.evaluate(slotMs);
    } catch (error) {
      logger.error('Evaluating rule group failed', { group: this.key, err: asError(error) });
    }
    const missed = Math.floor((clock.now() - slotMs) / intervalMs) - 1;
    if (missed > 0) {
      metrics.iterationsMissed.with(this.key).inc(missed);
      metrics.iterations.with(this.key).inc(missed);
    }
    this.schedule(slotMs + (1 + Math.max(0, missed)) * intervalMs);
  }

  /**
   * Evaluates every rule at `timeMs`. A rule sees what those before it wrote; side by side run only
   * rules that read nothing of each other.
   */
  async evaluate(timeMs: number): Promise<void> {
    const { clock, metrics } = this.context;
    const started = clock.monotonicMs();
    const startedMs = clock.now();
    let samples = 0;
    let ruleSeconds = 0;
    for (const batch of this.batches) samples += await this.evaluateBatch(batch, timeMs);
    if (this.stopped) return;
    for (const entry of this.entries) ruleSeconds += entry.evaluationSeconds;
    if (this.orphans.size > 0) {
      writeOutput(this.context.appender, [], this.orphans, timeMs - this.options.queryOffsetMs);
      this.orphans = noSeries;
    }
    this.evaluationCount++;
    if (!this.restored && this.evaluationCount >= 2) await this.restore(timeMs);
    this.evaluationSeconds = (clock.monotonicMs() - started) / 1000;
    this.lastEvaluationMs = startedMs;
    metrics.groupDuration.observe(this.evaluationSeconds);
    metrics.lastDuration.with(this.key).set(this.evaluationSeconds);
    metrics.lastRuleDurationSum.with(this.key).set(ruleSeconds);
    metrics.lastEvaluation.with(this.key).set(startedMs / 1000);
    metrics.lastSamples.with(this.key).set(samples);
  }

  /** As many at the same time as there are free slots, and one. @returns samples written */
  private async evaluateBatch(batch: readonly number[], timeMs: number): Promise<number> {
    const slots = batch.length > 1 ? this.context.concurrency?.slots : undefined;
    const aside: Promise<number>[] = [];
    let samples = 0;
    for (const index of batch) {
      if (this.stopped) break;
      const entry = this.entries[index]!;
      if (slots?.tryAcquire() !== true) samples += await this.evaluateRule(entry, timeMs);
      else aside.push(this.evaluateRule(entry, timeMs).finally(() => slots.release()));
    }
    for (const each of await Promise.all(aside)) samples += each;
    return samples;
  }

  private async evaluateRule(entry: RuleEntry, timeMs: number): Promise<number> {
    const { clock, metrics, appender, logger } = this.context;
    const started = clock.monotonicMs();
    const startedMs = clock.now();
    metrics.evaluations.with(this.key).inc();
    let count = 0;
    try {
      const output = await this.outputOf(entry, timeMs);
      if (this.stopped) return 0;
      const outcome = writeOutput(
        appender,
        output,
        entry.written,
        timeMs - this.options.queryOffsetMs,
      );
      entry.written = outcome.written;
      entry.health = 'ok';
      entry.lastError = '';
      count = output.length;
      this.tellRefusals(entry, outcome);
    } catch (error) {
      entry.health = 'err';
      entry.lastError = asError(error).message;
      metrics.failures.with(this.key).inc();
      logger.warn('Evaluating rule failed', { ...this.describe(entry), err: asError(error) });
    }
    entry.evaluationSeconds = (clock.monotonicMs() - started) / 1000;
    entry.lastEvaluationMs = startedMs;
    metrics.evaluationDuration.observe(entry.evaluationSeconds);
    return count;
  }

  private describe({ rule }: RuleEntry): { name: string; group: string; file: string } {
    const { name } = rule instanceof AlertingRule ? rule.options : rule;
    return { name, group: this.options.name, file: this.options.file };
  }

  private async outputOf({ rule }: RuleEntry, timeMs: number): Promise<readonly OutputSample[]> {
    const { queryOffsetMs, limit, intervalMs } = this.options;
    const { context } = this;
    if (!(rule instanceof AlertingRule))
      return evaluateRecording(rule, this.evaluator, timeMs - queryOffsetMs, limit);
    const templates: Omit<AlertTemplates, 'name' | 'labels' | 'annotations'> = {
      externalLabels: this.externalLabels,
      externalUrl: context.externalUrl,
    };
    const expanded = (texts: number, failures: readonly string[]): void => {
      context.metrics.expansions.inc(texts);
      context.metrics.expansionFailures.inc(failures.length);
      for (const message of failures)
        context.logger.warn('Expanding alert template failed', {
          alert: rule.options.name,
          err: new Error(message),
        });
    };
    const output = await rule.evaluate(
      this.evaluator,
      timeMs,
      queryOffsetMs,
      limit,
      templates,
      expanded,
    );
    const due = rule.alertsToSend(timeMs, context.resendDelayMs, intervalMs);
    if (due.length > 0) context.notify(due, rule.options.expression);
    return output;
  }

  private tellRefusals(
    entry: RuleEntry,
    { outOfOrder, duplicates, tooOld, refused }: ReturnType<typeof writeOutput>,
  ): void {
    const { logger } = this.context;
    const warn = (message: string, count: number): void => {
      if (count > 0) logger.warn(message, { ...this.describe(entry), num_dropped: count });
    };
    warn('Error on ingesting out-of-order result from rule evaluation', outOfOrder);
    warn(
      'Error on ingesting results from rule evaluation with different value but same timestamp',
      duplicates,
    );
    warn('Error on ingesting too old result from rule evaluation', tooOld);
    warn('Error on ingesting result from rule evaluation: no memory for it', refused);
  }

  /** Looks up, once, since when alerts had been active before the last start. */
  private async restore(timeMs: number): Promise<void> {
    const { clock, evaluator, logger, metrics } = this.context;
    const { outageToleranceMs, gracePeriodMs } = this.context.restore;
    const started = clock.monotonicMs();
    this.restored = true;
    for (const { rule } of this.entries) {
      if (!(rule instanceof AlertingRule)) continue;
      rule.restored = true;
      if (rule.options.holdMs < gracePeriodMs || rule.active.size === 0) continue;
      try {
        const before = await evaluator.lastSamples(rule.stateSelector, timeMs, outageToleranceMs);
        rule.restore(before, timeMs, gracePeriodMs);
      } catch (error) {
        logger.error("Failed to restore 'for' state", {
          alert: rule.options.name,
          err: asError(error),
        });
      }
    }
    metrics.lastRestoreDuration.with(this.key).set((clock.monotonicMs() - started) / 1000);
  }

  /** Whether a new reading of the files says the same. */
  equals(options: RuleGroupOptions, externalLabels: Readonly<Record<string, string>>): boolean {
    const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
    return same(options, this.options) && same(externalLabels, this.externalLabels);
  }

  /** Takes over what `older`, the same group before a reload, knows: alerts, health, written series. */
  copyState(older: RuleGroup): void {
    this.evaluationSeconds = older.evaluationSeconds;
    this.lastEvaluationMs = older.lastEvaluationMs;
    this.evaluationCount = older.evaluationCount;
    this.restored = older.restored;
    const left = new Map<string, RuleEntry[]>();
    for (const entry of older.entries) {
      const identity = ruleIdentity(entry.rule);
      left.set(identity, [...(left.get(identity) ?? []), entry]);
    }
    for (const entry of this.entries) {
      const from = left.get(ruleIdentity(entry.rule))?.shift();
      if (entry.rule instanceof AlertingRule) entry.rule.restored = older.restored;
      if (from === undefined) continue;
      entry.written = from.written;
      entry.health = from.health;
      entry.lastError = from.lastError;
      if (entry.rule instanceof AlertingRule && from.rule instanceof AlertingRule)
        entry.rule.active = from.rule.active;
    }
    const orphans = new Map(older.orphans);
    for (const entries of left.values())
      for (const { written } of entries)
        for (const [key, labels] of written) orphans.set(key, labels);
    for (const { written } of this.entries) for (const key of written.keys()) orphans.delete(key);
    this.orphans = orphans;
  }

  /** Ends the schedule; resolves when a running evaluation has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.running;
  }

  /** For a group that is gone for good: its series end. */
  markStale(timeMs: number): void {
    forgetGroup(this.context.metrics, this.key);
    const all = new Map(this.orphans);
    for (const { written } of this.entries)
      for (const [key, labels] of written) all.set(key, labels);
    if (all.size > 0) writeOutput(this.context.appender, [], all, timeMs);
  }
}

function batchesOf(
  { rules }: RuleGroupOptions,
  { concurrency }: RuleContext,
): readonly (readonly number[])[] {
  if (concurrency === undefined) return rules.map((_, i) => [i]);
  return evaluationBatches(
    rules.map(({ name, expression }) => ({
      name,
      selectors: concurrency.selectorsOf(expression),
    })),
  );
}

/** Rules that are the same in two readings of a file: name and labels, as upstream. */
function ruleIdentity(rule: AlertingRule | RecordingRuleOptions): string {
  const options = rule instanceof AlertingRule ? rule.options : rule;
  return JSON.stringify([options.kind, options.name, Object.entries(options.labels).sort(byName)]);
}

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number =>
  a < b ? -1 : a > b ? 1 : 0;

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
