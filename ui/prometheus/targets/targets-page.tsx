// SPDX-License-Identifier: Apache-2.0
// What is scraped, and how that goes.

import './targets.css';
import { SegmentedControl, Select } from '@mantine/core';
import { memo, type ReactNode, useMemo, useState } from 'react';
import type { ActiveTarget, TargetHealth, TargetsData } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { Fold } from '../../shared/components/fold.tsx';
import { LabelChips } from '../../shared/components/labels.tsx';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, SearchField, useNow } from '../../shared/components/page.tsx';
import { formatCount, labelWithCount } from '../../shared/format/numbers.ts';
import { formatAgo, formatSpan, formatTime } from '../../shared/format/times.ts';
import { useUrlFilter } from '../page-filter.ts';
import { usePreferences } from '../settings.ts';
import { countHealth, groupTargets, type TargetPool } from './pools.ts';

const REFRESH_MS = 5000;
/** Pools beyond which only the first is open at the start. */
const OPEN_POOLS_MAX = 20;
/** Targets of one pool drawn before somebody asks for all. */
const ROWS_MAX = 500;

export const healthClass: Readonly<Record<TargetHealth, string>> = {
  up: 'badge ok',
  down: 'badge bad',
  unknown: 'badge warn',
};

function LastScrape({ target }: { readonly target: ActiveTarget }): ReactNode {
  const now = useNow(1000);
  const { useLocalTime } = usePreferences();
  const atMs = Date.parse(target.lastScrape);
  return (
    <span title={atMs > 0 ? formatTime(atMs, useLocalTime) : undefined}>
      {formatAgo(atMs, now)}
    </span>
  );
}

const TargetRow = memo(function TargetRow({ target }: { readonly target: ActiveTarget }) {
  const [isOpen, setOpen] = useState(false);
  const { health, lastError, scrapeUrl, globalUrl } = target;
  return (
    <>
      <tr>
        <td className="target-endpoint">
          <a href={globalUrl} className="mono">
            {scrapeUrl}
          </a>
        </td>
        <td>
          <LabelChips labels={target.labels} />
          <button
            type="button"
            className="plain-button target-more"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? 'Hide' : 'Show'} labels before relabelling
          </button>
          {isOpen && (
            <div className="target-discovered">
              <LabelChips labels={target.discoveredLabels} />
            </div>
          )}
        </td>
        <td
          className="num target-time"
          title={`every ${target.scrapeInterval}, at most ${target.scrapeTimeout}`}
        >
          <LastScrape target={target} />
        </td>
        <td className="num target-time right">{formatSpan(target.lastScrapeDuration * 1000)}</td>
        <td className="target-state">
          <span className={healthClass[health]}>{health}</span>
        </td>
      </tr>
      {lastError !== '' && (
        <tr className="target-error">
          <td colSpan={5}>{lastError}</td>
        </tr>
      )}
    </>
  );
});

function PoolTable({ targets }: { readonly targets: readonly ActiveTarget[] }): ReactNode {
  const [all, setAll] = useState(false);
  const shown = all ? targets : targets.slice(0, ROWS_MAX);
  return (
    <div className="table-scroll">
      <table className="plain targets">
        <thead>
          <tr>
            <th>Endpoint</th>
            <th>Labels</th>
            <th>Last scrape</th>
            <th className="right">Duration</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((target) => (
            <TargetRow key={target.scrapeUrl + JSON.stringify(target.labels)} target={target} />
          ))}
        </tbody>
      </table>
      {shown.length < targets.length && (
        <button type="button" className="plain-button target-all" onClick={() => setAll(true)}>
          Show all {formatCount(targets.length)} targets
        </button>
      )}
    </div>
  );
}

function PoolSide({ pool }: { readonly pool: TargetPool }): ReactNode {
  const isWell = pool.upCount === pool.totalCount;
  return (
    <span className={isWell ? 'badge ok' : pool.upCount === 0 ? 'badge bad' : 'badge warn'}>
      {pool.upCount} / {pool.totalCount} up
    </span>
  );
}

function Pools({ pools, isAny }: { pools: readonly TargetPool[]; isAny: boolean }): ReactNode {
  if (pools.length === 0) {
    return isAny ? (
      <Empty title="No target fits the filter" />
    ) : (
      <Empty title="There are no targets">
        <div>
          Targets come from the <code className="mono">scrape_configs</code> of the configuration.
        </div>
      </Empty>
    );
  }
  return pools.map((pool, i) => (
    <Fold
      key={pool.name}
      title={pool.name}
      side={<PoolSide pool={pool} />}
      initiallyOpen={pools.length <= OPEN_POOLS_MAX || i === 0}
    >
      {() => <PoolTable targets={pool.targets} />}
    </Fold>
  ));
}

const noTargets: readonly ActiveTarget[] = [];

export function TargetsPage(): ReactNode {
  const [pool, setPool] = useUrlFilter('pool');
  const [health, setHealth] = useUrlFilter('health');
  const [search, setSearch] = useUrlFilter('search');
  const { data, error } = useApi<TargetsData>(
    '/targets',
    { state: 'active' },
    { refreshMs: REFRESH_MS },
  );
  const targets = data?.activeTargets ?? noTargets;
  const counts = useMemo(() => data && countHealth(data.activeTargets), [data]);
  const names = useMemo(
    () =>
      [...new Set(targets.map(({ scrapePool }) => scrapePool))].sort((a, b) => (a < b ? -1 : 1)),
    [targets],
  );
  const pools = useMemo(() => {
    const wanted = health.split(',').filter(Boolean) as TargetHealth[];
    return groupTargets(targets, { pool, health: wanted, search });
  }, [targets, pool, health, search]);
  const healthChoices = [
    { value: '', label: labelWithCount('All', data?.activeTargets.length) },
    { value: 'up', label: labelWithCount('Up', counts?.up) },
    { value: 'down', label: labelWithCount('Down', counts?.down) },
    { value: 'unknown', label: labelWithCount('Unknown', counts?.unknown) },
  ];
  const tools = (
    <>
      <div className="grow" />
      <SegmentedControl
        size="xs"
        aria-label="Health"
        data={healthChoices}
        value={health}
        onChange={setHealth}
      />
      <Select
        size="xs"
        w={200}
        aria-label="Scrape pool"
        placeholder="All scrape pools"
        data={names}
        value={pool === '' ? null : pool}
        onChange={(value) => setPool(value ?? '')}
        searchable
        clearable
      />
      <SearchField value={search} onChange={setSearch} label="Filter by URL, label or error" />
    </>
  );
  return (
    <Page title="Targets" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the targets" />}
      {data === undefined && error === null && <LoadingLines count={8} />}
      {data !== undefined && <Pools pools={pools} isAny={targets.length > 0} />}
    </Page>
  );
}
