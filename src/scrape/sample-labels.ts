// SPDX-License-Identifier: Apache-2.0
// From the labels that a target exposes to the labels that are stored.

import {
  compareText,
  isValidLabelName,
  isValidMetricName,
  type Label,
  type Labels,
  labelValue,
  METRIC_NAME,
  quote,
  relabel,
} from '../model/index.ts';
import type { ScrapeOptions } from './options.ts';

/** A sample that makes the whole scrape fail; the message is upstream's. */
export class SampleError extends Error {
  override name = 'SampleError';
  /** Whether one of the label limits was broken; they have a counter. */
  readonly labelLimit: boolean;
  constructor(message: string, labelLimit = false) {
    super(message);
    this.labelLimit = labelLimit;
  }
}

/** The parts of the options that decide what becomes of a sample's labels. */
export type LabelOptions = Pick<
  ScrapeOptions,
  | 'honorLabels'
  | 'metricRelabelRules'
  | 'labelLimit'
  | 'labelNameLengthLimit'
  | 'labelValueLengthLimit'
  | 'metricNameValidationScheme'
>;

const byName = (a: Label, b: Label): number => compareText(a.name, b.name);

/** `{__name__="up", job="x"}`, as upstream prints label sets. */
export function labelsText(labels: Labels): string {
  return `{${labels.map(({ name, value }) => `${shownName(name)}=${quote(value)}`).join(', ')}}`;
}

const shownName = (name: string): string => (isValidLabelName(name, 'legacy') ? name : quote(name));

/**
 * Joins exposed labels with the target's. Without `honorLabels` the target's win, and an exposed label of
 * that name gets `exported_` in front, as often as needed. With it, also an exposed label without a value
 * keeps the target's out: what the Pushgateway's `instance=""` is for.
 */
export function mergeTargetLabels(exposed: Labels, target: Labels, honorLabels: boolean): Label[] {
  const merged = new Map<string, string>();
  for (const { name, value } of exposed) if (value !== '' || honorLabels) merged.set(name, value);
  const conflicting: Label[] = [];
  for (const { name, value } of target) {
    const existing = merged.get(name);
    if (existing !== undefined) {
      if (honorLabels) continue;
      conflicting.push({ name, value: existing });
    }
    merged.set(name, value);
  }
  conflicting.sort((a, b) => a.name.length - b.name.length);
  for (const { name, value } of conflicting) {
    let free = `exported_${name}`;
    while (merged.has(free)) free = `exported_${free}`;
    merged.set(free, value);
  }
  return Array.from(merged, ([name, value]) => ({ name, value }))
    .filter(({ value }) => value !== '')
    .sort(byName);
}

/** Labels of a report series (`up`, `scrape_*`): nothing exposed, so nothing conflicts. */
export function reportLabels(name: string, target: Labels): Labels {
  return [{ name: METRIC_NAME, value: name }, ...target.filter((l) => l.name !== METRIC_NAME)].sort(
    byName,
  );
}

const utf8 = new TextEncoder();

function byteLength(text: string): number {
  // Three bytes a UTF-16 unit at most: encode only when the answer could matter.
  return utf8.encode(text).length;
}

/** The first 50 code points, as `%.50s` prints. */
const short = (text: string): string => [...text.slice(0, 100)].slice(0, 50).join('');

/** @throws SampleError */
function checkLimits(labels: Labels, options: LabelOptions): void {
  const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = options;
  if (labelLimit === 0 && labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return;
  const metric = short(labelValue(labels, METRIC_NAME));
  if (labelLimit > 0 && labels.length > labelLimit) {
    throw new SampleError(
      `label_limit exceeded (metric: ${metric}, number of labels: ${labels.length}, ` +
        `limit: ${labelLimit})`,
      true,
    );
  }
  for (const { name, value } of labels) {
    const nameLength = byteLength(name);
    if (labelNameLengthLimit > 0 && nameLength > labelNameLengthLimit) {
      throw new SampleError(
        `label_name_length_limit exceeded (metric: ${metric}, label name: ${short(name)}, ` +
          `length: ${nameLength}, limit: ${labelNameLengthLimit})`,
        true,
      );
    }
    const valueLength = byteLength(value);
    if (labelValueLengthLimit > 0 && valueLength > labelValueLengthLimit) {
      throw new SampleError(
        `label_value_length_limit exceeded (metric: ${metric}, label name: ${short(name)}, ` +
          `value: ${quote(short(value))}, length: ${valueLength}, limit: ${labelValueLengthLimit})`,
        true,
      );
    }
  }
}

function checkNames(labels: Labels, options: LabelOptions, namesAreUtf8: boolean): void {
  const scheme = options.metricNameValidationScheme;
  let valid = namesAreUtf8;
  for (const { name, value } of labels) {
    valid &&=
      name === METRIC_NAME ? isValidMetricName(value, scheme) : isValidLabelName(name, scheme);
  }
  if (!valid) throw new SampleError(`invalid metric name or label names: ${labelsText(labels)}`);
}

/**
 * The labels under which a sample is stored, or undefined when relabelling drops it.
 *
 * @param exposed       as parsed: sorted, may repeat names and hold empty values
 * @param target        the target's public labels
 * @param namesAreUtf8  false when a name was not UTF-8
 * @throws SampleError
 */
export function storedLabels(
  exposed: Labels,
  target: Labels,
  options: LabelOptions,
  namesAreUtf8: boolean,
): Labels | undefined {
  let labels: Labels | undefined = mergeTargetLabels(exposed, target, options.honorLabels);
  if (options.metricRelabelRules.length > 0) labels = relabel(labels, options.metricRelabelRules);
  if (labels === undefined || labels.length === 0) return undefined;
  if (labelValue(labels, METRIC_NAME) === '')
    throw new SampleError(`missing metric name (${METRIC_NAME} label)`);
  checkNames(labels, options, namesAreUtf8);
  checkLimits(labels, options);
  for (let i = 1; i < exposed.length; i++) {
    const { name } = exposed[i]!;
    if (name === exposed[i - 1]!.name)
      throw new SampleError(`label name ${quote(name)} is not unique: invalid sample`);
  }
  return labels;
}
