// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';
import type { PushgatewayStatus } from '../../src/apitypes/index.ts';
import { useApi } from '../shared/api/use-api.ts';
import { ErrorNotice, LoadingLines } from '../shared/components/notices.tsx';
import { Page, useNow } from '../shared/components/page.tsx';
import { ValuesCard } from '../shared/components/values-card.tsx';
import { formatAgo, formatTime } from '../shared/format/times.ts';

const CLOCK_MS = 5000;

const sorted = (values: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));

/** Start, build, flags. */
export function StatusPage(): ReactNode {
  const { data, error } = useApi<PushgatewayStatus>('/status');
  const now = useNow(CLOCK_MS);
  if (error !== null) {
    return (
      <Page title="Status">
        <ErrorNotice error={error} what="the status" />
      </Page>
    );
  }
  if (data === undefined) {
    return (
      <Page title="Status">
        <LoadingLines />
      </Page>
    );
  }
  const startedMs = Date.parse(data.start_time);
  return (
    <Page title="Status">
      <ValuesCard
        title="Runtime"
        rows={[['Started', `${formatTime(startedMs)} UTC (${formatAgo(startedMs, now)})`]]}
      />
      <ValuesCard title="Build" rows={sorted(data.build_information)} />
      <ValuesCard
        title="Flags"
        rows={sorted(data.flags).map(([name, value]) => [`--${name}`, value] as const)}
      />
    </Page>
  );
}
