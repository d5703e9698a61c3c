// SPDX-License-Identifier: Apache-2.0
// Pages around the form: a new silence, a change of one.

import { type ReactNode, useState } from 'react';
import { useParams, useSearchParams } from 'react-router-dom';
import type { ShownSilence } from '../../../src/apitypes/index.ts';
import { ErrorNotice, LoadingLines, Notice } from '../../shared/components/notices.tsx';
import { Page } from '../../shared/components/page.tsx';
import { useAnswer } from '../alertmanager-api.ts';
import { matcherFromApi, readMatchers } from '../matchers.ts';
import { type TimeZone, useTimeZone } from '../times.ts';
import { rememberedCreator, SilenceForm, type SilenceDraft } from './silence-form.tsx';
import { DEFAULT_DURATION_MS, timesFrom } from './silence-times.ts';

/** `#/silences/new?filter={…}&comment=…`, as links in notifications have it. */
export function NewSilencePage(): ReactNode {
  const [search] = useSearchParams();
  const filter = search.get('filter') ?? '';
  const comment = search.get('comment') ?? '';
  const read = readMatchers(filter);
  const [nowMs] = useState(() => Date.now());
  const zone = useTimeZone();
  const initial: SilenceDraft = {
    times: timesFrom(nowMs, nowMs + DEFAULT_DURATION_MS, zone),
    matchers: typeof read === 'string' ? [] : read,
    createdBy: rememberedCreator(),
    comment,
  };
  return (
    <Page title="New silence">
      {typeof read === 'string' && (
        <Notice kind="warn" title="The matchers of the link cannot be read">
          <pre>{read}</pre>
        </Notice>
      )}
      <SilenceForm key={`${filter} ${comment}`} initial={initial} replaces={undefined} />
    </Page>
  );
}

/** What the form starts with: an ended silence would start anew for as long as it was. */
function draftOf(
  { startsAt, endsAt, status, ...silence }: ShownSilence,
  nowMs: number,
  zone: TimeZone,
) {
  const [startMs, endMs] = [Date.parse(startsAt), Date.parse(endsAt)];
  return {
    times:
      status.state === 'expired'
        ? timesFrom(nowMs, nowMs + Math.max(60_000, endMs - startMs), zone)
        : timesFrom(startMs, endMs, zone),
    matchers: silence.matchers.map(matcherFromApi),
    createdBy: silence.createdBy,
    comment: silence.comment,
  };
}

export function EditSilencePage(): ReactNode {
  const { id = '' } = useParams();
  const { data, error } = useAnswer<ShownSilence>(`/v2/silence/${encodeURIComponent(id)}`);
  const [nowMs] = useState(() => Date.now());
  const zone = useTimeZone();
  const silence = data?.id === id ? data : undefined;
  return (
    <Page title={silence?.status.state === 'expired' ? 'Recreate silence' : 'Edit silence'}>
      {error !== null && <ErrorNotice error={error} what="the silence" />}
      {silence === undefined && error === null && <LoadingLines />}
      {silence !== undefined && (
        <SilenceForm key={id} initial={draftOf(silence, nowMs, zone)} replaces={silence} />
      )}
    </Page>
  );
}
