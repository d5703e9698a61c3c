// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';
import type { PushedGroup } from '../../src/apitypes/index.ts';

/** The grouping labels, the job first. */
export function GroupLabels({ labels }: Pick<PushedGroup, 'labels'>): ReactNode {
  return (
    <span className="chips">
      {labels.map(([name, value]) => (
        <span key={name} className={name === 'job' ? 'chip job' : 'chip'}>
          <span className="name">{name}=</span>
          {JSON.stringify(value)}
        </span>
      ))}
    </span>
  );
}
