// SPDX-License-Identifier: Apache-2.0
// The metrics of one family of a group, asked for when somebody looks.

import type { ReactNode } from 'react';
import type {
  PushedFamily,
  PushedGroup,
  PushedMetric,
  PushedMetrics,
} from '../../src/apitypes/index.ts';
import { useApi } from '../shared/api/use-api.ts';
import { SeriesName } from '../shared/components/labels.tsx';
import { ErrorNotice, LoadingLines } from '../shared/components/notices.tsx';
import { plural } from '../shared/format/numbers.ts';

/** Where the count of a native bucket's bounds is inclusive: (], [), (), []. */
const brackets: readonly (readonly [string, string])[] = [
  ['(', ']'],
  ['[', ')'],
  ['(', ')'],
  ['[', ']'],
];

type Rows = readonly (readonly [string, string])[];

const numberOf = (bound: string): number =>
  bound === '+Inf'
    ? Number.POSITIVE_INFINITY
    : bound === '-Inf'
      ? Number.NEGATIVE_INFINITY
      : Number(bound);

const byBound = (points: Readonly<Record<string, string>>): Rows =>
  Object.entries(points).sort(([a], [b]) => numberOf(a) - numberOf(b));

function pointsOf({ quantiles, buckets }: PushedMetric): { head: string; rows: Rows } {
  if (quantiles !== undefined) return { head: 'Quantile', rows: byBound(quantiles) };
  if (!Array.isArray(buckets))
    return { head: 'Up to', rows: byBound((buckets ?? {}) as Readonly<Record<string, string>>) };
  const rows: [string, string][] = [];
  for (const [kind, lower, upper, count] of buckets as readonly [
    number,
    string,
    string,
    string,
  ][]) {
    const [open = '(', close = ']'] = brackets[kind] ?? [];
    rows.push([`${open}${lower}, ${upper}${close}`, count]);
  }
  return { head: 'Bucket', rows };
}

/** Narrowest bar that can still be seen, in percent. */
const BAR_MIN = 1;

/** Quantiles or buckets, with bars for the shares of native buckets. */
function Points({ metric }: { readonly metric: PushedMetric }): ReactNode {
  const { head, rows } = pointsOf(metric);
  const isNative = Array.isArray(metric.buckets);
  const largest = Math.max(...rows.map(([, count]) => Number(count)), 1);
  return (
    <table className="points">
      <thead>
        <tr>
          <th>{head}</th>
          <th className="right">{metric.quantiles === undefined ? 'Count' : 'Value'}</th>
          {isNative && <th aria-hidden />}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <td>{name}</td>
            <td className="right num">{value}</td>
            {isNative && (
              <td className="bar-cell" aria-hidden>
                <div
                  className="bar"
                  style={{ width: `${Math.max(BAR_MIN, (Number(value) / largest) * 100)}%` }}
                />
              </td>
            )}
          </tr>
        ))}
        <tr>
          <td>sum</td>
          <td className="right num">{metric.sum}</td>
          {isNative && <td />}
        </tr>
        <tr>
          <td>count</td>
          <td className="right num">{metric.count}</td>
          {isNative && <td />}
        </tr>
      </tbody>
    </table>
  );
}

/** Only what the group's own labels do not say already. */
function ownLabels(metric: PushedMetric, group: PushedGroup): Record<string, string> {
  const common = new Map(group.labels);
  return Object.fromEntries(
    Object.entries(metric.labels).filter(([name, value]) => common.get(name) !== value),
  );
}

export interface FamilyMetricsProps {
  readonly group: PushedGroup;
  readonly family: PushedFamily;
}

export function FamilyMetrics({ group, family }: FamilyMetricsProps): ReactNode {
  const { data, error } = useApi<PushedMetrics>('/family', {
    group: group.path,
    name: family.name,
    // Asks anew after every push.
    at: String(family.pushedMs),
  });
  if (error !== null) return <ErrorNotice error={error} what="the metrics" />;
  if (data === undefined) return <LoadingLines count={2} />;
  if (data.metrics.length === 0) return <div className="note">No metrics in this family.</div>;
  return (
    <>
      <table className="metrics">
        <thead>
          <tr>
            <th>Labels beside the group's</th>
            <th className="right">Value</th>
          </tr>
        </thead>
        <tbody>
          {data.metrics.map((metric) => (
            <tr key={JSON.stringify(metric.labels)}>
              <td>
                <SeriesName metric={ownLabels(metric, group)} />
              </td>
              <td className="right num mono">
                {metric.value === undefined ? <Points metric={metric} /> : metric.value}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {data.total > data.metrics.length && (
        <div className="note">
          The first {data.metrics.length} of {plural(data.total, 'metric')}.
        </div>
      )}
    </>
  );
}
