// SPDX-License-Identifier: Apache-2.0
// A time series chart: uPlot draws the axes and keeps the cursor, our paths draw the columns.

import 'uplot/dist/uPlot.min.css';
import './time-chart.css';
import { useMantineColorScheme } from '@mantine/core';
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { formatTicks, formatValue } from '../format/numbers.ts';
import { formatTime } from '../format/times.ts';
import { axisRange, extentOf, nearestIndex, stackColumns } from './columns.ts';
import { seriesColor } from './palette.ts';
import { traceArea, traceLine } from './paths.ts';

export interface TimeChartProps {
  /** Seconds since the epoch. */
  readonly times: Float64Array;
  readonly columns: readonly Float64Array[];
  readonly hidden: ReadonlySet<number>;
  /** Drawn above the others; the rest steps back. */
  readonly focused: number | undefined;
  readonly stacked: boolean;
  readonly yAxisMin: number | undefined;
  readonly useLocalTime: boolean;
  readonly height: number;
  /** For people who cannot see it. */
  readonly description: string;
  readonly nameOf: (index: number) => ReactNode;
  /** A piece was selected. Milliseconds. */
  readonly onZoom: (startMs: number, endMs: number) => void;
  /** The step under the cursor. */
  readonly onHover: (step: number | undefined) => void;
}

interface Hover {
  readonly step: number;
  readonly series: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
}

/** Pixels around the cursor in which a line counts as pointed at; further away the nearest still does. */
const TOOLTIP_GAP_PX = 14;
const DIMMED_ALPHA = 0.22;

const cssColor = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** uPlot's table of tick distances (seconds) and formats: hours from 0 to 23, dates as ISO has them. */
const timeFormats: (string | number | null)[][] = [
  // distance, default, then added to it when the year, month, day, hour, minute, second changes; 1: append
  [3600 * 24 * 365, '{YYYY}', null, null, null, null, null, null, 1],
  [3600 * 24 * 28, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [3600 * 24, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [0.001, '{HH}:{mm}:{ss}.{fff}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
];

/** Room for `22:04:05` where ticks may be seconds apart, for `22:04` and dates otherwise. */
const timeTickSpace: uPlot.Axis.Space = (_chart, _axis, fromSeconds, toSeconds) =>
  toSeconds - fromSeconds < 600 ? 75 : 52;

function axes(): uPlot.Axis[] {
  const stroke = (): string => cssColor('--h-dim');
  const grid = { stroke: (): string => cssColor('--h-grid'), width: 1 };
  const ticks = { ...grid, size: 5 };
  const font = '12px system-ui, sans-serif';
  return [
    { stroke, grid, ticks, font, space: timeTickSpace, values: timeFormats },
    {
      stroke,
      grid,
      ticks,
      font,
      size: (_chart, values) => 26 + 7 * Math.max(2, ...(values ?? []).map((text) => text.length)),
      values: (_chart, splits) => formatTicks(splits),
    },
  ];
}

/** The series whose line is nearest to a place in the chart, at a step; undefined when none has a value. */
function nearestSeries(
  chart: uPlot,
  edges: readonly Float64Array[],
  hidden: ReadonlySet<number>,
  step: number,
  top: number,
): number | undefined {
  let nearest: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  edges.forEach((edge, s) => {
    const value = edge[step] as number;
    if (hidden.has(s) || Number.isNaN(value)) return;
    const distance = Math.abs(chart.valToPos(value, 'y') - top);
    if (distance < least) {
      least = distance;
      nearest = s;
    }
  });
  return nearest;
}

function createChart(
  props: TimeChartProps,
  element: HTMLElement,
  show: (hover: Hover | undefined) => void,
  current: { readonly current: TimeChartProps },
): uPlot {
  const { times, columns, hidden, stacked, yAxisMin, useLocalTime, height } = props;
  const isHidden = (index: number): boolean => hidden.has(index);
  const stack = stacked ? stackColumns(columns, isHidden) : undefined;
  const edges = stack?.tops ?? columns;
  const extent = extentOf(stack === undefined ? columns : [...stack.tops, ...stack.bottoms], (i) =>
    isHidden(i % columns.length),
  );
  const range = axisRange(extent, yAxisMin);
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? first;
  const paths: uPlot.Series.PathBuilder = (chart, index) => {
    const stroke = new Path2D();
    const edge = edges[index - 1] ?? new Float64Array(0);
    const x = (seconds: number): number => chart.valToPos(seconds, 'x', true);
    const y = (value: number): number => chart.valToPos(value, 'y', true);
    traceLine(stroke, times, edge, x, y);
    const bottom = stack?.bottoms[index - 1];
    if (bottom === undefined) return { stroke };
    const fill = new Path2D();
    traceArea(fill, times, edge, bottom, x, y);
    return { stroke, fill };
  };
  const series = columns.map((_, i): uPlot.Series => {
    const color = seriesColor(i);
    return {
      show: !isHidden(i),
      stroke: color,
      width: stacked ? 1 : 1.5,
      cap: 'round',
      points: { show: false },
      paths,
      ...(stacked ? { fill: `${color}59` } : {}),
    };
  });
  const options: uPlot.Options = {
    width: element.clientWidth || 600,
    height,
    padding: [12, 16, 0, 4],
    legend: { show: false },
    focus: { alpha: DIMMED_ALPHA },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      y: false,
    },
    scales: {
      x: { time: true, range: () => (first === last ? [first - 30, last + 30] : [first, last]) },
      y: { range: () => range },
    },
    axes: axes(),
    series: [{}, ...series],
    hooks: {
      setCursor: [
        (chart) => {
          const { left = -1, top = -1 } = chart.cursor;
          if (left < 0) {
            show(undefined);
            return;
          }
          const step = nearestIndex(times, chart.posToVal(left, 'x'));
          const found = nearestSeries(chart, edges, hidden, step, top);
          const width = chart.over.clientWidth;
          show(found === undefined ? undefined : { step, series: found, left, top, width });
        },
      ],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < 2) return;
          const start = chart.posToVal(left, 'x') * 1000;
          const end = chart.posToVal(left + width, 'x') * 1000;
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          current.current.onZoom(start, end);
        },
      ],
    },
  };
  if (!useLocalTime)
    options.tzDate = (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC');
  return new uPlot(options, [times, ...columns] as uPlot.AlignedData, element);
}

