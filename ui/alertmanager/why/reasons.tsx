// SPDX-License-Identifier: Apache-2.0
// What keeps an alert quiet, in words: inhibitions, silences, time intervals.

import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import type { InhibitedBy } from '../../../src/apitypes/index.ts';

export interface ReasonsProps {
  readonly inhibitedBy: readonly InhibitedBy[];
  readonly silencedBy: readonly string[];
  readonly mutedBy?: readonly string[];
  readonly outsideOf?: readonly string[];
  /** Opens the story of the alert that inhibits. */
  readonly onOther: (fingerprint: string) => void;
}

/** A line for each reason; nothing without one. */
export function Reasons(props: ReasonsProps): ReactNode {
  const { inhibitedBy, silencedBy, mutedBy = [], outsideOf = [], onOther } = props;
  return (
    <>
      {inhibitedBy.map(({ rule, ruleName, source }) => (
        <div key={`${rule} ${source}`} className="reason">
          <span className="badge warn">inhibited</span> by alert{' '}
          <button type="button" className="link-button mono" onClick={() => onOther(source)}>
            {source}
          </button>{' '}
          through {ruleName === '' ? `inhibition rule ${rule + 1}` : `the rule ${ruleName}`}
        </div>
      ))}
      {silencedBy.map((id) => (
        <div key={id} className="reason">
          <span className="badge">silenced</span> by{' '}
          <Link to={`/silences/${id}`} className="mono">
            {id}
          </Link>
        </div>
      ))}
      {mutedBy.length > 0 && (
        <div className="reason">
          <span className="badge warn">muted</span> by the time interval {mutedBy.join(', ')}
        </div>
      )}
      {outsideOf.length > 0 && (
        <div className="reason">
          <span className="badge warn">muted</span> outside of the active time interval{' '}
          {outsideOf.join(', ')}
        </div>
      )}
    </>
  );
}
