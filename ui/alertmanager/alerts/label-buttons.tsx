// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';

export interface LabelButtonsProps {
  readonly labels: Readonly<Record<string, string>>;
  /** Labels that were said already. */
  readonly without?: Readonly<Record<string, string>>;
  readonly onPick: (name: string, value: string) => void;
}

/** Labels that add themselves to the filter. */
export function LabelButtons({ labels, without = {}, onPick }: LabelButtonsProps): ReactNode {
  const names = Object.keys(labels)
    .filter((name) => without[name] !== labels[name])
    .sort((a, b) => Number(b === 'alertname') - Number(a === 'alertname') || (a < b ? -1 : 1));
  return (
    <span className="chips">
      {names.map((name) => (
        <button
          key={name}
          type="button"
          className={`plain-button chip pick${name === 'alertname' ? ' alertname' : ''}`}
          title="Add to the filter"
          onClick={() => onPick(name, labels[name] ?? '')}
        >
          <span className="name">{name}=</span>
          {JSON.stringify(labels[name])}
        </button>
      ))}
    </span>
  );
}
