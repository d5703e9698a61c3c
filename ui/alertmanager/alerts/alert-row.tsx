// SPDX-License-Identifier: Apache-2.0
// One alert: labels, annotations, what keeps it quiet, and where to go from here.

import { IconBellOff, IconExternalLink, IconHelpCircle } from '@tabler/icons-react';
import { memo, type ReactNode } from 'react';
import type { ShownAlert } from '../../../src/apitypes/index.ts';
import { formatAgo } from '../../shared/format/times.ts';
import { useTimeZone } from '../times.ts';
import { matchersOf, newSilencePath } from '../matchers.ts';
import { LabelButtons } from './label-buttons.tsx';

const isLink = (text: string): boolean => /^https?:\/\/\S+$/.test(text);

export function Annotations({
  annotations,
}: {
  readonly annotations: ShownAlert['annotations'];
}): ReactNode {
  const names = Object.keys(annotations).sort();
  if (names.length === 0) return null;
  return (
    <dl className="annotations">
      {names.map((name) => {
        const text = annotations[name] ?? '';
        return (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {isLink(text) ? (
                <a href={text} target="_blank" rel="noreferrer">
                  {text}
                </a>
              ) : (
                text
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function States({ status }: { readonly status: ShownAlert['status'] }): ReactNode {
  const { silencedBy, inhibitedBy, mutedBy } = status;
  return (
    <>
      {silencedBy.map((id) => (
        <a key={id} href={`#/silences/${id}`} className="badge" title="To the silence">
          <IconBellOff size={12} aria-hidden /> silenced
        </a>
      ))}
      {inhibitedBy.length > 0 && (
        <span className="badge warn" title={`By ${inhibitedBy.join(', ')}`}>
          inhibited
        </span>
      )}
      {mutedBy.length > 0 && (
        <span className="badge warn" title="A time interval mutes its group">
          muted by {mutedBy.join(', ')}
        </span>
      )}
    </>
  );
}

export interface AlertRowProps {
  readonly alert: ShownAlert;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly onPick: (name: string, value: string) => void;
  readonly onWhy: (fingerprint: string) => void;
}

/** Plain elements: there may be a thousand of them. */
export const AlertRow = memo(function AlertRow({
  alert,
  groupLabels,
  nowMs,
  onPick,
  onWhy,
}: AlertRowProps): ReactNode {
  const startedMs = Date.parse(alert.startsAt);
  const zone = useTimeZone();
  const { generatorURL = '', status } = alert;
  return (
    <li className="alert-row">
      <div className="alert-head">
        <span className="dim num" title={zone.formatWhole(startedMs)}>
          {formatAgo(startedMs, nowMs)}
        </span>
        <States status={status} />
        <span className="grow" />
        <button
          type="button"
          className="plain-button row-action"
          onClick={() => onWhy(alert.fingerprint)}
        >
          <IconHelpCircle size={14} stroke={1.8} aria-hidden /> Why
        </button>
        {isLink(generatorURL) && (
          <a href={generatorURL} target="_blank" rel="noreferrer" className="row-action">
            <IconExternalLink size={14} stroke={1.8} aria-hidden /> Source
          </a>
        )}
        {status.silencedBy.length === 0 && (
          <a href={`#${newSilencePath(matchersOf(alert.labels))}`} className="row-action">
            <IconBellOff size={14} stroke={1.8} aria-hidden /> Silence
          </a>
        )}
      </div>
      <LabelButtons labels={alert.labels} without={groupLabels} onPick={onPick} />
      <Annotations annotations={alert.annotations} />
    </li>
  );
});
