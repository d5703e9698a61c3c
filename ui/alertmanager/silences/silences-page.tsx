// SPDX-License-Identifier: Apache-2.0
// All silences by state, filtered by what they match.

import { Button, SegmentedControl } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Link, useSearchParams } from 'react-router-dom';
import type { ShownSilence } from '../../../src/apitypes/index.ts';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, useNow } from '../../shared/components/page.tsx';
import { labelWithCount } from '../../shared/format/numbers.ts';
import { useTimeZone } from '../times.ts';
import { useAnswer } from '../alertmanager-api.ts';
import { MatcherField } from '../matcher-field.tsx';
import { filterParameters, filterText, readMatchers } from '../matchers.ts';
import { ExpireDialog, SilenceMatchers, silenceTime } from './silence-parts.tsx';

const REFRESH_MS = 10_000;
const CLOCK_MS = 5000;
const ROWS_STEP = 100;

type State = ShownSilence['status']['state'];
const states: readonly (readonly [State, string])[] = [
  ['active', 'Active'],
  ['pending', 'Pending'],
  ['expired', 'Expired'],
];

interface RowProps {
  readonly silence: ShownSilence;
  readonly nowMs: number;
  readonly onExpire: () => void;
}

function SilenceRow({ silence, nowMs, onExpire }: RowProps): ReactNode {
  const { id, status, createdBy, comment } = silence;
  const zone = useTimeZone();
  const isOver = status.state === 'expired';
  return (
    <li className="card silence-row">
      <div className="silence-main">
        <SilenceMatchers silence={silence} />
        <div className="silence-comment">{comment}</div>
        <div className="dim num">
          {createdBy} · {silenceTime(silence, nowMs, zone)}
        </div>
      </div>
      <div className="silence-actions">
        <Button component={Link} to={`/silences/${id}`} size="compact-xs" variant="subtle">
          View
        </Button>
        <Button component={Link} to={`/silences/${id}/edit`} size="compact-xs" variant="subtle">
          {isOver ? 'Recreate' : 'Edit'}
        </Button>
        {!isOver && (
          <Button size="compact-xs" variant="subtle" className="danger" onClick={onExpire}>
            Expire
          </Button>
        )}
      </div>
    </li>
  );
}

export function SilencesPage(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const state = states.find(([name]) => name === search.get('state'))?.[0] ?? 'active';
  const read = readMatchers(search.get('filter') ?? '');
  const matchers = typeof read === 'string' ? [] : read;
  const { data, error } = useAnswer<readonly ShownSilence[]>(
    '/v2/silences',
    filterParameters(matchers),
    { refreshMs: REFRESH_MS, enabled: typeof read !== 'string' },
  );
  const nowMs = useNow(CLOCK_MS);
  const [target, setTarget] = useState<ShownSilence>();
  const [rows, setRows] = useState(ROWS_STEP);
  const shown = data?.filter(({ status }) => status.state === state) ?? [];
  const count = (name: State): number | undefined =>
    data?.filter(({ status }) => status.state === name).length;
  const go = (nextState: string, filter: string): void =>
    setSearch(
      { ...(nextState === 'active' ? {} : { state: nextState }), ...(filter && { filter }) },
      { replace: true },
    );
  const tools = (
    <SegmentedControl
      size="xs"
      aria-label="State"
      value={state}
      onChange={(value) => go(value, filterText(matchers))}
      data={states.map(([value, name]) => ({
        value,
        label: labelWithCount(name, count(value)),
      }))}
    />
  );
  return (
    <Page title="Silences" tools={tools}>
      <div className="card filter-bar">
        <MatcherField
          label="Filter by matcher"
          placeholder={'alertname="Down"'}
          matchers={matchers}
          problem={typeof read === 'string' ? read : undefined}
          onChange={(next) => go(state, filterText(next))}
        />
      </div>
      {error !== null && <ErrorNotice error={error} what="the silences" />}
      {data === undefined && error === null && typeof read !== 'string' && <LoadingLines />}
      {data !== undefined && shown.length === 0 && (
        <Empty title={matchers.length > 0 ? 'No silence fits the filter' : `No ${state} silences`}>
          {state === 'active' && matchers.length === 0 && <Link to="/silences/new">Make one</Link>}
        </Empty>
      )}
      <ul className="silence-list">
        {shown.slice(0, rows).map((silence) => (
          <SilenceRow
            key={silence.id}
            silence={silence}
            nowMs={nowMs}
            onExpire={() => setTarget(silence)}
          />
        ))}
      </ul>
      {shown.length > rows && (
        <Button size="xs" variant="default" onClick={() => setRows(rows + ROWS_STEP)}>
          Show {Math.min(ROWS_STEP, shown.length - rows)} of {shown.length - rows} more
        </Button>
      )}
      <ExpireDialog silence={target} onClose={() => setTarget(undefined)} />
    </Page>
  );
}
