// SPDX-License-Identifier: Apache-2.0
// Pushes of many copies of one job into one group: `POST …?merge=MODE`. Each copy is a pusher with a name;
// what it pushed last is remembered, so that its restarts are seen as such.
//
//   mode   counters, summaries, histograms       gauges, untyped
//   sum    increases of all pushers added up      sum of what each pushed last
//   max    the largest of the last values         likewise
//   min    the smallest of the last values        likewise
//   last   whatever came last                     likewise
//
// Under max and min, summaries and histograms are those of the pusher with the largest or smallest count.

import type { Distribution, DistributionPoint, FamilyType, Metric } from '../model/index.ts';
import type { SanitizedFamily } from './sanitize.ts';
import { identityOf, sorted, sortKey } from './sanitize.ts';

export const mergeModes = ['sum', 'max', 'min', 'last'] as const;
export type MergeMode = (typeof mergeModes)[number];

/** Values that a pusher pushed last: family → label set → metric. */
export type LastPushed = Map<string, Map<string, Metric>>;

/** Two histograms that cannot be added up; the message says why, the status is 400. */
export class MergeError extends Error {
  override name = 'MergeError';
}

const growth = (before: number, now: number): number => (now >= before ? now - before : now);

/** `points` of the sum: a bucket that only one side has gets its neighbour's count of the other. */
function addPoints(
  total: readonly DistributionPoint[],
  added: readonly DistributionPoint[],
): DistributionPoint[] {
  const bounds = [...new Set([...total, ...added].map(({ bound }) => bound))].sort((a, b) => a - b);
  const at = (points: readonly DistributionPoint[], bound: number): number => {
    let value = 0;
    for (const point of points) if (point.bound <= bound) value = Math.max(value, point.value);
    return value;
  };
  return bounds.map((bound) => ({ bound, value: at(total, bound) + at(added, bound) }));
}

/** Absolute counts of native buckets by index, from spans and deltas (or counts). */
function bucketCounts(
  spans: readonly number[],
  buckets: readonly number[],
  isFloat: boolean,
): Map<number, number> {
  const counts = new Map<number, number>();
  let index = 0;
  let k = 0;
  let count = 0;
  for (let i = 0; i < spans.length; i += 2) {
    index += spans[i]!;
    for (let n = 0; n < spans[i + 1]!; n++) {
      count = isFloat ? (buckets[k++] ?? 0) : count + (buckets[k++] ?? 0);
      counts.set(index++, count);
    }
  }
  return counts;
}

/** Spans and deltas (or counts) of buckets by index. */
function spansOf(
  counts: ReadonlyMap<number, number>,
  isFloat: boolean,
): { spans: number[]; buckets: number[] } {
  const spans: number[] = [];
  const buckets: number[] = [];
  let next = 0;
  let before = 0;
  for (const index of [...counts.keys()].sort((a, b) => a - b)) {
    if (spans.length > 0 && index === next) spans[spans.length - 1]! += 1;
    else spans.push(index - next, 1);
    next = index + 1;
    const count = counts.get(index)!;
    buckets.push(isFloat ? count : count - before);
    before = count;
  }
  return { spans, buckets };
}

type Native = NonNullable<Distribution['native']>;

/** `total` and `sign` times `added`; both native, of one schema. */
function combineNative(total: Distribution, added: Distribution, sign: 1 | -1): Native | undefined {
  const a = total.native;
  const b = added.native;
  if (a === undefined || b === undefined) return a ?? b;
  if (a.schema !== b.schema || a.zeroThreshold !== b.zeroThreshold)
    throw new MergeError(
      'cannot merge native histograms of different schema or zero threshold: push them in groups of their own',
    );
  const isFloat = total.isFloat === true;
  const side = (which: 'negative' | 'positive') => {
    const counts = bucketCounts(a[`${which}Spans`], a[`${which}Buckets`], isFloat);
    const more = bucketCounts(b[`${which}Spans`], b[`${which}Buckets`], added.isFloat === true);
    for (const [index, count] of more) counts.set(index, (counts.get(index) ?? 0) + sign * count);
    return spansOf(counts, isFloat);
  };
  const negative = side('negative');
  const positive = side('positive');
  return {
    schema: a.schema,
    zeroThreshold: a.zeroThreshold,
    zeroCount: a.zeroCount + sign * b.zeroCount,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    exemplars: b.exemplars,
  };
}

