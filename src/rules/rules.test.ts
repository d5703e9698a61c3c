// SPDX-License-Identifier: Apache-2.0
// Groups on a clock that the test turns, over the in-memory storage of what they write.
import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { silentLogger } from '../base/index.ts';
import { Registry, writeText } from '../metrics/index.ts';
import { isStale, type Labels, labelsFrom, labelsKey, labelsToObject } from '../model/index.ts';
import { type Appender, AppendStatus, type SampleBatch } from '../storage/index.ts';
import {
  type Alert,
  type AlertingRuleOptions,
  type AlertingRule,
  createRuleMetrics,
  EvaluationSlots,
  type LastSample,
  type RuleAnswer,
  type RuleContext,
  RuleGroup,
  type RuleGroupOptions,
  RuleManager,
  type RuleQuery,
} from './index.ts';

interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly time: number;
  readonly value: number | 'stale';
}

class RowAppender implements Appender {
  readonly rows: Row[] = [];
  private readonly series: Labels[] = [];
  private readonly refs = new Map<string, number>();
  newBatch(capacity: number): SampleBatch {
    const values = new Float64Array(capacity);
    return {
      capacity,
      count: 0,
      refs: new Uint32Array(capacity),
      times: new Float64Array(capacity),
      values,
      valueBits: new Uint32Array(values.buffer),
      status: new Uint8Array(capacity),
      refsAddress: 0,
      timesAddress: 0,
      valuesAddress: 0,
    };
  }
  releaseBatch(): void {}
  seriesRef(labels: Labels): number {
    const key = labelsKey(labels);
    let ref = this.refs.get(key);
    if (ref === undefined) {
      ref = this.series.push(labels);
      this.refs.set(key, ref);
    }
    return ref;
  }
  seriesLabels(ref: number): Labels | undefined {
    return this.series[ref - 1];
  }
  append(batch: SampleBatch): number {
    for (let i = 0; i < batch.count; i++) {
      const value = isStale(batch.valueBits, i) ? 'stale' : batch.values[i]!;
      const labels = labelsToObject(this.series[batch.refs[i]! - 1]!);
      this.rows.push({ labels, time: batch.times[i]!, value });
      batch.status[i] = AppendStatus.accepted;
    }
    return batch.count;
  }
  take(): Row[] {
    return this.rows.splice(0);
  }
}

const MINUTE = 60_000;
let clock: ManualClock;
let appender: RowAppender;
let sent: { alert: Alert; at: number }[];
let answers: Record<string, readonly { labels: Record<string, string>; value: number }[] | Error>;
let before: readonly LastSample[];
let registry: Registry;
let context: RuleContext;
let manager: RuleManager;
let queries: RuleQuery[];

/** Answers alert queries as the worker does: labels of the rule added. */
function answerTo(query: RuleQuery): RuleAnswer {
  queries.push(query);
  const answer = answers[query.expression] ?? [];
  if (answer instanceof Error) throw answer;
  const { alert } = query;
  const samples = answer.map(({ labels, value }) => ({
    labels: labelsFrom(alert ? { ...labels, ...alert.labels, alertname: alert.name } : labels),
    value,
    ...(alert ? { annotations: { summary: `${value}` } } : {}),
  }));
  return { samples, templateErrors: [] };
}

beforeEach(() => {
  clock = new ManualClock(1_000_000_000_000);
  appender = new RowAppender();
  sent = [];
  answers = {};
  before = [];
  queries = [];
  registry = new Registry({ clock });
  context = {
    clock,
    logger: silentLogger,
    appender,
    evaluator: {
      evaluate: async (query) => answerTo(query),
      lastSamples: async () => before,
    },
    metrics: createRuleMetrics(registry),
    restore: { outageToleranceMs: 60 * MINUTE, gracePeriodMs: 10 * MINUTE },
    resendDelayMs: MINUTE,
    externalUrl: 'http://h:9090',
    notify: (alerts) => void sent.push(...alerts.map((alert) => ({ alert, at: clock.now() }))),
  };
  manager = new RuleManager(context);
});