function Tooltip({ hover, props }: { hover: Hover; props: TimeChartProps }): ReactNode {
  const { times, columns, useLocalTime, nameOf } = props;
  const value = columns[hover.series]?.[hover.step] ?? Number.NaN;
  const isRight = hover.left > hover.width / 2;
  const side = isRight
    ? { right: hover.width - hover.left + TOOLTIP_GAP_PX }
    : { left: hover.left + TOOLTIP_GAP_PX };
  return (
    <div className="chart-tooltip" style={{ top: Math.max(0, hover.top - 20), ...side }}>
      <div className="chart-tooltip-time num">
        {formatTime((times[hover.step] ?? 0) * 1000, useLocalTime)}
      </div>
      <div className="chart-tooltip-value num">
        <span className="swatch" style={{ background: seriesColor(hover.series) }} />
        {formatValue(value)}
      </div>
      {nameOf(hover.series)}
    </div>
  );
}

/** @param props `hidden`, `columns` and `times` are compared by identity */
export function TimeChart(props: TimeChartProps): ReactNode {
  const { times, columns, hidden, focused, stacked, yAxisMin, useLocalTime, height } = props;
  const { colorScheme } = useMantineColorScheme();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const current = useRef(props);
  current.current = props;
  const [hover, setHover] = useState<Hover>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: exactly what the picture depends on
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = createChart(
      current.current,
      element,
      (next) => {
        setHover(next);
        current.current.onHover(next?.step);
      },
      current,
    );
    chart.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [times, columns, hidden, stacked, yAxisMin, useLocalTime, height]);

  useLayoutEffect(() => {
    // The other scheme's colours are there only after the document has its attribute.
    if (colorScheme !== undefined) requestAnimationFrame(() => chart.current?.redraw(false));
  }, [colorScheme]);

  const focus = focused ?? undefined;
  useLayoutEffect(() => {
    const made = chart.current;
    if (made === undefined) return;
    if (focus === undefined) made.setSeries(null as unknown as number, { focus: false });
    else made.setSeries(focus + 1, { focus: true });
  }, [focus]);

  const move = (event: KeyboardEvent): void => {
    const made = chart.current;
    if (made === undefined || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
    event.preventDefault();
    const from = hover?.step ?? (event.key === 'ArrowLeft' ? times.length : -1);
    const step = Math.min(
      times.length - 1,
      Math.max(0, from + (event.key === 'ArrowLeft' ? -1 : 1)),
    );
    const top = hover?.top ?? made.over.clientHeight / 2;
    made.setCursor({ left: made.valToPos(times[step] ?? 0, 'x'), top });
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a canvas has no element of its own kind
    <div
      className="time-chart"
      role="group"
      aria-label={props.description}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move its cursor
      tabIndex={0}
      onKeyDown={move}
      style={{ height }}
    >
      <div ref={place} />
      {hover !== undefined && chart.current !== undefined && (
        <div
          className="chart-over"
          style={{
            left: chart.current.over.offsetLeft,
            top: chart.current.over.offsetTop,
            width: hover.width,
          }}
        >
          <Tooltip hover={hover} props={props} />
        </div>
      )}
    </div>
  );
}
