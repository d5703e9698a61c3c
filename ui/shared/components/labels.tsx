// SPDX-License-Identifier: Apache-2.0

import { Fragment, type ReactNode } from 'react';
import type { LabelObject } from '../../../src/apitypes/index.ts';
import { formatSeries, namesOf, quotedName } from '../format/series.ts';

/** A series as the language writes it: `up{job="node"}`. */
export function SeriesName({ metric }: { readonly metric: LabelObject }): ReactNode {
  const { __name__: name } = metric;
  const names = namesOf(metric);
  if (names.length === 0 && name === undefined) return <span className="labels">{'{}'}</span>;
  return (
    <span className="labels">
      {name !== undefined && <span className="metric">{name}</span>}
      {names.length > 0 && '{'}
      {names.map((label, i) => (
        <Fragment key={label}>
          {i > 0 && ', '}
          <span className="name">{quotedName(label)}</span>=
          <span className="value">{JSON.stringify(metric[label])}</span>
        </Fragment>
      ))}
      {names.length > 0 && '}'}
    </span>
  );
}

/** The same as plain text: for rows by the thousand. */
export function PlainSeriesName({ metric }: { readonly metric: LabelObject }): ReactNode {
  return <span className="labels">{formatSeries(metric)}</span>;
}

/** Labels one by one, for people who look for one of them. */
export function LabelChips({ labels }: { readonly labels: LabelObject }): ReactNode {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <span className="chips">
      {entries.map(([name, value]) => (
        <span key={name} className="chip">
          <span className="name">{name}=</span>
          {JSON.stringify(value)}
        </span>
      ))}
    </span>
  );
}