const recording = (name: string, expression: string) =>
  ({ kind: 'recording', name, expression, labels: { from: 'rule' } }) as const;
const alerting = (options: Partial<AlertingRuleOptions> = {}): AlertingRuleOptions => ({
  kind: 'alerting',
  name: 'Down',
  expression: 'x',
  holdMs: 0,
  keepFiringMs: 0,
  labels: { severity: 'page' },
  annotations: {},
  ...options,
});
const groupOf = (
  rules: RuleGroupOptions['rules'],
  options: Partial<RuleGroupOptions> = {},
): RuleGroupOptions => ({
  name: 'g',
  file: 'f',
  intervalMs: MINUTE,
  queryOffsetMs: 0,
  limit: 0,
  rules,
  ...options,
});

/** Loads the group and lets the first evaluation (and the restoring second one) pass. */
async function started(
  rules: RuleGroupOptions['rules'],
  options: Partial<RuleGroupOptions> = {},
): Promise<void> {
  await manager.update([groupOf(rules, options)], {});
  await clock.advance(2 * MINUTE);
  appender.take();
  sent = [];
}

describe('recording rules', () => {
  test('write series under their name, and markers when they vanish', async () => {
    answers['sum(x)'] = [{ labels: { __name__: 'x', job: 'a' }, value: 3 }];
    await started([recording('r', 'sum(x)')]);
    await clock.advance(MINUTE);
    const [row] = appender.take();
    expect(row).toMatchObject({ labels: { __name__: 'r', job: 'a', from: 'rule' }, value: 3 });
    answers['sum(x)'] = [];
    await clock.advance(2 * MINUTE);
    const rows = appender.take();
    expect(rows.map(({ value }) => value)).toEqual(['stale']);
    expect(rows[0]!.time).toBe(row!.time + MINUTE);
  });

  test('the query offset moves query and samples into the past', async () => {
    answers['sum(x)'] = [{ labels: {}, value: 1 }];
    await started([recording('r', 'sum(x)')], { queryOffsetMs: 10_000 });
    await clock.advance(MINUTE);
    const [row] = appender.take();
    expect(row!.time).toBe(queries.at(-1)!.timeMs);
    expect((row!.time + 10_000) % MINUTE).toBe((manager.groups[0]!.lastEvaluationMs ?? 0) % MINUTE);
  });

  test('too many series, and series that become one, are errors of the rule', async () => {
    answers.a = [1, 2].map((i) => ({ labels: { i: `${i}` }, value: 1 }));
    answers.b = [1, 2].map((i) => ({ labels: { from: `${i}` }, value: 1 }));
    await started([recording('r', 'a'), recording('s', 'b')], { limit: 1 });
    const [a, b] = manager.groups[0]!.entries;
    expect([a!.health, a!.lastError]).toEqual(['err', 'exceeded limit of 1 with 2 series']);
    expect(b!.lastError).toBe(
      'vector contains metrics with the same labelset after applying rule labels',
    );
  });
});

