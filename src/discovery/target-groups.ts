// SPDX-License-Identifier: Apache-2.0
// Target groups as files and HTTP servers write them: a list of `{targets: [...], labels: {...}}`.

import { parseDocument } from 'yaml';
import { isValidLabelName, type Labels, labelsFrom, quote } from '../model/index.ts';
import type { TargetGroup } from './options.ts';

/** A list of groups that cannot be read. */
export class TargetGroupError extends Error {
  override name = 'TargetGroupError';
}

/** Aliases can make a small file enormous. */
const ALIAS_COUNT_MAX = 100;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readTargets(value: unknown, at: string): Labels[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TargetGroupError(`${at}: "targets" must be a list of texts`);
  return value.map((target: unknown, i) => {
    if (typeof target !== 'string')
      throw new TargetGroupError(`${at}: targets[${i}] must be a text, such as "host:9100"`);
    return labelsFrom([['__address__', target]]);
  });
}

function readLabels(value: unknown, at: string): [string, string][] {
  if (value === undefined || value === null) return [];
  if (!isRecord(value)) throw new TargetGroupError(`${at}: "labels" must be a mapping of texts`);
  return Object.entries(value).map(([name, text]) => {
    if (!isValidLabelName(name, 'utf8'))
      throw new TargetGroupError(`${at}: ${quote(name)} is not a valid label name`);
    if (typeof text !== 'string')
      throw new TargetGroupError(`${at}: the label ${quote(name)} must be a text`);
    return [name, text];
  });
}

/**
 * Checks a decoded list of groups. Group i gets the source `<source>:<i>` and the label `mark` = source.
 *
 * @throws TargetGroupError naming the group
 */
function readGroups(value: unknown, source: string, mark: string): TargetGroup[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TargetGroupError('expected a list of target groups');
  return value.map((group: unknown, i) => {
    if (group === undefined || group === null)
      throw new TargetGroupError(`nil target group item found (index ${i})`);
    const at = `target group ${i}`;
    if (!isRecord(group)) throw new TargetGroupError(`${at}: expected {"targets": [...]}`);
    for (const key of Object.keys(group)) {
      if (key !== 'targets' && key !== 'labels')
        throw new TargetGroupError(`${at}: unknown field ${quote(key)}`);
    }
    const targets = readTargets(group.targets, at);
    const labels = labelsFrom([...readLabels(group.labels, at), [mark, source]]);
    return { source: `${source}:${i}`, targets, labels };
  });
}

/** @param mark name of the label that gets the source. @throws TargetGroupError */
export function decodeJsonGroups(text: string, source: string, mark: string): TargetGroup[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TargetGroupError(error instanceof Error ? error.message : 'not JSON', {
      cause: error,
    });
  }
  return readGroups(value, source, mark);
}

/** @param mark name of the label that gets the source. @throws TargetGroupError */
export function decodeYamlGroups(text: string, source: string, mark: string): TargetGroup[] {
  // All scalars are texts here: `9100` is as good a label value as `"9100"`.
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: true });
  const [first] = document.errors;
  if (first) throw new TargetGroupError(first.message.split('\n')[0] ?? '', { cause: first });
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX });
  } catch (error) {
    throw new TargetGroupError(error instanceof Error ? error.message : 'not YAML', {
      cause: error,
    });
  }
  return readGroups(value === '' ? undefined : value, source, mark);
}
