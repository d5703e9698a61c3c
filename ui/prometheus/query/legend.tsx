// SPDX-License-Identifier: Apache-2.0
// The series of a graph with their values. Clicking a name leaves it alone in the graph, clicking its colour
// takes it out or in.

import { Button } from '@mantine/core';
import { memo, type ReactNode, useMemo, useState } from 'react';
import type { DecodedSeries } from '../../shared/api/decode-result.ts';
import { summarize } from '../../shared/charts/columns.ts';
import { seriesColor } from '../../shared/charts/palette.ts';
import { SeriesName } from '../../shared/components/labels.tsx';
import { formatCount, formatShort } from '../../shared/format/numbers.ts';
import { formatSeries } from '../../shared/format/series.ts';

/** Rows drawn before somebody asks for all. */
const ROWS_MAX = 50;

export interface LegendProps {
  readonly series: readonly DecodedSeries[];
  readonly columns: readonly Float64Array[];
  readonly hidden: ReadonlySet<number>;
  /** The step under the cursor: its values are shown instead of the last ones. */
  readonly step: number | undefined;
  readonly onToggle: (index: number) => void;
  readonly onIsolate: (index: number) => void;
  readonly onFocus: (index: number | undefined) => void;
}

const numberText = (value: number): string => (Number.isNaN(value) ? '–' : formatShort(value));

const Name = memo(SeriesName);

export function Legend(props: LegendProps): ReactNode {
  const { series, columns, hidden, step, onToggle, onIsolate, onFocus } = props;
  const [all, setAll] = useState(false);
  const summaries = useMemo(() => columns.map(summarize), [columns]);
  const count = all ? series.length : Math.min(series.length, ROWS_MAX);
  return (
    <div className="legend">
      <table>
        <thead>
          <tr>
            <th className="legend-color">
              <span className="visually-hidden">Shown</span>
            </th>
            <th>Series</th>
            <th className="right">{step === undefined ? 'Last' : 'At cursor'}</th>
            <th className="right">Min</th>
            <th className="right">Max</th>
          </tr>
        </thead>
        <tbody>
          {series.slice(0, count).map((one, i) => {
            const isHidden = hidden.has(i);
            const { last, min, max } = summaries[i] ?? { last: Number.NaN, min: 0, max: 0 };
            const value = step === undefined ? last : (columns[i]?.[step] ?? Number.NaN);
            const text = formatSeries(one.metric);
            return (
              <tr
                key={text}
                className={isHidden ? 'off' : undefined}
                onMouseEnter={() => onFocus(isHidden ? undefined : i)}
                onMouseLeave={() => onFocus(undefined)}
              >
                <td className="legend-color">
                  <button
                    type="button"
                    className="plain-button legend-toggle"
                    aria-pressed={!isHidden}
                    aria-label={`Show ${text}`}
                    title={isHidden ? 'Show' : 'Hide'}
                    onClick={() => onToggle(i)}
                  >
                    <span
                      className="swatch"
                      style={{ background: isHidden ? 'transparent' : seriesColor(i) }}
                    />
                  </button>
                </td>
                <td>
                  <button
                    type="button"
                    className="plain-button legend-name"
                    title="Show only this one, or all again. With Ctrl: hide or show it."
                    onClick={(event) =>
                      event.ctrlKey || event.metaKey ? onToggle(i) : onIsolate(i)
                    }
                  >
                    <Name metric={one.metric} />
                  </button>
                </td>
                <td className="right num">{numberText(value)}</td>
                <td className="right num dim">{numberText(min)}</td>
                <td className="right num dim">{numberText(max)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {count < series.length && (
        <div className="more">
          {formatCount(series.length - count)} more.
          <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
            Show all
          </Button>
        </div>
      )}
    </div>
  );
}
