// SPDX-License-Identifier: Apache-2.0
// Labels and a moment, and who would be told. The question stands in the address.

import { Button, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router-dom';
import type { AlertExplanation } from '../../../src/apitypes/index.ts';
import type { Matcher } from '../../../src/model/index.ts';
import { Empty, ErrorNotice, LoadingLines, Notice } from '../../shared/components/notices.tsx';
import { Page } from '../../shared/components/page.tsx';
import { formatTime, parseTimeText } from '../../shared/format/times.ts';
import { useAnswer } from '../alertmanager-api.ts';
import { MatcherField } from '../matcher-field.tsx';
import { filterText, readMatchers } from '../matchers.ts';
import { ExplanationView } from './explanation.tsx';

function Answer({ labels, timeMs }: { labels: readonly Matcher[]; timeMs: number | undefined }) {
  const navigate = useNavigate();
  const { data, error } = useAnswer<AlertExplanation>('/v1/what-if', [], {
    body: {
      labels: Object.fromEntries(labels.map(({ name, value }) => [name, value])),
      ...(timeMs === undefined ? {} : { time: new Date(timeMs).toISOString() }),
    },
  });
  if (error !== null) return <ErrorNotice error={error} what="the answer" />;
  if (data === undefined) return <LoadingLines />;
  const atMs = Date.parse(data.time);
  return (
    <section className="card form-card story" aria-label="Answer">
      <div className="dim">
        Such an alert firing at <span className="mono">{formatTime(atMs)}</span> UTC
      </div>
      <ExplanationView
        explanation={data}
        nowMs={atMs}
        onOther={(fingerprint) => navigate(`/alerts?why=${fingerprint}`)}
      />
    </section>
  );
}

export function WhatIfPage(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const read = readMatchers(search.get('labels') ?? '');
  const labels = typeof read === 'string' ? [] : read;
  const timeText = search.get('time') ?? '';
  const [draft, setDraft] = useState(timeText);
  const isWrong = draft.trim() !== '' && parseTimeText(draft) === undefined;
  const go = (nextLabels: readonly Matcher[], nextTime: string): void =>
    setSearch({
      ...(nextLabels.length > 0 && { labels: filterText(nextLabels) }),
      ...(nextTime.trim() !== '' && { time: nextTime.trim() }),
    });
  const commit = (): void => {
    if (!isWrong) go(labels, draft);
  };
  const timeMs = parseTimeText(timeText);
  const isTimeUnread = timeText !== '' && timeMs === undefined;
  return (
    <Page title="What if">
      <section className="card form-card">
        <div>
          <div className="form-label">Labels of an alert; nothing is sent</div>
          <MatcherField
            label="Add labels"
            placeholder={'alertname="DiskFull", team="db"'}
            onlyLabels
            matchers={labels}
            problem={typeof read === 'string' ? read : undefined}
            onChange={(next) => {
              const last = new Map(next.map((one) => [one.name, one]));
              go([...last.values()], timeText);
            }}
          />
        </div>
        <div className="form-line end">
          <TextInput
            size="sm"
            w={220}
            label="Moment (UTC)"
            placeholder="now"
            value={draft}
            error={isWrong ? 'A time like 2026-11-24 22:04:05' : undefined}
            onChange={(event) => setDraft(event.currentTarget.value)}
            onBlur={commit}
            onKeyDown={(event) => {
              if (event.key === 'Enter') commit();
            }}
          />
          <Button
            size="sm"
            variant="default"
            onClick={() => {
              setDraft('');
              setSearch({});
            }}
          >
            Reset
          </Button>
        </div>
      </section>
      {isTimeUnread && (
        <Notice kind="warn" title="The moment in the address cannot be read">
          <pre>{timeText}</pre>
        </Notice>
      )}
      {labels.length === 0 && (
        <Empty title="Who would be told?">
          Type the labels that an alert would have, and see which routes take it and why.
        </Empty>
      )}
      {labels.length > 0 && !isTimeUnread && <Answer labels={labels} timeMs={timeMs} />}
    </Page>
  );
}
