// SPDX-License-Identifier: Apache-2.0
// The state of the query page as URL parameters, in upstream's names (`g0.expr`, `g0.tab`, …): links from
// alerts, dashboards and old bookmarks open what they mean.

import { DurationError, formatDuration, parseDuration } from '../../../src/model/index.ts';
import { formatTime, parseTimeText } from '../../shared/format/times.ts';

export type PanelTab = 'table' | 'graph' | 'explain';
export type Density = 'low' | 'medium' | 'high';

export type Resolution =
  | { readonly type: 'auto'; readonly density: Density }
  | { readonly type: 'fixed' | 'custom'; readonly stepMs: number };

export interface PanelSettings {
  /** As last executed. */
  readonly expr: string;
  readonly showTree: boolean;
  readonly tab: PanelTab;
  /** End of the graph and evaluation time of the table; undefined is now. */
  readonly endMs: number | undefined;
  readonly rangeMs: number;
  readonly resolution: Resolution;
  readonly stacked: boolean;
  /** 0 starts the axis at zero; undefined fits it to the data. */
  readonly yAxisMin: number | undefined;
  readonly showExemplars: boolean;
}

export const defaultSettings: PanelSettings = {
  expr: '',
  showTree: false,
  tab: 'table',
  endMs: undefined,
  rangeMs: 3_600_000,
  resolution: { type: 'auto', density: 'medium' },
  stacked: false,
  yAxisMin: undefined,
  showExemplars: false,
};

/** More panels than anybody looks at; each is a query at load. */
export const PANELS_MAX = 64;

function durationOr(text: string | null, otherwise: number): number {
  if (text === null) return otherwise;
  try {
    const ms = parseDuration(text);
    return ms > 0 ? ms : otherwise;
  } catch (error) {
    if (error instanceof DurationError) return otherwise;
    throw error;
  }
}

const isDensity = (text: string | null): text is Density =>
  text === 'low' || text === 'medium' || text === 'high';

function decodeResolution(get: (key: string) => string | null): Resolution {
  const type = get('res_type');
  const stepMs = Math.round(Number(get('res_step')) * 1000);
  if ((type === 'fixed' || type === 'custom') && stepMs > 0) return { type, stepMs };
  const density = get('res_density');
  if (type === 'auto' || isDensity(density)) {
    return { type: 'auto', density: isDensity(density) ? density : 'medium' };
  }
  const legacyMs = Math.round(Number(get('step_input')) * 1000);
  if (legacyMs > 0) return { type: 'custom', stepMs: legacyMs };
  return defaultSettings.resolution;
}

/** 0 and 1 are of the pages before 3.0. */
function decodeTab(tab: string | null): PanelTab {
  if (tab === 'graph' || tab === '0') return 'graph';
  return tab === 'explain' ? 'explain' : 'table';
}

function decodePanel(get: (key: string) => string | null): PanelSettings {
  const time = get('end_input') ?? get('moment_input');
  const yAxisMin = get('y_axis_min');
  return {
    expr: get('expr') ?? '',
    showTree: get('show_tree') === '1',
    tab: decodeTab(get('tab')),
    endMs: time === null ? undefined : parseTimeText(time),
    rangeMs: durationOr(get('range_input'), defaultSettings.rangeMs),
    resolution: decodeResolution(get),
    stacked: get('display_mode') === 'stacked' || get('stacked') === '1',
    yAxisMin:
      yAxisMin === null || yAxisMin === '' || !Number.isFinite(Number(yAxisMin))
        ? undefined
        : Number(yAxisMin),
    showExemplars: get('show_exemplars') === '1',
  };
}

/** The panels of a location's `search`; none when it has no `g0.expr`. Unreadable values are defaults. */
export function decodePanels(search: string): PanelSettings[] {
  const parameters = new URLSearchParams(search);
  const panels: PanelSettings[] = [];
  while (panels.length < PANELS_MAX) {
    const prefix = `g${panels.length}.`;
    if (!parameters.has(`${prefix}expr`)) break;
    panels.push(decodePanel((key) => parameters.get(prefix + key)));
  }
  return panels;
}

function* panelParameters(panel: PanelSettings): Generator<readonly [string, string]> {
  yield ['expr', panel.expr];
  if (panel.showTree) yield ['show_tree', '1'];
  yield ['tab', panel.tab];
  if (panel.endMs !== undefined) {
    const time = formatTime(panel.endMs);
    yield ['end_input', time];
    yield ['moment_input', time];
  }
  yield ['range_input', formatDuration(panel.rangeMs)];
  const { resolution } = panel;
  if (resolution.type !== 'auto') {
    yield ['res_type', resolution.type];
    yield ['res_step', String(resolution.stepMs / 1000)];
  } else if (resolution.density !== 'medium') {
    yield ['res_type', 'auto'];
    yield ['res_density', resolution.density];
  }
  if (panel.stacked) yield ['display_mode', 'stacked'];
  if (panel.yAxisMin !== undefined) yield ['y_axis_min', String(panel.yAxisMin)];
  if (panel.showExemplars) yield ['show_exemplars', '1'];
}

/** The parameters, without `?`. What has its default and is not always looked for is left out. */
export function encodePanels(panels: readonly PanelSettings[]): string {
  const parameters = new URLSearchParams();
  panels.forEach((panel, i) => {
    for (const [key, value] of panelParameters(panel)) parameters.append(`g${i}.${key}`, value);
  });
  return parameters.toString();
}

/** The path, below the prefix, of the query page with one expression. */
export const queryLink = (expr: string, tab: PanelTab = 'table'): string =>
  `/query?${encodePanels([{ ...defaultSettings, expr, tab }])}`;
