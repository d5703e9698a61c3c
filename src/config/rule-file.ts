// SPDX-License-Identifier: Apache-2.0
// Rule files: groups of recording and alerting rules, with upstream's verdicts, each at its place.

import { isValidLabelName, isValidMetricName, type NameScheme, quote } from '../model/index.ts';
import {
  expressionText,
  parseExpression,
  QueryError,
  type SyntaxFeatures,
} from '../promql/index.ts';
import type { RuleGroupOptions, RuleOptions } from '../rules/index.ts';
import { checkAlertTemplate } from '../template/index.ts';
import {
  ConfigError,
  type ConfigIssue,
  YamlFile,
  YamlMapping,
  type YamlValue,
} from './yaml-value.ts';

export interface RuleFileDefaults {
  /** Of groups that name none. */
  readonly evaluationIntervalMs: number;
  readonly queryOffsetMs: number;
  readonly names: NameScheme;
  /** Lets unknown keys pass; the server never does. */
  readonly ignoreUnknown?: boolean;
  /** What of the language expressions may use. */
  readonly features?: SyntaxFeatures;
}

/** A reading of one rule file. */
export interface RuleFile {
  readonly groups: readonly RuleGroupOptions[];
  /** Where each rule stands, by group and rule, from 1: for lints. */
  readonly lines: readonly (readonly number[])[];
}

type Texts = Readonly<Record<string, string>>;

/** Says what is wrong with a rule as upstream does: which group, which rule, what. */
type Tell = (value: YamlValue, message: string) => void;

function readTexts(
  mapping: YamlMapping,
  key: string,
): { texts: Texts; value: YamlValue | undefined } {
  const value = mapping.get(key);
  return { texts: Object.fromEntries(value?.textEntries() ?? []), value };
}

function checkLabels(
  texts: Texts,
  value: YamlValue | undefined,
  names: NameScheme,
  tell: Tell,
): void {
  for (const name of Object.keys(texts)) {
    if (value !== undefined && (name === '__name__' || !isValidLabelName(name, names)))
      tell(value, `invalid label name: ${name}`);
  }
}

/** The query as upstream prints it: what the API, generator URLs and logs show. */
function checkExpression(
  value: YamlValue | undefined,
  rule: YamlValue,
  features: SyntaxFeatures | undefined,
  tell: Tell,
): string {
  const expression = value?.text() ?? '';
  if (expression === '') {
    tell(rule, "field 'expr' must be set in rule");
    return '';
  }
  try {
    return expressionText(parseExpression(expression, features));
  } catch (error) {
    if (!(error instanceof QueryError) && !(error instanceof Error)) throw error;
    tell(value ?? rule, `could not parse expression: ${error.message}`);
  }
  return expression;
}

