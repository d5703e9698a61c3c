// SPDX-License-Identifier: Apache-2.0
// All metric names with type and help, to pick one from.

import { Modal } from '@mantine/core';
import { type ReactNode, useMemo, useState } from 'react';
import type { MetadataData } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { SearchField } from '../../shared/components/page.tsx';
import { formatCount } from '../../shared/format/numbers.ts';
import { formatSeries } from '../../shared/format/series.ts';
import { filterMetrics, metadataOf } from './metric-filter.ts';

/** Rows drawn: the filter finds the rest. */
const ROWS_MAX = 200;

export interface MetricsExplorerProps {
  readonly onClose: () => void;
  readonly onPick: (expr: string) => void;
}

export default function MetricsExplorer({ onClose, onPick }: MetricsExplorerProps): ReactNode {
  const [filter, setFilter] = useState('');
  const names = useApi<readonly string[]>('/label/__name__/values');
  const metadata = useApi<MetadataData>('/metadata');
  const found = useMemo(() => filterMetrics(names.data ?? [], filter), [names.data, filter]);
  const body = (): ReactNode => {
    if (names.error !== null) return <ErrorNotice error={names.error} what="the metric names" />;
    if (names.data === undefined) return <LoadingLines count={10} />;
    if (found.length === 0) return <Empty title="No metric matches" />;
    return (
      <>
        <table className="plain explorer">
          <thead>
            <tr>
              <th>Metric</th>
              <th>Type</th>
              <th>Help</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, ROWS_MAX).map((name) => {
              const about = metadataOf(metadata.data ?? {}, name);
              return (
                <tr key={name}>
                  <td>
                    <button
                      type="button"
                      className="plain-button mono explorer-name"
                      onClick={() => onPick(formatSeries({ __name__: name }))}
                    >
                      {name}
                    </button>
                  </td>
                  <td className="dim">{about?.type ?? ''}</td>
                  <td className="dim">{about?.help ?? ''}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {found.length > ROWS_MAX && (
          <div className="more">{formatCount(found.length - ROWS_MAX)} more match.</div>
        )}
      </>
    );
  };
  return (
    <Modal opened onClose={onClose} size="xl" title="Metrics">
      <SearchField
        value={filter}
        onChange={setFilter}
        label={`Filter ${formatCount(names.data?.length ?? 0)} metrics`}
        width={420}
      />
      <div className="explorer-list">{body()}</div>
    </Modal>
  );
}
