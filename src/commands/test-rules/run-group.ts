// SPDX-License-Identifier: Apache-2.0
// Runs one group of rule tests: input series into memory, rules step by step, comparisons at their times.

import type { Clock } from '../../base/index.ts';
import { silentLogger } from '../../base/index.ts';
import { Registry } from '../../metrics/index.ts';
import { compareLabels, compareText, type Labels, labelsFrom, quote } from '../../model/index.ts';
import {
  addSeries,
  Engine,
  type EngineFeatures,
  histogramsAlike,
  MemoryStorage,
  parseMetric,
  parseSequence,
  parseSeriesDescription,
  type QueryResult,
  withStoredHints,
} from '../../promql/index.ts';
import type { Histogram } from '../../model/index.ts';
import {
  answerLastSamples,
  answerRule,
  AlertingRule,
  createRuleMetrics,
  RuleGroup,
  type RuleGroupOptions,
} from '../../rules/index.ts';
import { formatScientific } from '../../template/index.ts';
import { MemoryAppender } from './memory-appender.ts';
import type { AlertTest, ExpectedAlert, ExpressionTest, TestFile, TestGroup } from './test-file.ts';

const LOOKBACK_MS = 300_000;
const SAMPLES_MAX = 100_000_000;

const control = { checkpoint: (): void => undefined };

/** `{a="b", c="d"}`. */
const labelsText = (labels: Labels): string =>
  `{${labels.map(({ name, value }) => `${name}=${quote(value)}`).join(', ')}}`;

const durationText = (ms: number): string => {
  if (ms === 0) return '0s';
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.join('');
};

/** Whether no float lies between the two. */
function areNeighbours(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b) || Math.sign(a) !== Math.sign(b)) return false;
  const view = new DataView(new ArrayBuffer(16));
  view.setFloat64(0, a);
  view.setFloat64(8, b);
  const high = view.getInt32(0) - view.getInt32(8);
  return Math.abs(high * 4294967296 + view.getUint32(4) - view.getUint32(12)) <= 1;
}

class StepClock implements Clock {
  time = 0;
  now = (): number => this.time;
  monotonicMs = (): number => this.time;
  setTimer = () => ({ cancel: () => undefined });
}

interface Shown {
  readonly labels: Labels;
  readonly text: string;
  readonly value: number;
  readonly histogram: Histogram | undefined;
}

const shownText = (samples: readonly Shown[]): string =>
  samples.length === 0
    ? 'nil'
    : samples.map(({ labels, text }) => `${labelsText(labels)} ${text}`).join(', ');

const valueText = (value: number): string => formatScientific(value, undefined, 'E');

/** Everything that one group of tests needs, and the messages of what failed. */
export class TestRun {
  readonly problems: string[] = [];
  private readonly file: TestFile;
  private readonly group: TestGroup;
  private readonly storage = new MemoryStorage();
  private readonly clock = new StepClock();
  private readonly engine: Engine;

  constructor(file: TestFile, group: TestGroup, features: EngineFeatures) {
    this.file = file;
    this.group = group;
    this.engine = new Engine({
      lookbackDeltaMs: LOOKBACK_MS,
      maxSamples: SAMPLES_MAX,
      defaultStepMs: file.evaluationIntervalMs,
      features,
    });
  }

  /** @throws Error for series that cannot be read */
  async run(options: readonly RuleGroupOptions[]): Promise<void> {
    const { group, file } = this;
    this.load();
    const groups = this.ruleGroups(options);
    const alertEnd = Math.max(0, ...group.alertTests.map(({ evalTimeMs }) => evalTimeMs));
    const end = Math.max(alertEnd, ...group.expressionTests.map(({ evalTimeMs }) => evalTimeMs));
    for (let at = 0; at <= end; at += file.evaluationIntervalMs) {
      const timeMs = group.startMs + at;
      this.clock.time = timeMs;
      for (const each of groups) await this.evaluate(each, timeMs, at);
      for (const test of group.alertTests) {
        // Tests between two evaluations see what the one before them left.
        const due = test.evalTimeMs >= at && test.evalTimeMs < at + file.evaluationIntervalMs;
        if (due) this.compareAlerts(test, groups);
      }
    }
    for (const test of group.expressionTests) this.compareExpression(test);
  }

  private load(): void {
    const { inputSeries, startMs, intervalMs } = this.group;
    const sink = withStoredHints(this.storage);
    for (const { series, values } of inputSeries) {
      const labels = parseMetric(series);
      addSeries(sink, { labels, values: parseSequence(values) }, { startMs, intervalMs });
    }
  }

  private ruleGroups(options: readonly RuleGroupOptions[]): RuleGroup[] {
    const { externalLabels, externalUrl } = this.group;
    const backend = { engine: this.engine, queryable: this.storage, control };
    const context = {
      clock: this.clock,
      logger: silentLogger,
      appender: new MemoryAppender(this.storage),
      evaluator: {
        evaluate: async (query: Parameters<typeof answerRule>[0]) => answerRule(query, backend),
        lastSamples: async (selector: string, timeMs: number, windowMs: number) =>
          answerLastSamples(selector, timeMs, windowMs, backend),
      },
      metrics: createRuleMetrics(new Registry({ clock: this.clock })),
      restore: { outageToleranceMs: 0, gracePeriodMs: 0 },
      resendDelayMs: 0,
      externalUrl,
      notify: () => undefined,
    };
    return options.map((each) => new RuleGroup(each, context, { externalLabels, restore: false }));
  }

