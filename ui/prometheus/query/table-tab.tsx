// SPDX-License-Identifier: Apache-2.0
// The answer at one point in time, as text.

import { Button } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { memo, type ReactNode, useMemo, useState } from 'react';
import type { HistogramValue } from '../../../src/apitypes/index.ts';
import type { DecodedResult, DecodedSeries } from '../../shared/api/decode-result.ts';
import { PlainSeriesName, SeriesName } from '../../shared/components/labels.tsx';
import { Empty } from '../../shared/components/notices.tsx';
import { CopyButton } from '../../shared/components/page.tsx';
import { formatCount } from '../../shared/format/numbers.ts';
import { formatSeries } from '../../shared/format/series.ts';
import { formatTime } from '../../shared/format/times.ts';
import { usePreferences } from '../settings.ts';
import { AnswerFrame } from './answer-frame.tsx';
import { HistogramText } from './histogram-text.tsx';
import { shiftedEnd } from './range.ts';
import type { TabProps } from './tab-props.ts';
import { TimeField } from './time-field.tsx';
import { useInstantQuery } from './use-query-answer.ts';

/** Rows that are drawn before somebody asks for all. */
const ROWS_MAX = 1000;
/** Rows up to which labels are coloured. */
const COLOURED_MAX = 500;
/** Samples of a range vector that are drawn per series before somebody asks. */
const SAMPLES_MAX = 100;

interface Row {
  readonly key: string;
  readonly metric: DecodedSeries['metric'];
  readonly value: string | undefined;
  readonly histogram: HistogramValue | undefined;
}

type Order = 'as given' | 'ascending' | 'descending';

const nextOrder: Readonly<Record<Order, Order>> = {
  'as given': 'descending',
  descending: 'ascending',
  ascending: 'as given',
};

/** Values that are no numbers come last in either order. */
function sorted(rows: readonly Row[], order: Order): readonly Row[] {
  if (order === 'as given') return rows;
  const direction = order === 'ascending' ? 1 : -1;
  const keyed = rows.map((row) => ({
    row,
    value: Number(row.value?.replace('Inf', 'Infinity') ?? Number.NaN),
  }));
  keyed.sort((a, b) => {
    const [noA, noB] = [Number.isNaN(a.value), Number.isNaN(b.value)];
    if (noA || noB) return Number(noA) - Number(noB);
    return a.value === b.value ? 0 : direction * (a.value < b.value ? -1 : 1);
  });
  return keyed.map(({ row }) => row);
}

function More(props: { shown: number; all: number; onAll: () => void; what: string }): ReactNode {
  const { shown, all, onAll, what } = props;
  if (shown >= all) return null;
  return (
    <div className="more">
      The first {formatCount(shown)} of {formatCount(all)} {what} are shown.
      <Button size="compact-xs" variant="default" onClick={onAll}>
        Show all
      </Button>
    </div>
  );
}

const VectorRow = memo(function VectorRow({ row, plain }: { row: Row; plain: boolean }) {
  const { metric, value, histogram } = row;
  return (
    <tr className="vector-row">
      <td className="vector-name">
        {plain ? <PlainSeriesName metric={metric} /> : <SeriesName metric={metric} />}
        {!plain && <CopyButton text={formatSeries(metric)} label="Copy the series" />}
      </td>
      <td className="vector-value num">
        {histogram === undefined ? value : <HistogramText histogram={histogram} />}
      </td>
    </tr>
  );
});

function VectorTable({ rows }: { readonly rows: readonly Row[] }): ReactNode {
  const [order, setOrder] = useState<Order>('as given');
  const [all, setAll] = useState(false);
  const ordered = useMemo(() => sorted(rows, order), [rows, order]);
  const shown = all ? ordered : ordered.slice(0, ROWS_MAX);
  const Arrow = order === 'ascending' ? IconArrowUp : IconArrowDown;
  return (
    <>
      <table className="vector" aria-rowcount={rows.length}>
        <thead>
          <tr className="vector-row vector-head">
            <th>Series</th>
            <th aria-sort={order === 'as given' ? 'none' : order}>
              <button
                type="button"
                className="plain-button"
                onClick={() => setOrder(nextOrder[order])}
                title="Sort by value"
              >
                Value
                <Arrow size={13} aria-hidden opacity={order === 'as given' ? 0.25 : 1} />
              </button>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <VectorRow key={row.key} row={row} plain={shown.length > COLOURED_MAX} />
          ))}
        </tbody>
      </table>
      <More shown={shown.length} all={rows.length} onAll={() => setAll(true)} what="series" />
    </>
  );
}

