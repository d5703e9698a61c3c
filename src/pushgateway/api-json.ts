// SPDX-License-Identifier: Apache-2.0
// JSON of the API: upstream's /status and /metrics to the letter, and ours for the page.

import type { PushedGroup, PushedGroups, PushedMetric } from '../apitypes/index.ts';
import { goFloat } from '../metrics/index.ts';
import type { FamilyType, Metric } from '../model/index.ts';
import { groupingPath } from './grouping.ts';
import { apiBuckets } from './native-buckets.ts';
import type { RecordFamily } from './record.ts';
import { metricsOf } from './record.ts';
import type { Group, PushStore } from './store.ts';

const typeText = (type: FamilyType): string =>
  type === 'gaugehistogram' ? 'GAUGE_HISTOGRAM' : type.toUpperCase();

/** Counts are integers where they can be: Go prints a uint64 without exponent. */
const countText = (count: number, isFloat: boolean): string =>
  isFloat || !Number.isInteger(count) || count >= 1e21 ? goFloat(count) : String(count);

/** Go prints times with the digits that they have. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');

const labelsOf = (metric: Metric): Record<string, string> => {
  const labels: Record<string, string> = {};
  for (let i = 0; i < metric.labels.length; i += 2)
    labels[metric.labels[i]!] = metric.labels[i + 1]!;
  return labels;
};

/** A metric as upstream's API shows it. */
export function apiMetric(metric: Metric, type: FamilyType): PushedMetric {
  const labels = labelsOf(metric);
  const { distribution } = metric;
  if (distribution === undefined) return { labels, value: goFloat(metric.value) };
  const isFloat = distribution.isFloat === true;
  const totals = { count: countText(distribution.count, isFloat), sum: goFloat(distribution.sum) };
  const { native } = distribution;
  if (native !== undefined && native.negativeSpans.length + native.positiveSpans.length > 0)
    return { labels, ...totals, buckets: apiBuckets(distribution) };
  const points: Record<string, string> = {};
  for (const { bound, value } of distribution.points)
    points[goFloat(bound)] = type === 'summary' ? goFloat(value) : countText(value, isFloat);
  return type === 'summary'
    ? { labels, quantiles: points, ...totals }
    : { labels, buckets: points, ...totals };
}

const apiFamily = (family: RecordFamily): Record<string, unknown> => ({
  time_stamp: timeText(family.timeMs),
  type: typeText(family.type),
  ...(family.help === '' ? {} : { help: family.help }),
  metrics: metricsOf(family).map((metric) => apiMetric(metric, family.type)),
});

/** Go's encoding/json also escapes what would end a script element. */
const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

export const succeeded = (data: unknown): string => goJson({ status: 'success', data });

const wasSuccessful = (group: Group): boolean => group.lastFailureMs <= group.lastPushMs;

/** /api/v1/metrics: the keys of each group sorted, as Go writes maps. */
export function metricsJson(store: PushStore): string {
  const groups: string[] = [];
  for (const group of store.groups.values()) {
    const entries = new Map<string, unknown>();
    const { pairs } = group.grouping;
    const labels: Record<string, string> = {};
    for (let i = 0; i < pairs.length; i += 2) labels[pairs[i]!] = pairs[i + 1]!;
    entries.set('labels', labels);
    entries.set('last_push_successful', wasSuccessful(group));
    for (const [name, family] of group.families) entries.set(name, apiFamily(family));
    const names = [...entries.keys()].sort((a, b) => (a < b ? -1 : 1));
    groups.push(
      `{${names.map((name) => `${goJson(name)}:${goJson(entries.get(name))}`).join(',')}}`,
    );
  }
  return `{"status":"success","data":[${groups.join(',')}]}`;
}

function pushedGroup(group: Group): PushedGroup {
  const { pairs } = group.grouping;
  const labels: [string, string][] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const pair: [string, string] = [pairs[i]!, pairs[i + 1]!];
    if (pair[0] === 'job') labels.unshift(pair);
    else labels.push(pair);
  }
  const families = [...group.families.values()]
    .map((family) => ({
      name: family.name,
      type: family.type,
      help: family.help,
      pushedMs: family.timeMs,
      metricCount: family.count,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    labels,
    path: `metrics${groupingPath(pairs)}`,
    lastPushMs: group.lastPushMs,
    lastFailureMs: group.lastFailureMs,
    lastPushSuccessful: wasSuccessful(group),
    expiresMs: group.expiresMs,
    families,
  };
}

/** Groups in one answer at most; the page says that there are more. */
const GROUPS_LISTED_MAX = 1000;

/** Whether every word of the filter stands in a label or in the name of a family of the group. */
function matches(group: Group, words: readonly string[]): boolean {
  const { pairs } = group.grouping;
  let text = '';
  for (let i = 0; i < pairs.length; i += 2)
    text += `${pairs[i]}="${pairs[i + 1]}" ${pairs[i]}=${pairs[i + 1]} `;
  text = text.toLowerCase();
  return words.every(
    (word) =>
      text.includes(word) ||
      [...group.families.keys()].some((name) => name.toLowerCase().includes(word)),
  );
}

/** The groups that a filter (words, all of which must be found) leaves. */
export function pushedGroups(
  store: PushStore,
  filter: string,
  about: { readonly nowMs: number; readonly canWipe: boolean },
): PushedGroups {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const groups: PushedGroup[] = [];
  let total = 0;
  for (const group of store.groups.values()) {
    if (!matches(group, words)) continue;
    total++;
    if (groups.length < GROUPS_LISTED_MAX) groups.push(pushedGroup(group));
  }
  return { groups, total, ...about };
}