describe('alerts', () => {
  const states = (): string[] => {
    const rule = manager.groups[0]!.entries[0]!.rule as AlertingRule;
    return [...rule.active.values()].map(({ state }) => state);
  };

  test('pend, fire, are sent again and again, and resolve', async () => {
    await started([alerting({ holdMs: 2 * MINUTE })]);
    answers.x = [{ labels: { job: 'a' }, value: 7 }];
    await clock.advance(MINUTE);
    expect(states()).toEqual(['pending']);
    expect(sent).toEqual([]);
    expect(
      appender.take().map(({ labels, value }) => [labels.__name__, labels.alertstate, value]),
    ).toEqual([
      ['ALERTS', 'pending', 1],
      [
        'ALERTS_FOR_STATE',
        undefined,
        Math.floor((clock.now() - (clock.now() - manager.groups[0]!.lastEvaluationMs!)) / 1000),
      ],
    ]);
    await clock.advance(2 * MINUTE);
    expect(states()).toEqual(['firing']);
    expect(sent).toHaveLength(1);
    expect(sent[0]!.alert).toMatchObject({
      state: 'firing',
      value: 7,
      annotations: { summary: '7' },
    });
    expect(labelsToObject(sent[0]!.alert.labels)).toEqual({
      alertname: 'Down',
      job: 'a',
      severity: 'page',
    });
    expect(sent[0]!.alert.validUntilMs).toBe(manager.groups[0]!.lastEvaluationMs! + 4 * MINUTE);
    // One interval later exactly the resend delay has passed: not yet.
    await clock.advance(2 * MINUTE);
    expect(sent).toHaveLength(2);
    answers.x = [];
    await clock.advance(MINUTE);
    expect(sent.at(-1)!.alert).toMatchObject({
      state: 'inactive',
      resolvedAtMs: manager.groups[0]!.lastEvaluationMs,
    });
    const stale = appender.take().filter(({ value }) => value === 'stale');
    expect(stale.map(({ labels }) => labels.__name__).sort()).toEqual([
      'ALERTS',
      'ALERTS',
      'ALERTS_FOR_STATE',
    ]);
    // Remembered for a quarter of an hour, then forgotten.
    await clock.advance(14 * MINUTE);
    expect(states()).toEqual(['inactive']);
    await clock.advance(3 * MINUTE);
    expect(states()).toEqual([]);
  });

  test('go on firing for keep_firing_for', async () => {
    answers.x = [{ labels: {}, value: 1 }];
    await started([alerting({ keepFiringMs: 3 * MINUTE })]);
    answers.x = [];
    await clock.advance(2 * MINUTE);
    expect(states()).toEqual(['firing']);
    await clock.advance(2 * MINUTE);
    expect(states()).toEqual(['inactive']);
  });

  test('a pending alert whose series goes is forgotten', async () => {
    await started([alerting({ holdMs: 60 * MINUTE })]);
    answers.x = [{ labels: {}, value: 1 }];
    await clock.advance(MINUTE);
    answers.x = [];
    await clock.advance(MINUTE);
    expect(states()).toEqual([]);
    expect(sent).toEqual([]);
  });

  test('a failing query keeps the alerts as they are and is shown', async () => {
    answers.x = [{ labels: {}, value: 1 }];
    await started([alerting()]);
    answers.x = new Error('query timed out in expression evaluation');
    await clock.advance(5 * MINUTE);
    expect(states()).toEqual(['firing']);
    expect(manager.groups[0]!.entries[0]).toMatchObject({
      health: 'err',
      lastError: 'query timed out in expression evaluation',
    });
    const text = new TextDecoder().decode(writeText(registry.gather()) as Uint8Array);
    expect(text).toContain('prometheus_rule_evaluation_failures_total{rule_group="f;g"} 5');
  });

  test('more alerts than the limit: none', async () => {
    answers.x = [1, 2].map((i) => ({ labels: { i: `${i}` }, value: 1 }));
    await started([alerting()], { limit: 1 });
    expect(states()).toEqual([]);
    expect(manager.groups[0]!.entries[0]!.lastError).toBe('exceeded limit of 1 with 2 alerts');
  });
});

