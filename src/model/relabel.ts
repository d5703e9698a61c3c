// SPDX-License-Identifier: Apache-2.0
// Relabelling: rules that rewrite or drop a label set before it becomes a target, a sample or an alert.

import { md5 } from '../encoding/index.ts';
import { compareText, type Label, type Labels, labelValue } from './labels.ts';
import { isValidLabelName, type NameScheme } from './names.ts';
import { quote } from './quote.ts';
import { type CompiledRegexp, compileRegexp, expandTemplate } from './regexp.ts';

export const relabelActions = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;
export type RelabelAction = (typeof relabelActions)[number];

/** One rule, all defaults filled in; made by {@link relabelRule}. */
export interface RelabelRule {
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: CompiledRegexp;
  /** For `hashmod`; a whole number, 0 = not set. */
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly action: RelabelAction;
  /** Which target labels are valid. */
  readonly nameScheme: NameScheme;
}

/** What a rule may say; the rest is upstream's default. `regex` is the pattern's text. */
export interface RelabelRuleOptions extends Partial<Omit<RelabelRule, 'regex' | 'action'>> {
  readonly regex?: string;
  /** In any case. */
  readonly action?: string;
}

/** A rule that makes no sense; the message is upstream's. */
export class RelabelError extends Error {
  override name = 'RelabelError';
}

const DEFAULT_REGEX = '(.*)';
const DEFAULT_SEPARATOR = ';';
const DEFAULT_REPLACEMENT = '$1';

/** @throws RelabelError: `unknown relabel action "x"` */
export function parseRelabelAction(text: string): RelabelAction {
  const lower = text.toLowerCase();
  const action = relabelActions.find((known) => known === lower);
  if (!action) throw new RelabelError(`unknown relabel action ${quote(text)}`);
  return action;
}

/**
 * Fills in the defaults, compiles the pattern and validates.
 *
 * @throws RelabelError, RegexpError
 */
export function relabelRule(options: RelabelRuleOptions): RelabelRule {
  const rule: RelabelRule = {
    sourceLabels: options.sourceLabels ?? [],
    separator: options.separator ?? DEFAULT_SEPARATOR,
    regex: compileRegexp(options.regex ?? DEFAULT_REGEX, 'wrapped'),
    modulus: options.modulus ?? 0,
    targetLabel: options.targetLabel ?? '',
    replacement: options.replacement ?? DEFAULT_REPLACEMENT,
    action: parseRelabelAction(options.action ?? 'replace'),
    nameScheme: options.nameScheme ?? 'utf8',
  };
  validateRelabelRule(rule);
  return rule;
}

const hasReference = (template: string): boolean => template.includes('$');

function isValidNameTemplate(template: string, scheme: NameScheme): boolean {
  if (scheme === 'utf8') return isValidLabelName(template, scheme);
  // A legacy name in which `$1`, `${1}` or `$name` may stand for a part.
  return isValidLabelName(template.replace(/\$(?:\{\w+\}|\w+)/g, '_'), scheme);
}

const targetActions: readonly RelabelAction[] = [
  'replace',
  'keepequal',
  'dropequal',
  'hashmod',
  'lowercase',
  'uppercase',
];
const fixedReplacementActions: readonly RelabelAction[] = [
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
];

/** Throws upstream's message for a rule whose fields do not fit its action. @throws RelabelError */
export function validateRelabelRule(rule: RelabelRule): void {
  const { action, targetLabel, nameScheme } = rule;
  const fail = (message: string): never => {
    throw new RelabelError(message);
  };
  if (action === 'hashmod' && rule.modulus === 0)
    fail('relabel configuration for hashmod requires non-zero modulus');
  if (targetActions.includes(action) && targetLabel === '')
    fail(`relabel configuration for ${action} action requires 'target_label' value`);
  const validTarget =
    action === 'replace' && hasReference(targetLabel)
      ? isValidNameTemplate(targetLabel, nameScheme)
      : isValidLabelName(targetLabel, nameScheme);
  if (targetActions.includes(action) && !validTarget)
    fail(`${quote(targetLabel)} is invalid 'target_label' for ${action} action`);
  if (fixedReplacementActions.includes(action) && rule.replacement !== DEFAULT_REPLACEMENT)
    fail(`'replacement' can not be set for ${action} action`);
  if (action === 'labelmap' && !isValidNameTemplate(rule.replacement, nameScheme))
    fail(`${quote(rule.replacement)} is invalid 'replacement' for ${action} action`);
  const hasOthers = rule.modulus !== 0 || rule.separator !== DEFAULT_SEPARATOR;
  if (action === 'keepequal' || action === 'dropequal') {
    if (hasOthers || rule.regex.source !== DEFAULT_REGEX)
      fail(
        `${action} action requires only 'source_labels' and \`target_label\`, and no other fields`,
      );
  }
  if (action === 'labeldrop' || action === 'labelkeep') {
    const others = hasOthers || rule.replacement !== DEFAULT_REPLACEMENT;
    if (others || targetLabel !== '' || rule.sourceLabels.length > 0)
      fail(`${action} action requires only 'regex', and no other fields`);
  }
}

