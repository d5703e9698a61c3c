// SPDX-License-Identifier: Apache-2.0
// The story of one alert: how things stand now, and what was decided at the last flushes.

import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import type { AlertFlush, AlertTrace, FlushedIntegration } from '../../../src/apitypes/index.ts';
import { LabelChips } from '../../shared/components/labels.tsx';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { useNow } from '../../shared/components/page.tsx';
import { formatSpan } from '../../shared/format/times.ts';
import { useAnswer } from '../alertmanager-api.ts';
import { useTimeZone } from '../times.ts';
import { ExplanationView, integrationName, Moment } from './explanation.tsx';
import { Reasons } from './reasons.tsx';

const REFRESH_MS = 5000;
const CLOCK_MS = 1000;

const outcomeClass: Readonly<Record<FlushedIntegration['outcome'], string>> = {
  sending: 'badge warn',
  sent: 'badge ok',
  failed: 'badge bad',
  deduplicated: 'badge',
  'nothing to send': 'badge',
};

function Outcome({ one, nowMs }: { readonly one: FlushedIntegration; readonly nowMs: number }) {
  const { outcome, reason, attempts, durationMs, failure, lastNotified, repeatDue } = one;
  const { nextAttempt } = one;
  return (
    <li>
      <span className={outcomeClass[outcome]}>
        {outcome === 'deduplicated' ? 'known already' : outcome}
      </span>
      <span>
        {integrationName(one)}
        {reason !== undefined && `: ${reason}`}
        {attempts > 0 && (
          <span className="dim">
            {outcome !== 'sending' && ` in ${formatSpan(durationMs)}`}
            {(attempts > 1 || outcome === 'sending') &&
              `, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`}
            {nextAttempt !== undefined && (
              <>
                , the next <Moment at={nextAttempt} nowMs={nowMs} />
              </>
            )}
          </span>
        )}
        {outcome === 'deduplicated' && lastNotified !== undefined && (
          <>
            {' '}
            told <Moment at={lastNotified} nowMs={nowMs} />
          </>
        )}
        {repeatDue !== undefined && (
          <>
            , next due <Moment at={repeatDue} nowMs={nowMs} />
          </>
        )}
        {failure !== undefined && (
          <div className="failure">
            {failure.reason}: {failure.message}
          </div>
        )}
      </span>
    </li>
  );
}

interface FlushProps {
  readonly flush: AlertFlush;
  readonly nowMs: number;
  readonly onOther: (fingerprint: string) => void;
}

function Flush({ flush, nowMs, onOther }: FlushProps): ReactNode {
  const zone = useTimeZone();
  return (
    <li className="flush">
      <div>
        <span className="mono">{zone.formatWhole(Date.parse(flush.time))}</span>{' '}
        <span className="dim">
          <Moment at={flush.time} nowMs={nowMs} />, to {flush.receiver}, {flush.state}
        </span>
      </div>
      <Reasons {...flush} onOther={onOther} />
      <ul className="integrations">
        {flush.integrations.map((one) => (
          <Outcome key={integrationName(one)} one={one} nowMs={nowMs} />
        ))}
      </ul>
    </li>
  );
}

interface StoryProps {
  readonly trace: AlertTrace;
  readonly nowMs: number;
  readonly onOther: (fingerprint: string) => void;
}

function Story({ trace, nowMs, onOther }: StoryProps): ReactNode {
  return (
    <div className="story">
      {trace.labels !== undefined && <LabelChips labels={trace.labels} />}
      <h3>Now</h3>
      {trace.now === undefined ? (
        <p className="dim">The alert is over and gone; this is what is remembered of it.</p>
      ) : (
        <ExplanationView explanation={trace.now} nowMs={nowMs} onOther={onOther} />
      )}
      <h3>Flushes of its groups</h3>
      {trace.groups.map(({ groupKey, receiver, nextFlush }) => (
        <div key={`${receiver} ${groupKey}`} className="reason">
          The next to {receiver}: <Moment at={nextFlush} nowMs={nowMs} />
        </div>
      ))}
      {trace.flushes.length === 0 && (
        <p className="dim">None yet: its group waits for others that may come.</p>
      )}
      <ol className="flushes">
        {trace.flushes.map((flush) => (
          <Flush
            key={`${flush.time} ${flush.receiver} ${flush.groupKey}`}
            flush={flush}
            nowMs={nowMs}
            onOther={onOther}
          />
        ))}
      </ol>
    </div>
  );
}

export interface WhyDrawerProps {
  /** '' = closed. */
  readonly fingerprint: string;
  readonly onClose: () => void;
  readonly onOther: (fingerprint: string) => void;
}

export function WhyDrawer({ fingerprint, onClose, onOther }: WhyDrawerProps): ReactNode {
  const isAsked = /^[0-9a-f]{16}$/.test(fingerprint);
  const { data, error } = useAnswer<AlertTrace>(`/v1/alerts/${fingerprint}/trace`, [], {
    enabled: isAsked,
    refreshMs: REFRESH_MS,
  });
  const nowMs = useNow(CLOCK_MS);
  const trace = data?.fingerprint === fingerprint ? data : undefined;
  const isUnknown = fingerprint !== '' && !isAsked;
  return (
    <Drawer
      opened={fingerprint !== ''}
      onClose={onClose}
      position="right"
      size="min(720px, 100%)"
      title={trace?.labels?.alertname ?? 'Why'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {isUnknown && <Empty title="This is no fingerprint of an alert" />}
      {error !== null && <ErrorNotice error={error} what="the story of the alert" />}
      {trace === undefined && error === null && isAsked && <LoadingLines />}
      {trace !== undefined && <Story trace={trace} nowMs={nowMs} onOther={onOther} />}
    </Drawer>
  );
}