/** What a pusher's distribution grew by; all of it when it started anew. */
function distributionGrowth(before: Distribution | undefined, now: Distribution): Distribution {
  if (before === undefined || now.count < before.count) return now;
  const earlier = new Map(before.points.map(({ bound, value }) => [bound, value]));
  const native = now.native === undefined ? undefined : combineNative(now, before, -1);
  return {
    ...now,
    count: now.count - before.count,
    sum: now.sum - before.sum,
    points: now.points.map((point) => ({
      ...point,
      value: Math.max(0, point.value - (earlier.get(point.bound) ?? 0)),
    })),
    ...(native === undefined ? {} : { native }),
  };
}

function addDistributions(
  total: Distribution | undefined,
  before: Distribution | undefined,
  now: Distribution,
  type: FamilyType,
): Distribution {
  // Quantiles of different copies say nothing about all of them.
  const plain = type === 'summary' ? { ...now, points: [] } : now;
  if (total === undefined) return plain;
  const grown = distributionGrowth(before, plain);
  const native = combineNative(total, grown, 1);
  const isFloat = total.isFloat === true || grown.isFloat === true;
  return {
    count: total.count + grown.count,
    sum: total.sum + grown.sum,
    points: type === 'summary' ? [] : addPoints(total.points, grown.points),
    ...(isFloat ? { isFloat } : {}),
    ...(native === undefined ? {} : { native }),
  };
}

const accumulates = (type: FamilyType): boolean =>
  type === 'counter' || type === 'summary' || type === 'histogram';

const sizeOf = (metric: Metric): number => metric.distribution?.count ?? metric.value;

/** Everything that a merge of one metric looks at. */
interface MergeInput {
  readonly mode: MergeMode;
  readonly type: FamilyType;
  readonly pushed: Metric;
  /** What the group has now. */
  readonly total: Metric | undefined;
  /** What this pusher pushed before. */
  readonly before: Metric | undefined;
  /** What the other pushers pushed last. */
  readonly others: readonly Metric[];
}

function mergeMetric({ mode, type, pushed, total, before, others }: MergeInput): Metric {
  if (mode === 'last') return pushed;
  if (mode === 'max' || mode === 'min') {
    const better = (a: Metric, b: Metric): Metric =>
      (mode === 'max' ? sizeOf(b) > sizeOf(a) : sizeOf(b) < sizeOf(a)) ? b : a;
    return others.reduce(better, pushed);
  }
  if (pushed.distribution !== undefined && type !== 'gaugehistogram') {
    const distribution = addDistributions(
      total?.distribution,
      before?.distribution,
      pushed.distribution,
      type,
    );
    return { ...pushed, distribution };
  }
  if (type === 'gaugehistogram') {
    const distribution = others.reduce<Distribution>(
      (sum, { distribution: other }) =>
        other === undefined ? sum : addDistributions(sum, undefined, other, type),
      pushed.distribution!,
    );
    return { ...pushed, distribution };
  }
  if (accumulates(type)) {
    const grown = growth(before?.value ?? 0, pushed.value);
    return { ...pushed, value: (total?.value ?? 0) + grown };
  }
  let { value } = pushed;
  for (const other of others) value += other.value;
  return { ...pushed, value };
}

/**
 * A pushed family merged into what the group has of it. Metrics that the push does not have stay as they
 * are. Does not change its arguments.
 *
 * @param current  the group's metrics of that name
 * @param before  what this pusher pushed of it last
 * @param others  what the other pushers pushed last
 * @throws MergeError
 */
export function mergeFamily(
  family: SanitizedFamily,
  mode: MergeMode,
  current: readonly Metric[],
  before: ReadonlyMap<string, Metric> | undefined,
  others: readonly ReadonlyMap<string, Metric>[],
): SanitizedFamily {
  const merged = new Map(current.map((metric) => [identityOf(metric.labels), metric]));
  for (const pushed of family.metrics) {
    const identity = identityOf(pushed.labels);
    const input: MergeInput = {
      mode,
      type: family.type,
      pushed,
      total: merged.get(identity),
      before: before?.get(identity),
      others: others.flatMap((last) => last.get(identity) ?? []),
    };
    merged.set(identity, mergeMetric(input));
  }
  const metrics = [...merged.values()];
  return {
    ...family,
    ...sorted(
      metrics,
      metrics.map(({ labels }) => sortKey(labels)),
    ),
  };
}
