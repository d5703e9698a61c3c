// SPDX-License-Identifier: Apache-2.0
import './status.css';
import { type ReactNode, useState } from 'react';
import type { FlagsData } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, SearchField } from '../../shared/components/page.tsx';
import { fits } from '../targets/pools.ts';

export function FlagsPage(): ReactNode {
  const [filter, setFilter] = useState('');
  const { data, error } = useApi<FlagsData>('/status/flags');
  const rows = Object.entries(data ?? {})
    .filter(([name, value]) => fits(filter, () => `--${name} ${value}`))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const tools = (
    <>
      <div className="grow" />
      <SearchField value={filter} onChange={setFilter} label="Filter by name or value" />
    </>
  );
  return (
    <Page title="Command-line flags" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the flags" />}
      {data === undefined && error === null && <LoadingLines count={12} />}
      {data !== undefined && (
        <div className="card table-scroll">
          {rows.length === 0 && <Empty title="No flag fits the filter" />}
          <table className="plain mono">
            <tbody>
              {rows.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">--{name}</th>
                  <td className="flag-value">{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  );
}
