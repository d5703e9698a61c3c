// SPDX-License-Identifier: Apache-2.0
// Families to bytes: text format 0.0.4 and OpenMetrics 1.0, in the very form of the Go client library,
// so that a diff of two pages shows differences of metrics only.

import type { Distribution, LabelPairs, MetricFamily } from './family.ts';
import { goFloat, openMetricsFloat } from './float-text.ts';

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

const escapeValue = (text: string): string =>
  /[\\\n"]/.test(text) ? text.replace(/[\\\n"]/g, (c) => escapes[c] ?? c) : text;

const escapeHelp = (text: string): string =>
  /[\\\n]/.test(text) ? text.replace(/[\\\n]/g, (c) => escapes[c] ?? c) : text;

const legacyName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const legacyLabel = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const quotedName = (name: string): string =>
  legacyName.test(name) ? name : `"${escapeValue(name)}"`;
const quotedLabel = (name: string): string =>
  legacyLabel.test(name) ? name : `"${escapeValue(name)}"`;

/** `a="b",c="d"`, without braces. */
function labelText(labels: LabelPairs): string {
  let text = '';
  for (let i = 0; i < labels.length; i += 2) {
    if (i > 0) text += ',';
    text += `${quotedLabel(labels[i]!)}="${escapeValue(labels[i + 1]!)}"`;
  }
  return text;
}

/** Name and labels of a sample line; names outside of the legacy set move into the braces. */
function sampleHead(name: string, labels: string, extra = ''): string {
  const inside = labels === '' || extra === '' ? labels + extra : `${labels},${extra}`;
  if (legacyName.test(name)) return inside === '' ? name : `${name}{${inside}}`;
  return inside === '' ? `{"${escapeValue(name)}"}` : `{"${escapeValue(name)}",${inside}}`;
}

interface Form {
  float(value: number): string;
  /** Counts and buckets, which OpenMetrics writes as integers. */
  count(value: number): string;
  timestamp(ms: number): string;
}

const textForm: Form = { float: goFloat, count: goFloat, timestamp: (ms) => ` ${ms}` };
const openMetricsForm: Form = {
  float: openMetricsFloat,
  count: (value) => (Number.isInteger(value) && value < 1e21 ? String(value) : goFloat(value)),
  timestamp: (ms) => ` ${goFloat(ms / 1000)}`,
};

function distributionLines(
  family: MetricFamily,
  labels: string,
  distribution: Distribution,
  time: string,
  form: Form,
): string {
  const { name } = family;
  const isHistogram = family.type === 'histogram' || family.type === 'gaugehistogram';
  const gauge = family.type === 'gaugehistogram' && form === openMetricsForm ? 'g' : '';
  const pointName = isHistogram ? `${name}_bucket` : name;
  const boundLabel = isHistogram ? 'le' : 'quantile';
  let text = '';
  let infinite = false;
  for (const { bound, value } of distribution.points) {
    infinite ||= bound === Number.POSITIVE_INFINITY;
    const head = sampleHead(pointName, labels, `${boundLabel}="${form.float(bound)}"`);
    text += `${head} ${isHistogram ? form.count(value) : form.float(value)}${time}\n`;
  }
  const count = form.count(distribution.count);
  if (isHistogram && !infinite) {
    text += `${sampleHead(pointName, labels, 'le="+Inf"')} ${count}${time}\n`;
  }
  text += `${sampleHead(`${name}_${gauge}sum`, labels)} ${form.float(distribution.sum)}${time}\n`;
  return `${text}${sampleHead(`${name}_${gauge}count`, labels)} ${count}${time}\n`;
}

function familyLines(family: MetricFamily, sampleName: string, form: Form): string {
  let text = '';
  for (const { labels, value, distribution, timestampMs } of family.metrics) {
    const inside = labelText(labels);
    const time = timestampMs === undefined ? '' : form.timestamp(timestampMs);
    text +=
      distribution === undefined
        ? `${sampleHead(sampleName, inside)} ${form.float(value)}${time}\n`
        : distributionLines(family, inside, distribution, time, form);
  }
  return text;
}

/** HELP and TYPE lines in text format 0.0.4. */
export function textHead({ name, help, type }: Omit<MetricFamily, 'metrics'>): string {
  const shown = quotedName(name);
  return `# HELP ${shown} ${escapeHelp(help)}\n# TYPE ${shown} ${type}\n`;
}

/** The sample lines of a family in text format 0.0.4. */
export const textLines = (family: MetricFamily): string =>
  familyLines(family, family.name, textForm);

/** HELP and TYPE lines in OpenMetrics 1.0. */
export function openMetricsHead({ name, help, type }: Omit<MetricFamily, 'metrics'>): string {
  const totalCounter = type === 'counter' && name.endsWith('_total');
  // A counter not named _total cannot be said in OpenMetrics, nor can "untyped".
  const unknown = type === 'untyped' || (type === 'counter' && !totalCounter);
  const shown = quotedName(totalCounter ? name.slice(0, -6) : name);
  return `# HELP ${shown} ${escapeValue(help)}\n# TYPE ${shown} ${unknown ? 'unknown' : type}\n`;
}

/** The sample lines of a family in OpenMetrics 1.0. */
export const openMetricsLines = (family: MetricFamily): string =>
  familyLines(family, family.name, openMetricsForm);

/** The families in text format 0.0.4, in the order given. */
export function writeText(families: readonly MetricFamily[]): Uint8Array {
  let text = '';
  for (const family of families) text += textHead(family) + textLines(family);
  return new TextEncoder().encode(text);
}

/** The families in OpenMetrics 1.0, in the order given, with the closing `# EOF`. */
export function writeOpenMetrics(families: readonly MetricFamily[]): Uint8Array {
  let text = '';
  for (const family of families) text += openMetricsHead(family) + openMetricsLines(family);
  return new TextEncoder().encode(`${text}# EOF\n`);
}