function MatrixSeries({ series }: { readonly series: DecodedSeries }): ReactNode {
  const { useLocalTime } = usePreferences();
  const [all, setAll] = useState(false);
  const { times, values, histograms, metric } = series;
  const count = all ? values.length : Math.min(values.length, SAMPLES_MAX);
  return (
    <tr className="vector-row">
      <td className="vector-name">
        <SeriesName metric={metric} />
      </td>
      <td className="matrix-values num">
        {Array.from({ length: count }, (_, i) => (
          <div key={times[i]}>
            {String(values[i]).replace('Infinity', 'Inf')}{' '}
            <span className="dim" title={formatTime(times[i] as number, useLocalTime)}>
              @{(times[i] as number) / 1000}
            </span>
          </div>
        ))}
        {(all ? histograms : histograms.slice(0, SAMPLES_MAX)).map(([seconds, histogram]) => (
          <div key={seconds}>
            <HistogramText histogram={histogram} />{' '}
            <span className="dim" title={formatTime(seconds * 1000, useLocalTime)}>
              @{seconds}
            </span>
          </div>
        ))}
        <More
          shown={all ? values.length + histograms.length : Math.max(count, SAMPLES_MAX)}
          all={values.length + histograms.length}
          onAll={() => setAll(true)}
          what="samples"
        />
      </td>
    </tr>
  );
}

function MatrixTable({ series }: { readonly series: readonly DecodedSeries[] }): ReactNode {
  const [all, setAll] = useState(false);
  const shown = all ? series : series.slice(0, SAMPLES_MAX);
  return (
    <>
      <table className="vector" aria-rowcount={series.length}>
        <tbody>
          {shown.map((one) => (
            <MatrixSeries key={formatSeries(one.metric)} series={one} />
          ))}
        </tbody>
      </table>
      <More shown={shown.length} all={series.length} onAll={() => setAll(true)} what="series" />
    </>
  );
}

function ResultTable({ result }: { readonly result: DecodedResult }): ReactNode {
  const rows = useMemo(
    () =>
      result.type === 'vector'
        ? result.samples.map((sample) => ({ ...sample, key: formatSeries(sample.metric) }))
        : [],
    [result],
  );
  if (result.type === 'vector' || result.type === 'matrix') {
    const isEmpty = result.type === 'vector' ? rows.length === 0 : result.series.length === 0;
    if (isEmpty) {
      return (
        <Empty title="Empty query result">
          <div>No series has a value for this expression at this time.</div>
        </Empty>
      );
    }
    return result.type === 'vector' ? (
      <VectorTable rows={rows} />
    ) : (
      <MatrixTable series={result.series} />
    );
  }
  return (
    <table className="vector">
      <tbody>
        <tr className="vector-row">
          <td className="dim">{result.type}</td>
          <td className={result.type === 'scalar' ? 'vector-value num' : 'string-value'}>
            {result.value}
          </td>
        </tr>
      </tbody>
    </table>
  );
}

export function TableTab({ panel, expr, store, tabs }: TabProps): ReactNode {
  const { id, settings, runAtMs } = panel;
  const query = useInstantQuery(expr, settings.endMs ?? runAtMs, runAtMs);
  const shift = (direction: -1 | 1): void =>
    store.change(id, { endMs: shiftedEnd(settings, direction, Date.now()) });
  const controls = (
    <>
      {tabs}
      <TimeField
        label="Evaluation time"
        timeMs={settings.endMs}
        onChange={(endMs) => store.change(id, { endMs })}
        onEarlier={() => shift(-1)}
        onLater={() => shift(1)}
      />
    </>
  );
  return (
    <AnswerFrame expr={expr} query={query} controls={controls}>
      {(answer) => <ResultTable key={expr} result={answer.result} />}
    </AnswerFrame>
  );
}
