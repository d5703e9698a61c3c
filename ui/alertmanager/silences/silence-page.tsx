// SPDX-License-Identifier: Apache-2.0
// One silence and the alerts it fits.

import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Link, useParams } from 'react-router-dom';
import type { ShownSilence } from '../../../src/apitypes/index.ts';
import { ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, useNow } from '../../shared/components/page.tsx';
import { formatAgo } from '../../shared/format/times.ts';
import { useAnswer } from '../alertmanager-api.ts';
import { useTimeZone } from '../times.ts';
import { matcherFromApi } from '../matchers.ts';
import { AffectedAlerts, ExpireDialog, SilenceMatchers, stateClass } from './silence-parts.tsx';

const REFRESH_MS = 10_000;
const CLOCK_MS = 5000;

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{children}</td>
    </tr>
  );
}

function Facts({ silence, nowMs }: { readonly silence: ShownSilence; readonly nowMs: number }) {
  const { status, startsAt, endsAt, updatedAt, createdBy, comment, id, annotations } = silence;
  const zone = useTimeZone();
  const time = (text: string): string => {
    const ms = Date.parse(text);
    return `${zone.formatWhole(ms)} (${formatAgo(ms, nowMs)})`;
  };
  return (
    <section className="card status-card">
      <table className="plain">
        <tbody>
          <Fact name="State">
            <span className={stateClass[status.state]}>{status.state}</span>
          </Fact>
          <Fact name="Matchers">
            <SilenceMatchers silence={silence} />
          </Fact>
          <Fact name="Starts">{time(startsAt)}</Fact>
          <Fact name="Ends">{time(endsAt)}</Fact>
          <Fact name="Updated">{time(updatedAt)}</Fact>
          <Fact name="Created by">{createdBy}</Fact>
          <Fact name="Comment">{comment}</Fact>
          <Fact name="Id">
            <span className="mono">{id}</span>
          </Fact>
          {Object.entries(annotations ?? {}).map(([name, text]) => (
            <Fact key={name} name={name}>
              {text}
            </Fact>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function SilencePage(): ReactNode {
  const { id = '' } = useParams();
  const { data, error } = useAnswer<ShownSilence>(`/v2/silence/${encodeURIComponent(id)}`, [], {
    refreshMs: REFRESH_MS,
  });
  const nowMs = useNow(CLOCK_MS);
  const [isAsking, setAsking] = useState(false);
  const silence = data?.id === id ? data : undefined;
  const isOver = silence?.status.state === 'expired';
  const tools = silence !== undefined && (
    <>
      <span className="grow" />
      <Button component={Link} to={`/silences/${id}/edit`} size="xs" variant="default">
        {isOver ? 'Recreate' : 'Edit'}
      </Button>
      {!isOver && (
        <Button size="xs" color="red" variant="light" onClick={() => setAsking(true)}>
          Expire
        </Button>
      )}
    </>
  );
  return (
    <Page title="Silence" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the silence" />}
      {silence === undefined && error === null && <LoadingLines />}
      {silence !== undefined && (
        <>
          <Facts silence={silence} nowMs={nowMs} />
          <AffectedAlerts
            matchers={silence.matchers.map(matcherFromApi)}
            verb={silence.status.state === 'active' ? 'It mutes' : 'It would mute'}
          />
          <ExpireDialog silence={isAsking ? silence : undefined} onClose={() => setAsking(false)} />
        </>
      )}
    </Page>
  );
}
