// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ShownAlert, ShownSilence } from '../../../src/apitypes/index.ts';
import { type Matcher, matcherText } from '../../../src/model/index.ts';
import { LabelChips } from '../../shared/components/labels.tsx';
import { ErrorNotice, LoadingLines, Notice } from '../../shared/components/notices.tsx';
import { plural } from '../../shared/format/numbers.ts';
import { formatAgo } from '../../shared/format/times.ts';
import { useAnswer, useExpireSilence } from '../alertmanager-api.ts';
import type { TimeZone } from '../times.ts';
import { filterParameters, matcherFromApi } from '../matchers.ts';

export const stateClass: Readonly<Record<ShownSilence['status']['state'], string>> = {
  active: 'badge ok',
  pending: 'badge warn',
  expired: 'badge',
};

export function SilenceMatchers({ silence }: { readonly silence: ShownSilence }): ReactNode {
  return (
    <span className="chips">
      {silence.matchers.map(matcherFromApi).map((matcher) => (
        <span key={matcherText(matcher)} className="chip">
          <span className="name">{matcher.name}</span>
          <b>{matcher.type}</b>
          {JSON.stringify(matcher.value)}
        </span>
      ))}
    </span>
  );
}

/** The one time that matters: when it ends, or starts, or ended. */
export function silenceTime(
  { status, startsAt, endsAt }: ShownSilence,
  nowMs: number,
  zone: TimeZone,
): string {
  const at = Date.parse(status.state === 'pending' ? startsAt : endsAt);
  const verb = { active: 'ends', pending: 'starts', expired: 'ended' }[status.state];
  return `${verb} ${formatAgo(at, nowMs)}, ${zone.formatWhole(at)}`;
}

export interface ExpireDialogProps {
  readonly silence: ShownSilence | undefined;
  readonly onClose: () => void;
}

/** Asks before a silence ends: its alerts are told of again. */
export function ExpireDialog({ silence, onClose }: ExpireDialogProps): ReactNode {
  const expiration = useExpireSilence();
  const close = (): void => {
    expiration.reset();
    onClose();
  };
  return (
    <Modal opened={silence !== undefined} onClose={close} title="Expire this silence?" centered>
      <Stack gap="md">
        {silence !== undefined && <SilenceMatchers silence={silence} />}
        <div>Alerts that only this silence mutes will be notified again.</div>
        {expiration.error !== null && (
          <Notice kind="bad" title="It was not expired">
            <pre>{expiration.error.message}</pre>
          </Notice>
        )}
        <Group justify="flex-end" gap="xs">
          <Button size="xs" variant="default" onClick={close}>
            Keep
          </Button>
          <Button
            size="xs"
            color="red"
            loading={expiration.isPending}
            onClick={() => {
              if (silence !== undefined) expiration.mutate(silence.id, { onSuccess: close });
            }}
          >
            Expire
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

const AFFECTED_MAX = 50;

export interface AffectedAlertsProps {
  readonly matchers: readonly Matcher[];
  /** Before the count: `It would mute`. */
  readonly verb: string;
}

/** The alerts that fit the matchers now. */
export function AffectedAlerts({ matchers, verb }: AffectedAlertsProps): ReactNode {
  const { data, error } = useAnswer<readonly ShownAlert[]>(
    '/v2/alerts',
    filterParameters(matchers),
    { refreshMs: 10_000, enabled: matchers.length > 0 },
  );
  if (matchers.length === 0) return <p className="dim">No matchers, no alerts.</p>;
  if (error !== null) return <ErrorNotice error={error} what="the alerts" />;
  if (data === undefined) return <LoadingLines count={2} />;
  return (
    <>
      <p className="affected-count">
        {verb} <b>{plural(data.length, 'alert')}</b> of those that fire now.
      </p>
      <ul className="affected">
        {data.slice(0, AFFECTED_MAX).map(({ fingerprint, labels }) => (
          <li key={fingerprint}>
            <LabelChips labels={labels} />
          </li>
        ))}
      </ul>
      {data.length > AFFECTED_MAX && <p className="dim">And {data.length - AFFECTED_MAX} more.</p>}
    </>
  );
}