const utf8 = new TextEncoder();

/** The last 8 bytes of the MD5 as a big-endian number, modulo `modulus` (exact up to 2^53). */
function hashModulo(text: string, modulus: number): number {
  const digest = md5(utf8.encode(text));
  let rest = 0;
  // rest × 256 stays exact below 2^45; a larger modulus goes bit by bit.
  for (let i = 8; i < 16; i++) {
    if (modulus <= 2 ** 45) rest = (rest * 256 + digest[i]!) % modulus;
    else {
      for (let bit = 7; bit >= 0; bit--) {
        const next = (digest[i]! >> bit) & 1;
        // Doubling may pass 2^53: subtract before it does.
        rest = rest >= modulus - rest ? rest - (modulus - rest) : rest + rest;
        rest = rest + next >= modulus ? rest + next - modulus : rest + next;
      }
    }
  }
  return rest;
}

/** Go maps character by character, and keeps a character whose other case is more than one. */
const upper = (text: string): string =>
  Array.from(text, (char) => {
    const mapped = char.toUpperCase();
    return [...mapped].length === 1 ? mapped : char;
  }).join('');
const lower = (text: string): string =>
  Array.from(text, (char) => [...char.toLowerCase()][0] ?? char).join('');

/** A label set being changed; a copy is made at the first change only. */
class Draft {
  labels: Labels;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  get(name: string): string {
    return labelValue(this.labels, name);
  }

  retain(wanted: (name: string) => boolean): void {
    const kept = this.labels.filter(({ name }) => wanted(name));
    if (kept.length !== this.labels.length) this.labels = kept;
  }

  /** An empty value removes. */
  set(name: string, value: string): void {
    if (name === '') return;
    const current = this.labels;
    const kept = current.filter((label) => label.name !== name);
    if (value === '') {
      if (kept.length !== current.length) this.labels = kept;
      return;
    }
    const label: Label = { name, value };
    let at = kept.findIndex((other) => compareText(other.name, name) > 0);
    if (at < 0) at = kept.length;
    this.labels = [...kept.slice(0, at), label, ...kept.slice(at)];
  }
}

function joinSources(draft: Draft, rule: RelabelRule): string {
  const sources = rule.sourceLabels;
  if (sources.length === 1) return draft.get(sources[0]!);
  return sources.map((name) => draft.get(name)).join(rule.separator);
}

function replace(draft: Draft, rule: RelabelRule): void {
  const groups = rule.regex.exec(joinSources(draft, rule));
  if (!groups) return;
  const names = rule.regex.groupNames;
  const target = expandTemplate(rule.targetLabel, groups, names);
  if (!isValidLabelName(target, rule.nameScheme)) return;
  draft.set(target, expandTemplate(rule.replacement, groups, names));
}

/** Applies one rule; false when the set is dropped. */
function apply(draft: Draft, rule: RelabelRule): boolean {
  const { regex, targetLabel } = rule;
  switch (rule.action) {
    case 'replace':
      replace(draft, rule);
      break;
    case 'keep':
      return regex.test(joinSources(draft, rule));
    case 'drop':
      return !regex.test(joinSources(draft, rule));
    case 'keepequal':
      return draft.get(targetLabel) === joinSources(draft, rule);
    case 'dropequal':
      return draft.get(targetLabel) !== joinSources(draft, rule);
    case 'hashmod':
      draft.set(targetLabel, String(hashModulo(joinSources(draft, rule), rule.modulus)));
      break;
    case 'lowercase':
      draft.set(targetLabel, lower(joinSources(draft, rule)));
      break;
    case 'uppercase':
      draft.set(targetLabel, upper(joinSources(draft, rule)));
      break;
    case 'labelmap':
      for (const { name, value } of draft.labels) {
        const groups = regex.exec(name);
        if (groups) draft.set(expandTemplate(rule.replacement, groups, regex.groupNames), value);
      }
      break;
    case 'labeldrop':
      draft.retain((name) => !regex.test(name));
      break;
    case 'labelkeep':
      draft.retain((name) => regex.test(name));
      break;
  }
  return true;
}

/**
 * Runs `labels` through `rules` in order: the resulting set (the same object when nothing changed), or
 * undefined when a rule drops it. `labels` is not changed.
 */
export function relabel(labels: Labels, rules: readonly RelabelRule[]): Labels | undefined {
  const draft = new Draft(labels);
  for (const rule of rules) if (!apply(draft, rule)) return undefined;
  return draft.labels;
}
