// SPDX-License-Identifier: Apache-2.0
// One row of a range vector function whose samples are not simply floats, or whose range is extended.

import type { WindowPlan } from '../plan/nodes.ts';
import { type Cells, Presence, putHistogram } from './batch.ts';
import { anchoredTransitions, extendedRate } from './extended-windows.ts';
import type { Notes } from './histogram-values.ts';
import {
  type MixedResult,
  type MixedSamples,
  extrapolatedMixed,
  kindsIn,
  lastTwoMixed,
  summedMixed,
  transitionsMixed,
} from './mixed-windows.ts';
import { type WindowFunction, type Windows, slideWindows } from './windows.ts';

/** They look at times and presence only, whatever the samples are. */
const indifferent: ReadonlySet<string> = new Set([
  'count_over_time',
  'present_over_time',
  'absent_over_time',
  'ts_of_first_over_time',
  'ts_of_last_over_time',
]);

/** Whose results start timestamps change. */
const usesStartTimes: ReadonlySet<string> = new Set(['rate', 'increase', 'irate', 'resets']);

/** Samples of a row with what is needed to evaluate it. */
export interface MixedRow extends MixedSamples {
  readonly windows: Windows;
  readonly func: WindowFunction;
  readonly lookbackMs: number;
  readonly notes: Notes;
}

/** Whether the plain loops over floats are not enough for a row. */
export function needsMixed(
  plan: WindowPlan,
  { histograms, startTimes }: Pick<MixedSamples, 'histograms' | 'startTimes'>,
): boolean {
  if (histograms !== undefined) return true;
  const { range } = plan;
  if (range.kind === 'samples' && (range.anchored || range.smoothed)) return true;
  return startTimes !== undefined && usesStartTimes.has(plan.func);
}

function put(cells: Cells, at: number, result: MixedResult): void {
  if (typeof result === 'object') {
    putHistogram(cells, at, result);
    return;
  }
  cells.present[at] = result === undefined ? Presence.none : Presence.float;
  if (result !== undefined) cells.values[at] = result;
}

/** Evaluates each window by itself. */
function eachWindow(
  { windows }: MixedRow,
  cells: Cells,
  offset: number,
  evaluate: (first: number, end: number, k: number) => MixedResult,
): void {
  for (let k = 0; k < windows.refs.count; k++) {
    const first = windows.lo[k]!;
    const end = windows.hi[k]!;
    // A histogram costs as much as many numbers.
    windows.work.add((end - first) * 16);
    put(cells, offset + k, evaluate(first, end, k));
  }
}

const boundsOf = ({ refs, rangeMs }: Windows, k: number) => {
  const endMs = refs.refMs + k * refs.stepMs;
  return { startMs: endMs - rangeMs, endMs };
};

/** The windows widened by what lies around an extended range. */
function widened(row: MixedRow, smoothed: boolean): MixedRow {
  const { windows, lookbackMs } = row;
  const after = smoothed ? lookbackMs : 0;
  const wide = {
    ...windows,
    refs: { ...windows.refs, refMs: windows.refs.refMs + after },
    rangeMs: windows.rangeMs + lookbackMs + after,
  };
  slideWindows(wide);
  return { ...row, windows: wide };
}

function extendedRow(plan: WindowPlan, row: MixedRow, cells: Cells, offset: number): void {
  const { range, func } = plan;
  const smoothed = range.kind === 'samples' && range.smoothed;
  const wide = widened(row, smoothed);
  const bounds = (k: number) => boundsOf(row.windows, k);
  if (func === 'resets' || func === 'changes') {
    eachWindow(wide, cells, offset, (first, end, k) =>
      anchoredTransitions(row, first, end, bounds(k).startMs, func),
    );
    return;
  }
  const kind = { isCounter: func !== 'delta', isRate: func === 'rate', smoothed };
  eachWindow(wide, cells, offset, (first, end, k) =>
    extendedRate(row, first, end, bounds(k), kind, row.notes),
  );
}

/** Only the floats of a row count; that histograms were there is told where floats are, too. */
function floatsOnly(row: MixedRow, cells: Cells, offset: number): void {
  const { windows, histograms, notes } = row;
  const kept: number[] = [];
  for (let i = 0; i < windows.count; i++) if (histograms?.[i] === undefined) kept.push(i);
  const floats: Windows = {
    ...windows,
    times: Float64Array.from(kept, (i) => row.times[i]!),
    values: Float64Array.from(kept, (i) => row.values[i]!),
    count: kept.length,
    lo: new Int32Array(windows.refs.count),
    hi: new Int32Array(windows.refs.count),
    memory: undefined,
  };
  slideWindows(floats);
  row.func.evaluate(floats, cells.values, cells.present, offset);
  for (let k = 0; k < windows.refs.count; k++) {
    const kinds = kindsIn(row, windows.lo[k]!, windows.hi[k]!);
    if (kinds.floats === 0 || kinds.histograms === 0) continue;
    notes.annotations.histogramIgnoredInMixedRange(notes.metricName(), notes.position);
    return;
  }
}

/** Evaluates `row` into the cells from `offset` on. */
export function evaluateMixedRow(
  plan: WindowPlan,
  row: MixedRow,
  cells: Cells,
  offset: number,
): void {
  const { windows, notes, histograms } = row;
  const { func, range } = plan;
  if (range.kind === 'samples' && (range.anchored || range.smoothed)) {
    extendedRow(plan, row, cells, offset);
    return;
  }
  const each = (evaluate: (first: number, end: number, k: number) => MixedResult): void =>
    eachWindow(row, cells, offset, evaluate);
  switch (func) {
    case 'rate':
    case 'increase':
    case 'delta': {
      const kind = { isCounter: func !== 'delta', isRate: func === 'rate' };
      each((first, end, k) =>
        extrapolatedMixed(row, first, end, boundsOf(windows, k), kind, notes),
      );
      return;
    }
    case 'irate':
    case 'idelta':
      each((first, end) => lastTwoMixed(row, first, end, func === 'irate', notes));
      return;
    case 'resets':
    case 'changes':
      each((first, end) => transitionsMixed(row, first, end, func));
      return;
    case 'sum_over_time':
    case 'avg_over_time': {
      row.func.evaluate(windows, cells.values, cells.present, offset);
      const kind = func === 'sum_over_time' ? 'sum' : 'avg';
      each((first, end, k) => {
        if (end <= first) return undefined;
        if (kindsIn(row, first, end).histograms === 0) return cells.values[offset + k]!;
        return summedMixed(row, first, end, kind, notes);
      });
      return;
    }
    case 'first_over_time':
    case 'last_over_time':
      each((first, end) => {
        if (end <= first) return undefined;
        const i = func === 'first_over_time' ? first : end - 1;
        return histograms?.[i] ?? row.values[i]!;
      });
      return;
    default:
      if (indifferent.has(func)) row.func.evaluate(windows, cells.values, cells.present, offset);
      else floatsOnly(row, cells, offset);
  }
}