function checkTemplates(
  kind: 'label' | 'annotation',
  name: string,
  texts: Texts,
  value: YamlValue | undefined,
  tell: Tell,
): void {
  for (const [key, text] of Object.entries(texts)) {
    try {
      checkAlertTemplate(name, text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (value !== undefined) tell(value, `${kind} ${quote(key)}: ${why}`);
    }
  }
}

function readRecording(
  mapping: YamlMapping,
  value: YamlValue,
  parts: { name: string; expression: string; labels: Texts },
  names: NameScheme,
  tell: Tell,
): RuleOptions {
  const { name } = parts;
  const at = mapping.get('record') ?? value;
  if (mapping.get('annotations') !== undefined)
    tell(value, "invalid field 'annotations' in recording rule");
  if ((mapping.duration('for') ?? 0) !== 0) tell(value, "invalid field 'for' in recording rule");
  if ((mapping.duration('keep_firing_for') ?? 0) !== 0)
    tell(value, "invalid field 'keep_firing_for' in recording rule");
  if (!isValidMetricName(name, names)) tell(at, `invalid recording rule name: ${name}`);
  if (/[{}]/.test(name))
    tell(at, `braces present in the recording rule name; should it be in expr?: ${name}`);
  return { kind: 'recording', ...parts };
}

function readAlerting(
  mapping: YamlMapping,
  parts: { name: string; expression: string; labels: Texts },
  labelsValue: YamlValue | undefined,
  tell: Tell,
): RuleOptions {
  const { texts: annotations, value } = readTexts(mapping, 'annotations');
  for (const name of Object.keys(annotations))
    if (value !== undefined && !isValidLabelName(name, 'utf8'))
      tell(value, `invalid annotation name: ${name}`);
  checkTemplates('label', parts.name, parts.labels, labelsValue, tell);
  checkTemplates('annotation', parts.name, annotations, value, tell);
  return {
    kind: 'alerting',
    ...parts,
    holdMs: mapping.duration('for') ?? 0,
    keepFiringMs: mapping.duration('keep_firing_for') ?? 0,
    annotations,
  };
}

function readRule(
  value: YamlValue,
  group: string,
  index: number,
  groupLabels: Texts,
  { names, features }: RuleFileDefaults,
): RuleOptions | undefined {
  const mapping = new YamlMapping(value);
  const record = mapping.text('record') ?? '';
  const alert = mapping.text('alert') ?? '';
  const name = record || alert;
  const tell: Tell = (at, message) =>
    void at.fail(`group ${quote(group)}, rule ${index}, ${quote(name)}: ${message}`);
  if (record !== '' && alert !== '') tell(value, "only one of 'record' and 'alert' must be set");
  if (name === '') tell(value, "one of 'record' or 'alert' must be set");
  const expression = checkExpression(mapping.get('expr'), value, features, tell);
  const { texts, value: labelsValue } = readTexts(mapping, 'labels');
  checkLabels(texts, labelsValue, names, tell);
  const parts = { name, expression, labels: { ...groupLabels, ...texts } };
  const rule =
    record !== ''
      ? readRecording(mapping, value, parts, names, tell)
      : readAlerting(mapping, parts, labelsValue, tell);
  mapping.finish();
  return rule;
}

function readGroup(
  value: YamlValue,
  file: string,
  defaults: RuleFileDefaults,
): { group: RuleGroupOptions; lines: number[] } {
  const mapping = new YamlMapping(value);
  const name = mapping.text('name') ?? '';
  if (name === '') value.fail('Groupname must not be empty');
  const { texts: labels, value: labelsValue } = readTexts(mapping, 'labels');
  checkLabels(labels, labelsValue, defaults.names, (at, message) => void at.fail(message));
  const lines: number[] = [];
  const rules: RuleOptions[] = [];
  for (const [i, item] of (mapping.get('rules')?.items() ?? []).entries()) {
    const rule = readRule(item, name, i + 1, labels, defaults);
    if (rule === undefined) continue;
    rules.push(rule);
    lines.push(item.line);
  }
  const group: RuleGroupOptions = {
    name,
    file,
    intervalMs: mapping.duration('interval') || defaults.evaluationIntervalMs,
    queryOffsetMs: mapping.duration('query_offset') ?? defaults.queryOffsetMs,
    limit: mapping.get('limit')?.integer(0) ?? 0,
    rules,
  };
  mapping.finish();
  return { group, lines };
}

/**
 * Reads a rule file.
 *
 * @throws ConfigError with everything that is wrong with it
 */
export function parseRuleFile(text: string, file: string, defaults: RuleFileDefaults): RuleFile {
  const issues: ConfigIssue[] = [];
  const source = new YamlFile(file, text, issues);
  source.ignoresUnknown = defaults.ignoreUnknown ?? false;
  const mapping = new YamlMapping(source.root());
  const groups: RuleGroupOptions[] = [];
  const lines: number[][] = [];
  const taken = new Set<string>();
  for (const item of mapping.get('groups')?.items() ?? []) {
    const read = readGroup(item, file, defaults);
    const { name } = read.group;
    if (taken.has(name)) item.fail(`groupname: ${quote(name)} is repeated in the same file`);
    taken.add(name);
    groups.push(read.group);
    lines.push(read.lines);
  }
  mapping.finish();
  if (issues.length > 0) throw new ConfigError(issues);
  return { groups, lines };
}
