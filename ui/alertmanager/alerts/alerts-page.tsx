// SPDX-License-Identifier: Apache-2.0
// All alerts in their groups, filtered by what the address says.

import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { IconBellOff } from '@tabler/icons-react';
import { type ReactNode, useCallback, useMemo, useState } from 'react';
import { Link } from 'react-router-dom';
import type { ShownAlertGroup } from '../../../src/apitypes/index.ts';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, useNow } from '../../shared/components/page.tsx';
import { plural } from '../../shared/format/numbers.ts';
import { useAnswer } from '../alertmanager-api.ts';
import { MatcherField } from '../matcher-field.tsx';
import { newSilencePath, withMatchers } from '../matchers.ts';
import { WhyDrawer } from '../why/why-drawer.tsx';
import {
  alertParameters,
  labelSuggestions,
  regroup,
  switchNames,
  useAlertFilter,
} from './alert-filter.ts';
import { AlertGroup } from './alert-group.tsx';

const REFRESH_MS = 10_000;
const CLOCK_MS = 10_000;
const GROUPS_STEP = 50;
/** Pages with at most this many alerts start with all groups open. */
const OPEN_ALERTS_MAX = 40;

const switchLabels = {
  silenced: 'Silenced',
  inhibited: 'Inhibited',
  muted: 'Muted',
  active: 'Active',
} as const;

type Filter = ReturnType<typeof useAlertFilter>;

function FilterBar({ filter, set, setMatchers, groups }: Filter & { groups: Groups }): ReactNode {
  const receivers = useAnswer<readonly { name: string }[]>('/v2/receivers');
  const names = new Set(receivers.data?.map(({ name }) => name) ?? []);
  if (filter.receiver !== '') names.add(filter.receiver);
  const [group, setGroup] = useState(filter.groupBy.join(', '));
  const commitGroup = (): void => set('group', group.replace(/\s+/g, ''));
  const suggestions = useMemo(() => labelSuggestions(groups), [groups]);
  return (
    <div className="card filter-bar">
      <MatcherField
        label="Filter by label"
        placeholder={'severity="page", team=~"db|web"'}
        matchers={filter.matchers}
        problem={filter.problem}
        suggestions={suggestions}
        onChange={setMatchers}
      />
      <div className="filter-line">
        <NativeSelect
          size="xs"
          aria-label="Receiver"
          value={filter.receiver}
          data={[
            { value: '', label: 'All receivers' },
            ...[...names].sort().map((name) => ({ value: name, label: name })),
          ]}
          onChange={(event) => set('receiver', event.currentTarget.value)}
        />
        <TextInput
          size="xs"
          w={210}
          aria-label="Group by labels"
          placeholder="Grouped as the routes say"
          title="Labels to group by, separated by commas; empty: as the routes say"
          spellCheck={false}
          value={group}
          onChange={(event) => setGroup(event.currentTarget.value)}
          onBlur={commitGroup}
          onKeyDown={(event) => {
            if (event.key === 'Enter') commitGroup();
          }}
        />
        <fieldset className="switches" aria-label="Shown">
          {switchNames.map((name) => (
            <Checkbox
              key={name}
              size="xs"
              label={switchLabels[name]}
              checked={filter.shows[name]}
              onChange={({ currentTarget: { checked } }) =>
                set(name, checked === (name === 'active') ? '' : String(checked))
              }
            />
          ))}
        </fieldset>
        <span className="grow" />
        {filter.matchers.length > 0 && (
          <Button
            component={Link}
            to={newSilencePath(filter.matchers)}
            size="xs"
            variant="default"
            leftSection={<IconBellOff size={14} stroke={1.8} />}
          >
            Silence what matches
          </Button>
        )}
      </div>
    </div>
  );
}

type Groups = readonly ShownAlertGroup[];
const noGroups: Groups = [];

/** Says whether there is nothing, or nothing of what was asked for. */
function NoAlerts({ filter }: Pick<Filter, 'filter'>): ReactNode {
  const isFiltered = filter.matchers.length > 0 || filter.receiver !== '' || !filter.shows.active;
  if (isFiltered) return <Empty title="No alert matches the filter" />;
  return (
    <Empty title="All quiet">
      Nothing fires now. Silenced, inhibited and muted alerts show with the switches above.
    </Empty>
  );
}

export function AlertsPage(): ReactNode {
  const found = useAlertFilter();
  const { filter, set, setMatchers } = found;
  const { data, error } = useAnswer<Groups>('/v2/alerts/groups', alertParameters(filter), {
    refreshMs: REFRESH_MS,
    enabled: filter.problem === undefined,
  });
  const nowMs = useNow(CLOCK_MS);
  const [shown, setShown] = useState(GROUPS_STEP);
  const [folding, setFolding] = useState<{ isOpen: boolean; round: number }>();
  const groupNames = filter.groupBy.join(',');
  const groups = useMemo(() => {
    if (data === undefined) return noGroups;
    return groupNames === '' ? data : regroup(data, groupNames.split(','));
  }, [data, groupNames]);
  const total = new Set(groups.flatMap(({ alerts }) => alerts.map((each) => each.fingerprint)))
    .size;
  const initiallyOpen = folding?.isOpen ?? (total <= OPEN_ALERTS_MAX || groups.length === 1);
  const { matchers } = filter;
  const onPick = useCallback(
    (name: string, value: string): void =>
      setMatchers(withMatchers(matchers, [{ name, type: '=', value }])),
    [matchers, setMatchers],
  );
  const onWhy = useCallback((fingerprint: string): void => set('why', fingerprint), [set]);
  const tools = data !== undefined && (
    <>
      <span className="dim">
        {plural(total, 'alert')} in {plural(groups.length, 'group')}
      </span>
      <span className="grow" />
      {groups.length > 0 && (
        <Button
          size="compact-xs"
          variant="subtle"
          onClick={() => setFolding({ isOpen: !initiallyOpen, round: (folding?.round ?? 0) + 1 })}
        >
          {initiallyOpen ? 'Fold all groups' : 'Open all groups'}
        </Button>
      )}
    </>
  );
  return (
    <Page title="Alerts" tools={tools}>
      <FilterBar {...found} groups={groups} />
      {error !== null && <ErrorNotice error={error} what="the alerts" />}
      {data === undefined && error === null && filter.problem === undefined && <LoadingLines />}
      {data !== undefined && groups.length === 0 && <NoAlerts filter={filter} />}
      {groups.slice(0, shown).map((group) => (
        <AlertGroup
          key={`${folding?.round ?? 0} ${group.receiver.name} ${JSON.stringify(group.labels)}`}
          group={group}
          nowMs={nowMs}
          initiallyOpen={initiallyOpen}
          onPick={onPick}
          onWhy={onWhy}
        />
      ))}
      {groups.length > shown && (
        <Button size="xs" variant="default" onClick={() => setShown(shown + GROUPS_STEP)}>
          Show {Math.min(GROUPS_STEP, groups.length - shown)} of {groups.length - shown} more groups
        </Button>
      )}
      <WhyDrawer fingerprint={filter.why} onClose={() => set('why', '')} onOther={onWhy} />
    </Page>
  );
}