describe('restarts and reloads', () => {
  const restored = async (
    servedMinutes: number,
    downMinutes: number,
    holdMinutes: number,
  ): Promise<Alert> => {
    answers.x = [{ labels: { job: 'a' }, value: 1 }];
    const downAt = clock.now() - downMinutes * MINUTE;
    before = [
      {
        labels: labelsFrom({
          __name__: 'ALERTS_FOR_STATE',
          alertname: 'Down',
          job: 'a',
          severity: 'page',
        }),
        timeMs: downAt,
        value: Math.floor((downAt - servedMinutes * MINUTE) / 1000),
      },
    ];
    await manager.update([groupOf([alerting({ holdMs: holdMinutes * MINUTE })])], {});
    await clock.advance(2 * MINUTE);
    const { rule } = manager.groups[0]!.entries[0]!;
    return [...(rule as AlertingRule).active.values()][0]!;
  };

  test('what had waited long enough fires at once', async () => {
    const alert = await restored(40, 5, 30);
    await clock.advance(MINUTE);
    expect(alert.state).toBe('firing');
  });
  test('what had little left waits for the grace period', async () => {
    const alert = await restored(25, 5, 30);
    expect(alert.activeAtMs).toBe(manager.groups[0]!.lastEvaluationMs! + 10 * MINUTE - 30 * MINUTE);
  });
  test('what had much left does not count the outage', async () => {
    const start = clock.now();
    const alert = await restored(5, 5, 60);
    const downAt = start - 5 * MINUTE;
    const expected =
      Math.floor((downAt - 5 * MINUTE) / 1000) * 1000 +
      (manager.groups[0]!.lastEvaluationMs! - downAt);
    expect(alert.activeAtMs).toBe(expected);
  });
  test('nothing is written before the state has been looked for', async () => {
    answers.x = [{ labels: {}, value: 1 }];
    await manager.update([groupOf([alerting()])], {});
    await clock.advance(MINUTE);
    expect(appender.take()).toEqual([]);
    await clock.advance(2 * MINUTE);
    expect(appender.take().length).toBeGreaterThan(0);
  });

  test('an unchanged group is left alone, a changed one keeps its alerts', async () => {
    answers.x = [{ labels: {}, value: 1 }];
    await started([alerting(), recording('r', 'x')]);
    const [group] = manager.groups;
    await manager.update([groupOf([alerting(), recording('r', 'x')])], {});
    expect(manager.groups[0]).toBe(group);
    await manager.update([groupOf([alerting({ annotations: { a: 'b' } })])], {});
    expect(manager.groups[0]).not.toBe(group);
    expect((manager.groups[0]!.entries[0]!.rule as AlertingRule).activeAlerts).toHaveLength(1);
    appender.take();
    await clock.advance(MINUTE);
    // The recording rule is gone: its series ends.
    expect(
      appender
        .take()
        .filter(({ value }) => value === 'stale')
        .map(({ labels }) => labels.__name__),
    ).toEqual(['r']);
  });

  test('the series of a removed group end after two intervals', async () => {
    answers.x = [{ labels: {}, value: 1 }];
    await started([recording('r', 'x')]);
    await manager.update([], {});
    await clock.advance(MINUTE + 59_000);
    expect(appender.take()).toEqual([]);
    await clock.advance(2000);
    expect(appender.take()).toMatchObject([{ value: 'stale', labels: { __name__: 'r' } }]);
  });
});

test('evaluations that take longer than the interval are counted as missed', async () => {
  let slow = true;
  context = {
    ...context,
    evaluator: {
      ...context.evaluator,
      evaluate: (query) => {
        if (!slow) return Promise.resolve(answerTo(query));
        slow = false;
        const answer = (resolve: (answer: RuleAnswer) => void) => resolve(answerTo(query));
        return new Promise((resolve) => void clock.setTimer(3.5 * MINUTE, () => answer(resolve)));
      },
    },
  };
  manager = new RuleManager(context);
  await manager.update([groupOf([recording('r', 'x')])], {});
  await clock.advance(10 * MINUTE);
  const text = new TextDecoder().decode(writeText(registry.gather()) as Uint8Array);
  expect(text).toMatch(/prometheus_rule_group_iterations_missed_total\{rule_group="f;g"\} 2/);
});

