// SPDX-License-Identifier: Apache-2.0
// Files of rule tests: input series, and what rules and queries are to give.

import type { YamlValue } from '../../config/index.ts';
import {
  ConfigError,
  type ConfigIssue,
  resolvePath,
  YamlFile,
  YamlMapping,
} from '../../config/index.ts';

export interface ExpectedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface AlertTest {
  readonly evalTimeMs: number;
  readonly alertname: string;
  readonly expected: readonly ExpectedAlert[];
}

export interface ExpectedSample {
  /** As in the series notation. */
  readonly labels: string;
  readonly value: number;
  readonly histogram: string;
}

export interface ExpressionTest {
  readonly expression: string;
  readonly evalTimeMs: number;
  readonly expected: readonly ExpectedSample[];
}

export interface TestGroup {
  readonly name: string;
  readonly intervalMs: number;
  readonly startMs: number;
  readonly inputSeries: readonly { readonly series: string; readonly values: string }[];
  readonly alertTests: readonly AlertTest[];
  readonly expressionTests: readonly ExpressionTest[];
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
}

export interface TestFile {
  /** Patterns, resolved. */
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  readonly fuzzyCompare: boolean;
  readonly tests: readonly TestGroup[];
}

const texts = (value: YamlValue | undefined): Record<string, string> =>
  Object.fromEntries(value?.textEntries() ?? []);

function readValue(value: YamlValue | undefined): number {
  const text = value?.text() ?? '';
  if (/^[-+]?\.?inf$/i.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^\.?nan$/i.test(text)) return Number.NaN;
  const number = text === '' ? 0 : Number(text);
  if (Number.isNaN(number)) value?.fail(`expected a number, not ${JSON.stringify(text)}`);
  return number;
}

function readAlertTest(value: YamlValue): AlertTest {
  const mapping = new YamlMapping(value);
  const test: AlertTest = {
    evalTimeMs: mapping.duration('eval_time') ?? 0,
    alertname: mapping.text('alertname') ?? '',
    expected: (mapping.get('exp_alerts')?.items() ?? []).map((item) => {
      const alert = new YamlMapping(item);
      const expected = {
        labels: texts(alert.get('exp_labels')),
        annotations: texts(alert.get('exp_annotations')),
      };
      alert.finish();
      return expected;
    }),
  };
  mapping.finish();
  return test;
}

function readExpressionTest(value: YamlValue): ExpressionTest {
  const mapping = new YamlMapping(value);
  const test: ExpressionTest = {
    expression: mapping.text('expr') ?? '',
    evalTimeMs: mapping.duration('eval_time') ?? 0,
    expected: (mapping.get('exp_samples')?.items() ?? []).map((item) => {
      const sample = new YamlMapping(item);
      const expected = {
        labels: sample.text('labels') ?? '',
        value: readValue(sample.get('value')),
        histogram: sample.text('histogram') ?? '',
      };
      sample.finish();
      return expected;
    }),
  };
  mapping.finish();
  return test;
}

/** Unix seconds or RFC 3339, to milliseconds. */
function readStart(value: YamlValue | undefined): number {
  const text = value?.text() ?? '';
  if (text === '') return 0;
  const ms = /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(ms)) value?.fail(`cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return ms;
}

function readGroup(value: YamlValue, evaluationIntervalMs: number): TestGroup {
  const mapping = new YamlMapping(value);
  const group: TestGroup = {
    name: mapping.text('name') ?? '',
    intervalMs: mapping.duration('interval') || evaluationIntervalMs,
    startMs: readStart(mapping.get('start_timestamp')),
    inputSeries: (mapping.get('input_series')?.items() ?? []).map((item) => {
      const series = new YamlMapping(item);
      const read = { series: series.text('series') ?? '', values: series.text('values') ?? '' };
      series.finish();
      return read;
    }),
    alertTests: (mapping.get('alert_rule_test')?.items() ?? []).map(readAlertTest),
    expressionTests: (mapping.get('promql_expr_test')?.items() ?? []).map(readExpressionTest),
    externalLabels: texts(mapping.get('external_labels')),
    externalUrl: mapping.text('external_url') ?? '',
  };
  mapping.finish();
  return group;
}

/** Reads a file of tests. @throws ConfigError */
export function parseTestFile(text: string, path: string, directory: string): TestFile {
  const issues: ConfigIssue[] = [];
  const mapping = new YamlMapping(new YamlFile(path, text, issues).root());
  const evaluationIntervalMs = mapping.duration('evaluation_interval') || 60_000;
  const file: TestFile = {
    ruleFiles: (mapping.get('rule_files')?.texts() ?? []).map((each) =>
      resolvePath(directory, each),
    ),
    evaluationIntervalMs,
    groupOrder: mapping.get('group_eval_order')?.texts() ?? [],
    fuzzyCompare: mapping.boolean('fuzzy_compare') ?? false,
    tests: (mapping.get('tests')?.items() ?? []).map((item) =>
      readGroup(item, evaluationIntervalMs),
    ),
  };
  mapping.finish();
  if (issues.length > 0) throw new ConfigError(issues);
  return file;
}
