// SPDX-License-Identifier: Apache-2.0
// Runtime and build information.

import './status.css';
import type { ReactNode } from 'react';
import type { BuildInfo, RuntimeInfo } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, useNow } from '../../shared/components/page.tsx';
import { formatBytes, formatCount } from '../../shared/format/numbers.ts';
import { formatSpan, formatTime } from '../../shared/format/times.ts';
import { usePreferences } from '../settings.ts';

type Rows = readonly (readonly [name: string, value: ReactNode])[];

function Facts({ title, rows }: { readonly title: string; readonly rows: Rows }): ReactNode {
  return (
    <section className="card facts">
      <h2>{title}</h2>
      <table className="plain">
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value === '' ? <span className="dim">none</span> : value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function buildRows(build: BuildInfo): Rows {
  return [
    ['Version', build.version],
    ['Revision', build.revision],
    ['Branch', build.branch],
    ['Built by', build.buildUser],
    ['Built', build.buildDate],
    ['Runtime', build.goVersion],
  ];
}

/** Go's "no limit", and ours when there is none. */
const NO_LIMIT = 2 ** 62;

function runtimeRows(runtime: RuntimeInfo, now: number, useLocalTime: boolean): Rows {
  const startMs = Date.parse(runtime.startTime);
  const time = (text: string): string => formatTime(Date.parse(text), useLocalTime);
  const isLimited = runtime.GOMEMLIMIT > 0 && runtime.GOMEMLIMIT < NO_LIMIT;
  return [
    ['Started', `${time(runtime.startTime)} (${formatSpan(now - startMs)} ago)`],
    ['Server time', time(runtime.serverTime)],
    ['Host name', runtime.hostname],
    [
      'Working directory',
      <span key="cwd" className="mono">
        {runtime.CWD}
      </span>,
    ],
    [
      'Configuration reload',
      runtime.reloadConfigSuccess ? (
        <span key="ok" className="badge ok">
          successful
        </span>
      ) : (
        <span key="failed" className="badge bad">
          failed: the one before it is in force
        </span>
      ),
    ],
    ['Last successful reload', time(runtime.lastConfigTime)],
    [
      'WAL corruptions',
      <span key="wal" className={runtime.corruptionCount > 0 ? 'badge bad' : undefined}>
        {formatCount(runtime.corruptionCount)}
      </span>,
    ],
    ['Storage retention', runtime.storageRetention],
    ['Tasks (goroutines)', formatCount(runtime.goroutineCount)],
    ['Threads (GOMAXPROCS)', String(runtime.GOMAXPROCS)],
    ['Memory limit (GOMEMLIMIT)', isLimited ? formatBytes(runtime.GOMEMLIMIT) : 'none'],
    ['GOGC', runtime.GOGC],
    ['GODEBUG', runtime.GODEBUG],
  ];
}

export function StatusPage(): ReactNode {
  const { useLocalTime } = usePreferences();
  const now = useNow(1000);
  const build = useApi<BuildInfo>('/status/buildinfo');
  const runtime = useApi<RuntimeInfo>('/status/runtimeinfo', {}, { refreshMs: 10_000 });
  const error = build.error ?? runtime.error;
  const isLoading = build.data === undefined || runtime.data === undefined;
  return (
    <Page title="Runtime & build information">
      {error !== null && <ErrorNotice error={error} what="the server's status" />}
      {isLoading && error === null && <LoadingLines count={8} />}
      <div className="two-columns">
        {runtime.data !== undefined && (
          <Facts title="Runtime" rows={runtimeRows(runtime.data, now, useLocalTime)} />
        )}
        {build.data !== undefined && <Facts title="Build" rows={buildRows(build.data)} />}
      </div>
    </Page>
  );
}
