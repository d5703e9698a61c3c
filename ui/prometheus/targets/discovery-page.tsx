// SPDX-License-Identifier: Apache-2.0
// What service discovery found, and what relabelling made of it.

import './targets.css';
import { SegmentedControl } from '@mantine/core';
import { type ReactNode, useMemo, useState } from 'react';
import type { TargetsData } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { Fold } from '../../shared/components/fold.tsx';
import { LabelChips } from '../../shared/components/labels.tsx';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, SearchField } from '../../shared/components/page.tsx';
import { formatCount, plural } from '../../shared/format/numbers.ts';
import { useUrlFilter } from '../page-filter.ts';
import { type DiscoveredTarget, type DiscoveryPool, groupDiscovered } from './pools.ts';

const REFRESH_MS = 10_000;
const ROWS_MAX = 200;

const states = [
  { value: '', label: 'All' },
  { value: 'active', label: 'Active' },
  { value: 'dropped', label: 'Dropped' },
];

function Discovered({ pool }: { readonly pool: DiscoveryPool }): ReactNode {
  const [all, setAll] = useState(false);
  const kept = pool.targets.filter(({ labels }) => labels === undefined).length;
  const shown: readonly DiscoveredTarget[] = all ? pool.targets : pool.targets.slice(0, ROWS_MAX);
  return (
    <div className="table-scroll">
      <table className="plain discovered">
        <thead>
          <tr>
            <th>Discovered labels</th>
            <th>Target labels</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ discoveredLabels, labels }) => (
            <tr key={JSON.stringify(discoveredLabels) + JSON.stringify(labels ?? null)}>
              <td>
                <LabelChips labels={discoveredLabels} />
              </td>
              <td>
                {labels === undefined ? (
                  <span className="badge">dropped by relabelling</span>
                ) : (
                  <LabelChips labels={labels} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < pool.targets.length && (
        <button type="button" className="plain-button target-all" onClick={() => setAll(true)}>
          Show all {formatCount(pool.targets.length)}
        </button>
      )}
      {kept > 0 && kept < pool.droppedCount && (
        <div className="target-note">
          {plural(pool.droppedCount - kept, 'more dropped target')} not kept, as
          <code className="mono"> keep_dropped_targets</code> says.
        </div>
      )}
    </div>
  );
}

export function DiscoveryPage(): ReactNode {
  const [pool] = useUrlFilter('pool');
  const [state, setState] = useUrlFilter('state');
  const [search, setSearch] = useUrlFilter('search');
  const { data, error } = useApi<TargetsData>(
    '/targets',
    { state: 'any' },
    { refreshMs: REFRESH_MS },
  );
  const pools = useMemo(() => {
    const wanted = state === 'active' || state === 'dropped' ? state : '';
    return data === undefined ? [] : groupDiscovered(data, { pool, state: wanted, search });
  }, [data, pool, state, search]);
  const tools = (
    <>
      <div className="grow" />
      <SegmentedControl
        size="xs"
        aria-label="State"
        data={states}
        value={state}
        onChange={setState}
      />
      <SearchField value={search} onChange={setSearch} label="Filter by label" />
    </>
  );
  return (
    <Page title="Service discovery" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the discovered targets" />}
      {data === undefined && error === null && <LoadingLines count={8} />}
      {data !== undefined && pools.length === 0 && (
        <Empty
          title={search + state === '' ? 'Nothing is discovered' : 'Nothing fits the filter'}
        />
      )}
      {pools.map((one) => (
        <Fold
          key={one.name}
          title={one.name}
          side={
            <>
              <span className="badge ok">{formatCount(one.activeCount)} active</span>
              {one.droppedCount > 0 && (
                <span className="badge">{formatCount(one.droppedCount)} dropped</span>
              )}
            </>
          }
          initiallyOpen={pools.length === 1 || search + state !== ''}
        >
          {() => <Discovered pool={one} />}
        </Fold>
      ))}
    </Page>
  );
}
