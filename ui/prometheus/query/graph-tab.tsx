// SPDX-License-Identifier: Apache-2.0
// The answer over a range of time, as a chart with a legend.

import { Button, Skeleton } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import type { DecodedSeries } from '../../shared/api/decode-result.ts';
import { alignSeries } from '../../shared/charts/columns.ts';
import { SeriesName } from '../../shared/components/labels.tsx';
import { Empty, Notice } from '../../shared/components/notices.tsx';
import { formatCount, plural } from '../../shared/format/numbers.ts';
import { usePreferences } from '../settings.ts';
import { AnswerFrame } from './answer-frame.tsx';
import { GraphControls } from './graph-controls.tsx';
import { Legend } from './legend.tsx';
import type { Panel, QueryStore } from './query-store.ts';
import { type QueryRange, queryRange, zoomed } from './range.ts';
import type { TabProps } from './tab-props.ts';
import { useRangeQuery } from './use-query-answer.ts';

const TimeChart = lazy(async () => ({
  default: (await import('../../shared/charts/time-chart.tsx')).TimeChart,
}));

const CHART_HEIGHT_PX = 440;
/** Series drawn before somebody asks for all: more are neither told apart nor drawn in time. */
const SERIES_MAX = 300;

const ChartSkeleton = (): ReactNode => (
  <div role="status" aria-label="Loading">
    <Skeleton height={CHART_HEIGHT_PX} radius="sm" />
  </div>
);

interface GraphProps {
  readonly panel: Panel;
  readonly expr: string;
  readonly store: QueryStore;
  readonly series: readonly DecodedSeries[];
  readonly range: QueryRange;
}

/** Series of which the others are hidden; undefined shows all. */
function useHidden(count: number) {
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const toggle = (index: number): void => {
    const next = new Set(hidden);
    if (!next.delete(index)) next.add(index);
    setHidden(next.size === count ? new Set() : next);
  };
  const isolate = (index: number): void => {
    const isAlone = !hidden.has(index) && hidden.size === count - 1;
    const others = Array.from({ length: count }, (_, i) => i).filter((i) => i !== index);
    setHidden(isAlone ? new Set() : new Set(others));
  };
  return { hidden, toggle, isolate };
}

function Graph({ panel, expr, store, series, range }: GraphProps): ReactNode {
  const { useLocalTime } = usePreferences();
  const { settings } = panel;
  const { times, columns } = useMemo(() => alignSeries(series, range), [series, range]);
  const { hidden, toggle, isolate } = useHidden(series.length);
  const [step, setStep] = useState<number>();
  const [focused, setFocused] = useState<number>();
  const nameOf = (index: number): ReactNode => <SeriesName metric={series[index]?.metric ?? {}} />;
  return (
    <>
      <Suspense fallback={<ChartSkeleton />}>
        <TimeChart
          times={times}
          columns={columns}
          hidden={hidden}
          focused={focused}
          stacked={settings.stacked}
          yAxisMin={settings.yAxisMin}
          useLocalTime={useLocalTime}
          height={CHART_HEIGHT_PX}
          description={`Graph of ${expr}, ${series.length} series`}
          nameOf={nameOf}
          onHover={setStep}
          onZoom={(startMs, endMs) => store.change(panel.id, zoomed(startMs, endMs))}
        />
      </Suspense>
      <Legend
        series={series}
        columns={columns}
        hidden={hidden}
        step={step}
        onToggle={toggle}
        onIsolate={isolate}
        onFocus={setFocused}
      />
    </>
  );
}

interface BoundedGraphProps extends GraphProps {
  /** How many series have only native histograms. */
  readonly histograms: number;
}

function BoundedGraph({ histograms, series, ...props }: BoundedGraphProps): ReactNode {
  const [all, setAll] = useState(false);
  const shown = useMemo(() => (all ? series : series.slice(0, SERIES_MAX)), [all, series]);
  return (
    <>
      {histograms > 0 && (
        <Notice kind="info">
          {plural(histograms, 'series', 'series')} of native histograms cannot be drawn as lines;
          the table shows them. Use <code className="mono">histogram_quantile</code> or{' '}
          <code className="mono">histogram_count</code> to graph them.
        </Notice>
      )}
      {shown.length < series.length && (
        <Notice kind="warn">
          The first {formatCount(shown.length)} of {formatCount(series.length)} series are drawn.{' '}
          <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
            Draw all
          </Button>
        </Notice>
      )}
      <Graph key={props.expr} {...props} series={shown} />
    </>
  );
}

export function GraphTab({ panel, expr, store, tabs }: TabProps): ReactNode {
  const { settings, runAtMs } = panel;
  const { endMs, rangeMs, resolution } = settings;
  const range = useMemo(
    () => queryRange({ endMs, rangeMs, resolution }, runAtMs),
    [endMs, rangeMs, resolution, runAtMs],
  );
  const query = useRangeQuery(expr, range, runAtMs);
  const all = query.data?.result;
  const series = useMemo(
    () => (all?.type === 'matrix' ? all.series.filter(({ values }) => values.length > 0) : []),
    [all],
  );
  return (
    <AnswerFrame
      expr={expr}
      query={query}
      controls={
        <>
          {tabs}
          <GraphControls panel={panel} store={store} stepMs={range.stepMs} />
        </>
      }
      loading={<ChartSkeleton />}
    >
      {(answer) => {
        const total = answer.result.type === 'matrix' ? answer.result.series.length : 0;
        if (total === 0) {
          return (
            <Empty title="Empty query result">
              <div>No series has a value for this expression in this range.</div>
            </Empty>
          );
        }
        return (
          <BoundedGraph
            panel={panel}
            expr={expr}
            store={store}
            series={series}
            range={answer.range ?? range}
            histograms={total - series.length}
          />
        );
      }}
    </AnswerFrame>
  );
}
