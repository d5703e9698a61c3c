// SPDX-License-Identifier: Apache-2.0
// All groups, as they are now: asked for every few seconds.

import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import type { PushedGroup, PushedGroups } from '../../src/apitypes/index.ts';
import { useApi, useApiClient } from '../shared/api/use-api.ts';
import { Empty, ErrorNotice, LoadingLines, Notice } from '../shared/components/notices.tsx';
import { Page, SearchField, useNow } from '../shared/components/page.tsx';
import { plural } from '../shared/format/numbers.ts';
import { DeleteDialog } from './delete-dialog.tsx';
import { GroupCard } from './group-card.tsx';

const REFRESH_MS = 5000;
const CLOCK_MS = 1000;
/** Typing goes on for as long as keys follow each other this fast. */
const TYPING_MS = 200;

function NoGroups({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  const { prefix } = useApiClient();
  if (isFiltered) return <Empty title="No group matches the filter" />;
  const url = `${window.location.origin}${prefix}/metrics/job/some_job`;
  return (
    <Empty title="Nothing has been pushed yet">
      <code className="mono">echo "some_metric 3.14" | curl --data-binary @- {url}</code>
    </Empty>
  );
}

interface ListProps {
  readonly data: PushedGroups;
  readonly isFiltered: boolean;
  readonly nowMs: number;
  readonly onDelete: (group: PushedGroup) => void;
}

function GroupList({ data, isFiltered, nowMs, onDelete }: ListProps): ReactNode {
  if (data.groups.length === 0) return <NoGroups isFiltered={isFiltered} />;
  return (
    <>
      {data.groups.map((group) => (
        <GroupCard key={group.path} group={group} nowMs={nowMs} onDelete={onDelete} />
      ))}
      {data.total > data.groups.length && (
        <Notice kind="info">
          The first {data.groups.length} of {plural(data.total, 'group')}. A filter shows others.
        </Notice>
      )}
    </>
  );
}

export function GroupsPage(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const filter = search.get('filter') ?? '';
  const [asked] = useDebouncedValue(filter, TYPING_MS);
  const [target, setTarget] = useState<PushedGroup | 'all'>();
  const { data, error, dataUpdatedAt } = useApi<PushedGroups>(
    '/groups',
    asked === '' ? {} : { filter: asked },
    { refreshMs: REFRESH_MS },
  );
  // Times are told by the server's clock.
  const clock = useNow(CLOCK_MS);
  const nowMs = data === undefined ? clock : data.nowMs + Math.max(0, clock - dataUpdatedAt);
  const failing = data?.groups.filter(({ lastPushSuccessful }) => !lastPushSuccessful).length ?? 0;
  const tools = (
    <>
      <SearchField
        label="Filter by label or metric"
        value={filter}
        onChange={(text) => setSearch(text === '' ? {} : { filter: text }, { replace: true })}
      />
      {data !== undefined && <span className="dim">{plural(data.total, 'group')}</span>}
      {failing > 0 && <span className="badge bad">{failing} failing</span>}
      <span className="grow" />
      {data?.canWipe === true && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconTrash size={14} stroke={1.8} />}
          disabled={data.total === 0 || filter !== ''}
          onClick={() => setTarget('all')}
        >
          Delete all groups
        </Button>
      )}
    </>
  );
  return (
    <Page title="Groups" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the groups" />}
      {data === undefined ? (
        error === null && <LoadingLines />
      ) : (
        <GroupList
          data={data}
          isFiltered={asked !== ''}
          nowMs={nowMs}
          onDelete={(group) => setTarget(group)}
        />
      )}
      <DeleteDialog
        target={target}
        groupCount={data?.total ?? 0}
        onClose={() => setTarget(undefined)}
      />
    </Page>
  );
}