describe('rules side by side', () => {
  const recording = (name: string, expression: string) =>
    ({ kind: 'recording', name, expression, labels: {} }) as const;
  const readBy: Readonly<Record<string, readonly string[]>> = { x: ['x'], y: ['y'], z: ['z'] };

  /** A group of a, b, c, which read x, y, z, and of `sum`, which reads `a`; queries wait to be answered. */
  function stage(max: number | undefined) {
    const waiting: { expression: string; answer: () => void }[] = [];
    const selectorsOf = (expression: string) =>
      (readBy[expression] ?? ['a']).map((value) => [
        { name: '__name__', type: '=' as const, value },
      ]);
    const group = new RuleGroup(
      {
        name: 'g',
        file: 'f',
        intervalMs: MINUTE,
        queryOffsetMs: 0,
        limit: 0,
        rules: [
          recording('a', 'x'),
          recording('b', 'y'),
          recording('c', 'z'),
          recording('total', 'sum(a)'),
        ],
      },
      {
        ...context,
        evaluator: {
          evaluate: (query) =>
            new Promise((resolve) => {
              const answer = { samples: [{ labels: [], value: 1 }], templateErrors: [] };
              waiting.push({ expression: query.expression, answer: () => resolve(answer) });
            }),
          lastSamples: async () => [],
        },
        ...(max === undefined
          ? {}
          : { concurrency: { slots: new EvaluationSlots(max), selectorsOf } }),
      },
      { externalLabels: {}, restore: false },
    );
    const asked = () => waiting.map(({ expression }) => expression);
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    const answer = async (expression: string): Promise<void> => {
      const at = waiting.findIndex((each) => each.expression === expression);
      waiting.splice(at, 1)[0]?.answer();
      await settle();
    };
    return { group, asked, answer };
  }

  test('those that do not depend on each other, then those that do', async () => {
    const { group, asked, answer } = stage(4);
    const done = group.evaluate(clock.now());
    expect(asked()).toEqual(['x', 'y', 'z']);
    await answer('z');
    await answer('x');
    expect(asked()).toEqual(['y']);
    await answer('y');
    expect(asked()).toEqual(['sum(a)']);
    await answer('sum(a)');
    await done;
    expect(appender.rows.map(({ labels }) => labels.__name__)).toEqual(['c', 'a', 'b', 'total']);
  });

  test('as many as there are slots, and the one that would run anyway', async () => {
    const { group, asked, answer } = stage(1);
    const done = group.evaluate(clock.now());
    expect(asked()).toEqual(['x', 'y']);
    await answer('x');
    expect(asked()).toEqual(['y']);
    await answer('y');
    expect(asked()).toEqual(['z']);
    await answer('z');
    await answer('sum(a)');
    await done;
  });

  test('one after the other without the flag', async () => {
    const { group, asked, answer } = stage(undefined);
    const done = group.evaluate(clock.now());
    for (const expression of ['x', 'y', 'z', 'sum(a)']) {
      expect(asked()).toEqual([expression]);
      await answer(expression);
    }
    await done;
  });

  test('a group that is stopped begins no further rule', async () => {
    const { group, asked, answer } = stage(1);
    const done = group.evaluate(clock.now());
    const stopped = group.stop();
    await answer('x');
    await answer('y');
    expect(asked()).toEqual([]);
    await done;
    await stopped;
    expect(appender.rows).toEqual([]);
  });
});

test('expanded texts are counted, and those that failed', async () => {
  context = {
    ...context,
    evaluator: {
      ...context.evaluator,
      evaluate: async (query) => ({
        ...answerTo(query),
        templateErrors: query.alert === undefined ? [] : ['no such field'],
      }),
    },
  };
  manager = new RuleManager(context);
  answers = { x: [1, 2, 3].map((value) => ({ labels: { a: `${value}` }, value })), y: [] };
  const annotations = { summary: '{{ .X }}', description: 'plain' };
  await manager.update([groupOf([alerting({ annotations }), recording('r', 'y')])], {});
  const counts = (): string[] =>
    new TextDecoder()
      .decode(writeText(registry.gather()) as Uint8Array)
      .split('\n')
      .filter((line) => line.startsWith('prometheus_template_text'));
  expect(counts()).toEqual([
    'prometheus_template_text_expansion_failures_total 0',
    'prometheus_template_text_expansions_total 0',
  ]);
  await clock.advance(MINUTE);
  expect(counts()).toEqual([
    'prometheus_template_text_expansion_failures_total 1',
    'prometheus_template_text_expansions_total 9',
  ]);
});
