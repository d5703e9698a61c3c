// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';
import type { AlertmanagerStatus } from '../../src/apitypes/index.ts';
import { ErrorNotice, LoadingLines } from '../shared/components/notices.tsx';
import { CopyButton, Page, useNow } from '../shared/components/page.tsx';
import { ValuesCard } from '../shared/components/values-card.tsx';
import { Yaml } from '../shared/components/yaml.tsx';
import { formatAgo } from '../shared/format/times.ts';
import { useAnswer } from './alertmanager-api.ts';
import { useTimeZone } from './times.ts';

const REFRESH_MS = 10_000;
const CLOCK_MS = 5000;

/** Uptime, build, cluster, configuration. */
export function StatusPage(): ReactNode {
  const { data, error } = useAnswer<AlertmanagerStatus>('/v2/status', [], {
    refreshMs: REFRESH_MS,
  });
  const nowMs = useNow(CLOCK_MS);
  const zone = useTimeZone();
  if (data === undefined) {
    return (
      <Page title="Status">
        {error === null ? <LoadingLines /> : <ErrorNotice error={error} what="the status" />}
      </Page>
    );
  }
  const { cluster, config, uptime, versionInfo } = data;
  const startedMs = Date.parse(uptime);
  return (
    <Page title="Status">
      {error !== null && <ErrorNotice error={error} what="the status" />}
      <ValuesCard
        title="Runtime"
        rows={[
          ['Started', `${zone.formatWhole(startedMs)} (${formatAgo(startedMs, nowMs)})`],
          ...Object.entries(versionInfo),
        ]}
      />
      <ValuesCard
        title="Cluster"
        rows={[
          ['Status', cluster.status],
          ...(cluster.name === undefined ? [] : [['Name', cluster.name] as const]),
          ...cluster.peers.map(({ name, address }) => [`Peer ${name}`, address] as const),
        ]}
      />
      <section className="status-card" aria-label="Configuration">
        <h2 className="bare">
          Configuration <CopyButton text={config.original} label="Copy the configuration" />
        </h2>
        <Yaml text={config.original} />
      </section>
    </Page>
  );
}
