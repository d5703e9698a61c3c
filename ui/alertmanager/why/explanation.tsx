// SPDX-License-Identifier: Apache-2.0
// What becomes of an alert at a moment: who is told, who is not, and why.

import { IconBell, IconBellOff } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type {
  AlertDestination,
  AlertExplanation,
  IntegrationNow,
} from '../../../src/apitypes/index.ts';
import { LabelChips } from '../../shared/components/labels.tsx';
import { formatAgo, formatSpan } from '../../shared/format/times.ts';
import { useTimeZone } from '../times.ts';
import { Reasons } from './reasons.tsx';
import { RouteTree } from './route-tree.tsx';

/** A moment: how long from now, the time itself beside the pointer. */
export function Moment({ at, nowMs }: { readonly at: string; readonly nowMs: number }): ReactNode {
  const ms = Date.parse(at);
  const zone = useTimeZone();
  return (
    <span className="num" title={zone.formatWhole(ms)}>
      {formatAgo(ms, nowMs)}
    </span>
  );
}

export const integrationName = ({ type, index }: { type: string; index: number }): string =>
  index === 0 ? type : `${type} ${index + 1}`;

interface IntegrationProps {
  readonly one: IntegrationNow;
  /** Something keeps the alert quiet. */
  readonly isHeld: boolean;
  readonly nowMs: number;
}

function Integration({ one, isHeld, nowMs }: IntegrationProps): ReactNode {
  const told = isHeld ? 'would be told otherwise' : 'is to be told';
  return (
    <li>
      <span className={one.wouldSend === undefined || isHeld ? 'badge' : 'badge ok'}>
        {integrationName(one)}
      </span>
      <span>
        {one.wouldSend === undefined ? 'knows already' : `${told}: ${one.wouldSend}`}
        {one.lastNotified !== undefined && (
          <>
            ; told <Moment at={one.lastNotified} nowMs={nowMs} />
          </>
        )}
        {one.wouldSend === undefined && one.repeatDue !== undefined && (
          <>
            , again <Moment at={one.repeatDue} nowMs={nowMs} />
          </>
        )}
      </span>
    </li>
  );
}

interface DestinationProps {
  readonly destination: AlertDestination;
  /** It is silenced or inhibited, whatever the destination. */
  readonly isHeld: boolean;
  readonly nowMs: number;
  readonly onOther: (fingerprint: string) => void;
}

function Destination({ destination, isHeld, nowMs, onOther }: DestinationProps): ReactNode {
  const { receiver, groupLabels, mutedBy, outsideOf, integrations } = destination;
  return (
    <div className="destination">
      <div>
        <b>{receiver}</b>{' '}
        <span className="dim">
          waits {formatSpan(destination.groupWaitMs)}, then every{' '}
          {formatSpan(destination.groupIntervalMs)}, repeats after{' '}
          {formatSpan(destination.repeatIntervalMs)}
        </span>
      </div>
      {Object.keys(groupLabels).length > 0 && <LabelChips labels={groupLabels} />}
      <Reasons
        inhibitedBy={[]}
        silencedBy={[]}
        mutedBy={mutedBy}
        outsideOf={outsideOf}
        onOther={onOther}
      />
      {integrations.length === 0 ? (
        <div className="dim">This receiver has nobody to tell.</div>
      ) : (
        <ul className="integrations">
          {integrations.map((one) => (
            <Integration
              key={integrationName(one)}
              one={one}
              isHeld={isHeld || mutedBy.length + outsideOf.length > 0}
              nowMs={nowMs}
            />
          ))}
        </ul>
      )}
    </div>
  );
}

/** The answer in one sentence. */
function verdict({ notifies, inhibitedBy, silencedBy, destinations }: AlertExplanation): string {
  if (notifies) return 'Somebody is told at the next flush.';
  if (silencedBy.length > 0) return 'Nobody is told: it is silenced.';
  if (inhibitedBy.length > 0) return 'Nobody is told: another alert inhibits it.';
  if (destinations.every((one) => one.integrations.length === 0))
    return 'Nobody is told: its receivers have no integrations.';
  if (destinations.some((one) => one.mutedBy.length + one.outsideOf.length > 0))
    return 'Nobody is told: a time interval mutes it.';
  return 'Nobody is told now: they know already.';
}

export interface ExplanationViewProps {
  readonly explanation: AlertExplanation;
  readonly nowMs: number;
  readonly onOther: (fingerprint: string) => void;
}

export function ExplanationView(props: ExplanationViewProps): ReactNode {
  const { explanation, nowMs, onOther } = props;
  const { notifies, inhibitedBy, silencedBy, destinations, route } = explanation;
  return (
    <>
      <p className={`verdict ${notifies ? 'tells' : 'quiet'}`}>
        {notifies ? <IconBell size={17} aria-hidden /> : <IconBellOff size={17} aria-hidden />}
        {verdict(explanation)}
      </p>
      <Reasons inhibitedBy={inhibitedBy} silencedBy={silencedBy} onOther={onOther} />
      {destinations.map((destination) => (
        <Destination
          key={`${destination.receiver} ${JSON.stringify(destination)}`}
          destination={destination}
          isHeld={inhibitedBy.length + silencedBy.length > 0}
          nowMs={nowMs}
          onOther={onOther}
        />
      ))}
      <h3>Routes</h3>
      <RouteTree route={route} />
    </>
  );
}
