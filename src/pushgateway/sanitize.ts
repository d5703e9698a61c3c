// SPDX-License-Identifier: Apache-2.0
// What becomes of a pushed family before it is stored: grouping labels put over its own, `instance=""`
// where nobody has one, metrics in output order, each with a key to sort and tell them apart by.

import type { FamilyType, LabelPairs, Metric, MetricFamily } from '../model/index.ts';
import { compareText } from '../model/index.ts';
import type { Grouping } from './grouping.ts';

/** A family ready to be stored: metrics in output order. */
export interface SanitizedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly unit: string;
  readonly metrics: readonly Metric[];
  /** Sort key of each metric, ascending: number of labels, then values. */
  readonly keys: readonly string[];
}

const SEPARATOR = '\0';

/** The grouping labels with the instance, sorted: what every metric of the group has. */
export function commonPairs({ pairs }: Grouping): { pairs: LabelPairs; fallbackInstance: boolean } {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === 'instance') return { pairs, fallbackInstance: false };
  }
  const at = pairs.findIndex((name, i) => i % 2 === 0 && compareText(name, 'instance') > 0);
  const split = at < 0 ? pairs.length : at;
  const withInstance = [...pairs.slice(0, split), 'instance', '', ...pairs.slice(split)];
  return { pairs: withInstance, fallbackInstance: true };
}

/**
 * Two sorted label sets as one. Of a name in both, `over` wins, except that the instance of `own` wins
 * over one that is only there as fallback.
 */
function mergePairs(own: LabelPairs, over: LabelPairs, fallbackInstance: boolean): LabelPairs {
  if (own.length === 0) return over;
  const merged: string[] = [];
  let i = 0;
  let k = 0;
  while (i < own.length || k < over.length) {
    const order = i >= own.length ? 1 : k >= over.length ? -1 : compareText(own[i]!, over[k]!);
    if (order < 0) {
      merged.push(own[i]!, own[i + 1]!);
      i += 2;
      continue;
    }
    if (order > 0) {
      merged.push(over[k]!, over[k + 1]!);
      k += 2;
      continue;
    }
    const ownWins = fallbackInstance && own[i] === 'instance';
    merged.push(own[i]!, ownWins ? own[i + 1]! : over[k + 1]!);
    i += 2;
    k += 2;
  }
  return merged;
}

/** Equal keys: the same number of labels with the same values, if not the same names. */
export function sortKey(labels: LabelPairs): string {
  let key = String.fromCharCode(labels.length >> 1);
  for (let i = 1; i < labels.length; i += 2) key += labels[i] + SEPARATOR;
  return key;
}

/** Names and values: equal exactly for equal label sets. */
export const identityOf = (labels: LabelPairs): string => labels.join('\xff');

const byKey = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A pushed family with the labels of its group. Cost: O(n log n) in its metrics. */
export function sanitizeFamily(
  family: MetricFamily,
  common: { readonly pairs: LabelPairs; readonly fallbackInstance: boolean },
): SanitizedFamily {
  const { name, help, type, unit = '' } = family;
  const metrics: Metric[] = [];
  const keys: string[] = [];
  for (const metric of family.metrics) {
    const labels = mergePairs(metric.labels, common.pairs, common.fallbackInstance);
    metrics.push({ ...metric, labels });
    keys.push(sortKey(labels));
  }
  return { name, help, type, unit, ...sorted(metrics, keys) };
}

/** Metrics and keys in output order. */
export function sorted(
  metrics: readonly Metric[],
  keys: readonly string[],
): { metrics: readonly Metric[]; keys: readonly string[] } {
  let inOrder = true;
  for (let i = 1; inOrder && i < keys.length; i++) inOrder = keys[i - 1]! <= keys[i]!;
  if (inOrder) return { metrics, keys };
  const order = keys.map((_, i) => i).sort((a, b) => byKey(keys[a]!, keys[b]!) || a - b);
  return { metrics: order.map((i) => metrics[i]!), keys: order.map((i) => keys[i]!) };
}
