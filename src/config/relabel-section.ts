// SPDX-License-Identifier: Apache-2.0

import {
  isValidLabelName,
  type NameScheme,
  quote,
  type RelabelRule,
  type RelabelRuleOptions,
  relabelRule,
} from '../model/index.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Runs one of the rule's own checks and points at the key it speaks of. */
function pointAt(mapping: YamlMapping, message: string): void {
  const key = message.startsWith('error parsing regexp')
    ? 'regex'
    : message.startsWith('unknown relabel action')
      ? 'action'
      : (/is invalid '(\w+)'/.exec(message)?.[1] ?? '');
  const value = mapping.get(key);
  if (value) value.fail(message);
  else mapping.fail(message);
}

/** One rule, or undefined after reporting. */
export function readRelabelRule(value: YamlValue, nameScheme: NameScheme): RelabelRule | undefined {
  const mapping = new YamlMapping(value);
  const before = value.file.issues.length;
  const options: Writable<RelabelRuleOptions> = { nameScheme };
  const sources = mapping.get('source_labels');
  if (sources) {
    options.sourceLabels = sources.texts();
    for (const item of sources.items()) {
      const name = item.text() ?? '';
      if (!isValidLabelName(name, 'utf8')) item.fail(`${quote(name)} is not a valid label name`);
    }
  }
  const separator = mapping.text('separator');
  const regex = mapping.text('regex');
  const modulus = mapping.count('modulus');
  const targetLabel = mapping.text('target_label');
  const replacement = mapping.text('replacement');
  const action = mapping.text('action');
  if (separator !== undefined) options.separator = separator;
  if (regex !== undefined) options.regex = regex;
  if (modulus !== undefined) options.modulus = modulus;
  if (targetLabel !== undefined) options.targetLabel = targetLabel;
  if (replacement !== undefined) options.replacement = replacement;
  if (action !== undefined) options.action = action;
  mapping.finish();
  if (value.file.issues.length > before) return undefined;
  try {
    return relabelRule(options);
  } catch (error) {
    pointAt(mapping, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** The rules under `key`; null items are refused with `nullMessage`. */
export function readRelabelRules(
  mapping: YamlMapping,
  key: string,
  nullMessage: string,
  nameScheme: NameScheme,
): RelabelRule[] {
  return mapping.items(key, nullMessage).flatMap((item) => readRelabelRule(item, nameScheme) ?? []);
}