  private async evaluate(group: RuleGroup, timeMs: number, at: number): Promise<void> {
    await group.evaluate(timeMs);
    for (const { rule, health, lastError } of group.entries) {
      if (health !== 'err') continue;
      const { name } = rule instanceof AlertingRule ? rule.options : rule;
      this.problems.push(`    rule: ${name}, time: ${durationText(at)}, err: ${lastError}`);
    }
  }

  private get title(): string {
    return this.group.name === '' ? '' : `    name: ${this.group.name},\n`;
  }

  private compareAlerts(test: AlertTest, groups: readonly RuleGroup[]): void {
    const got = groups
      .flatMap(({ entries }) => entries)
      .flatMap(({ rule }) => (rule instanceof AlertingRule ? [rule] : []))
      .filter(({ options }) => options.name === test.alertname)
      .flatMap(({ activeAlerts }) => activeAlerts.filter(({ state }) => state === 'firing'))
      .map(({ labels, annotations }) => alertShown(labels, annotations));
    const expected = test.expected.map((each) => expectedShown(each, test.alertname));
    const [a, b] = [listShown(expected), listShown(got)];
    if (a === b) return;
    this.problems.push(
      `${this.title}    alertname: ${test.alertname}, time: ${durationText(test.evalTimeMs)}, \n        exp:${a}, \n        got:${b}`,
    );
  }

  private compareExpression(test: ExpressionTest): void {
    const where = `    expr: ${quote(test.expression)}, time: ${durationText(test.evalTimeMs)},`;
    let got: Shown[];
    let expected: Shown[];
    try {
      const timeMs = this.group.startMs + test.evalTimeMs;
      const request = { query: test.expression, timeMs };
      got = resultShown(this.engine.instant(this.storage, request, control));
      expected = test.expected.map(expectedSample);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.problems.push(`${where} err: ${why}`);
      return;
    }
    const order = (x: Shown, y: Shown): number => compareLabels(x.labels, y.labels);
    got.sort(order);
    expected.sort(order);
    const same =
      got.length === expected.length && got.every((each, i) => this.alike(each, expected[i]!));
    if (same) return;
    this.problems.push(
      `${where}\n        exp: ${shownText(expected)}\n        got: ${shownText(got)}`,
    );
  }

  private alike(a: Shown, b: Shown): boolean {
    if (compareLabels(a.labels, b.labels) !== 0) return false;
    if (a.histogram !== undefined || b.histogram !== undefined) {
      if (a.histogram === undefined || b.histogram === undefined) return false;
      return histogramsAlike(b.histogram, a.histogram, b.text.includes('counter_reset_hint'));
    }
    if (Object.is(a.value, b.value) || a.value === b.value) return true;
    return this.file.fuzzyCompare && areNeighbours(a.value, b.value);
  }
}

function resultShown(result: QueryResult): Shown[] {
  if (result.type === 'scalar')
    return [
      { labels: [], value: result.value, text: valueText(result.value), histogram: undefined },
    ];
  if (result.type !== 'vector') throw new Error('rule result is not a vector or scalar');
  return Array.from({ length: result.series.count }, (_, i) => {
    const { values, histograms } = result.series.points(i);
    const histogram = histograms?.[0];
    const value = values[0]!;
    const text = histogram === undefined ? valueText(value) : String(histogram);
    return { labels: result.series.labels(i), value, text, histogram };
  });
}

function expectedSample({
  labels: text,
  value,
  histogram: notation,
}: ExpressionTest['expected'][number]): Shown {
  const labels = text.trim() === '' ? [] : parseMetric(text);
  if (notation === '') return { labels, value, text: valueText(value), histogram: undefined };
  const [first] = parseSeriesDescription(`x ${notation}`).values;
  if (first?.kind !== 'histogram') throw new Error(`expected a histogram, not ${quote(notation)}`);
  return { labels, value: 0, text: notation, histogram: first.histogram };
}

const indent = '            ';

/** Unlike labels, annotations may be empty. */
const annotationLabels = (annotations: Readonly<Record<string, string>>): Labels =>
  Object.entries(annotations)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => compareText(a.name, b.name));

const alertShown = (labels: Labels, annotations: Readonly<Record<string, string>>): string =>
  `${indent}  Labels:${labelsText(labels)}\n${indent}  Annotations:${labelsText(annotationLabels(annotations))}\n`;

const expectedShown = ({ labels, annotations }: ExpectedAlert, alertname: string): string =>
  alertShown(labelsFrom({ ...labels, alertname }), annotations);

/** A sorted list as upstream prints it: what is compared and shown. */
function listShown(alerts: readonly string[]): string {
  if (alerts.length === 0) return '[]';
  const sorted = [...alerts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return `[\n${sorted.map((alert, i) => `${indent}${i}:\n${alert}`).join('')}${indent}]`;
}
