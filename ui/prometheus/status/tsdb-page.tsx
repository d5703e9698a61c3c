// SPDX-License-Identifier: Apache-2.0
// What fills the head block.

import './status.css';
import type { ReactNode } from 'react';
import type { NamedCount, TsdbStatus } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page } from '../../shared/components/page.tsx';
import { formatBytes, formatCount } from '../../shared/format/numbers.ts';
import { formatTime } from '../../shared/format/times.ts';
import { usePreferences } from '../settings.ts';

interface TopListProps {
  readonly title: string;
  readonly entries: readonly NamedCount[];
  readonly format?: (value: number) => string;
}

function TopList({ title, entries, format = formatCount }: TopListProps): ReactNode {
  const most = Math.max(...entries.map(({ value }) => value), 1);
  return (
    <section className="card facts">
      <h2>{title}</h2>
      <table className="plain">
        <tbody>
          {entries.length === 0 && (
            <tr>
              <td className="dim">Nothing yet</td>
            </tr>
          )}
          {entries.map(({ name, value }) => (
            <tr key={name}>
              <td className="mono top-name">
                {name}
                <span
                  className="top-bar"
                  style={{ width: `calc((100% - 24px) * ${value / most})` }}
                />
              </td>
              <td className="right num">{format(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function HeadStats({ stats }: { readonly stats: TsdbStatus['headStats'] }): ReactNode {
  const { useLocalTime } = usePreferences();
  // An empty head has no times: the server gives the extremes.
  const time = (ms: number): string =>
    Math.abs(ms) < 8.64e15 ? formatTime(ms, useLocalTime) : 'none yet';
  const facts: readonly (readonly [string, string])[] = [
    ['Series', formatCount(stats.numSeries)],
    ['Chunks', formatCount(stats.chunkCount)],
    ['Label pairs', formatCount(stats.numLabelPairs)],
    ['From', time(stats.minTime)],
    ['To', time(stats.maxTime)],
  ];
  return (
    <dl className="card head-stats">
      {facts.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="num">{text}</dd>
        </div>
      ))}
    </dl>
  );
}

export function TsdbPage(): ReactNode {
  const { data, error } = useApi<TsdbStatus>('/status/tsdb', {}, { refreshMs: 30_000 });
  return (
    <Page title="TSDB status">
      {error !== null && <ErrorNotice error={error} what="the database's status" />}
      {data === undefined && error === null && <LoadingLines count={12} />}
      {data !== undefined && (
        <>
          <HeadStats stats={data.headStats} />
          <div className="two-columns">
            <TopList title="Series by metric name" entries={data.seriesCountByMetricName} />
            <TopList title="Series by label pair" entries={data.seriesCountByLabelValuePair} />
            <TopList title="Values by label name" entries={data.labelValueCountByLabelName} />
            <TopList
              title="Memory by label name"
              entries={data.memoryInBytesByLabelName}
              format={formatBytes}
            />
          </div>
        </>
      )}
    </Page>
  );
}
