// SPDX-License-Identifier: Apache-2.0
// Labels and a moment, and who would be told. The question stands in the address.

import { Button } from '@mantine/core';
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
import { MomentField } from '../silences/moment-field.tsx';
import { useTimeZone } from '../times.ts';
import { ExplanationView } from './explanation.tsx';

function Answer({ labels, timeMs }: { labels: readonly Matcher[]; timeMs: number | undefined }) {
  const navigate = useNavigate();
  const zone = useTimeZone();
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
        Such an alert firing at <span className="mono">{zone.formatWhole(atMs)}</span>
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
  const zone = useTimeZone();
  // UTC in the address, whoever opens it.
  const timeText = search.get('time') ?? '';
  const timeMs = parseTimeText(timeText);
  const [draft, setDraft] = useState(timeMs === undefined ? timeText : zone.format(timeMs));
  const isWrong = draft.trim() !== '' && zone.parse(draft) === undefined;
  const go = (nextLabels: readonly Matcher[], nextTime: string): void =>
    setSearch({
      ...(nextLabels.length > 0 && { labels: filterText(nextLabels) }),
      ...(nextTime.trim() !== '' && { time: nextTime.trim() }),
    });
  const commit = (text: string): void => {
    const ms = zone.parse(text);
    if (ms !== undefined || text.trim() === '') go(labels, ms === undefined ? '' : formatTime(ms));
  };
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
          <MomentField
            label="Moment"
            placeholder="now"
            value={draft}
            error={isWrong ? 'A time like 2026-11-24 22:04:05' : undefined}
            onChange={setDraft}
            onCommit={commit}
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
